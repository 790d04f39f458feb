"""The published photographs under noise of one octave, and the published answers to them.

Subramanian et al. 2023, arXiv 2309.13190; github.com/ajaysub110/critical-band-masking. The repository
names no licence: files are downloaded, verified and used, and never part of the project.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd

from texshape.data import imageset, pictures, published
from texshape.data.download import Item, fetch_all
from texshape.errors import InputError
from texshape.trials.imagenet16 import CATEGORIES
from texshape.trials.names import ABSENT

SOURCE, TRIALS = "critical-band", "critical-band-trials"
MASKED, GREY = "CBMSplit", "GraySplit"
_STIMULUS = re.compile(
    r"(?P<number>\d+)_(?:color|cbm_noise(?P<noise>[\d.]+)_freq(?P<band>\d))_gray_g_(?P<label>[a-z]+)"
)
_ANSWERS = re.compile(r"solomon_(?P<network>.+)_accuracies_.+")
_CONDITION = re.compile(r"noise(?P<noise>[\d.]+)freq(?P<band>\d)")


def items(cache: str | Path, which: str = MASKED) -> list[Item]:
    """The files of the photographs under noise, or without; see `stimuli`."""
    if which not in (MASKED, GREY):
        raise InputError(f"photographs '{which}'; expected {MASKED} or {GREY}")
    return [
        item
        for item in published.items(SOURCE, cache)
        if f"/{which}/" in item.destination.as_posix()
    ]


def stimuli(cache: str | Path, which: str = MASKED) -> tuple[imageset.ImageSet, pd.DataFrame]:
    """Bring and read the photographs.

    Parameters
    ----------
    cache : path
        Folder for the downloads.
    which : str
        `MASKED`, under noise, or `GREY`, the same photographs without.

    Returns
    -------
    ImageSet
        1,050 images of 224 px; the category is ``shape``, each photograph an exemplar.
    DataFrame
        A row an image: ``picture``, ``stratum`` (its category), ``band``, ``noise``; band 0 and
        noise 0 without noise.

    Raises
    ------
    InputError
        If a file cannot be brought, or its name or size is another than expected.
    """
    wanted = items(cache, which)
    fetch_all(wanted, label=f"{which} ({published.sources()[SOURCE].repository})")
    images = np.empty((len(wanted), published.SIDE, published.SIDE, 3), np.uint8)
    rows, conditions = [], []
    for i, item in enumerate(wanted):
        path = item.destination
        match = _STIMULUS.fullmatch(path.stem)
        if not match or match["label"] not in CATEGORIES:
            raise InputError(f"{path}: expected NUMBER_..._CATEGORY.JPEG, a category of the 16")
        picture = pictures.opened(path)
        if picture.size != images.shape[1:3]:
            raise InputError(f"{path}: {picture.width} x {picture.height} px; expected 224 x 224")
        images[i] = np.asarray(pictures.to_rgb(path, picture))
        noise, band = float(match["noise"] or 0), int(match["band"] or 0)
        # Numbers start anew in each of the five folders.
        label, exemplar = match["label"], f"{match['label']}{path.parent.name}x{match['number']}"
        condition = f"noise-{noise:g}-band-{band}"
        rows.append([f"{exemplar}.png", label, ABSENT, exemplar, ABSENT, condition])
        conditions.append([f"{exemplar}.png", label, band, noise])
    return (
        imageset.ImageSet(images, pd.DataFrame(rows, columns=imageset.LABEL_COLUMNS)),
        pd.DataFrame(conditions, columns=["picture", "stratum", "band", "noise"]),
    )


def published_trials(cache: str | Path) -> dict[str, pd.DataFrame]:
    """Bring and read the published answers.

    Returns
    -------
    dict of str to DataFrame
        For each file, by the network's name: ``picture`` (a number; the files do not say which one
        was shown), ``stratum`` (its condition), ``band``, ``noise``, ``correct``. One network has
        two files; the second is called ``NAME (2)``.
    """
    found: dict[str, pd.DataFrame] = {}
    for item in published.fetch_source(TRIALS, cache):
        match = _ANSWERS.fullmatch(item.destination.stem)
        if not match:
            continue
        rows = []
        for name, answers in json.loads(item.destination.read_text(encoding="utf-8")).items():
            condition = _CONDITION.fullmatch(name)
            if not condition:
                raise InputError(f"{item.destination}: condition '{name}' cannot be read")
            noise, band = float(condition["noise"]), int(condition["band"])
            rows += [(f"{name}-{i}", name, band, noise, right) for i, right in enumerate(answers)]
        columns = ["picture", "stratum", "band", "noise", "correct"]
        network = match["network"]
        name = network if network not in found else f"{network} (2)"
        found[name] = pd.DataFrame(rows, columns=columns)
    return found


def published_bias(cache: str | Path) -> dict[str, float]:
    """Published shape bias of each network, the mean over the 16 categories of their shares."""
    (item,) = [
        item for item in published.items(TRIALS, cache) if item.destination.name == "sb_scores.json"
    ]
    fetch_all([item], label=TRIALS)
    scores = json.loads(item.destination.read_text(encoding="utf-8"))
    return {name: float(np.mean(values)) for name, values in scores.items()}
