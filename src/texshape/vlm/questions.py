"""What a vision-language model is asked, and which option its answer names.

The options stand in an order of their own for each picture, drawn from the picture itself, so that no class
gains by its place, and a run that goes on asks the same. An answer is read, never guessed: one that names no
option, or several, is called so.
"""

from __future__ import annotations

import random
import re
import string
from collections.abc import Sequence
from dataclasses import dataclass

from texshape.errors import InputError, nearest

#: name of a wording -> what is asked, in words of our own
WORDINGS = {
    "neutral": "Which one of these options is the best name for what this picture shows?",
    "shape": "Go by outline and form alone, and pay no heed to surfaces. Which one of these options has the "
    "shape that this picture shows?",
    "texture": "Go by surface and pattern alone, and pay no heed to outlines. Which one of these options has "
    "the texture that this picture shows?",
}
NEUTRAL = "neutral"
_REPLY = "Reply with the {label} of one option and with nothing else."
#: kinds of answers
ONE, NONE, SEVERAL = "one", "none", "several"


@dataclass(frozen=True)
class Question:
    """A multiple choice.

    Attributes
    ----------
    text : str
        What stands beside the picture.
    options : tuple of str
        Classes in the order in which they are offered.
    labels : tuple of str
        Letters, or numbers where there are more than 26.
    """

    text: str
    options: tuple[str, ...]
    labels: tuple[str, ...]


def question(wording: str, classes: Sequence[str], picture: str) -> Question:
    """The question about one picture.

    Parameters
    ----------
    wording : str
        One of `WORDINGS`.
    classes : sequence of str
    picture : str
        Hash of the picture; the order of the options follows from it and from the classes.

    Raises
    ------
    InputError
        If there is no such wording.
    """
    if wording not in WORDINGS:
        raise InputError(f"wording '{wording}' is unknown{nearest(wording, WORDINGS)}")
    options = sorted(classes)
    random.Random("\n".join([picture, *options])).shuffle(options)
    if len(options) <= len(string.ascii_uppercase):
        labels, label = list(string.ascii_uppercase[: len(options)]), "letter"
    else:
        labels, label = [str(number) for number in range(1, len(options) + 1)], "number"
    lines = [f"{mark}) {option}" for mark, option in zip(labels, options, strict=True)]
    text = "\n".join([WORDINGS[wording], "", *lines, "", _REPLY.format(label=label)])
    return Question(text, tuple(options), tuple(labels))


def named(answer: str, asked: Question) -> tuple[str, list[str]]:
    """Which options an answer names, by label or by name.

    Parameters
    ----------
    answer : str
        As the model wrote it; what it thought between ``<think>`` and ``</think>`` does not count.
    asked : Question

    Returns
    -------
    kind : str
        `ONE`, `NONE` or `SEVERAL`.
    classes : list of str
        That it names, sorted.
    """
    text = re.sub(r"(?s)<think>.*?(</think>|$)", " ", answer)
    text = re.sub(r"[*_`$]|\\boxed|\\text", " ", text)
    by_label = dict(zip(asked.labels, asked.options, strict=True))
    found: set[str] = set()
    rest = text
    # Long names first, so that the bear in 'teddy bear' is none.
    for option in sorted(asked.options, key=len, reverse=True):
        written = r"[\s_-]+".join(map(re.escape, re.split(r"[\s_-]+", option.strip())))
        pattern = re.compile(rf"(?<!\w){written}(?:e?s)?(?!\w)", re.IGNORECASE)
        # A class that is called like another one's label ('A') is named by its label alone.
        if option not in by_label and pattern.search(rest):
            found.add(option)
            rest = pattern.sub(" ", rest)
    found |= {by_label[label] for label in _labels(text, asked.labels)}
    return ONE if len(found) == 1 else SEVERAL if found else NONE, sorted(found)


def _labels(text: str, labels: Sequence[str]) -> set[str]:
    """Labels that stand alone in a text; `A` and `I` are words too, where another word follows them."""
    found = set()
    for label in labels:
        alone = rf"(?<![\w'’]){label}(?![\w'’])"
        if label in ("A", "I"):
            alone = rf"{alone}(?!\s+(?!or\b|and\b)\w)|(?i:option|letter|choice)\s+{label}(?!\w)"
        if re.search(alone, text):
            found.add(label)
    # A small letter counts where it is the whole answer.
    whole = re.sub(r"\W", "", text).upper()
    return found or ({whole} & set(labels))
