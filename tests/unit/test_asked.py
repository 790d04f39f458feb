"""Functions from pictures to class names, measured by their answers alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from tests import survey_world as world
from typer.testing import CliRunner

from texshape.cli.measure import app
from texshape.errors import InputError
from texshape.experiment.plan import Plan
from texshape.files import read_csv
from texshape.models import asked, loading, names
from texshape.notices import listening
from texshape.survey import parameters, stimuli, survey
from texshape.techniques.reasons import UNRANKED, UNSEEN

CLASSES = world.CLASSES
# The block of a class stands in a quadrant of its own, on 200 (conflict) or 255 (silhouettes).
BY_SHAPE = f"""
import numpy as np

CLASSES = {CLASSES}


def quadrants(picture):
    pixels = np.asarray(picture).astype(float)
    assert pixels.shape == (48, 48, 3) or pixels.std() == 0, pixels.shape
    grey = np.abs(pixels[..., 0] - pixels[0, 0, 0])
    return [grey[r:r + 20, c:c + 20].mean() for r in (0, 20) for c in (0, 20)]


def names(pictures):
    return [CLASSES[int(np.argmax(quadrants(one)))] for one in pictures]


def scores(pictures):
    return [dict(zip(CLASSES, map(float, quadrants(one)))) | {{"dog": 1e9}} for one in pictures]


def once(pictures):
    if len(pictures) > 2:
        raise RuntimeError("out of paper")
    return names(pictures)
"""
BEHAVIOUR = ("trials", "cue_strength", "suppression")


@pytest.fixture
def place(tmp_path: Path, monkeypatch) -> Path:
    (tmp_path / "asked_of_test.py").write_text(BY_SHAPE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


class Counter(survey.Listener):
    ran = 0

    def done(self, ran: bool) -> None:
        self.ran += ran


def measured(place: Path, *models: str, listener: Counter | None = None) -> survey.Result:
    shown = place / "stimuli"
    if not shown.exists():
        world.write_stimuli(place)
    settings = parameters.read(world.write_settings(place))
    quick = {"images": 12, "resamples": 20}
    settings["techniques"] = ["cue_rank", "suppression", "triplets"]
    settings |= {
        "configural_shape": quick,
        "suppression": quick | {"suppressions": ["patch-shuffle"]},
    }
    return survey.run(
        [survey.by_name(name, settings["evaluation"]) for name in models],
        stimuli.from_folder(shown),
        settings,
        place / "out",
        listener=listener,
    )


def test_every_technique_of_decisions_measures_a_function_and_the_others_say_why(
    place: Path,
) -> None:
    found = measured(place, "decide:asked_of_test:names", "decide:asked_of_test:scores")
    assert not found.failed
    by_names, by_scores = (names.slug(f"decide:asked_of_test:{one}") for one in ("names", "scores"))
    done = {
        slug: {step for model, step in found.measured if model == slug}
        for slug in (by_names, by_scores)
    }
    assert done[by_names] == set(BEHAVIOUR)
    assert done[by_scores] == {*BEHAVIOUR, "cue_rank"}
    why = found.reasons.set_index(["model", "technique"])["reason"]
    for slug in done:
        for technique in ("readout", "dimensionality", "erasure", "receptive_field", "triplets"):
            assert why[slug, technique] == UNSEEN
        assert why[slug, "feature_visualization"] == UNSEEN
        assert why[slug, "sensitivity"] == (
            "it is shown each picture as it is, so there is nothing to vary"
        )
    assert why[by_names, "cue_rank"] == UNRANKED
    # What decides by the place of a block decides by shape, always.
    board = found.leaderboard.set_index("subject")
    always = board.loc[list(done), ["shape_bias", "cue_match_rate", "silhouettes"]]
    assert (always.to_numpy() == 1).all()
    rank = read_csv(found.folder / "tables" / "cue_rank.csv")
    assert set(rank.loc[rank["cue"] == "shape", "score"]) == {1.0}
    assert (found.folder / "report.pdf").is_file()
    described = read_csv(found.folder / "models.csv")
    assert described[["input_size", "parameters"]].isna().to_numpy().all()
    counter = Counter()
    again = measured(
        place, "decide:asked_of_test:names", "decide:asked_of_test:scores", listener=counter
    )
    assert counter.ran == 0  # the function is the same, and so is all that it uses
    pd.testing.assert_frame_equal(again.leaderboard, found.leaderboard)


def test_the_command_takes_a_function(place: Path) -> None:
    options = ["--stimuli", str(world.write_stimuli(place)), "--quick", "--no-report", "--threads"]
    done = CliRunner().invoke(app, ["measure", "decide:asked_of_test:names", *options, "1"])
    assert done.exit_code == 0, done.output
    assert "decide:asked_of_test:names" in done.stdout
    done = CliRunner().invoke(app, ["measure", "decide:asked_of_test:once", *options, "1"])
    assert done.exit_code == 1
    lines = [one for one in done.stderr.splitlines() if one.startswith("texshape: error:")]
    assert all("RuntimeError: out of paper" in line for line in lines)
    assert len(lines) == 2  # what broke, and that nothing else was measured


def test_a_frame_of_a_function(place: Path) -> None:
    import texshape

    folder = world.write_stimuli(place)
    frame = texshape.measure(lambda pictures: ["cat"] * len(pictures), name="cats", stimuli=folder)
    rows = frame[(frame["measure"] == "shape_bias") & (frame["class"] == "all")]
    assert rows["model"].tolist() == ["cats"]
    assert rows["value"].tolist() == [0.5]  # as many cats by shape as by texture
    with pytest.raises(InputError, match="is shown pictures as they are"):
        texshape.measure(lambda pictures: [None] * len(pictures), lambda one: one, stimuli=folder)
    with pytest.raises(InputError, match="or a function of a list of pictures"):
        texshape.measure(3, stimuli=folder)


def test_scores_from_an_answer() -> None:
    def of(answer: asked.Answer) -> list[float]:
        return asked.scores(answer, ("bear", "cat", "dog"), "me").tolist()

    undecided = [np.isnan(value) for value in of(None)]
    assert undecided == [True] * 3
    assert of(" cat ") == [0, 1, 0]
    assert of({"bear": -3, "dog": 0.5, "truck": 9}) == [-3, -6, 0.5]
    for answer in ("", "na", {}, {"cat": 1, "dog": 1}, {"cat": float("nan"), "dog": 1}):
        with listening():
            assert np.isnan(of(answer)).all(), answer
    with listening() as heard:
        assert np.isnan(of("Cat")).all()
    assert "'Cat' is none of the 3 classes (bear, cat, dog)" in heard[0].text


def test_pictures_reach_a_function_as_they_are() -> None:
    seen = []

    def decide(pictures):
        seen.extend(pictures)
        return ["a"] * len(pictures)

    network = asked.from_function(decide, name="me", slug="me", classes=["a", "b"])
    images = torch.randint(0, 255, (3, 3, 5, 7), dtype=torch.uint8)
    seen.clear()
    found = network.decide(network.module(network.preprocess(images)))
    assert found.tolist() == [[1, 0]] * 3
    assert [(one.mode, one.size) for one in seen] == [("RGB", (7, 5))] * 3
    for one, given in zip(seen, images, strict=True):
        assert np.array_equal(np.asarray(one), given.permute(1, 2, 0).numpy())


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("return 'cat'", "answered str to a list of 2 pictures"),
        ("return {'cat': 1}", "answered dict to a list of 2 pictures"),
        ("return None", "answered NoneType to a list of 2 pictures"),
        ("return ['cat']", "gave 1 answers to 2 pictures"),
        ("return [3, 4]", "answered int to a picture; expected a class's name"),
        ("return [{'cat': 'high'}] * 2", "a score that is no number"),
        ("return pictures[5]", "IndexError: list index out of range; asked_of_test.py, line 2"),
    ],
)
def test_a_function_that_cannot_be_asked_is_said_in_a_line(
    tmp_path: Path, monkeypatch, body: str, says: str
) -> None:
    (tmp_path / "asked_of_test.py").write_text(f"def f(pictures):\n    {body}\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as error:
        loading.load("decide:asked_of_test:f")
    assert says in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("decide:asked_of_test", "expected decide:MODULE:CALLABLE"),
        ("decide:asked_of_test:names@weights.pt", "takes no weights"),
        ("decide:asked_of_test:nams", "did you mean 'names'"),
        ("decide:asked_of_test:CLASSES", "cannot be called"),
        ("decide:torch.nn:Identity", "answered Identity to a list of 2 pictures"),
    ],
)
def test_names_of_functions(place: Path, name: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        loading.load(name)


def test_what_a_function_does_not_have(place: Path) -> None:
    with pytest.raises(InputError, match="has no untrained version"):
        loading.load("decide:asked_of_test:names", weights=False)
    with pytest.raises(InputError, match=r"class_map map.yaml does not apply"):
        loading.load("decide:asked_of_test:names", settings={"class_map": "map.yaml"})
    values = parameters.read() | {"networks": ["decide:asked_of_test:names"]}
    with pytest.raises(InputError, match="which texshape measure takes"):
        Plan(values)


def test_classes_that_a_function_says_are_its_own(place: Path) -> None:
    found = asked.from_function(
        lambda pictures: ["dog"] * len(pictures), name="me", slug="me", classes=["dog", "cat"]
    )
    assert found.require_classes() == ("dog", "cat")
    assert found.asked.deciding(found, {"bear", "cat"}) is found
