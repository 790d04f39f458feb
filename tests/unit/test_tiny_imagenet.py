"""Tiny ImageNet: the archive's lists and photographs, drawn and from the mirror, and what it may not be."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from texshape.cli.photographs import photographs
from texshape.config.data import PhotographSettings
from texshape.data import imageset, tiny_imagenet
from texshape.errors import InputError

FISH, PENGUIN, OTHER = "n91443537", "n92056570", "n93443537"  # no real classes
TOP = "tiny-imagenet-200"
TRAIN, VALIDATION = 6, 3


def picture(number: int, side: int = 64) -> bytes:
    rng = np.random.default_rng(number)
    small = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8))
    buffer = io.BytesIO()
    small.resize((side, side)).save(buffer, "JPEG")
    return buffer.getvalue()


def contents() -> dict[str, bytes]:
    """An archive of two classes; a third is listed, and has annotations alone."""
    files: dict[str, bytes] = {}
    for place, name in enumerate((FISH, PENGUIN)):
        boxes = ""
        for i in range(TRAIN):
            files[f"{TOP}/train/{name}/images/{name}_{i}.JPEG"] = picture(100 * place + i)
            boxes += f"{name}_{i}.JPEG\t{i}\t1\t60\t{50 + i}\n"
        files[f"{TOP}/train/{name}/{name}_boxes.txt"] = boxes.encode()
    lines = ""
    for i in range(2 * VALIDATION):  # the classes in turn: nothing but the list tells them
        files[f"{TOP}/val/images/val_{i}.JPEG"] = picture(1000 + i)
        lines += f"val_{i}.JPEG\t{(FISH, PENGUIN)[i % 2]}\t0\t{i}\t63\t62\n"
    files[f"{TOP}/val/val_annotations.txt"] = (
        lines + f"val_99.JPEG\t{OTHER}\t0\t0\t5\t5\n"
    ).encode()
    files[f"{TOP}/wnids.txt"] = "\n".join((PENGUIN, OTHER, FISH)).encode()
    files[f"{TOP}/words.txt"] = b"not read"
    return files


Pack = Callable[[dict[str, bytes]], Path]


@pytest.fixture
def pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pack:
    """Put an archive where it would be downloaded from; returns a cache."""
    monkeypatch.setenv("TEXSHAPE_MIRROR", str(tmp_path / "mirror"))
    place = tmp_path / "mirror" / "cs231n.stanford.edu" / f"{TOP}.zip"
    place.parent.mkdir(parents=True)

    def packed(files: dict[str, bytes]) -> Path:
        with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        return tmp_path / "cache"

    return packed


def test_photographs_classes_and_boxes(pack: Pack) -> None:
    cache = pack(contents())
    train, test = tiny_imagenet.sources([FISH, PENGUIN], cache)
    assert [len(train), len(test)] == [2 * TRAIN, 2 * VALIDATION]
    third = next(source for source in train if source.name == f"{PENGUIN}/{PENGUIN}_3.JPEG")
    assert third.read_bytes() == picture(103)
    assert (third.label, third.box) == (PENGUIN, (3, 1, 60, 53))
    # The class of a validation photograph is that of its line, not of its place.
    fifth = next(source for source in test if source.name.endswith("val_5.JPEG"))
    assert (fifth.label, fifth.box, fifth.read_bytes()) == (PENGUIN, (0, 5, 63, 62), picture(1005))
    train, test = tiny_imagenet.sources([PENGUIN], cache)
    assert {source.label for source in (*train, *test)} == {PENGUIN}
    assert [len(train), len(test)] == [TRAIN, VALIDATION]


def test_classes_without_a_known_sum_are_said(
    pack: Pack, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny_imagenet.sources([FISH, PENGUIN], pack(contents()))
    said = capsys.readouterr().err
    assert f"no check sum is known of class '{FISH}' and 1 more" in said
    assert said.count("\n") == 1


def test_sets_of_a_subset_keep_the_boxes(pack: Pack, tmp_path: Path) -> None:
    """Test photographs are the validation photographs; where the boxes stand, and of which file."""
    settings = {
        "source": "tiny-imagenet", "image_size": 64, "classes": [PENGUIN, FISH], "validation": 2, "test": 2,
    }  # fmt: skip
    photographs(
        settings=json.dumps(settings), seed=3, output_dir=tmp_path / "out", cache=pack(contents())
    )
    table = pd.read_csv(tmp_path / "out" / "photographs.csv")
    assert list(table.columns[-4:]) == ["box_left", "box_top", "box_right", "box_bottom"]
    assert table.groupby(["source", "outcome"]).size().to_dict() == {
        ("source", "train"): 8, ("source", "validation"): 4, ("test_source", "test"): 4,
    }  # fmt: skip
    for row in table.itertuples():
        number = int(row.file.rpartition("_")[2].partition(".")[0])
        box = (row.box_left, row.box_top, row.box_right, row.box_bottom)
        expected = (
            (0, number, 63, 62) if row.source == "test_source" else (number, 1, 60, 50 + number)
        )
        assert box == expected, row.file
    images = imageset.read(tmp_path / "out" / "test-plain")
    assert images.images.shape == (4, 64, 64, 3)
    names = table[table["outcome"] == "test"].set_index("imagename")["file"]
    number = int(names[images.labels["imagename"][0]].rpartition("_")[2].partition(".")[0])
    with Image.open(io.BytesIO(picture(1000 + number))) as expected:
        assert np.array_equal(images.images[0], np.asarray(expected))


LIST, ANNOTATIONS = f"{TOP}/wnids.txt", f"{TOP}/val/val_annotations.txt"
BOXES = f"{TOP}/train/{FISH}/{FISH}_boxes.txt"


def replaced(place: str, old: bytes, new: bytes) -> Callable[[dict[str, bytes]], None]:
    def change(files: dict[str, bytes]) -> None:
        assert old in files[place]
        files[place] = files[place].replace(old, new, 1)

    return change


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda files: files.pop(ANNOTATIONS), r"holds no tiny-imagenet-200/val/val_annotations\.txt"),
        (lambda files: files.pop(LIST), r"holds no tiny-imagenet-200/wnids\.txt"),
        (lambda files: files.pop(BOXES), rf"holds no .*{FISH}_boxes\.txt"),
        (replaced(LIST, OTHER.encode(), FISH.encode()), rf"wnids\.txt names class '{FISH}' 2 times"),
        (replaced(LIST, FISH.encode(), b""), rf"line 1: class '{FISH}' is not in .*wnids\.txt"),
        (replaced(ANNOTATIONS, b"val_1.", b"val_0."), r"names photograph 'val_0\.JPEG' 2 times"),
        (replaced(ANNOTATIONS, b"val_1.", b"val_9."), r"val_1\.JPEG has no line in .*val_annotations"),
        (replaced(ANNOTATIONS, b"\t62\n", b"\n"), r"line 1: expected a file, a class and four numbers"),
        (replaced(BOXES, b"\t60\t", b"\t64\t"), r"line 1: expected left, top.* within 64 px, found 0 1 64 50"),
        (replaced(BOXES, f"{FISH}_2.".encode(), b"x."), rf"{FISH}_2\.JPEG has no box"),
        (
            lambda files: files.update({f"{TOP}/val/images/val_2.JPEG": picture(5, side=32)}),
            r"val_2\.JPEG: 32 x 32 px; expected 64 x 64 px",
        ),
    ],
)  # fmt: skip
def test_archives_that_cannot_be(
    pack: Pack, change: Callable[[dict[str, bytes]], None], line: str
) -> None:
    files = contents()
    change(files)
    cache = pack(files)
    with pytest.raises(InputError, match=line) as raised:
        tiny_imagenet.sources([FISH, PENGUIN], cache)
    assert "\n" not in str(raised.value)
    assert not list(cache.rglob("*.tar*"))


def test_classes_that_cannot_be(pack: Pack) -> None:
    cache = pack(contents())
    with pytest.raises(InputError, match=rf"no training photographs of class '{OTHER}'.*2 of 3"):
        tiny_imagenet.sources(None, cache)  # all that the list names
    with pytest.raises(InputError, match=rf"no class 'n91443538'; did you mean '{FISH}'"):
        tiny_imagenet.sources(["n91443538", PENGUIN], cache)
    with pytest.raises(InputError, match=rf'data.folder.classes: "{FISH}" stands twice'):
        PhotographSettings.of(source="tiny-imagenet", image_size=64, classes=[FISH, FISH])


def test_an_archive_cut_short(pack: Pack) -> None:
    cache = pack(contents())
    packed = cache.parent / "mirror" / "cs231n.stanford.edu" / f"{TOP}.zip"
    packed.write_bytes(packed.read_bytes()[:-100])
    with pytest.raises(InputError, match="not a whole archive"):
        tiny_imagenet.sources(None, cache)


def test_other_photographs_under_known_names(pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    files = contents()
    cache = pack(files)
    known = {FISH: "0" * 64}
    monkeypatch.setattr(tiny_imagenet, "known_sums", lambda: known)
    with pytest.raises(
        InputError, match=rf"class '{FISH}' has {TRAIN + VALIDATION} photographs"
    ) as e:
        tiny_imagenet.sources([FISH, PENGUIN], cache)
    known[FISH] = str(e.value).split("of check sum ")[1].partition(",")[0]
    assert len(tiny_imagenet.sources([FISH, PENGUIN], cache)[0]) == 2 * TRAIN
    next(cache.rglob("*.tar")).unlink()
    next(cache.rglob("*.zip")).unlink()
    files[f"{TOP}/val/images/val_0.JPEG"] = picture(1)
    with pytest.raises(InputError, match=rf"class '{FISH}' has .*expected {known[FISH]}"):
        tiny_imagenet.sources([FISH, PENGUIN], pack(files))


def test_the_mirror_has_twenty_classes(mirror: Path, tmp_path: Path) -> None:
    assert mirror.is_dir()
    known = list(tiny_imagenet.known_sums())
    assert len(known) == 20
    train, test = tiny_imagenet.sources(known, tmp_path)
    assert (len(train), len(test)) == (10_000, 1_000)
    assert pd.Series([source.label for source in test]).value_counts().unique().tolist() == [50]
    # One fish and its box, as a reader of the archive sees them.
    first = next(source for source in train if source.name == "n01443537/n01443537_0.JPEG")
    assert (first.box, first.read_bytes()[:2]) == ((0, 10, 63, 58), b"\xff\xd8")
    with pytest.raises(InputError, match="holds 20 of 202 classes"):
        tiny_imagenet.sources(None, tmp_path)
