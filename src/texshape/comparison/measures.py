"""Every measure of every network and seed as one tidy table, taken from the tables of each
technique.

What a measure is, its technique declares (`texshape.techniques.base.Measure`, in the ``measures`` of its
folder). Nothing is computed anew for it but what joins cells of one table (a ratio, a mean), with limits
from theirs. A table that an experiment does not make is absent from the comparison; a value
that its table leaves undefined is an empty cell with the reason.

"Last stage" is the last one of the network, "best stage" the one with the largest value: the latter
is chosen on the images that it is reported on and so a little too good. Of several checkpoints the
last counts. Baselines (pixels, untrained networks as models of their own) and single human
observers are no networks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from texshape.catalogue import declared
from texshape.comparison.columns import COMPARISON
from texshape.comparison.rows import KEYS, best, last_epoch, last_stage, text
from texshape.errors import InputError, nearest
from texshape.techniques import registry
from texshape.techniques.base import Measure, Technique, imported

if TYPE_CHECKING:
    import pandas as pd

    from texshape.config.comparison import ComparisonSettings

#: for `texshape.source_code`
DYNAMIC_IMPORTS = ("texshape.techniques.*.measures",)

COLUMNS = [*KEYS, *COMPARISON.names]
BASELINES = ("baseline", "untrained")

#: what decides comes first, then what is known, how far it is seen, and how firmly it stands; measures of
#: techniques that are not named here follow
ORDER = (
    "shape_bias",
    "readout",
    "dimensionality",
    "segmentation",
    "receptive_field",
    "cue_strength",
    "shuffling",
    "corruptions",
    "erasure",
    "human_consistency",
)


def _own() -> list[Measure]:
    """Measures of what every experiment runs, in the order of the tables."""
    techniques = map(registry.get, registry.ALWAYS)
    by_name = {one.name: one.measures for one in techniques if one.measures}
    names = [*ORDER, *(name for name in by_name if name not in ORDER)]
    return [measure for name in names for measure in by_name[name]]


def _by_table(measures: list[Measure]) -> dict[str, list[Measure]]:
    found: dict[str, list[Measure]] = {}
    for measure in measures:
        found.setdefault(measure.table, []).append(measure)
    return found


#: measures by name, in the order of the tables
MEASURES: dict[str, Measure] = {measure.name: measure for measure in _own()}
#: and by the table that they are taken from
TABLES: dict[str, list[Measure]] = _by_table([*MEASURES.values()])


def add(technique: Technique) -> None:
    """Let the measures that a technique declares be taken from its tables.

    Raises
    ------
    InputError
        If there is another measure of that name already, or it is of a table of another technique.
    """
    tables = [table.name for table in technique.tables]
    for measure in technique.measures:
        if MEASURES.get(measure.name, measure) != measure:
            raise InputError(
                f"technique '{technique.name}': a measure '{measure.name}' is there already"
            )
        if measure.table not in tables:
            raise InputError(
                f"technique '{technique.name}': measure '{measure.name}' is of the table "
                f"'{measure.table}', which is none of its own{nearest(measure.table, tables)}"
            )
    for table, measures in _by_table([*technique.measures]).items():
        MEASURES.update({measure.name: measure for measure in measures})
        TABLES[table] = measures


def take(measure: Measure, frame: pd.DataFrame, settings: ComparisonSettings) -> pd.DataFrame:
    """One measure of every network, from the table that it is of.

    Parameters
    ----------
    measure : Measure
    frame : DataFrame
        The table, as `check` returns it.
    settings : ComparisonSettings

    Returns
    -------
    DataFrame
        `COLUMNS`, a row a network and seed.

    Raises
    ------
    InputError
        If it names a column that is not there.
    """
    import pandas as pd

    rows = imported(measure.rows)(frame, settings) if measure.rows else frame
    for column in measure.columns:
        if column not in rows.columns:
            raise InputError(
                f"measure '{measure.name}': {measure.table}.csv has no column '{column}'"
                f"{nearest(column, rows.columns)}"
            )
    rows = last_epoch(rows)
    for column, value in measure.where.items():
        rows = rows[_equal(rows[column], value)]
    if "stage" in rows.columns:
        rows = best(rows, measure.value) if measure.stage == "best" else last_stage(rows)

    def number(name: str) -> Any:
        return rows[name].astype(float) if name else np.nan

    low, high = measure.interval or ("", "")
    found = rows[KEYS].assign(
        measure=measure.name,
        value=number(measure.value),
        ci_low=number(low),
        ci_high=number(high),
        n=number(measure.n),
        unit=measure.unit,
        source=_sources(measure, rows),
    )
    given = rows["reason"] if "reason" in rows.columns else pd.Series("", index=rows.index)
    given = text(given)
    given = given.where(given != "", measure.undefined)
    return found.assign(reason=given.where(found["value"].isna(), ""))[COLUMNS]


def _sources(measure: Measure, rows: pd.DataFrame) -> list[str]:
    """Where each row's value comes from."""
    words = measure.source or ("last stage ({stage})" if "stage" in rows.columns else "")
    words = f"{measure.table}.csv" + (f": {words}" if words else "")
    cells = rows.apply(text)
    return [words.format(**row) for row in cells.to_dict("records")]


def _equal(column: pd.Series, value: str) -> pd.Series:
    """Where a column has a value that is given as text; ``2`` is also the number 2.0."""
    import pandas as pd

    if column.dtype.kind == "f":  # a column of words is too where it is empty
        return column == pd.to_numeric(value, errors="coerce")
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
    for name, measures in TABLES.items():
        if name in tables:
            frame = networks_only(check(name, tables[name]))
            taken = [take(measure, frame, settings) for measure in measures]
            frames += [found for found in taken if len(found)]
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
