"""Published data that an experiment's results rest on, from its parameters: where it is had, on which terms.

None of it is put into an archive: addresses and check sums are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from texshape.data import archives, published, tiny_imagenet
from texshape.data.critical_band import TRIALS as CRITICAL_BAND_TRIALS
from texshape.data.named_sets import is_named
from texshape.data.published_answers import SOURCE as ANSWERS
from texshape.data.published_measures import BENCHMARK_SOURCE
from texshape.experiment.sources import SOURCES
from texshape.techniques.named import named

#: licences that let files be passed on, and where they are
LICENCES = {
    "CC BY 4.0": "https://creativecommons.org/licenses/by/4.0/",
    "CC BY-SA 4.0": "https://creativecommons.org/licenses/by-sa/4.0/",
    "MIT": "https://spdx.org/licenses/MIT",
}


@dataclass(frozen=True)
class Input:
    """One collection of published files.

    Attributes
    ----------
    name, what : str
        Its name here, and what it is.
    address : str
        Where it is had at the version used; empty for a folder of the user's own.
    licence : str
        In words.
    citation : str
        Key in ``paper/references.bib``; empty where there is none.
    shown : bool
        Whether its pictures are those of the experiment's image sets, which figures show.
    sums : Path, optional
        List of its files with sizes and check sums.
    sha256 : str
        Of the whole, where there is no list of files.
    """

    name: str
    what: str
    address: str
    licence: str
    citation: str = ""
    shown: bool = False
    sums: Path | None = None
    sha256: str = ""

    @property
    def licence_address(self) -> str | None:
        """Where the licence is; None where none is named that lets the files be passed on."""
        return LICENCES.get(self._licence_name)

    @property
    def _licence_name(self) -> str:
        """The name before a remark in brackets; all of it where more is said."""
        found = re.fullmatch(r"(.+?)(?: \([^()]*\))?", self.licence)
        return found[1] if found else self.licence


def used(parameters: Mapping[str, Any]) -> list[Input]:
    """What an experiment takes from elsewhere, each once, in the order in which its parameters name it.

    Parameters
    ----------
    parameters : mapping
        All parameters of the experiment, as in its ``parameters.json``.
    """
    return list({one.name: one for one in _used(parameters)}.values())


def _used(parameters: Mapping[str, Any]) -> Iterator[Input]:
    data = parameters["data"]
    if data["kind"].startswith("folder"):
        yield _photographs(data["folder"]["source"])
        other = data["folder"].get("test_source")
        if other and other != data["folder"]["source"]:
            yield _photographs(other)
    if SOURCES[data["kind"]].published:
        for name in published.STIMULI:
            yield _published(name, shown=True)
        for name in (*published.TRIALS, CRITICAL_BAND_TRIALS, BENCHMARK_SOURCE, ANSWERS):
            yield _published(name)
    for style in _styles(parameters):
        yield _paintings(style)
    if data.get("voc"):
        yield Input(
            name="voc2012", what="PASCAL VOC 2012, photographs with masks of their objects",
            address="http://host.robots.ox.ac.uk/pascal/VOC/voc2012/", shown=True,
            licence="terms of Flickr for the photographs; no licence that lets them be passed on",
        )  # fmt: skip
    for technique in named(parameters.get("techniques") or [])[0]:
        settings = technique.configured(parameters)
        for key, names in technique.downloads.items():
            if getattr(settings, key):
                yield from map(_published, names)


def _published(name: str, *, shown: bool = False) -> Input:
    source = published.sources()[name]
    return Input(
        name=name, what=source.what, licence=source.licence, citation=source.citation, shown=shown,
        address=f"https://github.com/{source.repository}/tree/{source.commit}",
        sums=published.index_path(name),
    )  # fmt: skip


def _photographs(source: str) -> Input:
    if source == tiny_imagenet.NAME:
        return Input(
            name=source, what="Tiny ImageNet, photographs of 64 px in 200 classes of ImageNet",
            address=tiny_imagenet.ADDRESS, citation="le2015", shown=True,
            licence="that of ImageNet: research that is not commercial; not to be passed on",
        )  # fmt: skip
    if is_named(source):
        one = archives.archives()[source]
        return Input(
            name=source, what=one.what, licence=one.licence, citation=one.citation, shown=True,
            address=f"https://github.com/{one.repository}/tree/{one.commit}", sha256=one.sha256,
        )  # fmt: skip
    return Input(
        name="photographs", what="photographs of a folder of the user", address="", shown=True,
        licence="known to whoever ran the experiment",
    )  # fmt: skip


def _styles(parameters: Mapping[str, Any]) -> list[str]:
    """Where pictures that lend their style come from, if not from the renderer or an image set."""
    from texshape.experiment.stylizations import RENDERER

    arms = {name for arm in (parameters.get("arms") or {}).values() for name in arm.get("sets", [])}
    entries = parameters.get("stylizations") or {}
    styles = {entry.get("styles") for name, entry in entries.items() if entry and name in arms}
    return sorted(style for style in styles if style and style != RENDERER)


def _paintings(style: str) -> Input:
    from texshape.experiment.stylizations import PAINTINGS
    from texshape.stylize import paintings

    if style == PAINTINGS:
        return Input(
            name="paintings", what="paintings and photographs that lend their style",
            address=f"https://github.com/{paintings.REPOSITORY}/tree/{paintings.COMMIT}", shown=True,
            licence="not stated for the pictures (the repository's LICENSE, MIT, names its code)",
            sums=Path(paintings.__file__).with_name("paintings.csv"),
        )  # fmt: skip
    return Input(
        name="styles", what="pictures of a folder of the user that lend their style", address="",
        licence="known to whoever ran the experiment", shown=True,
    )  # fmt: skip
