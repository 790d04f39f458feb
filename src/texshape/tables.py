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
from dataclasses import dataclass, replace
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


REASON = Column("reason", "text", "why a value of the row is undefined; empty where none is")


def interval(
    of: str, ends: str = "ci", unit: str = "fraction", how: str = ""
) -> tuple[Column, Column]:
    """The columns of an interval, ``ENDS_low`` and ``ENDS_high``.

    Parameters
    ----------
    of : str
        Column that it is the interval of.
    ends : str
        What the names of the two begin with.
    unit : str
    how : str
        What is resampled, or which formula it comes from, where that is not the rule of the table.
    """
    how = f" ({how})" if how else ""
    return (
        Column(f"{ends}_low", "number", f"lower end of the interval of `{of}`{how}", unit),
        Column(f"{ends}_high", "number", f"upper end of the interval of `{of}`{how}", unit),
    )


@dataclass(frozen=True)
class Logged:
    """Which numbers of a table MLflow shows, where these are not all of them.

    A table of all pairs has thousands of cells; a metric is what a person compares between runs.

    Attributes
    ----------
    columns : tuple of str
        Columns whose cells are metrics; none of the table's where it is empty.
    rows : tuple of (str, str)
        A column and what its cell must be, for each condition on a row.
    """

    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, str], ...] = ()

    def of(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The rows of a frame that meet all conditions."""
        for column, value in self.rows:
            frame = frame[frame[column].astype(str) == value]
        return frame


#: of a pair: how far the two are apart, and how surely
DIFFERENCE = Logged(("difference", "ci_low", "ci_high"))


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
    more : Column, optional
        What further columns hold, where their names are not known beforehand.
    logged : Logged, optional
        What MLflow shows of it; every number by default.
    """

    name: str
    about: str
    columns: tuple[Column, ...]
    keys: tuple[str, ...] = ()
    front: tuple[str, ...] = tuple(FRONT)
    more: Column | None = None
    logged: Logged | None = None

    def __post_init__(self) -> None:
        names = self.names
        if len(set(names)) < len(names):
            raise ValueError(f"table '{self.name}': a column is declared twice")
        if wrong := [key for key in self.keys if key not in names]:
            raise ValueError(f"table '{self.name}': key '{wrong[0]}' is none of its columns")
        if wrong := [name for name in self.front if name not in _BY_PATH or name in names]:
            raise ValueError(f"table '{self.name}': '{wrong[0]}' cannot stand in front")
        if self.logged:
            of = {column.name: column.kind for column in self.columns}
            if wrong := [
                name for name in self.logged.columns if of.get(name) not in ("number", "whole")
            ]:
                raise ValueError(
                    f"table '{self.name}': '{wrong[0]}' is no number that can be logged"
                )
            if wrong := [name for name, _ in self.logged.rows if name not in of]:
                raise ValueError(f"table '{self.name}': no column '{wrong[0]}' to choose rows by")

    @property
    def names(self) -> list[str]:
        """Names of `columns`."""
        return [column.name for column in self.columns]

    def path_columns(self) -> list[Column]:
        """The columns of `front`."""
        return [_BY_PATH[name] for name in self.front]

    def _knows(self, name: str) -> bool:
        return name in self.front or name in self.names

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
        columns = [*(self.path_columns() if networks else ()), *self.columns]
        if self.more:
            others = [str(name) for name in frame.columns if not self._knows(name)]
            columns += [replace(self.more, name=name) for name in others]
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

    def undeclared(self, frame: pd.DataFrame) -> list[str]:
        """Columns of a frame that the table does not declare."""
        if self.more:
            return []
        return [str(name) for name in frame.columns if not self._knows(str(name))]

    def frame(self, rows: Iterable[Mapping[str, Any]], *, networks: bool = False) -> pd.DataFrame:
        """Make the table from rows; what a row leaves out is undefined.

        Parameters
        ----------
        rows : iterable of mapping
            Column to cell.
        networks : bool
            Whether it is the table over networks, which has `front` too; else only what the rows name
            of it stands in front.

        Raises
        ------
        ValueError
            If a row has a column that is not declared: an error in the code that made it.
        """
        import pandas as pd

        rows = list(rows)
        for row in rows:
            if unknown := [name for name in row if not self._knows(name)]:
                raise ValueError(f"table '{self.name}' declares no column '{unknown[0]}'")
        front = [name for name in self.front if networks or any(name in row for row in rows)]
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
        front = [name for name in frame.columns if name in self.front]
        found = [name for name in frame.columns if name not in front]
        if self.more:
            found = found[: len(self.names)]
        if found != self.names or front != list(frame.columns[: len(front)]):
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


def concatenate(
    files: Iterable[str | Path], results: str | Path, table: Table | None = None
) -> pd.DataFrame:
    """Put files of networks one below the other.

    Parameters
    ----------
    files : iterable of path
        ``RESULTS/ARCHITECTURE--ARM/seed-S/...``, in the order of the table.
    results : path
        Folder of the experiment.
    table : Table, optional
        What each of the files must be.

    Returns
    -------
    DataFrame
        `FRONT`, then ``epoch`` where the path or some file names it, then all columns of the files
        in the order in which they first occur.

    Raises
    ------
    InputError
        If a file is missing, lies in no network's folder or is not as declared, or there is no file.
    """
    import pandas as pd

    frames = []
    for path in map(Path, files):
        own = RunId.of_path(path, results)
        frame = read_csv(path)
        if table is not None:
            table.check(frame, path)
            if unknown := table.undeclared(frame):
                raise InputError(
                    f"{path}: column '{unknown[0]}' is none of {table.name}'s; expected "
                    f"{', '.join(table.names)}"
                )
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
