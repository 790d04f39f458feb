"""Show a set of images to a network and write down its decisions as trials."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from texshape.config.evaluation import EvaluationSettings, Precision
from texshape.errors import InputError, nearest
from texshape.notices import warn
from texshape.transfer import OnItsWay, batches_on, late
from texshape.trials.files import COLUMNS
from texshape.trials.names import ABSENT

if TYPE_CHECKING:
    from texshape.data.imageset import ImageSet
    from texshape.models.network import Network

PRECISIONS = get_args(Precision)
# Sizes tried where none is given. Small caches favour few large images, small images favour many.
_SIZES = (8, 16, 32, 64, 128)
_WORSE = 1.05  # a size that costs so much more an image ends the search


@dataclass(frozen=True)
class Plan:
    """How images are pushed through a network.

    Attributes
    ----------
    batch_size : int
    channels_last : bool
    """

    batch_size: int
    channels_last: bool


def evaluate(
    network: Network,
    images: np.ndarray,
    *,
    batch_size: int | None = None,
    precision: str = "float32",
    channels_last: bool | None = None,
) -> np.ndarray:
    """Scores of the decision classes.

    Parameters
    ----------
    network : Network
    images : ndarray of shape (n, height, width, 3), uint8
    batch_size : int, optional
        None: several are timed on the first images (whose results count), and the fastest stays.
    precision : str
        ``float32``, or ``bfloat16`` for the layers that stand it.
    channels_last : bool, optional
        Memory format; None: whichever is faster, tried like the batch size.

    Returns
    -------
    ndarray of shape (n, len(network.classes)), float32
        The highest score is the decision.

    Raises
    ------
    InputError
        If the network's outputs fit no class map.
    """
    network.require_classes()
    (scores,) = evaluate_with(
        network,
        images,
        [network.decide],
        batch_size=batch_size,
        precision=precision,
        channels_last=channels_last,
    )
    return scores


def evaluate_with(
    network: Network,
    images: np.ndarray,
    deciders: list[Callable[[Tensor], Tensor]],
    *,
    batch_size: int | None = None,
    precision: str = "float32",
    channels_last: bool | None = None,
) -> list[np.ndarray]:
    """Scores under several ways to decide, from one pass; see `evaluate`.

    Returns
    -------
    list of ndarray of shape (n, classes), float32
        One a decider.
    """
    if precision not in PRECISIONS:
        raise InputError(f"precision '{precision}' is unknown{nearest(precision, PRECISIONS)}")
    if batch_size is not None and batch_size < 1:
        raise InputError(f"batch_size: expected an integer >= 1 or null, found {batch_size}")
    if not len(images):
        raise InputError("an evaluation needs at least one image, found none")
    parts: list[list[np.ndarray]] = [[] for _ in deciders]
    was_last = _is_channels_last(network.module)
    try:
        forward = _forward(network, images, batch_size, precision, channels_last)
        decided = ([OnItsWay(decide(logits)) for decide in deciders] for logits in forward)
        for scores in late(decided, network.device):
            for part, scored in zip(parts, scores, strict=True):
                part.append(scored.array())
    finally:
        _set_format(network.module, was_last)
    seen = sum(len(scored) for scored in parts[0])
    if seen != len(images):
        warn(network.name, f"{seen} images were evaluated, expected {len(images)}")
    found = [np.concatenate(part) for part in parts]
    undefined = int((~np.isfinite(found[0])).any(1).sum())
    if undefined:
        what = "outputs are undefined (NaN or infinite)"
        if network.asked is not None:
            what = "answers name none of the classes, or several,"
        warn(
            network.name,
            f"its {what} for {undefined} of {len(images)} images; these count as no decision",
        )
    return found


def decisions(scores: np.ndarray, classes: tuple[str, ...]) -> np.ndarray:
    """Class of the highest score; ``na`` where a score is undefined.

    Parameters
    ----------
    scores : ndarray of shape (n, len(classes))
    classes : tuple of str

    Returns
    -------
    ndarray of shape (n,) of str
    """
    undefined = ~np.isfinite(scores).all(1)
    chosen = np.asarray(classes, dtype=object)[np.where(undefined, 0, scores.argmax(1))]
    chosen[undefined] = ABSENT
    return chosen


def decide(network: Network, images: np.ndarray, **speed: Any) -> np.ndarray:
    """Class that the network decides for on each image; ``na`` where its scores are undefined.

    Parameters
    ----------
    network : Network
    images : ndarray of shape (n, height, width, 3), uint8
    **speed
        As `evaluate` takes them.

    Returns
    -------
    ndarray of shape (n,) of str
    """
    return decisions(evaluate(network, images, **speed), network.require_classes())


def speed(section: EvaluationSettings) -> dict[str, Any]:
    """What of the section ``evaluation`` says how images are pushed through, for `evaluate`."""
    return {
        "batch_size": section.batch_size,
        "precision": section.precision,
        "channels_last": section.channels_last,
    }


def trials_frame(images: ImageSet, response: np.ndarray, subject: str) -> pd.DataFrame:
    """Decisions in the published columns.

    Parameters
    ----------
    images : ImageSet
        With n images.
    response : ndarray of shape (n,) of str
        Class names or ``na``.
    subject : str
        The network's slug.

    Returns
    -------
    DataFrame
        ``subj,session,trial,rt,object_response,category,condition,imagename``: session 1, trials
        from 1 in the order of the set, rt NaN as in the published files of networks. `category` is
        the shape class, or the texture class where an image has no shape (texture patches).
    """
    labels = images.labels
    shape = labels["shape"].astype(str).to_numpy(dtype=object)
    texture = labels["texture"].astype(str).to_numpy(dtype=object)
    condition = labels["condition"]
    frame = pd.DataFrame(
        {
            "subj": subject,
            "session": 1,
            "trial": np.arange(1, len(labels) + 1),
            "rt": "NaN",
            "object_response": response,
            "category": np.where(shape == ABSENT, texture, shape),
            "condition": condition.where(condition.notna(), "NaN").to_numpy(),
            "imagename": labels["imagename"].to_numpy(),
        }
    )
    return frame[list(COLUMNS)]


def sensitivity(
    network: Network,
    images: ImageSet,
    *,
    aggregations: list[str],
    preprocessings: list[str],
    interpolations: list[str],
    resamples: int = 10_000,
    level: float = 0.95,
    seed: int = 0,
    batch_size: int | None = None,
    precision: str = "float32",
    channels_last: bool | None = None,
) -> pd.DataFrame:
    """Shape bias under every way to show the images and to read the outputs.

    Parameters
    ----------
    network : Network
        It decides as the images ask (`decisions.for_images`). Where its classes are single outputs,
        there is nothing to combine: the aggregation is called ``none``.
    images : ImageSet
        Cue-conflict images.
    aggregations, preprocessings, interpolations : list of str
        See `texshape.models.decisions` and `texshape.models.preprocessing`. The network's own
        pipeline (``own``) keeps its own interpolation, so it makes one row an aggregation.
    resamples, level, seed
        Of the bootstrap over shape and texture exemplars.
    batch_size, precision, channels_last
        As in `evaluate`.

    Returns
    -------
    DataFrame
        `texshape.techniques.sensitivity.tables.SENSITIVITY`, the model in front. The network runs
        once for each preprocessing that differs in what it does to these images; ``same_as`` names
        the first of those that do the same.
    """
    from texshape.models.decisions import decider, for_images
    from texshape.models.preprocessing import preprocess
    from texshape.techniques.sensitivity.tables import SENSITIVITY

    network = for_images(network, images.labels)
    classes = network.require_classes()
    if network.own is None:
        raise InputError(f"{network.name}: has no preprocessing of its own, so nothing to vary")
    if network.categories is None:  # each class is one output: nothing to combine
        aggregations, deciders = ["none"], [network.decide]
    else:
        groups = list(network.categories.values())
        deciders = [decider(groups, aggregation) for aggregation in aggregations]
    height, width = images.images.shape[1:3]
    done: dict[tuple, list[np.ndarray]] = {}
    first: dict[tuple, str] = {}
    conditions: dict[str, list[str]] = {}
    rows = []
    for kind in preprocessings:
        for interpolation in interpolations[:1] if kind == "own" else interpolations:
            pipeline = preprocess(network.own, kind, interpolation)
            key = pipeline.pipeline(height, width)
            if key not in done:
                done[key] = evaluate_with(
                    _with(network, preprocess=pipeline),
                    images.images,
                    deciders,
                    batch_size=batch_size,
                    precision=precision,
                    channels_last=channels_last,
                )
            shown = f"{kind}, {pipeline.interpolation}"
            same = first.setdefault(key, shown)
            for aggregation, scores in zip(aggregations, done[key], strict=True):
                response = decisions(scores, classes)
                found, undefined = _bias(images, response, network.slug, resamples, level, seed)
                for line in undefined:
                    conditions.setdefault(line, []).append(f"{aggregation}, {shown}")
                rows.append(
                    {
                        "model": network.slug,
                        "aggregation": aggregation,
                        "preprocessing": kind,
                        "interpolation": pipeline.interpolation,
                        **found,
                        "same_as": "" if same == shown else same,
                    }
                )
    for line, where in conditions.items():
        print(f"texshape: warning: {line} ({'; '.join(where)})", file=sys.stderr)
    return SENSITIVITY.frame(rows)


def _with(network: Network, **changes: Any) -> Network:
    from dataclasses import replace

    return replace(network, **changes)


def _bias(
    images: ImageSet, response: np.ndarray, subject: str, resamples: int, level: float, seed: int
) -> tuple[Mapping[str, Any], list[str]]:
    """A row's values, and a line if its bias is undefined."""
    from texshape.trials.naming import evidence, named
    from texshape.trials.score import Decisions, score

    labels = images.labels
    own = Decisions(
        subject,
        shape=labels["shape"].tolist(),
        texture=labels["texture"].tolist(),
        response=response.tolist(),
        shape_exemplar=labels["shape_exemplar"].tolist(),
        texture_exemplar=labels["texture_exemplar"].tolist(),
    )
    rows, undefined = score({subject: own}, resamples=resamples, level=level, seed=seed)
    found = evidence({subject: [own]}, resamples=resamples, level=level, seed=seed)[subject]
    wanted = ("shape_bias", "ci_low", "ci_high", "cue_match_rate", "n_conflict")
    row = {column: rows[0][column] for column in wanted} | {"verdict": named(rows[0] | found)}
    return row, undefined


# --- the forward pass ----------------------------------------------------------------------------


def _forward(
    network: Network,
    images: np.ndarray,
    batch_size: int | None,
    precision: str,
    channels_last: bool | None,
) -> Iterator[Tensor]:
    """Logits of batch after batch, while the fastest plan is searched among the open choices."""
    module, device = network.module, network.device
    autocast = (
        torch.autocast(device.type, dtype=torch.bfloat16)
        if precision == "bfloat16"
        else nullcontext()
    )

    # No inference mode: what a module converts or caches in it could never take part in a gradient
    # again. And no mode around a yield, which would hold in the caller too.
    @torch.no_grad()
    def run(batch: Tensor, last: bool) -> Tensor:
        tensor = network.preprocess(batch if last else batch.contiguous())
        with autocast:
            logits = module(tensor.contiguous(memory_format=_format(last)))
        return logits

    start = 0
    plan = Plan(batch_size or _SIZES[0], bool(channels_last))
    if batch_size is None or channels_last is None:
        search = _Search(batch_size, channels_last)
        while start < len(images) and (candidate := search.next()) is not None:
            pixels = torch.from_numpy(np.array(images[start : start + candidate.batch_size]))
            _set_format(module, candidate.channels_last)
            began = time.perf_counter()
            batch = pixels.to(device, non_blocking=True).permute(0, 3, 1, 2)
            logits = run(batch, candidate.channels_last)
            if device.type == "cuda":
                torch.cuda.synchronize()
            # a short last batch tells nothing
            if len(batch) == candidate.batch_size:
                search.tell(candidate, (time.perf_counter() - began) / len(batch))
            start += len(batch)
            yield logits
        plan = search.best()
    _set_format(module, plan.channels_last)
    with batches_on(device, images[start:], plan.batch_size) as made:
        for batch in made:
            yield run(batch.images, plan.channels_last)


class _Search:
    """Chooses memory format, then batch size, from timings of work that has to be done anyway.

    Each candidate runs three times: the first call of a shape prepares it, so it is not counted.
    """

    repeats = 3

    def __init__(self, batch_size: int | None, channels_last: bool | None) -> None:
        self.times: dict[Plan, list[float]] = {}
        self.sizes = [batch_size] if batch_size else list(_SIZES)
        formats = [False, True] if channels_last is None else [channels_last]
        first = self.sizes.pop(0)
        self.queue = [Plan(first, last) for last in formats]
        self.latest: Plan | None = None

    def next(self) -> Plan | None:
        while self.queue:
            if len(self.times.get(self.queue[0], [])) < self.repeats:
                return self.queue[0]
            self.queue.pop(0)
        if not self.sizes or (
            self.latest and self.cost(self.latest) > _WORSE * self.cost(self.best())
        ):
            return None
        self.latest = Plan(self.sizes.pop(0), self.best().channels_last)
        self.queue.append(self.latest)
        return self.latest

    def tell(self, plan: Plan, seconds: float) -> None:
        self.times.setdefault(plan, []).append(seconds)

    def cost(self, plan: Plan) -> float:
        times = self.times[plan]
        return min(times[1:] or times)

    def best(self) -> Plan:
        if not self.times:
            return self.queue[0]
        return min(self.times, key=self.cost)


def _format(last: bool) -> torch.memory_format:
    return torch.channels_last if last else torch.contiguous_format


def _set_format(module: torch.nn.Module, last: bool) -> None:
    if _is_channels_last(module) != last:
        module.to(memory_format=_format(last))


def _is_channels_last(module: torch.nn.Module) -> bool:
    # 1x1 kernels and single channels have both formats at once and tell nothing
    return any(
        parameter.ndim == 4
        and parameter.is_contiguous(memory_format=torch.channels_last)
        and not parameter.is_contiguous()
        for parameter in module.parameters()
    )
