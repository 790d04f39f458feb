"""Segmentation read-outs of one network: stages x targets x heads, with their bounds, as a
table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch

from texshape.errors import InputError
from texshape.stats import exemplars as ex
from texshape.techniques.segmentation import maps as activation_maps
from texshape.techniques.segmentation import metrics, targets, train
from texshape.techniques.segmentation.tables import SEGMENTATION

if TYPE_CHECKING:
    from texshape.data.imageset import ImageSet
    from texshape.models.network import Network
    from texshape.techniques.segmentation.settings import SegmentationSettings

NO_MAP = "the stage gives no spatial map"


@dataclass(frozen=True)
class Task:
    """Images to learn from and images to be tested on, with their masks by target.

    Attributes
    ----------
    train_images, test_images : ndarray of shape (n, height, width, 3), uint8
    masks : dict of str to (train, test, classes)
        By target: uint8 masks (n, height, width) of either part, and the number of classes.
    cues : (Cue, Cue) or None
        Shape and texture of the test images, whose exemplars are resampled for the interval; None
        where each image stands by itself.
    """

    train_images: np.ndarray
    test_images: np.ndarray
    masks: Mapping[str, tuple[np.ndarray, np.ndarray, int]]
    cues: tuple[ex.Cue, ex.Cue] | None


def conflict_task(
    images: ImageSet, classes: Sequence[str], plan: SegmentationSettings, *, seed: int
) -> Task:
    """Training and test part of a cue-conflict set with masks.

    Shape and texture are independent there, and no exemplar of either cue is in both parts.
    """
    if images.masks is None:
        raise InputError("segmentation: the image set has no masks (SET.masks.npy)")
    conflict = images.labels
    if (conflict["shape"] == "na").any() or (conflict["texture"] == "na").any():
        raise InputError("segmentation: the image set needs a shape and a texture in each image")
    train_rows, test_rows = targets.split_exemplars(
        conflict, train_share=plan.train_share, seed=seed
    )
    train_rows = targets.thin(train_rows, plan.train_images, seed=seed)
    test_rows = targets.thin(test_rows, plan.test_images, seed=seed)
    masks = {}
    for name in plan.targets:
        target, count = targets.target(name, np.asarray(images.masks), conflict, classes)
        masks[name] = (target[train_rows], target[test_rows], count)
    tested = conflict.iloc[test_rows]
    return Task(
        np.asarray(images.images[train_rows]),
        np.asarray(images.images[test_rows]),
        masks,
        (ex.cue(tested, "shape"), ex.cue(tested, "texture")),
    )


def measure(
    network: Network,
    task: Task,
    plan: SegmentationSettings,
    *,
    seed: int,
    folder: Path | None = None,
) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """Train and test every read-out of a network.

    Parameters
    ----------
    network : Network
    task : Task
    plan : SegmentationSettings
    seed : int
    folder : Path, optional
        Where to keep the activation maps while the step runs; in memory by default.

    Returns
    -------
    table : DataFrame of `SEGMENTATION`
        One row a stage, head and target; ``bound`` is ``readout``, or ``end_to_end`` where the
        whole network was trained (no upper bound: briefly, on few images). A stage without a map has
        empty values and the reason.
    pictures : dict of str to ndarray
        ``images``, and for each target ``TARGET/truth`` and ``TARGET/STAGE`` (first head): class by
        pixel.
    """
    stages = activation_maps.choose(network, plan.stages)
    size = task.test_images.shape[1:3]
    shown = np.linspace(0, len(task.test_images) - 1, plan.pictures).round().astype(int)
    shown = np.unique(shown) if plan.pictures else shown[:0]
    pictures = {"images": task.test_images[shown]}
    rows = []

    def row(target: str, guess: np.ndarray | None, **keys: object) -> None:
        learned, truth, classes = task.masks[target]
        counts = {"n_train": len(learned), "n_test": len(truth), "n_classes": classes}
        if guess is None:
            rows.append({**keys, "target": target, **counts, "reason": NO_MAP})
            return
        result = _score(truth, guess, classes, task, plan, seed)
        rows.append(
            {
                **keys,
                "target": target,
                "miou": result.miou,
                "ci_low": result.ci_low,
                "ci_high": result.ci_high,
                "miou_foreground": result.miou_foreground,
                "mean_mask_miou": blind[target],
                **counts,
                "reason": "" if np.isfinite(result.miou) else "no pixel counts",
            }
        )

    blind = {}
    for target in plan.targets:
        learned, truth, classes = task.masks[target]
        mean_mask = np.broadcast_to(metrics.mean_mask(learned, classes), truth.shape)
        blind[target] = _score(truth, mean_mask, classes, task, plan, seed).miou
        pictures[f"{target}/truth"] = truth[shown]
    # One stage at a time: the maps of all stages of a large network would not fit in memory.
    for stage in stages:
        learned = _maps(network, task.train_images, stage, folder, "train")
        tested = _maps(network, task.test_images, stage, folder, "test")
        for target in plan.targets:
            for head in plan.heads:
                guess = None
                if learned is not None and tested is not None:
                    model = train.train_readout(
                        learned,
                        task.masks[target][0],
                        task.masks[target][2],
                        head=head,
                        seed=seed,
                        settings=plan,
                        device=network.device,
                    )
                    guess = train.predict(model, tested, size)
                    if head == plan.heads[0]:
                        pictures[f"{target}/{stage}"] = guess[shown]
                row(target, guess, stage=stage, head=head, bound="readout")
    for target in plan.end_to_end:
        guess, stage = None, list(stages)[-1]
        if learned is not None:
            guess = _end_to_end(network, task, target, stages[stage], plan, seed)
            pictures[f"{target}/end_to_end"] = guess[shown]
        row(target, guess, stage=stage, head=plan.heads[0], bound="end_to_end")
    return SEGMENTATION.frame(rows), pictures


def _maps(
    network: Network, images: np.ndarray, stage: str, folder: Path | None, part: str
) -> np.ndarray | None:
    place = None
    if folder is not None:
        place = folder / part
        place.mkdir(exist_ok=True)
    return activation_maps.cache(network, images, stages=[stage], folder=place)[stage]


def _score(
    truth: np.ndarray,
    guess: np.ndarray,
    classes: int,
    task: Task,
    plan: SegmentationSettings,
    seed: int,
) -> metrics.Score:
    return metrics.score(
        metrics.confusion(truth, guess, classes),
        seed=seed,
        resamples=plan.resamples,
        level=plan.level,
        cues=task.cues,
    )


def _end_to_end(
    network: Network, task: Task, target: str, submodule: str, plan: SegmentationSettings, seed: int
) -> np.ndarray:
    learned, truth, classes = task.masks[target]

    def inputs(images: np.ndarray) -> torch.Tensor:
        return network.preprocess(torch.from_numpy(images).movedim(-1, 1))

    fitted = train.train_end_to_end(
        network.module,
        submodule,
        inputs(task.train_images),
        learned,
        classes,
        head=plan.heads[0],
        seed=seed,
        settings=plan.replace(epochs=plan.end_to_end_epochs),
    )
    return fitted.predict(inputs(task.test_images), truth.shape[1:])
