"""Rank correlations between measures over networks, their seeds nested in them.

A network is one observation, the mean of its seeds: seeds of one network are no further networks.
Below `least_networks` there is a row with the count and the reason, and no coefficient. Networks
that share an architecture or a training arm are not independent draws of anything, so neither the
interval nor the p-value speaks of other networks than those like the ones at hand.

Training arms move most measures at once: two groups of networks that differ in both measures give a
large coefficient, whatever holds within either. So beside it stands a coefficient within arms, ranks
being taken and centred in each arm, with a p-value that deals a measure out anew within arms alone.
Architecture moves measures together too (a small field lowers whatever needs a shape), so there is
the like within architectures: what remains there comes from what networks were trained on.
Pairs of measures that are not free of each other are marked (`texshape.comparison.ties`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from texshape.comparison.columns import CORRELATIONS
from texshape.comparison.measures import MEASURES
from texshape.comparison.ties import tie
from texshape.stats import bootstrap
from texshape.trials.names import HUMANS

if TYPE_CHECKING:
    import pandas as pd

    from texshape.config.comparison import ComparisonSettings


def ranks(values: np.ndarray) -> np.ndarray:
    """Ranks within the last axis, ties shared; float64 of the same shape."""
    order = np.argsort(values, axis=-1, kind="stable")
    in_order = np.take_along_axis(values, order, -1)
    n = values.shape[-1]
    first = np.ones(values.shape, dtype=bool)
    first[..., 1:] = in_order[..., 1:] != in_order[..., :-1]
    place = np.broadcast_to(np.arange(n), values.shape)
    start = np.maximum.accumulate(np.where(first, place, 0), axis=-1)
    last = np.ones(values.shape, dtype=bool)
    last[..., :-1] = first[..., 1:]
    end = np.where(last, place, n)
    end = np.flip(np.minimum.accumulate(np.flip(end, -1), axis=-1), -1)
    found = np.empty(values.shape)
    np.put_along_axis(found, order, (start + end) / 2 + 1, axis=-1)
    return found


def spearman(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Spearman's rank correlation along the last axis; NaN where a side is constant."""
    return _pearson(ranks(x), ranks(y))


def partial_spearman(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Rank correlation of x and y with the ranks of z held constant; NaN where undefined."""
    xy, xz, yz = spearman(x, y), spearman(x, z), spearman(y, z)
    rest = (1 - xz**2) * (1 - yz**2)
    # A side that follows the covariate exactly leaves nothing to correlate but rounding.
    fine = rest > 1e-12
    return np.where(fine, (xy - xz * yz) / np.sqrt(np.where(fine, rest, 1.0)), np.nan)


def _pearson(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    x = x - x.mean(-1, keepdims=True)
    y = y - y.mean(-1, keepdims=True)
    return bootstrap.divide((x * y).sum(-1), np.sqrt((x**2).sum(-1) * (y**2).sum(-1)))


def holm(p_values: np.ndarray) -> np.ndarray:
    """Adjust p-values for their number (Holm 1979, Scandinavian Journal of Statistics 6, 65-70).

    Parameters
    ----------
    p_values : ndarray of shape (k,)
        NaN marks a test that was not made: it stays NaN and does not count.
    """
    p = np.asarray(p_values, dtype=float)
    adjusted = np.full(p.shape, np.nan)
    made = np.flatnonzero(~np.isnan(p))
    order = made[np.argsort(p[made], kind="stable")]
    factors = len(order) - np.arange(len(order))
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * factors), 1.0)
    return adjusted


def permutation_p(
    x: np.ndarray, y: np.ndarray, *, permutations: int, seed: int | list[int] = 0
) -> float:
    """Two-sided p-value of the rank correlation: y is dealt out anew among the networks."""
    rx, ry = ranks(x), ranks(y)
    generator = np.random.default_rng(seed)
    dealt = generator.permuted(np.tile(ry, (permutations, 1)), axis=1)
    observed = abs(_pearson(rx, ry))
    reached = np.abs(_pearson(np.broadcast_to(rx, dealt.shape), dealt)) >= observed - 1e-12
    return float((1 + reached.sum()) / (1 + permutations))


def within(
    x: np.ndarray, y: np.ndarray, groups: list[str], *, permutations: int, seed: int | list[int] = 0
) -> tuple[float, float, int]:
    """Rank correlation within groups, and its two-sided p-value from permutations within them.

    Parameters
    ----------
    x, y : ndarray of shape (n,)
    groups : list of n str
        A group of one says nothing and does not count.

    Returns
    -------
    rho, p, n : float, float, int
        NaN where no group has two members that differ in both; `n` members of groups of two or more.
    """
    names, codes, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    kept = sizes[codes] > 1
    rx, ry = np.zeros(len(x)), np.zeros(len(y))
    for one in range(len(names)):
        own = codes == one
        rx[own] = ranks(x[own]) - (own.sum() + 1) / 2
        ry[own] = ranks(y[own]) - (own.sum() + 1) / 2
    scale = np.sqrt((rx**2).sum() * (ry**2).sum())
    if not scale:
        return float("nan"), float("nan"), int(kept.sum())
    generator = np.random.default_rng(seed)
    dealt = np.tile(ry, (permutations, 1))
    for one in range(len(names)):
        own = codes == one
        dealt[:, own] = generator.permuted(dealt[:, own], axis=1)
    rho = float((rx * ry).sum() / scale)
    reached = np.abs(dealt @ rx / scale) >= abs(rho) - 1e-12
    return rho, float((1 + reached.sum()) / (1 + permutations)), int(kept.sum())


def correlations(
    comparison: pd.DataFrame, settings: ComparisonSettings, *, seed: int = 0
) -> pd.DataFrame:
    """Rank correlation of each pair of measures that the settings name.

    Parameters
    ----------
    comparison : DataFrame
        From `texshape.comparison.measures.collect`, of networks that saw the same images.
    settings : ComparisonSettings
    seed : int

    Returns
    -------
    DataFrame
        `columns.CORRELATIONS`, one row a pair. ``p_value`` from permutations of the networks, ``p_holm``
        adjusted for the ``n_tests`` that were made; the interval resamples networks and within
        them seeds. ``partial_rho`` holds the covariate constant, with an interval and no test.
        ``within_rho``, ``within_p`` and ``within_holm`` are those within arms, of the ``n_within``
        networks whose arm has another one; ``architecture_rho`` and so on are the like within
        architectures; ``coupled`` says what ties the two measures.
    """
    import pandas as pd

    comparison = comparison[comparison["architecture"] != HUMANS]
    rows = []
    for number, (x, y) in enumerate(settings.correlations):
        row = {"measure_x": x, "measure_y": y, "covariate": settings.covariate}
        rows.append({**row, **_correlate(comparison, x, y, settings, [seed, number])})
    table = pd.DataFrame(rows)
    table["p_holm"] = holm(table["p_value"].to_numpy(float))
    for name in ("within", "architecture"):
        table[f"{name}_holm"] = holm(table[f"{name}_p"].to_numpy(float))
    table["coupled"] = [
        tie(*pair) for pair in zip(table["measure_x"], table["measure_y"], strict=True)
    ]
    table["n_tests"] = int(table["p_value"].notna().sum())
    return table.reindex(columns=CORRELATIONS.names)


def _correlate(
    comparison: pd.DataFrame, x: str, y: str, settings: ComparisonSettings, seed: list[int]
) -> dict[str, object]:
    values = _paired(comparison, [x, y])
    found: dict[str, object] = {
        "rho": np.nan, "ci_low": np.nan, "ci_high": np.nan, "p_value": np.nan,
        "n_networks": len(values), "n_seeds": sum(map(len, values.values())),
        "partial_rho": np.nan, "partial_low": np.nan, "partial_high": np.nan,
        "n_networks_partial": 0, "within_rho": np.nan, "within_p": np.nan, "n_within": 0,
        "architecture_rho": np.nan, "architecture_p": np.nan, "n_architecture": 0,
        "reason": "",
    }  # fmt: skip
    if len(values) < settings.least_networks:
        found["reason"] = _too_few(comparison, x, y, len(values), settings.least_networks)
        return found
    mean = np.stack([one.mean(0) for one in values.values()])  # (networks, 2)
    rho = float(spearman(mean[:, 0], mean[:, 1]))
    if np.isnan(rho):
        same = x if np.ptp(mean[:, 0]) == 0 else y
        found["reason"] = f"all {len(values)} networks have the same {same}"
        return found
    drawn = nested(list(values.values()), settings.resamples, seed)
    low, high = bootstrap.interval(spearman(drawn[..., 0], drawn[..., 1]), settings.level)
    p = permutation_p(mean[:, 0], mean[:, 1], permutations=settings.permutations, seed=[*seed, 0])
    found |= {"rho": rho, "ci_low": low, "ci_high": high, "p_value": p}
    networks = comparison.drop_duplicates("model").set_index("model").loc[list(values)]
    for name, column, stream in (("within", "arm", 2), ("architecture", "architecture", 3)):
        held = within(
            mean[:, 0], mean[:, 1], networks[column].astype(str).tolist(),
            permutations=settings.permutations, seed=[*seed, stream],
        )  # fmt: skip
        found |= dict(zip((f"{name}_rho", f"{name}_p", f"n_{name}"), held, strict=True))
    if settings.covariate in (x, y):
        return found
    values = _paired(comparison, [x, y, settings.covariate])
    found["n_networks_partial"] = len(values)
    if len(values) < settings.least_networks:
        found["reason"] = f"{len(values)} networks have {settings.covariate} too: no partial rho"
    else:
        mean = np.stack([one.mean(0) for one in values.values()])
        drawn = nested(list(values.values()), settings.resamples, seed)
        low, high = bootstrap.interval(partial_spearman(*np.moveaxis(drawn, -1, 0)), settings.level)
        found["partial_rho"] = float(partial_spearman(*mean.T))
        if np.isnan(found["partial_rho"]):
            found["reason"] = f"nothing is left with {settings.covariate} held constant"
            return found
        found |= {"partial_low": low, "partial_high": high}
    return found


def _paired(comparison: pd.DataFrame, measures: list[str]) -> dict[str, np.ndarray]:
    """Values of the seeds in which all measures are defined, (seeds, measures), by network."""
    rows = comparison[comparison["measure"].isin(measures)]
    rows = rows.assign(seed=rows["seed"].fillna(-1))  # not trained here: one training of its own
    wide = rows.pivot_table(index=["model", "seed"], columns="measure", values="value")
    wide = wide.reindex(columns=measures).dropna()
    by_model = wide.groupby(level="model")
    return {str(model): one.to_numpy(float) for model, one in by_model}


def nested(values: list[np.ndarray], resamples: int, seed: list[int]) -> np.ndarray:
    """Networks drawn with replacement, for each draw its seeds: (resamples, networks, measures)."""
    generator = np.random.default_rng([*seed, 1])
    n, most = len(values), max(map(len, values))
    sizes = np.array([len(one) for one in values])
    padded = np.zeros((n, most, values[0].shape[1]))
    for place, one in enumerate(values):
        padded[place, : len(one)] = one
    chosen = generator.integers(0, n, size=(resamples, n))
    size = sizes[chosen][..., None]
    seeds = (generator.random((resamples, n, most)) * size).astype(int)
    counted = np.arange(most) < size  # a network has as many draws as it has seeds
    drawn = padded[chosen[..., None], seeds]  # (resamples, networks, most, measures)
    return (drawn * counted[..., None]).sum(2) / size


def _too_few(comparison: pd.DataFrame, x: str, y: str, both: int, least: int) -> str:
    """Say how many networks lack which measure, and whether no network has it."""
    networks = list(dict.fromkeys(comparison["model"]))
    parts = [f"{both} of {len(networks)} networks have both measures, {least} needed"]
    for measure in (x, y):
        rows = comparison[(comparison["measure"] == measure) & comparison["value"].notna()]
        lacking = [model for model in networks if model not in set(rows["model"])]
        label = f"{measure} ({MEASURES[measure].label})"
        if networks and len(lacking) == len(networks):
            parts.append(f"no network has {label}")
        elif lacking:
            named = ", ".join(lacking[:3]) + (", ..." if len(lacking) > 3 else "")
            parts.append(f"{label} is missing for {len(lacking)}: {named}")
    return "; ".join(parts)
