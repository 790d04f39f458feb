"""Tables over networks, from trial files."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import texshape.cli.trials  # noqa: F401 (registers the commands)
from texshape.cli.main import app
from texshape.stats import seeds
from texshape.trials import files, naming
from texshape.trials.subjects import network_subject

CLASSES = files.PROCEDURAL_CLASSES[:4]


def write_trials(folder, name, slug, images, decide):
    rows = [
        (slug, 1, i + 1, "NaN", decide(i, shape, texture), shape, name,
         f"{shape}{a}-{texture}{b}.png")
        for i, (shape, a, texture, b) in enumerate(images)
    ]  # fmt: skip
    columns = dict(zip(files.COLUMNS, map(list, zip(*rows, strict=True)), strict=True))
    files.write(folder / f"{name}.csv", columns)


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """Three networks: for texture, for shape, for shape in three of four cases."""
    results = tmp_path_factory.mktemp("results")
    conflict = [(s, a, t, b) for s in CLASSES for a in (1, 2, 3) for t in CLASSES for b in (1, 2)]
    deciders = {
        "cnn--plain/seed-0": lambda i, s, t: t,
        "cnn--plain/seed-1": lambda i, s, t: t,
        "cnn--stylized/seed-0": lambda i, s, t: s,
        "rf9--mixed/seed-0": lambda i, s, t: "na" if i % 5 == 4 else s if i % 5 else t,
    }
    for network, decide in deciders.items():
        slug = network.split("/")[0]
        folder = results / network / "trials"
        write_trials(folder, "cue-conflict", slug, conflict, decide)
        plain = [(s, a, s, a) for s in CLASSES for a in range(1, 6)]
        write_trials(folder, "test-plain", slug, plain, lambda i, s, t: s if i % 2 else "heart")
        styled = [(s, a, "marble", 1 + a % 2) for s in CLASSES for a in (1, 2, 3)]
        write_trials(folder, "test-stylized", slug, styled, lambda i, s, t: s)
        outlines = [(s, a, "na", 0) for s in CLASSES for a in (1, 2)]
        write_trials(folder, "silhouettes", slug, outlines, lambda i, s, t: "disc")
        patches = [("na", 0, t, b) for t in CLASSES for b in (1, 2)]
        write_trials(folder, "textures", slug, patches, lambda i, s, t: t)
        if slug != "cnn--stylized":  # the same conflicts made another way, half of them
            other = [image for image in conflict if image[1] < 3]
            write_trials(folder, "cue-conflict-other", slug, other,
                         lambda i, s, t, own=decide: s if i % 2 else own(i, s, t))  # fmt: skip
    arguments = ["run", "tabulate-trials", "--results", str(results), "--seed", "1"]
    arguments += ["--output-dir", str(results / "tables"), "--settings", '{"resamples": 400}']
    for network in deciders:
        arguments += ["--network", network]
    CliRunner().invoke(app, arguments, catch_exceptions=False)
    return {path.stem: pd.read_csv(path) for path in (results / "tables").glob("*.csv")}


def test_shape_bias(tables):
    table = tables["shape_bias"].set_index(["model", "seed"])
    assert list(tables["shape_bias"].columns) == [
        "model", "architecture", "arm", "seed", "shape_bias", "ci_low", "ci_high",
        "cue_match_rate", "n_trials", "n_conflict", "n_shape", "n_texture", *naming.FIELDS,
        "verdict",
    ]  # fmt: skip
    # Texture on congruent pictures too; one answer in five missing; four classes.
    assert table["verdict"].to_dict() == {
        ("cnn--plain", 0): "texture-biased", ("cnn--plain", 1): "texture-biased",
        ("cnn--stylized", 0): "shape-biased", ("rf9--mixed", 0): "shape-biased",
    }  # fmt: skip
    assert (table["n_congruent"] == 24).all()
    assert (table["n_classes"] == 4).all()
    assert table["shape_bias"].to_dict() | {("rf9--mixed", 0): None} == {
        ("cnn--plain", 0): 0, ("cnn--plain", 1): 0, ("cnn--stylized", 0): 1,
        ("rf9--mixed", 0): None,
    }  # fmt: skip
    assert (table["n_trials"] == 96).all()
    assert (table["n_conflict"] == 72).all()
    mixed = table.loc[("rf9--mixed", 0)]
    assert mixed["ci_low"] < mixed["shape_bias"] < mixed["ci_high"]
    assert mixed["shape_bias"] == mixed["n_shape"] / (mixed["n_shape"] + mixed["n_texture"])
    assert set(tables["shape_bias"]["arm"]) == {"plain", "stylized", "mixed"}


def test_shape_bias_by_class_adds_up(tables):
    by_class = tables["shape_bias_by_class"]
    whole = tables["shape_bias"].set_index(["model", "seed"])
    sums = by_class.groupby(["model", "seed"])[["n_shape", "n_texture", "n_conflict"]].sum()
    pd.testing.assert_frame_equal(
        sums, whole[list(sums.columns)], check_like=True, check_dtype=False
    )
    assert by_class.groupby(["model", "seed"]).size().eq(len(CLASSES)).all()


def test_differences_pool_the_seeds(tables):
    pairs = tables["shape_bias_differences"].set_index(["model_a", "model_b"])
    assert len(pairs) == 3
    row = pairs.loc[("cnn--plain", "cnn--stylized")]
    assert row.tolist()[:4] == [-1, -1, -1, 72]
    # two trainings alike and a single one: no interval over trainings
    assert (row["seeds_a"], row["seeds_b"], row["seed_difference"]) == (2, 1, -1)
    assert row[["seed_low", "seed_high", "seed_p"]].isna().all()


def test_differences_over_seeds_are_welchs():
    """Means 0.2 and 0.4, variances 0.01 and 0.04 of three each: t = 0.2 / sqrt(0.05 / 3)."""
    found = seeds.welch([0.1, 0.2, 0.3], [0.2, 0.4, 0.6], 0.95)
    error, freedom = np.sqrt(0.05 / 3), 2 * 0.05**2 / (0.01**2 + 0.04**2)
    from scipy import stats

    half = stats.t(freedom).ppf(0.975) * error
    assert (found["seeds_a"], found["seeds_b"]) == (3, 3)
    assert found["seed_difference"] == pytest.approx(-0.2)
    assert (found["seed_low"], found["seed_high"]) == pytest.approx((-0.2 - half, -0.2 + half))
    assert found["seed_p"] == pytest.approx(2 * stats.t(freedom).cdf(-0.2 / error))
    wider = seeds.welch([0.1, 0.2, 0.3], [0.2, 0.4, 0.6], 0.99)
    assert wider["seed_low"] < found["seed_low"]
    assert np.isnan(seeds.welch([0.1], [0.2, 0.3])["seed_low"])
    assert np.isnan(seeds.welch([], [0.2, 0.3])["seed_difference"])
    assert seeds.welch([0.1, np.nan, 0.3], [0.2, 0.3])["seeds_a"] == 2


def test_accuracies_are_compared_between_arms_and_between_architectures(tables):
    table = tables["accuracy_differences"]
    pairs = table[(table["set"] == "test-plain") & (table["cue"] == "shape")]
    assert list(zip(pairs["model_a"], pairs["model_b"], strict=True)) == [
        ("cnn--plain", "cnn--stylized")  # the third shares neither arm nor architecture
    ]


def test_accuracy_of_each_set_and_cue(tables):
    table = tables["accuracy"]
    one = table[(table["model"] == "cnn--plain") & (table["seed"] == 0)]
    found = {(r["set"], r["cue"]): (r["accuracy"], r["n"]) for r in one.to_dict("records")}
    assert found == {
        ("cue-conflict", "shape"): (0, 72),
        ("cue-conflict", "texture"): (1, 72),
        ("cue-conflict-other", "shape"): (0.5, 48),
        ("cue-conflict-other", "texture"): (0.5, 48),
        ("test-plain", "shape"): (0.5, 20),
        ("test-stylized", "shape"): (1, 12),
        ("silhouettes", "shape"): (0.25, 8),
        ("textures", "texture"): (1, 8),
    }
    chance = one[one["set"] == "silhouettes"].iloc[0]
    assert chance["response_entropy"] == 0
    # One answer throughout is right on one class of the four, which are fixed, whatever the exemplars.
    assert chance["ci_low"] == chance["ci_high"] == 0.25
    plain = one[one["set"] == "test-plain"].iloc[0]
    # Twenty exemplars, one trial each: the ordinary bootstrap.
    assert plain["ci_high"] - plain["ci_low"] == pytest.approx(
        2 * 1.96 * np.sqrt(0.25 / 20), rel=0.15
    )


def test_names_of_networks():
    subject = network_subject("efficientnet-lite0--imagenet/seed-12")
    assert subject.identity() == {
        "model": "efficientnet-lite0--imagenet", "architecture": "efficientnet-lite0",
        "arm": "imagenet", "seed": 12,
    }  # fmt: skip


def test_published_trials_and_our_own_on_the_same_stimuli(mirror, tmp_path):
    # A network that repeats the first observer's answers agrees with the humans as one of them.
    source = mirror / "github/bethgelab/model-vs-human"
    (raw,) = source.glob("*/raw-data")
    published = tmp_path / "published"
    published.mkdir()
    (published / "model-vs-human").symlink_to(raw)
    (first,) = (mirror / "github/rgeirhos/texture-vs-shape").glob("*/raw-data")
    (published / "texture-vs-shape").symlink_to(first)
    for name, ours in (
        ("cue-conflict", "cue-conflict"),
        ("edge", "edges"),
        ("silhouette", "silhouettes"),
    ):
        trials = files.read(raw / name / f"{name}_subject-01_session_1.csv")
        columns = trials.columns | {"subj": ["copy--arm"] * len(trials)}
        ending = "-na0.png" if ours != "cue-conflict" else ".png"
        columns["imagename"] = [
            image.split("_")[-1].replace(".png", ending) for image in columns["imagename"]
        ]
        files.write(tmp_path / "copy--arm/seed-0/trials" / f"{ours}.csv", columns)
    arguments = [
        "--results", str(tmp_path), "--network", "copy--arm/seed-0",
        "--published", str(published), "--settings", json.dumps({"resamples": 50}),
    ]  # fmt: skip
    output = [
        "--output",
        str(tmp_path / "mean.csv"),
        "--output-by-dataset",
        str(tmp_path / "b.csv"),
    ]
    CliRunner().invoke(
        app, ["run", "benchmark-networks", *arguments, *output], catch_exceptions=False
    )
    by_dataset = pd.read_csv(tmp_path / "b.csv")
    edges = by_dataset[by_dataset["datasets"] == "edge"].set_index("model")
    copied, humans = edges.loc["copy--arm"], edges.loc["humans"]
    assert copied["observed_consistency"] > humans["observed_consistency"]  # one human is itself
    assert copied["error_consistency_low"] < copied["error_consistency"]
    means = pd.read_csv(tmp_path / "mean.csv")
    assert means.groupby("datasets").size().to_dict() == {
        "all-17": 8, "cue-conflict+edge+silhouette": 9,
    }  # fmt: skip
    output = ["--output", str(tmp_path / "p.csv"), "--output-differences", str(tmp_path / "d.csv")]
    CliRunner().invoke(
        app, ["run", "consistency-power", *arguments, *output], catch_exceptions=False
    )
    power = pd.read_csv(tmp_path / "p.csv").set_index(["datasets", "subject"])
    for row in means.to_dict("records"):  # one quantity has one interval
        name = "copy--arm/seed-0" if row["arm"] == "arm" else row["architecture"]
        own = power.loc[(row["datasets"], name)]
        assert own["error_consistency"] == pytest.approx(row["error_consistency"])
        assert own["ci_low"] == pytest.approx(row["error_consistency_low"], abs=1e-6)
    assert len(power) == len(means)
    pairs = pd.read_csv(tmp_path / "d.csv")
    assert pairs.groupby("datasets").size().to_dict() == {
        "all-17": 8 * 7 / 2, "cue-conflict+edge+silhouette": 9 * 8 / 2,
    }  # fmt: skip
    output = ["--output-dir", str(tmp_path / "tables")]
    CliRunner().invoke(app, ["run", "tabulate-trials", *arguments, *output], catch_exceptions=False)
    bias = pd.read_csv(tmp_path / "tables/shape_bias.csv").set_index("model")
    assert bias.loc["copy--arm", "n_shape"] == bias.loc["subject-01", "n_shape"]
    assert round(100 * bias.loc["humans", "shape_bias"], 1) == 95.9
    assert round(100 * bias.loc["texture-vs-shape/resnet50", "shape_bias"], 1) == 22.1
    assert round(100 * bias.loc["model-vs-human/resnet50", "shape_bias"], 1) == 21.4
    pairs = pd.read_csv(tmp_path / "tables/shape_bias_differences.csv")
    assert (pairs["n"] == 1200).all()


def test_bias_on_each_conflict_set_stands_apart(tables):
    table = tables["shape_bias_by_set"]
    assert "cnn--stylized" not in set(table["model"])  # shown one set alone
    drawn = table[table["set"] == "cue-conflict"].set_index(["model", "seed"])
    other = table[table["set"] == "cue-conflict-other"].set_index(["model", "seed"])
    one = tables["shape_bias"].set_index(["model", "seed"])
    for column in ("shape_bias", "ci_low", "ci_high", "cue_match_rate", "n_conflict"):
        pd.testing.assert_series_equal(drawn[column], one[column].loc[drawn.index])
    assert drawn["difference"].isna().all()
    # every second image of 64, of which 48 are in conflict, is decided for shape
    plain = other.loc[("cnn--plain", 0)]
    assert (plain["n_conflict"], plain["n_common"]) == (48, 48)
    assert plain["shape_bias"] == 0.5
    assert plain["difference"] == 0.5  # it decided for texture on all images of the other set
    assert plain["difference_low"] < 0.5 < plain["difference_high"]
    # alike in shape, and alike in texture: nothing to resample but exemplars
    assert (other["difference_low"] <= other["difference"]).all()
    assert (other["difference"] <= other["difference_high"]).all()
