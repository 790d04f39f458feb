"""Training: arms and steps, determinism, resuming, checkpoints, history, augmentation, schedule."""

from __future__ import annotations

import json
import multiprocessing
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from texshape import compute
from texshape.config.training import TrainingSettings
from texshape.data import imageset
from texshape.errors import InputError
from texshape.models import small, trainable
from texshape.training import augment, batches, checkpoints, interruption, loop
from texshape.training.columns import TRAINING
from texshape.training.optimization import optimizer_and_schedule
from texshape.training.processes import Group
from texshape.training.randomness import ORDER, generator

CLASSES = ["bar", "disc", "ring", "star"]
SETTINGS = {
    "epochs": 3,
    "batch_size": 16,
    "learning_rate": 4e-3,
    "weight_decay": 0.02,
    "horizontal_flip": True,
    "random_crop": None,
    "checkpoint_epochs": [0, 1, 3],
    "precision": "float32",
    "compile": False,
    "channels_last": True,
}


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)
    yield
    torch.use_deterministic_algorithms(False)


def write_set(stem: Path, seed: int, *, count: int = 72, side: int = 16, mark: int = 0) -> Path:
    """Four classes that differ in which quarter is bright; the red top-left pixel is a mark."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 90, (count, side, side, 3), dtype=np.uint8)
    half = side // 2
    for number in range(count):
        row, column = divmod(number % 4, 2)
        images[number, row * half :, column * half :][:half, :half] += 150
    images[:, 0, 0, 0] = mark
    names = [CLASSES[number % 4] for number in range(count)]
    labels = pd.DataFrame(dict.fromkeys(imageset.LABEL_COLUMNS, names))
    imageset.write(stem, imageset.ImageSet(images, labels))
    return stem


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_set(folder / "train-plain", 0, mark=10)
    write_set(folder / "train-stylized", 1, mark=20)
    write_set(folder / "validation-plain", 2, count=40)
    write_set(folder / "validation-stylized", 3, count=24)
    return folder


def train(data: Path, output_dir: Path, *, sets=("plain",), seed=0, log=None, **changed):
    return loop.train(
        architecture=changed.pop("architecture", "rf9"),
        settings=TrainingSettings.over(SETTINGS | changed),
        seed=seed,
        train_sets=[data / f"train-{name}" for name in sets],
        validation_sets=[data / "validation-plain", data / "validation-stylized"],
        output_dir=output_dir,
        log=(lambda line: None) if log is None else log.append,
    )


def weights(output_dir: Path, name: str = "final.pt") -> dict[str, torch.Tensor]:
    return checkpoints.read(output_dir / "checkpoints" / name)["state"]


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


# Arms


def test_all_arms_take_the_same_number_of_steps(data, tmp_path):
    steps = {}
    for arm in (("plain",), ("stylized",), ("plain", "stylized")):
        history = train(data, tmp_path / "-".join(arm), sets=arm, epochs=1, checkpoint_epochs=[])
        steps[arm] = history["step"].max()
    assert set(steps.values()) == {72 // 16}


def test_mixed_batches_are_half_of_each_set(data):
    sets, _, _ = batches.read_sets([data / "train-plain", data / "train-stylized"], [])
    orders = batches.epoch_order(sets, 16, seed=0, epoch=1)
    settings = TrainingSettings.over(SETTINGS | {"horizontal_flip": False})
    for number in range(4):
        indices = [order[number] for order in orders]
        images, labels = batches.training_batch(sets, indices, settings, 0, number)
        marks = ((images[:, 0, 0, 0] * 0.25 + 0.5) * 255).round().int().tolist()
        assert marks.count(10) == marks.count(20) == 8
        expected = torch.cat([part.labels[i] for part, i in zip(sets, indices, strict=True)])
        assert torch.equal(labels, expected)


@pytest.mark.parametrize(
    ("images", "wanted", "parts", "batch"),
    [
        (30, 32, 1, 30),  # all of them
        (31, 32, 2, 30),  # half a batch from each of two sets
        (6, 32, 4, 4),  # two sets on two GPUs
        (30, 30, 1, 30),
        (90, 32, 2, 32),
        (3, 32, 4, 4),  # refused by `steps_per_epoch`
    ],
)
def test_a_batch_is_never_larger_than_its_set(images, wanted, parts, batch):
    assert batches.largest_batch(images, wanted, parts) == batch


@pytest.mark.parametrize("arm", [("plain",), ("plain", "stylized")])
def test_a_set_smaller_than_a_batch_is_one_batch(data, tmp_path, arm):
    """72 images and batches of 100 train as batches of 72 do, and a line says so."""
    lines: list[str] = []
    given = {"sets": arm, "epochs": 2, "checkpoint_epochs": []}
    history = train(data, tmp_path / "more", batch_size=100, log=lines, **given)
    same = train(data, tmp_path / "all", batch_size=72, **given)
    pd.testing.assert_frame_equal(history, same)
    assert history.groupby("epoch")["step"].unique().map(list).tolist() == [[1], [2]]
    line = "train-plain: 72 images are fewer than training.batch_size (100); a step takes 72"
    assert lines.count(line) == 1


def test_an_epoch_takes_no_image_twice_and_epochs_differ(data):
    sets, _, _ = batches.read_sets([data / "train-plain"], [])
    (first,) = batches.epoch_order(sets, 16, seed=0, epoch=1)
    (second,) = batches.epoch_order(sets, 16, seed=0, epoch=2)
    assert first.shape == (4, 16)
    assert len(first.unique()) == 64
    assert not torch.equal(first, second)


def test_labels_are_the_shape_classes_of_the_file(data):
    (images,), _, classes = batches.read_sets([data / "train-plain"], [])
    assert classes == CLASSES
    assert images.labels.tolist() == [number % 4 for number in range(72)]
    stored = np.load(data / "train-plain.images.npy")
    assert np.array_equal(images.images.permute(0, 2, 3, 1).numpy(), stored)


# Whole photographs


def test_crops_of_squeezed_photographs_have_the_proportions_of_the_recipe():
    """In the photograph as it was, whatever its shape, aspect and area are those that are drawn."""
    for ratio in (0.5, 1.0, 1.5, 2.5):
        ratios = torch.full((20_000,), ratio)
        size, centre = augment.crop_boxes(20_000, 0.08, generator(0, ORDER), ratios)
        assert (centre - size / 2).min() > -1e-6
        assert (centre + size / 2).max() < 1 + 1e-6
        aspect = ratio * size[:, 0] / size[:, 1]
        low, high = augment.ASPECT
        assert low - 1e-4 < aspect.min() < aspect.max() < high + 1e-4
        assert abs(aspect.log().mean()) < 0.1
        # Where a draw does not fit it is repeated, so that large areas are rarer in a long photograph.
        area = size.prod(1)
        assert 0.08 <= area.min() < 0.09
        assert area.mean() < 0.541
    square, _ = augment.crop_boxes(500, 0.08, generator(3, ORDER), torch.ones(500))
    same, _ = augment.crop_boxes(500, 0.08, generator(3, ORDER))
    assert torch.equal(square, same)


def test_a_photograph_that_no_draw_fits_gives_its_middle():
    """torchvision's way out: of a photograph ten times as wide as high the middle, 4 by 3."""
    size, centre = augment.crop_boxes(200, 0.99, generator(0, ORDER), torch.full((200,), 10.0))
    assert torch.allclose(size, torch.tensor([[4 / 3 / 10, 1.0]]).expand(200, 2))
    assert (centre == 0.5).all()


def test_what_a_crop_shows_of_a_squeezed_photograph():
    """Pixels that tell their place in a photograph of 120 x 40: a crop is nearly as high as it is wide."""
    x = torch.linspace(0, 120, 32).expand(1, 1, 32, 32)
    y = torch.linspace(0, 40, 32).view(-1, 1).expand(1, 1, 32, 32)
    places = torch.cat([x, y, x], 1).expand(64, 3, 32, 32)
    crops = augment.random_resized_crop(
        [places], 0.08, generator(2, ORDER), side=16, proportions=torch.full((64,), 3.0)
    )
    assert crops.shape == (64, 3, 16, 16)
    width = crops[:, 0, :, -1].mean(1) - crops[:, 0, :, 0].mean(1)
    height = crops[:, 1, -1].mean(1) - crops[:, 1, 0].mean(1)
    assert 0.7 < (width / height).min() < (width / height).max() < 1.42


@pytest.fixture(scope="module")
def whole(data) -> Path:
    """The plain set again as larger whole photographs, two by one."""
    rows = imageset.read(write_set(data / "other", 0, mark=10))
    larger = np.repeat(np.repeat(rows.images, 2, axis=1), 2, axis=2)
    with imageset.Writer(data / "train-whole", 32, more=[imageset.ASPECT_RATIO]) as writer:
        for pixels, row in zip(larger, rows.labels.itertuples(index=False), strict=True):
            writer.add(pixels, [*row, "2"])
    return data


@pytest.mark.parametrize("arm", [("whole",), ("whole", "stylized")])
def test_whole_photographs_are_cropped_to_the_size_of_the_others(whole, tmp_path, arm):
    given = {"sets": arm, "random_crop": 0.3, "epochs": 1, "checkpoint_epochs": []}
    train(whole, tmp_path / "out", **given)
    assert checkpoints.read(tmp_path / "out" / "checkpoints" / "final.pt")["image_size"] == 16
    sets, _, _ = batches.read_sets(
        [whole / f"train-{name}" for name in arm], [whole / "validation-plain"]
    )
    assert sets[0].proportions.tolist() == [2.0] * 72
    settings = TrainingSettings.over(SETTINGS | {"random_crop": 0.3})
    indices = [torch.arange(16 // len(arm)) for _ in arm]
    images, labels = batches.training_batch(sets, indices, settings, 0, 0, side=16)
    assert images.shape == (16, 3, 16, 16)
    assert labels.tolist() == [*range(4)] * 4
    # Two processes have the same images between them.
    halves = [
        batches.training_batch(sets, indices, settings, 0, 0, side=16, group=Group(rank, 2))[0]
        for rank in (0, 1)
    ]
    rows = torch.cat([torch.arange(16 // len(arm)).view(2, -1)[rank] + start
                      for rank in (0, 1) for start in range(0, 16, 16 // len(arm))])  # fmt: skip
    assert torch.allclose(torch.cat(halves), images[rows], atol=1e-6)


def test_whole_photographs_without_crops_are_refused(whole, tmp_path):
    with pytest.raises(InputError, match=r"training\.random_crop: expected .*found null"):
        train(whole, tmp_path / "out", sets=("whole",))
    assert not (tmp_path / "out").exists()


# Determinism


def test_the_same_seed_gives_the_same_weights_bit_for_bit(data, tmp_path):
    crop = {"random_crop": 0.5}
    first = train(data, tmp_path / "a", **crop)
    second = train(data, tmp_path / "b", **crop)
    train(data, tmp_path / "c", seed=1, **crop)
    assert same(weights(tmp_path / "a"), weights(tmp_path / "b"))
    pd.testing.assert_frame_equal(first, second)
    assert not same(weights(tmp_path / "a"), weights(tmp_path / "c"))


@pytest.mark.parametrize("workers", [1, 3])
def test_batches_made_ahead_change_no_byte(data, tmp_path, workers):
    """Order, crops and mirrored images of both sets, with a stop in the middle of an epoch."""
    arm = {"sets": ("plain", "stylized"), "random_crop": 0.5, "epochs": 2, "checkpoint_epochs": []}
    inline = train(data, tmp_path / "inline", **arm)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "workers_for", lambda device, pixels: workers)
        with pytest.MonkeyPatch.context() as stopped:
            stopped.setattr(loop, "stop_request", lambda **_: _context(StopAt(6)))
            with pytest.raises(interruption.Interrupted):
                train(data, tmp_path / "made", **arm)
        made = train(data, tmp_path / "made", **arm)
    pd.testing.assert_frame_equal(inline, made)
    assert same(weights(tmp_path / "inline"), weights(tmp_path / "made"))


def test_a_training_gathers_while_it_steps(data, tmp_path, monkeypatch):
    """A step and a batch that sleep as long as each other: ahead of time, nearly twice the throughput."""
    pause, real, taken, times = 0.05, loop.training_batch, [], []

    def slow_batch(*arguments, **options):
        time.sleep(pause)
        return real(*arguments, **options)

    def slow_step(run, images, labels, stop):
        taken.append(labels)
        times.append(time.perf_counter())
        time.sleep(pause)
        run.learning_rate = 0.0
        run.step += 1
        return False

    monkeypatch.setattr(loop, "training_batch", slow_batch)
    monkeypatch.setattr(loop._Run, "_train_step", slow_step)

    def seconds_a_step(workers):
        monkeypatch.setattr(loop, "workers_for", lambda device, pixels: workers)
        times.clear()
        train(data, tmp_path / str(workers), epochs=1, passes=4, checkpoint_epochs=[])
        return (times[-1] - times[0]) / (len(times) - 1)

    assert seconds_a_step(0) / seconds_a_step(1) > 1.4
    steps = 4 * (72 // 16)
    assert len(taken) == 2 * steps
    assert all(torch.equal(a, b) for a, b in zip(taken[:steps], taken[steps:], strict=True))


def test_the_global_random_state_plays_no_part(data, tmp_path):
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002
    train(data, tmp_path / "a", random_crop=0.5)
    torch.manual_seed(2)
    np.random.seed(2)  # noqa: NPY002
    train(data, tmp_path / "b", random_crop=0.5)
    assert same(weights(tmp_path / "a"), weights(tmp_path / "b"))


# Resuming


class StopAt:
    """A stop request that arrives while a given step is taken."""

    def __init__(self, step: int) -> None:
        self.left = step

    @property
    def received(self) -> bool:
        self.left -= 1
        return self.left <= 0


@pytest.mark.parametrize("step", [1, 5, 8])
def test_a_stopped_training_resumes_to_the_same_weights(data, tmp_path, monkeypatch, step):
    arm = {"sets": ("plain", "stylized"), "random_crop": 0.5}
    undisturbed = train(data, tmp_path / "a", **arm)
    with monkeypatch.context() as patch:
        patch.setattr(loop, "stop_request", lambda **_: _context(StopAt(step)))
        with pytest.raises(interruption.Interrupted) as left:
            train(data, tmp_path / "b", **arm)
    assert left.value.code == interruption.RESUME_STATUS == 75
    assert not (tmp_path / "b" / "checkpoints").exists()
    log = []
    resumed = train(data, tmp_path / "b", log=log, **arm)
    assert any(line.startswith("resume: at step") for line in log)
    assert same(weights(tmp_path / "a"), weights(tmp_path / "b"))
    pd.testing.assert_frame_equal(undisturbed, resumed)
    assert files(tmp_path / "a") == files(tmp_path / "b")


class _context:
    def __init__(self, value) -> None:
        self.value = value

    def __enter__(self):
        return self.value

    def __exit__(self, *error) -> None:
        return None


def test_other_settings_and_other_data_discard_the_state(data, tmp_path, monkeypatch):
    def interrupt() -> None:
        with monkeypatch.context() as patch:
            patch.setattr(loop, "stop_request", lambda **_: _context(StopAt(3)))
            with pytest.raises(interruption.Interrupted):
                train(data, tmp_path / "a")

    interrupt()
    log = []
    train(data, tmp_path / "a", log=log, weight_decay=0.5)
    assert sum("discarded" in line for line in log) == 1
    train(data, tmp_path / "b", weight_decay=0.5)
    assert same(weights(tmp_path / "a"), weights(tmp_path / "b"))

    interrupt()
    other = tmp_path / "other"
    for stem in ("train-plain", "validation-plain", "validation-stylized"):
        for path in data.glob(f"{stem}.*"):
            other.mkdir(exist_ok=True)
            (other / path.name).write_bytes(path.read_bytes())
    write_set(data / "train-plain", 7)
    try:
        log = []
        train(data, tmp_path / "a", log=log)
    finally:
        for path in other.iterdir():
            (data / path.name).write_bytes(path.read_bytes())
    assert sum("discarded" in line for line in log) == 1


def test_a_truncated_state_is_reported_and_training_starts_anew(data, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(loop, "stop_request", lambda **_: _context(StopAt(6)))
        with pytest.raises(interruption.Interrupted):
            train(data, tmp_path / "a")
    state = tmp_path / "a" / "resume" / "last.pt"
    state.write_bytes(state.read_bytes()[:2000])
    log = []
    train(data, tmp_path / "a", log=log)
    (line,) = [line for line in log if "discarded" in line]
    assert "last.pt: truncated" in line
    assert "\n" not in line
    train(data, tmp_path / "b")
    assert same(weights(tmp_path / "a"), weights(tmp_path / "b"))


def test_killed_at_random_points_it_resumes_to_the_same_weights(data, tmp_path):
    arm = {"epochs": 60, "checkpoint_epochs": [0, 7, 60], "random_crop": 0.5}
    train(data, tmp_path / "a", **arm)
    fork = multiprocessing.get_context("fork")  # a fresh interpreter would import for seconds
    rng = random.Random(0)
    resumed = []
    for number in range(20):
        epochs = number % 4
        reader, writer = fork.Pipe(duplex=False)
        process = fork.Process(target=_train_and_tell, args=(data, tmp_path / "b", arm, writer))
        process.start()
        writer.close()
        while True:  # until training has begun, then to a random moment some epochs later
            line = reader.recv()
            resumed += [line] if line.startswith("resume: at step") else []
            epochs -= line.startswith("{")
            if epochs <= 0:
                break
        time.sleep(rng.random() * 0.04)
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL
        assert not (tmp_path / "b" / "checkpoints").exists()
    assert len(resumed) >= 14  # a kill before the first epoch's end leaves nothing to resume
    train(data, tmp_path / "b", **arm)
    for name in ("final.pt", "epoch-007.pt"):
        assert same(weights(tmp_path / "a", name), weights(tmp_path / "b", name))
    histories = [(tmp_path / run / "history.csv").read_bytes() for run in "ab"]
    assert histories[0] == histories[1]
    assert files(tmp_path / "a") == files(tmp_path / "b")


def _train_and_tell(data, output_dir, arm, writer) -> None:
    loop.train(
        architecture="rf9",
        settings=TrainingSettings.over(SETTINGS | arm),
        seed=0,
        train_sets=[data / "train-plain"],
        validation_sets=[data / "validation-plain", data / "validation-stylized"],
        output_dir=output_dir,
        log=writer.send,
    )


def test_the_command_answers_sigterm_with_a_state_and_status_75(data, tmp_path):
    program = (
        "from texshape.cli import main, training; main.COMMANDS[:] = ['training']; main.main()"
    )
    settings = json.dumps(SETTINGS | {"epochs": 4000, "checkpoint_epochs": []})
    process = subprocess.Popen(
        [
            *(sys.executable, "-c", program, "run", "train", "--architecture", "rf9"),
            *("--settings", settings, "--seed", "0", "--threads", "1"),
            *("--train", str(data / "train-plain"), "--train", str(data / "train-stylized")),
            *("--validation", str(data / "validation-plain"), "--output-dir", str(tmp_path)),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    for line in process.stdout:
        if line.startswith("{"):
            process.terminate()
            break
    output, _ = process.communicate()
    assert process.returncode == 75
    assert "run again to resume" in output.splitlines()[-1]
    step = checkpoints.read_resume(tmp_path)["step"]
    assert f"state written at step {step};" in output.splitlines()[-1]


# What is written


def test_files_of_a_finished_training(data, tmp_path):
    train(data, tmp_path)
    assert files(tmp_path) == [
        "checkpoints/epoch-000.pt",
        "checkpoints/epoch-001.pt",
        "checkpoints/epoch-003.pt",
        "checkpoints/final.pt",
        "history.csv",
    ]
    assert same(weights(tmp_path), weights(tmp_path, "epoch-003.pt"))


def test_a_checkpoint_carries_its_configuration(data, tmp_path):
    train(data, tmp_path, sets=("plain", "stylized"), seed=5)
    content = torch.load(tmp_path / "checkpoints" / "epoch-001.pt", weights_only=True)
    assert content["format"] == 1
    assert content["architecture"] == "rf9"
    assert content["configuration"] == small.configuration("rf9")
    assert content["classes"] == CLASSES
    assert content["image_size"] == 16
    assert (content["mean"], content["std"]) == ([0.5] * 3, [0.25] * 3)
    assert (content["seed"], content["epoch"], content["step"]) == (5, 1, 4)
    sets = [str(data / "train-plain"), str(data / "train-stylized")]
    assert content["training"] == SETTINGS | {
        "passes": 1.0, "optimizer": "adamw", "momentum": 0.9, "schedule": "one-cycle", "step_epochs": None,
        "initial": None, "gpus_per_job": 1, "label": "shape", "sets": sets,
    }  # fmt: skip


def test_epoch_zero_is_initialisation(data, tmp_path):
    train(data, tmp_path)
    start = weights(tmp_path, "epoch-000.pt")
    assert int(start["stem.1.num_batches_tracked"]) == 0
    assert not same(start, weights(tmp_path))


@pytest.mark.parametrize("channels_last", [False, True])
def test_history_agrees_with_the_final_checkpoint(data, tmp_path, channels_last):
    history = train(data, tmp_path, channels_last=channels_last)
    stored = pd.read_csv(tmp_path / "history.csv")
    assert list(stored.columns) == TRAINING.names
    assert stored["epoch"].tolist() == [1, 1, 2, 2, 3, 3]
    assert stored["step"].tolist() == [4, 4, 8, 8, 12, 12]
    assert len(history) == len(stored)
    module = checkpoints.rebuild(checkpoints.read(tmp_path / "checkpoints" / "final.pt"))
    for name in ("validation-plain", "validation-stylized"):
        images = imageset.read(data / name)
        pixels = torch.from_numpy(np.array(images.images)).permute(0, 3, 1, 2)
        right = torch.tensor([CLASSES.index(label) for label in images.labels["shape"]])
        with torch.no_grad():
            logits = module((pixels / 255 - 0.5) / 0.25)
        row = stored[(stored["epoch"] == 3) & (stored["validation_set"] == name)].iloc[0]
        accuracy = (logits.argmax(1) == right).float().mean().item()
        assert row["validation_accuracy"] == pytest.approx(accuracy)
        loss = -logits.log_softmax(1)[torch.arange(len(right)), right].mean().item()
        assert row["validation_loss"] == pytest.approx(loss, rel=1e-4)


def test_it_learns(data, tmp_path):
    changed = {"epochs": 8, "checkpoint_epochs": [], "horizontal_flip": False}
    history = train(data, tmp_path, architecture="cnn", **changed)
    last = history[history["epoch"] == 8]
    assert (last["validation_accuracy"] > 0.9).all()


def test_one_json_line_an_epoch(data, tmp_path):
    log = []
    history = train(data, tmp_path, log=log)
    lines = [json.loads(line) for line in log if line.startswith("{")]
    assert [line["epoch"] for line in lines] == [1, 2, 3]
    last = history[history["epoch"] == 3].set_index("validation_set")["validation_accuracy"]
    for name, accuracy in lines[-1]["validation_accuracy"].items():
        assert accuracy == pytest.approx(last[name], abs=1e-4)


def test_without_validation_sets_the_history_has_empty_cells(data, tmp_path):
    loop.train(
        architecture="rf9",
        settings=TrainingSettings.over(SETTINGS),
        seed=0,
        train_sets=[data / "train-plain"],
        validation_sets=[],
        output_dir=tmp_path,
        log=lambda line: None,
    )
    stored = pd.read_csv(tmp_path / "history.csv")
    assert stored["epoch"].tolist() == [1, 2, 3]
    assert stored["validation_accuracy"].isna().all()


@pytest.mark.parametrize("changed", [{"precision": "bfloat16"}, {"channels_last": False}])
def test_other_precision_and_layout_train_too(data, tmp_path, changed):
    history = train(data, tmp_path, **changed)
    assert np.isfinite(history["train_loss"]).all()
    assert all(value.dtype != torch.bfloat16 for value in weights(tmp_path).values())


@pytest.mark.parametrize(
    ("features", "precision"),
    [("fma avx2", "float32"), ("avx2 avx512_bf16", "bfloat16"), ("amx_bf16 amx_tile", "bfloat16")],
)
def test_fastest_is_bfloat16_only_where_the_processor_has_units_for_it(
    data, tmp_path, monkeypatch, features, precision
):
    processor = tmp_path / "cpuinfo"
    processor.write_text(f"processor\t: 0\nflags\t\t: {features}\n")
    monkeypatch.setattr(compute, "_PROCESSOR", processor)
    train(data, tmp_path / "a", precision="fastest")
    train(data, tmp_path / "b", precision=precision)
    assert files(tmp_path / "a") == files(tmp_path / "b")


def test_a_state_of_another_kind_of_processor_is_not_resumed(data, tmp_path, monkeypatch):
    processor = tmp_path / "cpuinfo"
    monkeypatch.setattr(compute, "_PROCESSOR", processor)
    with monkeypatch.context() as patch:
        patch.setattr(loop, "stop_request", lambda **_: _context(StopAt(3)))
        processor.write_text("flags: avx2\n")
        with pytest.raises(interruption.Interrupted):
            train(data, tmp_path / "a", precision="fastest")
    processor.write_text("flags: avx512_bf16\n")
    log = []
    train(data, tmp_path / "a", log=log, precision="fastest")
    assert sum("discarded" in line for line in log) == 1


def test_evaluation_leaves_the_statistics_of_batch_normalisation(data):
    (images,), _, _ = batches.read_sets([data / "train-plain"], [])
    module = trainable.build("cnn", 4, seed=0).train()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    loop.evaluate(module, images)
    assert same(before, module.state_dict())
    assert module.training


# Schedule


def test_one_cycle_peaks_at_the_learning_rate(data):
    module = trainable.build("rf9", 4, seed=0)
    optimizer, schedule = optimizer_and_schedule(module, TrainingSettings.over(SETTINGS), 100)
    rates = []
    for _ in range(100):
        rates.append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
    assert max(rates) == pytest.approx(4e-3)
    assert rates[0] == pytest.approx(4e-3 / 25)
    assert rates[-1] < 1e-6
    peak = int(np.argmax(rates))
    assert peak == 29  # 30 % of the steps rise
    assert (np.diff(rates[: peak + 1]) > 0).all()
    assert (np.diff(rates[peak:]) < 0).all()


# Augmentation


def test_flip_mirrors_about_half_of_the_images():
    images = torch.arange(4.0).expand(2000, 3, 4, 4)
    (flipped,) = augment.horizontal_flip([images], generator(0, ORDER))
    mirrored = (flipped == images.flip(-1)).all(-1).all(-1).all(-1)
    kept = (flipped == images).all(-1).all(-1).all(-1)
    assert (mirrored ^ kept).all()
    assert 0.45 < mirrored.float().mean() < 0.55


def test_crops_lie_inside_and_keep_their_share_of_the_area():
    size, centre = augment.crop_boxes(20_000, 0.3, generator(0, ORDER))
    assert (centre - size / 2 >= -1e-6).all()
    assert (centre + size / 2 <= 1 + 1e-6).all()
    area, aspect = size.prod(1), size[:, 0] / size[:, 1]
    assert 0.3 - 1e-6 <= area.min() < 0.31
    assert area.max() <= 1 + 1e-6
    assert area.max() > 0.98
    assert aspect.min() >= 3 / 4 - 1e-5
    assert aspect.max() <= 4 / 3 + 1e-5


@pytest.mark.parametrize(("smallest", "ratio"), [(0.3, 1), (0.08, 2), (0.08, 0.6)])
def test_crop_follows_the_law_of_torchvision(smallest, ratio):
    """Of photographs of several shapes; ours were squeezed into squares."""
    from torchvision.transforms.v2 import RandomResizedCrop

    ratios = torch.full((4000,), float(ratio))
    size, _ = augment.crop_boxes(4000, smallest, generator(0, ORDER), ratios)
    width, height = 1000 * ratio, 1000
    reference = RandomResizedCrop(48, scale=(smallest, 1.0))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        empty = torch.empty(3, height, int(width))
        drawn = [reference.make_params([empty]) for _ in range(4000)]
    theirs = torch.tensor([[box["width"] / width, box["height"] / height] for box in drawn])
    levels = torch.tensor([0.1, 0.25, 0.5, 0.75, 0.9])
    for ours, reference in ((size.prod(1), theirs.prod(1)), (size[:, 0], theirs[:, 0])):
        torch.testing.assert_close(
            ours.quantile(levels), reference.quantile(levels), atol=0.03, rtol=0
        )


def test_crop_of_the_whole_is_the_image_and_a_ramp_stays_a_ramp():
    ramp = torch.linspace(0, 1, 32).expand(64, 3, 32, 32)
    whole = augment.random_resized_crop([ramp], 1.0, generator(0, ORDER))
    torch.testing.assert_close(whole, ramp, atol=1e-5, rtol=0)  # no other aspect ratio fits
    size, centre = augment.crop_boxes(64, 0.3, generator(1, ORDER))
    cropped = augment.random_resized_crop([ramp], 0.3, generator(1, ORDER))
    slope = cropped[:, 0, 16, 24] - cropped[:, 0, 16, 8]  # over half of the crop's width
    torch.testing.assert_close(slope, size[:, 0] / 2 * 32 / 31, atol=0.01, rtol=0)
    middle = (cropped[:, 0, 16, 15] + cropped[:, 0, 16, 16]) / 2
    torch.testing.assert_close(middle, (centre[:, 0] * 32 - 0.5) / 31, atol=0.01, rtol=0)


def test_the_command_starts_without_torch():
    code = (
        "import sys, texshape.cli.training; "
        "sys.exit(bool({'torch', 'numpy', 'pandas'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_a_label_is_the_class_of_the_cue_that_is_asked_for(tmp_path):
    """Texture classes stand in another order than shape classes, and one of them in no shape."""
    stem = write_set(tmp_path / "train-unpaired", 1, count=8)
    read = imageset.read(stem)
    labels = read.labels.copy()
    labels["texture"] = ["ring", "bar", "zigzag", "bar"] * 2
    imageset.write(stem, imageset.ImageSet(np.asarray(read.images), labels))
    (shape,), _, classes = batches.read_sets([stem], [])
    assert classes == CLASSES
    assert shape.labels.tolist() == [0, 1, 2, 3] * 2
    (texture,), _, classes = batches.read_sets([stem], [], label="texture")
    assert classes == ["bar", "ring", "zigzag"]
    assert texture.labels.tolist() == [1, 0, 2, 0] * 2
    labels["texture"] = "na"
    imageset.write(stem, imageset.ImageSet(np.asarray(read.images), labels))
    with pytest.raises(InputError, match="no texture class to learn"):
        batches.read_sets([stem], [], label="texture")
    with pytest.raises(
        InputError, match=r'training\.label: expected shape or texture, found "colour"'
    ):
        TrainingSettings.over({**SETTINGS, "label": "colour"})
