"""Tables over networks: the same file of each, one below the other, its network named.

A network's files lie in ``results/EXPERIMENT/ARCHITECTURE--ARM/seed-S/``; this path is where the
columns ``model``, ``architecture``, ``arm`` and ``seed`` come from, and ``epoch`` where a folder is
called ``epoch-NNN``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from texshape.errors import InputError
from texshape.files import read_csv

if TYPE_CHECKING:
    import pandas as pd

FRONT = ["model", "architecture", "arm", "seed"]
_NETWORK = re.compile(
    r"(?P<model>(?P<architecture>[^/]+?)--(?P<arm>[^/]+))/seed-(?P<seed>\d+)(/.*)?"
)
_EPOCH = re.compile(r"epoch-(\d+)")


def parse_network(text: str) -> dict[str, str | int]:
    """Read ``ARCHITECTURE--ARM/seed-S``, or the path of a file in such a folder.

    Returns
    -------
    dict
        ``model``, ``architecture``, ``arm``, ``seed``.

    Raises
    ------
    InputError
        If the text is not of this form.
    """
    match = _NETWORK.fullmatch(text.strip("/"))
    if not match:
        raise InputError(
            f"network '{text}': expected ARCHITECTURE--ARM/seed-S, such as cnn--plain/seed-0"
        )
    parts: dict[str, str | int] = dict(match.groupdict())
    parts["seed"] = int(match["seed"])
    return parts


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
        if not path.is_relative_to(results):
            raise InputError(f"{path}: expected a file below {results}")
        inner = path.relative_to(results).as_posix()
        parts = parse_network(inner)
        frame = read_csv(path)
        epoch = _EPOCH.search(inner)
        if epoch and "epoch" not in frame.columns:
            frame.insert(0, "epoch", int(epoch[1]))
        for place, column in enumerate(FRONT):
            if column in frame.columns:
                frame = frame.drop(columns=column)
            frame.insert(place, column, parts[column])
        frames.append(frame)
    if not frames:
        raise InputError("no file to concatenate; expected at least one")
    filled = [frame for frame in frames if len(frame)] or frames[:1]
    columns = list(dict.fromkeys(column for frame in frames for column in frame.columns))
    if "epoch" in columns:
        columns.remove("epoch")
        columns.insert(len(FRONT), "epoch")
    return pd.concat(filled, ignore_index=True).reindex(columns=columns)
