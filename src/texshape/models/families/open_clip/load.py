"""Load a network of open_clip, whose classes are prompts."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from texshape.errors import InputError, nearest
from texshape.models.families.base import ModelName
from texshape.models.families.downloads import fetching, package
from texshape.models.families.loaded import Loaded
from texshape.models.preprocessing import Own
from texshape.trials.deciding import ZERO_SHOT

PROMPT = "a photo of a {}"


def load(name: ModelName, weights: bool) -> Loaded:
    """See `texshape.models.families.loaded.loader`."""
    from texshape.trials import imagenet16

    library = package(name, "open_clip", pip="open_clip_torch")
    if name.architecture not in (known := library.list_models()):
        raise InputError(
            f"model '{name.text}': open_clip has no such network{nearest(name.architecture, known)}"
        )
    tags = library.list_pretrained_tags_by_model(name.architecture)
    if name.tag and name.tag not in tags:
        raise InputError(
            f"model '{name.text}': open_clip has no such weights{nearest(name.tag, tags)}"
        )
    if weights and name.weights is None and not (name.tag or tags):
        raise InputError(f"model '{name.text}': open_clip has no weights for it; give @PATH")
    source = str(name.weights) if name.weights else (name.tag or (tags[0] if tags else None))
    with fetching(name, weights and name.weights is None, hub=True):
        model = library.create_model(name.architecture, pretrained=source if weights else None)
    tokens = library.get_tokenizer(name.architecture)(
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
        std=tuple(getattr(model.visual, "image_std", None) or library.OPENAI_DATASET_STD),
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
