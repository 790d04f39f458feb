"""Network cards: a YAML file that says of a network what its name cannot; free of torch.

    network: onnx:mobilenet.onnx        # any name; a file is looked for beside the card, then from here
    input: {size: 224, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5]}    # of pixels in 0..1, RGB
    outputs: imagenet-with-background
    stages: [conv_5, conv_9]

All but ``network`` may be left out; then it is as the network says itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from texshape.config.base import Count, Section, Share, Text
from texshape.errors import InputError, nearest
from texshape.models import names
from texshape.models.families.base import ModelName
from texshape.models.families.registry import families
from texshape.parameters import read_yaml

#: what `outputs` may say by a word
KINDS = ("imagenet", "imagenet-with-background", "imagenet-21k", "none")
_STAGE = r"[A-Za-z0-9._-]{1,64}"


def _for_three(value: Any) -> Any:
    """One number stands for all channels."""
    return (value,) * 3 if isinstance(value, int | float) else value


Scale = Annotated[float, Field(gt=0, le=1)]
Means = Annotated[tuple[Share, Share, Share], Field(strict=False), BeforeValidator(_for_three)]
Scales = Annotated[tuple[Scale, Scale, Scale], Field(strict=False), BeforeValidator(_for_three)]


class Input(Section):
    """How a network wants its pictures."""

    size: Count | None = Field(None, description="Side of the input in px.")
    mean: Means | None = Field(None, description="Of pixels in 0 to 1, RGB.")
    std: Scales | None = Field(None, description="Of pixels in 0 to 1, RGB.")
    channels: Literal["rgb", "bgr"] = Field(
        "rgb", description="Order in which the network takes the channels."
    )


class _Content(Section):
    """What may stand in a card."""

    network: Text = Field(description="A name of a network.")
    input: Input = Field(Input(), description="How it wants its pictures.")
    outputs: Any = Field(None, description="What its outputs mean.")
    stages: Any = Field(None, description="Submodules to look into.")


@dataclass(frozen=True)
class Card:
    """A card that was read.

    Attributes
    ----------
    path : Path
    network : ModelName
        Whose local files lie where they were found.
    input : Input
    outputs : str
        One of `KINDS`, or ``""`` where the card says nothing or one of the next two is given.
    class_map : dict, path or None
        Classes to outputs, as a file of class maps has them; or such a file.
    wordnet : Path or None
        A text file with the WordNet id of each output, one a line.
    stages : dict of str to str
        Names to submodules (or to stages that are found without a card).
    """

    path: Path
    network: ModelName
    input: Input = field(default_factory=Input)
    outputs: str = ""
    class_map: dict[str, Any] | Path | None = None
    wordnet: Path | None = None
    stages: Mapping[str, str] = field(default_factory=dict)


def read(path: str | Path) -> Card:
    """Read a card.

    Raises
    ------
    InputError
        If it is missing or no YAML, has an unknown key (the nearest is named), a value that cannot be, or names
        another card.
    """
    path = Path(path)
    content = read_yaml(path)
    try:
        given = _Content.parse(content)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    try:
        network = names.parse(given.network)
    except InputError as error:
        raise InputError(f"{path}: network: {error}") from None
    if network.source == "card":
        raise InputError(f"{path}: network: '{given.network}' is a card; expected a network's name")
    if network.readout:
        raise InputError(
            f"{path}: network: '{given.network}': decisions by a read-out are asked for before the card's own "
            f"name, {names.READOUT}:{path}"
        )
    if names.is_asked(network):
        raise InputError(
            f"{path}: network: '{given.network}' gives answers only, so no card applies; give its own name"
        )
    if (given.input.mean is None) != (given.input.std is None):
        there, lacking = ("mean", "std") if given.input.std is None else ("std", "mean")
        raise InputError(f"{path}: input: says {there} but no {lacking}; expected both or neither")
    return Card(
        path,
        _placed(network, path.parent),
        given.input,
        **_outputs(given.outputs, path),
        stages=_stages(given.stages, path),
    )


def local_files(name: str) -> list[str]:
    """The files that a name of a network refers to, for whoever must know when one changes.

    Checkpoints of experiments are left out: they are results, and known as such.

    Parameters
    ----------
    name : str
        Any name of `texshape.models.names`. What cannot be read is left to whoever loads the network.
    """
    parsed = names.parse(name)
    if parsed.source == "checkpoint":
        return []
    if parsed.source != "card":
        return files_of(parsed)
    path = parsed.architecture
    try:
        card = read(path)
    except InputError:
        return [path]
    further = [one for one in (card.class_map, card.wordnet) if isinstance(one, Path)]
    return [path, *files_of(card.network), *map(str, further)]


def is_fetched(name: str) -> bool:
    """Whether a network's weights come from a package or a server: they may not be had here and now.

    Parameters
    ----------
    name : str
        Any name of `texshape.models.names`. What cannot be read is left to whoever loads the network.
    """
    parsed = names.parse(name)
    if parsed.source == "card":
        try:
            parsed = read(parsed.architecture).network
        except InputError:
            return False
    if parsed.source == names.FITTED:
        return False
    return families()[parsed.source].is_fetched(parsed)


def files_of(name: ModelName) -> list[str]:
    """The files that a parsed name refers to; of a card itself alone."""
    if name.source == names.FITTED:
        return [name.architecture]
    return families()[name.source].files(name)


def _placed(name: ModelName, folder: Path) -> ModelName:
    """The name with its local file beside the card, where it lies there."""
    return names.parse(families()[name.source].placed(name, folder))


def _outputs(value: Any, path: Path) -> dict[str, Any]:
    if value is None:
        return {}
    if isinstance(value, Mapping):
        return {"class_map": dict(value)}
    text = str(value)
    if text in KINDS:
        return {"outputs": text}
    suffix = Path(text).suffix.lower()
    if isinstance(value, str) and suffix in (".yaml", ".yml", ".txt"):
        beside = path.parent / text
        file = beside if beside.exists() else Path(text)
        return {"wordnet" if suffix == ".txt" else "class_map": file}
    raise InputError(
        f"{path}: outputs: expected {', '.join(KINDS)}, a class map (a class to its outputs), a file of one "
        f"(.yaml) or of one WordNet id for each output (.txt), found {value!r}{_close(text)}"
    )


def _close(text: str) -> str:
    close = nearest(text, KINDS)
    return close if "did you mean" in close else ""


def _stages(value: Any, path: Path) -> dict[str, str]:
    expected = f"{path}: stages: expected a list of submodules, or names for them (early: conv_5)"
    if value is None:
        return {}
    if isinstance(value, Mapping):
        pairs = list(value.items())
    elif isinstance(value, list):
        pairs = [
            (re.sub(r"[^A-Za-z0-9._-]+", ".", str(one)).strip(".")[-64:], one) for one in value
        ]
    else:
        raise InputError(f"{expected}, found {value!r}")
    if not pairs:
        raise InputError(f"{expected}, found none")
    stages: dict[str, str] = {}
    for name, submodule in pairs:
        if not isinstance(submodule, str) or not submodule:
            raise InputError(f"{expected}, found {submodule!r} among them")
        if not isinstance(name, str) or not re.fullmatch(_STAGE, name):
            raise InputError(f"{path}: stages: {name!r} is no valid name ({_STAGE})")
        if name in stages:
            raise InputError(f"{path}: stages: '{name}' stands twice")
        stages[name] = submodule
    return stages


def wordnet_ids(path: Path) -> tuple[str, ...]:
    """WordNet ids of the outputs, one a line.

    Raises
    ------
    InputError
        If the file is missing, or a line is none.
    """
    try:
        lines = path.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise InputError(f"{path}: cannot be read ({reason.lower()})") from None
    for number, line in enumerate(lines, start=1):
        if not re.fullmatch(r"n\d{8}", line):
            raise InputError(
                f"{path}, line {number}: expected a WordNet id (n02123045), found '{line[:40]}'"
            )
    if not lines:
        raise InputError(f"{path}: expected a WordNet id an output, found none")
    return tuple(lines)
