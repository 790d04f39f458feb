"""Pictures of the 17 data sets that humans saw: known answers on a drawn folder of the published layout."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests import survey_world as world
from typer.testing import CliRunner

from texshape.data import imageset, model_vs_human
from texshape.errors import InputError
from texshape.files import read_csv
from texshape.survey import datasets, parameters, stimuli, survey
from texshape.techniques.human_consistency.humans import DATASETS, EXCLUDED
from texshape.trials import files as trial_files
from texshape.trials.imagenet16 import CATEGORIES

CLASSES = ("bear", "cat", "clock", "truck")
#: a network that names the brightest class's number by the grey level of the picture's corner
NETWORK = """
import torch
from torch import nn
from texshape.trials.imagenet16 import CATEGORIES


class Net(nn.Module):
    input_size, classes, mean, std = 224, tuple(CATEGORIES), 0.0, 1.0

    def forward(self, x):
        named = (x[:, 0, 0, 0] * 255 / 10).round().long()
        return torch.nn.functional.one_hot(named, 16).float()
"""
HEADER = "subj,session,trial,rt,object_response,category,condition,imagename\n"


def conditions(name: str) -> list[str]:
    """Two conditions, the first of which the benchmark leaves out; one where a set has none."""
    excluded = EXCLUDED[name]
    if excluded is None:
        return ["0"]
    return [excluded[0].lower(), "counted"]


class World:
    """Drawn pictures and published trials: of each picture what the network and two observers say is known."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pictures, self.trials = folder / "pictures", folder / "trials"
        self.right: dict[tuple[str, str], list[bool]] = {}
        for name in DATASETS:
            self.draw(name)

    def draw(self, name: str) -> None:
        session = model_vs_human.data_sets()[name].layout == model_vs_human.SESSIONS
        rows: dict[str, list[str]] = {"subject-01": [], "subject-02": [], "resnet50": []}
        number = 0
        for condition in conditions(name):
            for shown in CLASSES:
                for i in range(3):
                    number += 1
                    right = number % 3 > 0
                    said = shown if right else "oven"
                    self.right.setdefault((name, condition), []).append(right)
                    # Pictures in conflict are named by both of their cues.
                    conflict = "-oven1" if name == "cue-conflict" else ""
                    picture = (
                        f"n0{number:07d}_{i}.png" if session else f"{shown}{i + 1}{conflict}.png"
                    )
                    file = (
                        f"{number:04d}_x_dnn_{condition}_{shown}_10_{picture}"
                        if session
                        else picture
                    )
                    place = self.pictures / name / ("dnn/session-1" if session else shown) / file
                    place.parent.mkdir(parents=True, exist_ok=True)
                    shade = 10 * CATEGORIES.index(said)
                    Image.fromarray(np.full((224, 224, 3), shade, np.uint8)).save(place)
                    for subject, own in rows.items():
                        # the first observer errs where the network errs, the second never
                        answer = shown if subject == "subject-02" else said
                        prefix = f"{number:04d}_x_{subject[-2:]}_{condition}_{shown}_10_"
                        own.append(
                            f"{subject},1,{number},0.5,{answer},{shown},{condition},{prefix}{picture}\n"
                        )
        home = self.trials / "model-vs-human" / name
        home.mkdir(parents=True)
        for subject, own in rows.items():
            (home / f"{name}_{subject}_session_1.csv").write_text(HEADER + "".join(own))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("data-sets")
    (folder / "datasets_of_test.py").write_text(NETWORK, encoding="utf-8")
    return World(folder)


def shown_besides(made: World) -> stimuli.Stimuli:
    """Stimuli of a survey: cue conflict, edges and silhouettes of the same drawing."""
    sets = {}
    for name, dataset in (
        ("cue-conflict", "cue-conflict"),
        ("edges", "edge"),
        ("silhouettes", "silhouette"),
    ):
        images = model_vs_human.image_set(model_vs_human.read(dataset, made.pictures / dataset))
        names = [f"{one.partition('.')[0]}-na0.png" for one in images.labels["imagename"]]
        labels = images.labels.assign(imagename=names)
        if name == "cue-conflict":
            labels = images.labels.assign(texture="oven", texture_exemplar="oven1")
        sets[name] = imageset.ImageSet(images.images, labels)
    return stimuli.Stimuli("drawn", sets, "key", trials_folder=made.trials)


def test_a_network_is_scored_on_all_17_as_its_known_answers_say(
    made: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(made.folder)
    settings = parameters.read(world.write_settings(made.folder))
    places = datasets.bring(str(made.pictures), made.folder, made.trials)
    assert set(places.there) == set(datasets.OTHERS)
    assert len(places.there) == 14
    shown = stimuli.Stimuli(**{**vars(shown_besides(made)), "datasets": places})
    candidate = survey.by_name("python:datasets_of_test:Net", settings["evaluation"])
    result = survey.run([candidate], shown, settings, made.folder / "out", quick=True, report=False)
    assert result.failed == []
    assert datasets.TECHNIQUE not in set(result.reasons["technique"])
    slug = candidate.slug

    home = made.folder / "out" / slug / "seed-0" / "benchmark"
    for name in datasets.OTHERS:
        trials = trial_files.read(home / name / f"{name}_{slug}_session-1.csv")
        assert set(trials["subj"]) == {slug}
        assert set(trials["session"]) == {"1"}
        assert trials["trial"] == [str(i + 1) for i in range(len(trials))]
        right = [one for condition in conditions(name) for one in made.right[name, condition]]
        found = [a == b for a, b in zip(trials["object_response"], trials["category"], strict=True)]
        assert found == right
        assert trials["imagename"] == sorted(trials["imagename"])

    table = read_csv(made.folder / "out" / "tables" / "accuracy_by_condition.csv")
    own = table[table["model"] == slug].set_index(["datasets", "condition"])
    assert len(own) == 12 * 2 + 2
    for name in datasets.OTHERS:
        for condition in conditions(name):
            told = "all" if EXCLUDED[name] is None else datasets_condition(condition)
            row = own.loc[(name, told)]
            assert row["accuracy"] == np.mean(made.right[name, condition])
            assert row["n"] == 12
            assert row["ci_low"] < row["accuracy"] < row["ci_high"]
            assert row["counts"] == (EXCLUDED[name] is None or condition == "counted")
    humans = table[table["model"] == "humans"]
    assert np.allclose(humans["accuracy"], (8 / 12 + 1) / 2)

    # 8 of 12 right: with the observer who errs alike kappa is 1, with the one who never errs 0
    benchmark = read_csv(made.folder / "out" / "tables" / "benchmark.csv")
    row = benchmark[(benchmark["model"] == slug) & (benchmark["datasets"] == "all-17")].iloc[0]
    assert row["n_datasets"] == 17
    assert np.isclose(row["ood_accuracy"], 8 / 12)
    assert np.isclose(row["accuracy_difference"], ((1 / 3) ** 2 + 0) / 2)
    assert np.isclose(row["observed_consistency"], (1 + 8 / 12) / 2)
    assert np.isclose(row["error_consistency"], (1 + 0) / 2)
    by_dataset = read_csv(made.folder / "out" / "tables" / "benchmark_by_dataset.csv")
    assert set(by_dataset[by_dataset["model"] == slug]["datasets"]) == set(DATASETS)


def datasets_condition(text: str) -> str:
    from texshape.techniques.human_consistency.humans import condition_name

    return condition_name(text)


def test_where_pictures_are_lacking_the_reason_says_which(
    made: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One data set as an archive; nothing else can be had."""
    monkeypatch.chdir(made.folder)
    pack(made.pictures / "colour", tmp_path / "colour.tar.gz", "colour")
    settings = parameters.read(world.write_settings(tmp_path))
    places = datasets.bring(str(tmp_path), tmp_path, made.trials)
    assert list(places.there) == ["colour"]
    shown = stimuli.Stimuli(**{**vars(shown_besides(made)), "datasets": places})
    candidate = survey.by_name("python:datasets_of_test:Net", settings["evaluation"])
    result = survey.run([candidate], shown, settings, tmp_path / "out", quick=True, report=False)
    (reason,) = result.reasons[result.reasons["technique"] == datasets.TECHNIQUE]["reason"]
    assert "contrast, " in reason
    assert "colour" not in reason.replace("false-colour", "")
    benchmark = read_csv(tmp_path / "out" / "tables" / "benchmark.csv")
    own = benchmark[benchmark["model"] == candidate.slug]
    assert list(own["datasets"]) == ["cue-conflict+edge+silhouette"]
    by_dataset = read_csv(tmp_path / "out" / "tables" / "benchmark_by_dataset.csv")
    assert "colour" in set(by_dataset[by_dataset["model"] == candidate.slug]["datasets"])


def pack(folder: Path, archive: Path, top: str) -> None:
    with tarfile.open(archive, "w:gz") as packed:
        packed.add(folder, arcname=top)


def test_an_archive_holds_what_its_folder_holds(made: World, tmp_path: Path) -> None:
    for name in ("rotation", "edge"):
        pack(made.pictures / name, tmp_path / f"{name}.tar.gz", name)
        packed = model_vs_human.read(name, tmp_path / f"{name}.tar.gz")
        plain = model_vs_human.read(name, made.pictures / name)
        assert [(p.name, p.condition, p.category, p.content) for p in packed] == [
            (p.name, p.condition, p.category, p.content) for p in plain
        ]
    whole = (tmp_path / "edge.tar.gz").read_bytes()
    (tmp_path / "edge.tar.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="not a whole archive"):
        model_vs_human.read("edge", tmp_path / "edge.tar.gz")


def test_archives_come_by_the_one_download_function(
    made: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = "github.com/bethgelab/model-vs-human/releases/download/v0.1"
    mirror = tmp_path / "mirror"
    (mirror / address).mkdir(parents=True)
    pack(made.pictures / "sketch", mirror / address / "sketch.tar.gz", "sketch")
    monkeypatch.setenv("TEXSHAPE_MIRROR", str(mirror))
    found = datasets.bring("published", tmp_path / "cache", made.trials)
    assert list(found.there) == ["sketch"]
    assert set(found.lacking) == set(datasets.OTHERS) - {"sketch"}
    assert all("no such file in the mirror" in why for why in found.lacking.values())
    again = datasets.bring("published", tmp_path / "cache", made.trials)
    assert again.digests == found.digests
    assert len(found.digests["sketch"]) == 64


def colour(made: World) -> list[trial_files.Trials]:
    return [
        trial_files.read(path)
        for path in sorted((made.trials / "model-vs-human" / "colour").glob("*subject*.csv"))
    ]


def test_pictures_are_held_against_the_published_trials(made: World) -> None:
    from dataclasses import replace

    pictures = model_vs_human.read("colour", made.pictures / "colour")
    humans = colour(made)
    assert model_vs_human.check("colour", pictures, humans) == 0
    assert model_vs_human.check("colour", pictures[1:], humans) == 1
    for change, says in (
        ({"category": "oven"}, "is of the category 'bear'"),
        (
            {"condition": "other"},
            "was not shown to humans in the data set 'colour' in condition 'other'",
        ),
        ({"name": "0001_x_dnn_cr_bear_10_n09999999_1.png"}, "was not shown to humans"),
    ):
        with pytest.raises(InputError, match=says):
            model_vs_human.check("colour", [replace(pictures[0], **change), *pictures[1:]], humans)
    with pytest.raises(InputError, match="is there twice"):
        model_vs_human.check("colour", [pictures[0], *pictures], humans)


@pytest.mark.parametrize(
    ("file", "says"),
    [
        ("contrast/dnn/session-1/picture.png", "expected dnn/session-1/NUMBER"),
        ("contrast/0001_x_dnn_c50_bear_10_n01_1.png", "expected dnn/session-1/NUMBER"),
        ("contrast/dnn/session-1/0001_x_dnn_c50_bird's_10_n01_1.png", "none of the 16 categories"),
        ("contrast/notes.txt", "holds no picture of the data set 'contrast'"),
    ],
)
def test_a_folder_of_another_layout_is_one_line(tmp_path: Path, file: str, says: str) -> None:
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    picture = io.BytesIO()
    Image.new("RGB", (224, 224)).save(picture, "PNG")
    (tmp_path / file).write_bytes(picture.getvalue())
    with pytest.raises(InputError, match=says):
        model_vs_human.read("contrast", tmp_path / "contrast")


def test_pictures_of_another_size_are_one_line(tmp_path: Path) -> None:
    place = tmp_path / "edge" / "bear"
    place.mkdir(parents=True)
    Image.new("RGB", (64, 224)).save(place / "bear1.png")
    with pytest.raises(InputError, match="expected 224 x 224 px, found 64 x 224"):
        model_vs_human.image_set(model_vs_human.read("edge", tmp_path / "edge"))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--benchmark", "published", "--exemplars", "1"], "not with --exemplars"),
        (["--benchmark", "published", "--stimuli", "."], "not with --stimuli"),
        (["--benchmark", "nowhere", "--dry-run"], "nowhere: no such folder"),
        (["--benchmark", ".", "--dry-run"], "holds none of the data sets"),
    ],
)
def test_the_option_says_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], says: str
) -> None:
    from texshape.cli.measure import app

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TEXSHAPE_CACHE", str(tmp_path / "cache"))
    done = CliRunner().invoke(app, ["measure", "timm:test_vit", "--quick", *options])
    assert isinstance(done.exception, InputError)
    assert says in str(done.exception)


def test_the_list_agrees_with_the_published_trials(mirror: Path) -> None:
    """Numbers, conditions and layouts; names of pictures say what the trials say."""
    (raw,) = (mirror / "github" / "bethgelab" / "model-vs-human").glob("*/raw-data")
    assert set(model_vs_human.data_sets()) == set(DATASETS)
    for name, dataset in model_vs_human.data_sets().items():
        (path,) = (raw / name).glob("*_resnet50_*.csv")
        network = trial_files.read(path)
        assert len(network) == dataset.pictures
        humans = [trial_files.read(one) for one in sorted((raw / name).glob("*subject-*.csv"))]
        pictures = []
        for image, condition, category in zip(
            network["imagename"], network["condition"], network["category"], strict=True
        ):
            if dataset.layout == model_vs_human.SESSIONS:
                assert image.split("_")[3:5] == [condition, category]
            pictures.append(model_vs_human.Picture(image, image, condition, category, b""))
        assert model_vs_human.check(name, pictures, humans) == 0
