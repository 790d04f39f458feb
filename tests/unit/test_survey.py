"""`texshape measure` with networks of random weights, on stimuli drawn here."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests import browser
from tests import survey_world as world

from texshape.errors import InputError
from texshape.files import read_csv
from texshape.survey import parameters, stimuli, survey
from texshape.techniques import registry

# The first test runs a whole survey; a crowded machine takes its time.
pytestmark = pytest.mark.timeout(3000)


class Counter(survey.Listener):
    """Counts the steps that had to run."""

    def __init__(self) -> None:
        self.ran = self.steps = 0

    def done(self, ran: bool) -> None:
        self.steps += 1
        self.ran += ran


class World:
    """A survey of three networks, and what it takes to run it again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "out"
        self.names = world.write_networks(folder)
        self.settings = parameters.read(world.write_settings(folder))
        self.stimuli = stimuli.from_folder(world.write_stimuli(folder))

    def run(self, **changes: object) -> tuple[survey.Result, Counter]:
        counter = Counter()
        settings = self.settings | changes
        candidates = [survey.by_name(name, settings["evaluation"]) for name in self.names]
        result = survey.run(candidates, self.stimuli, settings, self.folder, listener=counter)
        return result, counter


@pytest.fixture(scope="module")
def surveyed(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, survey.Result, Counter]:
    folder = tmp_path_factory.mktemp("survey")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)  # where python:survey_backbone is found
        made = World(folder)
        return made, *made.run()


def slug(result: survey.Result, start: str) -> str:
    (found,) = [name for name in result.leaderboard["subject"] if name.startswith(start)]
    return found


def test_networks_with_classes_pass_every_technique(surveyed) -> None:
    _, result, _ = surveyed
    assert result.failed == []
    for start in ("resnet18", "timm-test_vit"):
        name = slug(result, start)
        assert result.reasons[result.reasons["model"] == name].empty
        for table in ("shape_bias", "accuracy", "readout", "dimensionality", "sensitivity",
                      "cue_strength", "erasure", "receptive_field"):  # fmt: skip
            frame = read_csv(result.folder / "tables" / f"{table}.csv")
            assert (frame["model"] == name).any(), (start, table)


def test_a_backbone_without_classes_is_measured_by_what_needs_none(surveyed) -> None:
    _, result, _ = surveyed
    name = slug(result, "survey_backbone")
    row = result.leaderboard.set_index("subject").loc[name]
    assert math.isnan(row["shape_bias"])
    assert row["shape_read"] > 0
    assert row["texture_read"] > 0
    missing = result.reasons[result.reasons["model"] == name].set_index("technique")["reason"]
    assert set(missing.index) == {"trials", "sensitivity", "cue_strength", "erasure"}
    assert "24 outputs" in missing["trials"]
    fields = read_csv(result.folder / "tables" / "receptive_field.csv")
    assert (fields["model"] == name).sum() == 3


def test_trials_have_the_published_columns_and_give_the_bias_again(surveyed) -> None:
    from texshape.trials.files import read
    from texshape.trials.score import gather, score

    _, result, _ = surveyed
    name = slug(result, "resnet18")
    trials = read(result.folder / name / "seed-0" / "trials" / "cue-conflict.csv")
    assert len(trials) == 32
    rows, _ = score(gather([trials])[0], resamples=0)
    board = result.leaderboard.set_index("subject").loc[name]
    assert rows[0]["n_conflict"] == board["n_conflict"] == 24
    assert np.isclose(rows[0]["shape_bias"], board["shape_bias"], equal_nan=True)


def test_the_report_shows_the_numbers_of_its_files(surveyed) -> None:
    _, result, _ = surveyed
    page = (result.folder / "report.html").read_text(encoding="utf-8")
    assert (result.folder / "report.pdf").read_bytes().startswith(b"%PDF")
    board = result.leaderboard.set_index("subject")
    for value in board["shape_read"].dropna():
        assert f"{100 * value:.1f}" in page
    for reason in result.reasons["reason"]:
        assert reason.split(";")[0] in page
    assert page.count("<img") + page.count("<svg") >= 1
    assert (result.folder / "figures" / "readout.svg").exists()


@pytest.mark.parametrize(("width", "dark"), [(390, False), (1440, True)])
def test_the_report_reads_well(surveyed, width: int, dark: bool) -> None:
    _, result, _ = surveyed
    with browser.open_page(result.folder / "report.html", width=width, dark=dark) as (
        page,
        complaints,
    ):
        assert browser.faults(page, complaints) == []
        assert browser.cut_tables(page) == []


def test_nothing_runs_again_until_something_changes(surveyed, monkeypatch) -> None:
    made, result, first = surveyed
    monkeypatch.chdir(made.folder.parent)
    steps = 1 + len(survey.possible_techniques(made.stimuli))  # the decisions, and each technique
    possible = 3 * steps - len(result.reasons)
    assert first.ran == possible
    assert made.run()[1].ran == 0
    lost = result.folder / slug(result, "resnet18") / "seed-0" / "erasure.csv"
    before = lost.read_bytes()
    lost.unlink()
    assert made.run()[1].ran == 1
    assert lost.read_bytes() == before
    probes = made.settings["probes"] | {"resamples": 30}
    assert made.run(probes=probes)[1].ran == 2  # of the two networks with classes


def test_parameters_are_those_of_the_published_experiment() -> None:
    root = Path(__file__).resolve().parents[2]
    from texshape.config import whole

    paths = [root / "params.yaml", root / "experiments" / "published.yaml"]
    experiment = whole.read(paths)
    named = experiment["techniques"]
    assert len(named) >= 7
    # Techniques that have to be named, and what suits the published pictures, its file brings.
    others = {key: value for key, value in experiment.items() if key not in named}
    assert parameters.read() == others | {"techniques": []}
    assert parameters.read(paths[1]) == experiment


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "holds no image"),
        ({"cat1-cat2.png": (8, 8)}, "in no image do shape and texture differ"),
        ({"cat1-dog2.png": (8, 8), "cat1-bear2.png": (8, 9)}, "is 8 x 8 px, expected 9 x 8"),
        ({"cat.png": (8, 8)}, "cat.png"),
        ({"cat1-dog2.png": None}, r"cat1-dog2\.png: not an image"),
    ],
)
def test_folders_that_are_no_stimuli(tmp_path: Path, files: dict, message: str) -> None:
    from PIL import Image

    for name, size in files.items():
        if size is None:
            (tmp_path / name).write_bytes(b"not an image")
        else:
            Image.fromarray(np.zeros((*size, 3), np.uint8)).save(tmp_path / name)
    with pytest.raises(InputError, match=message):
        stimuli.from_folder(tmp_path)


def test_a_class_map_of_own_classes(tmp_path: Path, monkeypatch) -> None:
    """A network with 24 outputs, explained by a map, on images of classes that nobody knows."""
    monkeypatch.chdir(tmp_path)
    place = world.write_stimuli(tmp_path)
    renamed = {"bear": "mug", "cat": "spoon", "clock": "fork", "truck": "plate"}
    for path in sorted(place.rglob("*.png")):
        name = path.name
        for old, new in renamed.items():
            name = name.replace(old, new)
        path.rename(path.with_name(name))
    world.write_networks(tmp_path)
    (tmp_path / "map.yaml").write_text("mug: [0, 1]\nspoon: [2]\nfork: [3]\nplate: [4, 5, 6]\n")
    from texshape.cli.measure import measure

    measure(
        ["python:survey_backbone:build"], output_dir=tmp_path / "out", quick=True, stimuli=place,
        class_map=[str(tmp_path / "map.yaml")], settings=world.write_settings(tmp_path), quiet=True,
        threads=1, report=False,
    )  # fmt: skip
    board = read_csv(tmp_path / "out" / "tables" / "leaderboard.csv")
    assert board["n_conflict"].tolist() == [24]
    assert board["cue_match_rate"].notna().all()


TWO_NUMBERINGS = """
import torch
from torch import nn


class Net(nn.Module):
    # Four outputs, the brightness of each quarter of the image, behind some that mean nothing.

    input_size = 24

    def __init__(self, before):
        super().__init__()
        self.before = before

    def forward(self, x):
        quarters = nn.functional.adaptive_avg_pool2d(x.mean(1, keepdim=True), 2).flatten(1)
        return torch.cat([quarters.new_full((len(x), self.before), -9.0), quarters], 1)


def plain():
    return Net(0)


def shifted():
    return Net(1)
"""


def test_each_network_is_read_by_its_own_class_map(tmp_path: Path, monkeypatch) -> None:
    """The same network with its outputs one place further on: by its own map, the same bias."""
    from texshape.cli.measure import measure

    monkeypatch.chdir(tmp_path)
    (tmp_path / "two_numberings.py").write_text(TWO_NUMBERINGS)
    for name, first in (("plain", 0), ("shifted", 1)):
        lines = [f"{cls}: [{first + i}]" for i, cls in enumerate(world.CLASSES)]
        (tmp_path / f"{name}.yaml").write_text("\n".join(lines) + "\n")
    networks = ["python:two_numberings:plain", "python:two_numberings:shifted"]
    common = {"quick": True, "stimuli": world.write_stimuli(tmp_path), "quiet": True, "threads": 1,
              "settings": world.write_settings(tmp_path), "report": False}  # fmt: skip

    def rates(out: str, class_map: list[str]) -> list[float]:
        measure(networks, output_dir=tmp_path / out, class_map=class_map, **common)
        board = read_csv(tmp_path / out / "tables" / "leaderboard.csv")
        return board.sort_values("subject")["cue_match_rate"].tolist()

    plain, shifted = rates("own", [f"{networks[1]}=shifted.yaml", "plain.yaml"])
    assert plain == shifted
    models = read_csv(tmp_path / "own" / "models.csv")
    assert models["class_map"].tolist() == ["plain.yaml", "shifted.yaml"]
    plain, shifted = rates("one", ["plain.yaml"])  # what F8 of a reader's first hour was
    assert plain != shifted


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], {}),
        (["m.yaml"], {"timm:a": "m.yaml", "timm:a=b": "m.yaml"}),
        (["timm:a=m.yaml"], {"timm:a": "m.yaml"}),
        (["timm:a=b=m.yaml"], {"timm:a=b": "m.yaml"}),
        (["m.yaml", "timm:a=n.yaml"], {"timm:a": "n.yaml", "timm:a=b": "m.yaml"}),
        (["timm:c=m.yaml"], "'timm:c' is none of the networks .*'timm:a'"),
        (["m.yaml", "n.yaml"], "n.yaml: the networks without one .* already, m.yaml"),
        (["timm:a=m.yaml", "timm:a=n.yaml"], "'timm:a' has a class map already, m.yaml"),
        (["timm:a="], "no file after '='"),
    ],
)
def test_class_maps_and_their_networks(given: list[str], expected: dict | str) -> None:
    names = ["timm:a", "timm:a=b"]
    if isinstance(expected, str):
        with pytest.raises(InputError, match=expected):
            survey.class_maps(given, names)
    else:
        assert survey.class_maps(given, names) == expected


@pytest.mark.parametrize(
    ("outputs", "written", "warned"),
    [
        (1000, "cat: [281, 282]\nbear: [294, 295]", False),  # some of ImageNet's own
        (1000, "cat: [282, 286]\nbear: [295, 298]", True),  # by 1,001 outputs
        (1000, "cat: [281]\nspoon: [910]", True),  # a class that is none of the 16
        (1001, "cat: [282, 286]\nbear: [295, 298]", False),
    ],
)
def test_a_map_that_numbers_otherwise_than_imagenet_is_said(
    tmp_path: Path, capsys, outputs: int, written: str, warned: bool
) -> None:
    from torch import nn

    from texshape.models.loading import from_module

    path = tmp_path / "map.yaml"
    path.write_text(written)
    network = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, outputs))
    from_module(network, name="mine", settings={"class_map": str(path)})
    lines = [line for line in capsys.readouterr().err.splitlines() if str(path) in line]
    assert len(lines) == warned
    assert all("1,000 outputs" in line and "NETWORK=FILE" in line for line in lines)


def test_json_and_table_name_what_was_not_measured(surveyed, capsys) -> None:
    from texshape.cli import measure
    from texshape.survey.printed import print_table

    _, result, _ = surveyed
    answer = measure.as_json(result)
    text = json.dumps(answer, allow_nan=False)
    assert answer["format_version"] == 2
    rows = {row["subject"]: row for row in json.loads(text)["subjects"]}
    name = slug(result, "survey_backbone")
    assert rows[name]["shape_bias"] is None
    assert "24 outputs" in rows[name]["not_measured"]["trials"]
    print_table(result.leaderboard, result.reasons)
    printed = capsys.readouterr().out
    assert "- [1]" in printed
    assert "24 outputs" in printed


def test_a_frame_of_an_object(tmp_path: Path) -> None:
    import torch
    from torchvision import models, transforms

    import texshape

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        network = models.resnet18(weights=None).train()
    pipeline = transforms.Compose([transforms.Resize(64), transforms.ToTensor()])
    frame = texshape.measure(
        network, pipeline, name="mine", stimuli=world.write_stimuli(tmp_path),
        settings=world.write_settings(tmp_path),
    )  # fmt: skip
    assert network.training, "the network that was given is left as it was"
    bias = frame[(frame["measure"] == "shape_bias") & (frame["class"] == "all")]
    assert bias["n"].tolist() == [24]
    assert set(frame["architecture"]) == set(frame["model"]) == {"mine"}
    figure = texshape.plot_shape_bias(frame)
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert set(labels) == set(world.CLASSES)
    with pytest.raises(InputError, match=r"shape \(3, S, S\)"):
        texshape.measure(network, lambda image: torch.zeros(1, 5), stimuli=tmp_path / "stimuli")
    with pytest.raises(
        InputError,
        match=r"expected a name, an nn\.Module or a function of a list of pictures, found int",
    ):
        texshape.measure(42)


def test_the_frame_is_tidy(surveyed) -> None:
    from texshape import api

    _, result, _ = surveyed
    frame = api.tidy(result.folder / "tables")
    assert list(frame.columns) == api.COLUMNS
    read = frame[frame["measure"] == "readout"]
    assert pd.api.types.is_float_dtype(frame["value"])
    assert {"shape", "texture"} <= set(read["cue"])


def test_the_frame_has_what_the_declarations_say(tmp_path: Path) -> None:
    from tests import synthetic_tables

    from texshape import api

    tables = synthetic_tables.procedural()
    synthetic_tables.write(tables, tmp_path)
    frame = api.tidy(tmp_path)
    for name, column in (
        ("cue_strength", "shape_share"), ("shuffling", "accuracy"), ("dimensionality", "value")
    ):  # fmt: skip
        rows = frame[frame["measure"] == name]
        assert rows["value"].tolist() == pytest.approx(tables[name][column].tolist(), nan_ok=True)
        assert rows["n"].notna().all()
        assert rows["detail"].notna().all()
    shapes = frame[(frame["measure"] == "n_shape") & (frame["class"] == "all")]
    assert shapes["value"].tolist() == tables["shape_bias"]["n_shape"].tolist()
    assert shapes["ci_low"].isna().all()  # the interval of that table is the bias's
    biases = frame[(frame["measure"] == "shape_bias") & (frame["class"] == "all")]
    assert biases["ci_low"].tolist() == pytest.approx(tables["shape_bias"]["ci_low"].tolist())
    declared = {o.table for name in registry.BUILT_IN for o in registry.get(name).observations}
    assert declared >= {"readout", "erasure", "receptive_field"}


def test_a_vision_language_network_decides_by_class_prompts(tmp_path: Path, monkeypatch) -> None:
    """Random weights: what is tested is the way from prompts to decisions, not what they are."""
    open_clip = pytest.importorskip("open_clip", reason="the extra clip is not installed")
    import torch

    layers = {"width": 32, "layers": 2}
    config = {
        "embed_dim": 16,
        "vision_cfg": {"image_size": 32, "patch_size": 8, "head_width": 16, **layers},
        "text_cfg": {"context_length": 77, "vocab_size": 49408, "heads": 2, **layers},
    }
    (tmp_path / "tiny-clip.json").write_text(json.dumps(config))
    monkeypatch.setattr("open_clip.factory._MODEL_CONFIGS", dict(open_clip.factory._MODEL_CONFIGS))
    open_clip.add_model_config(tmp_path / "tiny-clip.json")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        torch.save(open_clip.create_model("tiny-clip").state_dict(), tmp_path / "tiny.pt")
    settings = parameters.read(world.write_settings(tmp_path))
    name = f"open_clip:tiny-clip@{tmp_path}/tiny.pt"
    candidate = survey.by_name(name, settings["evaluation"])
    network = candidate.load()
    assert len(network.classes) == 16
    assert network.stages
    shown = stimuli.from_folder(world.write_stimuli(tmp_path))
    result = survey.run([candidate], shown, settings, tmp_path / "out", report=False)
    assert result.failed == []
    assert set(result.reasons["technique"]) == set()  # how images are prepared can be varied too
    row = result.leaderboard.iloc[0]
    assert row["decides_by"] == "zero-shot"
    assert row["n_conflict"] == 24
    assert row["cue_match_rate"] >= 0
    assert row["shape_read"] > 0


@pytest.mark.parametrize(
    ("returns", "says"),
    [
        ("o", "it has 3 outputs"),
        ("{'maps': x}", r"it returns a dict of maps \(2, 3, 24, 24\)"),
        ("o.argmax(1)", r"a tensor of shape \(2,\) of int64"),
    ],
)
def test_a_command_that_measures_nothing_is_an_error(
    tmp_path: Path, monkeypatch, returns: str, says: str
) -> None:
    from typer.testing import CliRunner

    from texshape.cli.measure import app

    (tmp_path / "nothing_of_test.py").write_text(
        "from torch import nn\n"
        "class Net(nn.Module):\n"
        "    input_size = 24\n"
        "    def forward(self, x):\n"
        "        o = x.mean((2, 3))\n"
        f"        return {returns}\n",
        encoding="utf-8",
    )
    monkeypatch.chdir(tmp_path)
    folder = world.write_stimuli(tmp_path)
    options = ["--stimuli", str(folder), "--quick", "--no-report", "--quiet", "--threads", "1"]
    done = CliRunner().invoke(app, ["measure", "python:nothing_of_test:Net", *options])
    assert done.exit_code == 2, done.output
    (line,) = [one for one in done.stderr.splitlines() if one.startswith("texshape: error:")]
    assert re.search(f"nothing could be measured: .*{says}", line)
    assert ("a class map gives it one" in line) == (returns == "o")


@pytest.mark.parametrize(
    ("raises", "says"),
    [
        ("assert len(x) < 3, 'two at a time'", "AssertionError: two at a time"),
        ("len(x) < 3 or [][1]", "IndexError: list index out of range"),
        ("len(x) < 3 or 1 / 0", "ZeroDivisionError: division by zero"),
        ("len(x) < 3 or __import__('missing_of_test')", "ModuleNotFoundError: No module named"),
    ],
)
def test_whatever_a_network_raises_is_said_in_a_line_and_the_next_one_is_measured(
    tmp_path: Path, monkeypatch, raises: str, says: str
) -> None:
    (tmp_path / "raising_of_test.py").write_text(
        "from torch import nn\n"
        "class Fine(nn.Module):\n"
        "    input_size, classes = 24, ('bear', 'cat', 'clock', 'truck')\n"
        "    def forward(self, x):\n"
        "        return x.mean(2)[:, 0, :4]\n"
        "class Net(Fine):\n"
        "    def forward(self, x):\n"
        f"        {raises}\n"
        "        return super().forward(x)\n",
        encoding="utf-8",
    )
    monkeypatch.chdir(tmp_path)
    settings = parameters.read(world.write_settings(tmp_path))
    shown = stimuli.from_folder(world.write_stimuli(tmp_path))
    networks = [
        survey.by_name(f"python:raising_of_test:{name}", settings["evaluation"])
        for name in ("Net", "Fine")
    ]
    result = survey.run(networks, shown, settings, tmp_path / "out", quick=True, report=False)
    (line,) = result.failed
    assert line.startswith(f"python:raising_of_test:Net, decisions on every set: {says}")
    assert result.measured == [(networks[1].slug, "trials")]
    own = result.reasons.set_index(["model", "technique"])["reason"]
    assert own[networks[0].slug, "trials"].startswith(f"failed: {says}")


def test_a_line_a_step_where_no_bar_can_move(capsys) -> None:
    from texshape.cli import progress

    listener = progress.listener(quiet=False)  # stderr of a test is no terminal
    listener.network("timm:test_vit", 2, 3, 7)
    for title, ran in (("decisions on every set", True), ("erasure", False)):
        listener.step(title)
        listener.done(ran)
    listener.finish()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith(
        "texshape: timm:test_vit (2 of 3): step 1 of 7, decisions on every set:"
    )
    assert lines[1].endswith("step 2 of 7, erasure: kept or not possible")
    silent = progress.listener(quiet=True)
    silent.network("timm:test_vit", 1, 1, 7)
    silent.step("erasure")
    silent.done(True)
    silent.finish()
    assert capsys.readouterr().err == ""


def test_a_network_that_guesses_has_no_rank_and_no_name(surveyed, capsys) -> None:
    from texshape.survey.printed import print_table

    _, result, _ = surveyed
    name = slug(result, "resnet18")
    board = result.leaderboard.copy()
    row = board["subject"] == name
    board.loc[row, ["shape_bias", "ci_low", "ci_high"]] = [0.565, 0.214, 1.0]

    def printed(verdict: str) -> str:
        board.loc[row, "verdict"] = verdict
        print_table(board, result.reasons)
        return capsys.readouterr().out

    board.loc[row, "few_congruent"] = True
    assert re.search(r"resnet18.*\(too few congruent\s+images to tell\)", printed("not recognised"))
    board.loc[row, "few_congruent"] = False
    guesses = printed("follows no cue")
    assert any(
        "(follows no cue)" in line and line[:2].strip() == "" for line in guesses.splitlines()
    )
    named = printed("neither")
    assert any("resnet18" in line and line[:2].strip().isdigit() for line in named.splitlines())
    (guessing,) = [line for line in named.splitlines() if "guessing" in line]
    # Four classes are shown, and a network that decides between sixteen answers a fifth.
    assert board["n_classes"].max() == 5
    assert guessing.split()[1:5] == ["-", "40.0", "20.0", "20.0"]
