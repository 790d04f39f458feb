"""Invented tables made whole: with every column that is declared."""

from __future__ import annotations

import numpy as np
import pandas as pd

from texshape.catalogue import declared


def complete(tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The same tables with every declared column, in order; what nobody invented is undefined."""
    found = {}
    for name, frame in tables.items():
        table = declared(name)
        frame = frame.reindex(columns=[*table.front, *table.names])
        if "seed" in frame:
            frame["seed"] = frame["seed"].replace("", np.nan)
        found[name] = table.check(frame, networks=True)
    return found
