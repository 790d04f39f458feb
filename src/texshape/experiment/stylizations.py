"""Image sets of an experiment that are made by neural style transfer: training images, and cue conflicts."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from texshape.config.stylize import StylizeSettings
from texshape.errors import InputError

RENDERER, PAINTINGS = "renderer", "paintings"
#: where a decoder comes from if it is trained on a stylization's own images
TRAIN = "train"


@dataclass(frozen=True)
class Stylization:
    """An entry of ``stylizations`` or ``conflicts``.

    Attributes
    ----------
    name : str
        Its key.
    entry : Stylization or Conflict of `texshape.config.stylize`
        What stands there.
    settings : StylizeSettings
        The section `stylize` with what the entry changes in it, as steps are given it: an encoder that is
        trained here is named by an option, so that its name is left out.
    encoder : str or None
        The network of this experiment that is its encoder, ``ARCHITECTURE--ARM/seed-S``; None where it
        comes from elsewhere.
    """

    name: str
    entry: Any
    settings: StylizeSettings
    encoder: str | None

    @classmethod
    def read(
        cls, name: str, entry: Any, settings: StylizeSettings, runs: Collection[str]
    ) -> Stylization:
        """Read an entry; `runs` are the networks that the experiment trains.

        Raises
        ------
        InputError
            If a place that it names cannot be an input of a rule.
        """
        for key in ("styles", "decoder"):
            place = getattr(entry, key, None) or ""
            if set("{}") & set(place):
                raise InputError(f"{name}.{key}: expected a path without braces, found {place!r}")
        encoder = settings.encoder.name if settings.encoder.name in runs else None
        if encoder:
            settings = settings.replace(encoder={"name": "a-network-of-this-experiment"})
        return cls(name, entry, settings, encoder)

    @property
    def engine(self) -> str:
        """What makes the images: ``adain`` or ``optimisation``."""
        return self.settings.engine

    @property
    def decoder(self) -> str | None:
        """Where AdaIN's decoder comes from: `TRAIN`, another stylization, a file; None without a decoder."""
        if self.engine != "adain":
            return None
        return self.entry.decoder or TRAIN

    @property
    def contents(self) -> str:
        """The set that is stylized, or whose shapes a conflict set takes."""
        return self.entry.contents

    @property
    def styles(self) -> str:
        """Where styles come from: `RENDERER`, `PAINTINGS` or a folder."""
        return self.entry.styles

    @property
    def drawn(self) -> bool:
        """Whether the renderer draws what is stylized."""
        return self.contents == RENDERER

    @property
    def shards(self) -> int:
        """Jobs that make it."""
        return self.entry.shards
