"""The techniques `readout`, `dimensionality` and `erasure`, and `concatenate`, from the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests import technique_steps
from tests.cue_conflict_design import code, labels
from typer.testing import CliRunner

import texshape.cli.dimensionality
import texshape.cli.tables  # noqa: F401
from texshape.cli.run import run
from texshape.data import imageset
from texshape.errors import InputError
from texshape.experiment.layout import Layout
from texshape.experiment.runs import RunId
from texshape.features.stored import Writer

READ = {"folds": 3, "penalties": [0.1], "permutations": 1, "resamples": 20,
        "inputs": ["pooled", "cls", "pixels"]}  # fmt: skip
DIMENSIONS = {"max_pairs": 200, "min_pairs": 10, "null_draws": 3, "resamples": 20,
              "convergence": [50, 100], "repeats": 2}  # fmt: skip


RUN = RunId.parse(technique_steps.RUN)


@pytest.fixture
def place(tmp_path):
    """A folder of results: the labels of 64 conflict images, and a network's features of them."""
    table = labels()
    pixels = np.zeros((len(table), 9, 9, 3), np.uint8)
    imageset.write(stem(tmp_path), imageset.ImageSet(pixels, table))
    random = np.random.default_rng(0)
    values = code(table["shape"], 6, random) + random.normal(size=(4, len(table), 6))
    write_features(tmp_path, values.astype(np.float32))
    return tmp_path


def stem(place):
    return Layout(str(place)).set("base", "cue-conflict")


def features(place, epoch=1):
    return Path(Layout(str(place)).features(RUN, epoch))


def output(place, name="readout.csv"):
    return place / technique_steps.RUN / name


def write_features(place, values, epoch=1):
    """Of four stages and inputs, shape (4, images, 6)."""
    stages = [("stem", "pooled"), ("block1", "pooled"), ("block1", "cls"), ("pixels", "pixels")]
    shared = {"kind": "map", "units": 6, "height": 1, "width": 1}
    with Writer(features(place, epoch), values.shape[1]) as writer:
        writer.append(
            [
                ({"stage": stage, "input": kind, "module": stage, **shared}, array)
                for (stage, kind), array in zip(stages, values, strict=True)
            ]
        )


def write_masks(place, masks):
    np.save(f"{stem(place)}.masks.npy", masks)


def read_features(place):
    return np.stack(np.split(np.load(array_of(place)), 4, axis=1))


def call(*arguments):
    result = CliRunner().invoke(run, [str(argument) for argument in arguments])
    if isinstance(result.exception, InputError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result


def measure(name, place, settings, epochs=(1,)):
    call(*technique_steps.arguments(
        name, place, {name: settings}, roles={"conflict": "cue-conflict"}, epochs=epochs,
        defaults=False,
    ))  # fmt: skip
    return pd.read_csv(output(place, f"{name}.csv"), keep_default_na=False, na_values=[""])


def test_readout_writes_a_row_a_stage_input_and_cue(place):
    found = measure("readout", place, READ)
    assert list(zip(found["stage"], found["input"], found["cue"], strict=True)) == [
        (stage, kind, cue)
        for stage, kind in (("stem", "pooled"), ("block1", "pooled"), ("block1", "cls"),
                            ("pixels", "pixels"))
        for cue in ("shape", "texture")
    ]  # fmt: skip
    images = pd.read_csv(output(place, "readings.csv"))
    # Of each kind of features the last stage is kept, by image.
    assert len(images) == 6 * 48
    by_hand = images.groupby(["stage", "input", "cue"])["correct"].mean()
    table = found[found["stage"] != "stem"].set_index(["stage", "input", "cue"])["accuracy"]
    np.testing.assert_allclose(by_hand.to_numpy(), table.sort_index().astype(float).to_numpy())


def test_the_first_state_is_the_network_before_training(place):
    values = read_features(place)
    blurred = np.random.default_rng(5).normal(size=values.shape).astype(np.float32)
    write_features(place, blurred, epoch=0)
    masks = np.zeros((values.shape[1], 9, 9), np.uint8)
    for number, mask in enumerate(masks):
        mask[: 2 + number % 5, :3] = 1
    write_masks(place, masks)
    table = measure("readout", place, READ, epochs=(0, 1))
    assert table["epoch"].unique().tolist() == [0, 1]
    before, after = (
        table[table["epoch"] == epoch].set_index(["stage", "input", "cue"]) for epoch in (0, 1)
    )
    assert before["gain"].isna().all()
    assert after.loc["stem", "gain"].isna().all()
    for kind in ("pooled", "cls"):
        row = after.loc[("block1", kind, "shape")]
        expected = row["accuracy"] - before.loc[("block1", kind, "shape"), "accuracy"]
        assert row["gain"] == pytest.approx(expected)
        assert row["gain_low"] <= row["gain"] <= row["gain_high"]
        assert row["n_permutations"] == 1
    # Of the trained network alone, and of the scalars.
    assert before.drop(index="mask")["n_permutations"].max() == 0
    # Without the scalars: the last stage's pooled features; alone: beside the pixels.
    assert ("block1", "beyond-scalars", "shape") in after.index
    assert list(after.loc["mask"].index) == [("scalars", "shape"), ("scalars", "texture")]


def test_masks_of_other_images_are_an_error(place):
    write_masks(place, np.ones((3, 5, 5), np.uint8))
    with pytest.raises(InputError, match=r"cue-conflict.masks.npy: expected shape \(64, 9, 9\)"):
        measure("readout", place, READ)


def test_dimensionality_writes_its_table(place):
    found = measure("dimensionality", place, DIMENSIONS)
    assert found["stage"].unique().tolist() == ["stem", "block1", "block1.cls"]
    assert len(found) == 3 * 7
    text = output(place, "dimensionality.csv").read_text().splitlines()
    assert not any(".0," in line.split(",", 8)[8] for line in text[1:])  # counts are whole numbers


def test_details_of_the_dimensionality(place):
    call("dimensionality-details", "--features", features(place), "--labels",
         f"{stem(place)}.labels.csv", "--settings", json.dumps(DIMENSIONS), "--units",
         place / "units.csv", "--convergence", place / "convergence.csv")  # fmt: skip
    assert len(pd.read_csv(place / "units.csv")) == 3 * 2 * 6
    assert len(pd.read_csv(place / "convergence.csv")) == 3 * (2 * 2) * 2 * 2


def test_an_undefined_estimate_is_an_empty_cell_with_a_reason(place):
    found = measure("dimensionality", place, {**DIMENSIONS, "min_pairs": 5000})
    assert found["value"].isna().all()
    assert found["reason"].str.contains("fewer than 5000").all()


def array_of(place):
    return features(place) / "activations.npy"


def broken_array(place):
    array_of(place).write_bytes(array_of(place).read_bytes()[:200])


def undefined_array(place):
    values = read_features(place)
    values[1, 3, 2] = np.nan
    write_features(place, values)


def missing_array(place):
    array_of(place).unlink()


def other_count(place):
    write_features(place, read_features(place)[:, :-1])


def changed_array(place):
    values = read_features(place)
    np.save(array_of(place), np.hstack(values) + 1)


def other_list(place):
    path = features(place) / "stages.csv"
    pd.read_csv(path).iloc[:-1].to_csv(path, index=False)


def other_labels(place):
    path = f"{stem(place)}.labels.csv"
    pd.read_csv(path).drop(columns="texture").to_csv(path, index=False)


@pytest.mark.parametrize("step", ["readout", "dimensionality"])
@pytest.mark.parametrize(
    ("breakage", "message"),
    [
        (broken_array, "activations.npy: not a whole NumPy array"),
        (missing_array, "activations.npy: no such file"),
        (other_count, "expected the activations of 64 images, found 63"),
        (changed_array, "activations.npy: damaged, its SHA-256"),
        (other_list, r"expected 18 columns, as stages.csv lists, found shape \(64, 24\)"),
        (other_labels, "column 'texture' is missing"),
    ],
)
def test_bad_files_are_named_and_nothing_is_written(place, step, breakage, message):
    breakage(place)
    settings = READ if step == "readout" else DIMENSIONS
    with pytest.raises(InputError, match=message):
        measure(step, place, settings)
    assert not list(place.rglob(f"{step}*.csv"))
    assert not list(place.rglob("readings.csv"))


@pytest.mark.parametrize("step", ["readout", "dimensionality"])
def test_a_network_without_finite_activations_is_left_out(place, step):
    undefined_array(place)
    assert len(measure(step, place, READ if step == "readout" else DIMENSIONS)) == 0
    (row,) = pd.read_csv(output(place, f"left_out/{step}.csv")).to_dict("records")
    assert row["technique"] == step
    assert ": 1 of " in row["reason"]
    assert row["reason"].endswith(" activations are NaN or infinite")


@pytest.mark.parametrize("step", ["readout", "dimensionality"])
def test_bad_options_are_named(place, step):
    with pytest.raises(InputError, match=r"unknown parameter '.*resample'; did you mean"):
        measure(step, place, {"resample": 3})
    with pytest.raises(InputError, match="no features of the kinds spatial"):
        measure(step, place, {"inputs": ["spatial"]})


def test_erasure_names_bad_settings_before_it_loads_anything(place):
    with pytest.raises(InputError, match=r"erasure\.fit: expected pooled or spatial"):
        measure("erasure", place, {"fit": "all"})


def test_concatenate_adds_the_network(place):
    folder = place / "cnn--plain" / "seed-2"
    folder.mkdir(parents=True)
    own = "k,set,accuracy,ci_low,ci_high,n,chance", "1,test-plain,0.5,0.25,0.75,4,0.25"
    (folder / "shuffling.csv").write_text("\n".join([*own, ""]))
    call("concatenate", folder / "shuffling.csv", "--results", place,
         "--output", place / "tables" / "shuffling.csv")  # fmt: skip
    text = (place / "tables" / "shuffling.csv").read_text()
    assert text == f"model,architecture,arm,seed,{own[0]}\ncnn--plain,cnn,plain,2,{own[1]}\n"


@pytest.mark.parametrize("step", ["readout", "dimensionality"])
def test_techniques_that_read_arrays_run_without_torch(place, step):
    settings = READ if step == "readout" else DIMENSIONS
    words = technique_steps.arguments(
        step, place, {step: settings}, roles={"conflict": "cue-conflict"}, defaults=False
    )
    code = (
        "import sys\nfrom texshape.cli import main\n"
        f"sys.argv[:] = ['texshape', 'run', *{words!r}]\n"
        "try:\n    main.main()\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        "assert not {'torch', 'sklearn', 'scipy.stats'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert output(place, f"{step}.csv").exists()


def test_steps_on_arrays_do_not_import_torch():
    code = (
        "import sys, texshape.cli.technique, texshape.cli.tables\n"
        "assert not {'numpy', 'pandas'} & set(sys.modules), 'heavy at the top'\n"
        "import texshape.techniques.readout.linear, texshape.techniques.erasure.subspace\n"
        "import texshape.techniques.dimensionality.table, texshape.features.stored, texshape.tables\n"
        "assert not {'torch', 'sklearn'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
