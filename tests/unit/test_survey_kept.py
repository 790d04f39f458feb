"""What a survey keeps from an earlier run, and what it computes again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from texshape.files import read_csv
from texshape.survey import parameters, steps, stimuli, survey

LEVELS = {"cup": 40, "key": 215}
# Brightness decides between cup (dark) and key (bright); where to look is said in three places.
NETWORK = """
import kept_rule
from torch import nn, ones, stack

class Judge(nn.Module):
    classes = ("cup", "key")
    mean, std, input_size = (0.0,) * 3, (1.0,) * 3, 24
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(ones(1))
        self.where = {"column": 0}
    def forward(self, x):
        bright = kept_rule.part(x, self.where["column"]).mean((1, 2, 3)) - 0.5
        return stack([-bright, bright], 1) * self.scale

def make():
    return Judge()
"""
RULE = """
SHIFT = 0
def part(x, column):
    return x[..., column + SHIFT : column + SHIFT + 12]
"""


class World:
    """Four images, the left half in the shape's grey, the right in the texture's; a network of two files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "kept_network.py").write_text(NETWORK)
        (folder / "kept_rule.py").write_text(RULE)
        (folder / "images").mkdir()
        for shape in LEVELS:
            for texture in LEVELS:
                self.draw(shape, texture)
        self.settings = parameters.read()
        self.settings["bootstrap"]["resamples"] = 20

    def draw(self, shape: str, texture: str, *, swapped: bool = False) -> None:
        pixels = np.full((24, 24, 3), LEVELS[shape if swapped else texture], np.uint8)
        pixels[:, :12] = LEVELS[texture if swapped else shape]
        Image.fromarray(pixels).save(self.folder / "images" / f"{shape}1-{texture}1.png")

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.folder / name
        text = path.read_text()
        assert text.count(old) == 1
        path.write_text(text.replace(old, new))

    def run(self) -> tuple[float, bool]:
        """The shape bias, and whether the network had to be shown the images."""
        ran: list[bool] = []

        class Listener(survey.Listener):
            def done(self, had_to: bool) -> None:
                ran.append(had_to)

        candidate = survey.by_name("python:kept_network:make", self.settings["evaluation"])
        shown = stimuli.from_folder(self.folder / "images")
        result = survey.run([candidate], shown, self.settings, self.folder / "out",
                            quick=True, report=False, listener=Listener())  # fmt: skip
        return float(result.leaderboard["shape_bias"].iloc[0]), ran[0]


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.chdir(tmp_path)
    world = World(tmp_path)
    assert world.run() == (1.0, True)
    assert world.run() == (1.0, False)
    return world


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("kept_network.py", '{"column": 0}', '{"column": 12}'),  # a state that is no weight
        ("kept_rule.py", "SHIFT = 0", "SHIFT = 12"),  # a constant of a module that it imports
        ("kept_rule.py", "x[...,", "x.flip(-1)[...,"),  # the code of that module
        ("kept_network.py", "[-bright, bright]", "[bright, -bright]"),  # its own code
    ],
)  # fmt: skip
def test_another_network_is_shown_the_images_again(
    made: World, name: str, old: str, new: str
) -> None:
    made.edit(name, old, new)
    assert made.run() == (0.0, True)
    assert made.run() == (0.0, False)


def test_another_preprocessing_is_shown_the_images_again(made: World) -> None:
    """With 0.9 taken off, all pixels are dark: 'cup' for each image, the shape of one of two."""
    made.edit("kept_network.py", "(0.0,) * 3, (1.0,) * 3", "(0.9,) * 3, (1.0,) * 3")
    assert made.run() == (0.5, True)
    assert made.run() == (0.5, False)


def test_other_pixels_under_the_same_names_are_shown_again(made: World) -> None:
    made.draw("cup", "key", swapped=True)
    made.draw("key", "cup", swapped=True)
    assert made.run() == (0.0, True)


def test_another_way_to_decide_is_used(made: World) -> None:
    (made.folder / "map.yaml").write_text("cup: [1]\nkey: [0]\n")
    made.settings["evaluation"]["class_map"] = str(made.folder / "map.yaml")
    assert made.run() == (0.0, True)
    (made.folder / "map.yaml").write_text("cup: [0]\nkey: [1]\n")  # the same file
    assert made.run() == (1.0, True)


def test_other_packages_compute_again(made: World, monkeypatch: pytest.MonkeyPatch) -> None:
    real = steps.versions
    monkeypatch.setattr(steps, "versions", lambda: real() | {"snakemake": "99"})  # computes nothing
    assert made.run() == (1.0, False)
    for package in ("torch", "timm", "numpy", "python"):
        monkeypatch.setattr(steps, "versions", lambda name=package: real() | {name: "99"})
        assert made.run() == (1.0, True)


def test_a_trial_file_that_was_edited_is_made_again(made: World) -> None:
    (trials,) = (made.folder / "out").glob("*/seed-0/trials/cue-conflict.csv")
    text = trials.read_text()
    frame = read_csv(trials)
    trials.write_text(text.replace(",cup,", ",key,", 1))
    assert made.run() == (1.0, True)
    assert read_csv(trials).equals(frame)
    trials.write_text(text[: len(text) // 2])  # a copy that was cut off
    assert made.run() == (1.0, True)


def test_what_cannot_be_seen_is_computed_each_time(made: World, capsys) -> None:
    (made.folder / "shift.txt").write_text("0")
    made.edit("kept_rule.py", "    return", '    SHIFT = int(open("shift.txt").read())\n    return')
    assert made.run() == (1.0, True)
    assert "nothing is kept from an earlier run, since part uses open" in capsys.readouterr().err
    (made.folder / "shift.txt").write_text("12")
    assert made.run() == (0.0, True)
    assert made.run() == (0.0, True)


def test_what_is_measured_no_more_leaves_no_file(made: World) -> None:
    made.edit("kept_network.py", '("cup", "key")', '("mug", "key")')
    assert np.isnan(made.run()[0])
    assert list((made.folder / "out").glob("*/seed-0/trials/*.csv")) == []


def test_what_is_said_of_a_network_stands_in_the_report_also_when_nothing_runs_again(
    made: World, capsys: pytest.CaptureFixture[str]
) -> None:
    made.edit(
        "kept_network.py",
        "- 0.5",
        "- 0.5 - 0.01 * x.mean()\n        bright = bright + 0 * (0.3 - bright).sqrt()",
    )
    candidate = survey.by_name("python:kept_network:make", made.settings["evaluation"])
    pages = []
    for _ in range(2):
        capsys.readouterr()
        result = survey.run([candidate], stimuli.from_folder(made.folder / "images"),
                            made.settings, made.folder / "out", quick=True)  # fmt: skip
        kept = read_csv(result.folder / "tables" / "notices.csv")
        pages.append((result.folder / "report.html").read_text(encoding="utf-8"))
        first, second = kept.fillna("").to_dict("records")
        assert (first["technique"], first["kind"]) == ("", "warning")
        assert "depends on the other pictures in the batch" in first["text"]
        assert (second["technique"], second["kind"]) == ("trials", "warning")
        assert "undefined (NaN or infinite) for 2 of 4 images" in second["text"]
        said = capsys.readouterr().err
        for row in (first, second):
            assert f"texshape: warning: python:kept_network:make: {row['text']}" in said
            for part in row["text"].split("'"):
                assert part in pages[-1].replace("\n", " ")
    assert pages[0] == pages[1]
    assert made.run()[1] is False


def test_a_report_without_notices_does_not_speak_of_them(made: World) -> None:
    candidate = survey.by_name("python:kept_network:make", made.settings["evaluation"])
    result = survey.run([candidate], stimuli.from_folder(made.folder / "images"),
                        made.settings, made.folder / "out", quick=True)  # fmt: skip
    assert read_csv(result.folder / "tables" / "notices.csv").empty
    assert "Notes on the networks" not in (result.folder / "report.html").read_text(
        encoding="utf-8"
    )


def test_activations_of_a_survey_that_was_cut_off_are_not_taken(
    made: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They may be of another network, or of other images."""
    (folder,) = {path.parent for path in (made.folder / "out").glob("*--*/seed-0")}
    left = folder / "seed-0" / "features" / "epoch-001"
    left.mkdir(parents=True)
    (left / "stages.csv").write_text("stage\n")
    there: list[bool] = []
    real = steps._steps

    def seen(chosen: object, subject: object) -> object:
        there.append(left.exists())
        yield from real(chosen, subject)

    monkeypatch.setattr(steps, "_steps", seen)
    made.run()
    assert there == [False]
    assert not left.parent.exists()
