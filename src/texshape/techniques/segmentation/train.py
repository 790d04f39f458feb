"""Training a segmentation read-out on the maps of a frozen stage, or the whole network end to end.

What differs from the code of Islam, Kowal et al. (2021), and why: there the backbone runs in
training mode, so that its batch-norm statistics follow the segmentation images, and the epoch with
the best test score is kept. Here the backbone stays in evaluation mode, and the number of epochs is
fixed beforehand or chosen on a held-out part of the training images.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from texshape.errors import InputError
from texshape.models.stages import captured
from texshape.techniques.segmentation import heads
from texshape.techniques.segmentation.maps import as_map
from texshape.techniques.segmentation.metrics import IGNORE, confusion, iou
from texshape.techniques.segmentation.settings import ReadoutTraining


def upsampling(size_in: int, size_out: int) -> Tensor:
    """Matrix of linear interpolation along one axis, shape (size_out, size_in).

    Bilinear interpolation is one such matrix on either axis, and taking some of its rows gives some
    of the pixels at some of the cost.
    """
    unit = torch.eye(size_in)[None]
    return functional.interpolate(unit, size=size_out, mode="linear", align_corners=False)[0].T


@dataclass(frozen=True)
class Grid:
    """Pixels at which scores are wanted: every `step`-th row and column from `offset` on.

    Attributes
    ----------
    size : (int, int)
        Height and width of the masks.
    step : int
    offset : (int, int)
    """

    size: tuple[int, int]
    step: int = 1
    offset: tuple[int, int] = (0, 0)

    def of_scores(self, scores: Tensor) -> Tensor:
        """Enlarge scores (B, classes, h, w) by bilinear interpolation at these pixels."""
        rows, columns = (
            upsampling(small, large)[first :: self.step].to(scores)
            for small, large, first in zip(scores.shape[2:], self.size, self.offset, strict=True)
        )
        return rows @ scores @ columns.T

    def of_masks(self, masks: Tensor) -> Tensor:
        """Take the grid's pixels of masks (B, height, width)."""
        return masks[:, self.offset[0] :: self.step, self.offset[1] :: self.step]


def loss(scores: Tensor, target: Tensor) -> Tensor:
    """Mean cross-entropy over the pixels that are not ignored; 0 where all are.

    ``scores`` has shape (B, classes, height, width), ``target`` (B, height, width).
    """
    total = functional.cross_entropy(scores, target, ignore_index=IGNORE, reduction="sum")
    return total / (target != IGNORE).sum().clamp(min=1)


class Readout(nn.Module):
    """A head behind a fixed shift and scale of each channel.

    Channels differ in scale by orders of magnitude between stages; without this the same learning
    rate would favour some. It adds nothing that a convolution could not hold.
    """

    def __init__(self, head: nn.Module, centre: np.ndarray, scale: np.ndarray) -> None:
        super().__init__()
        self.head = head
        self.register_buffer("centre", torch.from_numpy(centre).float()[:, None, None])
        self.register_buffer("scale", torch.from_numpy(scale).float()[:, None, None])

    def forward(self, maps: Tensor, grid: Grid) -> Tensor:
        """Scores (B, classes, rows, columns) at a grid's pixels from maps (B, channels, h, w)."""
        x = (maps - self.centre) / self.scale
        if isinstance(self.head, nn.Conv2d) and x.shape[2:] == grid.size:
            # No interpolation: the convolution itself can leave out what is not wanted.
            x = functional.pad(x, [1, 1, 1, 1])[:, :, grid.offset[0] :, grid.offset[1] :]
            return functional.conv2d(x, self.head.weight, self.head.bias, stride=grid.step)
        return grid.of_scores(self.head(x))


def channel_scale(maps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each channel of (n, channels, h, w); 1 for constant ones."""
    mean = maps.mean((0, 2, 3), dtype=np.float64)
    deviation = maps.std((0, 2, 3), dtype=np.float64)
    return mean, np.where(deviation > 1e-6, deviation, 1)


def train_readout(
    maps: np.ndarray,
    targets: np.ndarray,
    classes: int,
    *,
    head: str,
    seed: int,
    settings: ReadoutTraining,
    device: torch.device | str = "cpu",
) -> Readout:
    """Fit a head to the cached maps of one stage.

    Parameters
    ----------
    maps : ndarray of shape (n, channels, h, w), float32
    targets : ndarray of shape (n, height, width), uint8
        Class by pixel, 255 where ignored.
    classes : int
    head : str
        One of `heads.HEADS`.
    seed : int
    settings : ReadoutTraining
    device : torch.device or str
        Where the head is trained, and stays.
    """
    inner = heads.build(head, maps.shape[1], classes, seed=seed, widths=settings.conv3_widths)
    model = Readout(inner, *channel_scale(maps)).to(device)
    if head == "conv3" and settings.conv3_epochs is not None:
        settings = settings.replace(epochs=settings.conv3_epochs)
    _fit(
        model,
        lambda rows, grid: model(_taken(maps, rows, device), grid),
        targets,
        [{"params": inner.parameters(), "lr": settings.learning_rate}],
        classes=classes,
        seed=seed,
        settings=settings,
    )
    return model


def predict(model: Readout, maps: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Most likely class at each pixel, ndarray of shape (n, *size), uint8."""
    model.eval()
    device = model.centre.device
    return _predict(lambda rows, grid: model(_taken(maps, rows, device), grid), len(maps), size)


def _taken(maps: np.ndarray, rows: np.ndarray, device: torch.device | str) -> Tensor:
    return torch.from_numpy(np.asarray(maps[rows])).to(device)


@dataclass(frozen=True)
class EndToEnd:
    """A copy of a network that was trained together with its head.

    Attributes
    ----------
    module, head : nn.Module
        In evaluation mode.
    scores : callable
        Preprocessed images (B, 3, S, S), on any device, and a grid to scores.
    """

    module: nn.Module
    head: nn.Module
    scores: Callable[[Tensor, Grid], Tensor]

    def predict(self, inputs: Tensor, size: tuple[int, int]) -> np.ndarray:
        """Classes (n, *size), uint8, of preprocessed images (n, 3, S, S)."""
        return _predict(lambda rows, grid: self.scores(inputs[rows], grid), len(inputs), size)


def train_end_to_end(
    module: nn.Module,
    submodule: str,
    inputs: Tensor,
    targets: np.ndarray,
    classes: int,
    *,
    head: str,
    seed: int,
    settings: ReadoutTraining,
) -> EndToEnd:
    """Train a copy of the network with a head on one stage, batch normalisation included.

    Parameters
    ----------
    module : nn.Module
        Left as it is.
    submodule : str
        Name of the submodule whose output the head reads.
    inputs : Tensor of shape (n, 3, S, S)
        Preprocessed images.
    targets : ndarray of shape (n, height, width), uint8
    """
    backbone = copy.deepcopy(module).requires_grad_(True)
    device = next(backbone.parameters()).device

    def stage(batch: Tensor) -> Tensor:
        with captured(backbone, {"stage": submodule}) as outputs:
            backbone(batch.to(device))
        found = as_map(outputs.get("stage"), backbone, submodule)
        if found is None:
            raise InputError(f"segmentation: '{submodule}' gives no spatial map")
        return found

    with torch.no_grad():
        channels = stage(inputs[:1]).shape[1]
    inner = heads.build(head, channels, classes, seed=seed, widths=settings.conv3_widths)
    inner.to(device)

    def scores(batch: Tensor, grid: Grid) -> Tensor:
        return grid.of_scores(inner(stage(batch)))

    _fit(
        nn.ModuleList([backbone, inner]),
        lambda rows, grid: scores(inputs[rows], grid),
        targets,
        [
            {"params": inner.parameters(), "lr": settings.learning_rate},
            {"params": backbone.parameters(), "lr": settings.backbone_rate},
        ],
        classes=classes,
        seed=seed,
        settings=settings,
    )
    return EndToEnd(backbone, inner, scores)


@torch.no_grad()
def _predict(
    scores: Callable[[np.ndarray, Grid], Tensor], count: int, size: tuple[int, int]
) -> np.ndarray:
    predicted = np.empty((count, *size), np.uint8)
    for start in range(0, count, 64):
        rows = np.arange(start, min(start + 64, count))
        predicted[rows] = scores(rows, Grid(size)).argmax(1).cpu().numpy()
    return predicted


def _fit(
    model: nn.Module,
    scores: Callable[[np.ndarray, Grid], Tensor],
    targets: np.ndarray,
    parameters: list[dict],
    *,
    classes: int,
    seed: int,
    settings: ReadoutTraining,
) -> None:
    """Train what `parameters` names; leaves the model in evaluation mode."""
    draws = np.random.default_rng([seed, 47])
    rows = draws.permutation(len(targets))
    held_out = rows[:0]
    if settings.epoch_from == "validation":
        count = round(settings.validation_share * len(rows))
        if not 0 < count < len(rows):
            raise InputError(
                f"segmentation: validation_share {settings.validation_share} of {len(rows)} "
                "training images leaves nothing to train on or to validate on"
            )
        held_out, rows = rows[:count], rows[count:]
    truth = torch.from_numpy(targets.astype(np.int64))
    size = tuple(targets.shape[1:])
    steps = settings.epochs * -(-len(rows) // settings.batch_size)
    if settings.optimizer == "adamw":
        optimizer = torch.optim.AdamW(parameters, weight_decay=settings.weight_decay)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    else:
        optimizer = torch.optim.SGD(parameters, momentum=0.9, weight_decay=settings.weight_decay)
        schedule = torch.optim.lr_scheduler.PolynomialLR(optimizer, steps, power=0.9)
    best, best_score = None, -np.inf
    for _ in range(settings.epochs):
        model.train()
        rows = draws.permutation(rows)
        for start in range(0, len(rows), settings.batch_size):
            batch = rows[start : start + settings.batch_size]
            offset = tuple(draws.integers(settings.pixel_step, size=2).tolist())
            grid = Grid(size, settings.pixel_step, offset)
            guess = scores(batch, grid)
            value = loss(guess, grid.of_masks(truth[batch]).to(guess.device))
            optimizer.zero_grad(set_to_none=True)
            value.backward()
            optimizer.step()
            schedule.step()
        model.eval()
        if len(held_out):
            guess = _predict(lambda part, grid: scores(held_out[part], grid), len(held_out), size)
            reached = np.nanmean(iou(confusion(targets[held_out], guess, classes).sum(0)))
            if reached > best_score:
                best, best_score = copy.deepcopy(model.state_dict()), reached
    if best is not None:
        model.load_state_dict(best)
