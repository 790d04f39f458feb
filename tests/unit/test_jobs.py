"""What rules make of the plan for a job: words of options, files, captions."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from texshape import parameters
from texshape.config import whole
from texshape.errors import InputError
from texshape.experiment import job_settings, words
from texshape.experiment.layout import Layout
from texshape.experiment.plan import Plan
from texshape.experiment.runs import PIXELS, WILDCARDS, RunId
from texshape.experiment.stylization_jobs import drawn_exemplars, judges, set_maker
from texshape.experiment.technique_job import SharedJob, TechniqueJob
from texshape.experiment.words import THEN
from texshape.figures import report
from texshape.figures.settings import settings_of
from texshape.techniques import registry

ROOT = Path(__file__).parents[2]
NAMED = {"networks": ["timm:resnet18"], "trained": []}
SMOKE = whole.read([ROOT / "params.yaml", ROOT / "experiments" / "smoke.yaml"])


def plan(**over: Any) -> Plan:
    return Plan(parameters.overlay(SMOKE, over))


# --- words ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "found", "other"),
    [(["a.b", "c"], ["a.b", "c"], ["aXb", "a.bc", ""]), ([], [], ["a", " "])],
)
def test_a_wildcard_is_one_of_the_names_and_nothing_else(
    names: list[str], found: list[str], other: list[str]
) -> None:
    pattern = re.compile(words.any_of(names))
    assert all(pattern.fullmatch(name) for name in found)
    assert not any(pattern.fullmatch(name) for name in other)


def test_options_are_repeated_for_each_value() -> None:
    run = RunId("cnn", "plain", 3)
    assert words.parent(Layout("results/it").history(run)) == Layout("results/it").run(run)
    assert words.options("--network", [run, PIXELS]) == [
        "--network", "cnn--plain/seed-3", "--network", "pixels--baseline/seed-0",
    ]  # fmt: skip
    assert words.options("--network", []) == []


# --- a technique's job ---------------------------------------------------------------------------


def test_a_job_depends_on_what_its_technique_reads() -> None:
    made = plan()
    run = made.measured_runs[0]
    seen = {}
    for technique in made.techniques:
        inputs = TechniqueJob(made, technique).inputs(run)
        seen[technique.name] = inputs
        assert bool(inputs.get("network")) == technique.network, technique.name
        assert bool(inputs.get("features")) == technique.features, technique.name
        stems = [file.removesuffix(".images.npy") for file in inputs["images"]]
        for name in made.sets_of(technique, run.model):
            assert made.layout.set("base", name) in stems
    final, first = made.layout.checkpoint(run), made.layout.checkpoint(run, 0)
    assert final in seen["receptive_field"]["network"]
    assert seen["readout"]["features"] == made.layout.states(run, made.epochs(run))
    untrained = [name for name, inputs in seen.items() if "untrained" in inputs]
    assert untrained
    assert all(seen[name]["untrained"] == [first] for name in untrained)


def test_masks_are_of_the_conflict_images_alone() -> None:
    made = plan()
    segmentation = registry.get("segmentation")
    files = TechniqueJob(made, segmentation).inputs(made.measured_runs[0])["images"]
    assert [Path(file).name for file in files if "masks" in file] == ["cue-conflict.masks.npy"]


def test_a_named_network_is_told_by_its_name_and_a_trained_one_by_its_place() -> None:
    technique = registry.get("shuffling")
    trained, named = plan(), plan(**NAMED)
    for made, name in ((trained, []), (named, ["timm:resnet18"])):
        job, run = TechniqueJob(made, technique), made.measured_runs[0]
        told = job.options(run)
        assert [told[i + 1] for i, word in enumerate(told) if word == "--network"] == name
        epochs = [int(told[i + 1]) for i, word in enumerate(told) if word == "--epoch"]
        assert epochs == made.states(technique, run)
        roles = [told[i + 1] for i, word in enumerate(told) if word == "--images"]
        assert roles == [f"trained-on={one}" for one in made.sets_shuffled(run.model)]
        assert json.loads(job.parameters(run))["seed"] == made.parameters["seed"]
    run = named.measured_runs[0]
    assert "untrained" not in TechniqueJob(trained, technique).inputs(trained.measured_runs[-1])
    # By name: no file but the answer whether it can be had.
    assert TechniqueJob(named, technique).inputs(run)["network"] == [named.layout.unavailable(run)]


def test_a_job_writes_tables_files_and_its_reason() -> None:
    made = plan()
    for technique in made.techniques:
        found = TechniqueJob(made, technique).outputs(WILDCARDS)
        folder = made.layout.run(WILDCARDS)
        reason = [f"{folder}/left_out/{technique.name}.csv"] if made.leaves_out(technique) else []
        assert found == [*[f"{folder}/{name}" for name in technique.outputs], *reason]


def test_a_shared_job_is_all_of_its_techniques_one_after_the_other() -> None:
    made = plan()
    run = made.measured_runs[0]
    techniques = tuple(registry.get(name) for name in ("readout", "shuffling", "erasure"))
    jobs = [TechniqueJob(made, technique) for technique in techniques]
    shared = SharedJob(made, techniques)
    told = " ".join(shared.steps(run)).split(f" {THEN} ")
    assert [step.split()[0] for step in told] == ["readout", "shuffling", "erasure"]
    for step, job in zip(told, jobs, strict=True):
        assert f"--parameters {job.parameters(run)} --threads 1" in step
        assert " ".join(job.options(run)) in step
    assert shared.outputs(WILDCARDS) == [file for job in jobs for file in job.outputs(WILDCARDS)]
    files = [file for own in shared.inputs(run).values() for file in own]
    assert len(files) == len(set(files))
    assert set(files) == {file for job in jobs for own in job.inputs(run).values() for file in own}


# --- conflict sets, GPUs, captions ---------------------------------------------------------------


def test_exemplars_come_from_sets_or_are_drawn() -> None:
    made = plan()
    (drawn,) = [one for one in made.conflicts.values() if one.drawn][:1]
    told = drawn_exemplars(made, drawn)
    assert told[:4:2] == ["--data", "--fill"]
    assert json.loads(told[1])["image_size"] == made.parameters["data"]["image_size"]
    count = drawn.entry.shape_exemplars
    assert told[4:] == (["--shape-exemplars", count] if count else [])
    assert drawn_exemplars(made, drawn, whole=False) == told[:4]
    assert not made.exemplar_files(drawn, "contents") + made.exemplar_files(drawn, "textures")
    folder = Plan(whole.read([ROOT / "params.yaml", ROOT / "experiments" / "cifar10.yaml"]))
    (other,) = [one for one in folder.conflicts.values() if not one.drawn][:1]
    assert drawn_exemplars(folder, other) == []
    for kind in ("contents", "textures"):
        files = folder.exemplar_files(other, kind)
        assert files == folder.layout.pictures("base", getattr(other.entry, kind))


@pytest.mark.parametrize(
    ("experiment", "unmade"), [("stylization", "renderer"), ("stylization-cifar10", "photographs")]
)
def test_sets_are_judged_with_what_made_them_and_by_their_networks(
    experiment: str, unmade: str
) -> None:
    made = Plan(whole.read([ROOT / "params.yaml", ROOT / "experiments" / f"{experiment}.yaml"]))
    neural = [name for name in made.fitness if name in made.neural_sets]
    assert neural
    for name in neural:
        assert set_maker(made, name) in made.layout.stylized_files("base", name, masks=False)
    assert set_maker(made, "test-plain") == unmade
    for role in ("full", "limited"):
        found = judges(made, role)
        assert {one.partition("=")[0] for one in found} == set(made.fitness)
        of_plan = {str(run) for roles in made.fitness.values() for run in roles[role]}
        assert {one.partition("=")[2] for one in found} == of_plan
    assert not set(judges(made, "full")) & set(judges(made, "limited"))


def test_no_training_takes_more_gpus_than_the_run_has() -> None:
    made = plan(training={"gpus_per_job": 4})
    for limit in (None, 4, 8):
        made.check_gpus(limit)
    with pytest.raises(InputError, match="expected at most the limit gpu=3, found 4"):
        made.check_gpus(3)


def test_a_caption_is_written_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = report.shown("stylization", "stylization old_paint")
    assert found["labels"] == {"figure": "stylization old paint"}
    path = Path(found["caption"])
    about = report.declaration("stylization")
    assert (found["category"], path.read_text()) == (about.chapter, f"{about.caption}\n")
    before = path.stat().st_mtime_ns
    assert report.shown("stylization")["caption"] == str(path)
    assert path.stat().st_mtime_ns == before  # a caption that is newer would make the report anew
    report.caption("stylization", "another")
    assert path.read_text() == "another\n"


@pytest.mark.parametrize("overlays", [[], ["smoke"], ["published"], ["cifar10"]])
def test_a_figure_drawn_again_has_the_settings_that_it_was_drawn_with(overlays: list[str]) -> None:
    """What the workflow hands over, and what `texshape run figure --parameters` reads of parameters.json."""
    files = [ROOT / "params.yaml", *(ROOT / "experiments" / f"{name}.yaml" for name in overlays)]
    given = whole.read(files)
    kept = parameters.from_json(parameters.to_json(given))
    assert json.loads(job_settings.figures(Plan(given))) == settings_of(kept)
