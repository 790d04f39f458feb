"""Invented results that could have come out otherwise: the same tables, moved at random.

Nothing here was measured. A verdict of the article that none of many such worlds reaches, and no test that
makes it on purpose, cannot come out: then the sentence says nothing.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from texshape.comparison import agreement
from texshape.trials import naming

# What a number may be of: a network's arm on a set, one cue of one technique, ...
GROUPS = [
    *("architecture", "arm", "set", "cue", "erased", "target", "factor", "measure", "measure_a"),
    *("measure_b", "type", "engine", "role", "images", "head", "input", "information", "model_a"),
    *("model_b", "k", "strength", "variant", "control"),
]
KEPT = ("k", "strength", "epoch", "seed", "theoretical", "severity", "level", "margin")
NAMES = [
    *(naming.TEXTURE, naming.SHAPE, naming.NEITHER, naming.UNRECOGNISED, naming.NO_CUE),
    naming.FEW_ANSWERS,
]
VERDICTS = [agreement.AGREE, agreement.CONTRARY, agreement.UNDECIDED, agreement.TIED]


def moved(tables: dict[str, pd.DataFrame], seed: int) -> dict[str, pd.DataFrame]:
    """The tables of another world.

    The numbers of each group stay, meet at one place, turn round, shift, grow, or lose or gain certainty;
    intervals stay around them. Names of biases, and verdicts on measures, are drawn.

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
    frame = frame.astype({c: float for c in frame if c.startswith("effective")})  # whole pixels
    filled = [c for c in frame if frame[c].notna().any()]
    numbers = [c for c in filled if frame[c].dtype.kind == "f" and not c.startswith(KEPT)]
    # Some keys are left out, so that whole networks or whole measures move together.
    keys = [key for key in GROUPS if key in frame and random.random() < 0.8]
    groups = (
        frame.groupby(keys, sort=False, dropna=False).indices.values()
        if keys
        else [range(len(frame))]
    )
    moved = {column: frame[column].to_numpy(float, copy=True) for column in numbers}
    names = frame["verdict"].to_numpy(object, copy=True) if "verdict" in filled else None
    drawn = VERDICTS if names is not None and set(names) <= set(VERDICTS) else NAMES
    for group in groups:
        if random.random() > share:
            continue
        rows = np.asarray(group)
        how = random.choice(["meet", "turn", "shift", "grow", "doubt", "certain", "near"])
        place = common if random.random() < 0.5 else random.uniform(0, 1)
        for column in numbers:
            away = -0.02 if column.endswith("low") else 0.02 if column.endswith("high") else 0.0
            values = moved[column][rows]
            moved[column][rows] = {
                "meet": values * 0 + place + away,
                "turn": 1 - values,
                "shift": values + (place - 0.5),
                "grow": values * (0.2 + 4 * place),
                "doubt": values + 20 * away,
                "certain": values - 0.9 * away,
                "near": values + 0.02 * random.standard_normal(len(values)),
            }[how]
        if how == "turn":
            for low in (c for c in numbers if c.endswith("low")):
                high = low.removesuffix("low") + "high"
                if high in moved:
                    both = moved[low][rows], moved[high][rows]
                    moved[high][rows], moved[low][rows] = both
        if names is not None and how != "near":
            names[rows] = random.choice(drawn)
    return frame.assign(**moved, **({} if names is None else {"verdict": names}))
