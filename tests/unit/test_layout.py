"""Places of an experiment's files: of a run by its name, and as the pattern of a rule."""

from __future__ import annotations

import inspect
import re

import pytest

from texshape.experiment.layout import Layout, epoch_name, shard_name
from texshape.experiment.runs import WILDCARDS, RunId

LAYOUT = Layout("results/tiny")
RUN = RunId("cnn", "plain", 3)

PLACES = {
    "data/base/test-plain": LAYOUT.set("base", "test-plain"),
    "data/base/neural/styles-train": LAYOUT.styles("base", "neural", "train"),
    "data/base/neural/decoder.pt": LAYOUT.decoder("base", "neural"),
    "data/base/neural/test": LAYOUT.stylized_part("base", "neural", "test"),
    "data/base/conflicts/cue-conflict": LAYOUT.conflict_part("cue-conflict"),
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
    assert LAYOUT.set_files("base", "edges")[2:] == [f"{stem}.masks.npy"]
    folder = "results/tiny/cnn--plain/seed-3/features/epoch-001"
    whole = [f"{folder}/activations.npy", f"{folder}/stages.csv"]
    assert LAYOUT.feature_files(RUN, 1) == whole
    part = LAYOUT.feature_files(RUN, 1, shard_name(0, 2))
    assert part[0] == f"{folder}/shard-00000-of-00002/activations.npy"
    assert len(part) == 3


def test_a_rule_s_pattern_becomes_the_place() -> None:
    """What a rule declares, filled in as Snakemake does, is the place that a step opens."""
    made = 0
    for name, method in inspect.getmembers(Layout, inspect.isfunction):
        words = list(inspect.signature(method).parameters)[1:]
        if words[:1] != ["run"]:
            continue
        for epoch in (None, 7):
            if epoch is not None and "epoch" not in words:
                continue
            others = {word: "x" for word in words if word in ("name", "variant")}
            if "epoch" in words:
                if epoch is None and name in ("features", "feature_files"):
                    continue
                others["epoch"] = epoch
            pattern = method(LAYOUT, WILDCARDS, **others | ({"epoch": "{epoch}"} if epoch else {}))
            place = method(LAYOUT, RUN, **others)
            for one, wanted in zip(
                *([each] if isinstance(each, str) else each for each in (pattern, place)),
                strict=True,
            ):
                filled = one.format(model=RUN.model, seed=RUN.seed, epoch="007")
                assert filled == wanted
                assert RunId.of_path(wanted, LAYOUT.results) == RUN
                made += 1
    assert made >= 10


def test_logs_lie_beside_the_results() -> None:
    assert LAYOUT.log("train/cnn") == "logs/tiny/train/cnn.log"
    assert LAYOUT.benchmark("train/cnn") == "logs/tiny/train/cnn.benchmark.tsv"
    assert re.sub(r"\.log$", ".benchmark.tsv", LAYOUT.log("a")) == LAYOUT.benchmark("a")


def test_epochs_sort_as_texts_do() -> None:
    names = [epoch_name(epoch) for epoch in (0, 3, 10, 100)]
    assert names == sorted(names)
    assert epoch_name("{epoch}") == "epoch-{epoch}"
