"""Known is not used: change a stage's activations and watch the network's own decisions.

The affine map acts on the channels at every position. At the last stage, where the network averages
over positions before it decides, this erases exactly what a linear reader of the average could
know. At earlier stages information that lies in the arrangement of positions remains, and later
layers can use it: little change there does not show that the cue was unused.

Erasers are fitted on all images of the set, those whose cues agree included. Without these, the
mean of the images with one texture would lack that class's shape, and erasing texture would erase
some shape. Decisions are those on conflict images.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from texshape.errors import InputError
from texshape.models import stages as _stages
from texshape.models.positions import Group
from texshape.stats import bootstrap
from texshape.stats import exemplars as ex
from texshape.techniques.erasure import subspace as er
from texshape.techniques.erasure.erased import Activations, collect, decision_layer, decisions
from texshape.techniques.erasure.settings import ErasureSettings

if TYPE_CHECKING:
    import pandas as pd

    from texshape.data.imageset import ImageSet
    from texshape.models.network import Network


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
    # A decision that is none (below 0) names no class, and least of all the last one.
    return np.where(decided < 0, 0.0, table[other, decided] / table[other].sum(1))


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
