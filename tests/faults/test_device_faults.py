"""A device that fails, or has too little memory: one line that says what to do."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from tests import technique_steps

from texshape import devices
from texshape.cli import main
from texshape.config import whole
from texshape.data import imageset
from texshape.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
FULL = "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 8 GiB"
LOST = "CUDA error: unspecified launch failure"

# What each step that asks for a GPU can be told to do with less memory.
LOWER = {
    "train": "training.batch_size",
    "trials": "evaluation.batch_size",
    "sensitivity": "evaluation.batch_size",
    "features": "features.batch_size",
    "receptive-field": "receptive_field.batch_size",
    "feature-visualization": "feature_visualization.channels",
    "erasure": "erasure.batch_size",
    "segmentation": "segmentation.batch_size",
    "shuffling": "evaluation.batch_size",
    "cue-strength": "evaluation.batch_size",
    "corruptions": "evaluation.batch_size",
}
OPTIONS = {
    "train": ["--architecture", "rf9", "--settings", "{train}", "--seed", "0", "--train", "{set}",
              "--output-dir", "{out}"],
    "trials": ["--set", "{set}", "--output-dir", "{out}"],
    "features": ["--set", "{set}", "--output-dir", "{out}"],
    "corruptions": ["--set", "{set}", "--settings", "{{}}", "--seed", "0", "--output", "{out}"],
}  # fmt: skip
TRAINING = {
    "epochs": 1, "batch_size": 2, "learning_rate": 0.001, "weight_decay": 0.0, "horizontal_flip": False,
    "random_crop": None, "checkpoint_epochs": [], "precision": "float32", "compile": False,
    "channels_last": False,
}  # fmt: skip


@pytest.fixture
def claimed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This process has claimed the second of two simulated devices."""
    monkeypatch.setenv(devices.LOCKS, str(tmp_path / "locks"))
    monkeypatch.setenv(devices.SIMULATED, "2")
    monkeypatch.setenv(devices.VISIBLE, "simulated-1")
    monkeypatch.setattr(devices, "_own", None)
    devices.claim()


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError(f"{FULL}\nof which 1 GiB is free"),
        RuntimeError(f"CUDA error: out of memory\n{FULL}"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        MemoryError("Unable to allocate 3.00 GiB for an array"),
    ],
    ids=["allocator", "driver", "cublas", "numpy"],
)
def test_too_little_memory_names_the_parameter_to_lower(claimed, error):
    with pytest.raises(InputError) as raised, devices.failures("training.batch_size"):
        raise error
    assert str(raised.value).startswith(
        "device simulated-1: what is computed at a time does not fit in memory; "
        "lower training.batch_size ("
    )
    assert raised.value.status == 2
    assert str(error).splitlines()[0] in str(raised.value)
    assert "\n" not in str(raised.value)


def test_too_little_memory_of_the_machine():
    """The real error of the allocator: four exbibytes, which no machine has."""
    with (
        pytest.raises(InputError, match=r"lower evaluation.batch_size \("),
        devices.failures("evaluation.batch_size"),
    ):
        torch.empty(2**60)


@pytest.mark.parametrize(
    "said",
    [LOST, "CUDA error: uncorrectable ECC error encountered", "cuDNN error: CUDNN_STATUS_EXECUTION_FAILED",
     "NCCL Error 2: unhandled system error"],
)  # fmt: skip
def test_a_lost_device_is_named_and_the_job_may_run_again(claimed, said):
    with pytest.raises(devices.LostDeviceError) as raised, devices.failures("training.batch_size"):
        raise RuntimeError(f"{said}\nCUDA kernel errors might be asynchronously reported")
    assert str(raised.value).startswith(f"device simulated-1: failed ({said}); run the job again")
    assert raised.value.status == 75


def test_any_other_error_is_a_bug_and_stays_one():
    with pytest.raises(RuntimeError, match=r"^mat1 and mat2"), devices.failures("x"):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")


@pytest.mark.parametrize("step", LOWER)
@pytest.mark.parametrize("said", [FULL, LOST], ids=["full", "lost"])
def test_every_step_on_a_gpu_says_it(step, said, tmp_path, monkeypatch, capsys):
    for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "OMP_NUM_THREADS", "THP_MEM_ALLOC_ENABLE"):
        monkeypatch.setenv(name, "1")  # restored after the command has set its own
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    threads = torch.get_num_threads()

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError(f"{said}\nmore")

    from texshape.models import loading
    from texshape.training import loop

    for module, name in ((loading, "load"), (loop._Run, "start_or_resume")):
        monkeypatch.setattr(module, name, fail)
    labels = {key: ["disc", "star"] for key in imageset.LABEL_COLUMNS}
    labels["imagename"] = ["disc1-star1.png", "star1-disc1.png"]
    pixels = np.zeros((2, 16, 16, 3), np.uint8)
    masks = np.ones((2, 16, 16), np.uint8)
    imageset.write(tmp_path / "set", imageset.ImageSet(pixels, pd.DataFrame(labels)))
    base = tmp_path / "results" / "data" / "base"
    imageset.write(base / "cue-conflict", imageset.ImageSet(pixels, pd.DataFrame(labels), masks))
    places = {"set": tmp_path / "set", "out": tmp_path / "out", "train": json.dumps(TRAINING)}
    if step in OPTIONS:
        words = [word.format(**places) for word in OPTIONS[step]]
        words += [] if step == "train" else ["--network", "any"]
    else:
        roles = dict.fromkeys(("conflict", "masked", "plain", "trained-on"), "cue-conflict")
        _, *words = technique_steps.arguments(
            step, tmp_path / "results", network="any", roles=roles
        )
    monkeypatch.setattr(sys, "argv", ["texshape", "run", step, *words])
    try:
        with pytest.raises(SystemExit) as left:
            main.main()
    finally:
        torch.use_deterministic_algorithms(False)
        torch.set_num_threads(threads)
    (line,) = capsys.readouterr().err.strip().splitlines()[-1:]
    assert left.value.code == (2 if said == FULL else 75)
    assert line.startswith("texshape: error: device ")
    assert said in line
    assert (f"lower {LOWER[step]} (" in line) == (said == FULL)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("parameter", sorted(set(LOWER.values())))
def test_the_parameter_to_lower_exists(parameter):
    place = whole.model()
    for key in parameter.split("."):
        place = place.model_fields[key].annotation
    assert place
