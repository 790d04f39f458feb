"""Parameters: overlays, and errors that name the key and the nearest valid one."""

from __future__ import annotations

import json
import re
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
        ({"arms": {"plain": {"training": {"epochs": 3}}}}, "arms.plain.training.epochs: all arms"),
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


@pytest.mark.parametrize(
    ("epochs", "kept", "measured"),
    [
        (10, [0, 1, 3, 10], [0, 1, 3, 10]),
        (20, [0, 1, 3, 10], [0, 1, 3, 10, 20]),  # the end is measured, named or not
        (2, [0, 1, 3, 10], [0, 1, 2]),  # nothing beyond the end
        (5, [], [0, 5]),
        (1, [9], [0, 1]),
    ],
)
def test_the_last_measured_epoch_is_the_end(epochs: int, kept: list, measured: list) -> None:
    given = {"epochs": epochs, "checkpoint_epochs": kept}
    assert parameters.measured_epochs(given) == measured


def test_no_list_of_keys_in_the_rules_swallows_a_parameter() -> None:
    """Where rules hand over named keys of a section, all together they name every key of the schema."""
    root = Path(__file__).parents[2]
    schema = parameters.read_yaml(root / "schemas" / "params.schema.yaml")
    text = "\n".join(path.read_text() for path in sorted((root / "rules").glob("*.smk")))
    calls = re.findall(r"corruption_settings\(([^)]*)\)", text)
    named = {key for call in calls for key in re.findall(r'"(\w+)"', call)}
    named |= set(re.findall(r'config\["corruptions"\]\["(\w+)"\]', text))  # what is run, not how
    assert named == set(schema["properties"]["corruptions"]["properties"])
    calls = re.findall(r"[^_]stylize_settings\(\s*STYLIZATIONS[^,]*,([^)]*)\)", text)
    named = {key for call in calls for key in re.findall(r'"(\w+)"', call)}
    engines = {
        "engine",
        "alpha",
        "styles_per_image",
        "batch_size",
        "decoder_sha256",
        "optimisation",
    }
    assert named | engines >= set(schema["$defs"]["stylize"]["properties"])


def test_unpaired_pictures_are_trained_on_only_where_they_can_be_drawn(tmp_path: Path) -> None:
    over = tmp_path / "over.yaml"
    over.write_text(
        "experiment: x\ndata: { kind: folder, folder: { source: cifar10 } }\n"
        "trained: [{ architecture: cnn, arms: [textures-named], seeds: [0] }]\n"
    )
    with pytest.raises(InputError, match=r"trained\[0\].arms: 'textures-named' trains on the set"):
        parameters.read([ROOT / "params.yaml", over], SCHEMA)


def test_defaults_of_a_step_are_those_of_the_parameters() -> None:
    from texshape.cli.receptive_field import FEATURE_SETTINGS, FIELD_SETTINGS
    from texshape.comparison.settings import ComparisonSettings
    from texshape.techniques.feature_visualization import optimise as features
    from texshape.techniques.readout.settings import (
        DimensionalitySettings,
        ErasureSettings,
        ReadoutSettings,
    )

    given = parameters.read_yaml(ROOT / "params.yaml")
    sections = {
        "readout": vars(ReadoutSettings()),
        "dimensionality": vars(DimensionalitySettings()),
        "erasure": vars(ErasureSettings()),
        "comparison": vars(ComparisonSettings()),
        "receptive_field": FIELD_SETTINGS,
        "feature_visualization": FEATURE_SETTINGS | vars(features.Settings()),
        "bootstrap": parameters.bootstrap({}),
    }
    schema = parameters.read_yaml(SCHEMA)["properties"]
    for name, defaults in sections.items():
        plain = json.loads(json.dumps(defaults))  # tuples as lists
        assert {key: plain[key] for key in given[name] if key in plain} == given[name], name
        assert set(given[name]) == set(schema[name]["properties"]), name


def both_bound(build, given: dict, section: str, key: str, *, fits: int, breaks: int) -> None:
    """The code's check and the schema take one value and refuse the other, naming the key."""
    for check in (build, lambda changed: parameters.check(given | {section: changed}, SCHEMA)):
        check(given[section] | {key: fits})
        with pytest.raises(InputError, match=f"{section}.{key}"):
            check(given[section] | {key: breaks})


@pytest.mark.parametrize(
    ("key", "least"), [("folds", 2), ("inner_folds", 2), ("permutations", 0), ("fold_draws", 0)]
)
def test_bounds_of_the_schema_are_those_of_the_settings(key: str, least: int) -> None:
    from texshape.techniques.readout.settings import ReadoutSettings, build

    given = parameters.read([ROOT / "params.yaml"], SCHEMA)
    both_bound(
        lambda section: build(ReadoutSettings, section, "readout"),
        given, "readout", key, fits=least, breaks=least - 1,
    )  # fmt: skip


@pytest.mark.parametrize(("key", "most"), [("image_size", 512), ("supersampling", 4)])
def test_bounds_of_the_schema_are_those_of_the_renderer(key: str, most: int) -> None:
    from texshape.data import procedural

    given = parameters.read([ROOT / "params.yaml"], SCHEMA)
    both_bound(procedural.parse_settings, given, "data", key, fits=most, breaks=most + 1)
