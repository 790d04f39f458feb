"""An experiment's steps and a survey compute the same numbers of a network, cell by cell."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests import survey_world as world
from typer.testing import CliRunner

from texshape.cli import evaluate
from texshape.cli.run import run as steps
from texshape.config.evaluation import EvaluationSettings, Presentation
from texshape.data import imageset
from texshape.experiment.layout import Layout
from texshape.experiment.runs import RunId
from texshape.files import read_csv
from texshape.models import trainable
from texshape.survey import parameters, stimuli, survey
from texshape.techniques import registry
from texshape.training import checkpoints
from texshape.trials import imagenet16

pytestmark = pytest.mark.timeout(1200)
# None of them is a default, so that a parameter that is dropped on one path shows.
SECTIONS = {
    "evaluation": {"aggregation": "max", "preprocessing": "crop-0.875", "interpolation": "bilinear",
                   "batch_size": 5, "channels_last": False},
    "features": {"batch_size": 7},
    "sensitivity": {"aggregations": ["mean", "max"], "preprocessings": ["whole", "own"],
                    "interpolations": ["bilinear"]},
    "readout": {"folds": 7, "penalties": [0.1, 0.01], "resamples": 20},
    "receptive_field": {"images": 3, "mass": 0.8, "batch_size": 2},
    "feature_visualization": {"steps": 2, "channels": 2, "selection": "variance", "images": 9},
    "probes": {"strengths": [0, 0.5, 1], "strength_images": 12, "resamples": 20, "level": 0.9},
    "erasure": {"random_draws": 1, "resamples": 20, "batch_size": 6, "level": 0.9},
    "cue_rank": {"resamples": 20, "level": 0.9},
    "suppression": {"suppressions": ["patch-shuffle", "grey"], "resamples": 20, "images": 12},
    "steering": {"resamples": 20, "level": 0.9, "doses": [-1, 1.5], "draws": 1, "images": 16},
    "top_k": {"resamples": 20, "level": 0.9, "shares": [0.4, 0.1], "draws": 2, "images": 16},
    "attention_radius": {"resamples": 20},
}  # fmt: skip


def checkpoint(folder: Path) -> str:
    """A network of ours that was trained between ImageNet's classes: two of each category of the images."""
    classes = [
        wnid
        for category in world.CLASSES
        for wnid in [w for w, _, c in imagenet16.table() if c == category][:2]
    ]
    path = folder / "results" / "rf9--plain" / "seed-0" / "final.pt"
    path.parent.mkdir(parents=True)
    checkpoints.write(
        path, trainable.build("rf9", len(classes), seed=3), architecture="rf9", classes=classes,
        image_size=40, training={}, seed=0, epoch=1, step=1,
    )  # fmt: skip
    return str(path)


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Folders of the survey's files and of the steps'."""
    folder = tmp_path_factory.mktemp("paths")
    settings = parameters.read(world.write_settings(folder))
    for name, section in SECTIONS.items():
        settings[name] = settings.get(name, {}) | section
    settings["techniques"] = list(registry.OPTIONAL)
    network = checkpoint(folder)
    shown = stimuli.from_folder(world.write_stimuli(folder))
    candidate = survey.by_name(network, settings["evaluation"])
    result = survey.run([candidate], shown, settings, folder / "survey", report=False)
    assert result.failed == []
    # It decides between the categories, as in an experiment. These blobs are no silhouettes with two sides.
    reasons = dict(zip(result.reasons["technique"], result.reasons["reason"], strict=True))
    assert set(reasons) == {"configural_shape"}
    assert "none of 8 silhouettes can be" in reasons["configural_shape"]
    layout = Layout(str(folder / "results"))
    run = RunId.of_model(candidate.slug)
    for name, images in shown.sets.items():
        imageset.write(layout.set("base", name), images)
    evaluate.trials(
        network=network, sets=[Path(layout.set("base", name)) for name in shown.sets],
        output_dir=Path(layout.run(run)) / "trials", settings=json.dumps(settings["evaluation"]),
    )  # fmt: skip
    shown_how = EvaluationSettings.parse(settings["evaluation"]).part(Presentation).to_json()
    for epoch, random in ((0, True), (1, False)):
        evaluate.features(
            network=[network], sets=[Path(layout.set("base", "cue-conflict"))],
            output_dir=[Path(layout.features(run, epoch))], random=random,
            settings=shown_how,
            batch_size=settings["features"]["batch_size"],
        )  # fmt: skip
    for technique in survey.possible_techniques(shown, settings["techniques"]):
        names = [technique.parameters, *technique.sections]
        given = {name: settings[name] for name in names if name in settings}
        roles = ["conflict=cue-conflict", "silhouettes=silhouettes"]
        words = [word for role in roles for word in ("--images", role)]
        outcome = CliRunner().invoke(
            steps, [technique.name.replace("_", "-"), "--results", layout.results,
                    "--run", str(run), "--network", network, "--epoch", "0", "--epoch", "1", *words,
                    "--parameters", json.dumps(given | {"seed": settings["seed"]})],
        )  # fmt: skip
        assert outcome.exit_code == 0, (technique.name, outcome.output, outcome.exception)
        if technique.applies:  # left out for the same reason
            said = read_csv(layout.left_out(run, technique.name))["reason"]
            expected = [why for name, why in reasons.items() if name == technique.name]
            assert [why[:60] for why in said] == [why[:60] for why in expected]
    return folder / "survey" / "rf9--plain" / "seed-0", Path(layout.run(run))


#: techniques that have nothing to measure here, and why; every other one is compared
NOT_HERE = {
    "shuffling": "no plain pictures",
    "segmentation": "no masks",
    "frequency_channel": "no plain pictures",
    "configural_shape": "no silhouette has two sides",
}
COMPARED = [
    one
    for one in map(registry.get, registry.BUILT_IN + registry.OPTIONAL)
    if one.name not in NOT_HERE
]
WRITTEN = [name for one in COMPARED for name in one.outputs]
TABLES = ["trials/cue-conflict.csv", "trials/silhouettes.csv"] + [
    name for name in WRITTEN if name.endswith(".csv")
]
ARRAYS = [name for name in WRITTEN if not name.endswith(".csv")]


def test_what_is_declared_is_compared() -> None:
    assert set(NOT_HERE) < {*registry.BUILT_IN, *registry.OPTIONAL}
    assert {"readout.csv", "readings.csv", "erasure.csv", "steering_slopes.csv", "top_k.csv"} < set(
        TABLES
    )
    assert {"influence.npz", "feature_visualization.npz"} == set(ARRAYS)
    assert len(TABLES) == len(set(TABLES)) >= 16


@pytest.mark.parametrize("name", TABLES)
def test_tables_are_the_same(paths: tuple[Path, Path], name: str) -> None:
    found, expected = (read_csv(folder / name) for folder in paths)
    assert len(found)
    pd.testing.assert_frame_equal(found, expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_are_the_same(paths: tuple[Path, Path], name: str) -> None:
    found, expected = (np.load(folder / name) for folder in paths)
    assert sorted(found) == sorted(expected)
    for key in found:
        if found[key].dtype.kind in "fiu":
            np.testing.assert_allclose(found[key], expected[key], rtol=1e-5, atol=1e-7)
        else:
            assert (found[key] == expected[key]).all()


def test_a_survey_writes_nothing_that_is_not_compared(paths: tuple[Path, Path]) -> None:
    written = {p.relative_to(paths[0]).as_posix() for p in paths[0].rglob("*.*")}
    assert {name for name in written if name.endswith((".csv", ".npz"))} == {*TABLES, *ARRAYS}
