"""Styles: splits of paintings, quotas, pairing, reading of files of every kind."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.stylize_sets import pictures

from texshape.config.images import ImageSettings
from texshape.config.stylize import StyleSettings, StylizeSettings
from texshape.data.photographs import (
    check_count,
    encode,
    list_classes,
    list_images,
    read_square,
)
from texshape.data.pictures import Unusable
from texshape.errors import InputError
from texshape.stylize.styles import assign_splits, from_folder, from_renderer, pairing

SMALL = ImageSettings(resize=28, crop=24)
SHARES = {"train": 0.7, "validation": 0.15, "test": 0.15}


def save(path: Path, image: Image.Image, **options) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)
    return path


def painting(seed: int, side: int = 40) -> Image.Image:
    return Image.fromarray(pictures(1, side, seed)[0])


@pytest.fixture
def paintings(tmp_path) -> Path:
    for number in range(8):
        save(tmp_path / f"painting_{number}.png", painting(number))
    save(tmp_path / "painting_3_cropped.png", painting(3).crop((0, 0, 30, 30)))
    save(tmp_path / "painting_3-crop2.png", painting(3).crop((5, 5, 35, 35)))
    save(tmp_path / "copy.png", painting(5))  # the same bytes under another name
    return tmp_path


def test_splits_are_disjoint_and_crops_stay_together(paintings):
    found = from_folder(paintings, StyleSettings(size=16), SMALL)
    table = found.table.set_index("name")
    assert set(table["split"]) == {"train", "validation", "test"}
    together = ["painting_3.png", "painting_3_cropped.png", "painting_3-crop2.png"]
    assert table.loc[together, "split"].nunique() == 1
    assert table.loc["copy.png", "split"] == table.loc["painting_5.png", "split"]
    hashes = [set(part["sha256"]) for _, part in table.groupby("split")]
    assert sum(map(len, hashes)) == len(set.union(*hashes))
    assert found.images.shape == (11, 16, 16, 3)


def test_split_follows_content_not_names(paintings):
    before = from_folder(paintings, StyleSettings(size=16), SMALL).table
    os.rename(paintings / "painting_0.png", paintings / "zebra.png")
    after = from_folder(paintings, StyleSettings(size=16), SMALL).table
    keys = ["sha256", "split", "number"]
    unique = before.drop_duplicates("sha256", keep=False)["sha256"]
    first, second = (
        table[table["sha256"].isin(unique)].sort_values("sha256")[keys].to_numpy().tolist()
        for table in (before, after)
    )
    assert first == second


@pytest.mark.parametrize("count", [3, 4, 7, 20, 101])
def test_quotas(count):
    names = [f"p{index}" for index in range(count)]
    found = assign_splits(names, [f"{index:04d}" for index in range(count)], SHARES)
    sizes = [found.count(name) for name in SHARES]
    assert min(sizes) >= 1
    for size, share in zip(sizes, SHARES.values(), strict=True):
        assert abs(size - count * share) < 2
    # sorted by hash: the split is a cut of that order
    assert found == sorted(found, key=list(SHARES).index)


def test_too_few_styles():
    with pytest.raises(InputError, match=r"2 styles .* expected at least 3"):
        assign_splits(["a", "a", "b"], ["1", "2", "3"], SHARES)
    assert assign_splits(["a"], ["1"], {"train": 1.0, "validation": 0.0, "test": 0.0}) == ["train"]


def test_pairing_depends_on_seed_and_index_alone():
    whole = [int(pairing(5, index, 30)[0]) for index in range(200)]
    assert whole[70:90] == [int(pairing(5, index, 30)[0]) for index in range(70, 90)]
    assert whole != [int(pairing(6, index, 30)[0]) for index in range(200)]
    assert len(set(whole)) == 30  # every style is used
    several = pairing(5, 3, 6, versions=6)
    assert sorted(several) == list(range(6))
    with pytest.raises(InputError, match="styles_per_image: 7"):
        pairing(5, 3, 6, versions=7)


def test_renderer_styles_have_families_and_are_split():
    import yaml

    data = yaml.safe_load((Path(__file__).parents[2] / "params.yaml").read_text())["data"]
    found = from_renderer(data, 3, StyleSettings(size=32, count=36))
    assert found.table["family"].nunique() == 12
    assert found.table["name"].is_unique
    part = found.split("test")
    assert len(part) == (found.table["split"] == "test").sum() > 0
    assert set(part.labels["shape"]) == {"na"}
    with pytest.raises(InputError, match=r"styles\.count"):
        from_renderer(data, 3, StyleSettings(size=32))


# --- files of every kind --------------------------------------------------------------------


def test_colours_of_every_kind_of_image(tmp_path):
    """A field of one known grey or colour is read as that, whatever the file's mode."""
    grey = np.full((40, 40), 100, np.uint8)
    deep = np.full((40, 40), 100 * 257, np.uint16)
    kinds = {
        "grey.png": Image.fromarray(grey),
        "rgb.png": Image.fromarray(np.stack([grey] * 3, -1)),
        "cmyk.jpg": Image.fromarray(np.stack([grey] * 3, -1)).convert("CMYK"),
        "deep.png": Image.fromarray(deep),
        "deep.tif": Image.fromarray(deep),
        "palette.png": Image.fromarray(np.stack([grey] * 3, -1)).quantize(8),
        "grey.jpg": Image.fromarray(grey),
    }
    for name, image in kinds.items():
        pixels = read_square(save(tmp_path / name, image), SMALL)
        assert pixels.shape == (24, 24, 3), name
        assert np.abs(pixels.astype(int) - 100).max() <= 3, name


def test_transparent_pixels_are_white(tmp_path):
    pixels = np.zeros((40, 40, 4), np.uint8)
    pixels[:, 20:, 3] = 255  # the right half is black, the left shows the ground
    found = read_square(save(tmp_path / "a.png", Image.fromarray(pixels)), SMALL)
    assert found[:, 0].min() == 255
    assert found[:, -1].max() == 0


def test_orientation_of_a_camera_is_followed(tmp_path):
    pixels = np.zeros((40, 40, 3), np.uint8)
    pixels[:20] = 255  # white above
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    path = save(tmp_path / "a.jpg", Image.fromarray(pixels), exif=exif)
    found = read_square(path, SMALL)
    assert found[0].mean() < 20
    assert found[-1].mean() > 235


def test_shorter_side_is_resized_and_the_centre_taken(tmp_path):
    pixels = np.zeros((28, 84, 3), np.uint8)
    pixels[:, 28:56] = 255  # the middle third
    found = read_square(save(tmp_path / "a.png", Image.fromarray(pixels)), SMALL)
    assert found.min() == 255


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (lambda: Image.new("RGB", (1, 1)), "1 x 1 px"),
        (lambda: Image.new("RGB", (5, 400)), "5 x 400 px"),
        (lambda: Image.new("L", (2000, 600)), "over 1 megapixels"),
        (lambda: Image.new("F", (40, 40)), "floating-point"),
    ],
)
def test_unusable_images_are_named(tmp_path, make, line):
    path = save(tmp_path / "odd.tif", make())
    with pytest.raises(Unusable, match=line) as error:
        read_square(path, ImageSettings(resize=28, crop=24, max_megapixels=1.0))
    assert "odd.tif" in str(error.value)


def test_over_a_hundred_megapixels(tmp_path):
    """By default; decided by the header, before anything is decoded."""
    path = save(tmp_path / "huge.png", Image.new("1", (11_000, 10_000)))
    with pytest.raises(Unusable, match="over 100 megapixels"):
        read_square(path, ImageSettings())


@pytest.mark.parametrize("cut", [0, 10, 300])
def test_truncated_files(tmp_path, cut):
    path = save(tmp_path / "a.jpg", painting(0, 200))
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(Unusable, match=r"a\.jpg"):
        read_square(path, SMALL)


def test_folders(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        list_images(tmp_path / "none")
    with pytest.raises(InputError, match="holds no image"):
        list_images(tmp_path)
    (tmp_path / "cat").mkdir()
    save(tmp_path / "dog" / "deep" / "1.png", painting(0))
    with pytest.raises(InputError, match="class 'cat'"):
        list_classes(tmp_path)
    save(tmp_path / "cat" / "2.JPEG", painting(1), format="JPEG")
    sources, classes = list_classes(tmp_path)
    assert classes == ["cat", "dog"]
    assert [source.name for source in sources] == ["cat/2.JPEG", "dog/deep/1.png"]


def test_a_folder_that_may_not_be_read(tmp_path, monkeypatch):
    """Whoever may read everything, as in a container, meets no such folder: so it is simulated."""
    save(tmp_path / "cat" / "1.png", painting(0))
    real = os.scandir

    def refuse(place="."):
        if Path(place).name == "cat":
            raise PermissionError(13, "Permission denied", str(place))
        return real(place)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(InputError, match=r"cat: cannot be read \(Permission denied\)"):
        list_images(tmp_path)


def test_count_of_unusable_images():
    check_count(["a: broken"], 1, 5, "set")
    with pytest.raises(InputError, match=r"2 of 5 images .* tolerated are 1: a: broken \(and 1"):
        check_count(["a: broken", "b: broken"], 1, 5, "set")


def test_encoding(tmp_path):
    pixels = pictures(1, 32)[0]
    with Image.open(io.BytesIO(encode(pixels, ImageSettings()))) as image:
        assert np.array_equal(np.asarray(image), pixels)
    with Image.open(io.BytesIO(encode(pixels, ImageSettings(format="jpeg")))) as image:
        assert image.format == "JPEG"
        assert np.abs(np.asarray(image).astype(int) - pixels).mean() < 8


@pytest.mark.parametrize(
    ("section", "line"),
    [
        ({"engin": "adain"}, "did you mean 'engine'"),
        ({"engine": "zzz"}, "stylize.engine: expected adain or optimisation"),
        ({"alpha": 1.2}, r"stylize\.alpha: expected a number from 0 to 1, found 1\.2"),
        ({"styles": {"split": {"train": 1, "validation": 1, "test": 0}}}, "add up to 1"),
        ({"styles": {"group": "("}}, "no regular expression"),
        ({"images": {"crop": 300}}, "at most images.resize"),
        ({"decoder": {"steps": 0}}, r"stylize\.decoder\.steps"),
        (
            {"optimisation": {"style_layers": "relu1_1"}},
            r"style_layers: expected a list of at least 1, found",
        ),
        ({"encoder": {"random": {"filter": 3}}}, "did you mean 'filters'"),
        ({"tolerated": -1}, r"stylize\.tolerated"),
    ],
)
def test_settings_that_are_wrong(section, line):
    with pytest.raises(InputError, match=line):
        StylizeSettings.parse(section)


def test_defaults_are_the_papers():
    settings = StylizeSettings.parse({})
    assert (settings.engine, settings.alpha, settings.encoder.name) == ("adain", 1.0, "vgg19")
    assert settings.decoder.style_layers == ("relu1_1", "relu2_1", "relu3_1", "relu4_1")
    assert (settings.decoder.layer, settings.decoder.style_weight) == ("relu4_1", 10.0)
    assert settings.optimisation.content_layers == ("relu4_2",)
    assert settings.optimisation.style_layers[-1] == "relu5_1"
    assert settings.optimisation.style_weight / settings.optimisation.content_weight == 1000
    assert (settings.images.resize, settings.images.crop) == (256, 224)
    assert settings.styles_per_image == 1
