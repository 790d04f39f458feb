"""Linear read-out of stored features, as tidy rows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from texshape.errors import InputError
from texshape.features.stored import stored
from texshape.stats import exemplars
from texshape.techniques.readout import linear
from texshape.techniques.readout.tables import READOUT

if TYPE_CHECKING:
    import pandas as pd

    from texshape.techniques.readout.settings import ReadoutSettings

#: inputs of rows that are no kind of stored features: what is left of pooled features once the
#: scalars of the mask are partialled out, and these scalars alone
BEYOND_SCALARS, SCALARS, MASK = "beyond-scalars", "scalars", "mask"


def read_out(
    folder: str | Path,
    labels: pd.DataFrame,
    *,
    settings: ReadoutSettings,
    seed: int,
    thorough: bool = True,
    before: pd.DataFrame | None = None,
    scalars: np.ndarray | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Shape and texture read from every stage of a folder of features, with the baselines.

    Parameters
    ----------
    folder : path
        See `texshape.features.stored`.
    labels : DataFrame
        Of the images, a row each.
    settings : ReadoutSettings
    seed : int
        Of baselines and resamples.
    thorough : bool
        With permuted labels and other draws of the folds at the last stage; else without.
    before : DataFrame, optional
        The second result for the same network before training: what the last stage gained.
    scalars : ndarray of shape (n, 4), optional
        Of the images' masks. Adds what is read of the shape from the last stage's pooled features
        without them or, to the pixels, what is read from them alone.

    Returns
    -------
    table : DataFrame
        `texshape.techniques.readout.tables.READOUT`, a row a stage, cue and kind of features.
    images : DataFrame
        ``stage, cue, input, imagename, correct, fold``: the last stage's reading of each image.

    Raises
    ------
    InputError
        If the features are missing, damaged, or not those of so many images.
    """
    import pandas as pd

    if scalars is not None and len(scalars) != len(labels):
        raise InputError(f"{len(scalars)} masks for {len(labels)} labels")
    conflict = exemplars.conflicting(labels)
    parts = list(stored(folder, settings.inputs, len(labels)))
    last = {part.input: part.stage for part in parts}  # stages come in order
    rows, images = [], {}
    for part in parts:
        at_end = part.stage == last[part.input]
        for cue in exemplars.CUES:
            where = {"stage": part.stage, "cue": cue, "input": part.input}
            row, result = linear.measure(
                part.array, labels, cue, settings=settings, seed=seed,
                name=f"{folder}: {part.name}", thorough=thorough and at_end,
                before=_correct(before, where, labels["imagename"][conflict]) if at_end else None,
            )  # fmt: skip
            rows.append({**row, **where})
            if at_end:
                images[part.input, cue] = pd.DataFrame(
                    {**where, "imagename": labels["imagename"][conflict],
                     "correct": result.correct, "fold": result.folds}
                )  # fmt: skip
            if at_end and scalars is not None and cue == "shape" and part.input == "pooled":
                row, _ = linear.measure(
                    part.array, labels, cue, settings=settings, seed=seed, without=scalars,
                    name=f"{folder}: {part.name}", thorough=False,
                )  # fmt: skip
                rows.append({**row, **where, "input": BEYOND_SCALARS})
    if scalars is not None and "pixels" in last:
        for cue in exemplars.CUES:
            row, _ = linear.measure(
                scalars, labels, cue, settings=settings, seed=seed, name="scalars of the masks"
            )
            rows.append({**row, "stage": MASK, "input": SCALARS})
    return READOUT.frame(rows), pd.concat(images.values())


def _correct(
    before: pd.DataFrame | None, where: dict[str, str], names: pd.Series
) -> np.ndarray | None:
    """Readings of the same stage, cue and kind by image; None where there are none."""
    if before is None:
        return None
    rows = before
    for column, value in where.items():
        rows = rows[rows[column] == value]
    found = rows.set_index("imagename")["correct"].reindex(names).to_numpy(float)
    return found if len(rows) else None
