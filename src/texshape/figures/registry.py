"""The figures by name: which function draws each, and which tables it reads.

The Snakefile builds its rules' inputs from `FIGURES`, so this module imports no drawing library.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from texshape.errors import InputError, nearest
from texshape.techniques import registry

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

#: what `draw` imports by name, for `texshape.source_code`
DYNAMIC_IMPORTS = ("texshape.MODULE:",)

#: name -> (module:function below texshape, tables that it reads)
FIGURES: dict[str, tuple[str, list[str]]] = {
    "training": ("figures.training:curves", ["training"]),
    "accuracy": ("figures.accuracy:by_set", ["accuracy"]),
    "shape_bias": ("figures.shape_bias:by_arm", ["shape_bias", "shape_bias_by_class", "accuracy"]),
    "shape_bias_by_class": ("figures.shape_bias:by_class", ["shape_bias", "shape_bias_by_class"]),
    "published_comparison": (
        "figures.comparison:with_published",
        ["shape_bias", "shape_bias_by_class"],
    ),
    "conflict_sets": ("figures.conflict_sets:by_set", ["shape_bias_by_set", "shape_bias_by_class"]),
    "stylization_fitness": ("figures.fitness:by_set", ["stylization_fitness"]),
    "controls": ("figures.controls:difficulty", ["shape_bias", "shape_bias_by_class"]),
    "local_patches": (
        "techniques.receptive_field.figure:accuracy_by_field",
        ["accuracy", "receptive_field"],
    ),
    "receptive_field": ("techniques.receptive_field.figure:by_stage", ["receptive_field"]),
    "shuffling": ("techniques.shuffling.figure:by_patches", ["shuffling"]),
    "cue_strength": ("techniques.cue_strength.figure:curves", ["cue_strength"]),
    "sensitivity": ("techniques.sensitivity.figure:grid", ["sensitivity"]),
    "readout": ("techniques.readout.figure:by_stage", ["readout"]),
    "dimensionality": ("techniques.dimensionality.figure:by_stage", ["dimensionality"]),
    "segmentation": ("techniques.segmentation.figure:by_stage", ["segmentation"]),
    "erasure": ("techniques.erasure.figure:by_condition", ["erasure"]),
    "corruptions": ("techniques.corruptions.figure:by_type", ["corruptions"]),
    "corruption_errors": ("techniques.corruptions.figure:relative", ["corruption_errors"]),
    "benchmark": ("techniques.human_consistency.figure:with_humans", ["benchmark"]),
    "consistency_power": (
        "techniques.consistency_power.figure:neighbours",
        ["consistency_power", "consistency_differences"],
    ),
    "cue_rank": ("techniques.cue_rank.figure:by_network", ["cue_rank"]),
    "suppression": ("techniques.suppression.figure:by_degree", ["suppression"]),
    "measure_against_measure": (
        "figures.measure_against_measure:scatter",
        ["comparison", "correlations"],
    ),
    "agreement": ("figures.agreement:matrix", ["agreement"]),
    "layer_by_epoch": ("figures.layer_by_epoch:heat_maps", ["readout", "dimensionality"]),
    "disagreement": ("figures.disagreement:by_network", ["disagreement"]),
}

#: figures that only an experiment with something of that kind can show
NEEDS = {
    "controls": "controls",
    "local_patches": "trained",
    "training": "trained",
    "published_comparison": "published",
    "sensitivity": "named",
}


#: chapters of `snakemake --report`, in the order of the article
CATEGORIES = {
    "1 Data and training": ["contact_sheet", "training", "accuracy", "stylization",
                            "stylization_conflict", "stylization_fitness"],
    "2 What decides": ["shape_bias", "shape_bias_by_class", "published_comparison", "conflict_sets",
                       "controls", "cue_strength", "suppression", "sensitivity", "benchmark",
                       "consistency_power"],
    "3 What is known and used": ["readout", "dimensionality", "segmentation",
                                 "segmentation_pictures", "erasure", "cue_rank", "disagreement",
                                 "disagreement_images"],
    "4 How far it sees": ["architectures", "local_patches", "receptive_field", "influence",
                          "shuffling", "feature_visualization"],
    "5 Robustness": ["corruptions", "corruption_errors"],
    "6 Side by side": ["measure_against_measure", "agreement", "layer_by_epoch"],
}  # fmt: skip


def declaration(name: str) -> tuple[str, Sequence[str]]:
    """Where a figure is drawn, ``module:function``, and the tables that it reads.

    Raises
    ------
    InputError
        If no figure of ours, and none that a technique declares, has that name.
    """
    if name in FIGURES:
        place, tables = FIGURES[name]
        return f"texshape.{place}", tables
    for technique in registry.names():
        for figure in registry.get(technique).figures:
            if figure.name == name:
                return figure.draw, figure.tables
    raise InputError(f"figure '{name}' is not known{nearest(name, FIGURES)}")


def category(name: str) -> str:
    """Chapter of the report that a figure stands in."""
    return next((title for title, names in CATEGORIES.items() if name in names), "7 Others")


def available(
    tables: Iterable[str],
    *,
    trained: bool,
    published: bool | None = None,
    controls: bool | None = None,
    named: bool | None = None,
) -> list[str]:
    """Figures that an experiment can draw.

    Parameters
    ----------
    tables : iterable of str
        Names of the tables that the experiment makes.
    trained : bool
        Whether it trains networks.
    published : bool, optional
        Whether it has trials that others published; by default where it trains none.
    controls : bool, optional
        Whether it trains networks on other variants of its images; by default where it trains.
    named : bool, optional
        Whether it measures networks by name; by default where it trains none.
    """
    tables = set(tables)
    has = {
        "trained": trained,
        "published": not trained if published is None else published,
        "controls": trained if controls is None else controls,
        "named": not trained if named is None else named,
    }
    return [
        name
        for name, (_, needed) in FIGURES.items()
        if has.get(NEEDS.get(name, ""), True) and tables.issuperset(needed)
    ]


def read_tables(name: str, folder: str | Path) -> dict[str, pd.DataFrame]:
    """Read the tables that a figure needs, and check them (`texshape.tables.Table.check`).

    Raises
    ------
    InputError
        If the figure is unknown, a table is missing, or it is not as declared.
    """
    from texshape.catalogue import declared
    from texshape.files import read_csv

    tables = {}
    for table in declaration(name)[1]:
        path = Path(folder) / f"{table}.csv"
        tables[table] = declared(table).check(read_csv(path), path, networks=True)
    return tables


def draw(
    name: str, tables: Mapping[str, pd.DataFrame], settings: Mapping[str, Any] | None = None
) -> Figure:
    """Draw one figure from its tables.

    Parameters
    ----------
    name : str
        A key of `FIGURES`, or a figure that a technique declares.
    tables : mapping of str to DataFrame
        The tables by name.
    settings : mapping, optional
        Sections of the parameters; ``arms`` and ``data`` tell which arms are controls and with
        which ranges their images were drawn.
    """
    from texshape.figures.style import style

    module, function = declaration(name)[0].split(":")
    drawing: Callable[..., Figure] = getattr(importlib.import_module(module), function)
    with style():
        return drawing(tables, dict(settings or {}))
