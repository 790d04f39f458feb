"""How rules call steps: the words of files and values, the hash of the code, what a job needs."""

from __future__ import annotations

import inspect
from types import SimpleNamespace
from typing import Any

import pytest

from texshape import source_code
from texshape.errors import InputError
from texshape.experiment import steps
from texshape.experiment.layout import Layout
from texshape.experiment.runs import PIXELS

LAYOUT = Layout("results/it")
SHARDS = ["00000-of-00002", "00001-of-00002"]


class Named(dict):
    """Files as Snakemake hands them over: by name, and in their order."""

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            return super().__getitem__(key)
        return [file for files in self.values() for file in files][key]


def words(call: Any, wildcards: Any = None, **files: Any) -> list[str]:
    """All words of a call, as a rule's command has them."""
    given = Named(files.get("input", {})), Named(files.get("output", {}))
    return call["words"](wildcards) + call["files"](wildcards, *given)


def test_sets_are_named_by_their_stems_features_by_their_folders_and_files_by_themselves() -> None:
    whole = LAYOUT.set_files("base", "test-plain")
    assert steps.told(whole) == [LAYOUT.set("base", "test-plain")]
    two = LAYOUT.pictures("base", "textures", "silhouettes")
    assert steps.told(two) == [
        LAYOUT.set("base", "textures"), LAYOUT.set("base", "silhouettes"),
    ]  # fmt: skip
    made = LAYOUT.stylized_files("base", "test-neural", masks=True)
    assert steps.told(made) == [LAYOUT.set("base", "test-neural")]
    stored = LAYOUT.states("cnn--plain/seed-0", [0, 3])
    assert steps.told(stored) == [
        LAYOUT.features("cnn--plain/seed-0", 0), LAYOUT.features("cnn--plain/seed-0", 3),
    ]  # fmt: skip
    tables = [LAYOUT.table("accuracy"), LAYOUT.table("shape_bias")]
    assert steps.told(tables) == tables
    assert steps.told(tables[0]) == tables[:1]
    assert steps.told([]) == []


def test_parts_are_named_in_the_order_of_their_shards() -> None:
    files = [file for one in SHARDS for file in LAYOUT.conflict_part("neural", one, masks=True)]
    start = LAYOUT.set("base", "conflicts/neural")
    assert steps.told(files) == [f"{start}.shard-{shard}" for shard in SHARDS]
    stored = [file for one in SHARDS for file in LAYOUT.feature_files("cnn/seed-0", 1, one)]
    assert steps.told(stored) == [LAYOUT.features("cnn/seed-0", 1, one) for one in SHARDS]


def test_what_has_a_name_is_an_option_and_the_rest_is_not_told() -> None:
    call = steps.call("train-decoder", seed=0)
    found = words(
        call,
        input={"held_out_content": LAYOUT.pictures("base", "validation-plain"), "encoder": []},
        output={"output": "decoder.pt", "history": "history.csv"},
    )
    assert found == [
        "train-decoder", "--seed", "0", "--held-out-content", LAYOUT.set("base", "validation-plain"),
        "--output", "decoder.pt", "--history", "history.csv",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (0, ["--one-two", "0"]),
        ("", ["--one-two", ""]),
        ("text", ["--one-two", "text"]),
        (0.5, ["--one-two", "0.5"]),
        (PIXELS, ["--one-two", "pixels--baseline/seed-0"]),
        ([], []),
        (["a", 2], ["--one-two", "a", "--one-two", "2"]),
        ({"a": 1}, ["--one-two", "a"]),
        (map(str, (1, 2)), ["--one-two", "1", "--one-two", "2"]),
        (True, ["--one-two"]),
        (False, []),
        (None, []),
    ],
)
def test_values_as_options(value: Any, found: list[str]) -> None:
    assert words(steps.call("it", one_two=value)) == ["it", *found]
    if not isinstance(value, map):
        assert words(steps.call("it", one_two=lambda wc: value)) == ["it", *found]


def test_a_function_is_asked_with_what_it_names() -> None:
    call = steps.call(
        "it",
        lambda wc, input: [*input["table"], wc.seed],
        ["--flag"],
        "last",
        place=lambda wildcards, output: output[0],
        both=lambda wc, output, input: f"{input[0]} {output[0]} {wc.seed}",
    )
    found = words(
        call, SimpleNamespace(seed=3), input={"table": ["a.csv"]}, output={"output": ["b.csv"]}
    )
    assert found == [
        "it", "--flag", "last", "a.csv", "3", "--table", "a.csv", "--output", "b.csv",
        "--place", "b.csv", "--both", "a.csv b.csv 3",
    ]  # fmt: skip
    with pytest.raises(KeyError, match="threads"):  # they differ from machine to machine
        words(steps.call("it", number=lambda wc, threads: threads))


def test_what_reruns_a_job_is_apart_from_what_follows_from_its_files() -> None:
    call = steps.call(
        "it", lambda wc: [wc.seed], lambda wc, output: ["of", "files"], rate=0.1,
        run=lambda wc: wc.seed, folder=steps.folder,
    )  # fmt: skip
    assert list(inspect.signature(call["words"]).parameters) == [
        "wildcards"
    ]  # else Snakemake would
    job = SimpleNamespace(seed=3)  # not compare them with those that made a file
    assert call["words"](job) == ["it", "3", "--rate", "0.1", "--run", "3"]
    assert call["files"](job, Named(table=["a.csv"]), Named(output=["b/c.csv"])) == [
        "of", "files", "--table", "a.csv", "--output", "b/c.csv", "--folder", "b",
    ]  # fmt: skip


def test_a_step_carries_the_hash_of_its_code() -> None:
    given = steps.step("stylize", seed=1)
    assert set(given) == {"words", "files", "code"}
    assert given["code"] == source_code.step_hash("stylize")
    assert words(given) == ["stylize", "--seed", "1"]
    with pytest.raises(InputError, match="stylise"):
        steps.step("stylise")


def test_another_attempt_gets_more_memory_and_time() -> None:
    given = steps.needs(500, 30, gpu=1)
    assert given["gpu"] == 1
    assert [given["mem_mb"](None, attempt) for attempt in (1, 2, 3)] == [500, 1000, 1500]
    assert [given["runtime"](None, attempt) for attempt in (1, 2)] == [30, 60]


def test_places_that_follow_from_the_outputs() -> None:
    tables = [LAYOUT.table("a"), LAYOUT.table("b")]
    assert steps.folder(None, tables) == LAYOUT.tables
    assert steps.folder_above(None, tables) == LAYOUT.results
    assert steps.figure_stem(None, [LAYOUT.figure("a.b")]) == f"{LAYOUT.figures}/a.b"
    assert steps.shard(SimpleNamespace(shard=SHARDS[1])) == ["--shard", "1", "--shards", "2"]
