"""Result tables: what the columns of one mean, and one table made of every network's file.

A `Table` is declared once, beside the code that computes it. Writers, figures, the comparison, MLflow
and the reference page ask it for its columns, and say nothing of them a second time.

A network's files lie in ``results/EXPERIMENT/ARCHITECTURE--ARM/seed-S/``; this path is where the
columns ``model``, ``architecture``, ``arm`` and ``seed`` come from, and ``epoch`` where a folder is
called ``epoch-NNN``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from texshape.errors import InputError
from texshape.experiment.runs import RunId
from texshape.files import read_csv, write_csv

if TYPE_CHECKING:
    import pandas as pd

FRONT = ["model", "architecture", "arm", "seed"]
_EPOCH = re.compile(r"epoch-(\d+)")


#: what a column may hold; cells of every kind may be empty, which means undefined
KINDS = {
    "text": "any text",
    "number": "a number",
    "whole": "a whole number",
    "flag": "True or False",
}


@dataclass(frozen=True)
class Column:
    """One column of a result table.

    Attributes
    ----------
    name : str
    kind : str
        A key of `KINDS`.
    meaning : str
        What a newcomer needs to know of it.
    unit : str
        Unit of a number, such as ``fraction``, ``bits`` or ``px``; empty where it has none.
    """

    name: str
    kind: str
    meaning: str
    unit: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"column '{self.name}': no kind '{self.kind}'")


#: columns that the path of a network's file gives
PATH_COLUMNS = (
    Column("model", "text", "the network: its architecture and the arm that it is of, `ARCHITECTURE--ARM`"),
    Column("architecture", "text", "architecture of the network, or name of an observer"),
    Column("arm", "text", "what it was trained on"),
    Column("seed", "whole", "number of the training; empty for what was not trained here"),
    Column("epoch", "whole", "epochs of training behind the checkpoint; 0 is random weights"),
)  # fmt: skip


@dataclass(frozen=True)
class Table:
    """What a result table holds.

    The file of one network has `columns`; the table over networks has `front` before them.

    Attributes
    ----------
    name : str
        Name of the file without its ending.
    about : str
        What one row is of.
    columns : tuple of Column
        In the order of the file.
    keys : tuple of str
        The columns that tell the rows of one network apart, in the order in which they name a row.
    front : tuple of str
        Columns before those in the table over networks; empty where a row is of no network.
    """

    name: str
    about: str
    columns: tuple[Column, ...]
    keys: tuple[str, ...] = ()
    front: tuple[str, ...] = tuple(FRONT)

    def __post_init__(self) -> None:
        names = self.names
        if len(set(names)) < len(names):
            raise ValueError(f"table '{self.name}': a column is declared twice")
        if wrong := [key for key in self.keys if key not in names]:
            raise ValueError(f"table '{self.name}': key '{wrong[0]}' is none of its columns")
        if wrong := [name for name in self.front if name not in _BY_PATH or name in names]:
            raise ValueError(f"table '{self.name}': '{wrong[0]}' cannot stand in front")

    @property
    def names(self) -> list[str]:
        """Names of `columns`."""
        return [column.name for column in self.columns]

    def check(
        self, frame: pd.DataFrame, path: str | Path = "", *, networks: bool = False
    ) -> pd.DataFrame:
        """Insist on the columns, on what they hold and on a row's keys.

        Parameters
        ----------
        frame : DataFrame
            More columns than declared are allowed.
        path : path
            Names the table in messages; the file's name by default.
        networks : bool
            Whether it is the table over networks, which has `front` too.

        Returns
        -------
        DataFrame
            The same frame.

        Raises
        ------
        InputError
            Names the file, the column, the row (1 is the first below the header) and what was
            expected.
        """
        path = path or f"{self.name}.csv"
        columns = [*(_BY_PATH[name] for name in self.front if networks), *self.columns]
        for column in columns:
            if column.name not in frame.columns:
                found = ", ".join(map(str, frame.columns))
                raise InputError(f"{path}: column '{column.name}' is missing; found {found}")
        for column in columns:
            _check_cells(frame, column, path)
        own = [name for name in _BY_PATH if name in frame.columns and name not in self.keys]
        keys = [*own, *self.keys]
        # Without a key a network has one row.
        twice = frame.duplicated(keys) if keys else [row > 0 for row in range(len(frame))]
        if any(twice):
            raise InputError(f"{path}: {_same_row(frame, keys, list(twice).index(True))}")
        return frame

    def frame(self, rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
        """Make the table of one network from rows; what a row leaves out is undefined.

        Raises
        ------
        ValueError
            If a row has a column that is not declared: an error in the code that made it.
        """
        import pandas as pd

        rows = list(rows)
        known = {*self.names, *_BY_PATH}
        for row in rows:
            if unknown := [name for name in row if name not in known]:
                raise ValueError(f"table '{self.name}' declares no column '{unknown[0]}'")
        front = [name for name in _BY_PATH if any(name in row for row in rows)]
        front = [name for name in front if name not in self.names]
        return pd.DataFrame(rows, columns=[*front, *self.names])

    def write(self, path: str | Path, frame: pd.DataFrame, *, networks: bool = False) -> None:
        """Check a table that our own code made, and write it atomically.

        Raises
        ------
        ValueError
            If it has other columns than declared, or in another order: an error in the code that
            made it.
        InputError
            As `check` does.
        """
        found = [name for name in frame.columns if name not in _BY_PATH or name in self.names]
        if found != self.names:
            wrong = [name for name in found if name not in self.names]
            wrong += [name for name in self.names if name not in found]
            raise ValueError(
                f"table '{self.name}': columns {', '.join(found)}; expected "
                f"{', '.join(self.names)}" + (f" (wrong: {', '.join(wrong)})" if wrong else "")
            )
        self.check(frame, path, networks=networks)
        write_csv(path, frame)


_BY_PATH = {column.name: column for column in PATH_COLUMNS}


def _same_row(frame: pd.DataFrame, keys: list[str], row: int) -> str:
    """What is wrong with a row that has the keys of one above it."""
    if not keys:
        return f"{len(frame)} rows; expected one"
    cells = frame[keys].astype(object).where(frame[keys].notna(), "")
    first = int((cells == cells.iloc[row]).all(axis=1).to_numpy().argmax())
    named = ", ".join(f"{key} '{cells.iloc[row][key]}'" for key in keys)
    return f"rows {first + 1} and {row + 1} are both of {named}; expected one of each"


def _check_cells(frame: pd.DataFrame, column: Column, path: str | Path) -> None:
    """Refuse what is not of a column's kind; empty cells are undefined values and pass."""
    import pandas as pd

    if column.kind == "text":
        return
    cells = frame[column.name]
    if column.kind == "flag":
        wrong = cells.notna() & ~cells.astype(str).isin(["True", "False"])
    else:
        numbers = pd.to_numeric(cells, errors="coerce").astype(float)
        wrong = cells.notna() & numbers.isna()
        if column.kind == "whole":
            wrong |= numbers.notna() & (numbers % 1 != 0)
    if wrong.any():
        row = int(wrong.to_numpy().argmax())
        raise InputError(
            f"{path}: column '{column.name}', row {row + 1}: expected {KINDS[column.kind]}, "
            f"found '{cells.iloc[row]}'"
        )


def concatenate(files: Iterable[str | Path], results: str | Path) -> pd.DataFrame:
    """Put files of networks one below the other.

    Parameters
    ----------
    files : iterable of path
        ``RESULTS/ARCHITECTURE--ARM/seed-S/...``, in the order of the table.
    results : path
        Folder of the experiment.

    Returns
    -------
    DataFrame
        `FRONT`, then ``epoch`` where the path or some file names it, then all columns of the files
        in the order in which they first occur.

    Raises
    ------
    InputError
        If a file is missing or lies in no network's folder, or there is no file.
    """
    import pandas as pd

    frames = []
    for path in map(Path, files):
        own = RunId.of_path(path, results)
        frame = read_csv(path)
        epoch = _EPOCH.search(path.relative_to(results).as_posix())
        if epoch and "epoch" not in frame.columns:
            frame.insert(0, "epoch", int(epoch[1]))
        for place, column in enumerate(FRONT):
            if column in frame.columns:
                frame = frame.drop(columns=column)
            frame.insert(place, column, getattr(own, column))
        frames.append(frame)
    if not frames:
        raise InputError("no file to concatenate; expected at least one")
    filled = [frame for frame in frames if len(frame)] or frames[:1]
    columns = list(dict.fromkeys(column for frame in frames for column in frame.columns))
    if "epoch" in columns:
        columns.remove("epoch")
        columns.insert(len(FRONT), "epoch")
    return pd.concat(filled, ignore_index=True).reindex(columns=columns)
