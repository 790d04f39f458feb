"""Receptive fields against published numbers, against gradients, and against deliberate bugs."""

from __future__ import annotations

import math
import warnings
from fractions import Fraction

import numpy as np
import pytest
import torch
import torchvision
from torch import nn

from texshape.models import bagnet, small, trainable
from texshape.receptive_field import theoretical
from texshape.receptive_field.architectures import measured, published
from texshape.receptive_field.effective import influence
from texshape.receptive_field.interval import Interval
from texshape.receptive_field.square import square_side
from texshape.receptive_field.theoretical import trace


def build(name: str) -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torchvision.models.get_model(name, weights=None).eval()


def linear_twin(module: nn.Module) -> nn.Module:
    """Make a network linear with positive weights, so that no gradient cancels or is cut off.

    Maximum pooling passes one gradient only: it becomes an average with the same geometry.
    """
    for name, child in module.named_children():
        if isinstance(child, nn.ReLU | nn.ReLU6 | nn.SiLU):
            setattr(module, name, nn.Identity())
        elif isinstance(child, nn.MaxPool2d):
            twin = nn.AvgPool2d(child.kernel_size, child.stride, child.padding, child.ceil_mode)
            setattr(module, name, twin)
        else:
            linear_twin(child)
    for parameter in module.parameters(recurse=False):
        parameter.data.fill_(1 / parameter[0].numel() if parameter.ndim > 1 else 1.0)
    return module.double().eval()


def gradient_box(module: nn.Module, stage: str, size: int) -> tuple[list[tuple[int, int]], int]:
    """Rows and columns that the centre unit's gradient reaches, and the unit's position."""
    images = torch.ones(1, 3, size, size, dtype=torch.float64, requires_grad=True)
    held = []
    hook = module.get_submodule(stage).register_forward_hook(lambda *a: held.append(a[2]))
    module(images)
    hook.remove()
    centre = held[0].shape[2] // 2
    (gradient,) = torch.autograd.grad(held[0][0, :, centre, centre].sum(), images)
    reached = gradient[0].abs().sum(0) > 0
    box = []
    for axis in (1, 0):
        positions = torch.nonzero(reached.any(axis))[:, 0]
        box.append((int(positions[0]), int(positions[-1])))
    return box, centre


def assert_agrees(module: nn.Module, stages: dict[str, str], size: int) -> None:
    fields = trace(module, stages, image_size=size).stages
    twin = linear_twin(module)
    for stage, name in stages.items():
        box, centre = gradient_box(twin, name, size)
        for found, axis in zip(box, (fields[stage].y, fields[stage].x), strict=True):
            start, end = axis.at(centre)
            assert found == (max(start, 0), min(end, size - 1)), stage


@pytest.mark.parametrize(
    ("name", "side"), [("alexnet", 195), ("vgg16", 212), ("resnet18", 435), ("resnet50", 427)]
)
def test_published_answers_at_the_last_map(name: str, side: int) -> None:
    for image_size in (224, 256):  # at 256 the pooling of AlexNet and VGG is truly adaptive
        field = trace(build(name), {}, image_size=image_size).last
        assert (field.theoretical, field.reason) == (side, "")


def test_alexnet_layer_by_layer() -> None:
    # RECEPTIVE_FIELD_TABLE.md of google-research/receptive_field; torchvision's kernels and strides
    # are the same. Layers 2 and 5 are maximum poolings, the even ones from 6 on convolutions.
    layers = {"0": 11, "2": 19, "3": 51, "5": 67, "6": 99, "8": 131, "10": 163, "12": 195}
    stages = {key: f"features.{key}" for key in layers}
    fields = trace(build("alexnet"), stages, image_size=224).stages
    assert {key: field.size for key, field in fields.items()} == layers


def test_resnet_stages_follow_the_recursion() -> None:
    # Stem: 7x7 of stride 2 (7), pooling 3 of stride 2 (11); then 3x3 at the current jump.
    side, jump, expected = 11, 4, {}
    for stage, first in (("stage1", 1), ("stage2", 2), ("stage3", 2), ("stage4", 2)):
        for stride in (first, 1, 1, 1):
            side, jump = side + 2 * jump, jump * stride
        expected[stage] = side
    stages = {f"stage{i}": f"layer{i}" for i in (1, 2, 3, 4)}
    fields = trace(build("resnet18"), stages, image_size=224).stages
    assert {stage: field.size for stage, field in fields.items()} == expected
    assert expected["stage4"] == 435
    assert [fields[f"stage{i}"].x.jump for i in (1, 2, 3, 4)] == [4, 8, 16, 32]


def test_published_table_is_met_where_the_same_network_exists() -> None:
    table = measured().dropna(subset=["receptive_field", "texshape"]).set_index("architecture")
    assert len(table) >= 6
    assert (table["receptive_field"] == table["texshape"]).all()
    assert table.loc["inception_resnet_v2", "texshape"] == 3039


def test_torchvision_accuracies_are_those_of_its_weights() -> None:
    table = published()
    for _, row in table[table["library"] == "torchvision"].iterrows():
        meta = torchvision.models.get_model_weights(row["architecture"])["IMAGENET1K_V1"].meta
        assert row["top1"] == pytest.approx(meta["_metrics"]["ImageNet-1K"]["acc@1"] / 100)
        assert row["multiply_adds"] == pytest.approx(meta["_ops"])


def test_gradient_agrees_for_resnet18() -> None:
    # 480 px hold the whole field of 435 of the unit in the middle.
    network = build("resnet18")
    network.fc = nn.Identity()
    fields = trace(network, {"stage4": "layer4"}, image_size=480).stages
    assert fields["stage4"].y.at(7) == (7, 441)
    assert_agrees(network, {f"stage{i}": f"layer{i}" for i in (1, 4)}, 480)


@pytest.mark.parametrize("architecture", ["cnn", "rf9", "rf17", "rf33"])
def test_gradient_agrees_for_our_networks(architecture: str) -> None:
    network = trainable.build(architecture, 12, seed=0).eval()
    assert_agrees(network, dict(network.stages), 96)
    size = trace(network, network.stages, image_size=48).last.size
    assert size == {"cnn": 45, "rf9": 9, "rf17": 17, "rf33": 33}[architecture]


class Branches(nn.Module):
    """Paths of different offsets: dilation, one-sided padding, order of strides, upsampling."""

    def __init__(self) -> None:
        super().__init__()
        self.dilated = nn.Conv2d(3, 4, 3, dilation=3, padding=3)
        self.shifted = nn.Sequential(nn.ZeroPad2d((4, 0, 0, 4)), nn.Conv2d(3, 4, 5))
        self.early = nn.Sequential(
            nn.Conv2d(8, 4, 3, stride=2, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        )
        self.late = nn.Sequential(nn.Conv2d(8, 4, 5, padding=2), nn.AvgPool2d(2, 2))
        self.coarse = nn.Sequential(
            nn.Conv2d(4, 4, 3, stride=2, padding=1), nn.Upsample(scale_factor=2, mode="bilinear")
        )
        self.end = nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.cat([self.dilated(x), self.shifted(x)], dim=1)
        x = self.early(x) + self.late(x)
        return self.end(x + self.coarse(x)).mean((2, 3))


def test_gradient_agrees_on_every_kind_of_path() -> None:
    assert_agrees(Branches().eval(), {"end": "end", "early": "early", "late": "late"}, 96)


@pytest.mark.parametrize("mode", ["nearest", "bilinear", "bicubic"])
@pytest.mark.parametrize("scale", [2, 3])
def test_gradient_agrees_at_every_phase_of_an_upsampling(mode: str, scale: int) -> None:
    network = nn.Sequential(
        nn.Conv2d(3, 2, 3, stride=2, padding=1), nn.Upsample(scale_factor=scale, mode=mode)
    )
    axis = trace(network, {"end": "1"}, image_size=48).stages["end"].y
    assert axis.jump == Fraction(2, scale)
    twin = linear_twin(network)
    images = torch.ones(1, 3, 48, 48, dtype=torch.float64, requires_grad=True)
    output = twin(images)
    for position in range(18, 18 + 2 * scale):
        (gradient,) = torch.autograd.grad(output[0, 0, position, 20], images, retain_graph=True)
        rows = torch.nonzero(gradient[0].abs().sum((0, 2)) > 0)[:, 0]
        assert (int(rows[0]), int(rows[-1])) == axis.at(position)


def test_transposed_convolution_agrees_with_its_gradient() -> None:
    network = nn.Sequential(
        nn.Conv2d(3, 2, 3, stride=2, padding=1), nn.ConvTranspose2d(2, 2, 4, stride=2, padding=1)
    )
    axis = trace(network, {"end": "1"}, image_size=48).stages["end"].y
    images = torch.ones(1, 3, 48, 48, dtype=torch.float64, requires_grad=True)
    output = linear_twin(network)(images)
    for position in (20, 21):
        (gradient,) = torch.autograd.grad(output[0, 0, position, 20], images, retain_graph=True)
        rows = torch.nonzero(gradient[0].abs().sum((0, 2)) > 0)[:, 0]
        assert (int(rows[0]), int(rows[-1])) == axis.at(position)


# -- what is global -------------------------------------------------------------------------------


def test_transformers_are_global() -> None:
    stages = {"patches": "conv_proj", "first": "encoder.layers.encoder_layer_0"}
    traced = trace(build("vit_b_16"), stages, image_size=224)
    assert traced.stages["patches"].theoretical == 16
    assert traced.stages["first"].theoretical == "global"
    assert traced.last.theoretical == "global"
    swin = trace(build("swin_t"), {"patches": "features.0", "first": "features.1"}, image_size=224)
    assert swin.stages["patches"].theoretical == 4
    assert swin.stages["first"].theoretical == swin.last.theoretical == "global"


class Excited(nn.Module):
    """A convolution whose channels are scaled, or shifted, by a value pooled over the image."""

    def __init__(self, multiply: bool) -> None:
        super().__init__()
        self.multiply = multiply
        self.convolution = nn.Conv2d(3, 4, 3)
        self.squeeze = nn.Conv2d(4, 4, 1)
        self.end = nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.convolution(x)
        pooled = self.squeeze(x.mean((2, 3), keepdim=True))
        return self.end(x * pooled.sigmoid() if self.multiply else x + pooled).mean((2, 3))


def test_squeeze_and_excitation_is_global_and_its_local_path_known() -> None:
    gated = trace(Excited(multiply=True), {"end": "end"}, image_size=32).stages["end"]
    assert (gated.theoretical, gated.size) == ("global", 3)
    assert "pooling over space" in gated.reason
    added = trace(Excited(multiply=False), {"end": "end"}, image_size=32).stages["end"]
    assert (added.theoretical, added.size) == ("global", None)
    network = trace(build("efficientnet_b0"), {}, image_size=224).last
    assert (network.theoretical, network.size) == ("global", 851)


def test_statistics_over_space_are_global() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.GroupNorm(2, 4))
    field = trace(network, {"end": "1"}, image_size=32).stages["end"]
    assert (field.theoretical, field.size, field.reason) == (
        "global",
        3,
        "normalisation over space",
    )
    batch = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))  # local: statistics are frozen
    assert trace(batch, {"end": "1"}, image_size=32).stages["end"].theoretical == 3


def test_paths_whose_strides_differ_are_not_guessed() -> None:
    class Unaligned(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.strided = nn.Conv2d(3, 4, 3, stride=2)
            self.plain = nn.Conv2d(3, 4, 17)
            self.end = nn.Identity()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.end(self.strided(x)[:, :, :15, :15] + self.plain(x)[:, :, :15, :15])

    field = trace(Unaligned(), {"end": "end"}, image_size=33).stages["end"]
    assert field.theoretical is None
    assert "strides" in field.reason


# -- BagNets --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "side"), [("bagnet9", 9), ("bagnet17", 17), ("bagnet33", 33)])
def test_bagnets_see_patches_of_their_name(name: str, side: int) -> None:
    network = bagnet.build(name, classes=10, width=0.125, seed=0).eval()
    assert trace(network, {}, image_size=96).last.theoretical == side
    box, _ = gradient_box(linear_twin(network), "layer4", 96)
    assert [end - start + 1 for start, end in box] == [side, side]


def test_bagnet_parameters_are_those_of_the_architecture() -> None:
    # Counted by hand: bottlenecks of 1x1, k x k, 1x1 with their batch norms, and projections.
    counts = {}
    for name, blocks_3x3 in bagnet.BLOCKS_3X3.items():
        total = 3 * 64 + 64 * 64 * 9 + 2 * 64
        channels = 64
        for i, blocks in enumerate((3, 4, 6, 3)):
            width = 64 * 2**i
            for block in range(blocks):
                kernel = 9 if block < blocks_3x3[i] else 1
                total += channels * width + width**2 * kernel + 4 * width**2 + 2 * 6 * width
                if block == 0:
                    total += channels * 4 * width + 2 * 4 * width
                channels = 4 * width
        counts[name] = total + 2048 * 1000 + 1000
        network = bagnet.build(name)
        assert sum(parameter.numel() for parameter in network.parameters()) == counts[name]
    assert counts == {"bagnet9": 15_688_744, "bagnet17": 16_213_032, "bagnet33": 18_310_184}
    names = set(bagnet.bagnet33().state_dict())
    assert {
        "conv2.weight",
        "layer4.2.conv3.weight",
        "layer1.0.downsample.1.weight",
        "fc.bias",
    } <= names


@pytest.mark.parametrize("name", ["bagnet17", "rf17", "cnn", "resnet18"])
def test_evidence_averages_exactly_to_the_logit(name: str) -> None:
    generator = torch.Generator().manual_seed(0)
    if name in small.ARCHITECTURES:
        network = trainable.build(name, 12, seed=0)
    else:
        network = bagnet.build(name, width=0.25, seed=0) if "bag" in name else build(name)
    network = network.double().eval()
    images = torch.randn(2, 3, 64, 64, generator=generator, dtype=torch.float64)
    evidence = bagnet.evidence_map(network, images)
    assert evidence.ndim == 4
    assert evidence.shape[2] > 1
    torch.testing.assert_close(evidence.mean((2, 3)), network(images), rtol=1e-12, atol=1e-12)


def test_evidence_is_local() -> None:
    network = bagnet.build("bagnet9", classes=5, width=0.25, seed=0).double().eval()
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(1, 3, 64, 64, generator=generator, dtype=torch.float64)
    changed = images.clone()
    changed[:, :, 40:, 40:] = 0
    axis = trace(network, {}, image_size=64).last.y
    difference = bagnet.evidence_map(network, images) - bagnet.evidence_map(network, changed)
    reached = difference.abs().amax(dim=(0, 1)) > 0
    sees = torch.tensor([axis.at(p)[1] >= 40 for p in range(len(reached))])
    assert torch.equal(reached, sees[:, None] & sees[None, :])


# -- the effective field --------------------------------------------------------------------------


def test_square_of_known_maps() -> None:
    uniform = np.zeros((41, 41))
    uniform[15:26, 15:26] = 1  # 11 x 11 around (20, 20)
    assert square_side(uniform, (20, 20)) == 11  # 9 x 9 hold 67 %
    assert square_side(uniform, (20, 20), mass=0.6) == 9
    even = np.zeros((40, 40))
    even[16:24, 16:24] = 1  # 8 x 8, centred between pixels
    assert square_side(even, (19.5, 19.5)) == 8
    assert square_side(np.zeros((5, 5)), (2, 2)) is None


def test_effective_field_of_a_gaussian() -> None:
    # Luo et al.: n layers of 3x3 with equal weights tend to a Gaussian of variance 2n/3; a square
    # holds 95 % where each axis holds sqrt(0.95).
    network = linear_twin(
        nn.Sequential(
            *[nn.Conv2d(3 if i == 0 else 1, 1, 3, padding=1, bias=False) for i in range(12)]
        )
    )
    found = influence(network, {"end": "11"}, [torch.rand(2, 3, 65, 65, dtype=torch.float64)])[
        "end"
    ]
    weights = np.array([1.0])
    for _ in range(12):
        weights = np.convolve(weights, np.ones(3) / 3)
    half = next(k for k in range(13) if weights[12 - k : 13 + k].sum() ** 2 >= 0.95)
    assert found.side() == 2 * half + 1 == 13
    assert found.side() < trace(network, {"end": "11"}, image_size=65).stages["end"].size == 25
    sigma = math.sqrt(12 * 2 / 3)
    assert found.side() == pytest.approx(2 * 2.236 * sigma, abs=1.5)


class Sign(nn.Module):
    """Its gradient is +1 or -1, by the sign of the image."""

    def __init__(self) -> None:
        super().__init__()
        self.end = nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.end(x * x.mean((1, 2, 3), keepdim=True).sign())


def test_gradients_of_opposite_sign_do_not_cancel() -> None:
    images = torch.ones(2, 3, 9, 9)
    images[1] *= -1
    found = influence(Sign(), {"end": "end"}, [images])["end"]
    assert found.map is not None
    assert found.map.sum() == pytest.approx(3.0)  # one pixel of three channels, mean of two images
    assert found.side() == 1


def test_field_of_a_stage_without_a_map_is_marked() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4 * 36, 2))
    found = influence(network, {"end": "2"}, [torch.rand(1, 3, 8, 8)])["end"]
    assert found.map is None
    assert found.side() is None
    assert "no spatial map" in found.reason


# -- deliberate bugs: each must make a known answer above fail -------------------------------------


def test_bug_main_path_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where paths meet, only the first (the block's own) is kept."""
    monkeypatch.setattr(Interval, "union", lambda self, other: self)
    with pytest.raises(AssertionError):
        assert_agrees(Branches().eval(), {"end": "end"}, 96)


def test_bug_padding_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Padding does not move the interval: sizes of single paths stay right, positions do not."""
    right = Interval.window
    monkeypatch.setattr(Interval, "window", lambda self, k, s=1, p=0, d=1: right(self, k, s, 0, d))
    with pytest.raises(AssertionError):
        assert_agrees(trainable.build("cnn", 12, seed=0).eval(), {"stage3": "stage3"}, 96)


def test_bug_dilation_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Interval.window
    monkeypatch.setattr(Interval, "window", lambda self, k, s=1, p=0, d=1: right(self, k, s, p, 1))
    with pytest.raises(AssertionError):
        assert_agrees(Branches().eval(), {"end": "end"}, 96)


def test_bug_gates_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """A product counts the local factor alone."""
    right = theoretical._meet

    def local_only(seen: list, dimensions: int, *, multiplicative: bool):
        return right(
            seen[:1] if multiplicative else seen, dimensions, multiplicative=multiplicative
        )

    monkeypatch.setattr(theoretical, "_meet", local_only)
    with pytest.raises(AssertionError):
        test_squeeze_and_excitation_is_global_and_its_local_path_known()


def test_bug_signed_gradients(monkeypatch: pytest.MonkeyPatch) -> None:
    """The absolute value is taken after the mean over images instead of before."""
    monkeypatch.setattr(torch.Tensor, "abs", lambda self: self)
    with pytest.raises(AssertionError):
        test_gradients_of_opposite_sign_do_not_cancel()
