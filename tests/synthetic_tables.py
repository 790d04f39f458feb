"""Invented result tables for tests of figures and article: random numbers with a chosen tendency.

Nothing here was measured.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

CLASSES = ["disc", "triangle", "square", "star", "plus", "ring", "crescent", "heart", "gear",
           "arrow", "ell", "hourglass"]  # fmt: skip
CATEGORIES = ["airplane", "bear", "bicycle", "bird", "boat", "bottle", "car", "cat", "chair",
              "clock", "dog", "elephant", "keyboard", "knife", "oven", "truck"]  # fmt: skip
STAGES = ["stem", "stage1", "stage2", "stage3"]
TRAINED = {
    "cnn": ["plain", "stylized", "mixed", "plain-crop"],
    "rf9": ["plain", "stylized"],
    "rf17": ["plain", "stylized"],
    "rf33": ["plain", "stylized"],
    "rf9-wide": ["plain", "stylized"],
}
CONTROLS = ["plain-orientation-0.8", "plain-orientation-free", "plain-tint-0.3", "plain-tint-0.6"]
FIELDS = {"cnn": 45, "rf9": 9, "rf17": 17, "rf33": 33, "rf9-wide": 9}
BIAS = {"plain": 0.11, "plain-crop": 0.16, "mixed": 0.85, "stylized": 0.97,
        "plain-orientation-0.8": 0.23, "plain-orientation-free": 0.45, "plain-tint-0.3": 0.3,
        "plain-tint-0.6": 0.5}  # fmt: skip

SETTINGS = {
    "data": {
        "texture": {"orientation": 0.4},
        "colour": {"tint": 0.12},
        "variants": {
            "base": {},
            "orientation-0.8": {"texture": {"orientation": 0.8}},
            "orientation-free": {"texture": {"orientation": 3.1416}},
            "tint-0.3": {"colour": {"tint": 0.3}},
            "tint-0.6": {"colour": {"tint": 0.6}},
        },
    },
    "arms": {
        "plain": {"sets": ["plain"]},
        "stylized": {"sets": ["stylized"]},
        "mixed": {"sets": ["plain", "stylized"]},
        "plain-crop": {"sets": ["plain"], "training": {"random_crop": 0.3}},
        **{name: {"sets": ["plain"], "variant": name.removeprefix("plain-")} for name in CONTROLS},
    },
}


def networks() -> list[tuple[str, str, int]]:
    """Architecture, arm and seed of every invented network."""
    rows = [(a, arm, seed) for a, arms in TRAINED.items() for arm in arms for seed in range(3)]
    return rows + [("cnn", arm, seed) for arm in CONTROLS for seed in range(2)]


def _front(architecture: str, arm: str, seed: int | str) -> dict:
    return {"model": f"{architecture}--{arm}", "architecture": architecture, "arm": arm,
            "seed": seed}  # fmt: skip


def _bias_row(front: dict, bias: float, n: int, half: float = 0.04, match: float = 0.9) -> dict:
    n_shape = round(bias * match * n)
    return {
        **front,
        "shape_bias": bias,
        "ci_low": max(bias - half, 0.0),
        "ci_high": min(bias + half, 1.0),
        "cue_match_rate": match,
        "n_trials": n,
        "n_conflict": n,
        "n_shape": n_shape,
        "n_texture": round(match * n) - n_shape,
    }


def procedural(reverse: bool = False) -> dict[str, pd.DataFrame]:
    """All tables of a procedural experiment; `reverse` turns every tendency round."""
    random = np.random.default_rng(7)
    tables: dict[str, list[dict]] = {name: [] for name in (
        "shape_bias", "shape_bias_by_class", "accuracy", "training", "receptive_field", "readout",
        "dimensionality")}  # fmt: skip
    for architecture, arm, seed in networks():
        front = _front(architecture, arm, seed)
        bias = BIAS[arm] + random.normal(0, 0.01)
        if architecture != "cnn" and arm == "plain":
            bias = 0.03
        bias = float(np.clip(1 - bias if reverse else bias, 0, 1))
        tables["shape_bias"].append(_bias_row(front, bias, 1100))
        for name in CLASSES:
            value = float(np.clip(bias + random.normal(0, 0.08), 0, 1))
            tables["shape_bias_by_class"].append(
                {**front, "class": name, "shape_bias": value, "n_shape": round(80 * value),
                 "n_texture": 80 - round(80 * value)})  # fmt: skip
        for set_name, cue, value, n in _accuracies(architecture, arm, reverse):
            tables["accuracy"].append(
                {**front, "set": set_name, "cue": cue, "accuracy": value,
                 "ci_low": max(value - 0.03, 0), "ci_high": min(value + 0.03, 1),
                 "n": n})  # fmt: skip
        for epoch in range(1, 9):
            tables["training"].append(
                {**front, "epoch": epoch, "step": 75 * epoch, "learning_rate": 4e-3 / epoch,
                 "train_loss": 2 / epoch, "train_accuracy": 1 - 0.8 / epoch,
                 "validation_set": "validation-plain", "validation_loss": 2.1 / epoch,
                 "validation_accuracy": 1 - 0.7 / epoch + random.normal(0, 0.01)})  # fmt: skip
        if arm in ("plain", "stylized", "mixed") and architecture in ("cnn", "rf9"):
            _readout(tables["readout"], front, arm, random, reverse)
            _dimensionality(tables["dimensionality"], front, arm, random, reverse)
    for architecture, field in FIELDS.items():
        for index, stage in enumerate(STAGES):
            size = 3 + (field - 3) * index / 3
            tables["receptive_field"] += [
                {**_front(architecture, arm, 0), "stage": stage, "theoretical": size,
                 "effective_untrained": size * 0.5, "image_size": 48,
                 "effective_trained": size * (0.7 if arm == "plain" else 0.8)}
                for arm in ("plain", "stylized")
            ]  # fmt: skip
    return {name: pd.DataFrame(rows) for name, rows in tables.items()}


def _accuracies(architecture: str, arm: str, reverse: bool) -> list[tuple[str, str, float, int]]:
    reach = {"rf9": 0.2, "rf9-wide": 0.22, "rf17": 0.55, "rf33": 0.85, "cnn": 0.95}[architecture]
    if reverse:
        reach = {"rf9": 0.96, "rf9-wide": 0.95, "rf17": 0.95, "rf33": 0.95, "cnn": 0.93}[
            architecture
        ]
    styled = arm in ("stylized", "mixed")
    plain = 0.45 if reverse else 0.97
    return [
        ("test-plain", "shape", plain, 600),
        ("test-stylized", "shape", reach if styled else 0.21, 600),
        ("silhouettes", "shape", 0.9 if styled else 0.2, 600),
        ("textures", "texture", 0.1 if arm == "stylized" else 0.95, 600),
        ("cue-conflict", "shape", BIAS[arm], 1100),
    ]


def _readout(rows: list[dict], front: dict, arm: str, random: np.random.Generator,
             reverse: bool) -> None:  # fmt: skip
    levels = {"shape": [0.14, 0.2, 0.6, 0.77], "texture": [0.5, 0.89, 0.96, 0.96]}
    if arm == "stylized":
        levels = {"shape": [0.14, 0.25, 0.85, 0.98], "texture": [0.45, 0.6, 0.57, 0.4]}
    for epoch in (0, 10):
        for cue, accuracies in levels.items():
            for stage, level in zip(
                ("stem", "stage1", "stage2", "stage3"), accuracies, strict=True
            ):
                value = level if epoch else 0.1 + 0.2 * level
                if reverse and cue == "shape":
                    value = 0.08
                value += random.normal(0, 0.005)
                rows.append(
                    {**front, "epoch": epoch, "stage": stage, "cue": cue, "input": "pooled",
                     "accuracy": value, "ci_low": value - 0.03, "ci_high": value + 0.03,
                     "chance": 1 / 12, "permuted": 0.084, "n_images": 1100, "n_exemplars": 120,
                     "n_units": 128})  # fmt: skip
    for cue, value in (("shape", 0.12), ("texture", 0.25)):
        rows.append(
            {**front, "epoch": np.nan, "stage": "pixels", "cue": cue, "input": "pixels",
             "accuracy": value, "ci_low": value - 0.02, "ci_high": value + 0.02, "chance": 1 / 12,
             "permuted": 0.084, "n_images": 1100, "n_exemplars": 120, "n_units": 6912})  # fmt: skip


def _dimensionality(rows: list[dict], front: dict, arm: str, random: np.random.Generator,
                    reverse: bool) -> None:  # fmt: skip
    last = {"shape": 0.03, "texture": 0.36}
    if (arm == "stylized") != reverse:
        last = {"shape": 0.9, "texture": 0.001}
    for epoch in (0, 10):
        for index, stage in enumerate(STAGES):
            for factor, level in last.items():
                value = level * (index + 1) / 4 * (1 if epoch else 0.1) + abs(
                    random.normal(0, 0.002)
                )
                rows.append(
                    {**front, "epoch": epoch, "stage": stage, "estimator": "mutual_information",
                     "factor": factor, "value": value, "ci_low": value * 0.9,
                     "ci_high": value * 1.1, "null": 0.002, "n_units": 128, "n_significant": 64,
                     "n_pairs": 4000, "reason": ""})  # fmt: skip
            for factor, level in last.items():
                value = min(level, 0.9) * (1 if epoch else 0.2)
                rows.append(
                    {**front, "epoch": epoch, "stage": stage, "estimator": "islam2021_score",
                     "factor": factor, "value": value, "ci_low": value - 0.02,
                     "ci_high": value + 0.02, "null": 0.0, "n_units": 128, "n_significant": np.nan,
                     "n_pairs": 4000, "reason": ""})  # fmt: skip
            shares = {"shape": 0.25, "texture": 0.25, "residual": 0.5}
            for factor, value in shares.items():
                rows.append(
                    {**front, "epoch": epoch, "stage": stage, "estimator": "islam2021",
                     "factor": factor, "value": value, "ci_low": value - 0.02,
                     "ci_high": value + 0.02, "null": 0.212 if factor != "residual" else 0.576,
                     "n_units": 128, "n_significant": np.nan, "n_pairs": 4000,
                     "reason": ""})  # fmt: skip


def published(reverse: bool = False) -> dict[str, pd.DataFrame]:
    """Tables of the published experiment: humans, published networks, three measured ones."""
    random = np.random.default_rng(11)
    subjects = {"humans": 0.96, "alexnet": 0.43, "googlenet": 0.31, "vgg": 0.17, "resnet50": 0.22}
    subjects |= {f"other-network-{i}": 0.1 + 0.04 * i for i in range(12)}
    networks = [(*_item, "published", "") for _item in subjects.items()]
    networks += [(f"efficientnet-lite{i}", 0.2 + 0.02 * i, "imagenet", 0) for i in range(3)]
    bias, by_class, sensitivity = [], [], []
    for architecture, level, arm, seed in networks:
        level = 1 - level if reverse else level
        front = _front(architecture, arm, seed)
        if arm == "published" and architecture != "humans":
            front["model"] = f"texture-vs-shape/{architecture}"
        bias.append(_bias_row(front, level, 12000 if architecture == "humans" else 1200, match=0.6))
        for name in CATEGORIES:
            value = float(np.clip(level + random.normal(0, 0.12), 0, 1))
            by_class.append({**front, "class": name, "shape_bias": value,
                             "n_shape": round(45 * value),
                             "n_texture": 45 - round(45 * value)})  # fmt: skip
        if arm == "imagenet":
            for aggregation in ("mean", "sum", "max", "mean_logits"):
                for preprocessing in ("whole", "own"):
                    value = level + random.normal(0, 0.02)
                    sensitivity.append(
                        {"model": architecture, "aggregation": aggregation,
                         "preprocessing": preprocessing, "interpolation": "bicubic",
                         "shape_bias": value, "ci_low": value - 0.03, "ci_high": value + 0.03,
                         "cue_match_rate": 0.6, "n_conflict": 1200})  # fmt: skip
    accuracy = [
        {**_front(f"efficientnet-lite{i}", "imagenet", 0), "set": name, "cue": cue, "accuracy": 0.3,
         "ci_low": 0.25, "ci_high": 0.35, "n": n}
        for i in range(3)
        for name, cue, n in (("edges", "shape", 160), ("silhouettes", "shape", 160),
                             ("cue-conflict", "shape", 1280))
    ]  # fmt: skip
    frames = {"shape_bias": bias, "shape_bias_by_class": by_class, "sensitivity": sensitivity,
              "accuracy": accuracy}  # fmt: skip
    return {name: pd.DataFrame(rows) for name, rows in frames.items()}


MEASURED = ["shape_bias", "ci_low", "ci_high", "cue_match_rate", "accuracy", "value", "null",
            "validation_accuracy", "theoretical", "effective_trained", "effective_untrained",
            "permuted", "chance"]  # fmt: skip


def undefined(tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The same tables with every measured value undefined."""
    return {
        name: frame.assign(**{column: np.nan for column in MEASURED if column in frame.columns})
        for name, frame in tables.items()
    }


def write(tables: dict[str, pd.DataFrame], folder) -> None:
    """Write tables as the pipeline does: empty cells where undefined."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in tables.items():
        frame.to_csv(folder / f"{name}.csv", index=False)
