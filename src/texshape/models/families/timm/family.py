"""Networks of timm: ``timm:resnet50`` by default weights, ``timm:resnet50.a1_in1k`` by a tag."""

from __future__ import annotations

from texshape.models.families.base import LIBRARY, Family

FAMILY = Family(
    name="timm",
    form="NAME",
    about="timm",
    example="`timm:convnext_tiny`, or with particular weights `timm:resnet50.a1_in1k`",
    kind=LIBRARY,
    tag=".",
    slug_prefix="timm-",  # torchvision uses the same names, for networks that are not the same
    lists=True,
)
