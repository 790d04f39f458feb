"""The 1,000 classes of ILSVRC 2012, in the order in which networks give them.

`imagenet_classes.csv` holds index, WordNet id and English name. Ids stand in alphabetical order, as
in the challenge's development kit (Russakovsky et al. 2015, arXiv 1409.0575); names are the first
words of each synset, spelled as torchvision spells them (``weights.meta["categories"]``, 0.26).
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from importlib.resources import files

OUTPUTS = 1000


@lru_cache
def labels() -> tuple[str, ...]:
    """Names of the classes, in the order of the outputs; all of them differ."""
    with files("texshape.models").joinpath("imagenet_classes.csv").open(encoding="utf-8") as lines:
        return tuple(row["name"] for row in csv.DictReader(lines))


@lru_cache
def wordnet_ids() -> tuple[str, ...]:
    """WordNet ids of the classes, in the order of the outputs."""
    with files("texshape.models").joinpath("imagenet_classes.csv").open(encoding="utf-8") as lines:
        return tuple(row["wnid"] for row in csv.DictReader(lines))


def class_name(name: str) -> str:
    """A class as a reader knows it: the English name of a WordNet id, any other name as it is.

    >>> class_name("n02504458"), class_name("elephant")
    ('African elephant', 'elephant')
    """
    return _english().get(name, name)


@lru_cache
def _english() -> dict[str, str]:
    return dict(zip(wordnet_ids(), labels(), strict=True))


def outputs_of(classes: Mapping[str, Iterable[str]]) -> dict[str, tuple[int, ...]]:
    """Outputs that mean each class, given the WordNet ids of its kinds."""
    place = {wnid: index for index, wnid in enumerate(wordnet_ids())}
    return {name: tuple(place[wnid] for wnid in wnids) for name, wnids in classes.items()}


#: Numbers of outputs of ImageNet's larger sets, and timm's names for the lists of their WordNet ids: the whole
#: of autumn 2011 (21,841 sorted ids), Google's with two more, Microsoft's with the 1,000 first, and two parts.
LARGER = {
    21841: "imagenet-22k",
    21843: "imagenet-21k-goog",
    21842: "imagenet-22k-ms",
    11821: "imagenet-12k",
    11221: "imagenet-21k-miil",
}


@lru_cache
def larger_wordnet_ids(outputs: int) -> tuple[str, ...]:
    """WordNet ids of the outputs of networks trained on more of ImageNet than 1,000 classes.

    Parameters
    ----------
    outputs : int
        Their number, one of `LARGER`.
    """
    from timm.data import ImageNetInfo

    return tuple(ImageNetInfo(LARGER[outputs]).label_names())


def are_labels(names: Sequence[str]) -> bool:
    """Whether names of outputs are the 1,000 classes in their order, however they are spelled.

    Others have more of a synset's words (``tench, Tinca tinca``), or its WordNet id. Half of them must agree:
    spellings differ, and another order has hardly any at its place.
    """
    if len(names) != OUTPUTS:
        return False
    same = 0
    for name, label, wnid in zip(names, labels(), wordnet_ids(), strict=True):
        first = name.split(",")[0].strip().lower().replace("_", " ")
        same += first == label.lower() or name.startswith(wnid)
    return same >= OUTPUTS // 2
