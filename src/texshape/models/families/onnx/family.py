"""ONNX files, weights included: ``onnx:FILE``."""

from __future__ import annotations

from texshape.models.families.base import FILE, OfFile

FAMILY = OfFile(
    name="onnx",
    form="FILE",
    about="an ONNX file",
    example="`onnx:network.onnx` ([below](#an-onnx-file))",
    kind=FILE,
    hints={".onnx": "an ONNX file is named onnx:{}"},
    holds_architecture=True,
)
