"""The published stimuli and a real network, from the mirror to the article, without a network connection."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import yaml
from tools.workflow_copy import ROOT

from tests.workflow.conftest import Workflow, copy_workflow
from texshape.parameters import read_yaml
from texshape.techniques import registry

# The first test runs the whole experiment; a crowded machine takes its time.
pytestmark = [pytest.mark.workflow, pytest.mark.timeout(3000)]

LITE0 = "efficientnet-lite0--imagenet"
GONE = "timm-resnet18--a1_in1k"
EXPERIMENT = read_yaml(ROOT / "experiments" / "published.yaml")
ANIMALS = EXPERIMENT["configural_shape"]["exemplars"]
# The real stimuli and all trials; what only costs time is cut down.
SMALL = {
    "jobs": {"grain": "network"},
    # Weights of the second are on a server, which is not asked.
    "networks": ["efficientnet_lite_pytorch:efficientnet-lite0", "timm:resnet18.a1_in1k"],
    "bootstrap": {"resamples": 1000},
    "sensitivity": {"preprocessings": ["whole", "crop-0.875"], "interpolations": ["bicubic"]},
    "readout": {"folds": 3, "penalties": [0.1, 0.001], "resamples": 200},
    "dimensionality": {"null_draws": 5, "resamples": 50},
    "erasure": {"random_draws": 1, "resamples": 200},
    "receptive_field": {"images": 4},
    "feature_visualization": {"steps": 4, "channels": 1},
    "probes": {"strengths": [0, 0.5, 1], "strength_images": 96, "resamples": 200},
    "comparison": {"permutations": 500, "resamples": 500},
    "suppression": {"suppressions": ["patch-shuffle"], "images": 12, "resamples": 200},
    "triplets": {"matches": ["class"], "resamples": 50},
    "frequency_channel": {"images": 140, "resamples": 50},
    "configural_shape": {"exemplars": {animal: own[:2] for animal, own in ANIMALS.items()}},
    "steering": {"doses": [1.0], "draws": 1, "images": 48, "resamples": 200},
    "top_k": {"across": ["channel"], "shares": [0.1], "images": 32, "resamples": 200},
}


@pytest.fixture(scope="module")
def published(mirror: Path, tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    assert mirror.is_dir()
    workflow = copy_workflow(tmp_path_factory.mktemp("published") / "project")
    (workflow.folder / "small.yaml").write_text(yaml.safe_dump(SMALL), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")
        patch.setenv("HF_HOME", str(workflow.folder / "no-cache"))
        workflow.snakemake("--configfile", "experiments/published.yaml", "small.yaml")
    return workflow


def table(published: Workflow, name: str) -> pd.DataFrame:
    return pd.read_csv(published.folder / "results" / "published" / "tables" / f"{name}.csv")


def test_published_biases_come_out_and_stand_beside_the_network(published: Workflow) -> None:
    bias = table(published, "shape_bias").set_index("model")
    percent = (100 * bias["shape_bias"]).round(1)
    assert percent["humans"] == 95.9
    known = {"alexnet": 42.9, "googlenet": 31.2, "vgg": 17.2, "resnet50": 22.1}
    for name, value in known.items():
        assert percent[f"texture-vs-shape/{name}"] == value
    assert bias.loc["humans", "n_conflict"] == 12_000
    row = bias.loc[LITE0]
    assert row["n_conflict"] == 1200
    # Texture decides, as in every network trained on ImageNet alone.
    assert row["ci_low"] < row["shape_bias"] < row["ci_high"] < 0.5
    assert row["cue_match_rate"] > 0.5


def test_every_technique_that_needs_no_training_has_its_table(published: Workflow) -> None:
    readout = table(published, "readout")
    last = readout[(readout["model"] == LITE0) & (readout["epoch"] == 1)]
    for cue in ("shape", "texture"):
        best = last[last["cue"] == cue]["accuracy"].max()
        assert best > 3 * last["chance"].iloc[0], cue
    for name in ("dimensionality", "erasure", "receptive_field", "cue_strength", "sensitivity",
                 "benchmark", "comparison"):  # fmt: skip
        rows = table(published, name)
        assert (rows["model"] == LITE0).any(), name


def test_answers_of_others_stand_apart_and_beside_humans(published: Workflow) -> None:
    answers = table(published, "published_answers").set_index("name")
    asked, humans = answers.loc["GPT-4V"], answers.loc["humans"]
    assert (100 * asked["shape_bias"]).round(1) == 47.9
    assert (asked["decides_by"], asked["date"], asked["n_unnamed"]) == ("asked", "2024-02-28", 131)
    assert asked["error_consistency_high"] < humans["error_consistency_low"]
    assert not table(published, "shape_bias")["model"].str.startswith("vlm_shapebias/").any()


def test_published_values_come_out_again(published: Workflow) -> None:
    made = table(published, "replication").set_index("name")
    verdicts = made["verdict"]
    for name in ("bias-humans", "bias-alexnet", "bias-googlenet", "bias-resnet50", "bias-vgg16",
                 "accuracy-difference-resnet50", "observed-consistency-resnet50",
                 "error-consistency-resnet50", "ood-accuracy-resnet50",
                 "channel-resnet50", "channel-vit", "channel-inception"):  # fmt: skip
        assert verdicts[name] == "replicated", name
    for name in ("bias-resnet50-mean", "bias-resnet50-benchmark"):
        assert verdicts[name] == "within the interval", name
    assert verdicts["bias-alexnet-weights"] == "not comparable"
    assert "Caffe" in made.loc["bias-alexnet-weights", "reason"]
    assert verdicts["bias-stylized"] == "not measured"
    assert not (verdicts == "not replicated").any()


def test_critics_measure_the_network_on_public_pictures(published: Workflow) -> None:
    """Each of those that are named has rows of it; what is known of any ImageNet network comes out."""
    for name in EXPERIMENT["techniques"]:
        for one in registry.get(name).tables:
            assert (table(published, one.name)["model"] == LITE0).any(), one.name
    left = table(published, "left_out").query("model == @LITE0")
    assert not set(left["technique"]) & set(EXPERIMENT["techniques"])
    (attention,) = table(published, "attention_radius").query("model == @LITE0").to_dict("records")
    assert attention["reason"] == "it has no attention between patches"
    rank = table(published, "cue_rank").query("`class` == 'all'").set_index(["set", "cue"])
    assert rank.loc[("one-cue", "shape"), "n_images"] == 160
    for cue in ("shape", "texture"):
        row = rank.loc[("refined-bias", cue)]
        assert (row["n_images"], row["n_outputs"]) == (20, 1000)
        assert row["ci_low"] > row["chance"]
    kept = table(published, "suppression").query("shows == 'both'")
    assert kept["kept"].min() < 0.6  # of 14 px patches in random order
    (channel,) = table(published, "frequency_channel").to_dict("records")
    assert (channel["set"], channel["n"]) == ("critical-band", 140)
    assert channel["accuracy_unmasked"] > 0.6
    animals = table(published, "configural_shape").set_index("condition")
    assert animals.loc["whole", "n_exemplars"] == 2 * 9
    assert animals.loc["whole", "accuracy"] > 2 / 9
    thinned = table(published, "top_k").set_index("kept")
    # At random a tenth of a stage's activations leaves less than the tenth that is largest.
    assert thinned.loc["random", "accuracy"] < thinned.loc["all", "accuracy"]
    slopes = table(published, "steering_slopes").set_index("direction")
    assert slopes.loc["cues", "bias_slope"] > 0


def test_a_network_whose_weights_cannot_be_had_is_left_out_with_one_reason(
    published: Workflow,
) -> None:
    results = published.folder / "results" / "published"
    (row,) = table(published, "left_out").query("model == @GONE").to_dict("records")
    assert row["technique"] == "every technique"
    assert "its weights cannot be had" in row["reason"]
    assert "name a local file as timm:resnet18.a1_in1k@PATH" in row["reason"]
    for path in (results / "tables").glob("*.csv"):
        if path.stem != "left_out" and path.stat().st_size:
            assert GONE not in path.read_text(encoding="utf-8"), path.name
    page = (results / "paper.html").read_text(encoding="utf-8")
    assert page.count("its weights cannot be had") == 1
    again = published.snakemake("-n", "--configfile", "experiments/published.yaml", "small.yaml")
    assert "Nothing to be done" in again.stdout + again.stderr


def test_the_article_is_there(published: Workflow) -> None:
    results = published.folder / "results" / "published"
    assert (results / "paper.pdf").read_bytes().startswith(b"%PDF")
    assert "95.9" in (results / "paper.html").read_text(encoding="utf-8")
