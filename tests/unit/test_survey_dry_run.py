"""`texshape measure --dry-run`: it counts what a survey then shows, and its estimates are proportional."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tests import survey_world as world
from typer.testing import CliRunner

from texshape.data import published
from texshape.survey import dry_run, parameters, steps, stimuli, survey
from texshape.survey.downloads import of_published
from texshape.survey.dry_run import DryRun, Line, Outlook
from texshape.survey.listener import Listener
from texshape.survey.printed_dry_run import text
from texshape.survey.trial import Trial, total
from texshape.techniques import registry
from texshape.techniques.inputs import Ahead

pytestmark = pytest.mark.timeout(900)

#: besides what always runs
NAMED = [
    "cue_rank",
    "suppression",
    "triplets",
    "configural_shape",
    "steering",
    "top_k",
    "attention_radius",
]
NETWORK = """
from torch import nn


class Net(nn.Module):
    input_size, classes = 40, ("bear", "cat", "clock", "truck")
    stages = {"early": "a", "late": "b"}

    def __init__(self):
        super().__init__()
        self.a = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU())
        self.b = nn.Sequential(nn.Conv2d(8, 16, 3, 2, 1), nn.ReLU())
        self.head = nn.Linear(16, 4)

    def forward(self, x):
        return self.head(self.b(self.a(x)).mean((2, 3)))


class Backbone(Net):
    classes = None

    def forward(self, x):
        return self.b(self.a(x)).mean((2, 3))


def net(pretrained=False):
    return Net()


def backbone(pretrained=False):
    return Backbone()


def answers(pictures):
    return ["cat" for _ in pictures]
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dry-run")
    (folder / "dry_run_of_test.py").write_text(NETWORK, encoding="utf-8")
    world.write_stimuli(folder)
    return folder


def settings(place: Path, **changes: Any) -> dict[str, Any]:
    import yaml

    own = {
        "techniques": NAMED,
        "suppression": {"suppressions": ["grey", "patch-shuffle"], "images": 12, "resamples": 10},
        "steering": {"images": 12, "resamples": 10, "draws": 1, "doses": [-1, 1]},
        "top_k": {"images": 12, "resamples": 10, "shares": [0.5]},
        "attention_radius": {"images": 12, "resamples": 10},
        "configural_shape": {"resamples": 10, "shares": [0.5]},
        "cue_rank": {"resamples": 10},
        "triplets": {"resamples": 10},
    }
    (place / "dry.yaml").write_text(yaml.safe_dump(world.SETTINGS | own), encoding="utf-8")
    return parameters.read(place / "dry.yaml") | changes


class Counting:
    """Counts pictures as they enter a network, and those that gradients are taken through."""

    def __init__(self) -> None:
        self.now: Counter[str] = Counter()

    def watch(self, network: Any) -> Any:
        """The network, or the subject that is asked, with somebody who counts before it."""
        if network.asked is None:
            network.module.register_forward_pre_hook(self._enter)
            return network
        ask = network.asked.ask

        def counted(pictures: Any, classes: tuple[str, ...]) -> Any:
            self.now["shown"] += len(pictures)
            return ask(pictures, classes)

        network.asked.ask = counted
        return network

    def _enter(self, _: torch.nn.Module, given: tuple) -> None:
        (images,) = given
        if torch.is_grad_enabled():
            self.now["followed"] += len(images)
            if images.requires_grad:
                images.register_hook(self._gradient)
        else:
            self.now["shown"] += len(images)

    def _gradient(self, gradient: torch.Tensor) -> None:
        self.now["gradients"] += len(gradient)


class PerStep(Listener):
    """What was counted in each step, by its title."""

    def __init__(self, counting: Counting) -> None:
        self.counting = counting
        self.found: dict[str, Counter[str]] = {}

    def step(self, title: str) -> None:
        self.title = title
        self.counting.now = Counter()

    def done(self, ran: bool) -> None:
        self.found[self.title] = self.counting.now


def really_shown(
    place: Path, name: str, values: dict[str, Any]
) -> tuple[dict[str, Counter], steps.Measured]:
    """Take a network through all steps, and count."""
    counting = Counting()
    prefix = "decide" if name == "answers" else "python"
    candidate = survey.by_name(f"{prefix}:dry_run_of_test:{name}", values["evaluation"])

    def watched(load: Any) -> Any:
        def loaded() -> Any:
            return counting.watch(load())

        return loaded

    candidate = replace(
        candidate, load=watched(candidate.load), untrained=watched(candidate.untrained)
    )
    shown = stimuli.from_folder(place / "stimuli")
    chosen, _ = survey.planned([candidate], shown, values)
    told = PerStep(counting)
    found = steps.measure(candidate, shown, values, place / f"out-{name}", chosen, told)
    return told.found, found


@pytest.fixture(scope="module")
def told(place: Path) -> dict[str, Outlook]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        values = settings(place)
        names = ("net", "backbone")
        candidates = [
            survey.by_name(f"python:dry_run_of_test:{n}", values["evaluation"]) for n in names
        ]
        before = sorted(place.rglob("*"))
        found = dry_run.run(
            candidates, stimuli.from_folder(place / "stimuli"), values, place / "never"
        )
        left = [path for path in sorted(place.rglob("*")) if "__pycache__" not in path.parts]
        assert left == before
        assert found.lost == []
        return dict(zip(names, found.networks, strict=True))


@pytest.mark.parametrize("name", ["net", "backbone"])
def test_what_it_counts_and_leaves_out_is_what_a_survey_shows_and_leaves_out(
    place: Path, told: dict[str, Outlook], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(place)
    shown, found = really_shown(place, name, settings(place))
    outlook = told[name]
    assert found.failed == []
    assert outlook.left_out == found.reasons
    expected = {line.title: line.ahead for line in outlook.lines}
    # activations are made by the first step that reads them
    readers = [one.title for one in map(registry.get, ("readout", "dimensionality", "triplets"))]
    activations = sum((shown.pop(title) for title in readers), Counter())
    assert activations["shown"] == expected.pop("activations, read by several").shown == 64
    for title in readers:
        assert expected.pop(title) == Ahead()
    kinds = ("shown", "followed", "gradients")
    counted = {title: [getattr(one, kind) for kind in kinds] for title, one in expected.items()}
    really = {title: shown.pop(title) for title in counted}
    real = {title: [counter[kind] for kind in kinds] for title, counter in really.items()}
    assert counted == real
    assert all(not counter for counter in shown.values())  # what is left out shows nothing
    if name == "net":
        assert len(expected) == 11
        assert outlook.trial.forward > 0


def test_a_function_is_counted_by_its_answers(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    values = settings(place)
    candidate = survey.by_name("decide:dry_run_of_test:answers", values["evaluation"])
    (one,) = dry_run.run(
        [candidate], stimuli.from_folder(place / "stimuli"), values, place / "never"
    ).networks
    assert {line.technique for line in one.lines} >= {"trials", "cue_strength", "suppression"}
    assert (
        "no activations and no gradients"
        in {row["technique"]: row["reason"] for row in one.left_out}["readout"]
    )
    assert one.total.gradients == 0
    shown, found = really_shown(place, "answers", values)
    assert found.failed == []
    assert one.left_out == found.reasons
    assert sum(counter["shown"] for counter in shown.values()) == one.total.shown


TRIAL = Trial(8, forward=0.25, backward=0.5, resident=100, shown=(140, 180), followed=(300, 500))


def outlook(slug: str, *aheads: Ahead | None) -> Outlook:
    lines = [Line(str(number), "title", one) for number, one in enumerate(aheads)]
    return Outlook(slug, slug, lines, [], TRIAL, batch_size=16)


def test_time_is_proportional_to_pictures_and_memory_to_batches() -> None:
    one = Ahead(shown=40, followed=8, gradients=16)
    assert TRIAL.seconds(one) == 48 * 0.25 + 16 * 0.5
    twice = Ahead(shown=80, followed=16, gradients=32)
    assert TRIAL.seconds(twice) == 2 * TRIAL.seconds(one)
    assert outlook("a", one, None, one).seconds == TRIAL.seconds(twice)
    assert total([one, one]) == twice
    # 10 bytes a picture without a gradient, 50 with one; never below what the network takes by itself
    assert [TRIAL.bytes(Ahead(shown=5, batch=size), 16) for size in (4, 8, 16)] == [140, 180, 260]
    assert TRIAL.bytes(Ahead(shown=5), 16) == 260
    assert TRIAL.bytes(Ahead(shown=5, followed=1, batch=8), 16) == 500
    assert TRIAL.bytes(Ahead(), 16) == 100


def test_networks_at_once_share_the_time_and_add_up_their_memory() -> None:
    networks = [
        outlook(name, Ahead(shown=pictures))
        for name, pictures in zip("abc", (40, 20, 20), strict=True)
    ]
    alone = DryRun(networks, [], [], 1)
    two = DryRun(networks, [], [], 2)
    assert alone.seconds == 2 * two.seconds == 20
    assert two.bytes == 2 * alone.bytes
    assert "2 at a time" in text(two)


def test_what_is_downloaded_is_told_apart_from_what_is_there(tmp_path: Path) -> None:
    nothing = {one.name: one for one in of_published(tmp_path, everything=True)}
    assert set(nothing) == {*published.STIMULI, *published.TRIALS, "vlm-shapebias"}
    assert nothing["cue-conflict"].files == nothing["cue-conflict"].missing == 1280
    assert nothing["cue-conflict"].missing_bytes > 10**7
    few = {one.name: one for one in of_published(tmp_path, everything=False)}
    assert 0 < few["model-vs-human"].files < nothing["model-vs-human"].files
    item = stimuli.stimulus_files(tmp_path, "edges")[3]
    item.destination.parent.mkdir(parents=True)
    item.destination.write_bytes(b"x")
    edges = {one.name: one for one in of_published(tmp_path, everything=True)}["edges"]
    assert (edges.files, edges.missing) == (160, 159)
    assert edges.bytes - edges.missing_bytes == item.size


def test_the_command_prints_and_writes_nothing(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Published stimuli before any download, and a network whose weights are nowhere."""
    from texshape.cli.measure import app

    monkeypatch.chdir(tmp_path)
    for name in ("TEXSHAPE_CACHE", "TORCH_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "cache"))
    arguments = [
        "measure",
        "torchvision:squeezenet1_1",
        "--dry-run",
        "--exemplars",
        "1",
        "--threads",
        "1",
    ]
    done = CliRunner().invoke(app, [*arguments, "--quick", "--format", "json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    (one,) = found["networks"]
    assert "not in its cache" in one["weights"]
    assert one["parameters"] == 1_235_496
    first = [
        item.destination.name
        for name in published.STIMULI
        for item in stimuli.stimulus_files(tmp_path, name)
        if re.match(r"[a-z]+1[-.]", item.destination.name)
    ]
    assert len(first) > 150
    assert [(step["technique"], step["shown"]) for step in one["steps"]] == [("trials", len(first))]
    assert one["left_out"]["readout"] == "left out by --quick"
    assert {entry["name"]: entry["missing"] for entry in found["downloads"]}["edges"] == 160
    assert found["seconds"] == one["seconds"] > 0
    assert found["bytes"] == one["bytes"] > 4 * one["parameters"]
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["torchvision:resnet50@nowhere.pth"], "nowhere.pth"),
        (["torchvison:resnet50"], "torchvision:resnet50"),
        (["python:dry_run_of_test:Nothing"], "Nothing"),
    ],
)
def test_bad_input_is_refused_as_in_a_survey(
    place: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], says: str
) -> None:
    from texshape.cli.measure import app
    from texshape.errors import InputError

    monkeypatch.chdir(place)
    options = ["--stimuli", "stimuli", "--quick", "--threads", "1"]
    raised = []
    for dry in (["--dry-run"], ["--no-report", "-o", str(place / "not-made")]):
        done = CliRunner().invoke(app, ["measure", *arguments, *options, *dry])
        assert isinstance(done.exception, InputError), done.output
        raised.append(str(done.exception))
    assert raised[0] == raised[1]
    assert says in raised[0]
