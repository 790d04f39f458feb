"""Every measure on a device that is not the CPU: what it computes there is what it computes here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from tests.segmentation_scene import CLASSES, SIDE, scene
from tests.stand_in.device import device, stand_in

from texshape.data import imageset
from texshape.features import extract
from texshape.models import small, stages, trainable
from texshape.models.decisions import probabilities
from texshape.models.loading import load
from texshape.models.network import Network
from texshape.models.preprocessing import Preprocess
from texshape.techniques.corruptions import accuracy
from texshape.techniques.erasure import intervention
from texshape.techniques.erasure.settings import ErasureSettings
from texshape.techniques.feature_visualization import optimise as visualization
from texshape.techniques.feature_visualization.settings import ImageOptimisation
from texshape.techniques.receptive_field import measure as receptive_field
from texshape.techniques.segmentation import measure as segmentation
from texshape.techniques.segmentation.settings import SegmentationSettings
from texshape.training import checkpoints
from texshape.trials import evaluate


@pytest.fixture(scope="module", autouse=True)
def registered() -> None:
    """Before any backward pass of the process: autograd counts the devices at its first one."""
    device()


def network(architecture: str) -> Network:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        if architecture == "transformer":
            from timm.models.vision_transformer import VisionTransformer

            module = VisionTransformer(
                img_size=SIDE, patch_size=8, embed_dim=16, depth=2, num_heads=2,
                num_classes=len(CLASSES),
            )  # fmt: skip
        else:
            module = trainable.build(architecture, len(CLASSES))
    module.eval().requires_grad_(False)
    return Network(
        name=architecture,
        slug=f"{architecture}--none",
        module=module,
        input_size=SIDE,
        preprocess=Preprocess(SIDE, small.MEAN, small.STD),
        classes=CLASSES,
        decide=probabilities,
        stages=stages.find_stages(module, SIDE),
    )


@pytest.fixture(scope="module")
def images() -> imageset.ImageSet:
    return scene(exemplars=2)  # 36 images


def trials(network: Network, images: imageset.ImageSet, _: Path) -> dict[str, Any]:
    return {"scores": evaluate.evaluate(network, images.images, batch_size=16)}


def features(network: Network, images: imageset.ImageSet, _: Path) -> dict[str, Any]:
    return extract.activations(network, images.images, pixels=True)


def corruptions(network: Network, images: imageset.ImageSet, _: Path) -> dict[str, Any]:
    labels = images.labels["shape"].to_numpy()
    (table,) = accuracy.under_corruption(
        [network], images.images, labels, seed=0, types=["contrast"], severities=[3]
    )
    return {"table": table}


def erasure(network: Network, images: imageset.ImageSet, _: Path) -> dict[str, Any]:
    settings = ErasureSettings.of(
        stages=tuple(network.stages)[-2:], fit="spatial", positions=3, random_draws=1, resamples=5
    )
    rows = intervention.measure(network, images, settings=settings, plain=images)
    return {"table": pd.DataFrame(rows)}


def readouts(network: Network, images: imageset.ImageSet, folder: Path) -> dict[str, Any]:
    """Segmentation: heads on a stage, the epoch chosen, and the whole network end to end."""
    plan = SegmentationSettings.of(
        targets=("shape",),
        heads=("conv1", "conv3"),
        stages=tuple(network.stages)[-1:],
        end_to_end=("shape",),
        resamples=5,
        end_to_end_epochs=1,
        train_share=0.5,
        train_images=None,
        test_images=None,
        epochs=2,
        conv3_epochs=None,
        epoch_from="validation",
        pixel_step=2,
        conv3_widths=(4, 4),
    )
    task = segmentation.conflict_task(images, CLASSES, plan, seed=0)
    table, pictures = segmentation.measure(network, task, plan, seed=0, folder=folder)
    return {"table": table, **pictures}


def visualizations(network: Network, images: imageset.ImageSet, folder: Path) -> dict[str, Any]:
    chosen = list(network.stages)[-2:]
    variances = visualization.variances(network, chosen, images.images, count=20, seed=0)
    result = visualization.visualize(
        network,
        stages=chosen,
        channels_per_stage=2,
        settings=ImageOptimisation.of(steps=3, objective="centre"),
        seed=0,
        variances=variances,
    )
    return {**variances, **vars(result)}


@pytest.mark.parametrize(
    ("measure", "architecture"),
    [
        *((measure, "rf9") for measure in (trials, corruptions, readouts, visualizations)),
        *((measure, "transformer") for measure in (features, erasure)),
    ],
)
def test_a_measure_on_a_device_gives_what_it_gives_on_the_cpu(
    measure: Callable, architecture: str, images: imageset.ImageSet, tmp_path: Path
) -> None:
    for folder in ("cpu", "device"):
        (tmp_path / folder).mkdir()
    expected = measure(network(architecture), images, tmp_path / "cpu")
    with stand_in() as device:
        moved = network(architecture)
        moved.module.to(device)
        assert moved.device == device
        found = measure(moved, images, tmp_path / "device")
    same(expected, found)


def test_receptive_fields_on_a_device(
    images: imageset.ImageSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoints.write(
        tmp_path / "network.pt", trainable.build("rf9", len(CLASSES), seed=0), architecture="rf9",
        classes=CLASSES, image_size=SIDE, training={}, seed=0, epoch=0, step=0,
    )  # fmt: skip

    def measure() -> dict[str, Any]:
        states = [load(str(tmp_path / "network.pt"), seed=0, weights=own) for own in (True, False)]
        table, influences = receptive_field.measure_network(
            *states, images.images, seed=0, images=5, mass=0.95, batch_size=4, stages=None
        )
        maps = {f"{k} {s}": one.map for k, found in influences.items() for s, one in found.items()}
        return {"table": table, **maps}

    expected = measure()
    with stand_in() as device:
        monkeypatch.setattr(receptive_field, "place", lambda module: module.to(device))
        found = measure()
    same(expected, found)


def same(expected: dict[str, Any], found: dict[str, Any]) -> None:
    """Within float error, which the last digit of a bright pixel and a pixel's class may show."""
    assert expected.keys() == found.keys()
    assert expected
    for key, value in expected.items():
        if isinstance(value, pd.DataFrame):
            pd.testing.assert_frame_equal(value, found[key], rtol=0.02, atol=1e-4)
            continue
        first, second = np.asarray(value), np.asarray(found[key])
        if first.dtype.kind == "f":
            np.testing.assert_allclose(second, first, rtol=1e-3, atol=1e-5, err_msg=key)
        else:
            assert (first == second).mean() > 0.97, key


def test_the_stand_in_refuses_what_was_not_moved() -> None:
    """Else the tests above could not fail."""
    module = trainable.build("rf9", 3, seed=0)
    images = torch.rand(2, 3, SIDE, SIDE)
    with stand_in() as device:
        module.to(device)
        with pytest.raises(RuntimeError, match="expected all tensors on standin, found one on cpu"):
            module(images)
        logits = module(images.to(device))
        assert logits.device == device
        with pytest.raises((RuntimeError, TypeError), match="numpy"):
            logits.detach().numpy()
        assert logits.detach().cpu().numpy().shape == (2, 3)
