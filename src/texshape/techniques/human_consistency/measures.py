"""What agreement with humans adds to the comparison."""

from __future__ import annotations

from texshape.techniques.base import Measure


def _measure(name: str, label: str, datasets: str) -> Measure:
    return Measure(
        name=name,
        label=label,
        unit="kappa",
        table="benchmark",
        value="error_consistency",
        where={"datasets": datasets},
        interval=("error_consistency_low", "error_consistency_high"),
        n="n_datasets",
        source="{datasets}",
    )


MEASURES = (
    _measure("error_consistency", "error consistency with humans", "cue-conflict+edge+silhouette"),
    _measure("error_consistency_17", "error consistency, 17 data sets", "all-17"),
)
