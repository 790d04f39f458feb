"""From a network's outputs to a decision between classes.

ImageNet networks decide between 16 categories: the probabilities of the 1,000 classes are averaged
within each category and the highest mean wins (Geirhos et al. 2019, arXiv 1811.12231); other
aggregations are there by name, since shape bias depends on them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from texshape.errors import InputError, nearest
from texshape.trials import imagenet16
from texshape.trials.imagenet16 import AGGREGATIONS
from texshape.trials.names import ABSENT, composed

if TYPE_CHECKING:
    import pandas as pd

    from texshape.models.network import Network

Decide = Callable[[Tensor], Tensor]


def decider(indices: Sequence[Sequence[int]], aggregation: str = "mean") -> Decide:
    """Make the function from logits to scores of categories.

    Parameters
    ----------
    indices : sequence of sequences of int
        Output indices of each category.
    aggregation : str
        ``mean``, ``sum`` or ``max`` of the class probabilities (softmax over all outputs), or
        ``mean_logits``.

    Returns
    -------
    callable
        Logits (B, outputs) to scores (B, len(indices)), float32. Rows with an undefined logit stay
        undefined.

    Raises
    ------
    InputError
        If there is no such aggregation.
    """
    if aggregation not in AGGREGATIONS:
        raise InputError(
            f"aggregation '{aggregation}' is unknown{nearest(aggregation, AGGREGATIONS)}"
        )
    groups = [torch.as_tensor(list(group), dtype=torch.long) for group in indices]

    def decide(logits: Tensor) -> Tensor:
        values = logits.float()
        if aggregation != "mean_logits":
            values = values.softmax(1)
        reduced = []
        for group in groups:
            members = values[:, group.to(values.device)]
            if aggregation == "sum":
                reduced.append(members.sum(1))
            elif aggregation == "max":
                reduced.append(members.amax(1))
            else:
                reduced.append(members.mean(1))
        return torch.stack(reduced, 1)

    return decide


def probabilities(logits: Tensor) -> Tensor:
    """Decide between the outputs themselves: softmax, float32."""
    return logits.float().softmax(1)


def between(network: Network, shown: Iterable[str], aggregation: str = "mean") -> Network:
    """The network as it decides between the classes that a set of images shows.

    A network that we trained on ImageNet decides between WordNet ids, as its test images ask for.
    Shown the published stimuli it decides between their 16 categories, of which each has the
    outputs of those of its classes that the network knows. A subject that is asked, and says no classes of
    its own, decides between those that are shown. Any other network stays as it is.

    Parameters
    ----------
    network : Network
    shown : iterable of str
        Classes in the labels of the images; ``na`` does not count.
    aggregation : str
        As in `decider`.
    """
    wanted = set(shown) - {ABSENT}
    if network.asked is not None:
        return network.asked.deciding(network, wanted)
    own = network.classes or ()
    if wanted <= set(own) or not wanted <= set(imagenet16.CATEGORIES):
        return network
    place = {name: number for number, name in enumerate(own)}
    groups: dict[str, list[int]] = {}
    for wnid, _, category in imagenet16.table():
        if wnid in place:
            groups.setdefault(category, []).append(place[wnid])
    groups = {category: groups[category] for category in sorted(groups)}
    if len(groups) < 2:
        return network
    return replace(
        network,
        classes=tuple(groups),
        decide=decider(list(groups.values()), aggregation),
        categories=groups,
    )


def for_images(network: Network, labels: pd.DataFrame, aggregation: str | None = None) -> Network:
    """The network as it decides about a set of images: `between` the classes of their labels.

    Every measure of decisions asks the network so, in an experiment and in a survey.

    Parameters
    ----------
    network : Network
    labels : DataFrame
        Of the images; columns ``shape`` and ``texture``.
    aggregation : str, optional
        As in `decider`; the mean by default.
    """
    shown = {*labels["shape"].astype(str), *labels["texture"].astype(str)}
    return between(network, shown, aggregation or "mean")


def read_class_map(
    given: str | Path | Mapping[Any, Any],
    outputs: int,
    labels: Sequence[str] | None = None,
    place: str | Path = "",
) -> dict[str, list[int]]:
    """Read a class map: YAML, category to a list of output indices or output labels.

    Letters and their marks become one in the names of the categories, see `names.composed`.

    Parameters
    ----------
    given : path of the YAML file, or what it holds
    outputs : int
        Number of the network's outputs.
    labels : sequence of str, optional
        Names of the outputs.
    place : path, optional
        Where what is given stands, for messages.

    Raises
    ------
    InputError
        If an index is out of range or used twice, a label is unknown or names several outputs, or two
        categories have one name.
    """
    from texshape.parameters import read_yaml

    content = given if isinstance(given, Mapping) else read_yaml(given)
    path = f"{place}: outputs" if isinstance(given, Mapping) else given
    table: dict[str, list[int]] = {}
    owner: dict[int, str] = {}
    for key, members in content.items():
        category = composed(str(key))
        if (
            category in table
        ):  # `1` and `'1'` are two keys of YAML, and 'é' can be written in two ways
            raise InputError(f"{path}: category '{category}' stands there twice")
        if not isinstance(members, list) or not members:
            raise InputError(f"{path}: '{category}': expected a list of output indices or labels")
        found = [_index(path, category, member, outputs, labels) for member in members]
        for index in found:
            if index in owner:
                raise InputError(
                    f"{path}: output {index} belongs to '{owner[index]}' and to '{category}'"
                )
            owner[index] = category
        table[category] = found
    if len(table) < 2:
        raise InputError(f"{path}: expected at least two categories, found {len(table)}")
    return table


def _index(
    path: object, category: object, member: object, outputs: int, labels: Sequence[str] | None
) -> int:
    if isinstance(member, int) and not isinstance(member, bool):
        if not 0 <= member < outputs:
            raise InputError(
                f"{path}: '{category}': output {member} does not exist; the network has {outputs} "
                f"(0 to {outputs - 1})"
            )
        return member
    if labels is None:
        raise InputError(
            f"{path}: '{category}': the outputs have no names, give indices instead of '{member}'"
        )
    places = [index for index, label in enumerate(labels) if label == member]
    if len(places) != 1:
        problem = f"names the outputs {places}, give the index" if places else "is no output"
        raise InputError(
            f"{path}: '{category}': '{member}' {problem}"
            f"{'' if places else nearest(str(member), labels)}"
        )
    return places[0]
