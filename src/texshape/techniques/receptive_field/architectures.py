"""The published table of receptive fields (Araujo et al. 2019), and those by our own tracer.

``architectures.csv`` holds facts with their sources: receptive field and operations from the
authors' repository (https://github.com/google-research/receptive_field), accuracy on ImageNet
(top-1, one crop) from the models that they measured (https://github.com/tensorflow/models,
research/slim) or from torchvision's description of its weights. An operation in their table is half
a multiply-add. What could not be verified is empty.
"""

from __future__ import annotations

import warnings
from importlib.resources import files
from typing import Any

import pandas as pd

from texshape.techniques.receptive_field.tables import ARCHITECTURES


def published() -> pd.DataFrame:
    """The table of facts.

    Returns
    -------
    DataFrame
        ``architecture, library`` (tf-slim or torchvision), ``year`` (of the paper),
        ``receptive_field`` (px, as published), ``top1`` (fraction), ``multiply_adds`` (10^9),
        ``traced`` (name of the network that our tracer measures), ``source``.
    """
    with files("texshape.techniques.receptive_field").joinpath("architectures.csv").open() as lines:
        return pd.read_csv(lines, keep_default_na=False, na_values=[""])


def measured() -> pd.DataFrame:
    """The table of facts with the fields that our tracer finds, columns of `ARCHITECTURES`.

    The traced networks are those of torchvision and timm. ``texshape`` is the side in pixels at the
    last map through local paths (squeeze-and-excitation left out, said in ``reason``), empty where
    the map is global.
    """
    from texshape.techniques.receptive_field.theoretical import trace

    table = published()
    sizes: dict[str, tuple[float, str]] = {}
    for name in table["traced"].dropna().unique():
        field = trace(_build(name), {}, image_size=320).last
        sizes[name] = (float("nan") if field.size is None else field.size, field.reason)
    table["texshape"] = [sizes.get(name, (float("nan"), ""))[0] for name in table["traced"]]
    table["reason"] = [sizes.get(name, (float("nan"), ""))[1] for name in table["traced"]]
    return table[ARCHITECTURES.names].astype({"texshape": "Int64", "receptive_field": "Int64"})


def _build(name: str) -> Any:
    """The network without weights, where it can be built so: the tracer needs none."""
    import torch

    library, _, architecture = name.partition(":")
    if library == "timm":
        from timm import create_model as create

        options: dict[str, Any] = {"pretrained": False}
    else:
        from torchvision.models import get_model as create

        options = {"weights": None}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # both libraries announce changes of their initial weights
        try:
            with torch.device("meta"):
                return create(architecture, **options).eval()
        except (NotImplementedError, RuntimeError):  # some compute their widths with tensors
            return create(architecture, **options).eval()
