"""Images on which decision and knowledge disagree: decided by one cue, the other well readable.

For each conflict image there is the decision of the network (for its shape, its texture or neither)
and, for either cue, whether a linear reader of the last stage that never saw the exemplar was
right. Their table says how often a cue is known and not followed; if knowing had nothing to do with
deciding, a cell would hold the product of its margins.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from texshape.comparison.columns import DISAGREEMENT, DISAGREEMENT_IMAGES
from texshape.comparison.rows import KEYS, last_epoch, last_stage
from texshape.errors import InputError
from texshape.stats import bootstrap
from texshape.stats import exemplars as ex
from texshape.trials.bias import outcomes
from texshape.trials.files import Trials
from texshape.trials.names import parse

if TYPE_CHECKING:
    import pandas as pd

    from texshape.config.comparison import ComparisonSettings

READING_COLUMNS = ["stage", "cue", "input", "imagename", "correct"]
DECISIONS = ("shape", "texture", "neither")
#: kind of disagreement -> (cue the decision follows, cue that is read rightly)
KINDS = {
    "texture decided, shape known": ("texture", "shape"),
    "shape decided, texture known": ("shape", "texture"),
}


def join(trials: Trials, readings: pd.DataFrame, *, input: str, name: str) -> pd.DataFrame:
    """Decisions and readings of one network, image by image.

    Parameters
    ----------
    trials : Trials
        On the cue-conflict set.
    readings : DataFrame
        `READING_COLUMNS`, of ``readings.csv``.
    input : str
        Kind of features.
    name : str
        What an error calls the readings.

    Returns
    -------
    DataFrame
        One row a conflict image: ``imagename, shape, texture, shape_exemplar, texture_exemplar,
        response, decision, stage, readout_shape, readout_texture`` (1 right, 0 wrong, NaN not
        read).

    Raises
    ------
    InputError
        If a column or an image is missing, or an image is read twice.
    """
    import pandas as pd

    for column in READING_COLUMNS:
        if column not in readings.columns:
            raise InputError(f"{name}: column '{column}' is missing; found {', '.join(readings)}")
    parsed = [parse(image) for image in trials["imagename"]]
    columns = ("shape", "texture", "shape_exemplar", "texture_exemplar")
    frame = pd.DataFrame({c: [getattr(image, c) for image in parsed] for c in columns})
    frame.insert(0, "imagename", trials["imagename"])
    frame["response"] = trials["object_response"]
    conflict, for_shape, for_texture = outcomes(frame["shape"], frame["texture"], frame["response"])
    frame["decision"] = np.select([for_shape, for_texture], DECISIONS[:2], DECISIONS[2])
    frame = frame[conflict].reset_index(drop=True)

    readings = readings.assign(**dict.fromkeys(KEYS, 0))
    readings = last_stage(last_epoch(readings[readings["input"] == input]))
    if readings.empty:
        raise InputError(f"{name}: holds no reading of '{input}' features")
    frame["stage"] = readings["stage"].iloc[0]
    for cue in ex.CUES:
        rows = readings[readings["cue"] == cue]
        twice = rows["imagename"][rows["imagename"].duplicated()]
        if len(twice):
            raise InputError(f"{name}: image '{twice.iloc[0]}' is read twice for {cue}")
        correct = pd.to_numeric(rows.set_index("imagename")["correct"], errors="coerce")
        absent = frame["imagename"][~frame["imagename"].isin(correct.index)]
        if len(absent):
            raise InputError(
                f"{name}: no reading of {cue} for {len(absent)} of {len(frame)} images of "
                f"{trials.source}, '{absent.iloc[0]}' among them"
            )
        frame[f"readout_{cue}"] = correct.reindex(frame["imagename"]).to_numpy(float)
    return frame


def count(
    joined: Mapping[tuple, pd.DataFrame], settings: ComparisonSettings, *, seed: int = 0
) -> pd.DataFrame:
    """How often the decision and the reading fall together, by network and seed.

    Parameters
    ----------
    joined : mapping of `KEYS` to DataFrame
        From `join`.
    settings : ComparisonSettings
    seed : int

    Returns
    -------
    DataFrame
        `columns.DISAGREEMENT`: for either ``cue``, each ``decision`` and a ``readout`` of that cue ``right`` or
        ``wrong``, the number and share of the conflict images, the latter with an interval over
        exemplars, and the share expected if the two were independent. ``excess`` is the share minus
        the expected one, both from the same images in each resample; ``read_difference``, the same
        in all rows of a cue, is how much more often it is read in shape decisions than in texture
        decisions (NaN where there are none of either).
    """

    rows = []
    for key, frame in joined.items():
        front = dict(zip(KEYS, key, strict=True))
        cells = [
            (cue, decision, right)
            for cue in ex.CUES
            for decision in DECISIONS
            for right in (1.0, 0.0)
        ]
        marks = np.stack(
            [
                (frame["decision"] == decision) & (frame[f"readout_{cue}"] == right)
                for cue, decision, right in cells
            ],
            axis=1,
        )
        drawn = ex.resampled_rates(
            marks, ex.cue(frame, "shape"), ex.cue(frame, "texture"),
            resamples=settings.resamples, seed=seed,
        )  # fmt: skip
        shares, everywhere = marks.mean(0), [drawn, marks.mean(0)[None]]
        excess, excess_of_all = (_excess(rates) for rates in everywhere)
        read, read_of_all = (_read_difference(rates) for rates in everywhere)
        for place, (cue, decision, right) in enumerate(cells):
            row = {**front, "cue": cue, "decision": decision,
                   "readout": "right" if right else "wrong", "n_images": len(frame),
                   "stage": frame["stage"].iloc[0], "reason": ""}  # fmt: skip
            if frame[f"readout_{cue}"].isna().any():
                row["reason"] = f"{cue} was not read"
            else:
                low, high = bootstrap.interval(drawn[:, place], settings.level)
                less, more = bootstrap.interval(excess[:, place], settings.level)
                number = ex.CUES.index(cue)
                read_low, read_high = bootstrap.interval(read[:, number], settings.level)
                row |= {"n": int(marks[:, place].sum()), "share": shares[place],
                        "ci_low": low, "ci_high": high,
                        "expected_share": shares[place] - excess_of_all[0, place],
                        "excess": excess_of_all[0, place], "excess_low": less, "excess_high": more,
                        "read_difference": read_of_all[0, number], "read_low": read_low,
                        "read_high": read_high}  # fmt: skip
            rows.append(row)
    table = DISAGREEMENT.frame(rows, networks=True)
    return table.astype({"n": "Int64", "n_images": "Int64"})


def _by_cell(shares: np.ndarray) -> np.ndarray:
    """Shares of the cells as (resamples, cues, decisions, reading right or wrong)."""
    return shares.reshape(len(shares), len(ex.CUES), len(DECISIONS), 2)


def _excess(shares: np.ndarray) -> np.ndarray:
    """Share of each cell minus the product of its margins, shape (resamples, cells)."""
    cells = _by_cell(shares)
    expected = cells.sum(3, keepdims=True) * cells.sum(2, keepdims=True)
    return (cells - expected).reshape(shares.shape)


def _read_difference(shares: np.ndarray) -> np.ndarray:
    """Share read rightly of shape decisions minus that of texture decisions, (resamples, cues)."""
    cells = _by_cell(shares)
    read = bootstrap.divide(cells[..., 0], cells.sum(3))
    return read[:, :, DECISIONS.index("shape")] - read[:, :, DECISIONS.index("texture")]


def top_images(joined: Mapping[tuple, pd.DataFrame], settings: ComparisonSettings) -> pd.DataFrame:
    """Images that disagree in most trainings, by network and kind.

    Images tie within a network, which has few seeds; among those the ones come first on which most
    trainings of all networks disagree.

    Parameters
    ----------
    joined : mapping of `KEYS` to DataFrame
        From `join`.
    settings : ComparisonSettings

    Returns
    -------
    DataFrame
        `columns.DISAGREEMENT_IMAGES`, at most ``top_images`` rows a network and kind. ``decision`` is the
        commonest response among the disagreeing trainings.
    """
    import pandas as pd

    names = DISAGREEMENT_IMAGES.names
    chosen = [DISAGREEMENT_IMAGES.frame([])]
    for kind, (followed, known) in KINDS.items():
        marked = [
            frame.assign(
                **dict(zip(KEYS, key, strict=True)),
                disagrees=(frame["decision"] == followed) & (frame[f"readout_{known}"] == 1),
            )
            for key, frame in joined.items()
        ]
        if not marked:
            break
        everything = pd.concat(marked, ignore_index=True)
        overall = everything.groupby("imagename")["disagrees"].agg(["sum", "size"])
        for (model, architecture, arm), frame in everything.groupby(KEYS[:-1], sort=False):
            rows = frame.groupby("imagename", sort=False).agg(
                shape=("shape", "first"), texture=("texture", "first"),
                n_disagree=("disagrees", "sum"), n_seeds=("disagrees", "size"),
            )  # fmt: skip
            rows = rows[rows["n_disagree"] > 0].reset_index()
            rows["n_disagree_all"] = overall["sum"].reindex(rows["imagename"]).to_numpy()
            rows["n_all"] = overall["size"].reindex(rows["imagename"]).to_numpy()
            rows = rows.sort_values(
                ["n_disagree", "n_disagree_all", "imagename"], ascending=[False, False, True]
            ).head(settings.top_images)
            listed = frame[frame["disagrees"] & frame["imagename"].isin(rows["imagename"])]
            commonest = listed.groupby("imagename")["response"].agg(
                lambda names: names.mode().iloc[0]
            )
            rows["decision"] = commonest.reindex(rows["imagename"]).to_numpy()
            rows = rows.assign(kind=kind, model=model, architecture=architecture, arm=arm)
            chosen.append(rows.assign(rank=np.arange(1, len(rows) + 1))[names])
    return pd.concat([one for one in chosen if len(one)] or chosen, ignore_index=True)


def diverse(rows: pd.DataFrame, most: int) -> pd.DataFrame:
    """The first so many images, a shape class and a texture class once each while others remain."""
    picked: list[int] = []
    used: dict[str, set[str]] = {"shape": set(), "texture": set()}

    def new(row: Sequence) -> bool:
        return row.shape not in used["shape"] and row.texture not in used["texture"]

    for demand in (new, lambda row: True):
        for row in rows.itertuples():
            if len(picked) < most and row.Index not in picked and demand(row):
                picked.append(row.Index)
                used["shape"].add(row.shape)
                used["texture"].add(row.texture)
    return rows.loc[picked]
