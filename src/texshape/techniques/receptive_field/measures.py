"""What the receptive field adds to the comparison."""

from __future__ import annotations

from texshape.techniques.base import Measure

MEASURES = (
    Measure(
        name="receptive_field",
        label="effective receptive field",
        unit="px",
        table="receptive_field",
        value="effective_trained",
        interval=(),
        n="n_images",
        source="effective, trained, last stage ({stage})",
    ),
)
