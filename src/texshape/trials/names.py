"""Names of stimuli: which shape exemplar and which texture exemplar an image shows.

A name ends in ``SHAPE<i>-TEXTURE<j>.png`` after the last underscore: ``airplane1-bicycle2.png`` is
shape exemplar 1 of class airplane with texture exemplar 2 of class bicycle. Published trial files
put the trial's own data before it (``0001_s5n_dnn_0_airplane_00_airplane1-bicycle2.png``); the
prefix is kept. ``na`` stands for an absent cue; edges and silhouettes of the published stimuli
leave the second part out (``airplane1.png``).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from texshape.errors import InputError

ABSENT = "na"
# What no class can be called, and why.
RESERVED = {ABSENT: "stands for no decision", "all": "stands for the classes together"}
# The observers together, in what is made of trials: no subject's name.
HUMANS = "humans"
_HUMAN = re.compile(r"subject-\d+")

# A class may hold hyphens and spaces but no digit (an index follows it) and no underscore (a prefix
# ends there); or it is a WordNet id, which has eight digits. What it begins and ends with is checked
# by `_is_word`: `re` knows no marks.
_CLASS = r"n\d{8}|[^\W\d_](?:[^\d_/\\]*[^\d_/\\\s-])?"
_INDEX = r"\d{1,99}"  # Python makes no number of thousands of digits
_TWO_CUES = re.compile(rf"({_CLASS})({_INDEX})-({_CLASS})({_INDEX})(\.[A-Za-z]+)")
_ONE_CUE = re.compile(rf"({_CLASS})({_INDEX})(\.[A-Za-z]+)")
_WORDNET_ID = re.compile(r"n\d{8}")


def is_human(subject: str) -> bool:
    """Whether a subject is a human observer (``subject-01``) and no network."""
    return _HUMAN.fullmatch(subject) is not None


@dataclass(frozen=True)
class StimulusName:
    """What an image's name says.

    Attributes
    ----------
    prefix : str
        All that stands before the exemplars, with its last underscore; often empty.
    shape, texture : str
        Classes of the two cues; ``na`` where one is absent.
    shape_index, texture_index : int
        Number of the exemplar within its class.
    suffix : str
        The file's extension, with its dot.
    """

    prefix: str
    shape: str
    shape_index: int
    texture: str
    texture_index: int
    suffix: str = ".png"

    @property
    def shape_exemplar(self) -> str:
        """The shape exemplar's name over all classes (``airplane1``), or ``na``."""
        return ABSENT if self.shape == ABSENT else f"{self.shape}{self.shape_index}"

    @property
    def texture_exemplar(self) -> str:
        """The texture exemplar's name over all classes (``bicycle2``), or ``na``."""
        return ABSENT if self.texture == ABSENT else f"{self.texture}{self.texture_index}"

    def __str__(self) -> str:
        return (
            f"{self.prefix}{self.shape}{self.shape_index}-{self.texture}{self.texture_index}"
            f"{self.suffix}"
        )


def composed(name: str) -> str:
    """A class's name with letters and marks as one, where macOS writes them apart."""
    return unicodedata.normalize("NFC", name)


def is_class_name(name: str) -> bool:
    """Whether stimuli of a class of this name can be named."""
    return re.fullmatch(_CLASS, name) is not None and _is_word(name)


def _is_word(name: str) -> bool:
    """Whether a class ends in a letter or its mark (an accent, a vowel sign), and can be written.

    A byte that is no UTF-8 stands in a file's name as half of a pair, which no table can hold, or is
    written with a backslash (`texshape.data.photographs.written_name`), which no class has.
    """
    if _WORDNET_ID.fullmatch(name):
        return True
    kinds = [unicodedata.category(character) for character in name]
    return (name[-1].isalnum() or kinds[-1][0] == "M") and "Cs" not in kinds


@lru_cache(maxsize=1 << 16)
def parse(name: str, *, one_cue: bool = False) -> StimulusName:
    """Read the exemplars from an image's name.

    Parameters
    ----------
    name : str
        ``[PREFIX_]SHAPE<i>-TEXTURE<j>.png``.
    one_cue : bool
        Accept ``[PREFIX_]SHAPE<i>.png`` too; its texture is ``na``.

    Raises
    ------
    InputError
        If the name is not of this form; the message quotes it.
    """
    cut = name.rfind("_") + 1
    match = _TWO_CUES.fullmatch(name, cut)
    if match and _is_word(match[1]) and _is_word(match[3]):
        shape, i, texture, j, suffix = match.groups()
        return StimulusName(name[:cut], shape, int(i), texture, int(j), suffix)
    match = _ONE_CUE.fullmatch(name, cut) if one_cue else None
    if match and _is_word(match[1]):
        shape, i, suffix = match.groups()
        return StimulusName(name[:cut], shape, int(i), ABSENT, 0, suffix)
    raise InputError(
        f"stimulus name '{name[:200]}' cannot be read; expected [PREFIX_]SHAPE<i>-TEXTURE<j>.png, "
        "such as airplane1-bicycle2.png"
    )


def natural(exemplar: str) -> tuple[str, int]:
    """Key of the order in which bear2 stands before bear10."""
    match = re.fullmatch(r"(.*?)(\d+)", exemplar)
    return (match.group(1), int(match.group(2))) if match else (exemplar, -1)


def image_id(name: str) -> str:
    """Reduce a name to what is the same for every observer who saw the image.

    The trial's prefix goes; the WordNet id of an ImageNet picture stays with its number
    (``n02951358_5952.png``); an absent texture goes (``airplane1-na0.png`` is ``airplane1.png``),
    so that our trials meet the published ones.
    """
    parts = name.split("_")
    if len(parts) > 1 and _WORDNET_ID.fullmatch(parts[-2]):
        return f"{parts[-2]}_{parts[-1]}"
    return parts[-1].replace(f"-{ABSENT}0.", ".")
