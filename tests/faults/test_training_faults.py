"""Training on bad input: one clear line, a non-zero exit, nothing left behind."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from texshape.cli import main
from texshape.config.training import TrainingSettings
from texshape.data import imageset
from texshape.errors import InputError
from texshape.training import batches, checkpoints, loop

SETTINGS = {
    "epochs": 2,
    "batch_size": 8,
    "learning_rate": 4e-3,
    "weight_decay": 0.02,
    "horizontal_flip": True,
    "random_crop": None,
    "checkpoint_epochs": [0, 1],
    "precision": "float32",
    "compile": False,
    "channels_last": True,
}


def write_set(stem: Path, *, count: int = 16, side: int = 16, shapes=("disc", "star")) -> Path:
    images = np.random.default_rng(0).integers(0, 256, (count, side, side, 3), dtype=np.uint8)
    names = [shapes[number % len(shapes)] for number in range(count)]
    labels = pd.DataFrame(dict.fromkeys(imageset.LABEL_COLUMNS, names))
    imageset.write(stem, imageset.ImageSet(images, labels))
    return stem


@pytest.fixture
def stem(tmp_path) -> Path:
    return write_set(tmp_path / "train-plain")


def train(output_dir, *stems, validation=(), architecture="rf9", seed=0, log=None, **changed):
    try:
        return loop.train(
            architecture=architecture,
            settings=TrainingSettings.over(SETTINGS | changed),
            seed=seed,
            train_sets=stems,
            validation_sets=validation,
            output_dir=output_dir,
            log=(lambda line: None) if log is None else log.append,
        )
    finally:
        torch.use_deterministic_algorithms(False)


@pytest.fixture
def cli(monkeypatch, capsys):
    """Run the command in this process; returns exit status and what it wrote to stderr."""
    for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "OMP_NUM_THREADS", "THP_MEM_ALLOC_ENABLE"):
        monkeypatch.setenv(name, "1")  # restored after the command has set its own
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    monkeypatch.setattr(main, "COMMANDS", ["training"])

    def call(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["texshape", "run", "train", *arguments])
        with pytest.raises(SystemExit) as left:
            main.main()
        return left.value.code, capsys.readouterr().err

    return call


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ({"architecture": "rf8"}, "architecture 'rf8' is unknown; did you mean"),
        ({"settings": "{"}, "--settings: not JSON"),
        ({"seed": "-1"}, "--seed: expected an integer >= 0"),
        ({"threads": "0"}, "--threads: expected an integer >= 1"),
        ({"train": "absent"}, "absent.labels.csv: no such file"),
    ],
)
def test_bad_options_give_one_line(cli, stem, tmp_path, changed, line):
    options = {
        "architecture": "rf9",
        "settings": json.dumps(SETTINGS),
        "seed": "0",
        "threads": "1",
        "train": str(stem),
        "output-dir": str(tmp_path / "out"),
    } | changed
    status, written = cli(*[part for key, value in options.items() for part in (f"--{key}", value)])
    assert status == 2
    assert line in written
    assert len(written.splitlines()) == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        (
            {"learning_rat": 1},
            "unknown parameter 'training.learning_rat'; did you mean 'learning_rate'",
        ),
        ({"epochs": 0}, "training.epochs: expected a whole number of at least 1, found 0"),
        ({"epochs": 2.0}, "training.epochs: expected a whole number"),
        ({"batch_size": True}, "training.batch_size: expected a whole number"),
        (
            {"learning_rate": "fast"},
            'training.learning_rate: expected a number above 0, found "fast"',
        ),
        ({"learning_rate": float("nan")}, "training.learning_rate: expected a number above 0"),
        ({"weight_decay": -1}, "training.weight_decay: expected a number of at least 0"),
        ({"horizontal_flip": "false"}, "training.horizontal_flip: expected true or false"),
        ({"random_crop": 0}, "training.random_crop: expected a number above 0"),
        ({"precision": "float16"}, "training.precision: expected float32 or bfloat16 or fastest"),
        ({"checkpoint_epochs": 2}, "training.checkpoint_epochs: expected a list"),
    ],
)
def test_bad_settings(changed, line):
    with pytest.raises(InputError) as error:
        TrainingSettings.over(SETTINGS | changed)
    assert line in str(error.value)


def test_a_missing_setting():
    rest = {k: value for k, value in TrainingSettings.of().dump().items() if k != "weight_decay"}
    with pytest.raises(InputError, match=r"parameter 'training\.weight_decay' is missing"):
        TrainingSettings.parse(rest)


def test_a_truncated_set(stem, tmp_path):
    pixels = Path(f"{stem}.images.npy")
    pixels.write_bytes(pixels.read_bytes()[:3000])
    with pytest.raises(InputError, match=r"train-plain\.images\.npy: not a whole NumPy array"):
        train(tmp_path / "out", stem)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("second", "line"),
    [
        ({"count": 12}, "sets must have the same number of images"),
        ({"side": 24}, "expected square images of one size in all sets"),
        ({"shapes": ("disc", "na")}, "no shape class to learn"),
    ],
)
def test_sets_that_do_not_fit(stem, tmp_path, second, line):
    other = write_set(tmp_path / "train-stylized", **second)
    with pytest.raises(InputError, match=line):
        train(tmp_path / "out", stem, other)


def test_a_validation_class_that_is_not_trained(stem, tmp_path):
    other = write_set(tmp_path / "validation-plain", shapes=("disc", "ring"))
    with pytest.raises(InputError, match="shape class 'ring' is in no training set"):
        train(tmp_path / "out", stem, validation=[other])


@pytest.mark.parametrize(
    ("batch", "sets", "line"),
    [(15, 2, "expected a multiple of 2"), (5, 2, "expected a multiple of 2")],
)
def test_batches_that_do_not_fit(stem, tmp_path, batch, sets, line):
    with pytest.raises(InputError, match=rf"training\.batch_size: .*{line}"):
        train(tmp_path / "out", *[stem] * sets, batch_size=batch)


def test_a_loss_that_diverges_names_step_and_last_good_checkpoint(stem, tmp_path, monkeypatch):
    real, taken = batches.training_batch, []

    def poisoned(*arguments, **options):
        images, labels = real(*arguments, **options)
        taken.append(1)
        return (images * float("nan") if len(taken) == 4 else images), labels

    monkeypatch.setattr(loop, "training_batch", poisoned)
    with pytest.raises(InputError, match=r"loss is nan at step 4.*resume/epoch-001\.pt"):
        train(tmp_path / "out", stem)
    good = checkpoints.read(tmp_path / "out" / "resume" / "epoch-001.pt")
    assert good["step"] == 2
    assert all(value.isfinite().all() for value in good["state"].values())
    assert not (tmp_path / "out" / "checkpoints").exists()
    assert not (tmp_path / "out" / "history.csv").exists()


def test_weights_that_diverge_in_the_last_step_are_not_a_result(stem, tmp_path, monkeypatch):
    with pytest.raises(InputError, match=r"(weight is not finite|loss is (nan|inf)).*epoch-000"):
        train(tmp_path / "out", stem, learning_rate=1e38, epochs=1, checkpoint_epochs=[])
    assert not (tmp_path / "out" / "checkpoints").exists()


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", "truncated", "foreign"])
def test_a_broken_checkpoint(stem, tmp_path, content):
    train(tmp_path / "out", stem)
    path = tmp_path / "out" / "checkpoints" / "final.pt"
    if content == "truncated":
        path.write_bytes(path.read_bytes()[:50_000])
    elif content == "foreign":
        torch.save({"model": torch.zeros(2)}, path)
    else:
        path.write_bytes(content)
    with pytest.raises(
        InputError, match=r"final\.pt: (truncated or not|not) a checkpoint"
    ) as error:
        checkpoints.read(path)
    assert "\n" not in str(error.value)


def test_a_missing_checkpoint(tmp_path):
    with pytest.raises(InputError, match=r"final\.pt: no such file"):
        checkpoints.read(tmp_path / "final.pt")


def test_weights_that_do_not_fit_the_architecture(stem, tmp_path):
    train(tmp_path / "out", stem)
    content = checkpoints.read(tmp_path / "out" / "checkpoints" / "final.pt")
    content["classes"] = [*content["classes"], "ring"]
    with pytest.raises(InputError, match="weights do not fit"):
        checkpoints.rebuild(content)


def test_what_a_killed_process_left_is_removed(stem, tmp_path):
    partial = tmp_path / "out" / "resume" / ".last.abc.partial.pt"
    partial.parent.mkdir(parents=True)
    partial.write_bytes(b"half")
    train(tmp_path / "out", stem)
    assert not list((tmp_path / "out").rglob("*partial*"))


def test_a_checkpoint_that_cannot_be_written(stem, tmp_path, monkeypatch):
    def full(content, path):
        raise RuntimeError("PytorchStreamWriter failed writing file")

    monkeypatch.setattr(checkpoints.torch, "save", full)
    with pytest.raises(InputError, match=r"epoch-000\.pt: cannot be written"):
        train(tmp_path / "out", stem)
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
