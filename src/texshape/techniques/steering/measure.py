"""The technique `steering`: move activations from texture towards shape and see what the network decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from texshape.errors import InputError, UnmeasurableError
from texshape.models import changed, positions
from texshape.models import stages as _stages
from texshape.stats import bootstrap
from texshape.stats import exemplars as ex
from texshape.techniques import shown
from texshape.techniques.inputs import Ahead, Inputs, Outputs
from texshape.techniques.reasons import without_classes, without_folds, without_stages
from texshape.techniques.steering import direction as _direction
from texshape.trials.moved import Moves, moves, slope

if TYPE_CHECKING:
    import pandas as pd

    from texshape.data.imageset import ImageSet
    from texshape.models.network import Network
    from texshape.techniques.steering.settings import SteeringSettings

NONE, CUES, OTHERS, RANDOM = "none", "cues", "others", "random"
LEAST_CLASSES = 4  # for directions of two other classes


@dataclass(frozen=True)
class Version:
    """One way to steer: a direction, a draw of it and a dose."""

    direction: str
    draw: int
    dose: float


def run(inputs: Inputs) -> Outputs:
    """Steer each chosen stage along the cues' direction and along the controls'."""
    from texshape.techniques.steering.tables import STEERING, STEERING_SLOPES

    rows, slopes = measure(
        inputs.deciding("conflict"), inputs.images("conflict"), shown.agreeing(inputs),
        own=not inputs.has("agreeing"), settings=inputs.settings, seed=inputs.seed,
        batch_size=inputs.evaluation.batch_size or shown.BATCH,
    )  # fmt: skip
    return {"steering": STEERING.frame(rows), "steering_slopes": STEERING_SLOPES.frame(slopes)}


def reason(inputs: Inputs) -> str:
    """Why nothing can be steered, or no decision follows; empty where both can."""
    return without_classes(inputs) or without_stages(inputs) or without_folds(inputs)


def measure(
    network: Network,
    images: ImageSet,
    agreeing: ImageSet,
    *,
    settings: SteeringSettings,
    own: bool = False,
    seed: int = 0,
    batch_size: int = shown.BATCH,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Dose-response of bias, cue matches and accuracy.

    Parameters
    ----------
    network : Network
        With decision classes that hold all classes of the images.
    images : ImageSet
        Cue-conflict images, those whose cues agree among them or not.
    agreeing : ImageSet
        Images of which those whose cues agree give the accuracy.
    settings : SteeringSettings
    own : bool
        Whether `agreeing` is `images`, so that it is steered by what was fitted on other exemplars;
        otherwise its exemplars are others anyway.
    seed : int
    batch_size : int

    Returns
    -------
    rows, slopes : list of dict
        Of `tables.STEERING` and `tables.STEERING_SLOPES`.

    Raises
    ------
    InputError
        If the network decides between other classes, a stage does not exist or returns no tensor, or
        no image is in conflict.
    """
    classes = network.require_classes()
    both = np.flatnonzero(
        (images.labels[list(ex.CUES)].astype(str) != ex.ABSENT).all(axis=1).to_numpy()
    )
    fitted = images.take(both)
    names = sorted({*fitted.labels["shape"].astype(str), *fitted.labels["texture"].astype(str)})
    part = _direction.parts(fitted.labels)
    tested = shown.in_conflict(fitted, settings.images, seed=seed)
    if not len(tested):
        raise InputError("steering: no image whose shape and texture are in conflict")
    if own:
        agreeing = fitted
    intact = shown.in_agreement(agreeing, settings.images, seed=seed)
    known = agreeing.labels["shape"].astype(str).isin(names).to_numpy()
    intact = intact[known[intact]]  # of other classes no direction is known
    sets = (
        _Shown(fitted, tested, names, part[tested]),
        _Shown(agreeing, intact, names, part[intact] if own else np.full(len(intact), 4)),
    )
    chosen = _stages.resolve(
        network.module, network.stages, settings.stages or tuple(network.stages)[-1:]
    )
    plan = versions(settings.doses, settings.draws, len(names))
    rows: list[dict[str, Any]] = []
    slopes: list[dict[str, Any]] = []
    for stage, path in chosen.items():
        found = _fitted(network, path, fitted, names, part, batch_size)
        decided = [
            changed.decisions(
                network, one.images, one.changes(network, path, found, plan, seed),
                batch_size=batch_size, after=path,
            )
            if len(one.images) else np.empty((len(plan), 0), dtype=int)
            for one in sets
        ]  # fmt: skip
        moved = moves(
            decided[0], sets[0].labels, decided[1], sets[1].labels, classes,
            resamples=settings.resamples, level=settings.level, seed=seed,
        )  # fmt: skip
        unit = list(found.values())[-1].spread
        rows += [
            {"stage": stage, "direction": one.direction, "draw": one.draw, "dose": one.dose,
             "length": abs(one.dose) * unit, **row}
            for one, row in zip(plan, moved.rows, strict=True)
        ]  # fmt: skip
        slopes += [{"stage": stage, **row} for row in over_doses(plan, moved, settings.level)]
    return rows, slopes


def versions(doses: Sequence[float], draws: int, classes: int) -> list[Version]:
    """All ways to steer, the network as it is first."""
    kinds = [(CUES, 1), (OTHERS, draws if classes >= LEAST_CLASSES else 0), (RANDOM, draws)]
    return [Version(NONE, 0, 0.0)] + [
        Version(kind, draw, float(dose))
        for kind, count in kinds
        for draw in range(count)
        for dose in sorted(doses)
    ]


def over_doses(plan: Sequence[Version], moved: Moves, level: float) -> list[dict[str, Any]]:
    """Rows of `tables.STEERING_SLOPES` without their stage: slopes of all three rates, by direction."""
    found: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for kind in dict.fromkeys(one.direction for one in plan if one.direction != NONE):
        draws = sorted({one.draw for one in plan if one.direction == kind})
        each = []
        for draw in draws:
            chosen = [0] + [i for i, v in enumerate(plan) if (v.direction, v.draw) == (kind, draw)]
            doses = np.array([plan[i].dose for i in chosen])
            # A bias goes up and down with the dose; what it costs grows to either side.
            each.append(
                [
                    np.stack(
                        [slope(doses if rate == 0 else abs(doses), values[..., chosen, rate])
                         for rate in range(3)], axis=-1,
                    )
                    for values in (moved.rates, moved.drawn)
                ]
            )  # fmt: skip
        found[kind] = tuple(np.mean([one[k] for one in each], axis=0) for k in (0, 1))
    rows = []
    for kind, (values, drawn) in found.items():
        undefined = np.isnan(values[0])
        row: dict[str, Any] = {"direction": kind}
        for number, (name, ends) in enumerate(
            (("bias_slope", "ci"), ("match_slope", "match_slope"),
             ("accuracy_slope", "accuracy_slope"))
        ):  # fmt: skip
            row[name] = float(values[number])
            low, high = bootstrap.interval(drawn[:, number], level)
            row[f"{ends}_low"], row[f"{ends}_high"] = (
                (np.nan, np.nan) if np.isnan(values[number]) else (low, high)
            )
        if kind != RANDOM and not undefined and not np.isnan(found[RANDOM][0][0]):
            beyond = drawn[:, 0] - found[RANDOM][1][:, 0]
            row["beyond_random"] = float(values[0] - found[RANDOM][0][0])
            row["beyond_random_low"], row["beyond_random_high"] = bootstrap.interval(beyond, level)
        row |= {key: moved.rows[0][key] for key in ("n_conflict", "n_agreeing")}
        row["reason"] = "the shape bias is undefined at some dose" if undefined else ""
        rows.append(row)
    return rows


@torch.no_grad()
def _fitted(
    network: Network, path: str, images: ImageSet, names: list[str], part: np.ndarray, size: int
) -> dict[positions.Group, _direction.Fit]:
    """What classes add to the activations of each group of a stage's positions, averaged over them."""
    means: dict[positions.Group, list[np.ndarray]] = {}
    rows = np.arange(len(images))
    for _, flat, form in positions.activations(network, path, images.images, rows, size):
        for group in positions.groups(form):
            pooled = flat[:, group.start : group.stop].mean(1)
            means.setdefault(group, []).append(pooled.float().cpu().numpy())
    number = {name: place for place, name in enumerate(names)}
    shape, texture = (
        images.labels[cue].astype(str).map(number).to_numpy(dtype=int) for cue in ex.CUES
    )
    found = {}
    for group, blocks in means.items():
        values = np.concatenate(blocks)
        if not np.isfinite(values).all():
            raise UnmeasurableError(f"stage '{path}': its activations are not finite")
        found[group] = _direction.fit(values, shape, texture, part, len(names))
    return found


class _Shown:
    """Images that are shown while a stage is steered, and the fit that each takes."""

    def __init__(
        self, images: ImageSet, rows: np.ndarray, names: list[str], take: np.ndarray
    ) -> None:
        self.labels: pd.DataFrame = images.labels.iloc[rows].reset_index(drop=True)
        self.images = images.images[rows]
        self.classes = len(names)
        number = {name: place for place, name in enumerate(names)}
        self.shape, self.texture = (
            self.labels[cue].astype(str).map(number).to_numpy(dtype=int) for cue in ex.CUES
        )
        self.take = take

    def changes(
        self,
        network: Network,
        path: str,
        found: dict[positions.Group, _direction.Fit],
        plan: Sequence[Version],
        seed: int,
    ) -> list[changed.Change]:
        """What `changed.decisions` is given, a version each."""
        vectors: dict[tuple[str, int], dict[positions.Group, np.ndarray]] = {}
        made: list[changed.Change] = []
        for one in plan:
            if one.direction == NONE:
                made.append(changed.unchanged)
                continue
            key = (one.direction, one.draw)
            if key not in vectors:
                vectors[key] = {
                    group: self.vectors(fit, *key, [seed, number])
                    for number, (group, fit) in enumerate(found.items())
                }
            lengths = {group: one.dose * fit.spread for group, fit in found.items()}
            made.append(partial(_steered, network, path, vectors[key], lengths))
        return made

    def vectors(self, fit: _direction.Fit, kind: str, draw: int, root: Sequence[int]) -> np.ndarray:
        """Unit vectors of the images, (n, units)."""
        rng = np.random.default_rng([*root, draw, 0 if kind == OTHERS else 1])
        shape, texture = self.shape, self.texture
        if kind == OTHERS:
            others = _direction.other_classes(self.classes, rng)[shape, texture]
            shape, texture = others.T
        elif kind == RANDOM:
            fit = _direction.random_like(fit, rng)
        return _direction.towards_shape(fit, self.take, shape, texture)


def _steered(
    network: Network,
    path: str,
    vectors: dict[positions.Group, np.ndarray],
    lengths: dict[positions.Group, float],
    rows: np.ndarray,
) -> Any:
    """A context in which a stage passes on its activations with the rows' vectors added everywhere."""

    def add(output: Tensor) -> Tensor:
        form = _stages.layout(network.module, path, output.shape)
        flat = positions.flat(output, form).clone()
        for group, own in vectors.items():
            move = torch.from_numpy(lengths[group] * own[rows]).to(flat)
            flat[:, group.start : group.stop] += move[:, None]
        return positions.restored(flat, output, form)

    return changed.output_of(network.module, path, add)


def ahead(inputs: Inputs) -> Ahead:
    """All images to fit the directions, then those that are steered along each by each dose."""
    settings, labels = inputs.settings, inputs.images("conflict").labels
    both = labels[(labels[list(ex.CUES)].astype(str) != ex.ABSENT).all(axis=1)]
    names = {*both["shape"].astype(str), *both["texture"].astype(str)}
    stages = max(1, len(settings.stages))
    plan = versions(settings.doses, settings.draws, len(names))
    steered = shown.ahead(inputs, len(plan), stages=stages, plays=True)
    return replace(steered, shown=steered.shown + stages * len(both))
