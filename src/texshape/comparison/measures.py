"""Every measure of every network and seed as one tidy table, taken from the tables of each
technique.

Nothing is computed anew here but what joins two cells of one table (a ratio, a difference), with
limits from theirs. A table that an experiment does not make is absent from the comparison; a value
that its table leaves undefined is an empty cell with the reason.

"Last stage" is the last one of the network, "best stage" the one with the largest value: the latter
is chosen on the images that it is reported on and so a little too good. Of several checkpoints the
last counts. Baselines (pixels, untrained networks as models of their own) and single human
observers are no networks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from texshape.catalogue import declared
from texshape.comparison import limits
from texshape.comparison.columns import COMPARISON
from texshape.errors import InputError, nearest
from texshape.stats.proportions import wilson

if TYPE_CHECKING:
    import pandas as pd

    from texshape.config.comparison import ComparisonSettings
    from texshape.techniques.base import Measure, Technique

KEYS = ["model", "architecture", "arm", "seed"]
COLUMNS = [*KEYS, *COMPARISON.names]
_CI = ("ci_low", "ci_high")
BASELINES = ("baseline", "untrained")
HUMANS = "humans"

#: measure -> (label in figures, unit); the order is that of the tables
MEASURES: dict[str, tuple[str, str]] = {
    "shape_bias": ("shape bias", "fraction"),
    "cue_match_rate": ("cue match rate", "fraction"),
    "response_entropy": ("entropy of decisions", "bits"),
    "plain_accuracy": ("accuracy, plain images", "fraction"),
    "stylized_accuracy": ("accuracy, stylized images", "fraction"),
    "silhouette_accuracy": ("accuracy, silhouettes", "fraction"),
    "edge_accuracy": ("accuracy, edges", "fraction"),
    "texture_accuracy": ("accuracy, texture patches", "fraction"),
    "readout_shape": ("shape decodable, last stage", "fraction"),
    "readout_texture": ("texture decodable, last stage", "fraction"),
    "readout_shape_best": ("shape decodable, best stage", "fraction"),
    "readout_texture_best": ("texture decodable, best stage", "fraction"),
    "information_shape": ("shape information, last stage", "nats a unit"),
    "information_texture": ("texture information, last stage", "nats a unit"),
    "islam2021_score_shape": ("shape score", "score"),
    "islam2021_score_texture": ("texture score", "score"),
    "islam2021_share_shape": ("shape dimensions", "fraction"),
    "islam2021_share_texture": ("texture dimensions", "fraction"),
    "islam2021_share_residual": ("residual dimensions", "fraction"),
    "segmentation_binary": ("mIoU object, best stage", "fraction"),
    "segmentation_shape": ("mIoU shape, best stage", "fraction"),
    "segmentation_semantic": ("mIoU class, best stage", "fraction"),
    "segmentation_binary_end_to_end": ("mIoU object, end to end", "fraction"),
    "segmentation_shape_end_to_end": ("mIoU shape, end to end", "fraction"),
    "segmentation_semantic_end_to_end": ("mIoU class, end to end", "fraction"),
    "receptive_field": ("effective receptive field", "px"),
    "balance_point": ("balance point", "texture strength"),
    "shuffling_ratio": ("shuffled / whole accuracy", "ratio"),
    "corruption_accuracy": ("accuracy under corruption", "fraction"),
    "corruption_error_ratio": ("corruption error ratio", "ratio"),
    "used_shape": ("shape used, last stage", "fraction"),
    "used_texture": ("texture used, last stage", "fraction"),
    "error_consistency": ("error consistency with humans", "kappa"),
    "error_consistency_17": ("error consistency, 17 data sets", "kappa"),
}


def _shape_bias(frame: pd.DataFrame, settings: ComparisonSettings) -> list[pd.DataFrame]:
    source = "shape_bias.csv: conflict images"
    counted = frame["n_shape"] + frame["n_texture"]
    return [
        _rows(frame, "shape_bias", "shape_bias", n=counted, source=f"{source}, matches of a cue",
              reason="no decision for either cue"),
        _rows(frame, "cue_match_rate", "cue_match_rate", interval=None, n="n_conflict",
              source=source, reason="no conflict image"),
    ]  # fmt: skip


_SETS = {
    "plain_accuracy": ("test-plain", "shape"),
    "stylized_accuracy": ("test-stylized", "shape"),
    "silhouette_accuracy": ("silhouettes", "shape"),
    "edge_accuracy": ("edges", "shape"),
    "texture_accuracy": ("textures", "texture"),
}


def _accuracy(frame: pd.DataFrame, settings: ComparisonSettings) -> list[pd.DataFrame]:
    found = []
    for measure, (name, cue) in _SETS.items():
        rows = frame[(frame["set"] == name) & (frame["cue"] == cue)]
        source = f"accuracy.csv: set {name}, label {cue}"
        found.append(_rows(rows, measure, "accuracy", source=source))
    rows = frame[(frame["set"] == "cue-conflict") & (frame["cue"] == "shape")]
    if "response_entropy" in rows.columns:
        found.append(
            _rows(rows, "response_entropy", "response_entropy", interval=None,
                  source="accuracy.csv: set cue-conflict, conflict images")
        )  # fmt: skip
    return found


def _readout(frame: pd.DataFrame, settings: ComparisonSettings) -> list[pd.DataFrame]:
    frame = last_epoch(frame[frame["input"] == settings.input])
    found = []
    for cue in ("shape", "texture"):
        rows = frame[frame["cue"] == cue]
        for suffix, chosen, rule in (
            ("", last_stage(rows), "last stage"),
            ("_best", _best(rows, "accuracy"), "best stage"),
        ):
            source = "readout.csv: " + rule + " (" + chosen["stage"] + f"), {settings.input}"
            found.append(
                _rows(chosen, f"readout_{cue}{suffix}", "accuracy", n="n_images", source=source)
            )
    return found


_ESTIMATORS = {
    "mutual_information": "information_{}",
    "islam2021_score": "islam2021_score_{}",
    "islam2021": "islam2021_share_{}",
}


def _dimensionality(frame: pd.DataFrame, settings: ComparisonSettings) -> list[pd.DataFrame]:
    # A class token stands as a stage of its own behind its block; the block counts.
    frame = last_epoch(frame[~frame["stage"].astype(str).str.endswith(".cls")])
    found = []
    for estimator, name in _ESTIMATORS.items():
        for factor in ("shape", "texture", "residual"):
            if name.format(factor) not in MEASURES:  # only shares have a residual
                continue
            rows = frame[(frame["estimator"] == estimator) & (frame["factor"] == factor)]
            rows = last_stage(rows)
            source = "dimensionality.csv: " + estimator + ", last stage (" + rows["stage"] + ")"
            found.append(_rows(rows, name.format(factor), "value", n="n_pairs", source=source))
    return found


def _segmentation(frame: pd.DataFrame, settings: ComparisonSettings) -> list[pd.DataFrame]:
    frame = last_epoch(frame[frame["head"] == settings.head])
    found = []
    for target in ("binary", "shape", "semantic"):
        for bound, suffix in (("readout", ""), ("end_to_end", "_end_to_end")):
            rows = frame[(frame["target"] == target) & (frame["bound"] == bound)]
            rows = _best(rows, "miou")
            rule = f"segmentation.csv: target {target}, head {settings.head}, "
            rule += "best stage (" if bound == "readout" else "trained end to end ("
            source = rule + rows["stage"] + ")"
            found.append(
                _rows(rows, f"segmentation_{target}{suffix}", "miou", n="n_test", source=source)
            )
    return found


def _receptive_field(frame: pd.DataFrame, settings: ComparisonSettings) -> list[pd.DataFrame]:
    rows = last_stage(frame)
    source = "receptive_field.csv: effective, trained, last stage (" + rows["stage"] + ")"
    n = "n_images" if "n_images" in rows.columns else None
    return [_rows(rows, "receptive_field", "effective_trained", interval=None, n=n, source=source)]


def _cue_strength(frame: pd.DataFrame, settings: ComparisonSettings) -> list[pd.DataFrame]:
    counted = (frame["n_shape"] + frame["n_texture"]).groupby(
        [frame[key] for key in KEYS], dropna=False
    )
    frame = frame.assign(n=counted.transform("sum"))
    # The fit's reason is in each row, behind that of the strength where there is one: the shortest
    # is the fit's alone, or that of no strength.
    length = _text(frame["reason"]).str.len()
    rows = frame.assign(length=length).sort_values("length", kind="stable")
    rows = rows.drop_duplicates(KEYS).sort_index()
    source = "cue_strength.csv: logistic fit over all strengths"
    return [
        _rows(rows, "balance_point", "balance_point", interval=("balance_low", "balance_high"),
              n="n", source=source)
    ]  # fmt: skip


def _shuffling(frame: pd.DataFrame, settings: ComparisonSettings) -> list[pd.DataFrame]:
    sets = list(dict.fromkeys(frame["set"]))
    name = "test-plain" if "test-plain" in sets else next(iter(sets), "")
    k = settings.shuffling_patches
    frame = frame[frame["set"] == name]
    both = _side_by_side(frame[frame["k"] == k], frame[frame["k"] == 1], ("accuracy", "n"))
    value = _divide(both["accuracy"], both["accuracy_other"])
    low, high = limits.ratio(_triple(both, "accuracy"), _triple(both, "accuracy", "_other"))
    rows = both.assign(ratio=value, low=low, high=high)
    source = f"shuffling.csv: accuracy at {k} x {k} patches / whole images, set {name}"
    return [
        _rows(rows, "shuffling_ratio", "ratio", interval=("low", "high"), n="n", source=source,
              reason="no whole image is decided rightly")
    ]  # fmt: skip


def _corruptions(frame: pd.DataFrame, settings: ComparisonSettings) -> list[pd.DataFrame]:
    cells = frame[frame["corruption"] != "none"]
    rows = cells.groupby(KEYS, dropna=False, sort=False).agg(
        value=("accuracy", "mean"), n=("n", "max"), cells=("accuracy", "size")
    )
    rows = rows.reset_index()
    # An image's mean over cells lies in [0, 1], so its variance is at most p(1 - p): the interval
    # of n independent images decided once bounds it.
    low, high = wilson(rows["value"], rows["n"], settings.level)
    rows = rows.assign(ci_low=low, ci_high=high)
    source = "corruptions.csv: mean over " + rows["cells"].astype(str) + " types x severities"
    return [_rows(rows, "corruption_accuracy", "value", source=source)]


def _corruption_errors(frame: pd.DataFrame, settings: ComparisonSettings) -> list[pd.DataFrame]:
    rows = frame[
        (frame["corruption"] == "sum") & (_text(frame["set"]) == _text(frame["baseline_set"]))
    ]
    source = "corruption_errors.csv: sum over types, against " + _text(rows["baseline"])
    return [_rows(rows, "corruption_error_ratio", "error_ratio", source=source)]


def _erasure(frame: pd.DataFrame, settings: ComparisonSettings) -> list[pd.DataFrame]:
    # A share of the decisions for the cue that are there, not of all: the bias does not bound it.
    frame = last_stage(frame[frame["erased"] == "cue"])
    found = []
    for cue in ("shape", "texture"):
        rows = frame[frame["cue"] == cue]
        source = (
            f"erasure.csv: share of the decisions for {cue} beyond chance that erasing its subspace "
            "takes, minus that of meaningless groupings, last stage ("
        )
        source = source + rows["stage"].astype(str) + ")"
        found.append(
            _rows(rows, f"used_{cue}", "beyond", interval=("beyond_low", "beyond_high"),
                  n="n_images", source=source)
        )  # fmt: skip
    return found


def _benchmark(frame: pd.DataFrame, settings: ComparisonSettings) -> list[pd.DataFrame]:
    found = []
    for measure, name in (("error_consistency", "cue-conflict+edge+silhouette"),
                          ("error_consistency_17", "all-17")):  # fmt: skip
        rows = frame[frame["datasets"] == name]
        found.append(
            _rows(rows, measure, "error_consistency",
                  interval=("error_consistency_low", "error_consistency_high"),
                  n="n_datasets", source=f"benchmark.csv: {name}")
        )  # fmt: skip
    return found


#: table -> what takes its measures: table and settings to frames with `COLUMNS`
TABLES: dict[str, Callable[[pd.DataFrame, ComparisonSettings], list[pd.DataFrame]]] = {
    "shape_bias": _shape_bias,
    "accuracy": _accuracy,
    "readout": _readout,
    "dimensionality": _dimensionality,
    "segmentation": _segmentation,
    "receptive_field": _receptive_field,
    "cue_strength": _cue_strength,
    "shuffling": _shuffling,
    "corruptions": _corruptions,
    "corruption_errors": _corruption_errors,
    "erasure": _erasure,
    "benchmark": _benchmark,
}


def add(technique: Technique) -> None:
    """Let the measures that a technique declares be taken from its tables.

    Raises
    ------
    InputError
        If there is another measure of that name already, or it is of a table of another technique.
    """
    tables: dict[str, list[Measure]] = {table.name: [] for table in technique.tables}
    for measure in technique.measures:
        about = measure.label, measure.unit
        if MEASURES.get(measure.name, about) != about:
            raise InputError(
                f"technique '{technique.name}': a measure '{measure.name}' is there already"
            )
        if measure.table not in tables:
            raise InputError(
                f"technique '{technique.name}': measure '{measure.name}' is of the table "
                f"'{measure.table}', which is none of its own{nearest(measure.table, tables)}"
            )
        MEASURES[measure.name] = about
        tables[measure.table].append(measure)
    for table, own in tables.items():
        if own:
            TABLES[table] = partial(_declared_measures, own)


def _declared_measures(
    declared: Sequence[Measure], frame: pd.DataFrame, settings: ComparisonSettings
) -> list[pd.DataFrame]:
    found = []
    for measure in declared:
        rows = last_epoch(frame)
        for column, value in measure.where.items():
            rows = rows[_equal(rows[column], value)]
        source = f"{measure.table}.csv"
        if "stage" in rows.columns:
            rows = last_stage(rows)
            source = source + ": last stage (" + rows["stage"].astype(str) + ")"
        interval = tuple(measure.interval) if len(measure.interval) == 2 else None
        found.append(_rows(rows, measure.name, measure.value, interval=interval,
                           n=measure.n or None, source=source))  # fmt: skip
    return found


def _equal(column: pd.Series, value: str) -> pd.Series:
    """Where a column has a value that is given as text; ``2`` is also the number 2.0."""
    if column.dtype.kind == "f":
        return column == float(value)
    return column.astype(str) == value


def check(name: str, frame: pd.DataFrame, path: object = None) -> pd.DataFrame:
    """Insist on a table's columns and their kinds; numbers become floats, seeds whole or missing.

    Raises
    ------
    InputError
        Names the file, the column, the row and what was expected.
    """
    import pandas as pd

    table = declared(name)
    checked = table.check(frame, str(path or f"{name}.csv"), networks=True).copy()
    for column in (*table.path_columns(), *table.columns):
        if column.kind in ("number", "whole"):
            checked[column.name] = pd.to_numeric(frame[column.name]).astype(float)
    checked["seed"] = checked["seed"].astype("Int64")
    for column in KEYS[:-1]:
        checked[column] = checked[column].astype(str)
    return checked.reset_index(drop=True)


def collect(tables: Mapping[str, pd.DataFrame], settings: ComparisonSettings) -> pd.DataFrame:
    """Put all measures of all networks and seeds into one table.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Those of `TABLES` that the experiment makes; others are ignored.
    settings : ComparisonSettings

    Returns
    -------
    DataFrame
        `COLUMNS`, one row a network, seed and measure: networks in the order in which tables name
        them, measures in the order of `MEASURES`.

    Raises
    ------
    InputError
        If a table lacks a column, holds words for numbers, or names a network twice.
    """
    import pandas as pd

    frames = [pd.DataFrame(columns=COLUMNS)]
    for name, take in TABLES.items():
        if name in tables:
            frame = networks_only(check(name, tables[name]))
            frames += [found for found in take(frame, settings) if len(found)]
    joined = pd.concat([frame for frame in frames if len(frame)] or frames, ignore_index=True)
    twice = joined.duplicated([*KEYS, "measure"])
    if twice.any():
        row = joined[twice].iloc[0]
        raise InputError(
            f"{row['source'].split(':')[0]}: {row['model']}, seed {row['seed']} has two values of "
            f"{row['measure']}; expected one"
        )
    order = {measure: place for place, measure in enumerate(MEASURES)}
    models = {model: place for place, model in enumerate(dict.fromkeys(joined["model"]))}
    joined = joined.assign(_model=joined["model"].map(models), _order=joined["measure"].map(order))
    joined = joined.sort_values(["_model", "seed", "_order"], kind="stable", ignore_index=True)
    return joined[COLUMNS].astype({"n": "Int64", "seed": "Int64"})


def fill_intervals(comparison: pd.DataFrame, found: Mapping[tuple, tuple]) -> pd.DataFrame:
    """Put intervals that were computed from trials into the rows that have none.

    Parameters
    ----------
    comparison : DataFrame
        From `collect`.
    found : mapping of (model, seed or None, measure) to (low, high)
    """
    filled = comparison.copy()
    for row in filled.index[filled["ci_low"].isna() & filled["value"].notna()]:
        model, seed, measure = filled.loc[row, ["model", "seed", "measure"]]
        key = (model, None if _missing(seed) else int(seed), measure)
        if key in found:
            filled.loc[row, ["ci_low", "ci_high"]] = found[key]
    return filled


def widen(comparison: pd.DataFrame) -> pd.DataFrame:
    """One row a network: the mean of each measure over the same seeds, for reading.

    Returns
    -------
    DataFrame
        ``model, architecture, arm, n_seeds, n_least`` and a column for each measure that any network
        has. All means of a row are over the ``n_seeds`` seeds in which all measures of the network
        were made (over all seeds where there is none such); 0 for what was not trained here. A mean
        leaves out seeds in which the measure is undefined: the cell of which most are, but not all,
        rests on ``n_least``.
    """
    front = KEYS[:-1]
    present = [name for name in MEASURES if name in set(comparison["measure"])]
    comparison = same_seeds(comparison)
    seeds = comparison.groupby(front, sort=False)["seed"].nunique().rename("n_seeds")
    defined = comparison[comparison["value"].notna()]
    counts = defined.groupby([*front, "measure"], sort=False)["seed"].nunique()
    least = counts.groupby(front, sort=False).min().rename("n_least")
    seeds = seeds.to_frame().join(least).fillna({"n_least": 0}).astype({"n_least": int})
    wide = comparison.pivot_table(
        index=front, columns="measure", values="value", aggfunc="mean", sort=False
    )
    joined = seeds.join(wide.reindex(columns=present), how="left")
    return joined.reset_index()


def same_seeds(comparison: pd.DataFrame) -> pd.DataFrame:
    """Rows of the seeds in which all measures of the network were made; all rows where none is such.

    Decisions are measured in more trainings than activations are: beside each other, a mean over
    all of them and a mean over some would differ by the trainings too.
    """
    seeds = comparison["seed"].fillna(-1)  # not trained here: one training of its own
    kept = []
    for _, rows in comparison.groupby("model", sort=False):
        made = rows.assign(seed=seeds[rows.index]).groupby("seed")["measure"].nunique()
        common = made.index[made == rows["measure"].nunique()]
        kept.append(rows[seeds[rows.index].isin(common)] if len(common) else rows)
    return comparison.loc[sorted(label for rows in kept for label in rows.index)]


def network_means(comparison: pd.DataFrame) -> pd.DataFrame:
    """Mean, least and greatest seed of each measure and network.

    Returns
    -------
    DataFrame
        ``model, architecture, arm, measure, mean, low, high, n_seeds``; undefined seeds left out.
    """
    groups = comparison.groupby([*KEYS[:-1], "measure"], sort=False)["value"]
    found = groups.agg(mean="mean", low="min", high="max", n_seeds="count")
    return found.reset_index()


def networks_only(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows without single human observers and baselines."""
    observer = frame["architecture"].astype(str).str.fullmatch(r"subject-\d+")
    return frame[~observer & ~frame["arm"].isin(BASELINES)]


def last_epoch(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows of each network's last checkpoint; all where no epoch is named."""
    if "epoch" not in frame.columns:
        return frame
    last = frame.groupby(KEYS, dropna=False)["epoch"].transform("max")
    return frame[(frame["epoch"] == last) | frame["epoch"].isna()]


def last_stage(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows of each network's last stage: tables name stages from input to output."""
    if frame.empty:
        return frame
    last = frame.groupby(KEYS, dropna=False)["stage"].transform("last")
    return frame[frame["stage"] == last]


def _best(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    rows = frame.sort_values(column, ascending=False, kind="stable", na_position="last")
    return rows.drop_duplicates(KEYS).sort_index()


def _rows(
    frame: pd.DataFrame,
    measure: str,
    value: str,
    *,
    interval: tuple[str, str] | None = _CI,
    n: Any = "n",
    source: Any,
    reason: str = "",
) -> pd.DataFrame:
    """Rows with `COLUMNS`: names of columns of the frame, or values."""
    import pandas as pd

    def column(name: Any) -> Any:
        if name is None:
            return np.nan
        return frame[name].astype(float) if isinstance(name, str) else name

    rows = frame[KEYS].assign(
        measure=measure,
        value=frame[value].astype(float),
        ci_low=column(interval and interval[0]),
        ci_high=column(interval and interval[1]),
        n=column(n if not isinstance(n, str) or n in frame.columns else None),
        unit=MEASURES[measure][1],
        source=source,
    )
    given = frame["reason"] if "reason" in frame.columns else pd.Series("", index=frame.index)
    given = _text(given)
    given = given.where(given != "", reason or "undefined in its table")
    return rows.assign(reason=given.where(rows["value"].isna(), ""))[COLUMNS]


def _side_by_side(frame: pd.DataFrame, other: pd.DataFrame, columns: Iterable[str]) -> pd.DataFrame:
    """Rows of a network beside its rows of another kind, whose columns end in ``_other``."""
    columns = [*dict.fromkeys([*columns, *(c for c in _CI if c in other.columns)])]
    other = other[[*KEYS, *columns]].rename(columns={name: f"{name}_other" for name in columns})
    return frame.merge(other, on=KEYS, how="inner", validate="one_to_one")


def _triple(frame: pd.DataFrame, column: str, suffix: str = "") -> tuple:
    return tuple(frame[f"{name}{suffix}"] for name in (column, *_CI))


def _divide(part: pd.Series, whole: pd.Series) -> pd.Series:
    return part / whole.where(whole != 0)


def _text(column: pd.Series) -> pd.Series:
    """Words with nothing for empty cells; a column of empty cells alone was read as numbers."""
    return column.astype(object).where(column.notna(), "").astype(str)


def _missing(value: Any) -> bool:
    import pandas as pd

    return bool(pd.isna(value))


def check_named(settings: ComparisonSettings) -> None:
    """Insist that the measures that the parameters name are ours.

    Raises
    ------
    InputError
        Names the first that is not, and the nearest.
    """
    named = [(name, "correlations") for pair in settings.correlations for name in pair]
    named += [(name, "information") for name in settings.information]
    for name, key in [*named, (settings.covariate, "covariate")]:
        if name not in MEASURES:
            raise InputError(f"comparison.{key}: no measure '{name}'{nearest(name, MEASURES)}")
