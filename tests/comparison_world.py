"""An invented experiment with known answers for tests of the comparison. Nothing was measured.

Twelve networks of three seeds decide on 12 x 4 x 12 x 2 cue-conflict images. Each has a set share
of decisions for the shape, for the texture and for neither.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from tests.whole_tables import complete
from texshape.trials.files import COLUMNS, PROCEDURAL_CLASSES

SEEDS = (0, 1, 2)
#: model -> (share of decisions for shape, for texture, read-out of shape at the last stage)
NETWORKS = {
    "cnn--plain": (0.10, 0.80, 0.77),
    "rf9--plain": (0.10, 0.80, 0.25),  # as biased as cnn--plain, and knows less of shape
    "rf17--plain": (0.30, 0.60, 0.41),
    "cnn--mixed": (0.80, 0.10, 0.96),
    "cnn--stylized": (0.88, 0.02, 0.98),
    "rf9--stylized": (0.11, 0.09, 0.30),  # its bias rests on few decisions
}


def images() -> pd.DataFrame:
    """Labels of the cue-conflict set: every pair of different classes, some exemplars of each."""
    rows = [
        {"imagename": f"{shape}{i}-{texture}{j}.png", "shape": shape, "texture": texture,
         "shape_exemplar": f"{shape}{i}", "texture_exemplar": f"{texture}{j}",
         "condition": "cue-conflict"}
        for shape in PROCEDURAL_CLASSES for i in range(1, 5)
        for texture in PROCEDURAL_CLASSES if texture != shape
        for j in (1, 2)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def trials(model: str, seed: int, shares: tuple[float, float]) -> pd.DataFrame:
    """Decisions with exactly these shares, spread over the images at random."""
    labels = images()
    n = len(labels)
    order = np.random.default_rng([len(model), sum(map(ord, model)), seed]).permutation(n)
    response = np.array(["na"] * n, dtype=object)
    first, second = round(shares[0] * n), round(shares[1] * n)
    response[order[:first]] = labels["shape"].to_numpy()[order[:first]]
    chosen = order[first : first + second]
    response[chosen] = labels["texture"].to_numpy()[chosen]
    frame = pd.DataFrame(
        {"subj": model, "session": 1, "trial": np.arange(1, n + 1), "rt": "NaN",
         "object_response": response, "category": labels["shape"], "condition": "cue-conflict",
         "imagename": labels["imagename"]}
    )  # fmt: skip
    return frame[list(COLUMNS)]


def readings(frame: pd.DataFrame, accuracy: float, *, seed: int = 0) -> pd.DataFrame:
    """Readings by image: shape right with this share, texture always, and an earlier stage."""
    order = np.random.default_rng([seed, 9]).permutation(len(frame))
    right = np.zeros(len(frame))
    right[order[: round(accuracy * len(frame))]] = 1
    parts = []
    for stage, level in (("stem", np.zeros(len(frame))), ("stage3", right)):
        for cue in ("shape", "texture"):
            correct = level if cue == "shape" else np.ones(len(frame))
            parts.append(pd.DataFrame({"stage": stage, "cue": cue, "input": "pooled",
                                       "imagename": frame["imagename"], "correct": correct,
                                       "fold": 0}))  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def front(model: str, seed: int | float) -> dict:
    architecture, _, arm = model.partition("--")
    return {"model": model, "architecture": architecture, "arm": arm, "seed": seed}


def tables(networks: dict = NETWORKS, seeds=SEEDS) -> dict[str, pd.DataFrame]:
    """The tables that the comparison reads, of these networks."""
    rows: dict[str, list[dict]] = {name: [] for name in (
        "shape_bias", "accuracy", "readout", "dimensionality", "segmentation", "receptive_field",
        "cue_strength", "shuffling", "corruptions", "corruption_errors", "erasure")}  # fmt: skip
    n = len(images())
    for model, (shape, texture, known) in networks.items():
        for seed in seeds:
            f = front(model, seed)
            counts = round(shape * n), round(texture * n)
            bias = counts[0] / sum(counts)
            rows["shape_bias"].append(
                {**f, "shape_bias": bias, "ci_low": bias - 0.02, "ci_high": bias + 0.02,
                 "cue_match_rate": sum(counts) / n, "n_trials": n, "n_conflict": n,
                 "n_shape": counts[0], "n_texture": counts[1]})  # fmt: skip
            for name, cue, value in (
                ("test-plain", "shape", 0.9), ("test-stylized", "shape", 0.5 * bias),
                ("silhouettes", "shape", shape), ("textures", "texture", texture),
                ("cue-conflict", "shape", shape), ("cue-conflict", "texture", texture),
            ):  # fmt: skip
                rows["accuracy"].append(
                    {**f, "set": name, "cue": cue, "accuracy": value, "ci_low": value - 0.01,
                     "ci_high": value + 0.01, "n": 600, "response_entropy": 3.0})  # fmt: skip
            for epoch in (0, 10):
                for stage, factor in (("stem", 0.2), ("stage2", 1.1), ("stage3", 1.0)):
                    value = known * factor * (1 if epoch else 0.1)
                    for cue in ("shape", "texture"):
                        rows["readout"].append(
                            {**f, "epoch": epoch, "stage": stage, "cue": cue, "input": "pooled",
                             "accuracy": value, "ci_low": value - 0.03, "ci_high": value + 0.03,
                             "chance": 1 / 12, "n_images": n, "reason": ""})  # fmt: skip
                        rows["dimensionality"].append(
                            {**f, "epoch": epoch, "stage": stage,
                             "estimator": "mutual_information", "factor": cue, "value": value / 2,
                             "ci_low": value / 2 - 0.02, "ci_high": value / 2 + 0.02, "null": 0.0,
                             "n_units": 128, "n_pairs": 800, "reason": ""})  # fmt: skip
            for stage, value in (("stem", 0.3), ("stage3", 0.6)):
                rows["segmentation"].append(
                    {**f, "stage": stage, "head": "conv1", "target": "shape", "miou": value,
                     "ci_low": value - 0.1, "ci_high": value + 0.1, "n_test": 50,
                     "bound": "readout", "reason": ""})  # fmt: skip
                rows["receptive_field"].append(
                    {**f, "stage": stage, "theoretical": 45, "effective_trained": 20 * value,
                     "n_images": 8, "reason": ""})  # fmt: skip
            rows["segmentation"].append(
                {**f, "stage": "stage3", "head": "conv1", "target": "shape", "miou": 0.8,
                 "ci_low": 0.7, "ci_high": 0.9, "n_test": 50, "bound": "end_to_end",
                 "reason": ""})  # fmt: skip
            for strength in (0.0, 0.5, 1.0):
                rows["cue_strength"].append(
                    {**f, "strength": strength, "n_shape": 10, "n_texture": 5,
                     "balance_point": 0.4, "balance_low": 0.3, "balance_high": 0.5,
                     "reason": ""})  # fmt: skip
            for k, value in ((1, 0.8), (4, 0.2)):
                rows["shuffling"].append(
                    {**f, "k": k, "set": "test-plain", "accuracy": value, "ci_low": value - 0.02,
                     "ci_high": value + 0.02, "n": 600})  # fmt: skip
            for name, severity, value in (("none", 0, 0.9), ("fog", 1, 0.7), ("fog", 2, 0.5)):
                rows["corruptions"].append(
                    {**f, "set": "test-plain", "corruption": name, "severity": severity,
                     "accuracy": value, "n": 400})  # fmt: skip
            for name in ("fog", "sum"):
                rows["corruption_errors"].append(
                    {**f, "set": "test-plain", "baseline": "cnn--plain", "baseline_set": "test-plain",
                     "measure": "corruption error ratio", "corruption": name, "error_ratio": 0.7,
                     "ci_low": 0.6, "ci_high": 0.8, "n": 600, "reason": ""})  # fmt: skip
            for stage in ("stage2", "stage3"):
                for cue in ("shape", "texture"):
                    for erased, beyond in (("nothing", None), ("groups", None), ("cue", 0.25)):
                        limits = {} if beyond is None else {
                            "beyond": beyond, "beyond_low": beyond - 0.03,
                            "beyond_high": beyond + 0.04,
                        }  # fmt: skip
                        rows["erasure"].append(
                            {**f, "stage": stage, "cue": cue, "erased": erased, **limits,
                             "n_images": n, "reason": ""})  # fmt: skip
    return complete({name: pd.DataFrame(one) for name, one in rows.items()})


def write(folder: Path, networks: dict = NETWORKS, seeds=SEEDS) -> list[str]:
    """Write tables, trials and readings of an experiment; returns its runs."""
    (folder / "tables").mkdir(parents=True)
    for name, frame in tables(networks, seeds).items():
        frame.to_csv(folder / "tables" / f"{name}.csv", index=False)
    runs = []
    for model, (shape, texture, known) in networks.items():
        for seed in seeds:
            place = folder / model / f"seed-{seed}"
            for name in ("trials", "readout"):
                (place / name).mkdir(parents=True)
            frame = trials(model, seed, (shape, texture))
            frame.to_csv(place / "trials" / "cue-conflict.csv", index=False)
            readings(frame, known, seed=seed).to_csv(place / "readout" / "images.csv", index=False)
            runs.append(f"{model}/seed-{seed}")
    return runs
