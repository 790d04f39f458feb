"""Files of parameters: read, laid over one another, written for a command line.

`texshape.config` has what the parameters are and checks them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from texshape.errors import InputError, nearest_path

_JSON_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"')


class _Loader(yaml.SafeLoader):
    """Safe YAML in which a repeated key is an error. As in Snakemake's, ``4e-3`` is a text."""

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


def measured_epochs(training: Mapping[str, Any]) -> list[int]:
    """Epochs of a training that are measured: start, end, and ``checkpoint_epochs`` between them."""
    last = training["epochs"]
    return sorted({0, last, *(epoch for epoch in training["checkpoint_epochs"] if epoch < last)})


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
