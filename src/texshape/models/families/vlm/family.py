"""A vision-language model behind an address: ``vlm:MODEL``, or ``vlm:MODEL@WORDING``."""

from __future__ import annotations

from difflib import get_close_matches

from texshape.errors import InputError
from texshape.models.families.base import ASKED, Family, ModelName
from texshape.vlm.questions import NEUTRAL, WORDINGS


class Behind(Family):
    """What models are called may hold an ``@`` too."""

    def parse(self, text: str, rest: str, expected: str) -> ModelName:
        if not rest:
            return super().parse(text, rest, expected)
        model, _, wording = rest.rpartition("@")
        if model and wording in WORDINGS:
            return ModelName(text, self.name, model, wording)
        if model and (meant := get_close_matches(wording, WORDINGS, cutoff=0.7)):
            raise InputError(f"model '{text}': no wording '{wording}'; did you mean '{meant[0]}'?")
        return ModelName(text, self.name, rest)

    def shown(self, name: ModelName) -> str:
        return f"{name.architecture} (asked {name.tag or NEUTRAL})"


FAMILY = Behind(
    name="vlm",
    form="MODEL",
    about="a vision-language model behind an address",
    example="`vlm:MODEL` ([how to](vlm.md))",
    kind=ASKED,
    slug_prefix="vlm-",
    label=NEUTRAL,
)
