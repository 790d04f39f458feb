"""Batches on their way to a network, and what it finds on its way back: order, bytes, overlap."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from texshape import transfer
from texshape.features.extract import activations
from texshape.models import fitted
from texshape.models.network import Network
from texshape.models.preprocessing import Own, preprocess
from texshape.transfer import OnItsWay, batches_on, late
from texshape.trials.evaluate import evaluate

CPU, GPU = torch.device("cpu"), torch.device("cuda", 0)
SIZE = 8


def filters() -> nn.Module:
    """A convolution whose weights are the same each time."""
    made = nn.Conv2d(3, 3, 3, padding=1)
    generator = torch.Generator().manual_seed(0)
    for values in made.parameters():
        values.data.normal_(generator=generator)
    return made


class Means(nn.Module):
    """Means of filtered colour channels as logits."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = filters()

    def forward(self, images: Tensor) -> Tensor:
        return self.stem(images).mean((2, 3))


def network(module: nn.Module | None = None) -> Network:
    return Network(
        name="test",
        slug="means--plain",
        module=(module or Means()).eval().requires_grad_(False),
        input_size=SIZE,
        preprocess=preprocess(Own(SIZE, mean=(0.0,) * 3, std=(1.0,) * 3)),
        classes=("red", "green", "blue"),
        decide=lambda logits: logits.softmax(1),
        stages={"stem": "stem"},
    )


def drawn(count: int, side: int = SIZE) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


class WatchedImages(np.ndarray):
    """Images that count the batches that were asked for."""

    asked = 0

    def __getitem__(self, rows: object) -> np.ndarray:
        if isinstance(rows, slice) and rows.stop is not None:
            WatchedImages.asked += 1
        return super().__getitem__(rows)


class Waiting(nn.Module):
    """Goes on with a batch when the next one is being gathered, or after a while; counts how often it was."""

    def __init__(self, patience: float, *, last: int) -> None:
        super().__init__()
        self.patience, self.last, self.batch, self.overlaps = patience, last, 0, 0
        self.stem = filters()

    def forward(self, images: Tensor) -> Tensor:
        self.batch += 1
        end = time.monotonic() + self.patience
        while (
            self.batch < self.last and WatchedImages.asked <= self.batch and time.monotonic() < end
        ):
            time.sleep(0.001)
        self.overlaps += WatchedImages.asked > self.batch
        return self.stem(images).mean((2, 3))


def scores(shown: Network, images: np.ndarray) -> np.ndarray:
    return evaluate(shown, images, batch_size=4, channels_last=False)


def pooled(shown: Network, images: np.ndarray) -> np.ndarray:
    return activations(shown, images, batch_size=4)["stem"]


def read(shown: Network, images: np.ndarray) -> np.ndarray:
    return fitted.features(
        shown, fitted.Place("stem", "stem", fitted.POOLED, 3), images, batch_size=4
    )


SHOWN = pytest.mark.parametrize("show", [scores, pooled, read], ids=lambda show: show.__name__)
Show = Callable[[Network, np.ndarray], np.ndarray]


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_batches_are_the_images_in_their_order(
    tmp_path: Path, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a mapped file too, while its pages are given back in between."""
    monkeypatch.setattr(transfer, "workers_for", lambda device, pixels: workers)
    monkeypatch.setattr(transfer, "_RELEASE", 1000)
    given_back = []
    monkeypatch.setattr(transfer, "_release", given_back.append)
    images = drawn(23)
    np.save(tmp_path / "images.npy", images)
    with batches_on(CPU, np.load(tmp_path / "images.npy", mmap_mode="r"), 4) as made:
        batches = list(made)
    assert [(batch.rows.start, batch.rows.stop) for batch in batches] == [
        (0, 4), (4, 8), (8, 12), (12, 16), (16, 20), (20, 23)
    ]  # fmt: skip
    for batch in batches:
        assert np.array_equal(batch.pixels, images[batch.rows])
        assert torch.equal(batch.images, torch.from_numpy(images[batch.rows]).permute(0, 3, 1, 2))
    assert len(given_back) == images.nbytes // 1000 == 4  # 768 bytes a batch


def test_pages_that_are_given_back_are_read_again(tmp_path: Path) -> None:
    images = drawn(6, 64)
    np.save(tmp_path / "images.npy", images)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")[1:]
    transfer._release(mapped)
    assert np.array_equal(mapped, images[1:])
    transfer._release(images)  # of no file: nothing to give back


@SHOWN
@pytest.mark.parametrize("workers", [1, 3])
def test_batches_made_ahead_change_no_byte(
    show: Show, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = drawn(23)
    inline = show(network(), images)
    assert len(np.unique(inline, axis=0)) == 23
    monkeypatch.setattr(transfer, "workers_for", lambda device, pixels: workers)
    assert np.array_equal(show(network(), images), inline)


@SHOWN
@pytest.mark.parametrize(("workers", "patience"), [(0, 0.02), (1, 30.0), (3, 30.0)])
def test_images_are_gathered_while_the_network_runs(
    show: Show, workers: int, patience: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each batch but the last runs beside the gathering of the next; without threads none does."""
    monkeypatch.setattr(transfer, "workers_for", lambda device, pixels: workers)
    monkeypatch.setattr(WatchedImages, "asked", 0)
    shown = network(Waiting(patience, last=6))
    show(shown, drawn(24).view(WatchedImages))
    assert shown.module.batch == 6
    assert shown.module.overlaps == (5 if workers else 0)


@SHOWN
def test_results_of_a_gpu_are_read_when_the_next_batches_are_under_way(
    show: Show, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stand-in of a GPU: each of the first results is asked for when two more batches have begun."""
    order: list[str] = []

    class Noted(OnItsWay):
        def __init__(self, tensor: Tensor) -> None:
            super().__init__(tensor)
            order.append("begun")

        def array(self) -> np.ndarray:
            order.append("read")
            return super().array()

    for module in (evaluate.__module__, activations.__module__, fitted.__name__):
        monkeypatch.setattr(f"{module}.OnItsWay", Noted)
    for module in (evaluate.__module__, transfer.__name__):
        monkeypatch.setattr(f"{module}.late", lambda items, device: late(items, GPU))
    images = drawn(20)
    found = show(network(), images)
    assert order == ["begun"] * 3 + ["read", "begun"] * 2 + ["read"] * 3
    monkeypatch.undo()
    assert np.array_equal(found, show(network(), images))


def test_the_cpu_reads_each_result_at_once() -> None:
    begun: list[int] = []

    def items() -> object:
        for number in range(4):
            begun.append(number)
            yield number

    for number in late(items(), CPU):
        assert begun == list(range(number + 1))
    assert len(begun) == 4


def test_what_is_on_its_way_is_a_copy() -> None:
    """A later layer that works in place changes nothing of it."""
    values = torch.arange(6, dtype=torch.bfloat16).reshape(2, 3).T
    held = OnItsWay(values)
    plain = OnItsWay(same := torch.ones(2, 3))
    values += 1
    same += 1
    assert held.array().dtype == np.float32
    assert held.array().tolist() == [[0, 3], [1, 4], [2, 5]]
    assert plain.array().tolist() == [[1, 1, 1], [1, 1, 1]]
