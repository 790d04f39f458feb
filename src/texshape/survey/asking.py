"""Models that are asked, in a survey: where their answers are kept, what they will cost, what they answered."""

from __future__ import annotations

import contextlib
import io
import math
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from texshape.errors import InputError
from texshape.models.asked import Asked
from texshape.models.asked import network as as_network
from texshape.survey.inputs import GivenInputs, Subject, decide
from texshape.survey.stimuli import CUE_CONFLICT
from texshape.techniques import reasons as why
from texshape.vlm import questions
from texshape.vlm.interview import Interview
from texshape.vlm.settings import VlmSettings

if TYPE_CHECKING:
    from PIL.Image import Image

    from texshape.models.network import Network
    from texshape.survey.stimuli import Stimuli
    from texshape.techniques.base import Technique

WORDING = "texshape {}"  # of `questions`, not of published runs


def interview(network: Network) -> Interview | None:
    """The model behind an address that stands in the network's place; None for any other network."""
    ask = network.asked.ask if network.asked is not None else None
    return ask if isinstance(ask, Interview) else None


def begin(network: Network, folder: Path, settings: Mapping[str, Any], stimuli: Stimuli) -> None:
    """Say where a model's answers are kept and how it is asked; other networks need nothing."""
    found = interview(network)
    if found is not None:
        found.begin(folder, VlmSettings.over(settings.get("vlm") or {}), stimuli.sets)


def about(network: Network) -> dict[str, Any] | None:
    """All that a model's answers depend on; None for other networks, which are looked at themselves."""
    found = interview(network)
    return None if found is None else found.about()


def wording(network: Network) -> str:
    """How a model is asked, for the tables; empty for other networks."""
    found = interview(network)
    return "" if found is None else WORDING.format(found.wording)


# --- beforehand ------------------------------------------------------------------------------------


class _Counting:
    """Stands for the model, and counts what it would be asked; answers by chance."""

    def __init__(self, real: Interview) -> None:
        self.real = real
        self.keys: set[str] = set()
        self._draw = random.Random(0)

    def __call__(self, pictures: Sequence[Image], classes: tuple[str, ...]) -> list[str]:
        self.keys |= set(self.real.unasked(pictures, classes))
        return [self._draw.choice(classes) for _ in pictures]


def announce(subject: Subject, chosen: Sequence[Technique]) -> None:
    """Print how many requests are to come, what they take, and what they cost, before most are sent.

    Every step runs once with a stand-in that answers by chance, so the count is exact: a picture that
    several techniques show is asked about once, and not at all where an earlier run did. Time and tokens are
    those of answers that are there; without any, the first picture is asked about now.

    Parameters
    ----------
    subject : Subject
        Any network; nothing is said of one that is not asked.
    chosen : sequence of Technique

    Raises
    ------
    StoppedError
        If the first question is not answered.
    """
    real = interview(subject.network)
    if real is None:
        return
    counted = _count(subject, chosen, real)
    total = sum(counted.values())
    where = f"texshape: {real.name}: asked '{real.wording}' at {real.base}:"
    if not total:
        _say(f"{where} nothing is left to ask")
        return
    parts = [f"{title} {number:,}" for title, number in counted.items() if number]
    line = f"{where} {total:,} requests to come ({', '.join(parts)})"
    if len(real.kept):
        line += f", {len(real.kept):,} answers are there"
    most = real.settings.max_requests
    if most is not None and total > most:
        line += f"; the limit of {most:,} stops it on its way, and the same command goes on"
    _say(line)
    if not len(real.kept):
        _first(subject, real)
        total -= 1
    _say(f"texshape: {real.name}: {_estimate(real, total)}")


def requests(subject: Subject, chosen: Sequence[Technique]) -> Counter[str]:
    """How many requests each step would add; none is sent, and nothing is counted of other networks."""
    real = interview(subject.network)
    return Counter() if real is None else _count(subject, chosen, real)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _count(subject: Subject, chosen: Sequence[Technique], real: Interview) -> Counter[str]:
    """Requests that each step adds to those of the steps before it."""
    counting = _Counting(real)
    stand_in = as_network(Asked(real.name, counting), subject.network.slug)
    found: Counter[str] = Counter()
    with (
        tempfile.TemporaryDirectory(prefix="texshape-count-") as temporary,
        contextlib.redirect_stderr(io.StringIO()),
    ):
        other = replace(
            subject,
            network=stand_in,
            settings=_cheap(subject.settings),
            folder=Path(temporary),
        )
        for title, run in _runs(other, chosen):
            before = len(counting.keys)
            with contextlib.suppress(InputError):  # said when its turn comes
                run()
            found[title] = len(counting.keys) - before
    return found


def _runs(
    subject: Subject, chosen: Sequence[Technique]
) -> Iterator[tuple[str, Callable[[], object]]]:
    yield "decisions on every set", lambda: decide(subject)
    for technique in chosen:
        inputs = GivenInputs(technique, subject)
        if (technique.features and why.without_stages(inputs)) or technique.reason(inputs):
            continue
        yield (
            technique.title,
            lambda one=technique, given=inputs: one.measure(given, subject.folder.joinpath),
        )


def _cheap(settings: Any) -> Any:
    """Parameters with hardly any resamples, which no picture depends on."""
    if isinstance(settings, Mapping):
        return {
            key: min(value, 10) if key == "resamples" else _cheap(value)
            for key, value in settings.items()
        }
    return settings


def _first(subject: Subject, real: Interview) -> None:
    from PIL.Image import fromarray

    images = subject.stimuli.sets[CUE_CONFLICT]
    classes = subject.deciding(images.labels).require_classes()
    real([fromarray(images.images[0])], classes)


def _estimate(real: Interview, total: int) -> str:
    """What so many requests take, by the answers that are there."""
    answers = list(real.kept)
    seconds = [float(one["seconds"]) for one in answers]
    each = sum(seconds) / len(seconds)
    took = _duration(total * each / real.settings.at_once)
    parts = [f"about {took} at {real.settings.at_once} at once ({each:.2g} s a request)"]
    tokens = {}
    for kind in ("prompt_tokens", "completion_tokens"):
        known = [one["usage"][kind] for one in answers if kind in one["usage"]]
        if known:
            tokens[kind] = total * sum(known) / len(known)
    if tokens:
        said = {"prompt_tokens": "in", "completion_tokens": "out"}
        parts.append(
            "tokens: " + ", ".join(f"{value:,.0f} {said[kind]}" for kind, value in tokens.items())
        )
    prices = {
        "prompt_tokens": real.settings.price_input,
        "completion_tokens": real.settings.price_output,
    }
    if tokens and all(prices[kind] is not None for kind in tokens):
        cost = sum(value * (prices[kind] or 0) / 1e6 for kind, value in tokens.items())
        parts.append(f"cost: {cost:.2f}")
    else:
        parts.append(
            "cost: unknown (vlm.price_input and vlm.price_output say what a million tokens cost)"
        )
    return "; ".join(parts)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{math.ceil(seconds)} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


# --- afterwards ------------------------------------------------------------------------------------


def summary(network: Network) -> list[dict[str, Any]]:
    """The row of the table ``answers``; none for a network that is not asked."""
    found = interview(network)
    if found is None:
        return []
    answers = found.answers
    kinds = Counter(one["kind"] for one in answers)
    ends = Counter(one["finish"] for one in answers)
    row = {
        "model": network.slug,
        "wording": WORDING.format(found.wording),
        "pictures": len(answers),
        "one": kinds[questions.ONE],
        "none": kinds[questions.NONE],
        "several": kinds[questions.SEVERAL],
        "refused": ends["refused"] + ends["content_filter"],
        "cut_off": ends["length"],
        "tokens_in": sum(one["usage"].get("prompt_tokens", 0) for one in answers),
        "tokens_out": sum(one["usage"].get("completion_tokens", 0) for one in answers),
        "first": min((one["time"] for one in answers), default=""),
        "last": max((one["time"] for one in answers), default=""),
    }
    return [row]
