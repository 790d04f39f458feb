"""Load a network of transformers."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from texshape.errors import InputError, first_line, nearest_path
from texshape.models import attributes, imagenet
from texshape.models.families.base import ModelName
from texshape.models.families.downloads import fetching, package
from texshape.models.families.loaded import BlueFirst, Loaded
from texshape.models.weight_files import load_into


def load(name: ModelName, weights: bool) -> Loaded:
    """See `texshape.models.families.loaded.loader`."""
    package(name, "transformers", extra="hf")
    from texshape.models import hf_networks

    source, pretrained = name.architecture, weights and name.weights is None
    local = Path(source).is_dir()
    if not local and (source.startswith((".", "/", "~")) or source.count("/") > 1):
        raise InputError(f"model '{name.text}': no such folder: {source}{nearest_path(source)}")
    try:
        with fetching(name, not local, hub=True, listed=False):
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
