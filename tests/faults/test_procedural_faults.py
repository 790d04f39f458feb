"""Bad parameters of the procedural images: one line that names the key, and nothing written."""

from __future__ import annotations

import copy
import json
import os

import pytest
from typer.testing import CliRunner

from texshape.cli.data import run  # with the commands of this module
from texshape.data import procedural
from texshape.errors import InputError

SECTION = {
    "kind": "procedural",
    "image_size": 32,
    "supersampling": 2,
    "outline": {"half_size": [0.32, 0.46], "rotation": 0.5, "log_aspect": 0.12, "warp": 0.04},
    "texture": {"period": [6.0, 9.5], "orientation": 0.4},
    "colour": {"contrast": 0.4, "tint": 0.12, "noise": 0.03, "ground": 0.05},
    "flat_fill_share": 0.1,
    "train": 24,
    "validation": 12,
    "test": 12,
    "shape_exemplars": 2,
    "texture_exemplars": 2,
    "variants": {"base": {}},
}


def changed(key: str, value) -> dict:
    section = copy.deepcopy(SECTION)
    *path, last = key.split(".")
    part = section
    for name in path:
        part = part[name]
    part[last] = value
    return section


def invoke(section, *options: str):
    text = section if isinstance(section, str) else json.dumps(section)
    return CliRunner().invoke(run, ["render", "--settings", text, "--seed", "1", *options])


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("image_size", 16),
        ("image_size", 48.5),
        ("image_size", True),
        ("supersampling", 0),
        ("outline.half_size", [0.46, 0.32]),
        ("outline.half_size", [0.3, 0.6]),
        ("outline.half_size", 0.4),
        ("outline.rotation", -0.1),
        ("outline.log_aspect", "0.1"),
        ("outline.warp", 0.2),
        ("texture.period", [1.0, 9.5]),
        ("texture.period", [6.0, 20.0]),
        ("texture.period", [6.0, float("nan")]),
        ("texture.orientation", None),
        ("colour.contrast", 0.9),
        ("colour.tint", -1),
        ("colour.noise", 2),
        ("flat_fill_share", 1.5),
        ("train", 25),
        ("validation", 0),
        ("test", 12.0),
        ("shape_exemplars", 0),
        ("texture_exemplars", 3),
    ],
)
def test_a_value_out_of_range_is_named(key, value):
    with pytest.raises(InputError) as caught:
        procedural.parse_settings(changed(key, value))
    message = str(caught.value)
    assert f"data.{key}" in message
    assert "expected" in message
    assert "\n" not in message


@pytest.mark.parametrize("key", ["outline.half_size", "train", "colour", "texture_exemplars"])
def test_a_missing_key_is_named(key):
    section = copy.deepcopy(SECTION)
    *path, last = key.split(".")
    part = section
    for name in path:
        part = part[name]
    del part[last]
    with pytest.raises(InputError, match=rf"data\.{key}"):
        procedural.parse_settings(section)


def test_variants_that_do_not_exist_or_change_what_does_not_exist():
    with pytest.raises(InputError, match="no variant 'bas'; did you mean 'base'"):
        procedural.parse_settings(SECTION, "bas")
    typo = {"base": {}, "typo": {"texture": {"orientaton": 1.0}}}
    with pytest.raises(InputError, match=r"typo\.texture\.orientaton'; did you mean 'orientation'"):
        procedural.parse_settings(SECTION | {"variants": typo}, "typo")
    wide = {"base": {}, "wide": {"outline": {"warp": 0.5}}}
    with pytest.raises(InputError, match=r"data\.variants\.wide\.outline\.warp: .* found 0\.5"):
        procedural.parse_settings(SECTION | {"variants": wide}, "wide")


@pytest.mark.parametrize(
    ("section", "options", "words"),
    [
        (SECTION, ["--set", "train-plan"], "no set 'train-plan'; did you mean 'train-plain'"),
        (SECTION, ["--set", "cue-conflict-strength-3"], "texture strength: 3"),
        (SECTION, ["--texture-strength", "-0.5"], "texture strength: -0.5"),
        (SECTION, ["--texture-strength", "nan"], "texture strength: nan"),
        (SECTION, ["--variant", "bse"], "no variant 'bse'"),
        (SECTION, ["--workers", "0"], "workers: 0"),
        ("{", [], "settings: not JSON"),
        ("[1]", [], "--settings: expected a JSON object, found list"),
        (changed("image_size", 16), [], "data.image_size: expected a whole number from 32"),
    ],
)
def test_the_command_says_what_is_wrong_and_writes_nothing(tmp_path, section, options, words):
    result = invoke(section, "--output-dir", str(tmp_path / "sets"), *options)
    assert isinstance(result.exception, InputError)
    assert words in str(result.exception)
    assert not (tmp_path / "sets").exists()


def test_one_stem_for_several_sets_and_no_output_at_all(tmp_path):
    several = ["--set", "silhouettes", "--set", "textures", "--output", str(tmp_path / "x")]
    for options in ([], several):
        assert isinstance(invoke(SECTION, *options).exception, InputError)
    assert not list(tmp_path.iterdir())


def test_negative_seed(tmp_path):
    result = invoke(SECTION, "--seed", "-1", "--output-dir", str(tmp_path))
    assert isinstance(result.exception, InputError)
    assert "seed: -1" in str(result.exception)


def test_a_place_that_cannot_be_written(tmp_path):
    target = tmp_path / "file"
    target.write_text("in the way")
    result = invoke(SECTION, "--set", "silhouettes", "--output-dir", str(target))
    assert isinstance(result.exception, InputError)
    assert "cannot be written" in str(result.exception)
    assert target.read_text() == "in the way"


@pytest.mark.skipif(os.geteuid() == 0, reason="the administrator may write anywhere")
def test_a_read_only_folder(tmp_path):
    tmp_path.chmod(0o500)
    result = invoke(SECTION, "--set", "silhouettes", "--output-dir", str(tmp_path))
    tmp_path.chmod(0o700)
    assert isinstance(result.exception, InputError)
    assert "cannot be written" in str(result.exception)
    assert not list(tmp_path.iterdir())


def test_good_input_writes_whole_sets(tmp_path):
    result = invoke(
        SECTION, "--set", "textures", "--texture-strength", "0.25", "--output-dir", str(tmp_path)
    )
    assert result.exception is None
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {
        "textures.images.npy",
        "textures.labels.csv",
        "textures.masks.npy",
        "cue-conflict-strength-0.25.images.npy",
        "cue-conflict-strength-0.25.masks.npy",
        "cue-conflict-strength-0.25.labels.csv",
    }


def test_contact_sheet_of_a_set_that_does_not_exist(tmp_path):
    result = CliRunner().invoke(
        run,
        [
            "contact-sheet",
            *("--set", str(tmp_path / "none")),
            *("--output-stem", str(tmp_path / "sheet")),
        ],
    )
    assert isinstance(result.exception, InputError)
    assert "no such file" in str(result.exception)
    assert not list(tmp_path.iterdir())


def test_styles_that_are_classes_or_too_few():
    settings = procedural.parse_settings(SECTION)
    labels = procedural.render(settings, 0, "validation-plain").labels
    with pytest.raises(InputError, match="style 'disc' is also a class"):
        procedural.restyled_labels(labels, [("disc", 1)] * 12, "x")
    with pytest.raises(InputError, match="3 styles for 12 images"):
        procedural.restyled_labels(labels, [("wood", 1)] * 3, "x")
