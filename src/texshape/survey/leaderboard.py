"""One row a subject: what is asked first, of the networks at hand, of humans and of published networks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from texshape.data.published_answers import SHOWN
from texshape.experiment import runs
from texshape.figures.comparison import SOURCES
from texshape.figures.style import network_label, without_observers
from texshape.models import names
from texshape.models.families.base import without_folders
from texshape.models.families.registry import with_prefix
from texshape.survey.columns import (
    CONSISTENCY,
    HUMANS,
    LEADERBOARD,
    MEASURED,
    PUBLISHED,
    in_order,
)
from texshape.trials import naming
from texshape.trials.deciding import ASKED, CLASSES, READOUT, WORDS, ZERO_SHOT
from texshape.trials.subjects import CUE_CONFLICT

if TYPE_CHECKING:
    import pandas as pd

SCORED = ("shape_bias", "ci_low", "ci_high", "cue_match_rate", "n_conflict")
RULE = ("verdict", "n_classes", "n_congruent")
PIXELS = runs.PIXELS.model
#: whose trials of 2019 are of Caffe's weights: torchvision's networks of these names have other biases
CAFFE = tuple(f"texture-vs-shape/{name}" for name in ("alexnet", "googlenet", "vgg"))


def build(
    tables: Mapping[str, pd.DataFrame],
    reasons: pd.DataFrame,
    networks: Sequence[Mapping[str, Any]],
) -> pd.DataFrame:
    """The leaderboard, highest shape bias first, networks without decisions last.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        ``shape_bias``, ``accuracy``, ``readout``, ``benchmark_by_dataset`` and ``published_answers`` where
        they are.
    reasons : DataFrame
        ``model, technique, reason``.
    networks : sequence of mapping
        ``model``, ``name``, ``wording`` and ``decides_by`` of each network at hand.

    Returns
    -------
    DataFrame
        `texshape.survey.columns.LEADERBOARD`; empty where not measured.
    """

    rows: dict[str, dict[str, Any]] = {}
    own = {str(entry["model"]): _short(str(entry["name"])) for entry in networks}
    for entry in networks:
        model = str(entry["model"])
        rows[model] = {"subject": model, "name": own[model], "kind": MEASURED}
        rows[model] |= {key: str(entry.get(key, "")) for key in ("wording", "decides_by")}
    if "shape_bias" in tables:
        for row in without_observers(tables["shape_bias"]).to_dict("records"):
            model = str(row["model"])
            kind = MEASURED if model in own else HUMANS if model == HUMANS else PUBLISHED
            name = published_name(model) if kind == PUBLISHED else model
            decides = CLASSES if kind == PUBLISHED else ""
            fresh = {"subject": model, "name": name, "kind": kind, "decides_by": decides}
            entry = rows.setdefault(model, fresh)
            entry |= {key: row[key] for key in (*SCORED, *RULE)}
            entry["few_congruent"] = naming.few_congruent(row)
    if "published_answers" in tables:
        for row in tables["published_answers"].to_dict("records"):
            _add_answers(rows, row)
    if "benchmark_by_dataset" in tables:
        for row in tables["benchmark_by_dataset"].to_dict("records"):
            if row["datasets"] == CUE_CONFLICT and row["model"] in rows:
                rows[row["model"]] |= {key: row[key] for key in CONSISTENCY}
    if "accuracy" in tables:
        for row in tables["accuracy"].to_dict("records"):
            model = str(row["model"])
            if model in rows and row["cue"] == "shape" and row["set"] in ("edges", "silhouettes"):
                rows[model][row["set"]] = row["accuracy"]
    if "readout" in tables:
        readings = dict(list(tables["readout"].groupby("model")))
        for model in rows.keys() & readings.keys():
            rows[model] |= _read(readings[model], readings.get(PIXELS))
    return in_order(LEADERBOARD.frame(rows.values()))


def _add_answers(rows: dict[str, dict[str, Any]], row: Mapping[str, Any]) -> None:
    """A subject whose answers others published, by one wording each; humans have their consistency of it."""
    subject = str(row["subject"])
    if subject == HUMANS:
        if HUMANS in rows:
            rows[HUMANS] |= {key: row[key] for key in CONSISTENCY}
    elif row["wording"] in SHOWN and not row["reason"]:
        how = row["decides_by"] if row["decides_by"] in (ASKED, ZERO_SHOT) else ""
        said = ", ".join(part for part in (how, row["date"]) if part)
        rows[subject] = {
            "subject": subject,
            "name": f"{row['name']} ({said})" if said else row["name"],
            "kind": PUBLISHED,
            **{key: row[key] for key in ("decides_by", "wording", "date")},
            **{key: row[key] for key in (*SCORED, *RULE, *CONSISTENCY)},
            "few_congruent": naming.few_congruent(row),
        }


def _short(name: str) -> str:
    """A name as people write it, where it says all; a file of local weights without its folders.

    >>> _short("efficientnet_lite_pytorch:efficientnet-lite0"), _short("timm:resnet50@a/b.pth")
    ('EfficientNet-Lite0', 'timm:resnet50@b.pth')
    >>> _short("readout:timm:resnet50")
    'timm:resnet50 (read-out)'
    """
    if name.startswith(f"{names.READOUT}:"):
        return f"{_short(name.partition(':')[2])} ({WORDS[READOUT]})"
    family = with_prefix().get(name.partition(":")[0])
    if family is None:
        return without_folders(name)
    parsed = names.parse(name)
    if family.own_names and parsed.weights is None:
        return network_label(parsed.architecture)
    return family.shown(parsed)


def published_name(model: str) -> str:
    """``texture-vs-shape/alexnet`` as people write it, with the year of the trials."""
    source, _, name = model.rpartition("/")
    if source not in SOURCES:
        return model
    of = "Caffe, " if model in CAFFE else ""
    return f"{network_label(name)} ({of}{SOURCES[source]})"


def _read(table: pd.DataFrame, pixels: pd.DataFrame | None) -> dict[str, Any]:
    """What can be read from the last stage of the network with its own weights, and what without it."""
    own = table[table["epoch"] == table["epoch"].max()]
    stage = own["stage"].iloc[-1]
    kind = "cls" if ((own["stage"] == stage) & (own["input"] == "cls")).any() else "pooled"
    at_end = table[(table["stage"] == stage) & (table["input"] == kind)].set_index("cue")
    last = at_end[at_end["epoch"] == own["epoch"].iloc[0]]
    parts = {"read": last, "untrained": at_end[at_end["epoch"] < own["epoch"].iloc[0]]}
    if pixels is not None:
        parts["pixels"] = pixels[pixels["input"] == "pixels"].set_index("cue")
    found: dict[str, Any] = {"read_stage": stage, "chance": last["chance"].iloc[0]}
    for cue in ("shape", "texture"):
        for of, part in parts.items():
            for column, end in (("accuracy", ""), ("ci_low", "_low"), ("ci_high", "_high")):
                found[f"{cue}_{of}{end}"] = part[column].get(cue)
        found[f"{cue}_known"] = known(found, cue)
    return found


def known(row: Mapping[str, Any], cue: str) -> bool | None:
    """Whether a network knows a cue by more than the images and an untrained network hold of it.

    Parameters
    ----------
    row : mapping
        Of the leaderboard.
    cue : str
        ``shape`` or ``texture``.

    Returns
    -------
    bool or None
        Whether the interval of what is read lies above chance and above the whole intervals of pixels
        and of the untrained network; None where the network, or one of the two, was not read.
    """
    low = row.get(f"{cue}_read_low")
    bars = [row.get("chance"), *(row.get(f"{cue}_{of}_high") for of in ("untrained", "pixels"))]
    if any(value is None or math.isnan(value) for value in (low, *bars)):
        return None
    return bool(low > max(bars))
