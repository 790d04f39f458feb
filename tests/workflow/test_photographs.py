"""Photographs: CIFAR-10 and Tiny ImageNet from the mirror to their articles, and DAGs of folders drawn here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from PIL import Image

from tests.segmentation_scene import draw_voc
from tests.workflow.conftest import Workflow, copy_workflow, jobs
from texshape import parameters
from texshape.models import trainable
from texshape.training import checkpoints
from texshape.trials import imagenet16

# The first test runs a whole experiment; a crowded machine takes its time.
pytestmark = [pytest.mark.workflow, pytest.mark.timeout(3000)]

# Real photographs and paintings; everything that only costs time is cut down.
SMALL = {
    "data": {
        "folder": {"train": 32, "validation": 4, "test": 12},
        "shape_exemplars": 4,
        "texture_exemplars": 4,
    },
    "stylize": {"decoder": {"steps": 20, "width": 16}, "batch_size": 32},
    "stylizations": {"stylized": {"shards": 1}},
    "conflicts": {"cue-conflict": {"shards": 1, "stylize": {"optimisation": {"steps": 5}}}},
    "training": {"epochs": 1, "batch_size": 32, "checkpoint_epochs": [0, 1]},
    "fitness": {"limited": []},
    "features": {"batch_size": 8, "shards": 2},
    "bootstrap": {"resamples": 200},
    "readout": {"folds": 2, "penalties": [0.1], "resamples": 50},
    "dimensionality": {"null_draws": 2, "resamples": 20, "min_pairs": 5},
    "erasure": {"random_draws": 1, "resamples": 50},
    "receptive_field": {"images": 4},
    "feature_visualization": {"steps": 4, "channels": 1},
    "probes": {"patches": [1, 4], "shuffling_images": 36, "resamples": 50},
    "corruptions": {"severities": [3], "images": 24, "types": ["fog", "contrast"]},
    "comparison": {"permutations": 100, "resamples": 100},
}
CLASSES = ["cat", "frog", "ship"]
CIFAR10 = {
    "experiment": "cifar10-smoke",
    "data": {"folder": {"classes": CLASSES}},
    "trained": [{"architecture": "resnet8", "arms": ["plain", "stylized"], "seeds": [0]}],
}
WNIDS = ["n01443537", "n04146614", "n07753592"]
TINY = {
    "experiment": "tiny-imagenet-smoke",
    "data": {"folder": {"classes": WNIDS}},
    "features": {"shards": 1},
    "trained": [
        {"architecture": "cnn", "arms": ["plain"], "seeds": [0]},
        {"architecture": "cnn", "arms": ["mixed"], "seeds": [0], "trials_only": True},
        {"architecture": "rf9", "arms": ["stylized"], "seeds": [0], "trials_only": True},
    ],
    **{
        name: {"resamples": 50}
        for name in ("cue_rank", "suppression", "triplets", "steering", "top_k")
    },
    "frequency_channel": {"resamples": 5},
}


def overlay(workflow: Workflow, values: dict) -> str:
    (workflow.folder / "small.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
    return "small.yaml"


def draw(folder: Path, count: int, *, side: int = 40, seed: int = 0) -> None:
    """Photographs of nothing: smooth noise, each file another."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    for i in range(count):
        pixels = rng.integers(0, 256, (8, 9, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((side + 5, side)).save(folder / f"{i}.jpg")


@pytest.fixture(scope="module")
def cifar10(mirror: Path, tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    assert mirror.is_dir()
    workflow = copy_workflow(tmp_path_factory.mktemp("cifar10") / "project")
    small = overlay(workflow, parameters.overlay(SMALL, CIFAR10))
    workflow.snakemake("--configfile", "experiments/cifar10.yaml", small)
    return workflow


@pytest.fixture(scope="module")
def tiny_imagenet(mirror: Path, tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    assert mirror.is_dir()
    workflow = copy_workflow(tmp_path_factory.mktemp("tiny-imagenet") / "project")
    small = overlay(workflow, parameters.overlay(SMALL, TINY))
    workflow.snakemake("--configfile", "experiments/tiny-imagenet.yaml", small)
    return workflow


def test_cifar10_ends_with_an_article_of_its_own(cifar10: Workflow) -> None:
    results = cifar10.folder / "results" / "cifar10-smoke"
    assert (results / "paper.pdf").read_bytes().startswith(b"%PDF")
    html = (results / "paper.html").read_text(encoding="utf-8")
    assert "CIFAR-10" in html
    # Nothing that is true of drawn images alone.
    for words in ("drawn by the program", "supersampl", "orientation is freer", "both known"):
        assert words not in html, words
    bias = pd.read_csv(results / "tables" / "shape_bias.csv")
    assert set(bias["arm"]) == {"plain", "stylized"}
    assert (bias["n_conflict"] == 3 * 4 * 2).all()
    accuracy = pd.read_csv(results / "tables" / "accuracy.csv")
    assert {"test-plain", "test-stylized", "edges", "cue-conflict"} <= set(accuracy["set"])
    by_class = pd.read_csv(results / "tables" / "shape_bias_by_class.csv")
    assert set(by_class["class"]) == set(CLASSES)


def test_conflict_images_come_from_test_photographs_alone(cifar10: Workflow) -> None:
    data = cifar10.folder / "results" / "cifar10-smoke" / "data" / "base"
    table = pd.read_csv(data / "photographs.csv")
    assert set(table.loc[table["source"] == "test_source", "outcome"]) == {"test"}
    test = {image.tobytes() for image in np.load(data / "test-plain.images.npy")}
    for name in ("shape-exemplars", "texture-exemplars"):
        assert {image.tobytes() for image in np.load(data / f"{name}.images.npy")} <= test
    names = pd.read_csv(data / "cue-conflict.labels.csv")["imagename"]
    assert names.str.fullmatch(r"(cat|frog|ship)\d-(cat|frog|ship)\d\.png").all()


def test_features_come_from_shards_with_the_bytes_of_one_pass(
    cifar10: Workflow, tmp_path: Path
) -> None:
    logs = cifar10.folder / "logs" / "cifar10-smoke" / "features" / "resnet8--plain" / "seed-0"
    assert {path.name for path in logs.glob("*.log")} == {
        "shard-00000-of-00002.log", "shard-00001-of-00002.log"
    }  # fmt: skip
    network = cifar10.folder / "results" / "cifar10-smoke" / "resnet8--plain" / "seed-0"
    joined = network / "features" / "epoch-001"
    assert {path.name for path in joined.iterdir()} == {"activations.npy", "stages.csv"}
    images = cifar10.folder / "results" / "cifar10-smoke" / "data" / "base" / "cue-conflict"
    cifar10.run(
        "texshape", "run", "features", "--network", f"{network}/checkpoints/epoch-001.pt",
        "--set", str(images), "--output-dir", str(tmp_path), "--batch-size", "8",
    )  # fmt: skip
    for name in ("activations.npy", "stages.csv"):
        assert (joined / name).read_bytes() == (tmp_path / name).read_bytes()


def test_tiny_imagenet_ends_with_an_article_of_its_own(tiny_imagenet: Workflow) -> None:
    """Every technique that the experiment names; what the archive brings; conflicts of test photographs."""
    results = tiny_imagenet.folder / "results" / "tiny-imagenet-smoke"
    assert (results / "paper.pdf").read_bytes().startswith(b"%PDF")
    html = (results / "paper.html").read_text(encoding="utf-8")
    assert "Tiny ImageNet" in html
    assert "CIFAR-10" not in html
    bias = pd.read_csv(results / "tables" / "shape_bias.csv")
    assert set(zip(bias["architecture"], bias["arm"], strict=True)) >= {
        ("cnn", "plain"), ("cnn", "mixed"), ("rf9", "stylized"),
    }  # fmt: skip
    assert (bias["n_conflict"] == 3 * 4 * 2).all()
    for name in ("cue_rank", "suppression", "triplets", "frequency_channel", "steering", "top_k"):
        table = pd.read_csv(results / "tables" / f"{name}.csv")
        assert set(table["arm"]) >= {"plain"}, name
    data = results / "data" / "base"
    photographs = pd.read_csv(data / "photographs.csv")
    used = photographs[photographs["outcome"] == "test"]
    assert used["file"].str.fullmatch(rf"({'|'.join(WNIDS)})/val_\d+\.JPEG").all()
    assert len(used) == 3 * 12
    assert (used["box_right"] >= used["box_left"]).all()
    test = {image.tobytes() for image in np.load(data / "test-plain.images.npy")}
    for name in ("shape-exemplars", "texture-exemplars"):
        assert {image.tobytes() for image in np.load(data / f"{name}.images.npy")} <= test
    # Those whose cues agree are among them; no bias counts them.
    assert np.load(data / "cue-conflict.images.npy").shape == (3 * 4 * 3, 64, 64, 3)


def test_a_folder_of_photographs_becomes_sets(tmp_path: Path) -> None:
    workflow = copy_workflow(tmp_path / "project")
    for number, name in enumerate(("dog", "great ape")):
        draw(workflow.folder / "photographs" / name, 34, seed=number)
    (workflow.folder / "photographs" / "dog" / "broken.jpg").write_bytes(b"\xff\xd8 no more")
    common = ("--configfile", "experiments/folder.yaml", overlay(workflow, {}))
    planned = jobs(workflow.snakemake("-n", *common).stdout)
    assert planned["article"] == planned["corruptions"] == planned["exemplars"] == 1
    assert planned["segmentation"] == planned["render"] == planned["benchmark"] == 0
    data = "results/folder/data/base"
    done = workflow.snakemake(
        *common, "--", f"{data}/edges.images.npy", f"{data}/shape-exemplars.images.npy"
    )
    # On the screen, before anything is trained: 4 images of each of two classes, and a batch of 32.
    said = done.stdout + done.stderr
    assert "2 classes, 8 train, 20 validation, 40 test; 69 files looked at, 1 unusable" in said
    assert "train-plain: 8 images are fewer than training.batch_size (32)" in said
    table = pd.read_csv(workflow.folder / data / "photographs.csv")
    counts = table.groupby(["class", "outcome"]).size()
    assert counts["dog", "test"] == 20
    assert counts["great ape", "train"] == 4
    # A photograph that is added is taken in.
    draw(workflow.folder / "more", 1, seed=9)
    (workflow.folder / "more" / "0.jpg").rename(workflow.folder / "photographs" / "dog" / "new.jpg")
    planned = jobs(workflow.snakemake("-n", *common, "--", f"{data}/edges.images.npy").stdout)
    assert planned["photographs"] == 1


def test_the_search_for_a_stylization_makes_no_picture_of_the_test(tmp_path: Path) -> None:
    workflow = copy_workflow(tmp_path / "project")
    name = "tiny-imagenet-stylizations"
    files = ["experiments/tiny-imagenet.yaml", f"experiments/overlays/{name}.yaml"]
    tables = [
        f"results/{name}/tables/{one}.csv" for one in ("stylization_fitness", "reconstruction")
    ]
    said = workflow.snakemake("-n", "--configfile", *files, "--", *tables).stdout
    planned = jobs(said)
    assert planned["stylize"] == 2 * planned["prepare_styles"]  # training and validation
    assert planned["train"] == planned["trials_of_validation"] == 2 + planned["stylize"]
    assert not {"trials", "conflict", "exemplars", "figure_stylization"} & set(planned)
    assert "/validation-stylized.images.npy" in said
    assert "/test-stylized" not in said


def draw_all_that_the_papers_need(folder: Path) -> list[str]:
    """Class folders as of ImageNet, paintings, photographs with masks; returns the classes."""
    classes = {category: wnid for wnid, _, category in reversed(imagenet16.table())}
    for part, count in (("train", 14), ("val", 2)):
        for number, wnid in enumerate(classes.values()):
            seed = number + 100 * (part == "val")
            draw(folder / "data" / "imagenet" / part / wnid, count, seed=seed)
    draw(folder / "data" / "painter-by-numbers" / "train", 6)
    draw_voc(folder / "data" / "voc")
    return sorted(classes.values())


# The papers' DAG: stylization, A, B and C, a BagNet, read-out of VOC's masks, corruptions, published stimuli.
# With a ResNet-18 for the ResNet-50, and random filters for VGG-19: a test downloads no weights.
PAPERS = {
    "experiment": "imagenet-smoke",
    "jobs": {"grain": "network"},
    "data": {"image_size": 48, "folder": {"validation": 2, "resize": 54, "whole": 60, "workers": 1}},
    "stylize": {
        "encoder": {"name": "random-pyramid"},
        "decoder": {
            "layer": "all", "style_layers": ["level0", "level1", "level2", "colours"], "width": 16, "steps": 4,
            "batch_size": 4,
        },
        "styles": {"size": 48},
        "batch_size": 32,
    },
    "stylizations": {"stylized": {"shards": 2}},
    "training": {
        "epochs": 1, "batch_size": 32, "step_epochs": 1, "checkpoint_epochs": [0, 1], "initial": "start.pt",
    },
    "trained": [
        {"architecture": "resnet18", "arms": ["plain"], "seeds": [0]},
        {
            "architecture": "resnet18", "arms": ["stylized", "mixed", "fine-tuned"], "seeds": [0],
            "trials_only": True,
        },
        {
            "architecture": "bagnet9", "arms": ["plain", "stylized-from-scratch"], "seeds": [0],
            "trials_only": True,
        },
    ],
    "arms": {"fine-tuned": {"training": {"step_epochs": 1}}},
    "networks": ["start.pt"],  # measured as it is; one of 224 px would take minutes
    "evaluation": {"precision": "float32", "batch_size": 64},
    "features": {"batch_size": 64},
    "bootstrap": {"resamples": 100},
    "sensitivity": {"preprocessings": ["whole"], "interpolations": ["bicubic"]},
    "readout": {"folds": 2, "penalties": [0.1], "permutations": 1, "resamples": 50},
    "dimensionality": {"null_draws": 2, "resamples": 20, "repeats": 1},
    "erasure": {"random_draws": 1, "groupings": 1, "resamples": 50},
    "receptive_field": {"images": 2},
    "feature_visualization": {"steps": 2, "channels": 1},
    "segmentation": {
        "heads": ["conv1"], "end_to_end": ["binary"], "epochs": 1, "conv3_epochs": 1,
        "end_to_end_epochs": 1, "batch_size": 4, "resamples": 50, "pictures": 2,
    },
    "probes": {
        "patches": [1, 4], "strengths": [0, 1], "shuffling_images": 32, "strength_images": 48, "resamples": 50,
    },
    "corruptions": {"severities": [3], "images": 32, "types": ["fog", "contrast"], "resamples": 50},
    "comparison": {"permutations": 50, "resamples": 50},
}  # fmt: skip


def test_the_papers_scale_runs_to_its_article_at_a_tiny_size(mirror: Path, tmp_path: Path) -> None:
    """Everything of `experiments/imagenet.yaml` but its size, its ResNet and its encoder."""
    assert mirror.is_dir()
    workflow = copy_workflow(tmp_path / "project")
    classes = draw_all_that_the_papers_need(workflow.folder)
    write_start(workflow.folder / "start.pt", classes)
    small = overlay(workflow, PAPERS)
    workflow.snakemake("--configfile", "experiments/imagenet.yaml", small)
    results = workflow.folder / "results" / "imagenet-smoke"
    assert (results / "paper.pdf").read_bytes().startswith(b"%PDF")
    bias = pd.read_csv(results / "tables" / "shape_bias.csv")
    own = bias[bias["arm"] != "published"]
    assert set(zip(own["architecture"], own["arm"], strict=True)) >= {
        *(("resnet18", arm) for arm in ("plain", "stylized", "mixed", "fine-tuned")),
        *(("bagnet9", arm) for arm in ("plain", "stylized-from-scratch")),
    }
    assert len(own) == 7  # and the network that is measured as it is
    assert (own["n_conflict"] == 1200).all()  # the published stimuli, beside humans
    assert "humans" in set(bias["model"])
    # C begins with the weights that B ended with, A and B with those that were given.
    start = checkpoints.read(workflow.folder / "start.pt")["state"]
    for arm, expected in (
        ("stylized", start),
        ("mixed", start),
        ("fine-tuned", ended(results, "mixed")),
    ):
        begun = ended(results, arm, "epoch-000")
        assert all(torch.equal(begun[name], expected[name]) for name in expected), arm
        assert not torch.equal(ended(results, arm)["fc.weight"], begun["fc.weight"]), arm
    masks = pd.read_csv(results / "tables" / "segmentation.csv")
    assert {"binary", "semantic"} <= set(masks["target"])
    assert (pd.read_csv(results / "tables" / "corruptions.csv")["arm"] == "plain").any()
    manifest = pd.read_csv(results / "data" / "base" / "train-stylized.manifest.csv")
    assert len(manifest) == 16 * 12
    whole = np.load(results / "data" / "base" / "train-whole.images.npy")
    assert whole.shape == (16 * 12, 60, 60, 3)
    log = workflow.folder / "logs" / "imagenet-smoke" / "train" / "resnet18--mixed" / "seed-0.log"
    assert '"epoch": 1' in log.read_text(encoding="utf-8")


def write_start(path: Path, classes: list[str]) -> None:
    """Weights that a training can begin with, in place of ImageNet's."""
    checkpoints.write(
        path, trainable.build("resnet18", len(classes), seed=5), architecture="resnet18", classes=classes,
        image_size=48, training={}, seed=5, epoch=0, step=0,
    )  # fmt: skip


def ended(results: Path, arm: str, name: str = "final") -> dict[str, torch.Tensor]:
    return checkpoints.read(results / f"resnet18--{arm}" / "seed-0" / "checkpoints" / f"{name}.pt")[
        "state"
    ]


def test_the_papers_scale_is_planned_from_an_imagenet_like_folder(tmp_path: Path) -> None:
    workflow = copy_workflow(tmp_path / "project")
    draw_all_that_the_papers_need(workflow.folder)
    planned = jobs(workflow.snakemake("-n", "--configfile", "experiments/imagenet.yaml").stdout)
    assert planned["train"] == 10  # ResNet-50 plain, A, B, C; three BagNets twice
    assert planned["stylize"] == 3 * 128
    assert planned["segmentation"] > 10
    assert planned["benchmark"] == planned["photographs"] == 1
    bad = overlay(workflow, {"arms": {"fine-tuned": {"training": {"initial": "arm:mixd"}}}})
    done = workflow.snakemake("-n", "--configfile", "experiments/imagenet.yaml", bad, check=False)
    assert done.returncode != 0
    assert "arms.fine-tuned.training.initial: 'arm:mixd'" in done.stdout + done.stderr
