"""Subjects that are asked: of a function, or of a model behind an address, nothing but answers can be seen.

They stand where networks do. A picture reaches them as it is, at its own size; the answer is a class's name or
a score for each class. A subject that says no classes of its own decides between those that the pictures show
(`texshape.models.decisions.between`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from texshape.errors import InputError, nearest
from texshape.models import attributes, user_code
from texshape.models.network import Network
from texshape.notices import warn
from texshape.trials.names import ABSENT, composed

if TYPE_CHECKING:
    from PIL.Image import Image

    from texshape.models.families.base import ModelName

#: a class's name, a score for each class, or None for no decision
Answer = str | Mapping[str, float] | None
#: pictures and the classes to decide between, to an answer for each picture
Ask = Callable[[list["Image"], tuple[str, ...]], Sequence[Answer]]


class Asked(nn.Module):
    """A subject in a network's place: pictures to scores of classes.

    Parameters
    ----------
    name : str
        Of the subject, for messages.
    ask : callable
        Pictures (PIL, RGB) and classes to an answer for each picture.
    classes : tuple of str, optional
        What it decides between; without, those that the pictures show.
    ranked : bool
        Whether it gives scores, by which classes can be ranked.
    """

    def __init__(
        self, name: str, ask: Ask, *, classes: tuple[str, ...] | None = None, ranked: bool = False
    ) -> None:
        super().__init__()
        self.name, self.ask, self.classes, self.ranked = name, ask, classes, ranked

    def deciding(self, network: Network, shown: set[str]) -> Network:
        """The network of this subject as it decides about pictures of these classes."""
        if network.classes is not None:  # its own
            return network
        classes = tuple(sorted(shown))
        among = Asked(self.name, self.ask, classes=classes, ranked=self.ranked)
        return replace(
            network, module=among.eval(), asked=among, classes=classes, decide=_unchanged
        )

    def forward(self, images: Tensor) -> Tensor:
        """Ask about pictures.

        Parameters
        ----------
        images : Tensor of shape (B, 3, H, W), uint8

        Returns
        -------
        Tensor of shape (B, classes), float32
            1 for the class that was named and 0 for the others, or the scores as they were given. A row
            is undefined (NaN) where the answer is no decision.

        Raises
        ------
        InputError
            If there is not one answer for each picture, or one is neither a name nor a mapping.
        """
        from PIL.Image import fromarray

        classes = self.classes or ()
        pixels = images.permute(0, 2, 3, 1).cpu().numpy()
        pictures = [fromarray(np.ascontiguousarray(one)) for one in pixels]
        answers = listed(self.ask(pictures, classes), len(pictures), self.name)
        found = np.stack([scores(answer, classes, self.name) for answer in answers])
        return torch.from_numpy(found.astype(np.float32)).to(images.device)


def listed(answers: Any, pictures: int, name: str) -> list[Answer]:
    """The answers to so many pictures as a list.

    Raises
    ------
    InputError
        If they are no sequence, or not as many as the pictures.
    """
    try:
        if isinstance(answers, str | Mapping):
            raise TypeError
        found = list(answers)
    except TypeError:
        raise InputError(
            f"{name}: answered {type(answers).__name__} to a list of {pictures} pictures; expected a "
            "list with a class's name, or a mapping of classes to scores, for each"
        ) from None
    if len(found) != pictures:
        raise InputError(
            f"{name}: gave {len(found)} answers to {pictures} pictures; expected one for each"
        )
    return found


def scores(answer: Answer, classes: Sequence[str], name: str) -> np.ndarray:
    """Scores of the classes from one answer.

    Parameters
    ----------
    answer : str, mapping or None
        Classes without a score come last; a mapping may have others, which do not count.
    classes : sequence of str
    name : str
        Of the subject, for messages.

    Returns
    -------
    ndarray of shape (classes,), float64
        NaN where the answer names no class, or two have the highest score.

    Raises
    ------
    InputError
        If the answer is neither a name nor a mapping of names to numbers.
    """
    found = np.full(len(classes), np.nan)
    if answer is None:
        return found
    if isinstance(answer, str):
        named = composed(answer.strip())
        if named in classes:
            return np.asarray([float(named == one) for one in classes])
        if named not in ("", ABSENT):
            _warn_of(named, classes, name)
        return found
    if not isinstance(answer, Mapping):
        raise InputError(
            f"{name}: answered {type(answer).__name__} to a picture; expected a class's name, a mapping "
            "of classes to scores, or None"
        )
    try:
        given = {composed(str(key)): float(value) for key, value in answer.items()}
    except (TypeError, ValueError):
        raise InputError(f"{name}: answered a score that is no number: {answer!r:.100}") from None
    for place, one in enumerate(classes):
        found[place] = given.get(one, np.nan)
    known = found[[one in given for one in classes]]
    if not len(known):
        _warn_of(next(iter(given), ""), classes, name)
        return found
    lowest, highest = known.min(), known.max()
    # Two first places are no decision, and an undefined score leaves none.
    if not math.isfinite(lowest + highest) or (known == highest).sum() > 1:
        return np.full(len(classes), np.nan)
    missing = [one not in given for one in classes]
    found[missing] = lowest - max(1.0, abs(lowest))
    return found


def _warn_of(answer: str, classes: Sequence[str], name: str) -> None:
    some = ", ".join(classes[:3]) + (", ..." if len(classes) > 3 else "")
    warn(
        name,
        f"'{answer[:60]}' is none of the {len(classes)} classes ({some})"
        f"{nearest(answer, classes) if len(classes) > 20 else ''}; an answer like this is no decision",
    )


def _unchanged(found: Tensor) -> Tensor:
    return found


class _AsTheyAre:
    """Pictures reach the subject as they are."""

    def __call__(self, images: Tensor) -> Tensor:
        return images


def network(subject: Asked, slug: str) -> Network:
    """A subject as what every measure takes.

    Parameters
    ----------
    subject : Asked
    slug : str
        Name of its folder.
    """
    return Network(
        name=subject.name,
        slug=slug,
        module=subject.eval(),
        input_size=0,  # any
        preprocess=_AsTheyAre(),  # type: ignore[arg-type]
        classes=subject.classes,
        decide=_unchanged if subject.classes else None,
        asked=subject,
        without_decision="the pictures show no classes",
    )


# --- functions -------------------------------------------------------------------------------------


class Function:
    """A function of the user's, of pictures alone."""

    def __init__(self, function: Callable[[list[Image]], Any]) -> None:
        self.function = function

    def __call__(self, pictures: list[Image], classes: tuple[str, ...]) -> Any:
        """Ask it; it knows its classes itself."""
        return self.function(pictures)


def from_function(
    function: Callable[[list[Image]], Any],
    *,
    name: str,
    slug: str,
    classes: Any = None,
) -> Network:
    """A function from a list of pictures to class names, or to mappings of classes to scores.

    Parameters
    ----------
    function : callable
        Takes a list of PIL images (RGB, of any size) and gives a list: for each a class's name, a mapping
        of classes to scores of which the highest wins, or None for no decision.
    name, slug : str
    classes : sequence or mapping, optional
        What it decides between; by default its attribute ``classes``, else the classes that the pictures
        show.

    Raises
    ------
    InputError
        If it fails on two grey pictures, or answers something else.
    """
    from PIL.Image import new

    given = classes if classes is not None else getattr(function, "classes", None)
    own = attributes.class_names(given, name)
    pictures = [new("RGB", (224, 224), (shade,) * 3) for shade in (96, 160)]
    try:
        answers = function(pictures)
    except (InputError, MemoryError):
        raise
    except Exception as error:  # whatever the user's function raises
        raise InputError(
            f"{name}: fails on a list of two grey pictures of 224 px ({user_code.raised(error)})"
        ) from None
    found = listed(answers, len(pictures), name)
    for answer in found:  # says what is wrong with it; grey is no class, so a name may be any
        if not isinstance(answer, str):
            scores(answer, list(answer) if isinstance(answer, Mapping) else (), name)
    ranked = all(isinstance(answer, Mapping) for answer in found)
    subject = Asked(
        name,
        Function(function),
        classes=tuple(map(composed, own)) if own else None,
        ranked=ranked,
    )
    return network(subject, slug)


def refuse(name: ModelName, *, weights: bool, class_map: Any) -> None:
    """Refuse what makes no sense for a subject that is asked.

    Raises
    ------
    InputError
        If a class map is given, or the untrained version is asked for.
    """
    if not weights:
        raise InputError(
            f"model '{name.text}': it gives answers only, and has no untrained version"
        )
    if class_map:
        raise InputError(
            f"model '{name.text}': class_map {class_map} does not apply: it answers with the pictures' "
            "classes themselves"
        )
