"""Receptive fields against published numbers, against gradients, and against deliberate bugs."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import Tensor, nn

from texshape.models import bagnet, small, trainable
from texshape.techniques.receptive_field import paths, theoretical
from texshape.techniques.receptive_field.architectures import measured, published
from texshape.techniques.receptive_field.effective import influence
from texshape.techniques.receptive_field.interval import Interval
from texshape.techniques.receptive_field.square import square_side
from texshape.techniques.receptive_field.theoretical import trace


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
    # Windows of 7 positions, then shifted ones: by gradients the first stage sees 56 px, not all.
    assert swin.stages["first"].theoretical is None
    assert swin.stages["first"].reason == "positions moved into other dimensions"


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


EVERYWHERE = {
    "batch norm, batch statistics": nn.BatchNorm2d(8, track_running_stats=False),
    "group norm": nn.GroupNorm(2, 8),
    "instance norm": nn.InstanceNorm2d(8),
    "instance norm, affine": nn.InstanceNorm2d(8, affine=True),
    "layer norm": nn.LayerNorm([8, 24, 24]),
    "layer norm, rows": nn.LayerNorm([24]),
    "root mean square": nn.RMSNorm([24, 24]),
    "softmax over columns": nn.Softmax(3),
    "adaptive pooling to one": nn.AdaptiveAvgPool2d(1),
    "adaptive pooling to columns": nn.AdaptiveMaxPool2d((24, 1)),
    "linear over columns": nn.Linear(24, 24),
}
# Layers whose field is wider than what one convolution each before and behind sees.
LOCAL: dict[str, nn.Module | Callable[[Tensor], Tensor]] = {
    "batch norm": nn.BatchNorm2d(8),
    "instance norm, tracked": nn.InstanceNorm2d(8, track_running_stats=True),
    "local response": nn.LocalResponseNorm(5),
    "softmax over channels": nn.Softmax2d(),
    "adaptive average, 6": nn.AdaptiveAvgPool2d(6),
    "adaptive average, 7": nn.AdaptiveAvgPool2d(7),
    "adaptive average, 48": nn.AdaptiveAvgPool2d(48),
    "adaptive average, rows kept": nn.AdaptiveAvgPool2d((None, 12)),
    "adaptive maximum, 6": nn.AdaptiveMaxPool2d(6),
    "adaptive maximum, 7": nn.AdaptiveMaxPool2d(7),
    "area": lambda x: F.interpolate(x, size=10, mode="area"),
    "average": nn.AvgPool2d(3, 2, 1),
    "maximum, ceiling": nn.MaxPool2d(3, 2, ceil_mode=True),
    "maximum, dilated": nn.MaxPool2d(3, 1, dilation=2),
    "power mean": nn.LPPool2d(2, 3, 2),
    "nearest": nn.Upsample(scale_factor=2),
    "nearest exact": nn.Upsample(scale_factor=1.5, mode="nearest-exact"),
    "nearest exact, down": nn.Upsample(scale_factor=0.5, mode="nearest-exact"),
    "bilinear": nn.Upsample(scale_factor=2, mode="bilinear"),
    "bilinear, down": nn.Upsample(scale_factor=0.5, mode="bilinear"),
    "bilinear, corners": nn.UpsamplingBilinear2d(scale_factor=2),
    "bicubic": nn.Upsample(scale_factor=2, mode="bicubic"),
    "pixel shuffle": nn.PixelShuffle(2),
    "pixel unshuffle": nn.PixelUnshuffle(3),
    "pixel shuffle by views": lambda x: (
        x.reshape(1, 2, 2, 2, 24, 24).permute(0, 1, 4, 2, 5, 3).reshape(1, 2, 48, 48)
    ),
    "repeated positions": lambda x: x.repeat_interleave(2, 2).repeat_interleave(2, 3),
    "channel shuffle": nn.ChannelShuffle(2),
    "gated channels": nn.GLU(1),
    "zeros": nn.ZeroPad2d(3),
    "cropped": nn.ZeroPad2d(-3),
    "reflected": nn.ReflectionPad2d(3),
    "replicated": nn.ReplicationPad2d(3),
    "circular": nn.CircularPad2d(3),
    "convolution, reflected": nn.Conv2d(8, 8, 5, padding=2, padding_mode="reflect"),
    "convolution, replicated": nn.Conv2d(8, 8, 5, padding=2, padding_mode="replicate"),
    "convolution, circular": nn.Conv2d(8, 8, 5, padding=2, padding_mode="circular"),
    "convolution, even": nn.Conv2d(8, 8, 4, padding="same"),
    "convolution, dilated": nn.Conv2d(8, 8, 3, dilation=3),
    "convolution, strided": nn.Conv2d(8, 8, 3, stride=2, dilation=2),
    "convolution, depthwise": nn.Conv2d(8, 8, 3, groups=8),
    "transposed": nn.ConvTranspose2d(8, 8, 3, 2, 1, output_padding=1),
    "transposed, dilated": nn.ConvTranspose2d(8, 8, 3, 2, dilation=2),
    "transposed, gaps": nn.ConvTranspose2d(8, 8, 1, 2),
    "three dimensions": nn.Sequential(
        nn.Unflatten(1, (8, 1)),
        nn.Conv3d(8, 8, 3, padding=1),
        nn.MaxPool3d((1, 2, 2)),
        nn.Flatten(1, 2),
    ),
    "unfolded": lambda x: F.unfold(x, 4, stride=4).reshape(1, -1, 6, 6),
    "alpha dropout": nn.AlphaDropout(),
    "log sigmoid": nn.LogSigmoid(),
}
UNKNOWN: dict[str, tuple[nn.Module | Callable[[Tensor], Tensor], str]] = {
    "fractional": (nn.FractionalMaxPool2d(2, output_ratio=0.7), "draws its regions at random"),
    "unpooled": (
        lambda x: F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2), "max_unpool2d"
    ),
    "folded": (
        lambda x: F.fold(F.unfold(x, 3, padding=1), (24, 24), 3, padding=1), "col2im"
    ),
    "rolled": (lambda x: x.roll(2, 3), "cyclic shift"),
    "mirrored": (lambda x: x.flip(3), "flip is not known along rows or columns"),
    "repeated": (lambda x: x.repeat(1, 1, 1, 2), "the map is repeated"),
    "by numbers": (lambda x: x[..., list(range(23, -1, -1))], "taken by their numbers"),
    "reordered": (lambda x: x.reshape(1, 8, 12, 48), "moved into other dimensions"),
    "sampled": (
        lambda x: F.grid_sample(
            x,
            F.affine_grid(torch.eye(2, 3, dtype=x.dtype)[None], list(x.shape), align_corners=False),
            align_corners=False,
        ),
        "grid_sampler_2d",
    ),
    "pasted": (lambda x: paste(torch.zeros_like(x), x), "written into a part"),
    "overwritten": (
        lambda x: paste(x.clone(), x.mean((2, 3), keepdim=True)), "written into a part"
    ),
}  # fmt: skip


def paste(onto: Tensor, values: Tensor) -> Tensor:
    onto[:, :, 2:, :] = values[:, :, -22:, :]
    return onto


class Between(nn.Module):
    """A layer between two convolutions of 3 pixels."""

    def __init__(self, layer: nn.Module | Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.first, self.layer = nn.Conv2d(3, 8, 3, padding=1), layer
        self.last = nn.LazyConv2d(4, 3, padding=1)

    def forward(self, images: Tensor) -> Tensor:
        return self.last(self.layer(self.first(images)))


def changed_pixels(network: nn.Module, size: int) -> np.ndarray:
    """Pixels that change a unit in one of two random images, by gradients.

    Of the units in the middle row and the middle column of the last map: an array of shape (2,
    units, size, size).
    """
    seen = np.zeros((), bool)
    for seed in range(2):
        images = torch.rand(
            1, 3, size, size, generator=torch.Generator().manual_seed(seed), dtype=torch.double
        ).requires_grad_()
        output = network(images)[0].sum(0)
        lines = [output[len(output) // 2], output[:, output.shape[1] // 2]]
        lines = [line.repeat(max(output.shape) // len(line)) for line in lines]
        reached = [
            [
                torch.autograd.grad(unit, images, retain_graph=True)[0][0].abs().sum(0) > 0
                for unit in line
            ]
            for line in lines
        ]
        seen = seen | np.array([[one.numpy() for one in line] for line in reached])
    return seen


def largest_side(seen: np.ndarray, inner: int = 0) -> int:
    """Largest hull over units, those of the border left out where wanted."""
    if inner:
        seen = seen[:, inner:-inner]
    lines = [seen.any(axis).reshape(-1, seen.shape[2]) for axis in (2, 3)]
    spans = [np.flatnonzero(line) for line in np.concatenate(lines) if line.any()]
    return max(int(span[-1] - span[0] + 1) for span in spans)


def between(
    layer: nn.Module | Callable[[Tensor], Tensor],
) -> tuple[Between, theoretical.ReceptiveField]:
    torch.manual_seed(0)
    network = Between(layer).double().eval()
    with torch.no_grad():
        network(torch.rand(1, 3, 24, 24, dtype=torch.double))
    return network, trace(network, {"last": "last"}, image_size=24).stages["last"]


@pytest.mark.parametrize("layer", EVERYWHERE.values(), ids=EVERYWHERE)
def test_layers_that_see_the_whole_image(layer: nn.Module) -> None:
    network, field = between(layer)
    assert largest_side(changed_pixels(network, 24)) == 24
    assert field.theoretical == "global"
    assert field.reason


@pytest.mark.parametrize("name", LOCAL)
def test_layers_that_see_a_part(name: str) -> None:
    network, field = between(LOCAL[name])
    seen = changed_pixels(network, 24)
    if "circular" in name:  # beyond the border is the other end
        assert "circular padding" in field.reason
        assert largest_side(seen) > 20
        assert largest_side(seen, inner=6) == field.theoretical
    else:
        assert field.theoretical == largest_side(seen)
        assert field.reason == ""


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_cannot_be_followed_is_undefined(name: str) -> None:
    layer, reason = UNKNOWN[name]
    _, field = between(layer)
    assert field.theoretical is None
    assert field.size is None
    assert reason in field.reason


def test_adaptive_cells_by_hand() -> None:
    # 10 positions in 4 cells: 0-2, 2-4, 5-7, 7-9 (PyTorch: from floor(10 p / 4) to ceil(10 (p + 1) / 4))
    cells = Interval().pooled_to(10, 4)
    assert [cells.at(p) for p in range(4)] == [(0, 2), (2, 4), (5, 7), (7, 9)]
    assert (cells.size, cells.jump) == (3, Fraction(10, 4))
    # strided by 2 before: position p sees pixel 2 p, and three positions five pixels
    assert Interval().window(1, 2).pooled_to(10, 4).size == 5


def test_adaptive_pooling_does_not_move_the_last_map() -> None:
    network = nn.Sequential(
        nn.Conv2d(3, 4, 5),
        nn.AdaptiveAvgPool2d(4),
        nn.Conv2d(4, 4, 1),
        nn.Flatten(),
        nn.Linear(64, 2),
    )
    assert trace(network, {}, image_size=24).last.theoretical == 5


def test_tracing_leaves_modes_as_they_were() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout())
    network[1].eval()  # frozen statistics
    trace(network, {}, image_size=8)
    assert [module.training for module in network.modules()] == [True, True, False, True]


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
    right = paths.meet

    def local_only(seen: list, dimensions: int, *, multiplicative: bool):
        return right(
            seen[:1] if multiplicative else seen, dimensions, multiplicative=multiplicative
        )

    monkeypatch.setattr(theoretical, "meet", local_only)
    with pytest.raises(AssertionError):
        test_squeeze_and_excitation_is_global_and_its_local_path_known()


def test_bug_signed_gradients(monkeypatch: pytest.MonkeyPatch) -> None:
    """The absolute value is taken after the mean over images instead of before."""
    monkeypatch.setattr(torch.Tensor, "abs", lambda self: self)
    with pytest.raises(AssertionError):
        test_gradients_of_opposite_sign_do_not_cancel()
