"""Known is not used: change a stage's activations and watch the network's own decisions.

The affine map acts on the channels at every position. At the last stage, where the network averages
over positions before it decides, this erases exactly what a linear reader of the average could
know. At earlier stages information that lies in the arrangement of positions remains, and later
layers can use it: little change there does not show that the cue was unused.

Erasers are fitted on all images of the set, those whose cues agree included. Without these, the
mean of the images with one texture would lack that class's shape, and erasing texture would erase
some shape. Decisions are those on conflict images.

    texshape run erasure --network results/procedural/cnn--plain/seed-0/final.pt \\
        --set results/procedural/data/base/cue-conflict --settings '{"fit": "pooled"}' \\
        --seed 0 --output erasure.csv
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

from texshape.errors import InputError
from texshape.models import outputs, positions
from texshape.models import stages as _stages
from texshape.models.positions import Group
from texshape.models.replay import Replay
from texshape.stats import bootstrap
from texshape.stats import exemplars as ex
from texshape.techniques.erasure import subspace as er
from texshape.techniques.erasure.settings import ErasureSettings

if TYPE_CHECKING:
    import pandas as pd

    from texshape.data.imageset import ImageSet
    from texshape.models.network import Network

# Of the activations that one pass gets: what follows a stage may need several times as much.
STACKED_BYTES = 2**28
TRIED = 4  # images on which it is tried what a network allows


@dataclass(frozen=True)
class Activations:
    """Rows of activations of one group, and the image of each row."""

    group: Group
    rows: np.ndarray
    images: np.ndarray
    pooled: np.ndarray


def measure(
    network: Network,
    images: ImageSet,
    *,
    settings: ErasureSettings,
    seed: int = 0,
    plain: ImageSet | None = None,
) -> list[dict[str, object]]:
    """Erase the shape- and the texture-coding subspace of each chosen stage.

    Parameters
    ----------
    network : Network
        With decision classes that hold all classes of the images.
    images : ImageSet
        Cue-conflict images; images without one of the cues are left out.
    settings : ErasureSettings
    seed : int
    plain : ImageSet, optional
        Images whose cues agree, for the accuracy that erasure leaves.

    Returns
    -------
    list of dict
        Rows of `texshape.techniques.erasure.tables.ERASURE`.

    Raises
    ------
    InputError
        If the network decides between other classes, a stage does not exist, no image is in
        conflict or a class has a single exemplar.
    """
    classes = network.require_classes()
    present = (images.labels[list(ex.CUES)].astype(str) != ex.ABSENT).all(axis=1).to_numpy()
    shown = np.flatnonzero(present)
    labels = images.labels.iloc[shown]
    if not ex.conflicting(labels).any():
        raise InputError("erasure: no image whose shape and texture are in conflict")
    for name in ex.CUES:
        _check_classes(network.name, classes, labels[name])
    cues = {name: ex.cue(labels, name) for name in ex.CUES}
    wanted = settings.stages or tuple(network.stages)[-1:]
    if not wanted:
        raise InputError(f"{network.name}: no stages are known; name submodules (erasure.stages)")
    chosen = _stages.resolve(network.module, network.stages, wanted)
    rows = []
    for stage in chosen:
        path = chosen[stage]
        found = collect(network, images.images, shown, path, settings=settings, seed=seed)
        head = decision_layer(network, images.images, shown, found[-1].pooled, settings.batch_size)
        plans = [
            er.fit_erasers(
                part.rows, part.images, cues, random_draws=settings.random_draws,
                groupings=settings.groupings, head=head, seed=seed,
            )
            for part in found
        ]  # fmt: skip
        rows += _measure_stage(network, images, shown, cues, stage, path, found, plans,
                               settings=settings, seed=seed, plain=plain)  # fmt: skip
    return rows


def _check_classes(name: str, classes: tuple[str, ...], labels: pd.Series) -> None:
    missing = sorted(set(labels.astype(str)) - set(classes))
    if missing:
        raise InputError(
            f"{name}: decides between {', '.join(classes)}; the images show {missing[0]} too"
        )


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
    with _stages.captured(network.module, {"stage": path}) as captured:
        for batch, numbers in _batches(images, indices, settings.batch_size):
            captured.clear()
            network.module(network.preprocess(batch.to(network.device)))
            if "stage" not in captured:
                raise InputError(f"stage '{path}': is not called in a forward pass")
            form = _stages.layout(network.module, path, captured["stage"].shape)
            flat = positions.flat(captured["stage"], form).float().cpu().numpy()  # (B, T, C)
            for group in positions.groups(form):
                inside = flat[:, group.start : group.stop]
                pooled = inside.mean(1)
                sampled = pooled[:, None]
                if settings.fit == "spatial":
                    count = min(settings.positions, inside.shape[1])
                    order = rng.permuted(
                        np.tile(np.arange(inside.shape[1]), (len(inside), 1)), axis=1
                    )
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
        batch, numbers = next(_batches(images, indices, batch_size))
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


class Changed:
    """A forward hook that gives the rest of the network several versions of each image.

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

    def __call__(self, _, __, output: Tensor) -> Tensor:
        """Replace the output."""
        if not isinstance(output, Tensor):
            raise InputError(
                f"stage '{self.path}': returns {type(output).__name__}; expected one tensor"
            )
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
def changed(network: Network, path: str, erasers: list[dict[Group, tuple]]) -> Iterator[Changed]:
    """Install the hook for the time of a block; the network is then as before."""
    hook = Changed(network.module, path, erasers)
    handle = network.module.get_submodule(path).register_forward_hook(hook)
    try:
        yield hook
    finally:
        handle.remove()


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
        changed(network, path, erasers) as hook,
        Replay(network.module, path) as replay,
    ):
        rest = _Rest(network.module, hook, replay)
        for batch, numbers in _batches(images, indices, batch_size):
            shown = network.preprocess(batch.to(network.device))
            for versions, logits in rest.passes(shown, [half[numbers] for half in halves]):
                scores = network.decide(logits)
                # an undefined score is no decision, though argmax gives its place
                best = scores.argmax(1).masked_fill(~scores.isfinite().all(1), -1).cpu().numpy()
                chosen[np.ix_(versions, numbers)] = best.reshape(len(versions), len(numbers))
    return chosen


class _Rest:
    """Shows batches to the network under all versions, and repeats as little as the network allows.

    The hook gives several versions in one pass, as many as fit into `STACKED_BYTES`. Two kinds of
    networks get one version a pass: those that read the size of their batch at the start and reshape
    by it, and those that answer otherwise to a picture beside its other versions. Where it takes
    several passes, what comes before the stage is played back. What a network allows is tried on a
    few images of the first batch, against a pass with one version that computes everything.
    """

    def __init__(self, module: nn.Module, hook: Changed, replay: Replay) -> None:
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
            except torch.OutOfMemoryError:
                raise
            except RuntimeError as error:
                raise InputError(f"stage '{self.hook.path}': cannot be changed ({error})") from None
            if len(logits) != len(chunk) * len(shown):
                raise InputError(
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


def _batches(
    images: np.ndarray, indices: np.ndarray, batch_size: int
) -> Iterator[tuple[Tensor, np.ndarray]]:
    """Batches (B, 3, height, width), uint8, and their places in `indices`."""
    for start in range(0, len(indices), batch_size):
        numbers = np.arange(start, min(start + batch_size, len(indices)))
        batch = torch.from_numpy(np.array(images[indices[numbers]])).permute(0, 3, 1, 2)
        yield batch.contiguous(), numbers


def _measure_stage(
    network: Network,
    images: ImageSet,
    shown: np.ndarray,
    cues: dict[str, ex.Cue],
    stage: str,
    path: str,
    found: list[Activations],
    plans: list[dict],
    *,
    settings: ErasureSettings,
    seed: int,
    plain: ImageSet | None,
) -> list[dict[str, object]]:
    conditions = list(plans[-1])
    erasers = [
        {part.group: plan[condition] for part, plan in zip(found, plans, strict=True)}
        for condition in conditions
    ]
    conflict = ex.conflicting(images.labels.iloc[shown])
    labels = images.labels.iloc[shown[conflict]]
    tested = {name: ex.cue(labels, name) for name in ex.CUES}
    half = {name: er.halves(cue)[conflict] for name, cue in cues.items()}
    classes = network.require_classes()
    chosen = decisions(
        network, images.images, shown[conflict], path, erasers,
        [half[condition.cue] for condition in conditions], batch_size=settings.batch_size,
    )  # fmt: skip
    right, n_plain = np.full(len(conditions), np.nan), 0
    if plain is not None and len(plain):
        right, n_plain = _plain_accuracy(network, plain, path, erasers, settings), len(plain)
    place = {name: number for number, name in enumerate(classes)}
    truth = {
        name: np.array([place[value] for value in cue.class_names])[cue.classes]
        for name, cue in tested.items()
    }
    reader, plan = found[-1].pooled, plans[-1]  # the class token where there is one
    shares, rates = {}, {}
    for number, condition in enumerate(conditions):
        marks = [chosen[number] == truth[name] for name in ex.CUES]
        marks += [
            by_chance(chosen[number], truth[name], truth[other])
            for name, other in (ex.CUES, ex.CUES[::-1])
        ]
        shares[condition] = np.mean(marks, axis=1)
        rates[condition] = ex.resampled_rates(
            np.stack(marks, 1), tested["shape"], tested["texture"],
            resamples=settings.resamples, seed=seed,
        )  # fmt: skip
    rows = []
    for number, condition in enumerate(conditions):
        share, drawn = shares[condition], rates[condition]
        row: dict[str, object] = {
            "stage": stage,
            "cue": condition.cue,
            "erased": condition.erased,
            "draw": condition.draw,
            "dimension": max(getattr(e, "dimension", 0) for e in plan[condition]),
            "n_units": reader.shape[1],
        }
        for column, name in enumerate(ex.CUES):
            low, high = bootstrap.interval(drawn[:, column], settings.level)
            row |= {
                f"{name}_share": float(share[column]),
                f"{name}_share_low": low,
                f"{name}_share_high": high,
            }
        bias, biases = _shape_bias(share), _shape_bias(drawn)
        low, high = bootstrap.interval(biases, settings.level)
        as_it_is = er.Condition(condition.cue, "nothing")
        reference = conditions.index(as_it_is)
        change = biases - _shape_bias(rates[as_it_is])
        change_low, change_high = bootstrap.interval(change, settings.level)
        row |= {
            "shape_bias": float(bias),
            "ci_low": low,
            "ci_high": high,
            "bias_change": float(bias - _shape_bias(shares[as_it_is])),
            "bias_change_low": change_low,
            "bias_change_high": change_high,
            "cue_match_rate": float(share[:2].sum()),
            "decisions_changed": float((chosen[number] != chosen[reference]).mean()),
            "accuracy_plain": float(right[number]),
            "n_images": int(conflict.sum()),
            "n_plain": n_plain,
        }
        row |= _taken(condition, shares, rates, settings.level, seed)
        row |= _read(condition, reader, cues, plan[condition], settings, seed)
        reasons = [str(row.pop("reason_taken")), str(row.pop("reason_read"))]
        if not share[:2].sum():
            reasons.insert(0, "no decision for either cue: no shape bias")
        row["reason"] = "; ".join(reason for reason in reasons if reason)
        rows.append(row)
    return rows


def _shape_bias(shares: np.ndarray) -> np.ndarray:
    """Of shares of shape and of texture decisions along the last axis."""
    return bootstrap.divide(shares[..., 0], shares[..., :2].sum(-1))


def by_chance(decided: np.ndarray, truth: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Chance that a decision names the cue of another picture with the same class of the other cue.

    What a network would match that knows nothing of the cue and decides as it does. Not 1 / classes:
    whoever follows the other cue hardly ever names this one's class in conflict pictures.

    Parameters
    ----------
    decided, truth, other : ndarray of shape (n,), int
        Class that was decided for, class of the cue, class of the other cue, numbered alike.

    Returns
    -------
    ndarray of shape (n,), float
    """
    size = int(max(decided.max(), truth.max(), other.max())) + 1
    table = np.zeros((size, size))
    np.add.at(table, (other, truth), 1)
    return table[other, decided] / table[other].sum(1)


def _taken(
    condition: er.Condition,
    shares: dict[er.Condition, np.ndarray],
    rates: dict[er.Condition, np.ndarray],
    level: float,
    seed: int,
) -> dict[str, object]:
    """Share of the cue's decisions beyond chance that a condition takes, and beyond the control.

    1 - (share - chance) / (share - chance as it is), both on the same pictures and resamples. The
    control is the mean over meaningless groupings, which are resampled too.
    """
    column = ex.CUES.index(condition.cue)

    def lead(one: er.Condition) -> tuple[float, np.ndarray]:
        share, drawn = shares[one], rates[one]
        return float(share[column] - share[2 + column]), drawn[:, column] - drawn[:, 2 + column]

    whole, whole_drawn = lead(er.Condition(condition.cue, "nothing"))
    found: dict[str, object] = {"expected_share": float(shares[condition][2 + column])}
    found["reason_taken"] = ""
    if condition.erased == "nothing":
        return found
    if not bootstrap.interval(whole_drawn, level)[0] > 0:
        found["reason_taken"] = (
            f"no decisions for {condition.cue} beyond chance: nothing that erasure could take"
        )
        return found

    def taken(one: er.Condition) -> tuple[float, np.ndarray]:
        now, now_drawn = lead(one)
        return 1 - now / whole, 1 - bootstrap.divide(now_drawn, whole_drawn)

    value, drawn = taken(condition)
    low, high = bootstrap.interval(drawn, level)
    found |= {"taken": value, "taken_low": low, "taken_high": high}
    controls = [taken(one) for one in shares if (one.cue, one.erased) == (condition.cue, "groups")]
    if condition.erased == "cue" and controls:
        generator = np.random.default_rng([seed, bootstrap.OBSERVERS])
        weights = bootstrap.draw_weights(generator, len(controls), len(drawn)) / len(controls)
        control = np.einsum("rd,dr->r", weights, np.stack([each for _, each in controls]))
        low, high = bootstrap.interval(drawn - control, level)
        beyond = value - float(np.mean([one for one, _ in controls]))
        found |= {"beyond": beyond, "beyond_low": low, "beyond_high": high}
    return found


def _read(
    condition: er.Condition,
    features: np.ndarray,
    cues: dict[str, ex.Cue],
    erasers: tuple[er.Eraser | None, er.Eraser | None],
    settings: ErasureSettings,
    seed: int,
) -> dict[str, object]:
    """What a new reader finds: of the cue always, of the other one without a control."""
    found: dict[str, object] = {"reason_read": "", "n_readout": 0}
    found["readout_chance"] = 1 / len(cues[condition.cue].class_names)
    for name in ex.CUES:
        if name != condition.cue and condition.erased not in ("nothing", "cue"):
            continue
        correct = er.read_after(
            features, cues, condition.cue, erasers, name, penalty=settings.penalty
        )
        read = np.isfinite(correct)
        if name == condition.cue:
            found["n_readout"] = int(read.sum())
        if not read.any():
            if name == condition.cue:
                found["reason_read"] = (
                    f"a class has fewer than three {name} exemplars: none to fit, train and test on"
                )
            continue
        drawn = ex.resampled_rates(
            correct[read][:, None], ex.some(cues["shape"], read), ex.some(cues["texture"], read),
            resamples=settings.resamples, seed=seed,
        )  # fmt: skip
        low, high = bootstrap.interval(drawn[:, 0], settings.level)
        found |= {
            f"readout_{name}": float(correct[read].mean()),
            f"readout_{name}_low": low,
            f"readout_{name}_high": high,
        }
    return found


def _plain_accuracy(
    network: Network,
    plain: ImageSet,
    path: str,
    erasers: list[dict[Group, tuple]],
    settings: ErasureSettings,
) -> np.ndarray:
    """Accuracy on images whose cues agree: one half gets the one eraser, the other the other."""
    shape = plain.labels["shape"].astype(str)
    classes = network.require_classes()
    _check_classes(network.name, classes, shape)
    indices = np.arange(len(plain))
    chosen = decisions(
        network, plain.images, indices, path, erasers, [indices % 2] * len(erasers),
        batch_size=settings.batch_size,
    )  # fmt: skip
    truth = np.array([classes.index(value) for value in shape])
    return (chosen == truth).mean(1)
