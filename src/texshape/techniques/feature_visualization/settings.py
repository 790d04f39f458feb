"""The section ``feature_visualization`` of the parameters."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from texshape.config.base import Count, NotNegative, Positive, Section, Share, Text, Values


class ImageOptimisation(Section):
    """How the images are optimised."""

    place = "feature_visualization"

    steps: Count = Field(description="Steps of Adam.")
    learning_rate: Positive = Field(description="Step size of Adam.")
    jitter: Share = Field(
        description="Largest shift, as a share of the image side (0.0714 is 16 px of 224)."
    )
    scale: Share = Field(description="Largest relative change of size.")
    rotation: NotNegative = Field(description="Largest rotation in degrees.")
    frequency_decay: NotNegative = Field(
        description="Power of one over frequency that scales the spectrum: 1 is the paper's, larger is "
        "smoother."
    )
    objective: Literal["channel", "centre"] = Field(
        description="Mean of a channel over its map, or its central unit."
    )


class FeatureVisualizationSettings(ImageOptimisation):
    """Images that excite units (Olah et al. 2017)."""

    channels: Count = Field(description="Channels a stage.")
    selection: Literal["seed", "variance"] = Field(
        description="Channels drawn by the seed, or those of highest variance."
    )
    images: Count = Field(description="Images on which the variance is measured.")
    stages: Values[Text] | None = Field(description="Stages to show; null for all.")
