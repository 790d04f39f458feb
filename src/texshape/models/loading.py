"""Load a network by its name: `timm:NAME`, `torchvision:NAME`, ..., or a checkpoint by its path.

    network = load("torchvision:resnet50")
    scores = network.decide(network.module(network.preprocess(images)))

Weights load with ``weights_only=True``: a file of weights runs no code, unlike `python:`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from texshape.config.evaluation import EvaluationSettings, Presentation
from texshape.errors import InputError
from texshape.models import attributes, cards, fitted, imagenet, names, outputs, user_code
from texshape.models.cards import Card
from texshape.models.decisions import decider, probabilities, read_class_map
from texshape.models.families.loaded import Loaded, loaded_by_name, loader, said_by
from texshape.models.modules import duplicate, frozen, unwrapped
from texshape.models.network import Network
from texshape.models.preprocessing import Own, preprocess
from texshape.models.stages import find_stages, resolve
from texshape.notices import note, warn
from texshape.trials.deciding import READOUT
from texshape.trials.names import composed


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
        Model name, see `texshape.models.names`. One after ``readout:`` decides nothing before its read-out is
        fitted (`texshape.decision_readout`); the file of a fitted one is a name too.
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
    if parsed.source == names.FITTED:
        of, read_out = fitted.open_file(parsed.architecture)
        bare = replace(load(of, seed=seed, weights=weights, settings=chosen), slug=slug)
        return fitted.attach(bare, read_out) if weights else bare
    if names.is_asked(parsed):
        of_family = loader(parsed.source)
        return of_family.load(parsed, slug, weights=weights, class_map=chosen.class_map)
    if parsed.readout and chosen.class_map:
        chosen = chosen.replace(class_map=None)  # it is for networks that decide by their outputs
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        loaded = loaded_by_name(parsed, weights)
    if loaded.assumed and weights:
        note(
            name,
            "says no mean and std of its input, so ImageNet's are taken; a network card can say others",
        )
    network = _network(name, slug, loaded, chosen)
    user_code.remember()  # what was imported when the network ran
    if parsed.readout:
        return undecided(network)
    if weights:  # once: the untrained network reads the same map
        _warn_of_class_map(network, chosen.class_map)
    return network


def undecided(network: Network, why: str = "its read-out is not fitted yet") -> Network:
    """A network without the decisions that it makes itself, which is to decide by a read-out."""
    return replace(
        network,
        classes=None,
        decide=None,
        categories=None,
        outputs_are=READOUT,
        without_decision=why,
    )


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
        said_by(name, module, classes, Own(own_pipeline.size) if own_pipeline else None),
        chosen,
    )
    _warn_of_class_map(network, chosen.class_map)
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


def _network(name: str, slug: str, loaded: Loaded, settings: EvaluationSettings) -> Network:
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
        outputs_are=loaded.outputs_are,
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


def _decision(network: Network, loaded: Loaded, settings: EvaluationSettings) -> dict[str, Any]:
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
    name: str, loaded: Loaded, labels: Sequence[str] | None, width: int | None
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
