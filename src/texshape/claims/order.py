"""Which modules make the claims, in the order of the article's text.

A technique's are in ``claims.py`` of its folder, at the part of the article at which its section stands; what
belongs to no single technique has its module in `texshape.claims.sections`.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from texshape.techniques import registry
from texshape.techniques.base import Technique
from texshape.techniques.sections import FURTHER, PARTS, Typst

DYNAMIC_IMPORTS = (
    "texshape.techniques.*.technique",
    "texshape.techniques.*.claims",
    "texshape.claims.sections.*",
)

#: sections of no single technique, and between them the parts (`PARTS`) at which those of techniques stand
TEXT = (
    "first-look",
    "trained",
    "local-patches",
    "fields",
    "pieces",
    "decisions",
    "published",
    "procedure",
    "knowledge",
    "comparison",
    "side-by-side",
    "consistency",
    "controls",
    "neural",
    "meaning",
    "further",
    "agreement",
    "limits",
    "summary",
)


@cache
def modules() -> dict[str, ModuleType]:
    """Section of the article to the module of its claims; a later one may build on verdicts of those before.

    At one part techniques follow each other as the registry lists them. A section has its technique's name, or
    what the module calls it (``SECTION``).
    """
    found = {}
    for place in TEXT:
        if place not in PARTS:
            name = place.replace("-", "_")
            found[place] = import_module(f"texshape.claims.sections.{name}")
            continue
        for technique in map(registry.get, registry.OURS):
            module = f"texshape.techniques.{technique.name}.claims"
            if _part(technique) == place and find_spec(module) is not None:
                claims = import_module(module)
                found[getattr(claims, "SECTION", technique.name)] = claims
    return found


def _part(technique: Technique) -> str:
    return technique.section.part if isinstance(technique.section, Typst) else FURTHER
