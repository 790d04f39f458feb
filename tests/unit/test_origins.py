"""Where a table comes from: its own job, the jobs behind it, and what nobody is known to have made."""

from __future__ import annotations

import shlex

from texshape.figures.registry import FIGURES, declaration_of_file
from texshape.origins import of_figures, of_tables

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


RESULTS = "results/study"
AT = f"{RESULTS}/figures"
DRAWN = {**RUN, "configfiles": ["params.yaml", "experiments/a b.yaml"], "config": {"seed": 3}}
FIGURE_JOBS = {
    # One job draws all figures of tables, so that it reads tables that this one does not show.
    f"{AT}/accuracy.svg": job(
        "figures", f"{RESULTS}/tables/accuracy.csv", f"{RESULTS}/tables/training.csv"
    ),
    f"{AT}/stylization-neural.svg": job(
        "stylization_sheet",
        f"{RESULTS}/data/base/test-neural.images.npy",
        "styles/a.png",
        run=DRAWN,
    ),
    f"{AT}/architectures.svg": job(
        "figure_architectures", f"{RESULTS}/tables/architectures.csv", run=None
    ),
}


def figures(*names: str) -> dict:
    files = {name: f"{AT}/{name}.svg" for name in names}
    return of_figures(files, declaration_of_file, FIGURE_JOBS.get, RESULTS)


def test_a_figure_of_tables_names_those_that_it_declares_and_its_own_command():
    found = figures("accuracy")["accuracy"]
    assert found["tables"] == list(FIGURES["accuracy"].tables) == ["accuracy"]
    assert found["inputs"] == []
    assert (found["rule"], found["commit"], found["dirty"]) == ("figures", "c" * 40, False)
    assert not found["pictures"]
    assert found["command"] == (
        "texshape run figure accuracy --tables results/study/tables "
        "--parameters results/study/parameters.json --output-stem results/study/figures/accuracy"
    )


def test_a_figure_of_pictures_names_what_its_job_read_and_the_workflows_target():
    found = figures("stylization-neural")["stylization-neural"]
    assert found["tables"] == []
    assert found["inputs"] == ["data/base/test-neural.images.npy"]  # below the folder of results
    assert found["pictures"]
    assert shlex.split(found["command"]) == [
        "snakemake", "--cores", "all", "--force", "results/study/figures/stylization-neural.svg",
        "--configfile", "experiments/a b.yaml", "--config", "seed=3",
    ]  # fmt: skip


def test_a_step_of_its_own_that_reads_tables_names_them_and_no_commit_is_invented():
    found = figures("architectures", "shape_bias", "of_somebody_else")
    assert found["architectures"]["tables"] == ["architectures"]
    assert found["architectures"]["commit"] is None
    assert found["shape_bias"]["tables"] == list(FIGURES["shape_bias"].tables)
    assert found["shape_bias"]["rule"] is found["shape_bias"]["commit"] is None
    assert found["of_somebody_else"]["tables"] == found["of_somebody_else"]["inputs"] == []
    assert not found["of_somebody_else"]["pictures"]


def test_figures_that_show_pictures_say_so():
    shown = {name for name, figure in FIGURES.items() if figure.pictures}
    assert shown == {"contact_sheet", "stylization", "stylization_conflict", "disagreement_images",
                     "segmentation_pictures"}  # fmt: skip
    assert not any(FIGURES[name].draw for name in shown)  # those of tables alone have none
