"""Networks whose weights cannot be had: left out once, with the reason; a wrong name is an error."""

from __future__ import annotations

import errno
import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests import technique_steps
from typer.testing import CliRunner

from texshape import parameters, tables
from texshape.cli import robustness  # registers the step
from texshape.cli.evaluate import run as steps
from texshape.config import whole
from texshape.data.imageset import ImageSet, write
from texshape.errors import InputError, MachineError, UnavailableError
from texshape.experiment import left_out, unavailable
from texshape.experiment.columns import EVERY, LEFT_OUT
from texshape.experiment.filled_tables import filled
from texshape.experiment.layout import Layout
from texshape.experiment.plan import Plan
from texshape.experiment.runs import PIXELS
from texshape.features.stored import stored
from texshape.files import read_csv
from texshape.models.cards import is_fetched
from texshape.models.families import downloads
from texshape.models.loading import load
from texshape.techniques.corruptions.tables import CORRUPTIONS
from texshape.tracking import collect
from texshape.trials.subjects import read_networks

assert robustness
ROOT = Path(__file__).parents[2]
GONE, THERE = "timm-resnet18--default/seed-0", "rf9--plain/seed-0"
REASON = "its weights cannot be had (no route)"


def fetched(name: str, output: Path) -> str:
    """What the step writes: the reason, empty where the network can be had."""
    found = CliRunner().invoke(steps, ["fetch-network", "--network", name, "--output", str(output)])
    if found.exception:
        raise found.exception
    rows = LEFT_OUT.check(read_csv(output), output).to_dict("records")
    assert len(rows) <= 1
    assert all(
        (row["technique"], row["tables"]) == (EVERY, "") or pd.isna(row["tables"]) for row in rows
    )
    return rows[0]["reason"] if rows else ""


@pytest.fixture
def no_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub does not answer, and what its cache may hold is not looked for."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", "/nonexistent")
    monkeypatch.setattr(downloads, "_reachable", lambda address: False)


# --- which can be had ----------------------------------------------------------------------------


def test_weights_behind_a_server_that_does_not_answer(no_hub: None, tmp_path: Path) -> None:
    reason = fetched("timm:resnet18.a1_in1k", tmp_path / "unavailable.csv")
    assert reason.startswith("its weights cannot be had (https://huggingface.co cannot be reached")
    assert reason.endswith("name a local file as timm:resnet18.a1_in1k@PATH")
    assert unavailable.reason_in(tmp_path / "unavailable.csv") == reason


def test_weights_that_a_server_refuses(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("HTTP Error 404")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("torch.hub.download_url_to_file", refuse)
    reason = fetched("torchvision:squeezenet1_1", tmp_path / "unavailable.csv")
    assert reason.startswith("its weights cannot be had (HTTP Error 404)")


def test_a_package_that_is_not_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *a: None if name == "open_clip" else real(name, *a),
    )
    reason = fetched("open_clip:ViT-B-32/openai", tmp_path / "unavailable.csv")
    assert reason == "needs the package open_clip_torch (pip install open_clip_torch)"


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("timm:resnet81", "timm has no such network; did you mean"),
        ("timm:resnet18.a1_in2k", "timm has no such weights; did you mean 'resnet18.a1_in1k'"),
        ("torchvision:resnet52", "torchvision has no such network; did you mean"),
        ("torchvision:resnet18@weights.pth", "no such file: weights.pth"),
        ("tim:resnet18", "unknown prefix 'tim:'"),
    ],
)
def test_a_wrong_name_is_an_error_and_no_network_that_cannot_be_had(
    no_hub: None, tmp_path: Path, name: str, line: str
) -> None:
    with pytest.raises(InputError, match=line) as caught:
        fetched(name, tmp_path / "unavailable.csv")
    assert not isinstance(caught.value, UnavailableError)
    assert not (tmp_path / "unavailable.csv").exists()


@pytest.mark.parametrize(
    ("error", "wrapped", "kind"),
    [
        (MemoryError(), False, MemoryError),
        (OSError(errno.ENOSPC, "No space left on device"), True, MachineError),
        (OSError(errno.ENOSPC, "No space left on device"), False, MachineError),
        (OSError(errno.ECONNRESET, "reset by peer"), True, UnavailableError),
    ],
)
def test_what_the_machine_lacks_leaves_no_network_out(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    error: Exception,
    wrapped: bool,
    kind: type[Exception],
) -> None:
    def fail(*_: object, **__: object) -> None:
        if wrapped:  # as libraries do it
            raise RuntimeError("the download failed") from error
        raise error

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("torch.hub.download_url_to_file", fail)
    with pytest.raises(kind) as caught:
        load("torchvision:squeezenet1_1")
    assert type(caught.value) is kind


def test_a_repository_that_the_hub_does_not_have_is_a_wrong_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    from texshape.models import hf_networks

    pytest.importorskip("transformers")
    monkeypatch.setattr(downloads, "_reachable", lambda address: True)
    for kind, expected in (
        (RepositoryNotFoundError, InputError),
        (GatedRepoError, UnavailableError),
    ):

        def ask(*_: object, kind: type[Exception] = kind, **__: object) -> None:
            try:
                raise kind.__new__(kind)
            except kind as error:
                raise OSError("is no local folder and no repository") from error

        monkeypatch.setattr(hf_networks, "read", ask)
        with pytest.raises(InputError) as caught:
            load("hf:nobody/nothing")
        assert type(caught.value) is expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("timm:resnet18", True),
        ("efficientnet_lite_pytorch:efficientnet-lite0", True),
        ("timm:resnet18@weights.pth", False),
        ("onnx:network.onnx", False),
        ("python:mine:build", False),
        ("results/it/cnn--plain/seed-0/final.pt", False),
    ],
)
def test_what_is_looked_for(name: str, expected: bool, tmp_path: Path) -> None:
    assert is_fetched(name) is expected
    card = tmp_path / "card.yaml"
    card.write_text(f"network: {name}\n", encoding="utf-8")
    assert is_fetched(str(card)) is expected


def test_a_folder_is_a_network_of_transformers_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "owner" / "model").mkdir(parents=True)
    (tmp_path / "resnet18").mkdir()
    assert not is_fetched("hf:owner/model")
    assert is_fetched("hf:owner/another")
    assert is_fetched("timm:resnet18")
    assert is_fetched("torchvision:resnet18")


# --- what an experiment makes of it --------------------------------------------------------------


def test_the_plan_asks_before_any_other_job_does() -> None:
    files = [ROOT / name for name in ("params.yaml", "experiments/smoke.yaml")]
    over = {"networks": ["timm:resnet18", "onnx:here.onnx"]}
    made = Plan(parameters.overlay(whole.read(files), over))
    (gone,) = (run for run in made.runs if str(run) == GONE)
    answer = made.layout.unavailable(gone)
    assert made.fetched == [gone.model]
    assert made.network_files(gone) == [answer]
    assert [file for run in made.runs for file in made.network_files(run)].count(answer) == 1
    assert made.per_run["left_out"].count(answer) == 1


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """An experiment that wanted a network which cannot be had, and has one that it trained."""
    layout = Layout(str(tmp_path / "results"))
    left_out.note(layout.unavailable(GONE), EVERY, [], REASON)
    left_out.note(layout.unavailable(THERE), EVERY, [], "")
    labels = pd.DataFrame(
        {"imagename": ["cat1-dog1.png", "dog1-cat1.png"], "shape": ["cat", "dog"],
         "texture": ["dog", "cat"], "shape_exemplar": ["cat1", "dog1"],
         "texture_exemplar": ["dog1", "cat1"], "condition": "0"}
    )  # fmt: skip
    write(layout.set("base", "cue-conflict"), ImageSet(np.zeros((2, 8, 8, 3), np.uint8), labels))
    return tmp_path / "results"


def step(*words: object) -> None:
    found = CliRunner().invoke(steps, [str(word) for word in words])
    if found.exception:
        raise found.exception


def test_it_is_shown_nothing_and_the_pixels_are_there_all_the_same(results: Path) -> None:
    layout = Layout(str(results))
    given = ["--network", "timm:resnet18", "--set", layout.set("base", "cue-conflict")]
    absent = ["--absent", layout.unavailable(GONE)]
    step("trials", *given, *absent, "--output-dir", results / GONE / "trials")
    header, *rows = Path(layout.trials(GONE, "cue-conflict")).read_text().splitlines()
    assert header.startswith("subj,session,trial")
    assert rows == []
    step("features", *given, *absent, "--output-dir", layout.features(GONE, 1))
    (part,) = stored(layout.features(GONE, 1), ["pooled", "pixels"], 2)
    assert (part.stage, part.array.shape) == ("pixels", (2, 3 * 8 * 8))
    assert read_networks(results, [GONE]) == {}
    assert unavailable.without(results, [GONE, THERE, str(PIXELS)]) == [THERE, str(PIXELS)]


def test_corrupted_pictures_are_shown_to_the_others(results: Path) -> None:
    layout = Layout(str(results))
    own, pictures = (
        results / GONE / f"{name}.csv" for name in ("corruptions", "corruption_pictures")
    )
    settings = '{"images": 12, "severities": [1], "types": null, "constants": null}'
    step(
        "corruptions", "--network", "timm:resnet18", "--output", own, "--pictures", pictures, "--seed", 0,
        "--set", layout.set("base", "cue-conflict"), "--settings", settings,
        "--absent", f"timm:resnet18={layout.unavailable(GONE)}",
    )  # fmt: skip
    assert len(CORRUPTIONS.check(read_csv(own), own)) == len(read_csv(pictures)) == 0


@pytest.mark.parametrize("name", ["readout", "receptive_field", "top_k"])
def test_a_technique_writes_tables_without_rows_and_says_nothing_more(
    results: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = technique_steps.arguments(
        name, results, {"top_k": {}}, run=GONE, network="timm:resnet18",
        roles={"conflict": "cue-conflict"}, epochs=(0, 1),
    )  # fmt: skip
    step(*words)
    layout = Layout(str(results))
    assert len(read_csv(Path(layout.measure(GONE, name)))) == 0
    own = Path(layout.left_out(GONE, name))
    files = [layout.unavailable(GONE), *([str(own)] if own.exists() else [])]
    (row,) = tables.concatenate(files, results, LEFT_OUT).to_dict("records")
    assert (row["architecture"], row["technique"], row["reason"]) == (
        "timm-resnet18",
        EVERY,
        REASON,
    )
    assert name != "top_k" or own.exists()


def test_tables_of_which_every_network_is_missing_count_as_not_there(results: Path) -> None:
    layout = Layout(str(results))
    reasons = tables.concatenate([layout.unavailable(GONE)], results, LEFT_OUT)
    LEFT_OUT.write(results / left_out.FILE, reasons, networks=True)
    for name, rows in (("readout", 0), ("top_k", 0), ("accuracy", 0), ("cue_strength", 1)):
        Path(layout.table(name)).write_text("model\n" + "x\n" * rows, encoding="utf-8")
    files = [f"tables/{name}.csv" for name in ("readout", "top_k", "accuracy", "cue_strength")]
    assert filled(results, [left_out.FILE, *files]) == [left_out.FILE, *files[2:]]


def test_mlflow_is_told_of_no_such_network(results: Path) -> None:
    (results / THERE).mkdir(exist_ok=True)
    runs = collect(results, {"experiment": "it"}, {"git": {"commit": "0", "dirty": False}})
    assert [run.key for run in runs] == [f"results/{THERE}"]
