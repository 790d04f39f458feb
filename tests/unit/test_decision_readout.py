"""Decisions by a read-out of photographs: names, photographs, surveys, experiments, and what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests import photographs_world
from tests import survey_world as world
from typer.testing import CliRunner

from texshape.cli import main
from texshape.data import imageset
from texshape.decision_readout import photographs as labelled
from texshape.decision_readout.settings import DecisionReadoutSettings
from texshape.errors import InputError
from texshape.experiment.plan import Plan
from texshape.experiment.runs import RunId
from texshape.experiment.technique_job import TechniqueJob
from texshape.files import read_csv
from texshape.models import cards, fitted, names
from texshape.models.loading import load
from texshape.parameters import overlay
from texshape.survey import parameters, stimuli, survey
from texshape.techniques import registry

BACKBONE = "python:survey_backbone:build"
ROOT = Path(__file__).resolve().parents[2]


# --- names -------------------------------------------------------------------------------------------


def test_a_name_after_readout_is_the_networks_own() -> None:
    found = names.parse("readout:timm:resnet50.a1_in1k@w.pth")
    assert found.readout
    assert (found.source, found.architecture, found.tag) == ("timm", "resnet50", "a1_in1k")
    assert found.text == "readout:timm:resnet50.a1_in1k@w.pth"
    assert not names.parse("timm:resnet50").readout


@pytest.mark.parametrize(
    "name",
    ["torchvision:resnet50", "timm:resnet50.a1_in1k", "hf:facebook/dinov2-small", "onnx:a/net.onnx",
     "card.yaml", "results/procedural/cnn--plain/seed-1/final.pt"],
)  # fmt: skip
def test_the_folder_of_a_read_out_network_says_so(name: str) -> None:
    assert names.slug(f"readout:{name}") == f"readout-{names.slug(name)}"
    assert names.slug("readout:" + name, weights=False) != names.slug("readout:" + name) or (
        names.parse(name).source == "checkpoint"
    )


def test_the_file_of_a_fitted_read_out_is_a_name() -> None:
    path = "results/published/readout-resnet50--default/seed-0/decisions.readout.npz"
    assert names.parse(path).source == "fitted"
    assert names.slug(path) == "readout-resnet50--default"
    assert cards.local_files(path) == [path]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("readout:", "no name after 'readout:'"),
        ("readout:decide:mine:answers", "gives answers only, and has no activations"),
        ("readout:vlm:gpt", "gives answers only, and has no activations"),
        ("readout:readout:timm:resnet50", "decides by a read-out already"),
        ("readout:tim:resnet50", "unknown prefix 'tim:'"),
    ],
)
def test_names_that_cannot_be_read_out(name: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        names.parse(name)


def test_a_card_does_not_name_a_read_out(tmp_path: Path) -> None:
    card = tmp_path / "card.yaml"
    card.write_text("network: readout:timm:resnet50\n")
    with pytest.raises(InputError, match=f"readout:{card}"):
        cards.read(card)
    card.write_text("network: onnx:net.onnx\n")
    (tmp_path / "net.onnx").touch()
    assert cards.local_files(f"readout:{card}") == [str(card), str(tmp_path / "net.onnx")]


# --- photographs -------------------------------------------------------------------------------------


def bring(folder: Path, **settings) -> labelled.Photographs:
    chosen = DecisionReadoutSettings(photographs=str(folder), **settings)
    return labelled.bring(chosen, folder / "no cache")


def test_a_folder_of_class_folders(tmp_path: Path) -> None:
    folder = photographs_world.write_folder(tmp_path / "mine", ("cat", "clock"), count=6)
    Image.new("RGB", (60, 40), "red").save(folder / "cat" / "wide.png")
    found = bring(folder)
    assert found.classes == ("cat", "clock")
    assert found.images.shape == (13, 224, 224, 3)
    assert found.labels.tolist() == ["cat"] * 7 + ["clock"] * 6
    assert found.key == bring(folder).key
    (folder / "cat" / "wide.png").unlink()
    assert found.key != bring(folder).key


def test_a_picture_that_is_there_twice_counts_once(tmp_path: Path, capsys) -> None:
    folder = photographs_world.write_folder(tmp_path / "mine", ("cat", "clock"), count=6)
    Image.open(folder / "cat" / "1.png").save(folder / "cat" / "again.bmp")
    assert len(bring(folder).labels) == 12
    assert (
        "1 of 13 pictures are left out, as others have the same pixels" in capsys.readouterr().err
    )


def broken(folder: Path) -> None:
    (folder / "cat" / "0.png").write_bytes(b"no picture")


def contradictory(folder: Path) -> None:
    shutil.copy(folder / "cat" / "0.png", folder / "clock" / "other.png")


def few(folder: Path) -> None:
    for number in range(4):
        (folder / "cat" / f"{number}.png").unlink()


def lonely(folder: Path) -> None:
    shutil.rmtree(folder / "clock")


def empty(folder: Path) -> None:
    (folder / "dog").mkdir()


def reserved(folder: Path) -> None:
    (folder / "clock").rename(folder / "na")


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (broken, r"cat/0\.png: "),
        (contradictory, r"clock/other\.png: is the same picture as .*cat/0\.png, of another class"),
        (few, "class 'cat' has 2 different pictures, expected at least 5"),
        (lonely, "holds one class, 'cat'; expected two or more"),
        (empty, "class 'dog': .* holds no image"),
        (reserved, "class folder 'na' of .*is no name of a class"),
        (shutil.rmtree, "mine: no such folder"),
    ],
)
def test_folders_that_cannot_be_used(tmp_path: Path, spoil, says: str) -> None:
    folder = photographs_world.write_folder(tmp_path / "mine", ("cat", "clock"), count=6)
    spoil(folder)
    with pytest.raises(InputError, match=says) as raised:
        bring(folder)
    assert "\n" not in str(raised.value)


def test_classes_that_lack_and_pictures_that_are_scored_are_refused(tmp_path: Path) -> None:
    place = world.write_stimuli(tmp_path)
    shown = stimuli.from_folder(place)
    folder = photographs_world.write_folder(tmp_path / "mine", world.CLASSES, count=6)
    labelled.check_classes(bring(folder), shown.classes)
    labelled.check_apart(bring(folder), shown.sets)
    shutil.copy(place / "cat1-clock1.png", folder / "cat" / "scored.png")
    with pytest.raises(InputError, match=r"cat/scored\.png: is the picture cat1-clock1\.png of"):
        labelled.check_apart(bring(folder), shown.sets)
    shutil.rmtree(folder / "clock")
    with pytest.raises(InputError, match="has no class 'clock', which the images show"):
        labelled.check_classes(bring(folder), shown.classes)


# --- surveys -----------------------------------------------------------------------------------------


class World:
    """Stimuli, networks and photographs of a folder, and the settings that name them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.shown = stimuli.from_folder(world.write_stimuli(folder))
        self.networks = world.write_networks(folder)
        self.photographs = photographs_world.write_folder(folder / "labelled", world.CLASSES)
        self.settings = parameters.read(world.write_settings(folder))
        self.settings["decision_readout"] = {"photographs": str(self.photographs), "folds": 4}

    def run(self, *wanted: str, quick: bool = True) -> survey.Result:
        candidates = [survey.by_name(name, self.settings["evaluation"]) for name in wanted]
        return survey.run(
            candidates,
            self.shown,
            self.settings,
            self.folder / "out",
            quick=quick,
            report=not quick,
        )


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    folder = tmp_path_factory.mktemp("readout")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield World(folder)


def test_a_backbone_decides_beside_the_network_that_decides_by_itself(here: World, capfd) -> None:
    other = here.networks[1]
    result = here.run(f"readout:{BACKBONE}", BACKBONE, other, f"readout:{other}")
    assert result.failed == []
    board = result.leaderboard.set_index("name")
    assert board["decides_by"].to_dict() == {
        f"{BACKBONE} (read-out)": "readout",
        BACKBONE: "",
        other.replace(f"{here.folder}/", ""): "classes",
        f"{other.replace(f'{here.folder}/', '')} (read-out)": "readout",
    }
    read = board.loc[f"{BACKBONE} (read-out)"]
    assert read["subject"].startswith("readout-survey_backbone-build--")
    assert read["n_conflict"] == 24
    assert read["n_classes"] == 4
    table = read_csv(result.folder / "tables" / "decision_readout.csv")
    assert sorted(table["model"]) == sorted(s for s in board["subject"] if s.startswith("readout-"))
    assert table["n"].tolist() == [32, 32]
    assert (table["photographs"] == str(here.photographs)).all()
    assert (table["ci_low"] <= table["accuracy"]).all()
    assert (table["chance"] == 0.25).all()
    # Of the transformer its class token.
    assert dict(zip(table["input"], table["units"], strict=True)) == {"pooled": 32, "cls": 64}
    notices = result.notices[result.notices["model"] == read["subject"]]
    assert notices["text"].str.contains("32 photographs").sum() == 1
    reasons = result.reasons[result.reasons["technique"] == "trials"]
    assert reasons["model"].tolist() == [board.loc[BACKBONE, "subject"]]
    trials = read_csv(
        result.folder / read["subject"] / "seed-0" / "trials" / "cue-conflict.csv", ["subj"]
    )
    assert set(trials["object_response"]) <= set(world.CLASSES)


def test_a_read_out_is_kept_until_its_photographs_change(here: World) -> None:
    result = here.run(f"readout:{BACKBONE}")
    home = result.folder / result.leaderboard["subject"].iloc[0] / "seed-0"
    files = [home / "decisions.readout.npz", home / "trials" / "cue-conflict.csv"]
    before = [(file.stat().st_mtime_ns, file.read_bytes()) for file in files]
    again = here.run(f"readout:{BACKBONE}")
    assert [(file.stat().st_mtime_ns, file.read_bytes()) for file in files] == before
    assert again.notices["text"].tolist() == result.notices["text"].tolist()
    extra = here.photographs / "cat" / "extra.png"
    noise = np.random.default_rng(0).integers(0, 255, (48, 48, 3), np.uint8)
    Image.fromarray(noise).save(extra)
    try:
        here.run(f"readout:{BACKBONE}")
        assert files[0].read_bytes() != before[0][1]
        assert files[1].stat().st_mtime_ns != before[1][0]
    finally:
        extra.unlink()


def test_every_technique_that_rests_on_decisions_measures_a_backbone(here: World) -> None:
    result = here.run(f"readout:{BACKBONE}", quick=False)
    assert result.failed == []
    assert set(result.reasons["technique"]) == set()
    subject = result.leaderboard["subject"].iloc[0]
    for name in ("shape_bias", "sensitivity", "cue_strength", "erasure", "receptive_field"):
        table = read_csv(result.folder / "tables" / f"{name}.csv")
        assert (table["model"] == subject).any(), name
    page = (result.folder / "report.html").read_text(encoding="utf-8")
    assert "(read-out)" in page
    assert "those of a linear read-out, fitted on photographs" in " ".join(page.split())


def test_what_cannot_be_read_has_the_reason(here: World) -> None:
    (here.folder / "unreadable.py").write_text(
        "from torch import nn\n"
        "class Net(nn.Module):\n"
        "    input_size = 24\n"
        "    def forward(self, x):\n"
        "        return x.mean((2, 3)) * float('nan')\n"
        "def make():\n"
        "    return Net()\n"
    )
    result = here.run("readout:python:unreadable:make")
    (reason,) = result.reasons.loc[result.reasons["technique"] == "trials", "reason"]
    assert "no read-out could be fitted: activations of the photographs" in reason
    assert "NaN or infinite" in reason
    assert result.leaderboard["decides_by"].tolist() == [""]
    assert not (result.folder / "tables" / "decision_readout.csv").exists()


def test_the_command_and_the_notebook_ask_for_read_outs(here: World) -> None:
    import torch

    from texshape import measure

    settings = here.folder / "readout.yaml"
    settings.write_text(
        json.dumps(world.SETTINGS | {"decision_readout": here.settings["decision_readout"]})
    )
    words = ["measure", BACKBONE, "--decide", "readout", "--quick", "--no-report", "--quiet",
             "--settings", str(settings), "--stimuli", str(here.folder / "stimuli"), "--format", "json",
             "--output-dir", str(here.folder / "command")]  # fmt: skip
    for module in main.COMMANDS:
        __import__(f"texshape.cli.{module}")
    told = CliRunner().invoke(main.app, words)
    assert told.exit_code == 0, told.output
    (row,) = json.loads(told.stdout)["subjects"]
    assert row["decides_by"] == "readout"
    assert any("photographs" in one["text"] for one in row["notices"])
    refused = CliRunner().invoke(main.app, [*words, "--class-map", "map.yaml"])
    assert isinstance(refused.exception, InputError)
    assert "no outputs to map" in str(refused.exception)

    torch.manual_seed(0)
    module = __import__("survey_backbone").build()
    frame = measure(
        module, name="mine", decide="readout", settings=settings, stimuli=here.folder / "stimuli"
    )
    bias = frame[(frame["measure"] == "cue_match_rate") & (frame["class"] == "all")]
    assert bias["model"].tolist() == ["mine (read-out)"]
    with pytest.raises(InputError, match="decide: 'reading' is unknown"):
        measure(module, decide="reading")
    with pytest.raises(InputError, match="a function has no activations"):
        measure(lambda pictures: ["cat"] * len(pictures), decide="readout", stimuli=here.folder)


# --- experiments -------------------------------------------------------------------------------------


def planned(**over) -> Plan:
    from texshape.config import whole

    values = whole.read([ROOT / "params.yaml", ROOT / "experiments" / "published.yaml"])
    return Plan(overlay(values, over))


def test_an_experiment_fits_a_read_out_before_what_rests_on_decisions() -> None:
    made = planned(networks=["timm:resnet50", "readout:timm:resnet50"])
    run = RunId.of_model("readout-timm-resnet50--default")
    own = RunId.of_model("timm-resnet50--default")
    fitted_file = "results/published/readout-timm-resnet50--default/seed-0/decisions.readout.npz"
    assert made.read_out_runs == [run]
    assert made.network(run) == fitted_file
    assert made.network(own) == "timm:resnet50"
    assert made.network_files(run) == [fitted_file, made.layout.unavailable(run)]
    assert made.network_files(own) == [made.layout.unavailable(own)]
    assert made.fetched == [own.model, run.model]  # looked for once each
    assert made.per_run["decision_readout"] == [made.layout.measure(run, "decision_readout")]
    assert "decision_readout" in made.tables
    job = TechniqueJob(made, registry.get("erasure"))
    assert fitted_file in job.inputs(run)["network"]
    assert fitted_file in job.options(run)
    assert made.models_apart == [run.model]
    alone = planned(networks=["readout:timm:resnet50"])
    assert alone.models_apart == []
    assert "decision_readout" not in planned().tables


def test_an_experiment_does_not_fit_on_its_own_photographs(tmp_path: Path) -> None:
    folder = {"source": str(tmp_path / "all"), "test": 4}
    data = {"kind": "folder-published", "folder": folder}
    networks = ["readout:timm:resnet50"]
    for inside in (tmp_path / "all", tmp_path / "all" / "part", tmp_path):
        with pytest.raises(InputError, match=r"decision_readout.photographs: .* share pictures"):
            planned(data=data, networks=networks, decision_readout={"photographs": str(inside)})
    other = {"photographs": str(tmp_path / "other")}
    assert planned(data=data, networks=networks, decision_readout=other).read_out_runs


def test_the_steps_of_an_experiment(here: World) -> None:
    """The step fits and writes; trials decide by the file, and the untrained network decides nothing."""
    stem = here.folder / "sets" / "cue-conflict"
    stem.parent.mkdir()
    imageset.write(stem, here.shown.sets["cue-conflict"])
    model = names.slug(f"readout:{BACKBONE}")
    home = here.folder / "results" / model / "seed-0"
    for module in main.COMMANDS:
        __import__(f"texshape.cli.{module}")

    def call(*words: str):
        return CliRunner().invoke(main.app, ["run", *map(str, words)])

    words = ["decision-readout", "--network", f"readout:{BACKBONE}", "--set", stem, "--settings",
             json.dumps(here.settings["decision_readout"]), "--output", home / "decisions.readout.npz",
             "--table", home / "decision_readout.csv"]  # fmt: skip
    done = call(*words)
    assert done.exit_code == 0, done.output
    table = read_csv(home / "decision_readout.csv")
    assert table["n"].tolist() == [32]
    done = call("trials", "--network", home / "decisions.readout.npz", "--set", stem,
                "--output-dir", home / "trials")  # fmt: skip
    assert done.exit_code == 0, done.output
    trials = read_csv(home / "trials" / "cue-conflict.csv", ["subj"])
    assert set(trials["subj"]) == {model}
    surveyed = here.run(f"readout:{BACKBONE}")
    kept = read_csv(surveyed.folder / model / "seed-0" / "trials" / "cue-conflict.csv", ["subj"])
    assert trials["object_response"].tolist() == kept["object_response"].tolist()
    untrained = load(str(home / "decisions.readout.npz"), weights=False)
    assert untrained.classes is None
    assert untrained.slug == model
    absent = here.folder / "unavailable.csv"
    absent.write_text("technique,table,reason\nevery,,no such weights\n")
    gone = call(*[str(word).replace("seed-0", "seed-1") for word in words], "--absent", absent)
    assert gone.exit_code == 0, gone.output
    assert (home.parent / "seed-1" / "decisions.readout.npz").read_bytes() == b""
    assert len(read_csv(home.parent / "seed-1" / "decision_readout.csv")) == 0
    wrong = call(*[BACKBONE if word == f"readout:{BACKBONE}" else word for word in words])
    assert "expected readout:NAME" in str(wrong.exception)


def test_a_damaged_or_foreign_read_out_is_one_line(tmp_path: Path, here: World) -> None:
    path = tmp_path / "decisions.readout.npz"
    with pytest.raises(InputError, match=r"decisions\.readout\.npz: no such file"):
        load(str(path))
    path.write_bytes(b"PK nothing")
    with pytest.raises(InputError, match="is no read-out, or a damaged one"):
        load(str(path))
    place = fitted.Place("stage9", "nowhere", "pooled", 4)
    other = fitted.Fitted(
        place, np.zeros((2, 4), np.float32), np.zeros(2, np.float32), ("a", "b"), "grey"
    )
    fitted.write(path, BACKBONE, other)
    with pytest.raises(InputError, match="has no submodule 'nowhere'"):
        load(str(path))


def test_noise_on_the_very_photographs_is_not_scored(here: World) -> None:
    """The published photographs under noise are the grey ones, which a read-out was fitted on."""
    from dataclasses import replace
    from types import SimpleNamespace

    from texshape.config.evaluation import EvaluationSettings
    from texshape.techniques.frequency_channel.measure import reason
    from texshape.techniques.frequency_channel.settings import FrequencyChannelSettings
    from texshape.trials.imagenet16 import CATEGORIES

    network = replace(
        photographs_world.coded_backbone(),
        classes=CATEGORIES,
        outputs_are="readout",
        fitted_on="grey",
    )
    inputs = SimpleNamespace(
        settings=FrequencyChannelSettings(photographs=True),
        network=lambda: network,
        evaluation=EvaluationSettings.of(),
    )
    assert "fitted on these very photographs" in reason(inputs)
    network = replace(network, fitted_on="mine")
    assert reason(inputs) == ""


def test_the_article_counts_networks_that_decide_by_a_read_out_apart(tmp_path: Path) -> None:
    import pandas as pd
    from tests import synthetic_tables
    from tests.article_world import claims_of, results_of

    tables = synthetic_tables.published()
    measured = tables["shape_bias"][tables["shape_bias"]["arm"] != "published"].iloc[[0]]
    before = {c.id: c for c in claims_of(results_of(tmp_path / "before", tables))}
    assert "decisions-read-out" not in before
    model = "readout-" + measured["model"].iloc[0]
    own = measured.assign(model=model, architecture="readout-" + measured["architecture"])
    tables["shape_bias"] = pd.concat([tables["shape_bias"], own], ignore_index=True)
    row = {"model": model, "architecture": own["architecture"].iloc[0], "arm": own["arm"].iloc[0],
           "seed": 0, "photographs": "grey", "stage": "stage4", "input": "pooled", "units": 8,
           "accuracy": 0.875, "ci_low": 0.85, "ci_high": 0.9, "chance": 0.125, "at_guessing": False,
           "n": 1050, "n_classes": 16, "least": 0.5, "least_class": "oven", "penalty": 0.01}  # fmt: skip
    tables["decision_readout"] = pd.DataFrame([row])
    after = {c.id: c for c in claims_of(results_of(tmp_path / "after", tables))}
    assert after["networks-names"].sentence == before["networks-names"].sentence
    told = after["decisions-read-out"]
    assert told.verdict == "above guessing"
    assert "one network decides" in told.sentence
    assert "87.5" in told.sentence
    tables["decision_readout"] = pd.DataFrame([row | {"at_guessing": True}])
    guessing = {c.id: c for c in claims_of(results_of(tmp_path / "guessing", tables))}
    assert guessing["decisions-read-out"].verdict == "at guessing"
    assert "those decisions mean nothing" in guessing["decisions-read-out"].sentence
