"""A network whose activations at one stage are erased: what it decides, and what lies there.

The affine map acts on the channels at every position. What comes after the stage is run anew, what comes
before it once (`texshape.models.replay`), where the network allows it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from texshape.devices import is_of_device
from texshape.errors import UnmeasurableError
from texshape.models import outputs, positions
from texshape.models import stages as _stages
from texshape.models.changed import TRIED, decided, output_of
from texshape.models.positions import Group
from texshape.models.preprocessing import batches
from texshape.models.replay import Replay
from texshape.techniques.erasure import subspace as er
from texshape.techniques.erasure.settings import ErasureSettings

if TYPE_CHECKING:
    from texshape.models.network import Network

# Of the activations that one pass gets: what follows a stage may need several times as much.
STACKED_BYTES = 2**28


@dataclass(frozen=True)
class Activations:
    """Rows of activations of one group, and the image of each row."""

    group: Group
    rows: np.ndarray
    images: np.ndarray
    pooled: np.ndarray


@torch.no_grad()
def collect(
    network: Network,
    images: np.ndarray,
    indices: np.ndarray,
    path: str,
    *,
    settings: ErasureSettings,
    seed: int = 0,
) -> list[Activations]:
    """Activations on which erasers are fitted: averaged over positions, or at sampled ones.

    Parameters
    ----------
    network : Network
    images : ndarray of shape (n, height, width, 3), uint8
    indices : ndarray of shape (m,), int
        Images to show.
    path : str
        Submodule.
    settings : ErasureSettings
    seed : int

    Returns
    -------
    list of Activations
        One a group; a class token last.
    """
    rng = np.random.default_rng([seed, 7])
    parts: dict[Group, list[tuple[np.ndarray, np.ndarray, np.ndarray]]] = {}
    shown = positions.activations(network, path, images, indices, settings.batch_size)
    for numbers, values, form in shown:
        flat = values.float().cpu().numpy()
        for group in positions.groups(form):
            inside = flat[:, group.start : group.stop]
            pooled = inside.mean(1)
            sampled = pooled[:, None]
            if settings.fit == "spatial":
                count = min(settings.positions, inside.shape[1])
                order = rng.permuted(np.tile(np.arange(inside.shape[1]), (len(inside), 1)), axis=1)
                sampled = np.take_along_axis(inside, order[:, :count, None], axis=1)
            owner = np.repeat(numbers, sampled.shape[1])
            parts.setdefault(group, []).append(
                (sampled.reshape(-1, sampled.shape[2]), owner, pooled)
            )
    return [
        Activations(group, *(np.concatenate(column) for column in zip(*rows, strict=True)))
        for group, rows in parts.items()
    ]


@torch.inference_mode()
def decision_layer(
    network: Network,
    images: np.ndarray,
    indices: np.ndarray,
    pooled: np.ndarray,
    batch_size: int,
) -> np.ndarray | None:
    """Weights of the linear layer that turns a stage's average into the network's outputs.

    Parameters
    ----------
    network : Network
    images : ndarray of shape (n, height, width, 3), uint8
    indices : ndarray of shape (m,), int
        Images whose averages are known.
    pooled : ndarray of shape (m, units)
        Averages over positions, or class tokens.
    batch_size : int

    Returns
    -------
    ndarray of shape (outputs, units), or None
        None where no linear layer gets just these averages and gives just these outputs.
    """
    seen: list[tuple[nn.Linear, Tensor, Tensor]] = []

    def keep(module: nn.Linear, inputs: tuple, output: Tensor) -> None:
        seen.append((module, inputs[0], output))

    layers = [module for module in network.module.modules() if isinstance(module, nn.Linear)]
    handles = [layer.register_forward_hook(keep) for layer in layers]
    try:
        numbers, batch = next(batches(images, indices, batch_size))
        logits = network.module(network.preprocess(batch.to(network.device)))
    finally:
        for handle in handles:
            handle.remove()
    known = torch.from_numpy(pooled[numbers])
    for layer, given, output in seen:
        given = given.float().cpu()
        if (
            given.shape == known.shape
            and output.shape == logits.shape
            and torch.allclose(given, known, rtol=1e-3, atol=1e-4 * float(known.abs().max()))
            and torch.allclose(output, logits)
        ):
            return layer.weight.detach().double().cpu().numpy()
    return None


class Erased:
    """A function of a stage's output that gives the rest of the network several versions of each image.

    A stage of output (B, ...) passes on (V * B, ...): version 0 of all images, then version 1, ...
    So what comes before the stage is computed once.

    Parameters
    ----------
    module : nn.Module
        The whole network.
    path : str
        Submodule.
    erasers : list of dict of Group to pair of Eraser or None
        One entry a version; the pair's members are for images of half 0 and of half 1.

    Attributes
    ----------
    shown : list of (int, ndarray of shape (B,))
        The versions that a pass is to give, by their places in `erasers`, with the half of each image.
    bytes : int
        Of the last output, one version.
    """

    def __init__(self, module, path: str, erasers: list[dict[Group, tuple]]) -> None:
        self.module, self.path = module, path
        self.maps = [
            {group: [_tensors(eraser) for eraser in pair] for group, pair in version.items()}
            for version in erasers
        ]
        self.shown: list[tuple[int, np.ndarray]] = []
        self.bytes = 0

    def __call__(self, output: Tensor) -> Tensor:
        """What the stage passes on in place of its output."""
        self.bytes = output.numel() * output.element_size()
        form = _stages.layout(self.module, self.path, output.shape)
        flat = positions.flat(output, form)
        stack = flat.new_empty(len(self.shown), *flat.shape)
        for changed, (version, half) in zip(stack, self.shown, strict=True):
            changed.copy_(flat)
            for group, pair in self.maps[version].items():
                for number, maps in enumerate(pair):
                    rows = torch.from_numpy(np.flatnonzero(half == number)).to(flat.device)
                    if maps is None or not len(rows):
                        continue
                    mean, projection = (tensor.to(flat) for tensor in maps)
                    part = flat[rows, group.start : group.stop]
                    changed[rows, group.start : group.stop] = part - (part - mean) @ projection
        return positions.restored(stack.flatten(0, 1), output, form)


def _tensors(eraser: er.Eraser | None) -> tuple[Tensor, Tensor] | None:
    if eraser is None:
        return None
    return torch.from_numpy(eraser.mean), torch.from_numpy(eraser.projection)


@contextmanager
def erased(network: Network, path: str, erasers: list[dict[Group, tuple]]) -> Iterator[Erased]:
    """Put the versions in the place of a stage's output, for the time of a block."""
    hook = Erased(network.module, path, erasers)
    with output_of(network.module, path, hook):
        yield hook


def decisions(
    network: Network,
    images: np.ndarray,
    indices: np.ndarray,
    path: str,
    erasers: list[dict[Group, tuple]],
    halves: list[np.ndarray],
    *,
    batch_size: int,
) -> np.ndarray:
    """Decisions of the network under each version of a stage's activations.

    Parameters
    ----------
    network : Network
    images : ndarray of shape (n, height, width, 3), uint8
    indices : ndarray of shape (m,), int
        Images to show.
    path : str
        Submodule.
    erasers : list of dict of Group to pair of Eraser or None
        One entry a version.
    halves : list of ndarray of shape (m,), int
        For each version, half of each shown image: which of the pair to use.
    batch_size : int

    Returns
    -------
    ndarray of shape (versions, m), int
        Index of the class; -1 where a score is undefined.
    """
    chosen = np.empty((len(erasers), len(indices)), dtype=int)
    with (
        torch.inference_mode(False),  # whose tensors do not count how often they are written over
        torch.no_grad(),
        erased(network, path, erasers) as hook,
        Replay(network.module, path) as replay,
    ):
        rest = _Rest(network.module, hook, replay)
        for numbers, batch in batches(images, indices, batch_size):
            shown = network.preprocess(batch.to(network.device))
            for versions, logits in rest.passes(shown, [half[numbers] for half in halves]):
                best = decided(network.decide(logits)).reshape(len(versions), len(numbers))
                chosen[np.ix_(versions, numbers)] = best
    return chosen


class _Rest:
    """Shows batches to the network under all versions, and repeats as little as the network allows.

    The hook gives several versions in one pass, as many as fit into `STACKED_BYTES`. Two kinds of
    networks get one version a pass: those that read the size of their batch at the start and reshape
    by it, and those that answer otherwise to a picture beside its other versions. Where it takes
    several passes, what comes before the stage is played back. What a network allows is tried on a
    few images of the first batch, against a pass with one version that computes everything.
    """

    def __init__(self, module: nn.Module, hook: Erased, replay: Replay) -> None:
        self.module, self.hook, self.replay = module, hook, replay
        self.count = len(hook.maps)
        self.size = 0  # versions a pass; 0 before the first batch
        self.plays = False

    def passes(self, shown: Tensor, halves: list[np.ndarray]) -> Iterator[tuple[list[int], Tensor]]:
        """Versions of images (B, 3, S, S), and their logits (versions * B, outputs)."""
        if not self.size:
            self._try(shown, halves)
        chunks = np.array_split(np.arange(self.count), math.ceil(self.count / self.size))
        for number, chunk in enumerate(chunks):
            run = self.module
            if self.plays:
                run = self.replay.play if number else self.replay.record
            try:
                logits = self._show(run, shown, chunk.tolist(), halves)
            except RuntimeError as error:
                if is_of_device(error):
                    raise
                raise UnmeasurableError(
                    f"stage '{self.hook.path}': cannot be changed ({error})"
                ) from None
            if len(logits) != len(chunk) * len(shown):
                raise UnmeasurableError(
                    f"stage '{self.hook.path}': {len(shown)} images became {len(logits)} decisions"
                )
            yield chunk.tolist(), logits

    def _show(
        self,
        run: Callable[[Tensor], Tensor],
        shown: Tensor,
        versions: Sequence[int],
        halves: list[np.ndarray],
    ) -> Tensor:
        self.hook.shown = [(version, halves[version]) for version in versions]
        return run(shown)

    def _try(self, shown: Tensor, halves: list[np.ndarray]) -> None:
        """Find out on a few images how many versions go into a pass, and what can be played."""
        few, halves = shown[:TRIED], [half[:TRIED] for half in halves]
        self.size = 1
        if self.count > 1:
            try:
                alone = self._show(self.module, few, [1], halves)
                if self._stacks(few, halves, alone):
                    fit = STACKED_BYTES * len(few) // max(self.hook.bytes * len(shown), 1)
                    self.size = min(max(fit, 1), self.count)
                if self.size < self.count:
                    self._show(self.replay.record, few, [0], halves)
                    played = self._show(self.replay.play, few, [1], halves)
                    self.plays = outputs.same(played, alone)
            except torch.OutOfMemoryError:
                raise
            except RuntimeError:  # `passes` says so where it is not the trial's fault
                self.plays = False
        if not self.plays:
            self.replay.stop()

    def _stacks(self, shown: Tensor, halves: list[np.ndarray], alone: Tensor) -> bool:
        """Whether a picture's answer is the same beside another version of it."""
        try:
            both = self._show(self.module, shown, [0, 1], halves)
        except RuntimeError:
            return False
        return len(both) == 2 * len(alone) and outputs.same(both[len(alone) :], alone)
