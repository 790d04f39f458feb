"""Linear read-out of stored features, as tidy rows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from texshape.features.stored import stored
from texshape.readout import exemplars, linear

if TYPE_CHECKING:
    import pandas as pd

    from texshape.readout.settings import ReadoutSettings


def read_out(
    folder: str | Path, labels: pd.DataFrame, *, settings: ReadoutSettings, seed: int
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

    Returns
    -------
    table : DataFrame
        `texshape.readout.linear.COLUMNS`, a row a stage, cue and kind of features.
    images : DataFrame
        ``stage, cue, input, imagename, correct, fold``: the last stage's reading of each image.

    Raises
    ------
    InputError
        If the features are missing, damaged, or not those of so many images.
    """
    import pandas as pd

    conflict = exemplars.conflicting(labels)
    rows, images = [], {}
    for part in stored(folder, settings.inputs, len(labels)):
        for cue in exemplars.CUES:
            row, result = linear.measure(
                part.array, labels, cue, settings=settings, seed=seed, name=f"{folder}: {part.name}"
            )
            where = {"stage": part.stage, "cue": cue, "input": part.input}
            rows.append({**row, **where})
            # Stages come in order: of each kind of features the last one stays.
            images[part.input, cue] = pd.DataFrame(
                {**where, "imagename": labels["imagename"][conflict],
                 "correct": result.correct, "fold": result.folds}
            )  # fmt: skip
    return pd.DataFrame(rows, columns=linear.COLUMNS), pd.concat(images.values())
