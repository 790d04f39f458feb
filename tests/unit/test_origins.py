"""Where a table comes from: its own job, the jobs behind it, and what nobody is known to have made."""

from __future__ import annotations

from texshape.origins import of_tables

RUN = {"commit": "c" * 40, "dirty": False, "parameters_sha256": "f" * 64, "started": 1.0}


def job(rule: str, *inputs: str, seeds: tuple[int, ...] = (), command: str = "", run=RUN) -> dict:
    return {"rule": rule, "command": command or f"do {rule}", "seeds": list(seeds), "run": run,
            "inputs": {name: f"hash of {name}" for name in inputs}}  # fmt: skip


TRAININGS = {f"{seed}/weights": job("train", "pictures", seeds=(seed,), command=f"train {seed}")
             for seed in (0, 3)}  # fmt: skip
JOBS = {
    "pictures": job("render", seeds=(7,)),
    **TRAININGS,
    "0/a": job("trials", "0/weights", "pictures", command="trials 0"),
    "0/b": job("trials", "0/weights", "pictures", command="trials 0"),  # two files of one job
    "3/a": job("trials", "3/weights", "pictures", command="trials 3"),
    "tables/bias.csv": job("tabulate", "0/a", "3/a", "0/b", "typed by hand"),
}


def test_a_table_names_its_job_and_those_behind_it_by_rule():
    found = of_tables({"bias": "tables/bias.csv"}, JOBS.get)["bias"]
    assert (found["rule"], found["command"], found["file"]) == (
        "tabulate",
        "do tabulate",
        "tables/bias.csv",
    )
    assert (found["commit"], found["dirty"], found["parameters_sha256"]) == (
        "c" * 40,
        False,
        "f" * 64,
    )
    assert list(found["inputs"]) == ["0/a", "0/b", "3/a", "typed by hand"]
    assert found["inputs"]["3/a"] == "hash of 3/a"
    assert found["seeds"] == [0, 3, 7]
    assert [
        (one["rule"], one["jobs"], one["seeds"], one["command"]) for one in found["behind"]
    ] == [
        ("trials", 2, [], "trials 0"),
        ("train", 2, [0, 3], "train 0"),
        ("render", 1, [7], "do render"),
    ]


def test_a_table_that_nobody_is_known_to_have_made_is_left_out():
    assert of_tables({"bias": "tables/bias.csv", "lost": "tables/lost.csv"}, JOBS.get).keys() == {
        "bias"
    }
    assert of_tables({"lost": "tables/lost.csv"}, JOBS.get) == {}


def test_outside_a_recorded_run_there_is_no_commit():
    made = {"t.csv": job("tabulate", run=None)}
    found = of_tables({"t": "t.csv"}, made.get)["t"]
    assert found["commit"] is found["dirty"] is found["parameters_sha256"] is None
    assert found["behind"] == found["seeds"] == []


def test_files_that_name_one_another_end():
    ring = {"t.csv": job("tabulate", "a"), "a": job("one", "b"), "b": job("other", "a", "t.csv")}
    found = of_tables({"t": "t.csv"}, ring.get)["t"]
    assert [one["rule"] for one in found["behind"]] == ["one", "other", "tabulate"]
