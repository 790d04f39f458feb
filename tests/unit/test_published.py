"""Published stimuli and trials: lists, downloads from the mirror, faults."""

from __future__ import annotations

import csv
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

import texshape.cli.published  # noqa: F401 (registers the steps)
from texshape.cli.main import app
from texshape.data import imageset, published
from texshape.errors import InputError


def test_lists_hold_the_published_numbers_of_files():
    counts = {name: len(published.items(name, "x")) for name in published.sources()}
    assert counts == {
        "cue-conflict": 1280, "edges": 160, "silhouettes": 160, "texture-vs-shape": 40,
        "model-vs-human": 209, "refined-bias-shape": 3000, "refined-bias-texture": 3000,
        "critical-band": 2100, "critical-band-trials": 87, "baker2022": 1080,
        "biases-vs-generalization": 1, "vlm-shapebias": 47,
    }  # fmt: skip
    for name, source in published.sources().items():
        assert len(source.commit) == 40
        assert source.licence
        assert source.citation
        with open(published.index_path(name), newline="") as lines:
            rows = list(csv.DictReader(lines))
        assert len({row["path"] for row in rows}) == len(rows)
        assert all(len(row["sha256"]) == 64 for row in rows)


def test_stimuli_become_image_sets(mirror, tmp_path):
    arguments = ["run", "published-stimuli", "--output-dir", str(tmp_path / "out")]
    arguments += ["--cache", str(tmp_path / "cache"), "--set", "edges", "--set", "silhouettes"]
    CliRunner().invoke(app, arguments, catch_exceptions=False)
    for name in ("edges", "silhouettes"):
        found = imageset.read(tmp_path / "out" / name)
        assert found.images.shape == (160, 224, 224, 3)
        assert set(found.labels["texture"]) == {"na"}
        assert found.labels["imagename"][0] == "airplane1-na0.png"
        assert found.labels["shape_exemplar"].nunique() == 160
    assert not (tmp_path / "out/cue-conflict.images.npy").exists()


def test_trials_are_copied_with_a_manifest(mirror, tmp_path):
    arguments = ["run", "published-trials", "--output-dir", str(tmp_path)]
    CliRunner().invoke(app, arguments, catch_exceptions=False)
    manifest = pd.read_csv(tmp_path / "manifest.csv")
    assert list(manifest.columns) == ["path", "sha256", "source"]
    assert len(manifest) == 249
    assert all((tmp_path / path).is_file() for path in manifest["path"])
    folders = {path.name for path in (tmp_path / "model-vs-human").iterdir()}
    assert len(folders) == 17


@pytest.fixture
def edge(tmp_path):
    path = tmp_path / "bear" / "bear1.png"
    path.parent.mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (224, 224, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def test_grey_images_get_three_channels(edge):
    Image.open(edge).convert("L").save(edge)
    images = published.stimulus_set([edge], condition="edges").images
    assert (images[..., 0] == images[..., 2]).all()


def test_truncated_image_is_named(edge):
    edge.write_bytes(edge.read_bytes()[:5000])
    with pytest.raises(InputError, match=r"bear1\.png: not a whole image"):
        published.stimulus_set([edge], condition="edges")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("bear/bear2.png", r"bear2\.png: no such image"),
        ("bear/bear.png", "stimulus name 'bear.png' cannot be read"),
        ("bear/bear1-sofa2.png", "'sofa' is none of the 16 categories"),
        ("bear/boat1.png", "shape 'boat' in the folder of 'bear'"),
    ],
)
def test_missing_and_misnamed_images(edge, name, expected):
    path = edge.parent.parent / name
    if "bear2" not in name:
        shutil.copy(edge, path)
    with pytest.raises(InputError, match=expected):
        published.stimulus_set([path], condition="edges")


def test_text_and_other_sizes_are_no_stimuli(edge):
    Image.open(edge).resize((32, 48)).save(edge)
    with pytest.raises(InputError, match="expected 224 x 224 px, found 32 x 48"):
        published.stimulus_set([edge], condition="edges")
    edge.write_text("<html>")
    with pytest.raises(InputError, match="not an image"):
        published.stimulus_set([edge], condition="edges")


def test_damaged_mirror_stops_the_step_and_writes_no_set(mirror, tmp_path, monkeypatch):
    item = published.items("edges", tmp_path / "cache")[0]
    from texshape.data.download import mirror_path

    broken = mirror_path(item.url, tmp_path / "mirror")
    broken.parent.mkdir(parents=True)
    broken.write_bytes(mirror_path(item.url, mirror).read_bytes()[:-20])
    monkeypatch.setenv("TEXSHAPE_MIRROR", str(tmp_path / "mirror"))
    arguments = ["run", "published-stimuli", "--output-dir", str(tmp_path / "out")]
    arguments += ["--cache", str(tmp_path / "cache"), "--set", "edges"]
    result = CliRunner().invoke(app, arguments)
    assert "airplane1.png: wrong check sum" in str(result.exception)
    assert not (tmp_path / "out").exists()
    assert not list((tmp_path / "cache").rglob("*.p*"))


def test_unknown_set_is_named():
    arguments = ["run", "published-stimuli", "--output-dir", "x", "--set", "edge"]
    assert "did you mean 'edges'" in str(CliRunner().invoke(app, arguments).exception)
