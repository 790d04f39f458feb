"""The parts of the benchmark: what is done, the bare work that it is compared with, and its size.

Each function prepares `units` of work in a folder and returns what to call. Its `bare` is made only
after the memory of the task has been read, since it holds in memory what the task streams.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

Task = Callable[[], object]


@dataclass(frozen=True)
class Work:
    """A task and the bare work that it is compared with.

    Attributes
    ----------
    task : callable
    bare : callable, optional
        Makes the bare task.
    against : str
        What the bare task is.
    """

    task: Task
    bare: Callable[[], Task] | None = None
    against: str = ""


@dataclass(frozen=True)
class Part:
    """One line of the table.

    Attributes
    ----------
    prepare : callable
        Takes the number of units, a folder and the options.
    units : int
        Of a run at 1x.
    unit : str
    streams : bool
        Whether time must be linear and memory flat; else it solves iteratively.
    torch : bool
        Whether it needs torch.
    least : int, optional
        The least work, whose time is the fixed cost; by default a batch of images, or one unit.
    """

    prepare: Callable[[int, Path, argparse.Namespace], Work]
    units: int
    unit: str = "images"
    streams: bool = True
    torch: bool = True
    least: int | None = None


def _image_file(count: int, folder: Path, size: int) -> np.ndarray:
    """Random images on disk, mapped: written in pieces, so that no memory holds them all."""
    path = folder / f"{count}x{size}.npy"
    shape = (count, size, size, 3)
    if not path.exists():
        array = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
        rng = np.random.default_rng(0)
        for row in range(count):
            array[row] = rng.integers(0, 256, shape[1:], dtype=np.uint8)
        array.flush()
        del array
    return np.load(path, mmap_mode="r")


def _network(options: argparse.Namespace):
    from texshape.devices import select_device
    from texshape.models.loading import load

    network = load(options.network, weights=options.weights, seed=0)
    network.module.to(select_device())
    return network


def _batches(network, images: np.ndarray, size: int) -> list:
    """What the network is shown, prepared in memory on its device."""
    import torch

    return [
        network.preprocess(
            torch.from_numpy(np.array(images[start : start + size]))
            .to(network.device)
            .permute(0, 3, 1, 2)
        ).contiguous(memory_format=torch.channels_last)
        for start in range(0, len(images), size)
    ]


def _forward(network, images: np.ndarray, size: int, precision: str) -> Task:
    import torch

    batches = _batches(network, images, size)
    network.module.to(memory_format=torch.channels_last)

    @torch.inference_mode()
    def task() -> None:
        with torch.autocast(network.device.type, torch.bfloat16, enabled=precision == "bfloat16"):
            for batch in batches:
                network.module(batch)
        if network.device.type == "cuda":
            torch.cuda.synchronize()

    return task


def evaluation(units: int, folder: Path, options: argparse.Namespace) -> Work:
    """The step `trials` without its start: memory-mapped images to scores of the classes."""
    from texshape.trials.evaluate import evaluate

    network = _network(options)
    images = _image_file(units, folder, options.size)
    how = {"batch_size": options.batch, "precision": options.precision, "channels_last": True}
    return Work(
        lambda: evaluate(network, images, **how),
        lambda: _forward(network, images, options.batch, options.precision),
        "the network's forward pass on tensors in memory, same batches",
    )


def features(units: int, folder: Path, options: argparse.Namespace) -> Work:
    """The step `features` without its start: images to pooled activations on disk."""
    from texshape.features.extract import extract

    network = _network(options)
    images = _image_file(units, folder, options.size)
    return Work(
        lambda: extract(network, images, folder / "features", batch_size=options.batch),
        lambda: _forward(network, images, options.batch, "float32"),
        "the network's forward pass on tensors in memory, same batches",
    )


def _adain(options: argparse.Namespace):
    """An engine on this process's device; its decoder has random weights, which cost the same."""
    import torch

    from texshape.config.stylize import EncoderSettings
    from texshape.devices import select_device
    from texshape.stylize.decoders import PUBLISHED_PLAN, Decoder, mirror_plan
    from texshape.stylize.encoders import Vgg19, load
    from texshape.stylize.engines import AdaIN

    if options.encoder == "vgg19-random":  # the papers' cost, whatever the weights
        encoder, plan, layer = Vgg19(), PUBLISHED_PLAN, "relu4_1"
    else:
        layer = {"random-pyramid": "all", "efficientnet-lite0": "expand2"}[options.encoder]
        encoder = load(EncoderSettings(name=options.encoder))
        plan = mirror_plan(encoder.layers[layer].channels, encoder.layers[layer].stride, 64)
    device = select_device()
    decoder = Decoder(plan).eval().requires_grad_(False)
    encoder.to(device)
    decoder.to(device, memory_format=torch.channels_last)
    return AdaIN(encoder, decoder, layer)


def _pairs(images: np.ndarray, batch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Batches of images, each with the same in reverse as its styles."""
    for begin in range(0, len(images), batch):
        rows = images[begin : begin + batch]
        yield np.array(rows), np.array(rows[::-1])


def _stylized(engine, images: np.ndarray, batch: int) -> Task:
    """Images and styles as bytes to stylized bytes."""

    def task() -> None:
        for content, style in _pairs(images, batch):
            engine.stylize(content, style)

    return task


def stylization_by_ones(units: int, folder: Path, options: argparse.Namespace) -> Work:
    """AdaIN, batched, against the same on one image after the other."""
    engine, images = _adain(options), _image_file(units, folder, options.size)
    return Work(
        _stylized(engine, images, options.batch),
        lambda: _stylized(engine, images, 1),
        "the same, one image at a time",
    )


def stylization(units: int, folder: Path, options: argparse.Namespace) -> Work:
    """AdaIN, batched: images and styles as bytes to stylized bytes."""
    import torch

    from texshape.stylize.pixels import to_float

    engine, images = _adain(options), _image_file(units, folder, options.size)

    def bare() -> Task:
        device = next(engine.decoder.parameters()).device
        prepared = [
            tuple(to_float(part).to(device) for part in pair)
            for pair in _pairs(images, options.batch)
        ]

        @torch.inference_mode()
        def networks() -> None:
            for content, style in prepared:
                encoded = engine.encode(content)
                engine.encode(style)
                engine.decoder(encoded)

        return networks

    task = _stylized(engine, images, options.batch)
    return Work(task, bare, "its encoder and decoder on tensors in memory, same batches")


def training(units: int, folder: Path, options: argparse.Namespace) -> Work:
    """One epoch of the small network, data loading, augmentation and validation included."""

    import pandas as pd
    import torch
    from torch.nn import functional

    from texshape.config.training import TrainingSettings
    from texshape.data import imageset
    from texshape.models import small, trainable
    from texshape.training.loop import train

    chosen = TrainingSettings.of(epochs=1, checkpoint_epochs=[1])
    classes = ["disc", "square", "star"]

    def write(name: str, count: int) -> Path:
        images = np.array(_image_file(count, folder, 48))
        shapes = [classes[row % 3] for row in range(count)]
        labels = pd.DataFrame(dict.fromkeys(imageset.LABEL_COLUMNS, shapes))
        imageset.write(folder / name, imageset.ImageSet(images, labels))
        return folder / name

    train_set, validation = write(f"train-{units}", units), write("validation", 48)
    runs = iter(range(10**6))

    def task() -> None:
        train(
            architecture="cnn", settings=chosen, seed=0, train_sets=[train_set],
            validation_sets=[validation], output_dir=folder / f"run-{next(runs)}",
            log=lambda line: None,
        )  # fmt: skip

    def bare() -> Task:
        data = imageset.read(train_set)
        pixels = torch.from_numpy(np.array(data.images)).permute(0, 3, 1, 2)
        inputs = small.normalise(pixels).contiguous(memory_format=torch.channels_last)
        truth = torch.tensor([classes.index(name) for name in data.labels["shape"]])
        module = trainable.build("cnn", len(classes), seed=0).train()
        module.to(memory_format=torch.channels_last)
        optimizer = torch.optim.AdamW(module.parameters(), lr=chosen.learning_rate)
        size = chosen.batch_size

        def loop() -> None:
            for start in range(0, units - size + 1, size):
                optimizer.zero_grad(set_to_none=True)
                with torch.autocast("cpu", torch.bfloat16, enabled=chosen.precision == "bfloat16"):
                    logits = module(inputs[start : start + size])
                functional.cross_entropy(logits.float(), truth[start : start + size]).backward()
                optimizer.step()

        return loop

    return Work(task, bare, "forward, backward and AdamW on tensors in memory, no augmentation")


def _labels(images: int):
    """A balanced cue-conflict design of about so many images: 4 classes, 12 images an exemplar."""
    import pandas as pd

    names = "abcd"
    rows = [
        (shape, texture, f"{shape}{number}", f"{texture}{number % 5}")
        for number in range(max(images // 12, 5))
        for shape in names
        for texture in names
        if shape != texture
    ]
    table = pd.DataFrame(rows, columns=["shape", "texture", "shape_exemplar", "texture_exemplar"])
    return table.assign(imagename="-", condition="cue-conflict")


def _coded(labels, units: int = 64) -> np.ndarray:
    """Features that tell both cues, with noise."""
    rng = np.random.default_rng(0)
    noise = 2 * rng.normal(size=(len(labels), units))
    for cue in ("shape", "texture"):
        index = labels[cue].map("abcd".index).to_numpy()
        noise += rng.normal(size=(4, units))[index]
    return noise.astype(np.float32)


def readout(units: int, folder: Path, options: argparse.Namespace) -> Work:
    """Linear read-out of one cue: grouped folds, the penalty chosen inside them."""
    from texshape.stats import exemplars as ex
    from texshape.techniques.readout.linear import read_out_each
    from texshape.techniques.readout.settings import ReadoutSettings

    labels = _labels(units)
    values, cue = _coded(labels), ex.cue(labels, "shape")
    settings = ReadoutSettings.of(folds=3, penalties=(0.1, 0.01), permutations=0)
    folds = ex.exemplar_folds(cue.classes, cue.exemplars, settings.folds)

    def task() -> None:
        read_out_each(values, [cue.classes], cue.exemplars, settings=settings, folds=folds)

    def bare() -> Task:
        from sklearn.linear_model import LogisticRegression
        from sklearn.model_selection import GridSearchCV, GroupKFold
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        def fit() -> None:
            for fold in range(settings.folds):
                own = folds != fold
                grid = [1 / (penalty * own.sum()) for penalty in settings.penalties]
                search = GridSearchCV(
                    make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)),
                    {"logisticregression__C": grid},
                    cv=GroupKFold(settings.inner_folds),
                )
                search.fit(values[own], cue.classes[own], groups=cue.exemplars[own])
                search.predict(values[~own])

        return fit

    return Work(task, bare, "scikit-learn's LogisticRegression in the same folds")


def _estimator_design(units: int):
    """Labels, features, and the pairs of a design with few null draws and resamples."""
    from texshape.techniques.dimensionality.pairs import design
    from texshape.techniques.dimensionality.settings import DimensionalitySettings

    labels = _labels(units)
    settings = DimensionalitySettings.of(null_draws=5, resamples=20)
    return _coded(labels), design(labels, settings=settings, seed=0)


def _correlations(values: np.ndarray, sets: int, pairs: int) -> None:
    """Pearson's correlation of all units over so many sets of random pairs, as the formula stands."""
    rng = np.random.default_rng(0)
    for _ in range(sets):
        first, second = rng.integers(0, len(values), (2, pairs))
        one, other = values[first], values[second]
        one, other = one - one.mean(0), other - other.mean(0)
        (one * other).mean(0) / np.sqrt((one**2).mean(0) * (other**2).mean(0))


def mutual_information(units: int, folder: Path, options: argparse.Namespace) -> Work:
    """Copula information of all units about both cues, with null pairs and intervals."""
    from texshape.techniques.dimensionality.mutual_information import mutual_information as estimate
    from texshape.techniques.dimensionality.mutual_information import normal_scores
    from texshape.techniques.dimensionality.pairs import FACTORS

    values, plan = _estimator_design(units)
    pairs = max(len(plan.pairs[factor]) for factor in FACTORS)
    sets = 2 * (1 + plan.settings.null_draws + 2 * plan.settings.resamples)
    return Work(
        lambda: [estimate(values, plan, factor) for factor in FACTORS],
        lambda: lambda: _correlations(normal_scores(values), sets, pairs),
        "the formula in NumPy, one set of pairs after the other",
    )


def islam(units: int, folder: Path, options: argparse.Namespace) -> Work:
    """The published dimensionality estimator."""
    from texshape.techniques.dimensionality.islam2021 import islam2021
    from texshape.techniques.dimensionality.pairs import FACTORS

    values, plan = _estimator_design(units)
    pairs = max(len(plan.pairs[factor]) for factor in FACTORS)
    sets = 2 * (2 + plan.settings.resamples)
    return Work(
        lambda: islam2021(values, plan),
        lambda: lambda: _correlations(values, sets, pairs),
        "the formula in NumPy, one set of pairs after the other",
    )


def bootstrap(units: int, folder: Path, options: argparse.Namespace) -> Work:
    """Two-way bootstrap of the exemplars of a 40 x 48 table of trials."""
    from texshape.stats.bootstrap import resample_totals

    counts = np.random.default_rng(0).integers(0, 2, (2, 40, 48)).astype(np.float32)

    def bare() -> Task:
        def loop() -> None:
            rng = np.random.default_rng(0)
            for _ in range(units):
                rows, columns = rng.integers(0, 40, 40), rng.integers(0, 48, 48)
                counts[:, rows][:, :, columns].sum((1, 2))

        return loop

    return Work(
        lambda: resample_totals(counts, resamples=units), bare, "NumPy, resample by resample"
    )


PARTS = {
    "evaluation": Part(evaluation, 64),
    "features": Part(features, 64),
    "stylization": Part(stylization, 16),
    "stylization-by-ones": Part(stylization_by_ones, 16),
    "training": Part(training, 640, least=64),
    "readout": Part(readout, 2400, streams=False, torch=False),
    "mutual-information": Part(mutual_information, 1200, streams=False, torch=False),
    "islam2021": Part(islam, 1200, streams=False, torch=False),
    "bootstrap": Part(bootstrap, 10_000, "resamples", torch=False),
}
