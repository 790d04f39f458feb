"""Bad input to receptive fields and feature visualization: one clear line, nothing written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from tests import technique_steps
from torch import nn
from typer.testing import CliRunner

import texshape.cli.receptive_field  # noqa: F401 (registers the commands)
from texshape.cli.run import run
from texshape.data import imageset
from texshape.errors import InputError
from texshape.files import read_csv
from texshape.models.bagnet import build, evidence_map
from texshape.techniques.receptive_field.tables import RECEPTIVE_FIELD
from texshape.techniques.receptive_field.theoretical import trace


def call(*arguments: str) -> Exception | None:
    """Run a step and give back what it raised."""
    result = CliRunner().invoke(run, [str(argument) for argument in arguments])
    if result.exit_code and not isinstance(result.exception, InputError):
        raise AssertionError(result.output) from result.exception
    return result.exception


@pytest.fixture
def images(tmp_path: Path) -> str:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (6, 48, 48, 3), dtype=np.uint8)
    labels = pd.DataFrame({name: [f"x{i}" for i in range(6)] for name in imageset.LABEL_COLUMNS})
    place = tmp_path / "results" / "data" / "base" / "set"
    imageset.write(place, imageset.ImageSet(pixels, labels))
    return str(place)


def step(
    name: str, place: Path, settings: object = None, network: str = "x.pt"
) -> Exception | None:
    """Run a technique's step on the images; ``results/`` is what it writes to."""
    words = technique_steps.arguments(
        name, place / "results", {name: settings or {}}, network=network, epochs=(0, 1),
        roles={"plain": "set"}, defaults=False,
    )  # fmt: skip
    return call(*words)


def written(place: Path) -> list[Path]:
    return [
        path
        for path in (place / "results" / technique_steps.RUN).rglob("*")
        if path.suffix in (".csv", ".npz")
    ]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"image": 3}, "unknown parameter 'receptive_field.image'; did you mean 'images'"),
        ({"images": "many"}, 'images: expected a whole number of at least 1, found "many"'),
        ({"images": True}, "images: expected a whole number"),
        ({"images": 0}, "images: expected a whole number of at least 1, found 0"),
        ({"mass": 1.5}, "mass: expected a number above 0 and of at most 1, found 1.5"),
    ],
)
def test_settings_of_the_field(tmp_path: Path, settings: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        raise step("receptive_field", tmp_path, settings)
    assert not written(tmp_path)


@pytest.mark.parametrize(("text", "message"), [("{", "not JSON"), ("[1]", "expected a JSON object"),
                                               ("{}", "'seed' is missing")])  # fmt: skip
def test_parameters_that_are_none(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        raise call(
            "receptive-field", "--results", tmp_path, "--run", "a--b/seed-0", "--parameters", text
        )


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (("--images", "plian=set"), "--images plian=set: expected ROLE=SET; did you mean 'plain'"),
        (("--images", "plain"), "--images plain: expected ROLE=SET"),
        (("--run", "cnn/seed-0"), "expected ARCHITECTURE--ARM/seed-S"),
    ],
)
def test_options_of_a_technique(tmp_path: Path, option: tuple[str, ...], message: str) -> None:
    words = technique_steps.arguments("receptive_field", tmp_path, defaults=False)
    with pytest.raises(InputError, match=message):
        raise call(*words, *option)


def test_a_technique_without_its_images_says_which(tmp_path: Path) -> None:
    words = technique_steps.arguments("receptive_field", tmp_path, network="x.pt", defaults=False)
    with pytest.raises(
        InputError, match=r"cnn--plain/seed-0: receptive field: there are no images 'plain"
    ):
        raise call(*words)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"step": 3}, "unknown parameter 'feature_visualization.step'"),
        ({"selection": "best"}, 'selection: expected seed or variance, found "best"'),
        ({"channels": 0}, "channels: expected a whole number of at least 1"),
    ],
)
def test_settings_of_the_visualization(tmp_path: Path, settings: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        raise step("feature_visualization", tmp_path, settings)
    assert not written(tmp_path)


def test_missing_network(tmp_path: Path, images: str) -> None:
    with pytest.raises(InputError, match=r"none\.pt"):
        raise step("receptive_field", tmp_path, network=str(tmp_path / "none.pt"))
    assert not written(tmp_path)


def test_transformer_gets_marked_cells(
    tmp_path: Path, images: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from texshape.models import loading

    load = loading.load

    tiny = {"img_size": 48, "embed_dim": 24, "depth": 2, "num_heads": 2, "num_classes": 5}
    import timm

    def small_transformer(name: str, *, seed: int = 0, weights: bool = True, **_):
        from dataclasses import replace

        network = load("torchvision:alexnet", weights=False, seed=seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            module = timm.create_model("vit_tiny_patch16_224", **tiny).eval()
        return replace(
            network,
            module=module,
            input_size=48,
            stages={"patches": "patch_embed.proj", "block01": "blocks.0", "block02": "blocks.1"},
            preprocess=lambda pixels: pixels.float() / 255,
        )

    monkeypatch.setattr(loading, "load", small_transformer)
    assert step("receptive_field", tmp_path, network="vit") is None
    output = tmp_path / "results" / technique_steps.RUN / "receptive_field.csv"
    table = read_csv(output, RECEPTIVE_FIELD.names).set_index("stage")
    assert table.loc["patches", "theoretical"] == "16"
    assert table.loc["patches", "effective_trained"] <= 16
    assert table.loc["block01", "theoretical"] == "global"
    for column in ("theoretical_local", "effective_untrained", "effective_trained"):
        assert pd.isna(table.loc["block01", column])
    assert "no spatial map" in table.loc["block01", "reason"]
    assert (table["n_images"] == 6).all()


def test_real_network_by_name(tmp_path: Path, images: str) -> None:
    network = f"python:{__name__}:halves"
    assert step("receptive_field", tmp_path, {"images": 4}, network) is None
    folder = tmp_path / "results" / technique_steps.RUN
    output, maps = folder / "receptive_field.csv", folder / "influence.npz"
    table = read_csv(output)
    assert table["theoretical_local"].tolist() == [2, 4]
    assert table["effective_trained"].tolist() == [2, 4]
    assert set(np.load(maps).files) >= {"trained/stem", "trained/stage1"}
    assert table["effective_untrained"].isna().all()  # the callable has no untrained version
    assert table["reason"].str.contains("no untrained network").all()


def halves() -> nn.Module:
    """A network for `python:` names: two poolings, read by position."""
    layers = nn.Sequential(nn.AvgPool2d(2), nn.AvgPool2d(2), nn.Conv2d(3, 4, 1))
    layers.stages = {"stem": "0", "stage1": "1"}
    return layers


def test_wrong_submodule_is_named() -> None:
    with pytest.raises(InputError, match="stage 'end': the network has no submodule 'layer9'"):
        trace(nn.Sequential(nn.Conv2d(3, 4, 3)), {"end": "layer9"}, image_size=16)


def test_image_too_small_for_the_network() -> None:
    with pytest.raises(InputError, match="does not run on images of 8 px"):
        trace(build("bagnet33", width=0.125), {}, image_size=8)


def test_unknown_operation_is_named_not_guessed() -> None:
    class Sorted(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.convolution = nn.Conv2d(3, 4, 3)
            self.end = nn.Identity()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.end(self.convolution(x).sort(dim=3).values)

    stages = {"before": "convolution", "end": "end"}
    fields = trace(Sorted(), stages, image_size=16).stages
    assert fields["before"].theoretical == 3
    assert fields["end"].theoretical is None
    assert "aten.sort is not known" in fields["end"].reason


def test_network_without_evidence() -> None:
    flat = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4 * 36, 5)).eval()
    with pytest.raises(InputError, match="no evidence map"):
        evidence_map(flat, torch.rand(1, 3, 8, 8))
    with pytest.raises(InputError, match="BagNet 'bagnet32' is unknown; did"):
        build("bagnet32")


@pytest.mark.parametrize("command", ["figure-influence", "figure-feature-visualization"])
def test_figures_name_a_broken_file(tmp_path: Path, command: str) -> None:
    broken = tmp_path / "broken.npz"
    broken.write_bytes(b"PK no archive")
    option = "--maps" if command == "figure-influence" else "--input"
    mass = ["--mass", 0.95] if command == "figure-influence" else []
    error = call(command, option, broken, "--output-stem", tmp_path / "figure", *mass)
    with pytest.raises(InputError, match=r"broken\.npz: not a whole NPZ file"):
        raise error
    assert not list(tmp_path.glob("figure*"))
