"""One row a subject: what is asked first, of the networks at hand, of humans and of published networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from texshape.figures.comparison import SOURCES
from texshape.figures.style import network_label, without_observers

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = [
    "subject", "name", "kind", "shape_bias", "ci_low", "ci_high", "cue_match_rate", "n_conflict",
    "edges", "silhouettes", "shape_read", "texture_read", "read_stage", "chance", "verdict", "n_classes",
]  # fmt: skip
MEASURED, PUBLISHED, HUMANS = "measured", "published", "humans"


def build(
    tables: Mapping[str, pd.DataFrame],
    reasons: pd.DataFrame,
    networks: Sequence[Mapping[str, Any]],
) -> pd.DataFrame:
    """The leaderboard, highest shape bias first, networks without decisions last.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        ``shape_bias``, ``accuracy``, ``readout`` where they are.
    reasons : DataFrame
        ``model, technique, reason``.
    networks : sequence of mapping
        ``model`` and ``name`` of each network at hand.

    Returns
    -------
    DataFrame
        `COLUMNS`: ``shape_read`` and ``texture_read`` are the share of images whose shape or texture
        class a linear read-out finds in the last stage (``read_stage``; by its class token where it
        has one), ``chance`` what guessing finds; ``verdict`` the name of the bias
        (`texshape.trials.naming.name`) over the ``n_classes`` that the images show; rates are
        fractions; empty where not measured.
    """
    import pandas as pd

    rows: dict[str, dict[str, Any]] = {}
    own = {str(entry["model"]): _short(str(entry["name"])) for entry in networks}
    for model, name in own.items():
        rows[model] = {"subject": model, "name": name, "kind": MEASURED}
    if "shape_bias" in tables:
        for row in without_observers(tables["shape_bias"]).to_dict("records"):
            model = str(row["model"])
            kind = MEASURED if model in own else HUMANS if model == HUMANS else PUBLISHED
            name = _published_name(model) if kind == PUBLISHED else model
            entry = rows.setdefault(model, {"subject": model, "name": name, "kind": kind})
            entry |= {key: row[key] for key in (*COLUMNS[3:8], "verdict", "n_classes")}
    if "accuracy" in tables:
        for row in tables["accuracy"].to_dict("records"):
            model = str(row["model"])
            if model in rows and row["cue"] == "shape" and row["set"] in ("edges", "silhouettes"):
                rows[model][row["set"]] = row["accuracy"]
    if "readout" in tables:
        for model, table in tables["readout"].groupby("model"):
            if model in rows:
                rows[str(model)] |= _read(table)
    board = pd.DataFrame(list(rows.values())).reindex(columns=COLUMNS)
    board["n_conflict"] = board["n_conflict"].astype("Int64")
    return board.sort_values(["shape_bias", "subject"], ascending=[False, True],
                             na_position="last", ignore_index=True)  # fmt: skip


def _short(name: str) -> str:
    """A name with the file of local weights, without its folders."""
    network, at, path = name.partition("@")
    return network + at + path.rpartition("/")[2]


def _published_name(model: str) -> str:
    """``texture-vs-shape/alexnet`` as people write it, with the year of the trials."""
    source, _, name = model.rpartition("/")
    return f"{network_label(name)} ({SOURCES[source]})" if source in SOURCES else model


def _read(table: pd.DataFrame) -> dict[str, Any]:
    """What can be read from the last stage of the network with its own weights."""
    own = table[table["epoch"] == table["epoch"].max()]
    last = own[own["stage"] == own["stage"].iloc[-1]]
    kind = "cls" if (last["input"] == "cls").any() else "pooled"
    last = last[last["input"] == kind].set_index("cue")
    return {
        "shape_read": last["accuracy"].get("shape"),
        "texture_read": last["accuracy"].get("texture"),
        "read_stage": last["stage"].iloc[0],
        "chance": last["chance"].iloc[0],
    }
