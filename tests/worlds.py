"""Invented results that could have come out otherwise: the same tables, numbers moved at random.

Nothing here was measured. A verdict of the article that none of many such worlds reaches cannot come out.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

# What a number may be of: a network's arm on a set, one cue of one technique, ...
GROUPS = ("architecture", "arm", "set", "cue", "erased", "target", "factor", "measure", "measure_a", "measure_b",
          "type", "engine", "role", "images", "head", "input", "information", "model_a", "model_b", "k", "strength",
          "variant", "control")  # fmt: skip
KEPT = ("k", "strength", "epoch", "seed", "theoretical", "severity", "level", "margin")


def moved(tables: dict[str, pd.DataFrame], seed: int) -> dict[str, pd.DataFrame]:
    """The tables of another world: the numbers of each group stay, meet at one place, turn round, shift, or
    lose their certainty. Intervals stay around their numbers.

    Parameters
    ----------
    tables : dict of str to DataFrame
    seed : int
        Of the world.
    """
    random = np.random.default_rng([seed, 1])
    share = random.choice([0.3, 0.6, 0.9])  # of the groups that are moved
    common = random.uniform(0.02, 0.98)
    return {name: _moved(frame.copy(), random, share, common) for name, frame in tables.items()}


def _moved(
    frame: pd.DataFrame, random: np.random.Generator, share: float, common: float
) -> pd.DataFrame:
    numbers = [c for c in frame if frame[c].dtype.kind == "f" and not c.startswith(KEPT)]
    keys = [key for key in GROUPS if key in frame]
    keys = [key for key in keys if random.random() < 0.8]  # groups of groups move together
    rows = (
        frame.groupby(keys, sort=False, dropna=False).indices.values()
        if keys
        else [range(len(frame))]
    )
    for group in rows:
        if random.random() > share:
            continue
        index = frame.index[group]
        how = random.choice(["meet", "turn", "shift", "doubt", "certain", "near"])
        place = common if random.random() < 0.5 else random.uniform(0, 1)
        for column in numbers:
            low, high = column.endswith("low"), column.endswith("high")
            values = frame.loc[index, column]
            away = -0.02 if low else 0.02 if high else 0.0
            if how == "meet":
                values = values * 0 + place + away
            elif how == "turn":
                values = 1 - values
            elif how == "shift":
                values = values + (place - 0.5)
            elif how == "doubt":
                values = values + 20 * away
            elif how == "certain":
                values = values - 0.9 * away
            else:
                values = values + 0.02 * random.standard_normal(len(values))
            frame.loc[index, column] = values
        if how == "turn":
            for column in numbers:
                partner = column.removesuffix("low") + "high"
                if column.endswith("low") and partner in frame:
                    frame.loc[index, [column, partner]] = frame.loc[
                        index, [partner, column]
                    ].to_numpy()
    return frame
