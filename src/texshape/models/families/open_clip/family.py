"""Zero-shot networks of open_clip: ``open_clip:ViT-B-32/openai``, its tag of weights after the slash."""

from __future__ import annotations

from texshape.models.families.base import LIBRARY, Family

FAMILY = Family(
    name="open_clip",
    form="NAME",
    about="open_clip, zero-shot by 16 class prompts",
    example='`open_clip:ViT-B-32/openai` (`pip install -e ".[clip]"`)',
    kind=LIBRARY,
    tag="/",
    slug_prefix="clip-",
)
