"""Names of networks: the one module that parses them; free of torch, so that Snakemake can ask it.

Most have the prefix of a family, ``timm:resnet50`` (`texshape.models.families` has a folder each). Without one
it is the path of a file:

- ``results/procedural/cnn--plain/seed-0/final.pt``: a checkpoint of ours;
- ``card.yaml``: a network card (`texshape.models.cards`);
- ``decisions.readout.npz``: a network with the read-out by which it decides, as an experiment has fitted it.

``readout:NAME``, before any of these that is not asked, is the same network, which decides by a linear read-out
of photographs and not by its own classes. All but files and what is asked may end in ``@PATH``: weights from
this local file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from texshape.errors import InputError, nearest
from texshape.models.families import registry
from texshape.models.families.base import ASKED, ModelName

#: before the name of a network that decides by a linear read-out, and of the file of a fitted one
READOUT = "readout"
FITTED, FITTED_SUFFIX = "fitted", ".readout.npz"
_WEIGHTS_ALONE = "a file of weights does not say its architecture; name it first, SOURCE:NAME@{}"
_WEIGHTS = (".pth", ".safetensors", ".bin", ".ckpt")


def parse(text: str) -> ModelName:
    """Take a model's name apart.

    Raises
    ------
    InputError
        If the prefix is unknown or missing, or a part is empty.
    """
    text = str(text)
    prefix, colon, rest = text.partition(":")
    if colon and prefix == READOUT:
        return _read_out(text, rest)
    if text.endswith(FITTED_SUFFIX):
        return ModelName(text, FITTED, text, weights=Path(text), readout=True)
    known = registry.with_prefix()
    if colon and prefix in known:
        return known[prefix].parse(text, rest, _expected())
    if (family := registry.by_suffix(text)) is not None:
        return family.parse(text, text, _expected())
    if colon and re.fullmatch(r"\w+", prefix):
        raise InputError(
            f"model '{text}': unknown prefix '{prefix}:'{nearest(prefix, known) or _expected()}"
        )
    if (suffix := Path(text).suffix.lower()) in (said := file_hints()):
        raise InputError(f"model '{text}': {said[suffix].format(text)}")
    raise InputError(f"model '{text}': {_expected()}")


def is_asked(name: ModelName) -> bool:
    """Whether nothing but answers can be seen of a network."""
    return name.source != FITTED and registry.families()[name.source].kind == ASKED


def needs_fitting(name: ModelName) -> bool:
    """Whether a read-out is yet to be fitted by which it decides: ``readout:NAME``, and no file of one."""
    return name.readout and name.source != FITTED


def file_hints() -> Mapping[str, str]:
    """Suffix of a file that is no name of a network to what is said of it."""
    return {**registry.hints(), **dict.fromkeys(_WEIGHTS, _WEIGHTS_ALONE)}


def _read_out(text: str, rest: str) -> ModelName:
    """The name of a network that decides by a read-out."""
    if not rest:
        raise InputError(f"model '{text}': no name after '{READOUT}:'; {_expected()}")
    inner = parse(rest)
    if inner.readout:
        raise InputError(f"model '{text}': '{rest}' decides by a read-out already")
    if is_asked(inner):
        raise InputError(
            f"model '{text}': '{rest}' gives answers only, and has no activations from which decisions "
            "could be read"
        )
    return replace(inner, text=text, readout=True)


def slug(text: str, *, weights: bool = True) -> str:
    """Folder and subject name of a network: ``architecture--weights``.

    Parameters
    ----------
    text : str
        The full name.
    weights : bool
        False names the untrained network: ``architecture--random``.

    Returns
    -------
    str
        ``resnet50--default`` (torchvision), ``timm-resnet50--a1_in1k``,
        ``efficientnet-lite0--imagenet``, the folder ``architecture--arm`` of a checkpoint of ours;
        ``readout-`` stands before that of a network that decides by a read-out.
        Where characters had to go, and for local weights, six digits of a hash keep networks apart.

    Examples
    --------
    >>> slug("torchvision:resnet50"), slug("torchvision:resnet50", weights=False)
    ('resnet50--default', 'resnet50--random')
    """
    name = parse(text)
    if name.source == FITTED:  # it lies in the folder of its run
        return registry.families()["checkpoint"].slug(name, weights)
    if name.readout:
        return f"{READOUT}-{slug(text.partition(':')[2], weights=weights)}"
    return registry.families()[name.source].slug(name, weights)


def _expected() -> str:
    return f"expected {registry.forms()}; {READOUT}: before it for decisions by a read-out"
