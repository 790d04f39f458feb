"""Trial files whose every cell is known, small enough for a page in a test; and what a page's data say."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from texshape.data import imageset
from texshape.trials.files import COLUMNS

CLASSES = ("bear", "cat", "clock", "truck")
ANSWERS = (*CLASSES, "dog", "na")  # one that no picture shows, and no class
HUMANS = ("subject-01", "subject-02", "subject-10")
NETWORKS = ("net-a", "net-b", "net-c", "net-d")


def names() -> list[str]:
    """32 pictures: two exemplars of each shape on a texture of each class, the shape's own among them."""
    return [
        f"{shape}{i}-{texture}{1 + (number + i) % 3}"
        for shape in CLASSES
        for i in (2, 10)  # 10 stands behind 2
        for number, texture in enumerate(CLASSES)
    ]


def answers(subject: str) -> dict[str, str]:
    """Each subject's own decisions; humans mostly follow the shape, networks the texture."""
    random = np.random.default_rng(sum(map(ord, subject)))
    found = {}
    for name in names():
        shape, texture = (part.rstrip("0123456789") for part in name.split("-"))
        likely = (shape, texture) if subject in HUMANS else (texture, shape)
        found[name] = str(random.choice([*likely, *ANSWERS], p=[0.5, 0.2, *[0.05] * 6]))
    if subject == "net-d":  # which saw but a part
        return {name: found[name] for name in names()[:20]}
    return found


def rows(subject: str, decisions: dict[str, str]) -> list[list[str]]:
    """Trials in the published columns, with a prefix before each picture's name."""
    return [
        [subject, "1", str(i), "NaN", answer, name.split("-")[0].rstrip("0123456789"), "0",
         f"{i:04d}_x_{name}.png"]
        for i, (name, answer) in enumerate(decisions.items(), start=1)
    ]  # fmt: skip


def write_trials(path: Path, *subjects: str, **changed: dict[str, str]) -> Path:
    """A trial file of these subjects."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cells = [row for one in subjects for row in rows(one, changed.get(one) or answers(one))]
    path.write_text("\n".join(map(",".join, [COLUMNS, *cells])) + "\n", encoding="utf-8")
    return path


def write_all(folder: Path) -> Path:
    """A folder of trial files of all subjects."""
    for one in (*HUMANS, *NETWORKS):
        write_trials(folder / f"{one}.csv", one)
    return folder


def pixels(number: int, side: int) -> np.ndarray:
    """A picture that is like no other."""
    return np.random.default_rng(number).integers(0, 256, (side, side, 3), dtype=np.uint8)


def write_pictures(folder: Path, side: int = 16, count: int | None = None) -> Path:
    """Pictures of these names."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names()[:count]):
        Image.fromarray(pixels(number, side)).save(folder / f"{name}.png")
    return folder


def experiment(folder: Path, arms: dict[str, dict], *, side: int = 8, first: int = 0) -> Path:
    """A folder of an experiment: networks of arms, each with a seed, pictures, and a read-out."""
    images = np.stack([pixels(first + i, side) for i in range(len(names()))])
    parts = [name.split("-") for name in names()]
    labels = pd.DataFrame(
        [[f"{a}-{b}.png", a.rstrip("0123456789"), b.rstrip("0123456789"), a, b, "cue-conflict"]
         for a, b in parts],
        columns=imageset.LABEL_COLUMNS,
    )  # fmt: skip
    imageset.write(folder / "data" / "base" / "cue-conflict", imageset.ImageSet(images, labels))
    parameters = {"experiment": "x", "data": {"kind": "procedural"}, "arms": arms}
    (folder / "parameters.json").write_text(json.dumps(parameters), encoding="utf-8")
    for number, arm in enumerate(arms):
        for seed in (0, 1) if arm == "plain" else (0,):
            run = folder / f"cnn--{arm}" / f"seed-{seed}"
            given = answers(f"net-{'abcd'[number + seed]}")
            write_trials(run / "trials" / "cue-conflict.csv", "cnn", cnn=given)
            write_trials(run / "trials" / "edges.csv", "cnn")
    return folder


def write_readings(path: Path, kinds: tuple[str, ...] = ("pooled",)) -> dict[str, tuple]:
    """A read-out of the last stage, and what the page has to say of it."""
    random = np.random.default_rng(5)
    lines, expected = ["stage,cue,input,imagename,correct,fold"], {}
    for name in names()[:25]:  # the others were not read
        for kind in kinds:
            right = random.integers(0, 2, 2)
            for cue, value in zip(("shape", "texture"), right, strict=True):
                lines.append(f"last,{cue},{kind},{name}.png,{value},0")
        expected[name] = tuple(map(bool, right))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return expected


def read_data(folder: Path) -> dict[str, Any]:
    """The data of a page."""
    text = (folder / "data.js").read_text(encoding="utf-8")
    assert text.startswith("const GALLERY = ")
    return json.loads(text.removeprefix("const GALLERY = ").rstrip(";\n"))


def cells(made: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Subject to picture to decision, as the format says."""
    codes = base64.b64decode(made["decisions"])
    pictures = made["pictures"]["name"]
    assert len(codes) == len(pictures) * len(made["subjects"])
    return {
        one["name"]: {
            name: "na" if code == 1 else made["classes"][code - 2]
            for name, code in zip(pictures, codes[place * len(pictures) :], strict=False)
            if code
        }
        for place, one in enumerate(made["subjects"])
    }
