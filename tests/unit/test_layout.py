"""Places of an experiment's files: of a run by its name, and as the pattern of a rule."""

from __future__ import annotations

import re

import pytest

from texshape.experiment.layout import Layout, epoch_name, shard_names
from texshape.experiment.runs import WILDCARDS, RunId

LAYOUT = Layout("results/tiny")
RUN = RunId("cnn", "plain", 3)

PLACES = {
    "data/base/test-plain": LAYOUT.set("base", "test-plain"),
    "data/base/neural/styles.csv": LAYOUT.style_table("base", "neural"),
    "data/base/neural/decoder.pt": LAYOUT.decoder("base", "neural"),
    "cnn--plain/seed-3/checkpoints/final.pt": LAYOUT.checkpoint(RUN),
    "cnn--plain/seed-3/checkpoints/epoch-010.pt": LAYOUT.checkpoint(RUN, 10),
    "cnn--plain/seed-3/history.csv": LAYOUT.history(RUN),
    "cnn--plain/seed-3/features/epoch-000": LAYOUT.features(RUN, 0),
    "cnn--plain/seed-3/trials/edges.csv": LAYOUT.trials(RUN, "edges"),
    "cnn--plain/seed-3/across/tint-0.6/cue-conflict.csv": LAYOUT.across(RUN, "tint-0.6"),
    "cnn--plain/seed-3/erasure.csv": LAYOUT.measure(RUN, "erasure"),
    "cnn--plain/seed-3/readout/epoch-003.csv": LAYOUT.measure(RUN, "readout", 3),
    "cnn--plain/seed-3/readout/epoch-003-images.csv": LAYOUT.measure(
        RUN, "readout", 3, "-images.csv"
    ),
    "cnn--plain/seed-3/influence.npz": LAYOUT.measure(RUN, "influence", ending=".npz"),
    "tables/readout.csv": LAYOUT.table("readout"),
    "figures/readout.png": LAYOUT.figure("readout", "png"),
    "records.json": LAYOUT.file("records.json"),
}


@pytest.mark.parametrize("place", PLACES)
def test_places(place: str) -> None:
    assert PLACES[place] == f"results/tiny/{place}"


def test_the_files_of_a_set_and_of_features() -> None:
    stem = "results/tiny/data/base/edges"
    assert LAYOUT.set_files("base", "edges", masks=False) == [
        f"{stem}.images.npy",
        f"{stem}.labels.csv",
    ]
    stylized = LAYOUT.stylized_files("base", "edges", masks=False)
    assert stylized == [*LAYOUT.set_files("base", "edges", masks=False), f"{stem}.manifest.csv"]
    part = LAYOUT.stylized_part("tint", "neural", "test", "00000-of-00002", masks=True)
    start = "results/tiny/data/tint/neural/test.shard-00000-of-00002"
    endings = ["images.npy", "labels.csv", "manifest.csv", "masks.npy", "shard.json"]
    assert part == [f"{start}.{ending}" for ending in endings]
    assert len(LAYOUT.conflict_part("x", "{shard}", masks=False)) == 4
    assert LAYOUT.set_files("base", "edges")[2:] == [f"{stem}.masks.npy"]
    folder = "results/tiny/cnn--plain/seed-3/features/epoch-001"
    whole = [f"{folder}/activations.npy", f"{folder}/stages.csv"]
    assert LAYOUT.feature_files(RUN, 1) == whole
    part = LAYOUT.feature_files(RUN, 1, shard_names(2)[0])
    assert part[0] == f"{folder}/shard-00000-of-00002/activations.npy"
    assert len(part) == 3


OF_A_RUN = {
    "checkpoint": lambda run, epoch: LAYOUT.checkpoint(run, epoch),
    "final": lambda run, epoch: LAYOUT.checkpoint(run),
    "history": lambda run, epoch: LAYOUT.history(run),
    "features": lambda run, epoch: LAYOUT.features(run, epoch),
    "part of features": lambda run, epoch: LAYOUT.feature_files(run, epoch, "00000-of-00002")[0],
    "trials": lambda run, epoch: LAYOUT.trials(run, "edges"),
    "across": lambda run, epoch: LAYOUT.across(run, "base"),
    "measure": lambda run, epoch: LAYOUT.measure(run, "erasure"),
    "state": lambda run, epoch: LAYOUT.measure(run, "readout", epoch, "-images.csv"),
}


@pytest.mark.parametrize("kind", OF_A_RUN)
def test_a_rule_s_pattern_becomes_the_place(kind: str) -> None:
    """What a rule declares, filled in as Snakemake does, is the place that a step opens."""
    pattern, place = OF_A_RUN[kind](WILDCARDS, "{epoch}"), OF_A_RUN[kind](RUN, 7)
    assert pattern != place
    assert pattern.format(model=RUN.model, seed=RUN.seed, epoch="007") == place
    assert RunId.of_path(place, LAYOUT.results) == RUN


def test_logs_lie_beside_the_results() -> None:
    assert LAYOUT.log("train/cnn") == "logs/tiny/train/cnn.log"
    assert LAYOUT.benchmark("train/cnn") == "logs/tiny/train/cnn.benchmark.tsv"
    assert re.sub(r"\.log$", ".benchmark.tsv", LAYOUT.log("a")) == LAYOUT.benchmark("a")


def test_epochs_sort_as_texts_do() -> None:
    names = [epoch_name(epoch) for epoch in (0, 3, 10, 100)]
    assert names == sorted(names)
    assert epoch_name("{epoch}") == "epoch-{epoch}"
