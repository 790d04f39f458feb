"""Stages of many kinds of networks, with random weights."""

from __future__ import annotations

from collections import OrderedDict

import pytest
import torch
from torch import nn

from texshape.errors import InputError
from texshape.models.loading import load
from texshape.models.stages import captured, find_stages, layout, resolve

# network, last stage, its submodule, (kind, units, side), number of stages
NETWORKS = [
    ("torchvision:resnet18", "stage4", "layer4", ("map", 512, 7), 5),
    ("torchvision:alexnet", "stage3", "features.12", ("map", 256, 6), 4),
    ("torchvision:densenet121", "stage4", "features.denseblock4", ("map", 1024, 7), 5),
    ("torchvision:mobilenet_v3_small", "stage5", "features.12", ("map", 576, 7), 5),
    ("torchvision:efficientnet_b0", "stage5", "features.8", ("map", 1280, 7), 5),
    ("torchvision:convnext_tiny", "stage4", "features.7", ("map", 768, 7), 4),
    ("torchvision:regnet_y_400mf", "stage4", "trunk_output.block4", ("map", 440, 7), 5),
    ("torchvision:squeezenet1_1", "stage3", "features.12", ("map", 512, 13), 4),
    ("torchvision:googlenet", "stage5", "inception5b", ("map", 1024, 7), 5),
    ("torchvision:swin_t", "stage4", "features.7", ("map_last", 768, 7), 4),
    ("torchvision:vit_b_32", "block12", "encoder.layers.encoder_layer_11", ("tokens", 768, 7), 12),
    ("timm:resnet10t", "stage4", "layer4", ("map", 512, 6), 5),
    ("timm:convnext_atto", "stage4", "stages.3", ("map", 320, 7), 4),
    ("timm:efficientnet_lite0", "stage5", "blocks.6", ("map", 320, 7), 5),
    ("timm:mobilenetv4_conv_small", "stage4", "blocks.4", ("map", 960, 7), 5),
    ("timm:vit_tiny_patch16_224", "block12", "blocks.11", ("tokens", 192, 14), 12),
    ("timm:deit_tiny_distilled_patch16_224", "block12", "blocks.11", ("tokens", 192, 14), 12),
    ("timm:resmlp_12_224", "block12", "blocks.11", ("tokens", 384, 14), 12),
]


@pytest.mark.parametrize(("name", "last", "submodule", "form", "count"), NETWORKS)
def test_stages_of_known_networks(name, last, submodule, form, count):
    network = load(name, weights=False)
    assert list(network.stages)[-1] == last
    assert network.stages[last] == submodule
    assert len(network.stages) == count
    images = torch.zeros(1, 3, network.input_size, network.input_size)
    with captured(network.module, network.stages) as outputs, torch.inference_mode():
        network.module(images)
    forms = {
        stage: layout(network.module, network.stages[stage], tensor.shape)
        for stage, tensor in outputs.items()
    }
    assert (forms[last].kind, forms[last].units, forms[last].height) == form
    sides = [forms[stage].height for stage in network.stages]
    assert sides == sorted(sides, reverse=True)
    if forms[last].kind != "tokens":
        assert len(set(sides)) == count  # each stage is another scale


def test_lite_stages():
    pytest.importorskip("efficientnet_lite_pytorch")
    network = load("efficientnet_lite_pytorch:efficientnet-lite0", weights=False)
    assert list(network.stages.values()) == [
        f"_blocks.{block}" for block in (0, 2, 4, 10, 15)
    ]  # the last block before each of the strides


def test_own_stages_come_first():
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
    module.stages = {"only": "1"}
    assert find_stages(module.eval(), 16) == {"only": "1"}


def test_a_wrapped_backbone_is_opened():
    class Backbone(nn.Module):
        def __init__(self):
            super().__init__()
            self.one = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2, padding=1), nn.BatchNorm2d(4))
            self.two = nn.Sequential(nn.Conv2d(4, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8))
            self.three = nn.Sequential(nn.Conv2d(8, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8))

        def forward(self, x):
            return self.three(self.two(self.one(x)))

    class Wrapper(nn.Module):
        def __init__(self):
            super().__init__()
            self.backbone = Backbone()
            self.head = nn.Linear(8, 5)

        def forward(self, x):
            return self.head(self.backbone(x).mean((2, 3)))

    class Pooled(Backbone):
        def forward(self, x):
            return super().forward(x).mean((2, 3))

    scales = ["backbone.one", "backbone.two", "backbone.three"]
    assert list(find_stages(Wrapper().eval(), 32).values()) == scales
    pooled = nn.Sequential(OrderedDict(backbone=Pooled(), head=nn.Linear(8, 5)))
    assert list(find_stages(pooled.eval(), 32).values()) == scales


def test_unpadded_convolutions_are_no_scales_of_their_own():
    layers = [nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3), nn.ReLU()]
    layers += [nn.MaxPool2d(2), nn.Conv2d(4, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 4, 3)]
    found = find_stages(nn.Sequential(*layers).eval(), 64)
    assert list(found.values()) == ["3", "6", "8"]


def test_class_tokens_by_network():
    class WithRegisters(nn.Module):
        num_prefix_tokens = 5
        cls_token = torch.zeros(1)

    class RegistersOnly(WithRegisters):
        num_prefix_tokens = 4
        cls_token = None

    shape = (1, 5 + 49, 8)
    form = layout(WithRegisters(), "x", shape)
    assert (form.prefix, form.class_token, form.height) == (5, True, 7)
    form = layout(RegistersOnly(), "x", (1, 4 + 49, 8))
    assert (form.prefix, form.class_token, form.height) == (4, False, 7)
    form = layout(nn.Module(), "x", (1, 50, 8))
    assert (form.prefix, form.class_token, form.height) == (1, True, 7)
    form = layout(WithRegisters(), "x", (1, 49, 8))  # before the class token joins
    assert (form.prefix, form.class_token, form.height) == (0, False, 7)


def test_finding_stages_moves_no_random_state_and_no_statistics():
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5)).eval()
    before = torch.random.get_rng_state()
    find_stages(module, 16)
    assert torch.equal(before, torch.random.get_rng_state())
    assert module[1].num_batches_tracked == 0


def test_user_named_stages_and_their_errors():
    network = load("torchvision:resnet18", weights=False)
    wanted = resolve(network.module, network.stages, ["stage1", "layer3.0.conv1"])
    assert wanted == {"stage1": "layer1", "layer3.0.conv1": "layer3.0.conv1"}
    with pytest.raises(InputError, match="did you mean") as caught:
        resolve(network.module, network.stages, ["layer5"])
    assert "stem, stage1, stage2, stage3, stage4" in str(caught.value)
    assert "'layer4'" in str(caught.value)
    with pytest.raises(InputError, match="stem, stage1"):
        resolve(network.module, network.stages, ["zzzzzzzzzz"])


def test_a_layer_that_stands_in_two_places_is_no_error():
    """CoaT's blocks share their position encoding: it stands below the name of each."""

    class Shared(nn.Module):
        def __init__(self):
            super().__init__()
            layer = nn.Sequential(nn.Conv2d(3, 3, 3, 1, 1), nn.ReLU())
            self.first = layer
            self.blocks = nn.ModuleList(
                [layer, *(nn.Sequential(nn.Conv2d(3, 3, 3, 2, 1), nn.ReLU()) for _ in range(3))]
            )

        def forward(self, x):
            x = self.first(x)
            for block in self.blocks[1:]:
                x = block(x)
            return x

    assert find_stages(Shared().eval(), 64) == {
        "stage1": "first", "stage2": "blocks.1", "stage3": "blocks.2", "stage4": "blocks.3"
    }  # fmt: skip
