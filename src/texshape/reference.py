"""The same numbers again: tables of a run compared with those of another one that is kept.

On one kind of processor a second run gives the same bytes. Elsewhere sums are rounded in another order, and
training carries such differences on, as it carries those of another seed. So a measure may deviate as two seeds
of one network do. The largest difference among P pairs of seeds in the kept run is itself a draw, which the
largest of N compared rows exceeds more often than not. It is therefore carried on, by quantiles z of the normal
distribution, to what the largest of N rows exceeds in one run of a hundred (3 to 7 of a hundred in simulations,
since the largest difference seen is uncertain):

    tolerance = largest difference between seeds x z(1 - 0.01 / 2N) / z(1 - 0.5 / 2P)
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import NormalDist

import pandas as pd

from texshape.catalogue import declared
from texshape.errors import InputError, nearest, nearest_path
from texshape.files import read_csv, write_csv

NETWORK = ["model", "seed"]
_MEASURES = {
    "shape_bias": ["shape_bias", "cue_match_rate"],
    "accuracy": ["accuracy"],
    "readout": ["accuracy"],
    "dimensionality": ["value"],
    "segmentation": ["miou"],
    "shuffling": ["accuracy"],
    "cue_strength": ["shape_share", "cue_match_rate"],
    "erasure": ["shape_share", "texture_share"],
}


def _keys(name: str) -> list[str]:
    table = declared(name)
    return [*NETWORK, *(["epoch"] if "epoch" in table.front else []), *table.keys]


# Table -> the columns that name a row, and the measures that are compared.
COMPARED: dict[str, tuple[list[str], list[str]]] = {
    name: (_keys(name), measures) for name, measures in _MEASURES.items()
}
TOLERANCES = "tolerances.csv"
_DIGITS = 6  # kept of each number
# A measure that no two seeds were compared in, by its table; rounding alone in the others.
_LEAST = 1e-4
_ALARM = 0.01  # share of runs in which a measure exceeds its tolerance by chance


def _whole(name: str) -> tuple[list[str], list[str]]:
    """Of a table that is kept as a whole: what has to be the same, counts and verdicts too, and its numbers."""
    table = declared(name)
    same = [
        column.name
        for column in table.columns
        if column.name not in table.keys and (column.kind == "whole" or column.name == "verdict")
    ]
    front = [column for column in table.front if column != "epoch"]
    numbers = [column.name for column in table.columns if column.kind == "number"]
    return [*front, *table.keys, *same], numbers


def keep(
    results: str | Path,
    folder: str | Path,
    networks: list[str] | None = None,
    tables: Iterable[str] = (),
) -> None:
    """Keep an experiment's numbers as a reference, with the tolerances that its seeds give.

    Parameters
    ----------
    results : path
        Folder of the experiment.
    folder : path
        Where the reference's tables are written.
    networks : list of str, optional
        ``MODEL`` of the networks to keep; all by default.
    tables : iterable of str
        Tables to keep beside those of `COMPARED`, with all their numbers.

    Raises
    ------
    InputError
        If there is none of these tables or networks, a table of `tables` is not known or not there, or a
        number is none. Nothing is written then.
    """
    tolerances = []
    kept: dict[str, pd.DataFrame] = {}
    known: set[str] = set()
    asked = {name: _whole(name) for name in tables}
    for table, (keys, measures) in (COMPARED | asked).items():
        path = Path(results) / "tables" / f"{table}.csv"
        if not path.exists() and table not in asked:
            continue
        frame = _numbers(read_csv(path, keys + measures), measures, path)[keys + measures]
        if networks and "model" in frame:
            known |= set(frame["model"])
            frame = frame[frame["model"].isin(networks)]
        frame = frame.dropna(subset=measures, how="all")
        if "epoch" in keys:  # the end of training is enough
            frame = frame[frame["epoch"] == frame.groupby("model")["epoch"].transform("max")]
        for measure in measures:
            tolerance = _between_seeds(frame, keys, measure)
            tolerances.append({"table": table, "measure": measure, "tolerance": tolerance})
        kept[table] = frame.assign(**{name: frame[name].map(_round) for name in measures})
    if not tolerances:
        raise InputError(f"{results}: no table to keep; expected tables/{next(iter(COMPARED))}.csv")
    for model in networks or ():
        if model not in known:
            raise InputError(
                f"{results}: no network '{model}' in its tables{nearest(model, sorted(known))}"
            )
    for table, frame in kept.items():
        write_csv(Path(folder) / f"{table}.csv", frame)
    write_csv(Path(folder) / TOLERANCES, pd.DataFrame(tolerances))


def _numbers(frame: pd.DataFrame, measures: list[str], path: Path) -> pd.DataFrame:
    """The table with its measures as numbers."""
    for name in measures:
        found = pd.to_numeric(frame[name], errors="coerce")
        if (bad := found.isna() & frame[name].notna()).any():
            row = int(bad.to_numpy().nonzero()[0][0])
            raise InputError(
                f"{path}, row {row + 2}: {name} '{frame[name].iloc[row]}'; expected a number or nothing"
            )
        frame = frame.assign(**{name: found})
    return frame


def _round(value: float) -> float:
    return value if math.isnan(value) else float(f"{value:.{_DIGITS}g}")


def _between_seeds(frame: pd.DataFrame, keys: list[str], measure: str) -> float:
    """What two seeds of one network may differ by in any of the rows, rounded up to two digits."""
    if "seed" not in keys:  # one row of all trainings
        return _LEAST
    same = frame.groupby([key for key in keys if key != "seed"], dropna=False)[measure]
    largest = float((same.max() - same.min()).max())
    if not largest > _LEAST:  # nor where it is undefined
        return _LEAST
    seeds, rows = same.count(), int(frame[measure].notna().sum())
    pairs = int((seeds * (seeds - 1) // 2).sum())
    z = NormalDist().inv_cdf
    largest *= max(z(1 - _ALARM / (2 * rows)) / z(1 - 0.5 / (2 * pairs)), 1.0)
    scale = 10 ** (1 - math.floor(math.log10(largest)))
    return math.ceil(largest * scale - 1e-9) / scale


def deviations(results: str | Path, folder: str | Path) -> pd.DataFrame:
    """Compare an experiment's tables with a reference.

    Rows that the reference does not have are left alone: an experiment may grow.

    Parameters
    ----------
    results : path
        Folder of the experiment.
    folder : path
        What `keep` wrote.

    Returns
    -------
    DataFrame
        One row a measure: ``table``, ``measure``, ``n`` (rows compared), ``equal`` (of them the same to
        six digits), ``largest`` (absolute deviation; infinite where one of both is undefined or the row
        is gone), ``tolerance``, ``where`` (the row) and ``within``.

    Raises
    ------
    InputError
        If a table or column is missing, or a row stands twice.
    """
    tolerances = read_csv(Path(folder) / TOLERANCES, ["table", "measure", "tolerance"])
    rows = []
    for table, entries in tolerances.groupby("table", sort=False):
        measures, reference = list(entries["measure"]), Path(folder) / f"{table}.csv"
        path = Path(results) / "tables" / f"{table}.csv"
        kept = read_csv(reference, measures)
        if kept.empty:
            raise InputError(f"{reference}: holds no row to compare with")
        keys = [column for column in kept.columns if column not in measures]
        kept = _numbers(kept, measures, reference)
        found = _numbers(read_csv(path, list(kept.columns)), measures, path)[list(kept.columns)]
        # Missing parts of a key are empty in both; text, as numbers may be read as either.
        old, new = (_by_key(frame, keys, place) for frame, place in ((kept, folder), (found, path)))
        for entry in entries.itertuples():
            before = old[entry.measure]
            after = new[entry.measure].map(_round).reindex(before.index)
            difference = (after - before).abs()
            difference[before.isna() & after.isna() & before.index.isin(new.index)] = 0.0
            difference = difference.fillna(math.inf)
            worst = difference.idxmax()
            rows.append(
                {"table": table, "measure": entry.measure, "n": len(difference),
                 "equal": int((difference == 0).sum()), "largest": float(difference.max()),
                 "tolerance": entry.tolerance, "where": worst,
                 "within": bool(difference.max() <= entry.tolerance)}
            )  # fmt: skip
    return pd.DataFrame(rows)


def _by_key(frame: pd.DataFrame, keys: list[str], place: str | Path) -> pd.DataFrame:
    names = [" ".join(_name(row[key]) for key in keys) for row in frame.to_dict("records")]
    frame = frame.set_axis(names, axis="index")
    if frame.index.has_duplicates:
        twice = frame.index[frame.index.duplicated()][0]
        raise InputError(f"{place}: the row '{twice}' stands twice ({', '.join(keys)})")
    return frame


def _name(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "-" if isinstance(value, float) and math.isnan(value) else str(value)


def differing_files(first: str | Path, second: str | Path) -> list[str]:
    """Names of tables that are not the same, byte for byte, in two experiments' folders."""
    contents: list[Mapping[str, bytes]] = [
        {path.name: path.read_bytes() for path in (Path(results) / "tables").glob("*.csv")}
        for results in (first, second)
    ]
    for results, tables in zip((first, second), contents, strict=True):
        if not tables:
            raise InputError(f"{results}: holds no tables to compare{nearest_path(results)}")
    names = sorted(set(contents[0]) | set(contents[1]))
    return [name for name in names if contents[0].get(name) != contents[1].get(name)]
