"""Measures of networks that others made and published, as rows for the question whether measures agree.

Two public tables: Subramanian et al. 2023 (arXiv 2309.13190; answers of 85 networks to photographs under
noise, and their shape bias) and Gavrikov and Keuper 2024 (arXiv 2404.01509; ``raw-data/benchmark.csv``, 70
networks, most of them ResNet-50 by other trainings). Both are downloaded, verified and used, and never
part of the project. Nobody measured these networks here, and the rows say who did.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from texshape.comparison.columns import PUBLISHED_MEASURES
from texshape.data import critical_band, published
from texshape.data.download import fetch_all
from texshape.errors import InputError
from texshape.techniques.frequency_channel import channel
from texshape.techniques.frequency_channel import published as estimator

if TYPE_CHECKING:
    import pandas as pd

CHANNEL = "Subramanian et al. 2023"
BENCHMARK_SOURCE, BENCHMARK = "biases-vs-generalization", "Gavrikov and Keuper 2024"
_FILE = "benchmark.csv"

#: a fitted channel that is wider has thresholds that hardly differ from band to band
WIDEST = 20.0  # octaves
TOO_WIDE = f"a fitted channel of more than {WIDEST:g} octaves: the bands' thresholds do not differ"
#: a network with random weights is no network that measures could agree on
UNTRAINED = "resnet50_untrained"

#: measure -> (name in words, unit, what more of it means more of)
ABOUT = {
    "shape_bias": ("shape bias", "fraction", "shape"),
    "channel_bandwidth": ("channel's bandwidth", "octaves", "texture"),
    "published_bandwidth": ("channel's published bandwidth", "octaves", "texture"),
    "unmasked_accuracy": ("accuracy, pictures of low contrast", "fraction", ""),
    "masked_accuracy": ("accuracy under noise of an octave", "fraction", ""),
    "imagenet_accuracy": ("accuracy, ImageNet", "%", ""),
    "stylized_accuracy": ("accuracy, stylized images", "%", "shape"),
    "silhouette_accuracy": ("accuracy, silhouettes", "%", "shape"),
    "edge_accuracy": ("accuracy, edges", "%", "shape"),
    "sketch_accuracy": ("accuracy, sketches", "%", "shape"),
    "low_pass_accuracy": ("accuracy, low-pass pictures", "%", ""),
    "high_pass_accuracy": ("accuracy, high-pass pictures", "%", ""),
    "corruption_accuracy": ("accuracy under corruption", "%", ""),
    "attacked_accuracy": ("accuracy under attack", "%", ""),
    "low_frequencies": ("kept by low frequencies", "ratio", ""),
    "high_frequencies": ("kept by high frequencies", "ratio", ""),
    "receptive_field": ("effective receptive field", "share of the image", ""),
}

#: measure -> column of the benchmark; of several the mean
_COLUMNS: dict[str, tuple[str, ...]] = {
    "shape_bias": ("shape-bias",),
    "published_bandwidth": ("metric/criticalband/bw",),
    "imagenet_accuracy": ("top1_acc/imagenet",),
    "stylized_accuracy": ("top1_acc/stylized",),
    "silhouette_accuracy": ("top1_acc/silhouette",),
    "edge_accuracy": ("top1_acc/edge",),
    "sketch_accuracy": ("top1_acc/sketch",),
    "low_pass_accuracy": ("top1_acc/low-pass",),
    "high_pass_accuracy": ("top1_acc/high-pass",),
    "corruption_accuracy": ("top1_acc/imagenet-c",),
    "attacked_accuracy": ("top1_acc/PGD-40/low",),
    "low_frequencies": tuple(f"metric/bandpass/LFC/0.{i}" for i in range(1, 10)),
    "high_frequencies": tuple(f"metric/bandpass/HFC/0.{i}" for i in range(1, 10)),
    "receptive_field": ("metric/erf/area",),
}


def measures(cache: str | Path) -> pd.DataFrame:
    """Bring both tables and make rows of them.

    Parameters
    ----------
    cache : path
        Folder for the downloads.

    Returns
    -------
    DataFrame
        `columns.PUBLISHED_MEASURES`, a row a network and measure.

    Raises
    ------
    InputError
        If a file cannot be brought, or its columns are others than expected.
    """
    rows = [*_channels(Path(cache)), *_benchmark(Path(cache))]
    return PUBLISHED_MEASURES.frame(rows)


def _row(who: str, network: str, measure: str, value: float, source: str, reason: str = ""
         ) -> dict[str, Any]:  # fmt: skip
    label, unit, cue = ABOUT[measure]
    return {"measured_by": who, "network": network, "measure": measure, "label": label,
            "unit": unit, "cue": cue, "value": value, "source": source,
            "reason": reason if np.isnan(value) else ""}  # fmt: skip


def _within(bandwidth: float) -> float:
    return bandwidth if bandwidth <= WIDEST else np.nan


def _channels(cache: Path) -> Iterator[dict[str, Any]]:
    """Rows from published answers; of a network that has two files the first counts."""
    source = published.sources()[critical_band.TRIALS]
    folder = cache / source.repository / source.commit
    trials, bias = critical_band.published_trials(folder), critical_band.published_bias(folder)
    at = f"{source.repository}: answers, "
    for network, frame in trials.items():
        if network.endswith(" (2)"):
            continue
        by_band = frame.pivot_table(index="noise", columns="band", values="correct").to_numpy()
        found = estimator.estimate(by_band)
        (sound,) = channel.measure(frame, chance=1 / 16, resamples=0)[1].to_dict("records")
        clear = frame["noise"] == 0
        if network in bias:
            yield _row(CHANNEL, network, "shape_bias", bias[network],
                       f"{source.repository}: sb_scores.json, mean of 16 categories")  # fmt: skip
        yield _row(CHANNEL, network, "channel_bandwidth", float(sound["bandwidth"]),
                   at + "estimated anew with one asymptote a network", sound["reason"])  # fmt: skip
        yield _row(CHANNEL, network, "published_bandwidth", _within(found.bandwidth),
                   at + "estimated as published", TOO_WIDE)  # fmt: skip
        yield _row(CHANNEL, network, "unmasked_accuracy", float(frame["correct"][clear].mean()),
                   at + "share right without noise")  # fmt: skip
        yield _row(CHANNEL, network, "masked_accuracy", float(frame["correct"][~clear].mean()),
                   at + "share right under noise")  # fmt: skip


def _benchmark(cache: Path) -> Iterator[dict[str, Any]]:
    source = published.sources()[BENCHMARK_SOURCE]
    folder = cache / source.repository / source.commit
    (item,) = [
        item for item in published.items(BENCHMARK_SOURCE, folder) if item.destination.name == _FILE
    ]
    fetch_all([item], label=f"{_FILE} ({source.repository})")
    path = item.destination
    with open(path, encoding="utf-8", newline="") as lines:
        reader = csv.DictReader(lines)
        given = reader.fieldnames or []
        for column in ("model", *(name for names in _COLUMNS.values() for name in names)):
            if column not in given:
                raise InputError(f"{path}: column '{column}' is missing")
        for row in reader:
            if row["model"] == UNTRAINED:
                continue
            for measure, columns in _COLUMNS.items():
                value, reason = _mean(path, row, columns), "not in the published table"
                if measure == "published_bandwidth" and value > WIDEST:
                    value, reason = np.nan, TOO_WIDE
                named = (
                    columns[0] if len(columns) == 1 else f"mean of {columns[0]} to {columns[-1]}"
                )
                yield _row(BENCHMARK, row["model"], measure, value,
                           f"{source.repository}: {_FILE}, {named}", reason)  # fmt: skip


def _mean(path: Path, row: dict[str, str], columns: Sequence[str]) -> float:
    """Mean of the cells; undefined where one is empty."""
    values = []
    for column in columns:
        try:
            values.append(float(row[column] or "nan"))
        except ValueError:
            raise InputError(
                f"{path}: column '{column}', network {row['model']}: expected a number, found "
                f"'{row[column]}'"
            ) from None
    return float(np.mean(values))
