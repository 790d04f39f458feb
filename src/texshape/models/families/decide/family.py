"""A function of the user's from pictures to the names of their classes: ``decide:MODULE:CALLABLE``."""

from __future__ import annotations

from texshape.models.families.base import ASKED, Family

FAMILY = Family(
    name="decide",
    form="MODULE:CALLABLE",
    about="a function of yours that answers with class names",
    example="`decide:MODULE:CALLABLE` ([below](#a-function-that-decides))",
    kind=ASKED,
    label="asked",
)
