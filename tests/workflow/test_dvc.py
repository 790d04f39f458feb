"""DVC above Snakemake: whichever of them runs, the other has nothing to do, and nothing gets lost."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
import yaml
from tools.workflow_copy import ROOT

from tests.workflow import tiny
from tests.workflow.conftest import Workflow, jobs


@pytest.fixture(scope="module")
def reproduced(tmp_path_factory: pytest.TempPathFactory) -> tuple[tiny.Tiny, str]:
    """`dvc repro` from nothing, once; its folder is left as it is."""
    return tiny.finished(tmp_path_factory.getbasetemp())


@pytest.fixture
def project(reproduced: tuple[tiny.Tiny, str], tmp_path: Path) -> tiny.Tiny:
    """A copy that a test may change."""
    return tiny.copy(reproduced[0], tmp_path / "project")


def test_repro_from_nothing_runs_the_workflow(reproduced: tuple[tiny.Tiny, str]) -> None:
    workflow, printed = reproduced
    ran = jobs(printed)
    assert (ran["render"], ran["train"], ran["trials"]) == (tiny.SETS, 1, 1)
    lock = yaml.safe_load((workflow.folder / "dvc.lock").read_text(encoding="utf-8"))
    (out,) = lock["stages"]["procedural"]["outs"]
    assert out["nfiles"] == len(tiny.hashes(workflow.folder / tiny.RESULTS)) > 30
    recorded = lock["stages"]["procedural"]["params"]["params.yaml"]
    assert recorded == yaml.safe_load((workflow.folder / "params.yaml").read_text("utf-8"))
    for name in ("results", "logs", "mlflow.db"):  # what is large or local stays out of git
        assert workflow.run("git", "ls-files", name).stdout == ""


def test_after_repro_neither_has_anything_to_do(reproduced: tuple[tiny.Tiny, str]) -> None:
    workflow, _ = reproduced
    assert tiny.nothing_to_do(workflow)
    assert workflow.run("dvc", "status", "--quiet", "procedural", check=False).returncode == 0


def test_after_snakemake_alone_repro_does_no_work_twice(project: tiny.Tiny) -> None:
    (project.folder / "dvc.lock").unlink()  # as if only Snakemake had ever run here
    shutil.rmtree(project.folder / ".dvc" / "cache")
    shutil.rmtree(project.folder / ".dvc" / "tmp")
    before = tiny.times(project.folder / tiny.RESULTS)
    done = project.run("dvc", "repro", "procedural")
    assert "Nothing to be done" in done.stdout + done.stderr
    assert jobs(done.stdout + done.stderr) == {}
    assert tiny.times(project.folder / tiny.RESULTS) == before
    assert (project.folder / "dvc.lock").exists()


def test_after_checkout_snakemake_has_nothing_to_do(project: tiny.Tiny) -> None:
    results = project.folder / tiny.RESULTS
    before = tiny.hashes(results)
    shutil.rmtree(project.folder / "results")
    project.run("dvc", "checkout", "procedural")
    assert tiny.hashes(results) == before
    assert tiny.nothing_to_do(project)

    (project.folder / tiny.RUN / "checkpoints" / "final.pt").unlink()  # one large file
    (results / "tables" / "shape_bias.csv").write_text("damaged\n", encoding="utf-8")
    project.run("dvc", "checkout", "--force", "procedural")
    assert tiny.hashes(results) == before
    assert tiny.nothing_to_do(project)


def test_a_clone_pulls_the_results_and_runs_no_rule(project: tiny.Tiny, tmp_path: Path) -> None:
    store, place = tmp_path / "store", tmp_path / "clone"
    project.run("dvc", "remote", "add", "--default", "store", str(store))
    tiny.commit(project, "Where the results are kept")
    project.run("dvc", "push", "procedural")
    project.run("git", "clone", "--quiet", str(project.folder), str(place))
    clone = tiny.Tiny(place)
    clone.run("dvc", "pull", "procedural")
    assert tiny.hashes(place / tiny.RESULTS) == tiny.hashes(project.folder / tiny.RESULTS)

    # The results bring the record of what made them.
    assert tiny.nothing_to_do(clone)
    clone.run("dvc", "status", "--quiet", "procedural")
    assert not (place / "logs").exists()  # none ran

    # A changed parameter is noticed, also by the rules without inputs.
    (place / "noisier.yaml").write_text("data: {colour: {noise: 0.05}}\n", encoding="utf-8")
    found = jobs(clone.snakemake("-n", *tiny.TARGETS, "--configfile", "noisier.yaml").stdout)
    assert (found["render"], found["train"]) == (tiny.SETS, 1)


def test_a_changed_source_or_parameter_makes_the_stage_stale(project: tiny.Tiny) -> None:
    with open(project.folder / "params.yaml", "a", encoding="utf-8") as file:
        file.write("\n# only a comment\n")
    assert project.run("dvc", "status", "--quiet", "procedural", check=False).returncode == 0
    with open(project.folder / "rules" / "trials.smk", "a", encoding="utf-8") as file:
        file.write("\n# a rule file changed\n")
    found = json.loads(project.run("dvc", "status", "--json", "procedural").stdout)
    assert found == {"procedural": [{"changed deps": {"rules": "modified"}}]}


def test_caches_of_python_and_leftovers_are_no_dependency(project: tiny.Tiny) -> None:
    cache = project.folder / "src" / "texshape" / "__pycache__"
    cache.mkdir()
    (cache / "files.cpython-311.pyc").write_bytes(b"compiled")
    (project.folder / tiny.RESULTS / "tables" / ".accuracy.a1b2c3d4.partial.csv").touch()
    assert project.run("dvc", "status", "--quiet", "procedural", check=False).returncode == 0


def test_verify_knows_other_parameters_code_and_inputs(project: tiny.Tiny) -> None:
    """Snakemake says which steps these are; `test_records.py` has the altered and lost files."""
    results, parameters = tiny.RESULTS, project.folder / "params.yaml"

    def findings() -> dict[str, set[str]]:
        done = project.run("texshape", "verify", results, "--format", "json", check=False)
        report = json.loads(done.stdout)
        assert report["code_and_parameters"] == "compared"
        assert done.returncode == (1 if report["findings"] else 0)
        found: dict[str, set[str]] = {}
        for finding in report["findings"]:
            found.setdefault(finding["state"], set()).add(finding["file"])
        return found

    assert findings() == {}
    text = parameters.read_text(encoding="utf-8")
    parameters.write_text(text.replace("resamples: 100\n", "resamples: 150\n", 1), encoding="utf-8")
    code = project.folder / "src" / "texshape" / "summary.py"
    code.write_text(code.read_text(encoding="utf-8").replace("6)", "7)"), encoding="utf-8")
    trained = project.folder / tiny.RUN / "checkpoints" / "final.pt"
    with open(trained, "r+b") as file:
        file.truncate(1000)
    found = findings()
    assert found["altered"] == {f"{tiny.RUN}/checkpoints/final.pt"}
    assert found["stale"] >= {f"{results}/tables/shape_bias.csv", f"{results}/metrics.json"}
    assert not {f"{results}/tables/training.csv", f"{tiny.RUN}/history.csv"} & found["stale"]
    assert set(found) == {"altered", "stale"}


def test_an_older_commit_and_its_results_belong_together(project: tiny.Tiny) -> None:
    """`git checkout` and `dvc checkout`: Snakemake learns again what made the older files."""
    parameters = project.folder / "params.yaml"
    before = tiny.hashes(project.folder / tiny.RESULTS)
    text = parameters.read_text(encoding="utf-8")
    parameters.write_text(text.replace("resamples: 100\n", "resamples: 150\n", 1), encoding="utf-8")
    project.run("dvc", "repro", "procedural")
    assert tiny.hashes(project.folder / tiny.RESULTS) != before
    tiny.commit(project, "More resamples")
    for commit in ("HEAD~1", "main"):
        project.run("git", "checkout", "--quiet", commit)
        project.run("dvc", "checkout", "--force", "procedural")
        assert tiny.nothing_to_do(project)
        assert project.run("dvc", "status", "--quiet", "procedural", check=False).returncode == 0


def test_an_experiment_reruns_what_follows_from_its_parameter_and_shows_it(
    project: tiny.Tiny,
) -> None:
    done = project.run("dvc", "exp", "run", "procedural", "--set-param", "bootstrap.resamples=150")
    ran = jobs(done.stdout + done.stderr)
    assert ran["tabulate_trials"] == 1
    assert not {"render", "train", "trials"} & set(ran)

    difference = json.loads(project.run("dvc", "params", "diff", "--json").stdout)
    (change,) = difference["params.yaml"].items()
    assert change == ("bootstrap.resamples", {"old": 100, "new": 150, "diff": 50})
    metrics = json.loads(project.run("dvc", "metrics", "show", "--json").stdout)
    shown = metrics[""]["data"][f"{tiny.RESULTS}/metrics.json"]["data"]
    assert shown == json.loads((project.folder / tiny.RESULTS / "metrics.json").read_text("utf-8"))
    assert len(project.run("dvc", "exp", "list", "--name-only").stdout.split()) == 1


def test_metrics_and_plots_compare_two_states(project: tiny.Tiny) -> None:
    path = project.folder / tiny.RESULTS / "metrics.json"
    metrics = json.loads(path.read_text(encoding="utf-8"))
    old = metrics["cue_match_rate"]["rf9--plain"]
    metrics["cue_match_rate"]["rf9--plain"] = 1.0
    path.write_text(json.dumps(metrics), encoding="utf-8")
    done = project.run("dvc", "metrics", "diff", "--json")
    difference = json.loads(done.stdout)[f"{tiny.RESULTS}/metrics.json"]
    assert set(difference) == {"cue_match_rate.rf9--plain"}
    assert (difference["cue_match_rate.rf9--plain"]["old"],
            difference["cue_match_rate.rf9--plain"]["new"]) == (old, 1.0)  # fmt: skip

    project.run("dvc", "plots", "diff", "HEAD")
    page = (project.folder / "dvc_plots" / "index.html").read_text(encoding="utf-8")
    assert "Shape bias with its interval" in page
    assert "Accuracy on the validation images while training" in page
    assert set(re.findall(r'"rev": "(\w+)"', page)) == {"HEAD", "workspace"}
    assert re.search(r'"x2": {"field": "ci_high"}', page)  # by the template of this project


def test_a_finished_experiment_is_cloned_with_its_article(smoke: Workflow, tmp_path: Path) -> None:
    """The whole DAG, at smoke size: article, figures and tables come without a rule."""
    project = tiny.Tiny(tiny.copy(smoke, tmp_path / "project").folder)
    tiny.add_sources(project.folder)
    stages = (ROOT / "dvc.yaml").read_text(encoding="utf-8").replace("published", "smoke")
    (project.folder / "dvc.yaml").write_text(stages, encoding="utf-8")
    project.run("git", "init", "--quiet")
    done = project.run("dvc", "repro", "smoke")  # after Snakemake alone
    assert jobs(done.stdout + done.stderr) == {}
    project.run("dvc", "remote", "add", "--default", "store", str(tmp_path / "store"))
    tiny.commit(project, "The smoke experiment")
    project.run("dvc", "push", "smoke")

    project.run("git", "clone", "--quiet", ".", str(tmp_path / "clone"))
    clone = tiny.Tiny(tmp_path / "clone")
    clone.run("dvc", "pull", "smoke")
    assert "Nothing to be done" in dry_run(clone)
    results = clone.folder / "results" / "smoke"
    assert tiny.hashes(results) == tiny.hashes(smoke.folder / "results" / "smoke")
    assert (results / "paper.pdf").read_bytes().startswith(b"%PDF")
    assert not (clone.folder / "logs").exists()


def dry_run(workflow: Workflow) -> str:
    """What `snakemake -n` says of the smoke experiment."""
    done = workflow.snakemake("-n", "--configfile", "experiments/smoke.yaml")
    return done.stdout + done.stderr
