"""A technique's own section of the article, and the places where such sections stand."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files

from texshape.errors import nearest

#: places in the article where sections of techniques stand, in the order of the text; at one place they follow
#: each other as `texshape.techniques.registry` lists them
PARTS = {
    "first-look": "before the pictures are told of, with a heading of the highest level",
    "fields": "where local patches are told of: how far a unit looks",
    "pieces": "after that: what is left of a picture without its arrangement",
    "decisions": "first of the three ways to ask: which cue decides",
    "procedure": "below the comparison with humans and published networks: what the bias owes to procedure",
    "knowledge": "the other ways to ask: what is held, whether it decides or not",
    "side-by-side": "the same networks side by side, after the comparison of measures",
    "consistency": "within the section on consistency with humans; without a heading",
    "meaning": "what a bias hangs on and leaves open, before its losses are counted",
    "further": "further measures: what the parameters name",
}
FURTHER = "further"


@dataclass(frozen=True)
class Typst:
    """A section of the article that a technique writes itself.

    It is set where there is any of the technique's tables (of one without tables: of its figures). Its first
    lines are ``#import "../lib.typ": *`` and ``#import "../facts.typ": *``, which bring what reads and words
    results; its heading is ``=``, whatever the level at which it stands.

    Attributes
    ----------
    place : str
        Of the file, ``package:NAME.typ``; it lies in the folder of that package.
    part : str
        Where in the article it stands, of `PARTS`.
    tells : str
        What it says of a network, as a clause (*how it withstands corrupted pictures*), for the sentence that
        opens ``side-by-side``; there alone.
    always : bool
        Whether it is set without results too, since other sections build on what it explains.

    Raises
    ------
    ValueError
        If the article has no such part, or the place names no file.
    """

    place: str
    part: str = FURTHER
    tells: str = ""
    always: bool = False

    def __post_init__(self) -> None:
        if self.part not in PARTS:
            raise ValueError(
                f"section: the article has no part '{self.part}'{nearest(self.part, PARTS)}"
            )
        package, _, name = self.place.partition(":")
        if not package or not name.endswith(".typ"):
            raise ValueError(f"section: expected package:NAME.typ, found '{self.place}'")

    def text(self) -> str:
        """The Typst.

        Raises
        ------
        OSError, ImportError, TypeError
            If there is no such file, no such package, or it is no package.
        """
        package, _, name = self.place.partition(":")
        return files(package).joinpath(name).read_text(encoding="utf-8")
