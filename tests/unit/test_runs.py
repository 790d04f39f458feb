"""Names of networks: what is written is read again, and nothing else is read."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from texshape.errors import InputError
from texshape.experiment.runs import PIXELS, RunId, find_runs, model_parts

LETTERS = st.text("ab0._-", min_size=1, max_size=6)


@given(LETTERS, LETTERS, st.integers(0, 10**6))
def test_a_name_that_is_accepted_is_read_again(architecture: str, arm: str, seed: int) -> None:
    ambiguous = "--" in architecture or (architecture + "--" + arm).find("--") < len(architecture)
    if ambiguous:
        with pytest.raises(InputError, match="expected ARCHITECTURE--ARM/seed-S"):
            RunId(architecture, arm, seed)
    else:
        run = RunId(architecture, arm, seed)
        assert RunId.parse(str(run)) == run
        assert RunId.of_model(run.model, seed) == run


def test_the_parts_of_a_name() -> None:
    run = RunId.parse("rf9-wide--plain-crop/seed-12")
    assert (run.architecture, run.arm, run.seed) == ("rf9-wide", "plain-crop", 12)
    assert run.model == "rf9-wide--plain-crop"
    assert str(run) == "rf9-wide--plain-crop/seed-12"
    assert RunId.parse("cnn--plain/seed-0/") == RunId("cnn", "plain")
    assert RunId("a", "b--c").arm == RunId.parse("a--b--c/seed-0").arm == "b--c"
    assert str(PIXELS) == "pixels--baseline/seed-0"
    assert model_parts("subject-01") == ("subject-01", "")
    assert model_parts("cnn--plain-tint-0.6") == ("cnn", "plain-tint-0.6")


@pytest.mark.parametrize(
    "text",
    ["", "cnn--plain", "cnn/seed-0", "--plain/seed-0", "cnn--/seed-0", "cnn--plain/0", "cnn--plain/seed-",
     "cnn--plain/seed-x", "cnn--plain/seed-01", "cnn--plain/seed--1", "cnn--plain/seed-٣", "/cnn--plain/seed-0",
     "a/cnn--plain/seed-0", "cnn--plain/seed-0/trials"],
)  # fmt: skip
def test_what_is_no_name_gives_one_line(text: str) -> None:
    with pytest.raises(InputError) as error:
        RunId.parse(text)
    line = str(error.value)
    assert line == (
        f"network '{text}': expected ARCHITECTURE--ARM/seed-S, such as cnn--plain/seed-0"
    )


def test_names_in_order_of_their_seeds() -> None:
    runs = [RunId("cnn", "plain", seed) for seed in (10, 2)]
    assert sorted([*runs, RunId("cnn", "mixed", 3)]) == [
        RunId("cnn", "mixed", 3), RunId("cnn", "plain", 2), RunId("cnn", "plain", 10),
    ]  # fmt: skip


def test_the_network_of_a_file() -> None:
    run = RunId("cnn", "plain", 3)
    for file in (
        "results/x/{}/trials/cue-conflict.csv",
        "/a/{}/checkpoints/final.pt",
        "{}",
        "{}/b",
    ):
        assert RunId.of_path(file.format(run)) == run
    within = RunId("rf9", "mixed", 0)
    assert RunId.of_path(f"results/{run}/{within}/final.pt") == within, "the innermost"
    assert RunId.of_path(f"results/x/{run}/erasure.csv", "results/x") == run
    for file in ("final.pt", "cnn--plain/final.pt", "cnn--plain/seed-0-old/final.pt"):
        with pytest.raises(InputError, match="expected ARCHITECTURE--ARM/seed-S"):
            RunId.of_path(file)


def test_the_network_of_a_file_of_an_experiment_lies_right_below_its_results() -> None:
    with pytest.raises(InputError, match="expected a file below results/x"):
        RunId.of_path("results/y/cnn--plain/seed-0/erasure.csv", "results/x")
    with pytest.raises(InputError, match=r"network 'x/cnn--plain/seed-0/a\.csv': expected"):
        RunId.of_path("results/x/cnn--plain/seed-0/a.csv", "results")


def test_the_networks_of_a_folder(tmp_path: Path) -> None:
    for name in ("rf9--plain/seed-2", "rf9--plain/seed-10", "cnn--mixed/seed-0", "rf9--plain/seed-0-old",
                 "tables", "data/base"):  # fmt: skip
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "cnn--mixed" / "seed-1").touch()  # no folder
    found = find_runs(tmp_path)
    assert list(map(str, found)) == ["cnn--mixed/seed-0", "rf9--plain/seed-2", "rf9--plain/seed-10"]
