"""Measures that take gradients work on networks that other measures have run before."""

from __future__ import annotations

import numpy as np
import pytest
import timm
import torch
from torch import Tensor, nn

from texshape.data import imageset
from texshape.errors import InputError
from texshape.features.extract import activations
from texshape.models.loading import from_module
from texshape.models.network import Network
from texshape.techniques.feature_visualization import optimise as features
from texshape.techniques.feature_visualization.settings import ImageOptimisation
from texshape.techniques.receptive_field.measure import measure_network
from texshape.trials import evaluate


class Three(nn.Module):
    """Three stages and 1,000 outputs; subclasses differ in what they keep between calls."""

    def __init__(self) -> None:
        super().__init__()
        self.default_cfg = {"input_size": (3, 32, 32)}
        self.a = nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1), nn.ReLU())
        self.b = nn.Sequential(nn.Conv2d(4, 4, 3, 2, 1), nn.ReLU())
        self.c = nn.Sequential(nn.Conv2d(4, 4, 3, 2, 1), nn.ReLU())
        self.head = nn.Linear(4, 1000)

    def weighted(self, x: Tensor) -> Tensor:
        return x

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.c(self.b(self.a(self.weighted(x)))).mean((2, 3)))


class KeepsAWindow(Three):
    """Made at the first image of a size, as relative positions often are; an attribute."""

    window = None

    def weighted(self, x: Tensor) -> Tensor:
        if self.window is None:
            side = torch.linspace(-1, 1, x.shape[-1], device=x.device)
            self.window = torch.exp(-(side[:, None] ** 2) - side[None] ** 2)
        return x * self.window


class KeepsABuffer(Three):
    """The same in a buffer that is registered late."""

    def weighted(self, x: Tensor) -> Tensor:
        if not hasattr(self, "scale"):
            self.register_buffer("scale", torch.full((1, 3, 1, 1), 0.5), persistent=False)
        return x * self.scale


class KeepsAWeight(Three):
    """A weight that is normalised once, in a dictionary, as inference engines do."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[str, Tensor] = {}

    def weighted(self, x: Tensor) -> Tensor:
        if "w" not in self.kept:
            self.kept["w"] = nn.functional.normalize(self.a[0].weight.mean(0), dim=0)
        return x + nn.functional.conv2d(x, self.kept["w"][:, None], padding=1, groups=3)


def vit() -> nn.Module:
    return timm.create_model("test_vit")


def made_in_inference_mode() -> nn.Module:
    with torch.inference_mode():
        return KeepsABuffer()


def images(count: int = 40) -> imageset.ImageSet:
    import pandas as pd

    pixels = np.random.default_rng(0).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)
    rows = [
        [f"cat{i}-dog{i}.png", "cat", "dog", f"cat{i}", f"dog{i}", "cue-conflict"]
        for i in range(count)
    ]
    return imageset.ImageSet(pixels, pd.DataFrame(rows, columns=imageset.LABEL_COLUMNS))


@pytest.fixture(params=[False, True], ids=["contiguous is faster", "channels last is faster"])
def timing(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The search for the fastest memory format and batch size ends as if by chance."""
    monkeypatch.setattr(
        evaluate._Search,
        "cost",
        lambda self, plan: (1.0 if plan.channels_last == request.param else 2.0) + plan.batch_size,
    )


def gradients_exist(network: Network) -> None:
    table, maps = measure_network(
        network, None, images(4).images, seed=0, images=4, mass=0.95, batch_size=2, stages=None
    )
    assert all(
        one.map is not None or "no spatial map" in one.reason for one in maps["trained"].values()
    )
    shown = features.visualize(
        network, channels_per_stage=1, settings=ImageOptimisation.of(steps=1), seed=0
    )
    assert len(shown.images) == len(network.stages) == len(table)


@pytest.mark.parametrize(
    "build", [Three, KeepsAWindow, KeepsABuffer, KeepsAWeight, vit, made_in_inference_mode]
)
def test_gradients_pass_whatever_ran_before(build, timing) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = from_module(build(), name="it")
    shown = images()
    evaluate.evaluate(network, shown.images)  # batch size and memory format are searched
    activations(network, shown.images)
    gradients_exist(network)


def test_erasure_leaves_a_network_whose_gradients_pass() -> None:
    from texshape.techniques.erasure.erased import collect, decisions
    from texshape.techniques.erasure.settings import ErasureSettings

    network = from_module(KeepsAWindow(), name="it")
    shown, path = images(4), network.stages["stage1"]
    collect(network, shown.images, np.arange(4), path, settings=ErasureSettings.of())
    decisions(network, shown.images, np.arange(4), path, [{}], [np.zeros(4, int)], batch_size=2)
    gradients_exist(network)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_a_network_that_computes_without_gradients_is_told_so(mode) -> None:
    """Its own decorator: nothing can be done, and no traceback says so."""

    class Closed(Three):
        @mode()
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x)

    network = from_module(Closed(), name="it")
    table, _ = measure_network(
        network, None, images(2).images, seed=0, images=2, mass=0.95, batch_size=2, stages=None
    )
    assert table["reason"].str.contains("no gradient passes").all()
    with pytest.raises(InputError, match="no gradient passes"):
        features.visualize(network, settings=ImageOptimisation.of(steps=1), seed=0)


def test_a_broken_evaluation_leaves_the_callers_mode() -> None:
    """What a consumer raises in the midst of the images does not switch gradients off."""
    network = from_module(Three(), name="it")

    def fails(_: Tensor) -> Tensor:
        raise ValueError("of the decider")

    with pytest.raises(ValueError, match="of the decider") as held:  # noqa: F841, keeps the frames
        evaluate.evaluate_with(network, images().images, [fails], batch_size=8)
    assert torch.is_grad_enabled()
    assert not torch.is_inference_mode_enabled()
