"""Do the measures order networks alike? The rank correlation of every pair of measures, with a verdict.

`correlation` tests the few pairs that the parameters name. Here each measure meets each other one. All
coefficients are **turned towards shape**: of a measure whose larger values mean more texture (`cue`) the
negative is taken, so that a positive sign reads as agreement about shape, whatever a measure counts.

Two families of tests are corrected apart (Holm): the pairs with `REFERENCE`, which ask what a measure says
that the bias does not, and all others. So many tests need many permutations, since the smallest p-value of
P permutations is 1 / (P + 1): their number grows with that of the tests.

A pair agrees (or is contrary) where its interval lies above (below) zero **and** its corrected p-value is
below one minus the level. The interval alone, from networks drawn again, is too narrow where networks are
few; the p-value alone says nothing of size. Everything else is undecided, and the row says why.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from texshape.comparison.columns import AGREEMENT, HERE, REFERENCE
from texshape.comparison.correlation import holm, nested, ranks, within
from texshape.comparison.measures import MEASURES
from texshape.comparison.ties import tie
from texshape.stats import bootstrap
from texshape.techniques.base import Measure
from texshape.trials.names import HUMANS

if TYPE_CHECKING:
    import pandas as pd

    from texshape.config.comparison import ComparisonSettings

OTHERS = "others"
AGREE, CONTRARY, UNDECIDED, TIED = "agree", "contrary", "undecided", "tied"

#: smallest p-value, times the tests of a family, in units of what is significant
_FINENESS = 0.1
#: measures that are resampled at a time: memory is resamples x networks x seeds x so many
_TOGETHER = 6


def in_words(label: str) -> str:
    """A measure's label without a comma, as it stands in a list: ``accuracy on edges``, ``mIoU (shape)``."""
    label = label.replace(", last stage", "").replace("accuracy, ", "accuracy on ")
    first, comma, rest = label.partition(", ")
    return f"{first} ({rest})" if comma else label


def of_others(
    published: pd.DataFrame, settings: ComparisonSettings, *, seed: int = 0
) -> list[pd.DataFrame]:
    """The same of networks that others measured: a table for each hand, and no network in two.

    Parameters
    ----------
    published : DataFrame
        `columns.PUBLISHED_MEASURES`.
    settings, seed
        As of `agreement`.
    """
    tables = []
    for who, rows in published.groupby("measured_by", sort=False):
        about = rows.drop_duplicates("measure")
        others = [
            Measure(name, label, unit, "published_measures", "value", cue=cue)
            for name, label, unit, cue in zip(
                about["measure"],
                about["label"],
                about["unit"],
                about["cue"].fillna(""),
                strict=True,
            )
        ]
        # What they were trained on is not told in one word: each is of an arm of its own.
        frame = rows.assign(
            model=rows["network"], architecture=rows["network"], arm=rows["network"], seed=None,
            source="published_measures.csv: " + rows["source"],
        )  # fmt: skip
        frame = frame.astype({"seed": "Int64"})
        tables.append(agreement(frame, settings, others=others, measured_by=str(who), seed=seed))
    return tables


def agreement(
    comparison: pd.DataFrame,
    settings: ComparisonSettings,
    *,
    others: Sequence[Measure] = (),
    measured_by: str = HERE,
    seed: int = 0,
) -> pd.DataFrame:
    """Rank correlation of every pair of measures over networks.

    Parameters
    ----------
    comparison : DataFrame
        From `texshape.comparison.measures.collect`, of networks that saw the same images; humans are left
        out.
    settings : ComparisonSettings
        `least_networks`, `permutations` (at least so many), `resamples` and `level`.
    others : sequence of Measure
        Measures that are none of `MEASURES`; what is in neither is called by its name, and turned nowhere.
    measured_by : str
        Who measured the networks.
    seed : int

    Returns
    -------
    DataFrame
        `columns.AGREEMENT`, a row a pair of measures that some network has: pairs with `REFERENCE` first.
        Networks are drawn again and within them their seeds, the same for all pairs that rest on the same.
    """
    comparison = comparison[comparison["architecture"] != HUMANS]
    given = list(dict.fromkeys(comparison["measure"]))
    known = [name for name in MEASURES if name in given]
    names = [*known, *(name for name in given if name not in known)]
    if REFERENCE in names:
        names = [REFERENCE, *(name for name in names if name != REFERENCE)]
    sources = comparison.drop_duplicates("measure").set_index("measure")["source"].astype(str)
    declared = MEASURES | {measure.name: measure for measure in others}
    about = {
        name: {
            "measure": name,
            "label": declared[name].label if name in declared else name.replace("_", " "),
            "cue": declared[name].cue if name in declared else "",
            "table": sources[name].partition(".csv")[0],
        }
        for name in names
    }
    signs = np.array([-1.0 if about[name]["cue"] == "texture" else 1.0 for name in names])
    pairs = list(combinations(range(len(names)), 2))
    values, places = _wide(comparison, names)
    values = values * signs
    groups = _shared(values, places, pairs, settings.least_networks)
    family = [REFERENCE if names[i] == REFERENCE else OTHERS for i, _ in pairs]
    tests = max(Counter(family[m] for _, members in groups for m in members).values(), default=0)
    finest = _FINENESS * (1 - settings.level)
    permutations = max(settings.permutations, math.ceil(tests / finest))
    found: list[dict[str, object]] = [{} for _ in pairs]
    for rows, members in groups:
        own = [pairs[member] for member in members]
        numbers = _pairs(values[rows], places.iloc[rows], own, settings, permutations, seed)
        for member, number in zip(members, numbers, strict=True):
            found[member] = number
    table = []
    for (i, j), kind, numbers in zip(pairs, family, found, strict=True):
        both = ~np.isnan(values[:, [i, j]]).any(1)
        n = places["model"][both].nunique()
        row: dict[str, object] = {
            f"{key}_{end}": value
            for name, end in ((names[i], "x"), (names[j], "y"))
            for key, value in about[name].items()
        }
        row |= {"measured_by": measured_by, "family": kind, "n_networks": n,
                "n_seeds": int(both.sum()), "tied": tie(names[i], names[j], declared)}  # fmt: skip
        if not numbers:
            least = settings.least_networks
            row["reason"] = f"{n} networks have both measures, {least} needed"
        table.append(row | numbers)
    frame = AGREEMENT.frame(table)
    for kind in (REFERENCE, OTHERS):
        own = frame["family"] == kind
        for column, p in (("p_holm", "p_value"), ("within_holm", "within_p")):
            frame.loc[own, column] = holm(frame.loc[own, p].to_numpy(float))
        frame.loc[own, "n_tests"] = int(frame.loc[own, "p_value"].notna().sum())
    judged = [judge(row, 1 - settings.level) for row in frame.to_dict("records")]
    frame["verdict"] = [verdict for verdict, _ in judged]
    frame["reason"] = [reason for _, reason in judged]
    return frame


def judge(row: Mapping[str, Any], alpha: float) -> tuple[str, str]:
    """Verdict of a row of the table, and why nothing was decided.

    Returns
    -------
    verdict, reason : str
        `AGREE`, `CONTRARY`, `UNDECIDED` or `TIED`; a reason for the last two.
    """
    if row["tied"]:
        return TIED, row["tied"]
    if np.isnan(row["rho"]):
        return UNDECIDED, row["reason"]
    if np.isnan(row["ci_low"]) or np.isnan(row["ci_high"]):
        return UNDECIDED, "no interval: too many resamples leave the coefficient undefined"
    if row["ci_low"] <= 0 <= row["ci_high"]:
        return UNDECIDED, "the interval holds zero"
    if not row["p_holm"] < alpha:
        return UNDECIDED, f"not significant among {int(row['n_tests'])} tests"
    if (row["ci_low"] > 0) != (row["rho"] > 0):
        return UNDECIDED, "the interval lies on the other side of zero"
    return (AGREE if row["rho"] > 0 else CONTRARY), ""


def _wide(comparison: pd.DataFrame, names: Sequence[str]) -> tuple[np.ndarray, pd.DataFrame]:
    """Values (trainings, measures), NaN where undefined; and the network and arm of each row."""
    rows = comparison.assign(seed=comparison["seed"].fillna(-1))  # not trained here: one training
    wide = rows.pivot_table(index=["model", "seed"], columns="measure", values="value")
    wide = wide.reindex(columns=list(names))
    places = wide.index.to_frame(index=False)
    arms = comparison.drop_duplicates("model").set_index("model")["arm"].astype(str)
    return wide.to_numpy(float), places.assign(arm=places["model"].map(arms))


def _shared(
    values: np.ndarray, places: pd.DataFrame, pairs: Sequence[tuple[int, int]], least: int
) -> list[tuple[np.ndarray, list[int]]]:
    """Pairs by the trainings that have both measures, where these are of networks enough."""
    groups: dict[bytes, tuple[np.ndarray, list[int]]] = {}
    defined = ~np.isnan(values)
    for number, (i, j) in enumerate(pairs):
        both = defined[:, i] & defined[:, j]
        groups.setdefault(both.tobytes(), (np.flatnonzero(both), []))[1].append(number)
    return [
        (rows, members)
        for rows, members in groups.values()
        if places["model"].iloc[rows].nunique() >= least
    ]


def _pairs(
    values: np.ndarray,
    places: pd.DataFrame,
    pairs: Sequence[tuple[int, int]],
    settings: ComparisonSettings,
    permutations: int,
    seed: int,
) -> list[dict[str, Any]]:
    """Coefficients, intervals and p-values of pairs that rest on the same trainings.

    `values` are (trainings, measures), turned towards shape. The measure of number 0 is `REFERENCE`
    where there is one: its pairs have a coefficient within arms too.
    """
    codes = np.unique(places["model"], return_inverse=True)[1]
    first = np.unique(codes, return_index=True)[1]
    arms = places["arm"].iloc[first].tolist()
    used = sorted({measure for pair in pairs for measure in pair})
    groups = [values[codes == code][:, used] for code in range(len(first))]
    means = np.stack([group.mean(0) for group in groups])  # (networks, measures)
    standard = dict(zip(used, _standard(means.T), strict=True))
    resampled: dict[int, np.ndarray] = {}
    for start in range(
        0, len(used), _TOGETHER
    ):  # the draws are the same for each part of the measures
        part = slice(start, start + _TOGETHER)
        drawn = nested([group[:, part] for group in groups], settings.resamples, [seed])
        resampled |= zip(used[part], _standard(np.moveaxis(drawn, -1, 0)), strict=True)
    generator = np.random.default_rng([seed, 2])
    order = generator.permuted(np.tile(np.arange(len(means)), (permutations, 1)), axis=1)
    dealt: dict[int, np.ndarray] = {}
    rows: list[dict[str, Any]] = []
    for x, y in sorted(pairs, key=lambda pair: pair[1]):  # a measure is dealt out once
        rho = float((standard[x] * standard[y]).sum())
        row: dict[str, Any] = {"pair": (x, y), "rho": rho}
        rows.append(row)
        if np.isnan(rho):
            row["reason"] = f"all {len(means)} networks have the same value of one of the two"
            continue
        if y not in dealt:
            dealt = {y: standard[y][order]}
        reached = np.abs(dealt[y] @ standard[x]) >= abs(rho) - 1e-12
        row["p_value"] = float((1 + reached.sum()) / (1 + permutations))
        again = np.einsum("rn,rn->r", resampled[x], resampled[y])
        row["ci_low"], row["ci_high"] = bootstrap.interval(again, settings.level)
        if x == 0:
            held = within(
                means[:, used.index(x)], means[:, used.index(y)], arms,
                permutations=settings.permutations, seed=[seed, 3],
            )  # fmt: skip
            row |= dict(zip(("within_rho", "within_p", "n_within"), held, strict=True))
    by_pair = {row.pop("pair"): row for row in rows}
    return [by_pair[pair] for pair in pairs]


def _standard(values: np.ndarray) -> np.ndarray:
    """Ranks along the last axis, centred and of length one, whose products are rank correlations.

    NaN where all are the same.
    """
    centred = ranks(values) - (values.shape[-1] + 1) / 2
    return bootstrap.divide(centred, np.sqrt((centred**2).sum(-1, keepdims=True)))
