"""Image sets of an experiment that are made by neural style transfer: training images, and cue conflicts."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from texshape.errors import InputError
from texshape.parameters import overlay

RENDERER, PAINTINGS = "renderer", "paintings"
#: where a decoder comes from if it is trained on a stylization's own images
TRAIN = "train"

# What only one engine reads of the section `stylize`.
_ENGINE_KEYS = {
    "adain": {"content", "decoder", "decoder_sha256"},
    "optimisation": {"optimisation"},
}
# Read where styles are prepared, not where images are made.
_STYLE_KEYS = {"styles", "images"}


@dataclass(frozen=True)
class Stylization:
    """An entry of ``stylizations`` or ``conflicts``.

    Attributes
    ----------
    name : str
        Its key.
    entry : mapping
        What stands there.
    parameters : mapping
        The section `stylize` with what the entry changes in it.
    encoder : str or None
        The network of this experiment that is its encoder, ``ARCHITECTURE--ARM/seed-S``; None where it
        comes from elsewhere.
    """

    name: str
    entry: Mapping[str, Any]
    parameters: Mapping[str, Any]
    encoder: str | None

    @classmethod
    def read(
        cls, name: str, entry: Mapping[str, Any], section: Mapping[str, Any], runs: Collection[str]
    ) -> Stylization:
        """Read an entry; `runs` are the networks that the experiment trains.

        Raises
        ------
        InputError
            If a place that it names cannot be an input of a rule.
        """
        for key in ("styles", "decoder"):
            if set("{}") & set(str(entry.get(key) or "")):
                raise InputError(
                    f"{name}.{key}: expected a path without braces, found {entry[key]!r}"
                )
        parameters = overlay(section, entry.get("stylize") or {})
        encoder = parameters.get("encoder", {}).get("name")
        return cls(name, entry, parameters, encoder if encoder in runs else None)

    @property
    def engine(self) -> str:
        """What makes the images: ``adain`` or ``optimisation``."""
        return self.parameters["engine"]

    @property
    def decoder(self) -> str | None:
        """Where AdaIN's decoder comes from: `TRAIN`, another stylization, a file; None without a decoder."""
        if self.engine != "adain":
            return None
        return self.entry.get("decoder") or TRAIN

    @property
    def contents(self) -> str:
        """The set that is stylized, or whose shapes a conflict set takes."""
        return self.entry.get("contents", "plain")

    @property
    def styles(self) -> str:
        """Where styles come from: `RENDERER`, `PAINTINGS` or a folder."""
        return self.entry.get("styles", RENDERER)

    @property
    def drawn(self) -> bool:
        """Whether the renderer draws what is stylized."""
        return self.contents == RENDERER

    @property
    def shards(self) -> int:
        """Jobs that make it."""
        return self.entry.get("shards", 1)

    def settings(self, *keys: str) -> dict[str, Any]:
        """What a step is given of its parameters; only some keys, if any are named.

        An encoder that is trained here is named by an option of the step, so that its name is left out.
        """
        settings = dict(self.parameters)
        if self.encoder:
            settings["encoder"] = {"name": "a-network-of-this-experiment"}
        return {key: settings[key] for key in keys if key in settings} if keys else settings

    def engine_settings(self) -> dict[str, Any]:
        """What the step that makes images is given: a change in what it does not read reruns nothing."""
        others = set().union(*_ENGINE_KEYS.values()) - _ENGINE_KEYS[self.engine]
        return self.settings(*(self.parameters.keys() - _STYLE_KEYS - others))
