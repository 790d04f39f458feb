"""Load the network of an ONNX file."""

from __future__ import annotations

from pathlib import Path

from texshape.models import attributes, imagenet
from texshape.models.families.base import ModelName
from texshape.models.families.downloads import package
from texshape.models.families.loaded import Loaded


def load(name: ModelName, weights: bool) -> Loaded:
    """See `texshape.models.families.loaded.loader`."""
    package(name, "onnx", extra="onnx")
    package(name, "onnx2torch", extra="onnx")
    from texshape.models import onnx_files

    found = onnx_files.read(Path(name.architecture), name.text, attributes.SIZE, weights=weights)
    own = attributes.said(name.text, found.size, found.mean, found.std)
    labels = attributes.class_names(found.classes, name.text)
    if labels and imagenet.are_labels(labels):
        labels = imagenet.labels()
    return Loaded(found.module, own, labels, labels is not None, found.mean is None)
