"""What follows from an experiment's parameters: runs, sets, tables, figures; and what does not follow."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from pydantic import Field, create_model

from texshape import parameters
from texshape.config import whole
from texshape.errors import InputError
from texshape.experiment import job_settings
from texshape.experiment.plan import Plan
from texshape.experiment.runs import RunId
from texshape.figures.registry import declaration
from texshape.techniques import registry

ROOT = Path(__file__).parents[2]
EXPERIMENTS = sorted(path.stem for path in (ROOT / "experiments").glob("*.yaml"))


def plan(experiment: str = "", **over: Any) -> Plan:
    """The plan of an experiment by name, or of the defaults, with something laid over."""
    merged = parameters.overlay(json.loads(checked(experiment)), over)
    return Plan(merged)


@cache
def checked(experiment: str) -> str:
    paths = [ROOT / "params.yaml"]
    paths += [ROOT / "experiments" / f"{experiment}.yaml"] if experiment else []
    return json.dumps(whole.read(paths))


# --- the experiments that there are --------------------------------------------------------------

#: networks that are trained, that are read out, that every technique measures
COUNTS = {
    "": (53, 22, 20),
    "cifar10": (13, 13, 13),
    "folder": (13, 13, 13),
    "imagenet": (10, 11, 11),
    "published": (0, 16, 16),
    "smoke": (8, 5, 5),
    "stylization": (12, 4, 4),
    "stylization-cifar10": (10, 4, 4),
    "tiny-imagenet": (17, 15, 15),
}


def test_every_experiment_has_its_counts() -> None:
    assert set(COUNTS) == {"", *EXPERIMENTS}


@pytest.mark.parametrize("experiment", COUNTS)
def test_runs(experiment: str) -> None:
    made = plan(experiment)
    assert (len(made.trained_runs), len(made.read_runs), len(made.measured_runs)) == COUNTS[
        experiment
    ]
    assert len(made.runs) == len(set(made.runs)) == len(made.trained_runs) + len(made.named)
    assert set(made.measured_runs) <= set(made.read_runs) <= set(made.runs)
    assert made.shown_runs == list(dict.fromkeys(made.shown_runs))[:2]
    assert {run.architecture for run in made.untrained_runs} == {
        run.architecture for run in made.measured_runs
    }


@pytest.mark.parametrize("experiment", COUNTS)
def test_every_file_is_named_once_and_below_the_results(experiment: str) -> None:
    made = plan(experiment)
    assert made.layout.results == f"results/{experiment or 'procedural'}"
    assert len(made.kept) == len(set(made.kept))
    for file in [*made.kept, *made.data_files, *made.last_readings]:
        assert file.startswith(f"{made.layout.results}/")
    assert len(made.tables) == len(set(made.tables))
    assert set(made.per_run) <= set(made.tables)
    for files in made.per_run.values():
        assert files
        assert len(files) == len(set(files))
        for file in files:
            RunId.of_path(file, made.layout.results)


@pytest.mark.parametrize("experiment", COUNTS)
def test_figures_have_their_tables(experiment: str) -> None:
    made = plan(experiment)
    for name in made.figures:
        assert set(declaration(name).tables) <= set(made.tables)
    assert not set(made.figures) & set(made.image_figures)


def test_the_embedded_experiment() -> None:
    made = plan()
    assert list(made.trained)[:4] == [
        "cnn--plain",
        "cnn--stylized",
        "cnn--mixed",
        "cnn--plain-crop",
    ]
    assert made.trained["cnn--plain"].seeds == (0, 1, 2, 3, 4)
    assert made.trained["rf33--plain"].seeds == (0, 1, 2)
    # Seeds 3 and 4 are named by an entry of trials alone, the others by one with every measurement.
    assert [run.seed for run in made.measured_runs if run.model == "cnn--plain"] == [0, 1, 2]
    assert RunId("cnn", "textures-named", 1) in made.read_runs
    assert RunId("cnn", "textures-named", 1) not in made.measured_runs
    assert not [run for run in made.read_runs if run.arm == "neural"]
    assert made.control_models == ["cnn--plain-orientation-free", "cnn--plain-tint-0.6"]
    assert made.variants == ["base", "orientation-free", "tint-0.6"]
    assert made.sets_shown("cnn--plain-tint-0.6") == list(made.source.shown)
    assert made.sets_shown("cnn--plain") == [
        "test-plain", "test-stylized", "silhouettes", "textures", "cue-conflict", "test-neural",
        "cue-conflict-optimised",
    ]  # fmt: skip
    assert made.sets_shuffled("cnn--mixed") == ["test-plain", "test-stylized"]
    assert made.sets_shuffled("rf9--neural") == ["test-plain", "test-neural"]
    # Three variants by three, two seeds each but for the base network's five.
    assert len(made.crossed) == 3 * (5 + 2 + 2)
    assert {
        cell.tested for cell in made.crossed if cell.file.endswith("trials/cue-conflict.csv")
    } == set(made.variants)
    assert made.own_pictures == [RunId("cnn", "stylized", seed) for seed in (0, 1, 2)]
    assert set(made.fitness) == {"test-plain", "test-stylized", "test-neural"}
    assert {role: len(runs) for role, runs in made.fitness["test-neural"].items()} == {
        "full": 2, "limited": 1,
    }  # fmt: skip
    assert made.epochs(RunId("cnn", "plain")) == [0, 1, 3, 10]
    for technique in registry.together().values():  # nothing runs them network by network
        assert not technique.run
        assert set(technique.settings and [technique.name]) <= set(made.parameters)
        published = technique.name in ("human_consistency", "consistency_power")
        assert {table.name for table in technique.tables} <= set(made.tables) or published
    assert len(made.per_run["readout"]) == 22 + 1  # the pixels
    assert len(made.per_run["segmentation"]) == 20
    looked_at = [made.states(registry.get("segmentation"), run) for run in made.measured_runs]
    assert sorted(looked_at) == [[0, 10]] * 5 + [[10]] * 15  # before training once an architecture
    assert len(made.per_run["receptive_field"]) == 4 + 6 + 2
    # Whoever may leave a network out says so of each that it is given.
    reasons = made.per_run["left_out"]
    assert [file for file in reasons if file.endswith("left_out/receptive_field.csv")] == [
        made.layout.left_out(RunId.of_path(file, made.layout.results), "receptive_field")
        for file in made.per_run["receptive_field"]
    ]
    assert not [file for file in reasons if file.endswith("left_out/segmentation.csv")]
    assert {"controls", "corruptions", "training", "shape_bias_by_set"} <= set(made.tables)
    assert not {"benchmark", "sensitivity"} & set(made.tables)


def test_the_embedded_experiment_runs_every_technique_that_has_to_be_named() -> None:
    made = plan()
    # No network of it attends.
    wanted = [name for name in registry.OPTIONAL if name != "attention_radius"]
    assert [technique.name for technique in made.foreign] == wanted
    for technique in made.foreign:
        assert made.runs_of(technique) == made.measured_runs
        assert technique.section is not None
        assert technique.measures
        assert {figure.name for figure in technique.figures} <= set(made.figures)


def test_a_technique_without_its_images_is_named_before_any_job() -> None:
    made = plan("published", frequency_channel={"photographs": False})
    expected = (
        "techniques: 'frequency_channel' needs images 'plain', which data.kind published does not"
    )
    with pytest.raises(InputError, match=expected):
        made.tables  # noqa: B018
    own = plan("published", frequency_channel={"photographs": True})
    assert own.runs_of(registry.get("frequency_channel")) == own.measured_runs


def test_published_networks_on_published_stimuli() -> None:
    made = plan("published")
    assert list(made.named)[:3] == [f"efficientnet-lite{n}--imagenet" for n in (0, 1, 2)]
    sources = Counter(name.partition(":")[0] for name in made.named.values())
    assert min(sources[one] for one in ("timm", "torchvision", "open_clip")) >= 2
    assert made.network(made.runs[0]) == "efficientnet_lite_pytorch:efficientnet-lite0"
    assert made.fetched == list(made.named)
    assert made.network_files(made.runs[0]) == [made.layout.unavailable(made.runs[0])]
    assert made.untrained_files(made.runs[0]) == []
    assert made.test_sets == ["cue-conflict", "edges", "silhouettes"]
    assert (made.role("plain"), made.role("edges")) == (None, "edges")
    # Receptive fields are measured on plain pictures; here there are none.
    shown = made.roles(registry.get("receptive_field"), made.runs[0].model)
    assert shown == {"conflict": ["cue-conflict"]}
    assert made.epochs(made.runs[0]) == [0, 1]
    assert made.compared == []
    assert made.voc is None
    assert made.crossed == []
    assert made.fitness == {}
    assert {"benchmark", "consistency_power", "sensitivity", "cue_strength"} <= set(made.tables)
    assert not {"training", "corruptions", "shuffling", "segmentation", "controls"} & set(
        made.tables
    )
    for name in ("published_measures", "published_answers", "replication"):
        assert name in made.tables
        assert name not in plan("").tables
    assert {"published_comparison", "published_answers"} <= set(made.figures)


def test_photographs() -> None:
    made = plan("cifar10")
    assert made.test_sets == ["test-plain", "edges", "test-stylized", "cue-conflict"]
    assert (made.role("silhouettes"), made.role("stylized")) == (None, "test-stylized")
    assert made.own_pictures == []  # the renderer's stylized images alone
    assert made.drawn_strengths == []
    assert made.decoders == ["stylized"]
    assert set(made.fitness) == {"test-plain", "test-stylized"}
    assert "cue_strength" not in made.tables
    assert made.other_conflicts == []


def test_both_trained_and_by_name() -> None:
    made = plan("imagenet")
    assert made.voc == "data/voc"
    segmentation = registry.get("segmentation")
    assert made.runs_of(segmentation) == made.measured_runs
    assert made.roles(segmentation, made.runs[0].model) == {"voc": ["data/voc"]}
    assert made.sets_of(segmentation, made.runs[0].model) == []  # a folder of files is no set
    assert "torchvision:resnet50" in made.named.values()
    assert made.network(made.runs[-1]) == "torchvision:resnet50"
    tuned = RunId("resnet50", "fine-tuned")
    assert made.initial(tuned) == "results/imagenet/resnet50--mixed/seed-0/checkpoints/final.pt"
    assert made.initial_files(tuned) == [made.initial(tuned)]
    mixed = RunId("resnet50", "mixed")
    assert (made.initial(mixed), made.initial_files(mixed)) == ("torchvision:resnet50", [])
    assert made.initial(RunId("resnet50", "plain")) is None
    assert made.recipe("resnet50--mixed").passes == 1.5
    # Random crops are of whole photographs; style transfer makes squares.
    assert made.training_sets("resnet50--mixed", "train") == [
        ("base", "train-whole"), ("base", "train-stylized"),
    ]  # fmt: skip
    assert made.training_sets("resnet50--mixed", "validation")[0] == ("base", "validation-plain")
    assert made.photograph_sets == ["train-plain", "validation-plain", "test-plain", "train-whole"]
    assert plan("cifar10").photograph_sets == ["train-plain", "validation-plain", "test-plain"]
    uncropped = plan("imagenet", training={"random_crop": None})
    assert uncropped.training_sets("resnet50--plain", "train") == [("base", "train-plain")]
    assert made.sets_shown("resnet50--plain") == ["test-plain", "cue-conflict", "edges", "silhouettes",
                                                  "test-stylized"]  # fmt: skip


def test_encoders_and_decoders() -> None:
    made = plan("stylization")
    own, lite = made.stylizations["neural-own"], made.stylizations["neural-lite0"]
    assert own.encoder == "cnn--plain/seed-0"
    assert lite.encoder is None
    encoders = [json.loads(job_settings.decoder(made))["encoder"]["name"] for made in (own, lite)]
    assert encoders == ["a-network-of-this-experiment", "efficientnet-lite0"]
    assert made.decoders == ["neural", "neural-own", "neural-lite0"]
    assert made.stylizations["neural-optimised"].decoder is None
    assert made.decoder("base", own) == "results/stylization/data/base/neural-own/decoder.pt"
    taken = {"neural-own": {"decoder": "neural"}, "neural-lite0": {"decoder": "mine.pt"}}
    made = plan("stylization", stylizations=taken)
    files = [made.decoder("base", made.stylizations[name]) for name in taken]
    assert files == ["results/stylization/data/base/neural/decoder.pt", "mine.pt"]


# --- what a change does --------------------------------------------------------------------------


def test_the_last_epoch_is_measured_and_the_parameters_stay_as_they_were() -> None:
    given = parameters.read_yaml(ROOT / "params.yaml")
    given["training"]["epochs"] = 7
    assert Plan(given).checkpoint_epochs == [0, 1, 3, 7]
    assert given["training"]["checkpoint_epochs"] == [0, 1, 3, 10]


def test_an_arm_more_is_a_network_more() -> None:
    before = plan("smoke")
    entry = {"architecture": "rf9", "arms": ["mixed"], "seeds": [2, 0]}
    after = plan("smoke", trained=[*before.parameters["trained"], entry])
    assert set(after.runs) - set(before.runs) == {
        RunId("rf9", "mixed", 2),
        RunId("rf9", "mixed", 0),
    }
    assert after.tables == before.tables
    for name in ("erasure", "corruptions", "dimensionality"):
        more = set(after.per_run[name]) - set(before.per_run[name])
        assert {RunId.of_path(file, after.layout.results).model for file in more} == {"rf9--mixed"}


def test_a_stylization_is_judged_on_validation_images_before_any_test_image_is_made() -> None:
    made = plan("tiny-imagenet", fitness={"split": "validation"})
    assert set(made.fitness) == {"validation-plain", "validation-stylized"}
    assert made.fitness["validation-stylized"] == plan("tiny-imagenet").fitness["test-stylized"]
    assert not [name for name in made.test_sets if name.startswith("validation")]


def test_without_stylized_networks_there_is_no_fitness_and_no_stylization() -> None:
    trained = [{"architecture": "cnn", "arms": ["plain"], "seeds": [0]}]
    made = plan("smoke", trained=trained, conflicts={"cue-conflict-optimised": None})
    assert made.stylizations == made.conflicts == made.fitness == {}
    assert made.neural_sets == []
    gone = {"stylization_fitness", "reconstruction", "controls", "shape_bias_by_set"}
    assert gone <= set(plan("smoke").tables)
    assert not gone & set(made.tables)


# --- what a job is given -------------------------------------------------------------------------


def test_a_set_is_drawn_anew_only_for_what_it_depends_on() -> None:
    sets = (
        "train-plain",
        "validation-plain",
        "test-plain",
        "silhouettes",
        "cue-conflict",
        "styles",
    )

    def changed(**data: Any) -> set[str]:
        one, other = plan(), plan(data=data)
        return {
            name
            for name in sets
            if job_settings.drawn(one, "base", name) != job_settings.drawn(other, "base", name)
        }

    assert changed(train=2412) == {"train-plain"}
    assert changed(validation=492) == {"validation-plain"}
    assert changed(test=612) == {"test-plain", "silhouettes"}
    assert changed(shape_exemplars=15) == {"cue-conflict"}
    assert changed(variants={"tint-0.6": {"colour": {"tint": 0.7}}}) == set()
    assert changed(colour={"noise": 0.04}) == set(sets)


def test_the_costly_parts_of_segmentation_are_of_one_network() -> None:
    made = plan()
    first, *others = (
        json.loads(job_settings.technique(made, registry.get("segmentation"), run))["segmentation"]
        for run in made.measured_runs
    )
    assert first == made.parameters["segmentation"]
    for part in others:
        assert (part["end_to_end"], part["heads"]) == ([], ["conv1"])


def test_no_key_of_a_section_is_lost_between_its_jobs() -> None:
    """Where jobs are given parts of a section, all together they are given every key of its model."""
    made = plan("stylization")
    jobs = [job_settings.corruptions(made), job_settings.corruption_errors(made)]
    says_which_jobs = {"own_pictures"}
    assert {key for job in jobs for key in json.loads(job)} | says_which_jobs == set(
        made.checked.corruptions.dump()
    )
    given = set()
    for name in ("neural", "neural-optimised"):
        for job in (job_settings.styles, job_settings.decoder, job_settings.engine):
            given |= set(json.loads(job(made.stylizations[name])))
    assert given == set(made.checked.stylize.dump())


@pytest.mark.parametrize("name", sorted(whole.techniques()))
def test_a_new_key_of_a_technique_reaches_its_jobs(name: str) -> None:
    """It takes a field of the model and a value, and nothing else."""
    models = whole.techniques()
    grown = create_model("Grown", __base__=models[name], further=(int, Field(description="New.")))
    values = parameters.overlay(json.loads(checked("")), {name: {"further": 7}})
    given = json.loads(job_settings.section(Plan(values, models | {name: grown}), name))
    assert given["further"] == 7
    with pytest.raises(InputError, match=f"unknown parameter '{name}.further'"):
        Plan(values)


def test_rules_hand_over_sections_and_typed_parts_alone() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "rules").glob("*.smk"))
    given = re.findall(r"^ +(?:settings|evaluation|bootstrap)=(?:lambda \w+: )?(.+)$", text, re.M)
    assert len(given) > 20
    known = re.compile(r'section\("\w+"\)|job_settings\.\w+\(|PLAN\.recipe\(')
    # `provenance` is given everything, for the record.
    assert {line for line in given if not known.match(line)} == {"parameters.to_json(config),"}


def test_an_engine_is_given_nothing_of_the_other() -> None:
    made = plan("stylization")
    adain, optimised = (
        json.loads(job_settings.engine(made.stylizations[name]))
        for name in ("neural", "neural-optimised")
    )
    assert "optimisation" not in adain
    assert not {"decoder", "content"} & set(optimised)
    assert "styles" not in adain | optimised


# --- what cannot be planned ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("experiment", "over", "line"),
    [
        ("smoke", {"trained": [], "networks": []}, "trained, networks: no network is measured"),
        (
            "smoke",
            {"trained": [{"architecture": "cnn", "arms": ["neural"], "seeds": [0]}]},
            "trained, networks: no network is measured",
        ),
        ("cifar10", {"conflicts": {"cue-conflict": None}}, "conflicts.cue-conflict: missing"),
        (
            "cifar10",
            {"conflicts": {"cue-conflict": {"stylize": {"engine": "adain"}}}},
            "conflicts.cue-conflict.decoder: expected a stylization that an arm is trained on",
        ),
        (
            "cifar10",
            {"stylizations": {"stylized": {"styles": "my{paintings}"}}},
            "stylized.styles: expected a path without braces, found 'my{paintings}'",
        ),
        (
            "smoke",
            {"trained": [{"architecture": "a--b", "arms": ["plain"], "seeds": [0]}]},
            "network 'a--b--plain/seed-0': expected ARCHITECTURE--ARM/seed-S",
        ),
    ],
)
def test_what_does_not_follow_is_said_in_one_line(experiment: str, over: dict, line: str) -> None:
    with pytest.raises(InputError) as error:
        plan(experiment, **over)
    assert str(error.value).startswith(line)
    assert "\n" not in str(error.value)


def test_a_role_that_no_set_can_have() -> None:
    with pytest.raises(InputError, match=r"no role 'sillhouettes' of an image set.*silhouettes"):
        plan().role("sillhouettes")


# --- what it must not know -----------------------------------------------------------------------


def test_a_plan_reads_no_file_and_loads_no_workflow_and_no_network() -> None:
    code = """
import builtins, json, sys
from texshape.experiment.plan import Plan
given = json.loads(sys.stdin.read())
def refuse(*a, **k): raise AssertionError(a)
builtins.open = refuse
plan = Plan(given)
plan.kept, plan.figures, plan.image_figures, plan.crossed, plan.decoders
print(sorted({"snakemake", "torch", "pandas", "matplotlib"} & set(sys.modules)))
"""
    given = json.dumps(plan("stylization").parameters)
    done = subprocess.run(
        [sys.executable, "-c", code], input=given, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_one_module_knows_how_a_network_is_called() -> None:
    """No other takes such a name apart, or puts one together."""
    forbidden = {"--", "seed-"}
    found = set()
    for path in sorted((ROOT / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            words: list[ast.AST] = []
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                if node.func.attr in {
                    "split",
                    "partition",
                    "rpartition",
                    "removeprefix",
                    "replace",
                    "join",
                }:
                    words = [node.func.value, *node.args]
            elif isinstance(node, ast.JoinedStr):
                words = [
                    part for part in node.values if isinstance(part, ast.Constant)
                    and str(part.value).endswith(("/seed-", "seed-"))
                ]  # fmt: skip
                if words:
                    found.add(path.relative_to(ROOT / "src/texshape").as_posix())
                    continue
            if any(isinstance(w, ast.Constant) and w.value in forbidden for w in words):
                found.add(path.relative_to(ROOT / "src/texshape").as_posix())
    assert found <= {"experiment/runs.py"}
    rules = "\n".join(path.read_text() for path in (ROOT / "rules").glob("*.smk"))
    assert "seed-{" not in rules
