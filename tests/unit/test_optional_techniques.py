"""The techniques that an experiment names run by the same command as the others."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import yaml
from tests import technique_steps
from tests.unit.test_every_step import NETWORKS, ROLES, call

from texshape.data.outlines import CLASSES
from texshape.errors import InputError
from texshape.files import read_csv
from texshape.techniques import registry

SECTIONS = {
    "evaluation": {"batch_size": 32},
    "triplets": {"resamples": 20},
    "frequency_channel": {"resamples": 20},
    "configural_shape": {"resamples": 20, "shares": [0.5]},
    "steering": {"resamples": 20, "doses": [-1, 2], "draws": 1},
    "top_k": {"resamples": 20, "shares": [0.25]},
    "attention_radius": {"resamples": 20, "radii": [0, 1, 9]},
}


@pytest.fixture(scope="module")
def here(tmp_path_factory, request):
    place = tmp_path_factory.mktemp("optional")
    with open(request.config.rootpath / "params.yaml", encoding="utf-8") as file:
        data = yaml.safe_load(file)["data"]
    data |= {"image_size": 32, "supersampling": 1, "train": 12, "validation": 12, "test": 72,
             "shape_exemplars": 2, "texture_exemplars": 2}  # fmt: skip
    names = ("cue-conflict", "test-plain", "silhouettes")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        call("render", "--settings", json.dumps(data), "--seed", 5, "--output-dir",
             place / "results/data/base", *(word for name in names for word in ("--set", name)))  # fmt: skip
        (place / "tiny_networks.py").write_text(NETWORKS.format(classes=tuple(CLASSES)), "utf-8")
        call("features", "--network", "python:tiny_networks:vit", "--set",
             "results/data/base/cue-conflict", "--output-dir",
             "results/vit--random/seed-0/features/epoch-001")  # fmt: skip
        yield place


def measured(name: str, network: str = "vit", **sections):
    technique = registry.get(name)
    roles = {role: ROLES[role] for role in technique.images}
    step, *rest = technique_steps.arguments(
        name, "results", SECTIONS | sections, run=f"{network}--random/seed-0",
        network=f"python:tiny_networks:{network}", roles=roles,
    )  # fmt: skip
    call(step, *rest)
    return {
        table.name: read_csv(f"results/{network}--random/seed-0/{table.name}.csv")
        for table in technique.tables
    }


def reason(name: str, network: str = "vit") -> str:
    """Why the network was left out."""
    (row,) = read_csv(f"results/{network}--random/seed-0/left_out/{name}.csv").to_dict("records")
    return row["reason"]


def test_choices_by_likeness_are_of_each_stage(here):
    table = measured("triplets")["triplets"]
    # From input to output: what is compared of a network is its last stage, and never the pixels.
    stages = list(dict.fromkeys(table["stage"]))
    assert stages[0] == "pixels"
    assert stages[-1].startswith("block02")
    assert "block01" in stages
    assert table["shape_share"].between(0, 1).all()
    assert set(table["n_anchors"]) == {24 * 11}
    assert len(table) == table["stage"].nunique() * 4


def test_noise_of_octaves_is_shown_to_the_network(here):
    found = measured("frequency_channel")
    channel = found["frequency_channel"].iloc[0]
    assert (channel["n"], channel["n_bands"], channel["n_noises"]) == (72, 4, 4)
    # Random weights recognise nothing: no value, and the reason.
    assert np.isnan(channel["bandwidth"])
    assert isinstance(channel["reason"], str)
    assert found["frequency_bands"]["n"].sum() < 72


def test_published_photographs_are_shown_in_place_of_plain_pictures(here, monkeypatch):
    """They come with their noises; a network of other classes is told so before anything is downloaded."""
    from texshape.data import critical_band, imageset

    plain = imageset.read("results/data/base/test-plain")
    conditions = pd.DataFrame({"picture": plain.labels["imagename"], "stratum": plain.labels["shape"],
                               "band": [0, 1, 2] * 24, "noise": [0.0, 0.1] * 36})  # fmt: skip
    monkeypatch.setattr(critical_band, "stimuli", lambda cache: (plain, conditions))
    chosen = {"frequency_channel": {"photographs": True, "resamples": 20}}
    assert len(measured("frequency_channel", **chosen)["frequency_channel"]) == 0
    assert "'airplane' is none of" in reason("frequency_channel")
    monkeypatch.setattr("texshape.techniques.frequency_channel.measure.CATEGORIES", CLASSES)
    row = measured("frequency_channel", **chosen)["frequency_channel"].iloc[0]
    assert (row["set"], row["n"], row["n_bands"]) == ("critical-band", 72, 3)
    some = chosen["frequency_channel"] | {"images": 24}
    part = measured("frequency_channel", frequency_channel=some)["frequency_bands"]
    # A third of 72, of each band and noise alike; half of them are under noise.
    assert part["n"].tolist() == [4, 4, 4]
    assert measured("frequency_channel")["frequency_channel"]["set"].tolist() == ["plain"]


def test_what_brings_its_own_pictures_needs_no_others(tmp_path):
    technique = registry.get("frequency_channel")
    assert technique.needs({}) == ("plain",)
    assert technique.needs({"frequency_channel": {"photographs": True}}) == ()
    assert registry.get("triplets").needs({}) == ("conflict",)


def test_parts_and_pieces_of_silhouettes_are_shown_to_the_network(here):
    table = measured("configural_shape")["configural_shape"].set_index("condition")
    assert list(table.index) == ["whole", "joined", "apart", "dots-50", "segments-50"]
    assert table.loc["dots-50", "n_exemplars"] == 72 >= table.loc["whole", "n_exemplars"] > 36
    assert table["accuracy"].between(0, 1).all()


def test_a_stage_is_steered_at_its_patches_and_at_its_class_token(here):
    tables = measured("steering")
    table, slopes = tables["steering"], tables["steering_slopes"]
    assert list(table["direction"]) == ["none"] + ["cues"] * 2 + ["others"] * 2 + ["random"] * 2
    assert set(table["stage"]) == {"block02"}
    assert (table["n_conflict"].iloc[0], table["n_agreeing"].iloc[0]) == (264, 24)
    assert table["decisions_changed"].iloc[0] == 0 < table["decisions_changed"].iloc[2]
    assert list(slopes["direction"]) == ["cues", "others", "random"]


def test_patches_of_the_middle_block_are_thinned(here):
    table = measured("top_k")["top_k"]
    assert list(table["kept"]) == ["all", "largest", "random", "largest", "random"]
    assert list(table["k"].dropna()) == [4, 4, 6, 6]  # of 4 x 4 patches, of 24 channels
    assert set(table["stage"]) == {"block02"}
    assert (table["decisions_changed"] == 0).all()  # after it the class token alone decides


def test_attention_of_a_transformer_is_kept_within_radii(here):
    table = measured("attention_radius")["attention_radius"]
    assert list(table["kept"]) == ["all"] + ["near"] * 3 + ["random"] * 3
    assert (set(table["n_modules"]), set(table["side"])) == ({2}, {4})
    assert list(table["pairs"][:4]) == [1, 1, (16 + 48) / 256, 1 / 16]
    assert table["decisions_changed"][1] == 0  # no two patches are 9 apart
    table = measured("attention_radius", "flat")["attention_radius"]
    assert list(table["reason"]) == ["it has no attention between patches"]


def test_published_animals_are_shown_in_place_of_the_silhouettes(here, monkeypatch):
    """Those that are at hand, by a parameter; the table says how many."""
    from texshape.data import imageset
    from texshape.models.decisions import between
    from texshape.techniques.configural_shape import animals, mirrored

    shown = mirrored.make(imageset.read("results/data/base/silhouettes"))[0]
    asked = []
    monkeypatch.setattr(animals, "stimuli", lambda cache, numbers: asked.append(numbers) or shown)
    chosen = {"configural_shape": {"animals": True, "resamples": 20, "exemplars": {"bear": [1, 3]}}}
    assert len(measured("configural_shape", **chosen)["configural_shape"]) == 0
    assert "the animals need the 1,000 classes of ImageNet" in reason("configural_shape", "vit")
    monkeypatch.setattr(animals, "deciding", lambda network, how: between(network, CLASSES, how))
    table = measured("configural_shape", **chosen)["configural_shape"]
    assert asked == [{"bear": (1, 3)}]
    assert list(table["condition"]) == ["whole", "joined", "apart"]
    assert set(table["set"]) == {"baker2022"}
    assert set(table["n_exemplars"]) == {shown.labels["shape_exemplar"].nunique()}
    chosen["configural_shape"]["exemplars"] = {"bare": [1]}
    with pytest.raises(InputError, match="exemplars: no animal 'bare'; did you mean 'bear'"):
        measured("configural_shape", **chosen)


def test_a_network_without_the_classes_is_told_why(here):
    assert len(measured("configural_shape", "unmapped")["configural_shape"]) == 0
    assert "class map" in reason("configural_shape", "unmapped")


@pytest.mark.parametrize(
    ("name", "section", "message"),
    [
        ("frequency_channel", {"noises": [0.1, 0.2]}, "expected 0, no noise"),
        ("configural_shape", {"shares": [0]}, "shares"),
        ("triplets", {"matches": ["picture"]}, "matches"),
        ("steering", {"doses": [0.5, 0]}, "doses: expected doses other than 0"),
        ("steering", {"stages": ["block03"]}, "'block03' does not exist"),
        ("top_k", {"shares": [0.5, 1.5]}, "shares"),
        ("attention_radius", {"radii": [-1]}, "radii"),
    ],
)
def test_bad_parameters_are_named(here, name, section, message):
    with pytest.raises(InputError, match=message):
        measured(name, **{name: section})


def test_a_survey_measures_by_what_its_parameters_name(tmp_path):
    from tests import survey_world as world

    from texshape.survey import parameters, stimuli, survey

    shown = stimuli.from_folder(world.write_stimuli(tmp_path))
    file = tmp_path / "named.yaml"
    file.write_text("techniques: [triplets]\ntriplets:\n  matches: [class]\n", encoding="utf-8")
    settings = parameters.read(file)
    named = {one.name for one in survey.possible_techniques(shown, settings["techniques"])}
    plain = {one.name for one in survey.possible_techniques(shown, parameters.read()["techniques"])}
    assert named - plain == {"triplets"}
    file.write_text("techniques: [triplets]\ntriplets: {matches: [picture]}\n", encoding="utf-8")
    with pytest.raises(InputError, match="matches"):
        parameters.read(file)
    file.write_text("techniques: [triplet]\n", encoding="utf-8")
    with pytest.raises(InputError, match="triplets"):
        parameters.read(file)


def test_checking_the_sections_of_techniques_loads_no_library():
    """The Snakefile does, whenever it is read."""
    code = (
        "import sys; from texshape.techniques import registry;"
        "registry.without_sections({'techniques': list(registry.OPTIONAL)});"
        "print(*{'numpy', 'pandas', 'scipy', 'torch'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("techniques: triplets", 'techniques: expected a list, found "triplets"'),
        ("techniques: null", "techniques: expected a list, found null"),
        ("techniques: [[triplets]]", "technique '['triplets']' is not known"),
        ("triplets: [class]", "triplets: expected a mapping of keys, found ['class']"),
        ("triplet: {matches: [class]}", "unknown parameter 'triplet'"),
    ],
)
def test_a_survey_says_what_is_wrong_with_the_techniques_that_are_named(tmp_path, text, says):
    from texshape.survey import parameters

    (tmp_path / "named.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        parameters.read(tmp_path / "named.yaml")
    assert says in str(caught.value)
