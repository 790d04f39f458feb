"""PASCAL VOC 2012: a tiny set in its layout, drawn here."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.segmentation_scene import DOG, TRAIN, draw_voc, known_network

from texshape.errors import InputError
from texshape.techniques.segmentation import measure, voc
from texshape.techniques.segmentation.settings import SegmentationSettings


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    return draw_voc(tmp_path_factory.mktemp("voc"))


def test_twenty_classes_in_the_published_order():
    assert len(voc.CLASSES) == 20
    assert (voc.CLASSES[0], voc.CLASSES[14], voc.CLASSES[19]) == (
        "aeroplane",
        "person",
        "tvmonitor",
    )


def test_padding_and_the_void_outline_are_ignored(root):
    task = voc.task(root, 32)
    train, test, classes = task.masks["semantic"]
    assert classes == 21
    assert train.shape == (8, 32, 32)
    assert test.shape == (4, 32, 32)
    assert set(np.unique(train)) == {0, DOG, TRAIN, 255}
    assert (train[:, :5] == 255).all()  # 40 x 60 becomes 21 x 32: padded above and below
    assert (train[:, -5:] == 255).all()
    binary = task.masks["binary"][0]
    assert set(np.unique(binary)) == {0, 1, 255}
    assert ((binary == 255) == (train == 255)).all()
    assert ((binary == 1) == np.isin(train, (DOG, TRAIN))).all()


def test_readout_on_voc(root):
    plan = SegmentationSettings.of(
        targets=("binary", "semantic"), heads=("conv1",), stages=("pixels",), end_to_end=(),
        resamples=50, epochs=40, learning_rate=0.05, batch_size=4, pixel_step=1,
    )  # fmt: skip
    table, pictures = measure.measure(known_network(), voc.task(root, 32), plan, seed=0)
    semantic = table[table["target"] == "semantic"].iloc[0]
    assert semantic["miou"] > 0.8
    assert (semantic["n_train"], semantic["n_test"], semantic["n_classes"]) == (8, 4, 21)
    assert pictures["semantic/pixels"].shape == pictures["semantic/truth"].shape


def test_fewer_images_and_what_is_wrong(root, tmp_path):
    task = voc.task(root, 32, most=(3, 2))
    assert len(task.train_images) == 3
    assert len(task.test_images) == 2
    with pytest.raises(InputError, match=r"no PASCAL VOC 2012 here; expected VOCdevkit/VOC2012"):
        voc.task(tmp_path, 32)
    with pytest.raises(InputError, match="unknown VOC target 'semantics'; did you mean 'semantic'"):
        voc.task(root, 32, names=("semantics",))


def test_masks_as_grey_are_read_alike(root, tmp_path):
    """A palette's indices and the same numbers as levels of grey; a photograph whose camera was turned."""
    base = shutil.copytree(root, tmp_path / "voc") / "VOCdevkit" / "VOC2012"
    for path in sorted((base / "SegmentationClass").iterdir()):
        Image.fromarray(np.asarray(Image.open(path))).save(path)
    before, after = (voc.task(place, 32) for place in (root, tmp_path / "voc"))
    for name in voc.TARGETS:
        assert np.array_equal(before.masks[name][0], after.masks[name][0])
    exif = Image.Exif()
    exif[0x0112] = 3
    path = base / "JPEGImages" / "2007_train_000.jpg"
    Image.open(path).rotate(180).save(path, quality=95, exif=exif)
    turned = voc.task(tmp_path / "voc", 32).train_images[0]
    shown = before.train_images[0].astype(int)
    assert np.abs(turned - shown).mean() < 1
    assert np.abs(turned[::-1, ::-1] - shown).mean() > 5  # what it would be as stored


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda mask: mask.convert("RGB"), "pixels of the kind RGB, expected the class's number"),
        (lambda mask: mask.convert("L"), "holds class [0-9]+, expected 0 to 20, or 255"),
        (lambda mask: mask.rotate(90, expand=True), "is 40 x 60 px, expected 60 x 40 px as"),
    ],
)
def test_masks_that_are_none(root, tmp_path, change, line):
    base = shutil.copytree(root, tmp_path / "voc") / "VOCdevkit" / "VOC2012"
    path = base / "SegmentationClass" / "2007_train_001.png"
    change(Image.open(path)).save(path)
    with pytest.raises(InputError, match=rf"2007_train_001\.png: {line}"):
        voc.task(tmp_path / "voc", 32)
