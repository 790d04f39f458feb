"""Sets of images as tensors, and the batches that an epoch takes from one or two of them."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from texshape.config.training import TrainingSettings
from texshape.data import imageset
from texshape.errors import InputError
from texshape.models.small import MEAN, STD, normalise
from texshape.training.augment import Share, horizontal_flip, random_resized_crop
from texshape.training.processes import ALONE, Group
from texshape.training.randomness import AUGMENTATION, ORDER, generator


@dataclass(frozen=True)
class LabelledImages:
    """A whole set; pixels that stay on the CPU stay memory-mapped.

    Attributes
    ----------
    name : str
    images : Tensor of shape (n, 3, H, W), uint8
    labels : Tensor of shape (n,), int64
        Index of the class.
    proportions : Tensor of shape (n,), float32, or None
        Width by height of whole photographs that were squeezed into squares; random crops alone may be
        taken of them.
    """

    name: str
    images: Tensor
    labels: Tensor
    proportions: Tensor | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def to(self, device: torch.device) -> LabelledImages:
        """Labels on the device; pixels too, unless they would take half of what it has free."""
        images = self.images
        if device.type != "cuda" or 2 * images.nbytes < torch.cuda.mem_get_info(device)[0]:
            images = images.to(device)
        return LabelledImages(self.name, images, self.labels.to(device), self.proportions)

    def take(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Pixels (B, 3, H, W) and labels (B,) of some rows, on the labels' device."""
        device = self.labels.device
        return self._pixels(rows).to(device, non_blocking=True), self.labels[rows.to(device)]

    def _pixels(self, rows: Tensor) -> Tensor:
        if self.labels.device.type != "cuda" or self.images.device.type == "cuda":
            return self.images[rows.to(self.images.device)]
        # Into memory that stays where it is: the GPU then reads it by itself, while the host goes on.
        stored = self.images.permute(0, 2, 3, 1)  # as it lies on the disk, image by image
        shape = len(rows), *stored.shape[1:]
        gathered = torch.empty(shape, dtype=stored.dtype, pin_memory=True)
        torch.index_select(stored, 0, rows.cpu(), out=gathered)
        return gathered.permute(0, 3, 1, 2)


def read_sets(
    train: Sequence[str | Path], validation: Sequence[str | Path], *, label: str = "shape"
) -> tuple[list[LabelledImages], list[LabelledImages], list[str]]:
    """Open the sets of a training; a label is the class of the shape, or of the texture.

    Returns
    -------
    train, validation : list of LabelledImages
    classes : list of str
        Classes of that cue in the training sets, sorted.

    Raises
    ------
    InputError
        If a file is missing or broken, sizes differ, an image has no such class, or a
        validation set has a class that no training set has.
    """
    stems = [*train, *validation]
    read = {str(stem): imageset.read(stem) for stem in stems}
    if not train:
        raise InputError("--train: no training set is given")
    whole = {stem for stem, images in read.items() if imageset.ASPECT_RATIO in images.labels}
    # Whole photographs are cropped to the size of the others.
    first = next((stem for stem in map(str, stems) if stem not in whole), str(train[0]))
    shape = read[first].images.shape[1:]
    classes = sorted({name for stem in train for name in read[str(stem)].labels[label]})
    for stem, images in read.items():
        if len(images) == 0:
            raise InputError(f"{stem}: the set has no image")
        own = images.images.shape[1:]
        if own[0] != own[1] or (stem not in whole and own != shape):
            raise InputError(
                f"{stem}.images.npy: expected square images of one size in all sets, found "
                f"{own[:2]} beside {shape[:2]} of {first}"
            )
        for name in images.labels[label].unique():
            if name == "na":
                raise InputError(
                    f"{stem}.labels.csv: an image has no {label} class to learn ('na')"
                )
            if name not in classes:
                raise InputError(f"{stem}.labels.csv: {label} class '{name}' is in no training set")
    names = [Path(stem).name for stem in validation]
    if len(set(names)) < len(names):
        raise InputError(f"--validation: expected sets of different names, found {names}")
    lengths = {str(stem): len(read[str(stem)]) for stem in train}
    if len(set(lengths.values())) > 1:  # else arms would differ in optimiser steps
        found = ", ".join(f"{stem} {count}" for stem, count in lengths.items())
        raise InputError(f"--train: sets must have the same number of images, found {found}")

    def tensors(stem: str | Path) -> LabelledImages:
        index = {name: number for number, name in enumerate(classes)}
        images = read[str(stem)]
        labels = torch.tensor([index[name] for name in images.labels[label]])
        ratios = images.labels.get(imageset.ASPECT_RATIO)
        proportions = None if ratios is None else torch.tensor(ratios.to_numpy(np.float32))
        return LabelledImages(Path(stem).name, _as_tensor(images.images), labels, proportions)

    return [tensors(stem) for stem in train], [tensors(stem) for stem in validation], classes


def _as_tensor(images: np.ndarray) -> Tensor:
    """View (n, H, W, 3) pixels as an (n, 3, H, W) tensor, channels last; nothing is copied."""
    with warnings.catch_warnings():
        # The memory map is read-only, which torch cannot express; nothing here writes to it.
        warnings.filterwarnings("ignore", message=".*not writable.*")
        return torch.from_numpy(images).permute(0, 3, 1, 2)


def image_side(sets: Sequence[LabelledImages]) -> int:
    """Side in px of what a network is shown: that of the images which are not cropped to it."""
    sides = [part.images.shape[-1] for part in sets if part.proportions is None]
    return (sides or [sets[0].images.shape[-1]])[0]


def fingerprint(sets: Sequence[LabelledImages], count: int = 256) -> str:
    """Digest of labels and of evenly spaced images, to notice data that changed under a name."""
    digest = hashlib.sha256()
    for images in sets:
        every = max(1, len(images) // count)
        digest.update(images.labels.numpy().tobytes())
        digest.update(images.images[::every].permute(0, 2, 3, 1).numpy().tobytes())
    return digest.hexdigest()


def largest_batch(images: int, wanted: int, parts: int = 1) -> int:
    """Images of a step: what is wanted, or all of a set that has fewer.

    Parameters
    ----------
    images : int
        In one set.
    wanted : int
        `training.batch_size`, of all sets and processes.
    parts : int
        Sets times processes, between which a batch is shared equally: of 31 images two sets get 15 each.

    Returns
    -------
    int
        `wanted` where no set is smaller; else the largest multiple of `parts` up to `images`, at least
        `parts`. One batch is then a pass, whatever the number of sets.
    """
    return wanted if wanted <= images else max(parts, images // parts * parts)


def steps_per_epoch(
    sets: Sequence[LabelledImages], batch_size: int, passes: float = 1.0, *, processes: int = 1
) -> int:
    """Optimiser steps of an epoch: whole batches in ONE set, whatever the number of sets.

    Parameters
    ----------
    sets : sequence of LabelledImages
    batch_size : int
        Images of a step, of all sets and processes.
    passes : float
        So many times the length of an epoch, in whole steps.
    processes : int
        How many share a batch.

    Raises
    ------
    InputError
        If the batch is larger than a set or cannot be shared equally.
    """
    if batch_size % len(sets):
        raise InputError(
            f"training.batch_size: expected a multiple of {len(sets)} to draw equally from "
            f"{len(sets)} sets, found {batch_size}"
        )
    if batch_size % (len(sets) * processes):
        raise InputError(
            f"training.batch_size: expected a multiple of {len(sets) * processes} for {len(sets)} "
            f"set(s) on {processes} GPUs (training.gpus_per_job), found {batch_size}"
        )
    steps = len(sets[0]) // batch_size
    if steps == 0:
        raise InputError(
            f"{sets[0].name}: holds {len(sets[0])} images, expected at least {batch_size}, one for each "
            "set and GPU"
        )
    return max(1, int(passes * steps))


def epoch_order(
    sets: Sequence[LabelledImages], batch_size: int, seed: int, epoch: int, passes: float = 1.0
) -> list[Tensor]:
    """Which images of each set every step of an epoch takes.

    Parameters
    ----------
    sets : sequence of LabelledImages
    batch_size : int
    seed, epoch : int

    Returns
    -------
    list of Tensor of shape (steps, batch_size / number of sets), int64
        One a set; no image twice within an epoch, unless that takes more images than there are.
    """
    steps = steps_per_epoch(sets, batch_size, passes)
    share = batch_size // len(sets)
    orders = []
    for number, images in enumerate(sets):
        rng = generator(seed, ORDER, epoch, number)
        turns = -(-steps * share // len(images))
        order = torch.cat([torch.randperm(len(images), generator=rng) for _ in range(turns)])
        orders.append(order[: steps * share].view(steps, share))
    return orders


def training_batch(
    sets: Sequence[LabelledImages],
    indices: Sequence[Tensor],
    settings: TrainingSettings,
    seed: int,
    step: int,
    *,
    side: int | None = None,
    mean: Sequence[float] = MEAN,
    std: Sequence[float] = STD,
    group: Group = ALONE,
) -> tuple[Tensor, Tensor]:
    """Gather, augment and normalise the batch of one optimiser step.

    Parameters
    ----------
    sets : sequence of LabelledImages
    indices : sequence of Tensor of shape (share,)
        One a set.
    settings : TrainingSettings
    seed, step : int
        Fix the augmentation; `step` counts from the start of training.
    side : int, optional
        Of the images in px, `image_side`; by default that of the first set.
    mean, std : sequence of 3 float
        Of pixels in [0, 1].
    group : Group
        Of several processes each takes its share of every set.

    Returns
    -------
    images : Tensor of shape (B, 3, H, W), float32
    labels : Tensor of shape (B,), int64
    """
    share = None
    if group.size > 1:
        counts = [len(chosen) for chosen in indices]
        parts = [group.rows(count) for count in counts]
        rows = [part + start for part, start in zip(parts, np.cumsum([0, *counts]), strict=False)]
        share = Share(torch.cat(rows), sum(counts))
        indices = [chosen[part] for chosen, part in zip(indices, parts, strict=True)]
    taken = [part.take(chosen) for part, chosen in zip(sets, indices, strict=True)]
    parts, labels = [pixels for pixels, _ in taken], torch.cat([own for _, own in taken])
    rng = generator(seed, AUGMENTATION, step)
    if settings.horizontal_flip:
        parts = horizontal_flip(parts, rng, share)
    parts = [normalise(part, mean, std) for part in parts]
    if settings.random_crop is None:
        pixels = torch.cat(parts)
    else:
        pixels = random_resized_crop(
            parts,
            settings.random_crop,
            rng,
            share,
            side=side,
            proportions=_proportions(sets, indices),
        )
    layout = torch.channels_last if settings.channels_last else torch.contiguous_format
    return pixels.contiguous(memory_format=layout), labels


def _proportions(sets: Sequence[LabelledImages], indices: Sequence[Tensor]) -> Tensor | None:
    if all(part.proportions is None for part in sets):
        return None
    return torch.cat(
        [
            torch.ones(len(rows)) if part.proportions is None else part.proportions[rows]
            for part, rows in zip(sets, indices, strict=True)
        ]
    )
