"""Invented result tables for tests of figures and article: random numbers with a chosen tendency.

Nothing here was measured.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd

from tests.whole_tables import complete
from texshape.comparison.replication import replication
from texshape.experiment.runs import RunId
from texshape.techniques import registry
from texshape.techniques.cue_strength.curve import ABOVE
from texshape.trials import naming
from texshape.trials.crossed import effects

CLASSES = ["disc", "triangle", "square", "star", "plus", "ring", "crescent", "heart", "gear",
           "arrow", "ell", "hourglass"]  # fmt: skip
CATEGORIES = ["airplane", "bear", "bicycle", "bird", "boat", "bottle", "car", "cat", "chair",
              "clock", "dog", "elephant", "keyboard", "knife", "oven", "truck"]  # fmt: skip
STAGES = ["stem", "stage1", "stage2", "stage3"]
TRAINED = {
    "cnn": ["plain", "stylized", "mixed", "plain-crop", "neural"],
    "rf9": ["plain", "stylized", "neural"],
    "rf17": ["plain", "stylized"],
    "rf33": ["plain", "stylized"],
    "rf9-wide": ["plain", "stylized"],
}
CONTROLS = ["plain-orientation-0.8", "plain-orientation-free", "plain-tint-0.3", "plain-tint-0.6"]
FIELDS = {"cnn": 45, "rf9": 9, "rf17": 17, "rf33": 33, "rf9-wide": 9}
BIAS = {"plain": 0.11, "plain-crop": 0.16, "mixed": 0.85, "stylized": 0.97, "neural": 0.7,
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
        "neural": {"sets": ["neural"], "trials_only": True},
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
            size = round(3 + (field - 3) * index / 3)
            tables["receptive_field"] += [
                {**_front(architecture, arm, 0), "stage": stage, "theoretical": size,
                 "theoretical_local": size, "n_images": 32,
                 "effective_untrained": round(size * 0.5), "image_size": 48,
                 "effective_trained": round(size * (0.7 if arm == "plain" else 0.8))}
                for arm in ("plain", "stylized")
            ]  # fmt: skip
    frames = {name: pd.DataFrame(rows) for name, rows in tables.items()}
    return complete(frames | techniques(frames["shape_bias"], reverse))


def techniques(bias: pd.DataFrame, reverse: bool = False) -> dict[str, pd.DataFrame]:
    """Tables of the other techniques for the networks trained on the base variant."""
    tables: dict[str, list[dict]] = {name: [] for name in (
        "shuffling", "cue_strength", "segmentation", "erasure", "corruptions")}  # fmt: skip
    for architecture, arm, seed in networks():
        if arm in CONTROLS:
            continue
        front = _front(architecture, arm, seed)
        _shuffling(tables["shuffling"], front, arm, reverse)
        _cue_strength(tables["cue_strength"], front, arm, reverse)
        if architecture == "cnn":
            _segmentation(tables["segmentation"], front, arm, reverse)
            _erasure(tables["erasure"], front, arm, reverse)
            _corruptions(tables["corruptions"], front, arm, reverse)
    for seed in range(3):
        _segmentation(
            tables["segmentation"], _front("cnn", "untrained", seed), "untrained", reverse
        )
    frames = {name: pd.DataFrame(rows) for name, rows in tables.items()}
    frames["corruption_errors"] = _corruption_errors(frames["corruptions"], reverse)
    frames["architectures"] = architectures(reverse)
    frames["shape_bias_differences"] = differences(bias)
    frames["controls"] = crossed(reverse)
    frames |= {"shape_bias_by_set": by_set(bias, reverse), "reconstruction": reconstruction(reverse),
               "stylization_fitness": fitness(reverse)}  # fmt: skip
    return frames | comparison(frames | {"shape_bias": bias}, reverse)


def differences(bias: pd.DataFrame) -> pd.DataFrame:
    """Paired differences between all models, narrower than their own intervals."""
    means = bias.groupby("model", sort=False)["shape_bias"].mean()
    rows = [
        {"model_a": a, "model_b": b, "difference": means[a] - means[b],
         "ci_low": means[a] - means[b] - 0.02, "ci_high": means[a] - means[b] + 0.02, "n": 1100,
         "seeds_a": 3, "seeds_b": 3, "seed_difference": means[a] - means[b],
         "seed_low": means[a] - means[b] - 0.03, "seed_high": means[a] - means[b] + 0.03,
         "seed_p": 0.01}
        for i, a in enumerate(means.index)
        for b in means.index[i + 1 :]
    ]  # fmt: skip
    return pd.DataFrame(rows)


def crossed(reverse: bool = False) -> pd.DataFrame:
    """Training by test: more shape by training and by the pictures; less, if `reverse`."""
    sign = -1 if reverse else 1
    return pd.DataFrame(
        {"variant": variant, "effect": effect, "trained_a": a[0], "tested_a": a[1],
         "trained_b": b[0], "tested_b": b[1], "bias_a": 0.5, "bias_b": 0.3,
         "difference": sign * 0.2, "ci_low": sign * 0.2 - 0.05, "ci_high": sign * 0.2 + 0.05,
         "n": 1320, "seeds_a": 2, "seeds_b": 3}
        for variant in ("orientation-0.8", "orientation-free", "tint-0.3", "tint-0.6")
        for effect, a, b in effects(variant)
    )  # fmt: skip


def by_set(bias: pd.DataFrame, reverse: bool = False) -> pd.DataFrame:
    """The bias on the renderer's set, and one a quarter nearer one half on another set."""
    own = bias[~bias["arm"].isin(CONTROLS)]
    other = own.copy()
    other["shape_bias"] += (0.5 - other["shape_bias"]) / (1 if reverse else 4)
    other["ci_low"], other["ci_high"] = other["shape_bias"] - 0.04, other["shape_bias"] + 0.04
    other["cue_match_rate"] = 0.95 if reverse else 0.5
    gap = other["shape_bias"] - own["shape_bias"]
    other = other.assign(set="cue-conflict-optimised", difference=gap, difference_low=gap - 0.03,
                         difference_high=gap + 0.03, n_common=1100)  # fmt: skip
    return pd.concat([own.assign(set="cue-conflict"), other], ignore_index=True)


def reconstruction(reverse: bool = False) -> pd.DataFrame:
    """A decoder that is better than a blur; worse, if `reverse`."""
    psnr = {"decoder": 16.0 if reverse else 21.0, "mean image": 9.0, "mean colour": 12.0,
            "blur": 18.0}  # fmt: skip
    return pd.DataFrame(
        {"stylization": "neural", "encoder": "random-pyramid:0", "layer": "all", "stride": 2,
         "images": images, "method": method, "mse": 10 ** (-value / 10), "psnr": value, "n": 48}
        for images in ("content", "style")
        for method, value in psnr.items()
    )  # fmt: skip


def fitness(reverse: bool = False) -> pd.DataFrame:
    """Near on plain images, apart on stylized ones; the other way round if `reverse`."""
    levels = {"test-plain": (0.98, 0.94), "test-stylized": (0.95, 0.2), "test-neural": (0.8, 0.25)}
    if reverse:
        levels = {name: (0.9, 0.3 if name == "test-plain" else 0.95) for name in levels}
    rows = []
    for name, (full, limited) in levels.items():
        engine = "adain" if name == "test-neural" else "renderer"
        arm = name.removeprefix("test-")
        for role, architecture, value in (("full", "cnn", full), ("limited", "rf9", limited),
                                          ("difference", "", full - limited)):  # fmt: skip
            rows.append(
                {"set": name, "engine": engine, "weights": "", "role": role,
                 "model": f"{architecture}--{arm}" if architecture else "",
                 "architecture": architecture, "arm": arm if architecture else "", "seed": 0,
                 "accuracy": value, "ci_low": value - 0.03, "ci_high": value + 0.03, "n": 600,
                 "chance": 1 / 12 if architecture else 0.0}
            )  # fmt: skip
    return pd.DataFrame(rows)


def architectures(reverse: bool = False) -> pd.DataFrame:
    """Four invented networks in the form of the published table."""
    rows = [("small", 2014, 195, 195, 0.56), ("deep", 2015, 500, 500, 0.75),
            ("deeper", 2016, 3000, 3000, 0.80), ("gated", 2019, np.nan, 900, 0.78)]  # fmt: skip
    frame = pd.DataFrame(
        rows, columns=["architecture", "year", "receptive_field", "texshape", "top1"]
    )
    if reverse:
        frame["top1"] = frame["top1"].to_numpy()[::-1]
        frame.loc[1, "texshape"] = 501
    return frame.assign(library=["tf-slim", "tf-slim", "tf-slim", "torchvision"], source="invented",
                        multiply_adds=[0.7, 4.0, 6.5, 0.4],
                        reason=["", "", "", "gates left out"])  # fmt: skip


def _shuffling(rows: list[dict], front: dict, arm: str, reverse: bool) -> None:
    curve = {1: 0.97, 2: 0.8, 4: 0.6, 8: 0.3} if arm == "plain" else {1: 0.95, 2: 0.4, 4: 0.1,
                                                                     8: 0.08}  # fmt: skip
    if reverse:
        curve = (
            {1: 0.9, 2: 0.5, 4: 0.1, 8: 0.08}
            if arm == "plain"
            else dict.fromkeys((1, 2, 4, 8), 0.9)
        )
    for k, value in curve.items():
        for name in ("test-plain", "test-stylized") if arm == "stylized" else ("test-plain",):
            rows.append({**front, "k": k, "set": name, "accuracy": value,
                         "ci_low": value - 0.03, "ci_high": value + 0.03, "n": 240,
                         "chance": 1 / 12})  # fmt: skip


def _cue_strength(rows: list[dict], front: dict, arm: str, reverse: bool) -> None:
    balance = 0.4 if arm == "plain" else np.nan
    strengths = (0, 0.2, 0.4, 0.7, 1)
    falling = dict(zip(strengths, (0.95, 0.8, 0.5, 0.2, 0.1), strict=True))
    above = dict(zip(strengths, (0.99, 0.99, 0.98, 0.98, 0.97), strict=True))
    reason = "" if arm == "plain" else "shape decisions do not become fewer with texture strength"
    curve = falling if arm == "plain" else above
    if reverse:
        curve = above if arm == "plain" else falling
        balance, reason = (np.nan, "separated") if arm == "plain" else (0.4, "")
    for strength, value in curve.items():
        rows.append({**front, "strength": strength, "shape_share": value, "ci_low": value - 0.05,
                     "ci_high": value + 0.05, "cue_match_rate": 0.3 + 0.6 * strength,
                     "n_shape": round(300 * value), "n_texture": 300 - round(300 * value),
                     "n_conflict": 400, "balance_point": balance, "balance_low": balance - 0.05,
                     "balance_high": balance + 0.05, "slope": -6.0, "reason": reason,
                     "fitted_share": value + 0.01, "deviance": 3.0, "crossing": balance + 0.02,
                     "crossing_low": balance - 0.04, "crossing_high": balance + 0.06,
                     "crossing_reason": ABOVE if np.isnan(balance) else ""})  # fmt: skip


def _segmentation(rows: list[dict], front: dict, arm: str, reverse: bool) -> None:
    level = {"binary": 0.8, "shape": 0.35, "texture": 0.6}
    if arm == "stylized":
        level = {"binary": 0.85, "shape": 0.6, "texture": 0.2}
    if arm == "untrained":
        level = {"binary": 0.6, "shape": 0.08, "texture": 0.15}
    if reverse and arm != "untrained":
        level = {"binary": 0.5, "shape": 0.03 if arm == "stylized" else 0.05, "texture": 0.04}
        level["shape"] -= 0.04 if arm == "stylized" else 0
    for target, value in level.items():
        for index, stage in enumerate(STAGES):
            miou = value * (index + 1) / 4
            rows.append({**front, "epoch": 0 if arm == "untrained" else 10, "stage": stage,
                         "head": "conv1", "target": target, "miou": miou,
                         "ci_low": miou - 0.02, "ci_high": miou + 0.02,
                         "miou_foreground": miou, "mean_mask_miou": 0.06, "n_train": 500,
                         "n_test": 300, "n_classes": 13, "bound": "readout",
                         "reason": ""})  # fmt: skip
        if target == "shape" and arm != "untrained":
            rows.append({**rows[-1], "miou": 0.9, "ci_low": 0.88, "ci_high": 0.92,
                         "bound": "end_to_end"})  # fmt: skip


def _erasure(rows: list[dict], front: dict, arm: str, reverse: bool) -> None:
    """Reversed, erasing takes no more than meaningless groupings and leaves most of the read-out."""
    shape, texture = (0.1, 0.8) if arm.startswith("plain") else (0.85, 0.02)
    if reverse:
        shape, texture = texture, shape
    conditions = [("nothing", 0), ("cue", 0), *(("groups", i) for i in range(2)),
                  ("random", 0), ("random", 1), ("head", 0), ("null_space", 0)]  # fmt: skip
    for cue in ("shape", "texture"):
        bias = {}
        for erased, draw in conditions:
            now = {"shape": shape, "texture": texture}
            read = {"shape": 0.75, "texture": 0.9}
            taken = {"nothing": np.nan, "cue": 0.9, "groups": 0.3, "head": 1.0}.get(erased, 0.05)
            if erased == "cue" and not reverse:
                read[cue] = 0.1
                now[cue] *= 0.2
                if cue == "texture":
                    now["shape"] = 0.3
            if erased == "cue" and reverse:
                read[cue], taken = 0.7, 0.02
            if erased == "head":
                now = {"shape": 0.0, "texture": 1 / 12}
                read[cue] = 0.1 if reverse else 0.7
            row = {**front, "stage": "stage3", "cue": cue, "erased": erased, "draw": draw,
                   "dimension": 0 if erased == "nothing" else 11, "n_units": 128}  # fmt: skip
            for name, value in now.items():
                row |= {f"{name}_share": value, f"{name}_share_low": value - 0.01,
                        f"{name}_share_high": value + 0.01}  # fmt: skip
            bias[erased] = now["shape"] / sum(now.values())
            change = bias[erased] - bias["nothing"]
            row |= {"shape_bias": bias[erased], "ci_low": bias[erased] - 0.03,
                    "ci_high": bias[erased] + 0.03, "bias_change": change,
                    "bias_change_low": change - 0.03, "bias_change_high": change + 0.03,
                    "expected_share": 0.02, "taken": taken, "taken_low": taken - 0.04,
                    "taken_high": taken + 0.04}  # fmt: skip
            if erased == "cue":
                row |= {"beyond": taken - 0.3, "beyond_low": taken - 0.35,
                        "beyond_high": taken - 0.25}  # fmt: skip
            for name, value in read.items():
                if name == cue or erased in ("nothing", "cue"):
                    row |= {f"readout_{name}": value, f"readout_{name}_low": value - 0.03,
                            f"readout_{name}_high": value + 0.03}  # fmt: skip
            rows.append({**row, "cue_match_rate": sum(now.values()),
                         "decisions_changed": 0.0 if erased == "nothing" else 0.4,
                         "accuracy_plain": 0.9, "readout_chance": 1 / 12, "n_images": 1100,
                         "n_plain": 600, "n_readout": 1200, "reason": ""})  # fmt: skip


def _corruptions(rows: list[dict], front: dict, arm: str, reverse: bool) -> None:
    robust = (arm == "stylized") != reverse
    rows.append({**front, "corruption": "none", "severity": 0, "accuracy": 0.97, "n": 120})
    for name in ("gaussian_noise", "defocus_blur", "fog", "brightness"):
        for severity in (1, 3, 5):
            value = 0.97 - severity * (0.05 if robust else 0.1)
            if name == "brightness":
                value = 0.96 if robust else 0.965
            rows.append({**front, "corruption": name, "severity": severity, "accuracy": value,
                         "n": 120})  # fmt: skip
    for row in rows[-13:]:
        row |= {"set": "test-plain", "ci_low": row["accuracy"] - 0.04,
                "ci_high": min(row["accuracy"] + 0.04, 1)}  # fmt: skip


def _corruption_errors(table: pd.DataFrame, reverse: bool = False) -> pd.DataFrame:
    from texshape.techniques.corruptions.errors import against_plain

    found = against_plain(table)
    own = found[found["arm"] == "stylized"].assign(set="test-stylized")
    own["relative_error_ratio"] = 1.5 if reverse else 0.6
    found = pd.concat([found, own], ignore_index=True).assign(n=600)
    for low, high, value in (("ci_low", "ci_high", "error_ratio"),
                             ("relative_low", "relative_high", "relative_error_ratio")):  # fmt: skip
        found[low], found[high] = 0.9 * found[value], 1.1 * found[value]
    return found


def comparison(tables: dict[str, pd.DataFrame], reverse: bool = False) -> dict[str, pd.DataFrame]:
    """The joined table and what is computed from it; the tables it names are not looked at."""
    front = ["model", "architecture", "arm", "seed"]
    bias = tables["shape_bias"]
    bias = bias[~bias["arm"].isin(CONTROLS)]
    rows = []
    for measure, unit, column in (("shape_bias", "fraction", "shape_bias"),
                                  ("cue_match_rate", "fraction", "cue_match_rate"),
                                  ("readout_shape", "fraction", "shape_bias"),
                                  ("information_shape", "nats a unit", "shape_bias")):  # fmt: skip
        part = bias[front].assign(measure=measure, value=bias[column], n=1100, unit=unit,
                                  source="invented", reason="")  # fmt: skip
        rows.append(part.assign(ci_low=part["value"] - 0.03, ci_high=part["value"] + 0.03))
    made = {"rho": 0.8, "ci_low": 0.5, "ci_high": 0.95, "p_value": 0.001, "p_holm": 0.002,
            "partial_rho": 0.6, "partial_low": 0.1, "partial_high": 0.9}  # fmt: skip
    if reverse:
        made |= {"rho": 0.1, "ci_low": -0.4, "ci_high": 0.5, "p_value": 0.6, "p_holm": 1.0}
    correlations = pd.DataFrame(
        [{"measure_x": "shape_bias", "measure_y": measure, **made, "n_tests": 2, "n_networks": 12,
          "n_seeds": 36, "covariate": "plain_accuracy", "n_networks_partial": 12, "reason": "",
          "within_rho": 0.5, "within_p": 0.01, "within_holm": 0.02, "n_within": 10, "coupled": ""}
         for measure in ("readout_shape", "information_shape")]
    )  # fmt: skip
    agreement = _agreement(reverse)
    pair = {"margin": 0.05, "choose_seeds": "0", "confirm_seeds": "1 2", "model_a": "cnn--plain",
            "model_b": "cnn--plain-crop", "confirm_bias_a": 0.11, "confirm_bias_b": 0.12,
            "confirm_bias_low": -0.03, "confirm_bias_high": 0.02, "confirm_information_a": 0.8,
            "confirm_information_b": 0.5, "confirm_information_low": 0.2,
            "confirm_information_high": 0.4, "confirm_cue_match_a": 0.8,
            "confirm_cue_match_b": 0.9, "confirm_cue_match_low": -0.14,
            "confirm_cue_match_high": -0.06, "confirmed": True, "reason": ""}  # fmt: skip
    none = {"margin": 0.05, "confirmed": np.nan, "reason": "none of 36 pairs is equivalent"}
    failed = {**pair, "confirmed": False,
              "reason": "not confirmed: the biases are not equivalent"}  # fmt: skip
    pairs = pd.DataFrame([{"information": "readout_shape", **(failed if reverse else pair)},
                          {"information": "information_shape", **none}])  # fmt: skip
    cells = [
        {"cue": cue, "decision": decision, "readout": readout, "share": share,
         "ci_low": share - 0.03, "ci_high": share + 0.03,
         "expected_share": share + (-0.1 if reverse else 0.1), "n": round(1100 * share),
         "excess": 0.1 if reverse else -0.1, "excess_low": 0.06 if reverse else -0.14,
         "excess_high": 0.14 if reverse else -0.06, "read_difference": -0.2 if reverse else 0.2,
         "read_low": -0.3 if reverse else 0.1, "read_high": -0.1 if reverse else 0.3,
         "n_images": 1100, "stage": "stage3", "reason": ""}
        for cue in ("shape", "texture")
        for decision, halves in (("shape", (0.15, 0.05)), ("texture", (0.3, 0.3)),
                                 ("neither", (0.1, 0.1)))
        for readout, share in zip(("right", "wrong"), halves, strict=True)
    ]  # fmt: skip
    disagreement = bias[front].drop_duplicates().merge(pd.DataFrame(cells), how="cross")
    return {"comparison": pd.concat(rows, ignore_index=True), "correlations": correlations,
            "agreement": agreement, "equivalent_pair": pairs, "disagreement": disagreement}  # fmt: skip


def _agreement(reverse: bool) -> pd.DataFrame:
    """Of the measures of the comparison: shape decodable agrees with the bias, the rest is undecided."""
    names = {"shape_bias": "shape bias", "cue_match_rate": "cue match rate",
             "readout_shape": "shape decodable, last stage",
             "information_shape": "shape information, last stage"}  # fmt: skip
    rows = []
    for x, y in combinations(names, 2):
        bias = x == "shape_bias"
        made = {"rho": 0.2, "ci_low": -0.3, "ci_high": 0.6, "p_value": 0.4, "p_holm": 0.9,
                "verdict": "undecided", "reason": "the interval holds zero"}  # fmt: skip
        if bias and y == "readout_shape":
            sign = -1 if reverse else 1
            made = {"rho": 0.8 * sign, "ci_low": -0.95 if reverse else 0.5,
                    "ci_high": -0.5 if reverse else 0.95, "p_value": 0.001, "p_holm": 0.003,
                    "verdict": "contrary" if reverse else "agree", "reason": ""}  # fmt: skip
        if not bias and {x, y} == {"readout_shape", "information_shape"}:
            made |= {"verdict": "tied", "reason": "the same activations"}
        rows.append(
            {"measured_by": "here", "measure_x": x, "label_x": names[x], "cue_x": "shape",
             "table_x": "shape_bias", "measure_y": y, "label_y": names[y],
             "cue_y": "" if y == "cue_match_rate" else "shape", "table_y": "comparison",
             "family": "shape_bias" if bias else "others", "n_tests": 3, "n_networks": 12,
             "n_seeds": 36, "n_within": 10 if bias else np.nan, "tied": "",
             "within_rho": 0.6 if bias else np.nan, "within_p": 0.01 if bias else np.nan,
             "within_holm": 0.03 if bias else np.nan, **made}
        )  # fmt: skip
    return pd.DataFrame(rows)


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
                     "chance": 1 / 12, "permuted": 0.084, "permuted_high": 0.09,
                     "n_permutations": 3, "fold_low": value - 0.01, "fold_high": value + 0.02,
                     "n_fold_draws": 3, "n_images": 1100, "n_exemplars": 120,
                     "n_units": 128})  # fmt: skip
                if stage == "stage3" and epoch:
                    gain = value - (0.1 + 0.2 * level)
                    rows[-1] |= {"gain": gain, "gain_low": gain - 0.03, "gain_high": gain + 0.03}
                    if cue == "shape":
                        rows.append(
                            {**rows[-1], "input": "beyond-scalars", "accuracy": value - 0.05,
                             "ci_low": value - 0.08, "ci_high": value - 0.02, "gain": np.nan,
                             "gain_low": np.nan, "gain_high": np.nan})  # fmt: skip
    if any(row["stage"] == "pixels" for row in rows):  # one baseline for all networks
        return
    for stage, kind, cue, value in (("pixels", "pixels", "shape", 0.12),
                                    ("pixels", "pixels", "texture", 0.25),
                                    ("mask", "scalars", "shape", 0.7)):  # fmt: skip
        rows.append(
            {**front, "model": "pixels--baseline", "architecture": "pixels", "arm": "baseline",
             "seed": 0, "epoch": np.nan, "stage": stage, "cue": cue, "input": kind,
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
              "accuracy": accuracy, "benchmark": _benchmark(networks, reverse),
              **_consistency(networks, reverse)}  # fmt: skip
    frames = {name: pd.DataFrame(rows) for name, rows in frames.items()}
    frames["published_answers"] = _answers(reverse)
    frames["replication"] = replication(frames)
    return complete(frames | {"shape_bias_differences": differences(frames["shape_bias"])})


def beside_published() -> dict[str, pd.DataFrame]:
    """Networks that were trained on photographs and shown the published stimuli, beside humans.

    One kind of training is measured by all techniques, the others decide alone.
    """
    names, arms = {"cnn": "resnet18", "rf9": "bagnet9"}, ["plain", "stylized", "mixed"]
    decide = ("shape_bias", "shape_bias_by_class", "accuracy", "training", "comparison",
              "stylization_fitness")  # fmt: skip
    tables = procedural()
    for name in ("controls", "shape_bias_by_set"):
        del tables[name]
    for name, table in tables.items():
        if "arm" not in table:
            continue
        chosen = arms if name in decide else arms[:1]
        table = table[
            table["architecture"].isin([*names, ""]) & table["arm"].isin([*chosen, "untrained", ""])
        ]
        table = table.replace(
            {"architecture": names, "class": dict(zip(CLASSES, CATEGORIES, strict=False))}
        )
        for old, new in names.items():
            for column in {"model", "baseline"} & {*table}:
                table[column] = table[column].str.replace(f"{old}--", f"{new}--")
        tables[name] = table
    for name, table in published().items():
        others = table[table["arm"] == "published"] if "arm" in table else table
        tables[name] = pd.concat([tables[name], others]) if name in decide else others
    return tables | {"shape_bias_differences": differences(tables["shape_bias"])}


def _answers(reverse: bool) -> pd.DataFrame:
    """Subjects of each kind, one by two prompts, one whose file could not be had, and humans."""
    given = [("Asked", "asked", "published neutral", "2024-02-05", 0.62, 0.25),
             ("Asked too", "asked", "published neutral", "2024-02-06", 0.55, 0.2),
             ("Clip", "zero-shot", "a photo of a CLS.", "", 0.6, 0.21),
             ("Clip", "zero-shot", "CLS", "", 0.59, 0.2),
             ("Sorter", "classes", "", "", 0.2, 0.07), ("humans", "", "", "", 0.96, 0.4)]  # fmt: skip
    rows = []
    for name, decides, wording, date, level, kappa in given:
        level, kappa = (1 - level, 0.5 - kappa) if reverse else (level, kappa)
        row = _bias_row({}, level, 12000 if name == "humans" else 1200, match=0.7)
        row |= {"subject": f"a/{name} {wording}".strip() if name != "humans" else name, "name": name,
                "decides_by": decides, "wording": wording, "date": date, "n_unnamed": 3, "n_shared": 1280,
                "error_consistency": kappa, "error_consistency_low": kappa - 0.03,
                "error_consistency_high": kappa + 0.03, "source": "invented", "reason": ""}  # fmt: skip
        rows.append(row)
    rows.append({"subject": "a/Lacking", "name": "Lacking", "decides_by": "asked",
                 "wording": "published neutral", "date": "2024-02-07", "source": "invented",
                 "reason": "the folder that TEXSHAPE_MIRROR names has no file of its answers"})  # fmt: skip
    return pd.DataFrame(rows)


def published_techniques(reverse: bool = False) -> dict[str, pd.DataFrame]:
    """Tables of the other techniques for one of the measured networks."""
    tables = procedural(reverse)
    found = {}
    for name in ("readout", "dimensionality", "shuffling", "cue_strength", "erasure", "corruptions",
                 "receptive_field", "segmentation", "corruption_errors"):  # fmt: skip
        frame = tables[name]
        frame = frame[(frame["architecture"] == "cnn") & (frame["arm"] == "plain")]
        frame = frame[frame["seed"] == 0]
        found[name] = frame.assign(
            model="efficientnet-lite0--imagenet", architecture="efficientnet-lite0", arm="imagenet"
        )
    return found | {"architectures": tables["architectures"]}


def published_optional() -> dict[str, pd.DataFrame]:
    """Tables of the techniques that have to be named, for the measured networks; they see no textures."""
    names = {
        "cnn": "efficientnet-lite0",
        "rf17": "efficientnet-lite1",
        "rf33": "efficientnet-lite2",
    }
    found = {}
    for table, frame in optional().items():
        frame = frame[(frame["arm"] == "plain") & (frame["seed"] == 0)]
        frame = frame[frame["architecture"].isin(list(names))]
        frame = frame.assign(architecture=frame["architecture"].map(names), arm="imagenet")
        found[table] = frame.assign(model=frame["architecture"] + "--imagenet")
    ranks = found["cue_rank"]
    return found | {"cue_rank": ranks[ranks["cue"] == "shape"]}


def _benchmark(networks: list[tuple], reverse: bool) -> list[dict]:
    rows = []
    for group, count in (("all-17", 17), ("cue-conflict+edge+silhouette", 3)):
        for place, (architecture, _, arm, seed) in enumerate(networks):
            if group == "all-17" and arm != "published":
                continue
            kappa = 0.4 if architecture == "humans" else 0.1 + 0.005 * place
            kappa = 0.5 - kappa if reverse else kappa
            row = {**_front(architecture, arm, seed), "datasets": group, "n_datasets": count}
            for measure, value in (("accuracy_difference", 0.09), ("observed_consistency", 0.66),
                                   ("error_consistency", kappa), ("ood_accuracy", 0.56)):  # fmt: skip
                row |= {measure: value, f"{measure}_low": value - 0.02,
                        f"{measure}_high": value + 0.02}  # fmt: skip
            rows.append(row)
    return rows


def _consistency(networks: list[tuple], reverse: bool) -> dict[str, list[dict]]:
    subjects = [(row["architecture"] if row["arm"] == "published"
                 else str(RunId(row["architecture"], row["arm"], int(row["seed"]))),
                 row["error_consistency"], row["datasets"], row["n_datasets"])
                for row in _benchmark(networks, reverse)]  # fmt: skip
    rows = [
        {"datasets": group, "subject": name, "error_consistency": kappa, "ci_low": kappa - 0.02,
         "ci_high": kappa + 0.02, "standard_error": 0.01, "standard_error_trials": 0.008,
         "smallest_difference": 0.04, "n_trials": 640 * count, "n_observers": 5 * count,
         "n_datasets": count, "reason": ""}
        for name, kappa, group, count in subjects
    ]  # fmt: skip
    pairs = [
        {"datasets": a[2], "subject_a": a[0], "subject_b": b[0], "difference": a[1] - b[1],
         "ci_low": a[1] - b[1] - 0.03, "ci_high": a[1] - b[1] + 0.03, "standard_error": 0.015,
         "standard_error_trials": 0.012, "p": 0.3, "p_holm": 0.9, "smallest_difference": 0.042,
         "times_trials": 3.0, "n_datasets": a[3], "reason": ""}
        for place, a in enumerate(subjects)
        for b in subjects[place + 1 :]
        if a[2] == b[2]
    ]  # fmt: skip
    return {"consistency_power": rows, "consistency_differences": pairs}


def optional(reverse: bool = False) -> dict[str, pd.DataFrame]:
    """Tables of the techniques that run where they are named.

    Networks trained on stylized images go by shape, the others by texture; reversed, the other way.
    """
    make = {"cue_rank": _ranks, "suppression": _suppressed, "triplets": _triplets,
            "frequency_channel": _channels, "configural_shape": _configural,
            "steering": _steered, "steering_slopes": _slopes, "top_k": _thinned,
            "attention_radius": _near}  # fmt: skip
    rows: dict[str, list[dict]] = {name: [] for name in make}
    for architecture, arm, seed in networks():
        front = _front(architecture, arm, seed)
        for name, of_network in make.items():
            of_network(rows[name], front, (arm == "stylized") != reverse)
    return {name: pd.DataFrame(found) for name, found in rows.items()}


def _triplets(rows: list[dict], front: dict, by_shape: bool) -> None:
    """Random weights prefer texture a little; training takes the last stage to either side."""
    for epoch in (0, 10):
        for stage in ("stem", "stage3"):
            share = 0.45 if epoch == 0 or stage == "stem" else 0.7 if by_shape else 0.25
            for match in ("class", "exemplar"):
                for centred in (True, False):
                    rows.append({**front, "epoch": epoch, "stage": stage, "match": match,
                                 "centred": centred, "shape_share": share, "ci_low": share - 0.03,
                                 "ci_high": share + 0.03, "chance": 0.5, "n_units": 32,
                                 "n_anchors": 1320, "n_triplets": 9000, "reason": ""})  # fmt: skip


def _channels(rows: list[dict], front: dict, by_shape: bool) -> None:
    """Who goes by shape has the narrower channel; the published estimator has none for small fields."""
    width = 1.5 if by_shape else 2.5
    theirs = np.nan if front["architecture"] == "rf9" else width
    rows.append({**front, "set": "plain", "bandwidth": width, "bandwidth_low": width - 0.3,
                 "bandwidth_high": width + 0.3, "centre": 6.0, "centre_low": 5.0, "centre_high": 7.0,
                 "peak_sensitivity": 12.0, "asymptote": 0.9, "slope": 2.0, "deviance": 1.0,
                 "degrees": 1, "published_bandwidth": theirs, "published_centre": 6.0,
                 "published_reason": "", "accuracy_unmasked": 0.9, "chance": 1 / 12, "n": 600,
                 "n_bands": 4, "n_noises": 5, "defined_resamples": 1.0, "reason": ""})  # fmt: skip


def _configural(rows: list[dict], front: dict, by_shape: bool) -> None:
    """Who goes by shape loses by mirroring, but for the smallest field; all lose by breaking."""
    uses = by_shape and front["architecture"] != "rf9"
    for condition, against, difference in (
        ("whole", "", np.nan), ("joined", "whole", 0.25 if uses else 0.0),
        ("apart", "whole", 0.3), ("dots-50", "", np.nan),
        ("segments-50", "dots-50", 0.2 if by_shape else -0.2),
    ):  # fmt: skip
        rows.append({**front, "set": "silhouettes", "condition": condition,
                     "share": 0.5 if condition.endswith("50") else 1.0, "accuracy": 0.6,
                     "ci_low": 0.55, "ci_high": 0.65, "compared_with": against,
                     "difference": difference, "difference_low": difference - 0.05,
                     "difference_high": difference + 0.05, "chance": 1 / 12, "n": 200,
                     "n_exemplars": 200, "reason": ""})  # fmt: skip


def _moved(bias: float, was: float, match: float, accuracy: float) -> dict:
    """What a change inside a network moves, from a bias that was, 0.8 cue matches and 0.9 accuracy."""
    return {"shape_bias": bias, "ci_low": bias - 0.03, "ci_high": bias + 0.03,
            "bias_change": bias - was, "bias_change_low": bias - was - 0.03,
            "bias_change_high": bias - was + 0.03, "cue_match_rate": match,
            "match_low": match - 0.03, "match_high": match + 0.03, "match_change": match - 0.8,
            "match_change_low": match - 0.83, "match_change_high": match - 0.77,
            "accuracy": accuracy, "accuracy_low": accuracy - 0.02, "accuracy_high": accuracy + 0.02,
            "accuracy_change": accuracy - 0.9, "accuracy_change_low": accuracy - 0.92,
            "accuracy_change_high": accuracy - 0.88, "decisions_changed": 0.0 if bias == was else 0.3,
            "n_conflict": 480, "n_agreeing": 480, "reason": ""}  # fmt: skip


def _steered(rows: list[dict], front: dict, by_shape: bool) -> None:
    """The cues' direction moves the bias and costs accuracy; random ones do nothing."""
    was = 0.6 if by_shape else 0.2
    for direction, doses in (
        ("none", [0]),
        ("cues", [-1, 1]),
        ("others", [-1, 1]),
        ("random", [-1, 1]),
    ):
        for dose in doses:
            bias = was + (0.15 * dose if direction == "cues" else 0)
            cost = 0.3 * abs(dose) if direction in ("cues", "others") else 0
            rows.append({**front, "stage": "stage3", "direction": direction, "draw": 0, "dose": dose,
                         "length": 2.0 * abs(dose), **_moved(bias, was, 0.8 - cost, 0.9 - cost)})  # fmt: skip


def _slopes(rows: list[dict], front: dict, by_shape: bool) -> None:
    for direction, slope in (("cues", 0.15), ("others", 0.0), ("random", 0.0)):
        beyond = np.nan if direction == "random" else slope
        cost = 0.0 if direction == "random" else -0.3
        rows.append({**front, "stage": "stage3", "direction": direction, "bias_slope": slope,
                     "ci_low": slope - 0.03, "ci_high": slope + 0.03, "beyond_random": beyond,
                     "beyond_random_low": beyond - 0.03, "beyond_random_high": beyond + 0.03,
                     **{f"{name}_slope{end}": cost + by for name in ("match", "accuracy")
                        for end, by in (("", 0), ("_low", -0.03), ("_high", 0.03))},
                     "n_conflict": 480, "n_agreeing": 480, "reason": ""})  # fmt: skip


def _thinned(rows: list[dict], front: dict, by_shape: bool) -> None:
    """A tenth of a channel's activations moves the bias a little, as many at random more."""
    was = 0.6 if by_shape else 0.2
    for across, kept, share, by, cost in (
        ("none", "all", 1.0, 0.0, 0.0), ("channel", "largest", 0.1, 0.1, 0.3),
        ("channel", "random", 0.1, 0.2, 0.6), ("position", "largest", 0.1, 0.05, 0.2),
        ("position", "random", 0.1, 0.2, 0.6),
    ):  # fmt: skip
        whole = kept == "all"
        of = np.nan if whole else 144 if across == "channel" else 64
        rows.append({**front, "stage": "stage2", "across": across, "kept": kept, "draw": 0,
                     "share": share, "k": np.round(share * of), "of": of, "strongest": not whole,
                     **_moved(was + by, was, 0.8 - cost, 0.9 - cost)})  # fmt: skip


def _near(rows: list[dict], front: dict, by_shape: bool) -> None:
    """Attention nearby takes shape; the smallest field stands for a network that has no attention."""
    if front["architecture"] == "rf9":
        rows.append({**front, "kept": "all", "draw": 0, "n_modules": 0, "strongest": False,
                     "reason": "it has no attention between patches"})  # fmt: skip
        return
    was = 0.6 if by_shape else 0.2
    for kept, radius, by, cost in (
        ("all", np.nan, 0.0, 0.0), ("near", 4.0, -0.05, 0.1), ("near", 1.0, -0.15, 0.3),
        ("random", 4.0, 0.0, 0.2), ("random", 1.0, 0.05, 0.6),
    ):  # fmt: skip
        rows.append({**front, "kept": kept, "draw": 0, "radius": radius,
                     "pairs": {4.0: 0.2, 1.0: 0.02}.get(radius, 1.0), "n_modules": 12, "side": 14,
                     "strongest": radius == 1, **_moved(was + by, was, 0.8 - cost, 0.9 - cost)})  # fmt: skip


def _ranks(rows: list[dict], front: dict, by_shape: bool) -> None:
    for cue, score in (("shape", 0.9 if by_shape else 0.5), ("texture", 0.5 if by_shape else 0.9)):
        rows.append({**front, "set": "one-cue", "cue": cue, "class": "all", "score": score,
                     "ci_low": score - 0.05, "ci_high": score + 0.05, "chance": 0.26,
                     "top1": score - 0.1, "top1_low": score - 0.15, "top1_high": score - 0.05,
                     "top1_chance": 1 / 12, "median_rank": 2.0, "n_outputs": 12,
                     "n_exemplars": 60, "n_images": 480, "reason": ""})  # fmt: skip


#: a suppression, what it takes, its degrees, the pictures that lack that cue, its strongest constants
_SUPPRESSIONS = (
    ("patch-shuffle", "shape", 6, "texture", "4 x 4 patches"),
    ("bilateral", "texture", 6, "shape", "diameter 14, sigma colour 200"),
    ("channels", "colour", 1, "", "another order"),
)


def _suppressed(rows: list[dict], front: dict, by_shape: bool) -> None:
    """Only the cue that a network goes by costs it more than pictures without that cue; the smallest field
    sees no shape."""
    for suppression, cue, degrees, lacking, constants in _SUPPRESSIONS:
        used = cue == ("shape" if by_shape else "texture")
        used &= cue != "shape" or front["architecture"] != "rf9"
        for shows in ("both", *([lacking] if lacking else [])):
            for degree in range(1, degrees + 1):
                kept = 1 - (0.15 if used and shows == "both" else 0.01) * min(degree, 3)
                rows.append(
                    {**front, "set": "test-plain" if shows == "both" else f"{shows}-alone",
                     "shows": shows, "suppression": suppression, "suppresses": cue, "degree": degree,
                     "constants": constants, "accuracy": 0.9 * kept,
                     "accuracy_low": 0.9 * kept - 0.04, "accuracy_high": 0.9 * kept + 0.04,
                     "intact": 0.9, "kept": kept, "kept_low": kept - 0.04, "kept_high": kept + 0.04,
                     "kept_by_chance": 0.09, "n_images": 480, "reason": ""})  # fmt: skip


MEASURED = ["shape_bias", "ci_low", "ci_high", "cue_match_rate", "accuracy", "value", "null",
            "validation_accuracy", "theoretical", "effective_trained", "effective_untrained",
            "permuted", "permuted_high", "gain", "gain_low", "gain_high", "fold_low", "fold_high",
            "chance", "difference", "shape_share", "texture_share", "shape_share_low",
            "shape_share_high", "texture_share_low", "texture_share_high", "balance_point",
            "balance_low", "balance_high", "miou", "mean_mask_miou", "readout_shape",
            "readout_texture", "readout_shape_low", "readout_shape_high", "readout_texture_low",
            "readout_texture_high", "readout_chance", "bias_change", "bias_change_low",
            "bias_change_high", "taken", "taken_low", "taken_high", "beyond", "beyond_low",
            "beyond_high", "error_ratio", "relative_error_ratio", "relative_low",
            "relative_high", "clean_error", "error_consistency",
            "error_consistency_low", "error_consistency_high", "texshape", "top1", "rho", "p_holm",
            "within_holm",
            "share", "expected_share", "excess", "excess_low", "excess_high",
            "read_difference", "read_low", "read_high", "receptive_field", "confirmed", "model_a",
            "psnr", "mse", "score", "median_rank", "kept", "kept_low", "kept_high",
            "kept_by_chance", "bandwidth", "bandwidth_low", "bandwidth_high",
            "published_bandwidth", "difference_low", "difference_high",
            "beyond_random_low", "beyond_random_high", "accuracy_slope_high"]  # fmt: skip
#: and what further techniques compare, by their declarations
MEASURED += sorted(
    {
        column
        for name in registry.OURS
        for measure in registry.get(name).measures
        for column in (measure.value, *measure.interval)
    }.difference(MEASURED)
)


def undefined(tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The same tables with every measured value undefined; paired differences keep their names."""
    return {
        name: frame.assign(
            **{
                column: np.nan
                for column in MEASURED
                if column in frame.columns
                and not (name == "shape_bias_differences" and column == "model_a")
            }
        )
        for name, frame in tables.items()
    }


def _is_empty(frame: pd.DataFrame, column: str) -> bool:
    return column not in frame or bool(frame[column].isna().all())


# Pictures that are recognised, and decisions that use every answer: what a name rests on.
READABLE = {"congruent_accuracy": 0.95, "congruent_low": 0.9, "congruent_high": 0.99,
            "n_congruent": 120, "response_entropy": 3.5, "label_entropy": 3.6}  # fmt: skip


def named(frame: pd.DataFrame, classes: int) -> pd.DataFrame:
    """A table of biases with the name of each, by the project's own rule; a test may set the rest."""
    known = READABLE | {"n_classes": classes}
    frame = frame.assign(**{c: v for c, v in known.items() if _is_empty(frame, c)})
    if _is_empty(frame, "match_low"):
        frame["match_low"] = frame["cue_match_rate"] - 0.03
    share = "shape_share" if "shape_share" in frame else "shape_bias"
    frame["verdict"] = [
        "no texture"
        if row.get("strength") == 0
        else naming.name(row[share], row["ci_low"], row["ci_high"], n_classes=classes,
                         **{key: row[key] for key in ("match_low", *READABLE)
                            if key not in ("congruent_accuracy", "congruent_high")})
        for row in frame.to_dict("records")
    ]  # fmt: skip
    return frame


def write(tables: dict[str, pd.DataFrame], folder) -> None:
    """Write tables as the pipeline does: empty cells where undefined."""
    folder.mkdir(parents=True, exist_ok=True)
    classes = (
        tables["shape_bias_by_class"]["class"].nunique() if "shape_bias_by_class" in tables else 0
    )
    for name, frame in tables.items():
        if name in ("shape_bias", "shape_bias_by_set", "sensitivity", "cue_strength"):
            frame = named(frame, classes)
        frame.to_csv(folder / f"{name}.csv", index=False)
