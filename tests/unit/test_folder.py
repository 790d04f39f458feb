"""Class folders of photographs as image sets."""

from __future__ import annotations

import itertools
import json
import zipfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from texshape.cli.photographs import photographs
from texshape.config.data import PhotographSettings
from texshape.data import archives, imageset
from texshape.data.folder import (
    edge_drawings,
    first_of_each_class,
    write_sets,
)
from texshape.data.photographs import list_classes
from texshape.data.procedural import worker_pool
from texshape.errors import InputError
from texshape.figures.contact_sheet import choose, contact_sheet

CLASSES = ("cat", "dog", "great ape")


def photograph(number: int, side: int = 20) -> Image.Image:
    rng = np.random.default_rng(number)
    return Image.fromarray(rng.integers(0, 256, (side, side + 6, 3), dtype=np.uint8))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    numbers = itertools.count()
    for label, count in zip(CLASSES, (9, 12, 8), strict=True):
        folder = tmp_path / "photos" / label
        folder.mkdir(parents=True)
        for i in range(count):
            photograph(next(numbers)).save(folder / f"{i}.png")
    return tmp_path / "photos"


def write(photos: Path, output: Path, *, seed: int = 3, held_out: Path | None = None, workers: int = 1,
          **changed: object) -> dict[str, int]:  # fmt: skip
    section = {"source": str(photos), "image_size": 16, "validation": 2, "test": 2, **changed}
    if held_out is not None:
        section["test_source"] = str(held_out)
    settings = PhotographSettings.over(section)
    sources, _ = list_classes(photos)
    test_sources = list_classes(held_out)[0] if held_out else None
    with worker_pool(workers) as executor:
        return write_sets(
            settings, sources, test_sources, output, seed=seed, executor=executor, window=2
        )


def manifest(output: Path) -> pd.DataFrame:
    return pd.read_csv(output / "photographs.csv", keep_default_na=False)


def split_of(output: Path) -> dict[str, str]:
    return dict(zip(manifest(output)["file"], manifest(output)["outcome"], strict=True))


def test_every_file_is_in_one_split_and_classes_are_whole(photos, tmp_path):
    counts = write(photos, tmp_path / "out")
    assert counts == {"test": 6, "validation": 6, "train": 17}
    table = manifest(tmp_path / "out")
    assert len(table) == table["file"].nunique() == 29
    by_class = table.groupby(["class", "outcome"]).size()
    assert by_class["great ape", "train"] == 4
    assert by_class["dog", "test"] == 2
    for split, count in counts.items():
        images = imageset.read(tmp_path / "out" / f"{split}-plain")
        assert images.images.shape == (count, 16, 16, 3)
        assert images.labels["imagename"].is_unique
        assert (images.labels["shape"] == images.labels["texture"]).all()
    # The pixels are those of the file that the manifest names.
    row = table[table["outcome"] == "train"].iloc[5]
    labels = imageset.read(tmp_path / "out" / "train-plain").labels
    place = int(np.flatnonzero(labels["imagename"] == row["imagename"])[0])
    with Image.open(photos / row["file"]) as image:
        expected = image.resize((21, 16), Image.Resampling.BILINEAR).crop((2, 0, 18, 16))
    found = imageset.read(tmp_path / "out" / "train-plain").images[place]
    assert np.array_equal(found, np.asarray(expected))


def test_the_split_depends_on_seed_and_name_alone(photos, tmp_path):
    write(photos, tmp_path / "one")
    write(photos, tmp_path / "two", workers=2)
    for name in ("train-plain.images.npy", "test-plain.labels.csv", "photographs.csv"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    before = split_of(tmp_path / "one")
    write(photos, tmp_path / "other", seed=4)
    assert split_of(tmp_path / "other") != before
    photograph(99).save(photos / "dog" / "new.png")
    write(photos, tmp_path / "more")
    after = split_of(tmp_path / "more")
    # A new file takes at most one place in each split that it pushes others out of.
    moved = [name for name, split in before.items() if after[name] != split]
    assert len(moved) <= 2
    assert all(name.startswith("dog/") for name in moved)


def test_numbers_of_each_class(photos, tmp_path):
    counts = write(photos, tmp_path / "out", train=3, classes=["dog", "cat"])
    assert counts == {"test": 4, "validation": 4, "train": 6}
    labels = imageset.read(tmp_path / "out" / "train-plain").labels
    assert set(labels["shape"]) == {"cat", "dog"}
    assert len(manifest(tmp_path / "out")) == 14  # no more are looked at


@pytest.mark.parametrize(("batch", "said"), [(18, 1), (17, 0), (0, 0)])
def test_fewer_images_than_a_batch_are_said_at_once(photos, tmp_path, capsys, batch, said):
    """17 images are left to train on."""
    settings = {"source": str(photos), "image_size": 16, "validation": 2, "test": 2}
    photographs(
        settings=json.dumps(settings), seed=3, output_dir=tmp_path / "out", batch_size=batch
    )
    line = f"train-plain: 17 images are fewer than training.batch_size ({batch})"
    assert capsys.readouterr().out.count(line) == said


def test_a_given_test_folder(photos, tmp_path):
    for label in CLASSES:
        folder = tmp_path / "held-out" / label
        folder.mkdir(parents=True)
        for i in range(3):
            photograph(1000 + 10 * CLASSES.index(label) + i).save(folder / f"{i}.png")
    # One file of the training folder is a test file too: it is not trained on.
    copied = (tmp_path / "held-out" / "cat" / "0.png").read_bytes()
    (photos / "cat" / "copy.png").write_bytes(copied)
    counts = write(photos, tmp_path / "out", held_out=tmp_path / "held-out")
    assert counts == {"test": 6, "validation": 6, "train": 23}
    table = manifest(tmp_path / "out")
    assert set(table[table["source"] == "test_source"]["outcome"]) == {"test"}
    (tmp_path / "held-out" / "dog").rename(tmp_path / "held-out" / "wolf")
    with pytest.raises(InputError, match=r"test_source: class 'dog' is not in both"):
        write(photos, tmp_path / "bad", held_out=tmp_path / "held-out")


@pytest.mark.parametrize("workers", [1, 2])
def test_whole_photographs_stand_beside_the_squares(photos, tmp_path, workers):
    """The same training photographs in the same order, squeezed; the ratio is of the file."""
    plain = tmp_path / "plain"
    write(photos, plain)
    write(photos, tmp_path / "out", whole=24, workers=workers)
    for name in ("train-plain.images.npy", "test-plain.labels.csv", "photographs.csv"):
        assert (plain / name).read_bytes() == (tmp_path / "out" / name).read_bytes()
    assert not (plain / "train-whole.images.npy").exists()
    whole, squares = (imageset.read(tmp_path / "out" / f"train-{n}") for n in ("whole", "plain"))
    assert whole.images.shape == (17, 24, 24, 3)
    assert list(whole.labels["imagename"]) == list(squares.labels["imagename"])
    assert np.allclose(whole.labels["aspect_ratio"], 26 / 20)
    files = manifest(tmp_path / "out").set_index("imagename")
    chosen = files[files["outcome"] == "train"]["file"]
    with Image.open(photos / chosen[whole.labels["imagename"][4]]) as image:
        expected = image.resize((24, 24), Image.Resampling.BILINEAR)
    assert np.array_equal(whole.images[4], np.asarray(expected))


def test_copies_count_once(photos, tmp_path):
    first = (photos / "dog" / "0.png").read_bytes()
    for name in ("a", "b"):
        (photos / "dog" / f"{name}.png").write_bytes(first)
    counts = write(photos, tmp_path / "out")
    assert sum(counts.values()) == 29
    assert (manifest(tmp_path / "out")["outcome"] == "duplicate").sum() == 2


def test_broken_files_are_named_counted_and_tolerated(photos, tmp_path, capsys):
    (photos / "cat" / "text.jpg").write_text("no image")
    Image.new("RGB", (1, 1)).save(photos / "dog" / "dot.png")
    whole = (photos / "dog" / "3.png").read_bytes()
    (photos / "dog" / "3.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"3 of 31 images are unusable, tolerated are 2"):
        write(photos, tmp_path / "out", tolerated=2)
    assert not list((tmp_path / "out").iterdir())
    capsys.readouterr()
    counts = write(photos, tmp_path / "out", tolerated=3)
    assert sum(counts.values()) == 28
    warned = capsys.readouterr().err
    assert all(name in warned for name in ("text.jpg", "dot.png", "3.png"))
    table = manifest(tmp_path / "out")
    reasons = table[table["outcome"] == "unusable"].set_index("file")["reason"]
    assert "1 x 1 px" in reasons["dog/dot.png"]
    assert str(tmp_path) not in " ".join(reasons)


def test_grey_transparent_cmyk_and_deep_files_are_read(photos, tmp_path):
    """What each becomes is tested with the reader (test_stylize_styles.py)."""
    field = np.full((20, 20), 90, np.uint8)
    for name, image in {
        "grey.png": Image.fromarray(field),
        "cmyk.jpg": Image.fromarray(np.stack([field] * 3, -1)).convert("CMYK"),
        "deep.png": Image.fromarray(field.astype(np.uint16) * 257),
        "clear.png": Image.fromarray(np.stack([field] * 4, -1), "RGBA"),
    }.items():
        image.save(photos / "cat" / name)
    assert sum(write(photos, tmp_path / "out").values()) == 33


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        (
            {"validation": 6},
            r"class 'great ape' has 8 files, expected at least 9 \(2 test, 6 valid",
        ),
        ({"train": 9}, "class 'cat' has 9 files, expected at least 13"),
        ({"classes": ["cat", "dgo"]}, "no folder 'dgo'; did you mean 'dog'"),
        ({"classes": ["cat"]}, "expected a list of at least 2"),
        ({"test": None}, r"data\.folder\.test: expected a whole number"),
        ({"resize": 12}, r"data\.folder\.resize: 12; expected at least data\.image_size, 16"),
        ({"tolerate": 1}, "unknown key 'data.folder.tolerate'|tolerate.*did you mean 'tolerated'"),
    ],
)
def test_settings_that_cannot_be(photos, tmp_path, changed, line):
    with pytest.raises(InputError, match=line):
        write(photos, tmp_path / "out", **changed)
    assert not (tmp_path / "out").exists()


def test_folders_that_cannot_be(photos, tmp_path):
    (photos / "empty").mkdir()
    with pytest.raises(InputError, match=r"class 'empty': .*holds no image"):
        write(photos, tmp_path / "out")
    (photos / "empty").rmdir()
    (photos / "dog").rename(photos / "dog_2")
    with pytest.raises(InputError, match="class folder 'dog_2'; expected letters"):
        write(photos, tmp_path / "out")
    (photos / "dog_2").rename(photos / "n02084071")  # a WordNet id
    assert sum(write(photos, tmp_path / "out").values()) == 29
    labels = imageset.read(tmp_path / "out" / "test-plain").labels
    assert "n020840711-n020840711.png" in set(labels["imagename"])


def test_exemplars_and_edges(photos, tmp_path):
    write(photos, tmp_path / "out", test=4)
    images = imageset.read(tmp_path / "out" / "test-plain")
    shapes = first_of_each_class(images, 2, skip=0, condition="shape-exemplars")
    textures = first_of_each_class(images, 2, skip=2, condition="texture-exemplars")
    assert list(shapes.labels["shape_exemplar"][:2]) == ["cat1", "cat2"]
    assert list(textures.labels["texture_exemplar"][:2]) == ["cat1", "cat2"]
    shown = [image.tobytes() for image in (*shapes.images, *textures.images)]
    assert len(set(shown)) == 12  # no photograph gives both
    with pytest.raises(InputError, match="class 'cat' has 4 test images, expected at least 5"):
        first_of_each_class(images, 2, skip=3, condition="texture-exemplars")
    drawn = edge_drawings(images)
    assert set(np.unique(drawn.images)) <= {0, 255}
    assert set(drawn.labels["texture"]) == {"na"}


def test_memory_does_not_grow_with_the_number_of_images(tmp_path):
    """The writer holds one image at a time; the header is right at the end."""
    import tracemalloc

    image = np.arange(64 * 64 * 3, dtype=np.uint32).reshape(64, 64, 3).astype(np.uint8)
    peaks = []
    for count in (20, 400):
        tracemalloc.start()
        with imageset.Writer(tmp_path / f"set-{count}", 64) as writer:
            for i in range(count):
                name = f"cat{i + 1}"
                writer.add(image, [f"{name}-{name}.png", "cat", "cat", name, name, "train"])
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        read = imageset.read(tmp_path / f"set-{count}")
        assert len(read) == count
        assert np.array_equal(read.images[count - 1], image)
    assert peaks[1] < 1.5 * peaks[0]


def test_an_interrupted_writer_leaves_nothing(tmp_path):
    with pytest.raises(KeyError), imageset.Writer(tmp_path / "set", 8):
        raise KeyError
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["cat", "n014435{:02d}", "a class of many words {}"])
def test_names_of_classes_do_not_run_into_each_other(name):
    """WordNet ids over a dozen small images are as wide as two of them."""
    names = [name.format(i) if "{" in name else f"{name}{i}" for i in range(20)]
    rows = [[f"{n}1-{n}1.png", n, n, f"{n}1", f"{n}1", "test"] for n in names]
    pixels = np.zeros((len(rows), 8, 8, 3), np.uint8)
    images = imageset.ImageSet(pixels, pd.DataFrame(rows, columns=imageset.LABEL_COLUMNS))
    figure = contact_sheet({"plain": images, "stylized": images})
    figure.canvas.draw()
    boxes = [t.get_window_extent() for t in figure.axes[0].texts if t.get_text() in names]
    assert len(boxes) == 12
    assert all(one.x1 < other.x0 for one, other in pairwise(boxes))
    assert all(figure.bbox.y0 <= box.y0 < box.y1 <= figure.bbox.y1 for box in boxes)


def test_wordnet_ids_are_told_by_their_english_names():
    names = ["n02099601", "n02504458", "n00000000"]  # the last is no class of ILSVRC 2012
    rows = [[f"{n}1-{n}1.png", n, n, f"{n}1", f"{n}1", "test"] for n in names]
    pixels = np.zeros((len(rows), 8, 8, 3), np.uint8)
    images = imageset.ImageSet(pixels, pd.DataFrame(rows, columns=imageset.LABEL_COLUMNS))
    shown = [text.get_text() for text in contact_sheet({"plain": images}).axes[0].texts]
    assert {"golden retriever", "African elephant", "n00000000"} < set(shown)
    assert not {"n02099601", "n02504458"} & set(shown)


@pytest.mark.parametrize("count", [2, 3, 5, 7, 16])
def test_contact_sheet_of_any_number_of_classes(count):
    """Names inside the figure and over their images; a height that depends on the sets, not the classes."""
    names = [f"class {chr(97 + i)}" for i in range(count)]
    rows = [[f"{name}{i}-{name}{i}.png", name, name, f"{name}{i}", f"{name}{i}", "test"]
            for name in names for i in range(1, 9)]  # fmt: skip
    pixels = np.random.default_rng(0).integers(0, 256, (len(rows), 8, 8, 3), np.uint8)
    images = imageset.ImageSet(pixels, pd.DataFrame(rows, columns=imageset.LABEL_COLUMNS))
    each = max(1, 12 // count)
    chosen = choose(images, names, each)
    assert len(set(chosen)) == each * count
    assert list(images.labels["shape"].iloc[chosen]) == [n for n in names for _ in range(each)]
    # Of a class with too few images places stay empty; 'none' stands where there is no image at all.
    some = images.labels.index[images.labels["shape"].eq(names[0]) & (images.labels.index % 8 == 0)]
    few = imageset.ImageSet(pixels[some], images.labels.iloc[some].reset_index(drop=True))
    assert choose(few, names[:2], 3) == [0, None, None, None, None, None]
    row = contact_sheet({"few": few, "all": images}).axes[0]
    assert len(row.images) == 1
    assert [text.get_text() for text in row.texts].count("none") == min(count, 12) - 1
    sets = {f"set {i}": images for i in range(5)}
    figure = contact_sheet(sets)
    width, height = figure.get_size_inches()
    assert width == 7
    assert 2 < height < 5.1
    shown = min(count, 12)
    assert [len(axis.images) for axis in figure.axes] == [each * shown] * 5
    figure.canvas.draw()
    heads = [text for text in figure.axes[0].texts if text.get_text() in names]
    assert len(heads) == shown
    whole = figure.bbox
    for number, head in enumerate(heads):
        box = head.get_window_extent()
        assert whole.y0 <= box.y0 < box.y1 <= whole.y1
        own = figure.axes[0].images[number * each : (number + 1) * each]
        edges = [axis.get_window_extent() for axis in own]
        middle = (min(e.x0 for e in edges) + max(e.x1 for e in edges)) / 2
        assert abs((box.x0 + box.x1) / 2 - middle) < 1
        assert box.y0 > max(e.y1 for e in edges)


def test_cifar10_comes_from_the_mirror(mirror, tmp_path, monkeypatch):
    assert mirror.is_dir()
    train, test = archives.sources("cifar10", tmp_path)
    assert (len(train), len(test)) == (50_000, 10_000)
    assert train[0].read_bytes().startswith(b"\xff\xd8")  # JPEG
    assert {source.label for source in test} >= {"cat", "ship", "truck"}


def test_an_archive_that_holds_something_else(tmp_path, monkeypatch):
    monkeypatch.setenv("TEXSHAPE_MIRROR", str(tmp_path / "mirror"))
    archive = archives.archives()["cifar10"]
    place = tmp_path / "mirror" / "github" / archive.repository / f"{archive.commit}.tar.gz"
    place.parent.mkdir(parents=True)
    with zipfile.ZipFile(place, "w"):
        pass
    with pytest.raises(InputError, match="not a whole archive"):
        archives.sources("cifar10", tmp_path / "cache")
    import io
    import tarfile

    with tarfile.open(place, "w:gz") as packed:
        content = b"no photograph"
        member = tarfile.TarInfo("top/train/cat/1.jpg")
        member.size = len(content)
        packed.addfile(member, io.BytesIO(content))
    (tmp_path / "cache" / archive.repository / f"{archive.commit}.tar.gz").unlink()
    with pytest.raises(InputError, match="'cifar10' has 1 images of check sum"):
        archives.sources("cifar10", tmp_path / "cache")
    assert not (tmp_path / "cache" / archive.repository / f"{archive.commit}.tar").exists()
