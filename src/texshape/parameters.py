"""Parameters: read, overlay, and check against the schema in ``schemas/params.schema.yaml``.

The schema describes every key. A key that it does not know is an error that names the nearest valid one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import reduce
from pathlib import Path
from typing import Any

import yaml

from texshape.errors import InputError, nearest, nearest_path

_JSON_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"')


class _Loader(yaml.SafeLoader):
    """Safe YAML in which a repeated key is an error and ``4e-3`` is a number, as in YAML 1.2."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    problem=f"key '{key}' is given twice", problem_mark=key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


def read_yaml(path: str | Path) -> dict[str, Any]:
    """Read one YAML file that holds a mapping; tags that name Python objects are refused.

    Raises
    ------
    InputError
        If the file is missing or is not such a file; the line is named.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        hint = nearest_path(path) if isinstance(error, FileNotFoundError) else ""
        raise InputError(f"{path}: cannot be read ({reason.lower()}){hint}") from None
    try:
        value = yaml.load(text, Loader=_Loader)  # a SafeLoader: builds no objects
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else "?"
        raise InputError(f"{path}, line {line}: not valid YAML ({error.problem})") from None
    except Exception as error:  # a tag that does not fit its value, a character outside YAML
        raise InputError(f"{path}: not valid YAML ({error})") from None
    if not isinstance(value, dict):
        raise InputError(f"{path}: expected a mapping of keys, found {_describe(value)}")
    return value


def overlay(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Lay one mapping over another: mappings merge key by key, all else is replaced."""
    merged = dict(base)
    for key, value in over.items():
        if isinstance(value, Mapping) and isinstance(merged.get(key), Mapping):
            merged[key] = overlay(merged[key], value)
        else:
            merged[key] = value
    return merged


def read(paths: Iterable[str | Path], schema_path: str | Path) -> dict[str, Any]:
    """Read parameters and their overlays, in order, and check the result."""
    merged = reduce(overlay, [read_yaml(path) for path in paths], {})
    check(merged, schema_path)
    return merged


def check(parameters: Mapping[str, Any], schema_path: str | Path) -> None:
    """Check parameters against the schema, then what a schema cannot say.

    Raises
    ------
    InputError
        Names the first offending key by its path (``training.epochs``), its value and what was expected.
    """
    import jsonschema

    schema = read_yaml(schema_path)
    validator = jsonschema.Draft202012Validator(schema)
    errors = sorted(
        validator.iter_errors(parameters), key=lambda error: (len(error.path), str(error.path))
    )
    if errors:
        raise InputError(_explain(errors[0], schema))
    _check_references(parameters)


def _check_references(parameters: Mapping[str, Any]) -> None:
    """Names that one section uses and another defines."""
    arms, variants = parameters["arms"], parameters["data"]["variants"]
    for name, arm in arms.items():
        variant = arm.get("variant", "base")
        if variant not in variants:
            raise InputError(
                f"arms.{name}.variant: no variant '{variant}' in data.variants{nearest(variant, variants)}"
            )
        made = [key for key, entry in parameters["stylizations"].items() if entry is not None]
        known = ["plain", "stylized", "unpaired", *made]
        for images in arm["sets"]:
            if images not in known:
                raise InputError(
                    f"arms.{name}.sets: no set '{images}', neither drawn nor in stylizations"
                    f"{nearest(images, known)}"
                )
        for key in {"epochs", "checkpoint_epochs"} & set(arm.get("training", {})):
            raise InputError(
                f"arms.{name}.training.{key}: all arms are compared at the same epochs; set training.{key}"
            )
    for number, entry in enumerate(parameters["trained"]):
        for arm in entry["arms"]:
            if arm not in arms:
                raise InputError(
                    f"trained[{number}].arms: no arm '{arm}' in arms{nearest(arm, arms)}"
                )
            if "unpaired" in arms[arm]["sets"] and parameters["data"]["kind"] != "procedural":
                raise InputError(
                    f"trained[{number}].arms: '{arm}' trains on the set unpaired, which only the "
                    f"renderer draws (data.kind: procedural), found {parameters['data']['kind']}"
                )
    data = parameters["data"]
    if data["kind"].startswith("folder") and not (data.get("folder") or {}).get("source"):
        raise InputError(
            "data.folder.source: missing; expected a folder of class folders, or the name of a data set"
        )
    _check_initial(parameters)


def measured_epochs(training: Mapping[str, Any]) -> list[int]:
    """Epochs of a training that are measured: start, end, and ``checkpoint_epochs`` between them."""
    last = training["epochs"]
    return sorted({0, last, *(epoch for epoch in training["checkpoint_epochs"] if epoch < last)})


def _check_initial(parameters: Mapping[str, Any]) -> None:
    """A training that starts from another arm's network needs that network, of the same seed."""
    pairs = {
        (entry["architecture"], arm, seed)
        for entry in parameters["trained"]
        for arm in entry["arms"]
        for seed in entry["seeds"]
    }
    for architecture, arm, seed in sorted(pairs):
        own = parameters["arms"][arm].get("training", {})
        initial = own.get("initial", parameters["training"].get("initial"))
        if not initial or not initial.startswith("arm:"):
            continue
        other = initial.removeprefix("arm:")
        if other == arm or (architecture, other, seed) not in pairs:
            raise InputError(
                f"arms.{arm}.training.initial: '{initial}', but {architecture} is not trained on "
                f"the arm '{other}' with seed {seed}"
            )


def _explain(error: Any, schema: Mapping[str, Any]) -> str:
    where = _path(error.absolute_path)
    if error.validator == "additionalProperties" and isinstance(error.instance, Mapping):
        known = error.schema.get("properties", {})
        unknown = [key for key in error.instance if key not in known]
        name = ".".join(part for part in (where, str(unknown[0])) if part)
        return f"unknown parameter '{name}'{nearest(unknown[0], known)}"
    if error.validator == "propertyNames":
        return f"{where}: '{error.instance}' is no valid name ({error.schema.get('pattern', '')})"
    if error.validator == "required":
        missing = next(key for key in error.validator_value if key not in error.instance)
        return f"parameter '{'.'.join(filter(None, (where, missing)))}' is missing"
    found = json.dumps(error.instance, ensure_ascii=False, default=str)
    found = found if len(found) <= 80 else found[:77] + "..."
    if error.validator == "enum":
        hint = nearest(str(error.instance), map(str, error.validator_value))
        return f"{where}: {found} is not allowed{hint}"
    if error.validator == "type":
        expected = error.validator_value
        expected = " or ".join(expected) if isinstance(expected, list) else expected
        return f"{where}: expected {expected}, found {found}"
    return f"{where}: {error.message if len(error.message) < 200 else error.message[:197] + '...'}"


def _path(parts: Iterable[Any]) -> str:
    text = ""
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _describe(value: Any) -> str:
    return "nothing" if value is None else f"{type(value).__name__} {str(value)[:40]!r}"


def to_json(value: Any) -> str:
    """One section of the parameters as it travels on a command line: sorted, so that it is a stable key.

    Braces within a text are written by their numbers: Snakemake would take ``{x}`` in a parameter for
    a wildcard.
    """
    text = json.dumps(value, sort_keys=True)
    return _JSON_TEXT.sub(
        lambda part: part[0].replace("{", "\\u007b").replace("}", "\\u007d"), text
    )


def check_keys(given: Iterable[str], known: Iterable[str], section: str = "") -> None:
    """Insist that every key of a section is known.

    Raises
    ------
    InputError
        Names the first that is not, and the nearest valid ones.
    """
    known = list(known)
    for key in given:
        if key not in known:
            name = f"{section}.{key}" if section else str(key)
            raise InputError(f"unknown parameter '{name}'{nearest(str(key), known)}")


def fill(given: Mapping[str, Any], defaults: Mapping[str, Any], section: str) -> dict[str, Any]:
    """Lay a section over its defaults; a value must be of its default's kind.

    Where the default is None, or a collection, any value is taken here and checked where it is used.

    Raises
    ------
    InputError
        If a key is unknown or a value of another kind.
    """
    check_keys(given, defaults, section)
    for key, value in given.items():
        kind, found = _kind(defaults[key]), _kind(value)
        fits = kind in (None, found) or (kind, found) == ("a number", "a whole number")
        if not fits:
            raise InputError(f"{section}.{key}: expected {kind}, found {value!r}")
    return {**defaults, **given}


def _kind(value: Any) -> str | None:
    kinds = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
    return kinds.get(type(value))


def bootstrap(given: Mapping[str, Any]) -> dict[str, Any]:
    """The section ``bootstrap``, with its defaults and checked.

    Raises
    ------
    InputError
        If a key is unknown or a value of another kind or out of range.
    """
    section = fill(given, {"resamples": 10_000, "level": 0.95}, "bootstrap")
    if section["resamples"] < 1:
        raise InputError(f"bootstrap.resamples: expected at least 1, found {section['resamples']}")
    if not 0 < section["level"] < 1:
        raise InputError(
            f"bootstrap.level: expected a number between 0 and 1, found {section['level']}"
        )
    return section


def from_json(text: str, option: str = "--settings") -> dict[str, Any]:
    """Read what `to_json` wrote.

    Raises
    ------
    InputError
        If the text is not a JSON object.
    """
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"{option}: not JSON ({error.msg} at character {error.pos})") from None
    if not isinstance(value, dict):
        raise InputError(f"{option}: expected a JSON object, found {_describe(value)}")
    return value
