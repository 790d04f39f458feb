"""What a section of the parameters is: a frozen model whose faults are told in one line.

A key stands twice in all: its field here (type, bounds, meaning) and its value in ``params.yaml``. A field has
a default only where ``params.yaml`` need not give a value.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    ValidationError,
    create_model,
    model_serializer,
)
from pydantic_core import PydanticCustomError, core_schema

from texshape import parameters
from texshape.errors import InputError, nearest

T = TypeVar("T")
S = TypeVar("S", bound="Section")

# Links to the repository's own files: an installed package has copies of them.
DEFAULTS = Path(__file__).parent / "defaults"
_EXPONENT = re.compile(r"[-+]?[\d.]+e[-+]?\d+", re.IGNORECASE)

NAME = r"^[a-z0-9][a-z0-9._-]{0,63}$"
#: part of a path
Name = Annotated[str, Field(pattern=NAME)]
Text = Annotated[str, Field(min_length=1)]
#: a path: text, or what Python has for one
File = Annotated[
    str,
    BeforeValidator(lambda value: os.fspath(value) if isinstance(value, os.PathLike) else value),
]
Whole = Annotated[int, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
#: from 0 to 1
Share = Annotated[float, Field(ge=0, le=1)]
#: between 0 and 1, of an interval's coverage or of a test
Level = Annotated[float, Field(gt=0, lt=1)]
#: a list in YAML; one that is not empty
Values = Annotated[tuple[T, ...], Strict(False)]
Some = Annotated[tuple[T, ...], Strict(False), Field(min_length=1)]
#: smallest and largest
Pair = Annotated[tuple[T, T], Strict(False)]


class _Distinct:
    """Of a list: no value stands twice."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], Any]) -> Any:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, schema: Any, handler: Callable[[Any], Any]) -> Any:
        return {**handler(schema), "uniqueItems": True}

    @staticmethod
    def _check(values: tuple) -> tuple:
        twice = next((value for place, value in enumerate(values) if value in values[:place]), None)
        if twice is not None:
            raise fault("", f"{_json(twice)} stands twice")
        return values


#: a list in which no value stands twice: to be named after the bounds of its length
DISTINCT = _Distinct()
Distinct = Annotated[tuple[T, ...], Strict(False), DISTINCT]
#: the like, not empty
SomeDistinct = Annotated[tuple[T, ...], Strict(False), Field(min_length=1), DISTINCT]


def fault(key: str, text: str) -> PydanticCustomError:
    """What a model's own check raises: the key within the section (or none), and what is wrong."""
    return PydanticCustomError("fault", "{text}", {"key": key, "text": text})


class Section(BaseModel):
    """A section of the parameters, or a part of one.

    ``True`` is no number here, ``'3'`` no whole number, and a key that no field has is an error. A list of
    YAML becomes a tuple.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        defer_build=True,  # a step uses one of them, the workflow none but the whole
    )
    #: where it stands in the parameters; its errors begin with this
    place: ClassVar[str] = ""

    @classmethod
    def parse(cls, values: Any, place: str | None = None) -> Self:
        """Check values, all of which must be there.

        Parameters
        ----------
        values : mapping
        place : str, optional
            Where they stand in the parameters, for the message.

        Raises
        ------
        InputError
            Names the first offending key by its path (``training.epochs``), its value and what was expected.
        """
        place = cls.place if place is None else place
        if not isinstance(values, Mapping):
            raise InputError(
                f"{place or 'parameters'}: expected a section with keys, found {_json(values)}"
            )
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            raise InputError(_explain(error, cls, place)) from None

    @classmethod
    def of(cls, **changes: Any) -> Self:
        """The packaged parameters' values, some changed; parts of `params.yaml` that this model reads.

        Raises
        ------
        InputError
            As `parse`.
        """
        return cls.over(changes)

    @classmethod
    def over(cls, changes: Any) -> Self:
        """The packaged parameters' values with a mapping of changes over them; see `of`."""
        if isinstance(changes, Section):
            changes = changes.dump()
        if not isinstance(changes, Mapping):
            return cls.parse(changes)
        if cls.model_fields.keys() <= changes.keys():
            return cls.parse(changes)
        given = packaged()
        for key in filter(None, cls.place.split(".")):
            given = given.get(key) or {}
        base = {key: value for key, value in given.items() if key in cls.model_fields}
        return cls.parse(parameters.overlay(base, changes))

    @classmethod
    def read(cls, text: str, option: str = "--settings") -> Self:
        """What a step is given on the command line: JSON; a key that is left out has the packaged value.

        Raises
        ------
        InputError
            As `parse`; or if the text is not JSON.
        """
        return cls.over(parameters.from_json(text, option))

    def dump(self) -> dict[str, Any]:
        """Plain values, as JSON and YAML have them."""
        return self.model_dump(mode="json")

    def to_json(self) -> str:
        """As it travels on a command line (`texshape.parameters.to_json`)."""
        return parameters.to_json(self.dump())

    def replace(self, **changes: Any) -> Self:
        """A copy with some values changed, checked."""
        return self.parse(self.dump() | changes)

    def part(self, kind: type[S]) -> S:
        """The part of this section that a step reads: the fields of that model.

        Parameters
        ----------
        kind : type
            A model from which this one inherits.
        """
        return kind.parse({name: getattr(self, name) for name in kind.model_fields})


def changes(model: type[Section], name: str | None = None) -> type[Section]:
    """The model of what may be changed in a section: the same keys, none of which must be there.

    Checks over several keys are left to the section that results. `dump` has the given keys alone.
    """
    fields: dict[str, Any] = {}
    for key, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, Section):
            kind = changes(kind)
        whole = Annotated[kind, *field.metadata] if field.metadata else kind  # type: ignore[valid-type]
        # A factory leaves no default in the schema.
        fields[key] = (whole, Field(default_factory=lambda: None, description=field.description))
    made = create_model(name or f"{model.__name__}Changes", __base__=_Changes, **fields)
    made.__doc__ = model.__doc__
    return made


class _Changes(Section):
    @model_serializer(mode="plain")
    def _given(self) -> dict[str, Any]:
        given = [key for key in type(self).model_fields if key in self.model_fields_set]
        return {key: _plain(getattr(self, key)) for key in given}


def _plain(value: Any) -> Any:
    if isinstance(value, Section):
        return value.dump()
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


@cache
def packaged() -> dict[str, Any]:
    """The parameters of the embedded experiment, which are the defaults of every other one."""
    return parameters.read_yaml(DEFAULTS / "params.yaml")


# --- errors, in one line ------------------------------------------------------------------------------


def _explain(error: ValidationError, model: type[Section], place: str) -> str:
    errors = error.errors(include_url=False)
    # A list with a wrong item is said to be too short as well.
    within = {one["loc"][:length] for one in errors for length in range(len(one["loc"]))}
    errors = [one for one in errors if one["type"] != "too_short" or one["loc"] not in within]
    found = min(errors, key=_order)
    parts, kind = [*found["loc"]], found["type"]
    schema = model.model_json_schema()
    if kind == "missing" and isinstance(parts[-1], int):  # of a list that is too short
        parts.pop()
        kind, found["input"] = "too_short", found["input"]
    if kind == "invalid_key":  # YAML reads `no` and `1` as no texts
        where = _path(place, parts[:-1]) or "parameters"
        return f"{where}: expected keys that are texts, found {_json(found['input'])}"
    if parts and parts[-1] == "[key]":
        parts.pop()
        where = _path(place, parts[:-1])
        return f"{where}: {_json(parts[-1])} is no valid name ({NAME})"
    if kind == "extra_forbidden":
        known = _at(schema, parts[:-1]).get("properties", {})
        return f"unknown parameter '{_path(place, parts)}'{nearest(str(parts[-1]), known)}"
    where = _path(place, parts)
    if kind == "missing":
        return f"parameter '{where}' is missing"
    if kind == "fault":
        return f"{_path(where, [found['ctx']['key']] if found['ctx']['key'] else [])}: {found['ctx']['text']}"
    node = _at(schema, parts)
    text = f"{where}: expected {expected(node)}, found {_json(found['input'])}"
    if node.get("type") in ("integer", "number") and _EXPONENT.fullmatch(str(found["input"])):
        text += ", a text to YAML, whose numbers have a point and a sign: 1.0e-4, 1.0e+4"
    options = [str(option) for option in node.get("enum", ())]
    close = nearest(str(found["input"]), options) if options else ""
    return text + (close if "did you mean" in close else "")


def _order(error: Any) -> tuple:
    return len(error["loc"]), error["type"] != "extra_forbidden", str(error["loc"])


def _path(place: str, parts: Iterable[Any]) -> str:
    text = place
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _json(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else text[:77] + "..."


def _at(schema: Mapping[str, Any], parts: Iterable[Any]) -> dict[str, Any]:
    """The schema of a value by its path."""
    node = resolve(schema, schema)
    for part in parts:
        if isinstance(part, int):
            items = node.get("prefixItems") or []
            inner = items[part] if part < len(items) else node.get("items") or {}
        else:
            named = [
                *(node.get("patternProperties") or {}).values(),
                node.get("additionalProperties"),
            ]
            inner = (node.get("properties") or {}).get(part) or named[0]
        node = resolve(inner if isinstance(inner, Mapping) else {}, schema)
    return node


def resolve(node: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema without references, and with ``nullable`` in place of a choice of null."""
    node = dict(node)
    if "$ref" in node:
        target = schema["$defs"][node.pop("$ref").rsplit("/", 1)[1]]
        node = resolve(target, schema) | node
    options = node.get("anyOf")
    if options:
        others = [option for option in options if option != {"type": "null"}]
        if len(others) == 1:
            del node["anyOf"]
            node = resolve(others[0], schema) | node
            node["nullable"] = len(others) < len(options)
    return node


def expected(node: Mapping[str, Any]) -> str:
    """What a value must be, in words.

    Parameters
    ----------
    node : mapping
        Its schema, from `resolve`.
    """
    return _kind(node) + (" or null" if node.get("nullable") else "")


def _kind(node: Mapping[str, Any]) -> str:
    if "enum" in node or "const" in node:
        return " or ".join(map(str, node.get("enum", [node.get("const")])))
    kind = node.get("type")
    if kind in ("integer", "number"):
        step = f", a multiple of {node['multipleOf']}" if "multipleOf" in node else ""
        return ("a whole number" if kind == "integer" else "a number") + _range(node) + step
    if kind == "string":
        return f"a name ({node['pattern']})" if "pattern" in node else "a text"
    if kind == "boolean":
        return "true or false"
    if kind == "array":
        least, most = node.get("minItems"), node.get("maxItems")
        count = f" of {least}" if least == most and least else ""
        if not count and least:
            count = f" of at least {least}" if most is None else f" of {least} to {most}"
        return f"a list{count}"
    return "a section with keys"


def _range(node: Mapping[str, Any]) -> str:
    low, high = node.get("minimum"), node.get("maximum")
    above, below = node.get("exclusiveMinimum"), node.get("exclusiveMaximum")
    if low is not None and high is not None:
        return f" from {low:g} to {high:g}"
    if above is not None and below is not None:
        return f" between {above:g} and {below:g}"
    words = [
        f"of at least {low:g}" if low is not None else "",
        f"above {above:g}" if above is not None else "",
        f"of at most {high:g}" if high is not None else "",
        f"below {below:g}" if below is not None else "",
    ]
    return " " + " and ".join(filter(None, words)) if any(words) else ""


def one_line(text: str | None) -> str:
    """A docstring's first sentence or more: its first paragraph, in one line."""
    return " ".join(re.split(r"\n\s*\n", (text or "").strip())[0].split())
