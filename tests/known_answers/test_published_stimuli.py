"""The published cue-conflict images: how many of what."""

from __future__ import annotations

from collections import Counter

import numpy as np
from PIL import Image
from typer.testing import CliRunner

import texshape.cli.published  # noqa: F401 (registers the steps)
from texshape.cli.main import app
from texshape.data import imageset


def test_cue_conflict_images_and_their_labels(mirror, tmp_path):
    arguments = ["run", "published-stimuli", "--output-dir", str(tmp_path / "out")]
    arguments += ["--cache", str(tmp_path / "cache"), "--set", "cue-conflict"]
    CliRunner().invoke(app, arguments, catch_exceptions=False)
    stimuli = imageset.read(tmp_path / "out/cue-conflict")
    labels = stimuli.labels
    assert stimuli.images.shape == (1280, 224, 224, 3)
    assert (labels["shape"] != labels["texture"]).sum() == 1200
    assert labels["shape_exemplar"].nunique() == 160
    assert labels["texture_exemplar"].nunique() == 48
    assert (
        set(Counter(labels["shape"]).values()) == set(Counter(labels["texture"]).values()) == {80}
    )
    for row in (0, 700, 1279):
        name = labels["imagename"][row]
        (path,) = (tmp_path / "cache").rglob(name)
        assert path.parent.name == labels["shape"][row]
        np.testing.assert_array_equal(stimuli.images[row], np.asarray(Image.open(path)))
