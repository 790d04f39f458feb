"""Parameters: overlays, and errors that name the key and the nearest valid one."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from texshape import parameters
from texshape.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = ROOT / "schemas" / "params.schema.yaml"


@pytest.fixture(scope="module")
def defaults() -> dict:
    return parameters.read([ROOT / "params.yaml"], SCHEMA)


@pytest.mark.parametrize(
    "name", sorted(path.name for path in (ROOT / "experiments").glob("*.yaml"))
)
def test_every_experiment_is_valid_and_has_a_name_of_its_own(name: str, defaults: dict) -> None:
    merged = parameters.read([ROOT / "params.yaml", ROOT / "experiments" / name], SCHEMA)
    assert merged["experiment"] != defaults["experiment"]


def test_every_key_of_the_schema_has_a_description() -> None:
    schema = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))
    undescribed = []

    def visit(properties: dict, where: str) -> None:
        for key, value in properties.items():
            target = value
            if "$ref" in value:
                target = schema["$defs"][value["$ref"].rsplit("/", 1)[1]] | value
            if "description" not in target:
                undescribed.append(f"{where}.{key}")
            visit(target.get("properties", {}), f"{where}.{key}")
            for inner in (target.get("items"), target.get("additionalProperties")):
                if isinstance(inner, dict):
                    visit(inner.get("properties", {}), f"{where}.{key}[]")

    visit(schema["properties"], "")
    assert undescribed == []


def test_overlay_merges_mappings_and_replaces_the_rest() -> None:
    merged = parameters.overlay({"a": {"b": 1, "c": [1, 2]}, "d": 3}, {"a": {"c": [5]}, "e": 6})
    assert merged == {"a": {"b": 1, "c": [5]}, "d": 3, "e": 6}


@pytest.mark.parametrize(
    ("over", "message"),
    [
        ({"trainin": {}}, "unknown parameter 'trainin'; did you mean 'training'"),
        ({"training": {"epoch": 3}}, "unknown parameter 'training.epoch'; did you mean 'epochs'"),
        ({"training": {"epochs": "ten"}}, 'training.epochs: expected integer, found "ten"'),
        ({"training": {"epochs": 1}}, "training.checkpoint_epochs: epoch"),
        ({"data": {"kind": "procedual"}}, "did you mean 'procedural'"),
        ({"data": {"outline": {"half_size": [0.3]}}}, "data.outline.half_size"),
        ({"arms": {"plain": {"sets": ["plane"]}}}, "arms.plain.sets: no set 'plane'"),
        ({"arms": {"plain": {"sets": ["plain"], "variant": "bse"}}}, "no variant 'bse'"),
        ({"arms": {"a b": {"sets": ["plain"]}}}, "a b"),
        ({"experiment": "../up"}, "experiment"),
        (
            {"trained": [{"architecture": "cnn", "arms": ["plan"], "seeds": [0]}]},
            "no arm 'plan' in arms; did you mean 'plain'",
        ),
    ],
)
def test_bad_values_are_named(over: dict, message: str, defaults: dict) -> None:
    with pytest.raises(InputError) as caught:
        parameters.check(parameters.overlay(defaults, over), SCHEMA)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\na: 2\n", "line 2: not valid YAML (key 'a' is given twice"),
        ("a: !!python/object/apply:os.system ['true']\n", "line 1: not valid YAML"),
        ("- 1\n", "expected a mapping"),
        ("a: [1\n", "not valid YAML"),
    ],
)
def test_bad_yaml_is_named_by_file_and_line(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        parameters.read_yaml(path)
    assert str(caught.value).startswith(str(path))
    assert message in str(caught.value)


def test_a_section_survives_the_command_line(defaults: dict) -> None:
    assert parameters.from_json(parameters.to_json(defaults["data"])) == defaults["data"]
    with pytest.raises(InputError, match="--settings: not JSON"):
        parameters.from_json("{'a': 1}")
