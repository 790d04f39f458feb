"""Networks of torchvision, with its default weights: ``torchvision:resnet50``."""

from __future__ import annotations

from texshape.models.families.base import LIBRARY, Family

FAMILY = Family(
    name="torchvision",
    form="NAME",
    about="torchvision",
    example="`torchvision:resnet50`",
    kind=LIBRARY,
    lists=True,
)
