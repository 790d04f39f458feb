"""Parameters: overlays, and errors that name the key and the nearest valid one."""

from __future__ import annotations

import json
import re
from functools import reduce
from pathlib import Path

import jsonschema
import pytest
from pydantic import Field
from scripts import write_parameters

from texshape import parameters
from texshape.config import whole
from texshape.config.base import Count, Section
from texshape.config.data import CLASS_COUNT, DataSettings, DrawnSettings
from texshape.config.evaluation import EvaluationSettings, Presentation
from texshape.config.stylize import ByAdaIN, ByOptimisation, DecoderTraining, StylePreparation
from texshape.data.outlines import CLASSES
from texshape.errors import InputError
from texshape.experiment.plan import Plan
from texshape.techniques import registry
from texshape.techniques.corruptions.settings import CorruptedImages, CorruptionErrors
from texshape.techniques.cue_strength.settings import CueStrengthSettings
from texshape.techniques.shuffling.settings import ShufflingSettings

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def defaults() -> dict:
    return whole.read([ROOT / "params.yaml"])


@pytest.mark.parametrize(
    "name", sorted(path.name for path in (ROOT / "experiments").glob("*.yaml"))
)
def test_every_experiment_is_valid_and_has_a_name_of_its_own(name: str, defaults: dict) -> None:
    merged = whole.read([ROOT / "params.yaml", ROOT / "experiments" / name])
    assert merged["experiment"] != defaults["experiment"]


def test_a_technique_that_is_named_may_have_its_section(tmp_path: Path) -> None:
    """By the command, by the editor's schemas, and on the reference page."""
    over = tmp_path / "over.yaml"
    over.write_text("techniques: [top_k]\ntop_k: {shares: [0.1]}\n", encoding="utf-8")
    merged = whole.read([ROOT / "params.yaml", over])
    assert merged["top_k"] == {"shares": [0.1]}
    assert editor("params").is_valid(merged)
    assert editor("experiment").is_valid(parameters.read_yaml(over))
    for wrong in ({"shares": [2]}, {"share": [0.1]}):
        values = {"techniques": ["top_k"], "top_k": wrong}
        assert not editor("experiment").is_valid(values)
        over.write_text(json.dumps(values), encoding="utf-8")
        with pytest.raises(InputError, match=r"share"):
            whole.read([ROOT / "params.yaml", over])
    # What an overlay no longer names may keep its section: unused, but no section of any name or value.
    over.write_text("techniques: []\ntop_k: {shares: [0.1]}\n", encoding="utf-8")
    merged = whole.read([ROOT / "params.yaml", over])
    assert Plan(merged).foreign == []
    for wrong, says in (("top_k: {shares: [2]}", "top_k.shares"), ("top_kk: {}", "'top_kk'")):
        over.write_text(f"techniques: []\n{wrong}\n", encoding="utf-8")
        with pytest.raises(InputError, match=says):
            whole.read([ROOT / "params.yaml", over])
    page = (ROOT / "docs" / "reference" / "parameters.md").read_text(encoding="utf-8")
    for name in registry.OPTIONAL:
        assert f"\n## {name}\n" in page or not registry.get(name).settings


def sections() -> dict[str, type[Section]]:
    """The model of every section, and of the mappings in them, by its place."""
    found = {}

    def visit(model: type[Section], place: str) -> None:
        found[place] = model
        for name, field in model.model_fields.items():
            if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
                visit(field.annotation, f"{place}.{name}".strip("."))

    visit(whole.model(), "")
    return found


def test_every_key_has_a_description() -> None:
    keys = [(p, n, f) for p, m in sections().items() for n, f in m.model_fields.items()]
    assert len(keys) > 150
    assert [f"{place}.{name}" for place, name, field in keys if not field.description] == []


def test_overlay_merges_mappings_and_replaces_the_rest() -> None:
    merged = parameters.overlay({"a": {"b": 1, "c": [1, 2]}, "d": 3}, {"a": {"c": [5]}, "e": 6})
    assert merged == {"a": {"b": 1, "c": [5]}, "d": 3, "e": 6}


@pytest.mark.parametrize(
    ("over", "message"),
    [
        ({"trainin": {}}, "unknown parameter 'trainin'; did you mean 'training'"),
        ({"training": {"epoch": 3}}, "unknown parameter 'training.epoch'; did you mean 'epochs'"),
        (
            {"training": {"epochs": "ten"}},
            'training.epochs: expected a whole number of at least 1, found "ten"',
        ),
        ({"arms": {"plain": {"training": {"epochs": 3}}}}, "arms.plain.training.epochs: all arms"),
        ({"data": {"kind": "procedual"}}, "did you mean 'procedural'"),
        ({"data": {"outline": {"half_size": [0.3]}}}, "data.outline.half_size"),
        ({"arms": {"plain": {"sets": ["plane"]}}}, "arms.plain.sets: no set 'plane'"),
        ({"arms": {"plain": {"sets": ["plain"], "variant": "bse"}}}, "no variant 'bse'"),
        ({"arms": {"a b": {"sets": ["plain"]}}}, "a b"),
        ({"experiment": "../up"}, "experiment"),
        ({1: 2}, "parameters: expected keys that are texts, found 1"),
        ({"evaluation": {False: 2}}, "evaluation: expected keys that are texts, found false"),
        (
            {"training": {"weight_decay": "1e-4"}},
            'found "1e-4", a text to YAML, whose numbers have a point and a sign',
        ),
        (
            {"trained": [{"architecture": "cnn", "arms": ["plan"], "seeds": [0]}]},
            "no arm 'plan' in arms; did you mean 'plain'",
        ),
    ],
)
def test_bad_values_are_named(over: dict, message: str, defaults: dict) -> None:
    with pytest.raises(InputError) as caught:
        whole.check(parameters.overlay(defaults, over))
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


def test_unpaired_pictures_are_trained_on_only_where_they_can_be_drawn(tmp_path: Path) -> None:
    over = tmp_path / "over.yaml"
    over.write_text(
        "experiment: x\ndata: { kind: folder, folder: { source: cifar10 } }\n"
        "trained: [{ architecture: cnn, arms: [textures-named], seeds: [0] }]\n"
    )
    with pytest.raises(InputError, match=r"trained\[0\].arms: 'textures-named' trains on the set"):
        whole.read([ROOT / "params.yaml", over])


def test_schemas_and_reference_page_are_those_of_the_models() -> None:
    assert {
        str(path): text for path, text in write_parameters.files().items()
        if (ROOT / path).read_text(encoding="utf-8") != text
    } == {}, "run python scripts/write_parameters.py"  # fmt: skip


def editor(name: str) -> jsonschema.Draft202012Validator:
    schema = json.loads((ROOT / "schemas" / f"{name}.schema.json").read_text(encoding="utf-8"))
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("path", [Path("params.yaml"), *sorted(Path("experiments").glob("*.yaml"))])
def test_each_file_names_the_schema_that_it_follows(path: Path) -> None:
    first = (ROOT / path).read_text(encoding="utf-8").splitlines()[0]
    named = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first)[1]
    schema = (ROOT / path.parent / named).resolve()
    assert schema.parent == ROOT / "schemas"
    name = schema.name.removesuffix(".schema.json")
    assert name == ("params" if path.name == "params.yaml" else "experiment")
    assert list(editor(name).iter_errors(parameters.read_yaml(ROOT / path))) == []


@pytest.mark.parametrize(
    "over",
    [
        {"training": {"epochs": True}},
        {"training": {"epochs": "3"}},
        {"training": {"epochs": 0}},
        {"training": {"learning_rate": False}},
        {"training": {"channels_last": 1}},
        {"readout": {"folds": 1}},
        {"readout": {"penalties": []}},
        {"readout": {"inputs": ["pooled", "pooled"]}},
        {"segmentation": {"conv3_widths": [8]}},
        {"comparison": {"least_networks": 2}},
        {"arms": {"a b": {"sets": ["plain"]}}},
        {"arms": {"plain": {"training": {"lable": "shape"}}}},
        {"conflicts": {"made": {"contents": "renderer", "textures": "renderer", "shards": 0}}},
        {"stylize": {"images": {"format": "gif"}}},
        {"data": {"variants": {"wide": {"outline": {"warp": 0.5}}}}},
        {"trained": [{"architecture": "cnn", "arms": [], "seeds": [0]}]},
        {"networks": [3]},
    ],
)
def test_models_and_both_schemas_refuse_the_same(over: dict, defaults: dict) -> None:
    with pytest.raises(InputError):
        whole.check(parameters.overlay(defaults, over))
    assert not editor("params").is_valid(parameters.overlay(defaults, over))
    assert not editor("experiment").is_valid(over)


def test_a_key_has_one_value() -> None:
    """What `params.yaml` gives has no default in its model; of style transfer that has the papers' values."""
    given = parameters.read_yaml(ROOT / "params.yaml")
    twice = []
    for place, model in sections().items():
        values = reduce(
            lambda inner, key: (inner or {}).get(key), filter(None, place.split(".")), given
        )
        for name, field in model.model_fields.items():
            if (
                name in (values or {})
                and not field.is_required()
                and not place.startswith("stylize")
            ):
                twice.append(f"{place}.{name}")
    # A mapping or list of nothing, where a file has none.
    assert sorted(twice) == ["data.variants", "fitness.full", "fitness.limited"]


class Mine(Section):
    """A technique that another package brings."""

    place = "mine"

    size: Count = Field(description="How many.")


class Ready(Section):
    """The like, which needs no value."""

    size: Count = Field(2, description="How many.")


def test_a_section_of_another_package_is_checked_by_its_model(defaults: dict) -> None:
    of = whole.techniques() | {"mine": Mine, "ready": Ready}
    found = whole.check(defaults | {"mine": {"size": 3}}, of)
    assert (found.mine, found.ready) == (Mine(size=3), Ready(size=2))
    with pytest.raises(
        InputError, match=r"mine\.size: expected a whole number of at least 1, found 0"
    ):
        whole.check(defaults | {"mine": {"size": 0}}, of)
    with pytest.raises(InputError, match="parameter 'mine' is missing"):
        whole.check(defaults, of)
    with pytest.raises(InputError, match="unknown parameter 'mine'"):
        whole.check(defaults | {"mine": {"size": 3}})
    assert "mine" in whole.json_schema(of)["properties"]


PARTS = {
    "stylize": [StylePreparation, DecoderTraining, ByAdaIN, ByOptimisation],
    "evaluation": [Presentation, EvaluationSettings],
    "corruptions": [CorruptedImages, CorruptionErrors],
    "probes": [ShufflingSettings, CueStrengthSettings],
}
#: what says whether a step runs, not how
RUNS = {"corruptions": {"own_pictures"}}


@pytest.mark.parametrize("name", sorted(PARTS))
def test_each_key_of_a_shared_section_is_read_by_a_step(name: str, defaults: dict) -> None:
    section = getattr(whole.check(defaults), name)
    read = {key for part in PARTS[name] for key in section.part(part).dump()}
    assert read | RUNS.get(name, set()) == set(section.dump())


def test_an_engine_reads_nothing_of_the_other(defaults: dict) -> None:
    section = whole.check(defaults).stylize
    one, other = (
        section.replace(engine=engine).of_engine().dump() for engine in ("adain", "optimisation")
    )
    assert {"decoder", "content", "decoder_sha256"} == one.keys() - other.keys()
    assert {"optimisation"} == other.keys() - one.keys()
    assert not {"styles", "images"} & (one.keys() | other.keys())


@pytest.mark.parametrize("place", sorted(filter(None, sections())))
def test_a_section_survives_its_way_to_the_step(place: str, defaults: dict) -> None:
    section = reduce(getattr, place.split("."), whole.check(defaults))
    assert type(section).parse(parameters.from_json(section.to_json())) == section


def test_a_changed_set_does_not_reach_another() -> None:
    data = DataSettings.of().part(DrawnSettings)
    more = data.replace(train=2 * data.train, shape_exemplars=2 * data.shape_exemplars)
    assert data.for_set("base", "test-plain") == more.for_set("base", "test-plain")
    assert data.for_set("base", "train-plain") != more.for_set("base", "train-plain")
    assert data.for_set("base", "cue-conflict") != more.for_set("base", "cue-conflict")
    sizes = data.replace(train=2 * data.train)
    assert data.for_set("base", "cue-conflict-strength-0.5") == sizes.for_set(
        "base", "cue-conflict-strength-0.5"
    )


@pytest.mark.parametrize(("key", "most"), [("image_size", 512), ("supersampling", 4)])
def test_the_renderer_has_bounds_of_its_own(key: str, most: int, defaults: dict) -> None:
    whole.check(parameters.overlay(defaults, {"data": {key: most}}))
    with pytest.raises(InputError, match=f"data.{key}: expected a whole number"):
        whole.check(parameters.overlay(defaults, {"data": {key: most + 1}}))


def test_the_renderer_draws_as_many_classes_as_the_sizes_are_multiples_of() -> None:
    assert len(CLASSES) == CLASS_COUNT
