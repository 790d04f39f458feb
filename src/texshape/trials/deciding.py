"""How a subject's decisions come about, by the names that tables give it."""

from __future__ import annotations

from texshape.tables import Column

CLASSES, ZERO_SHOT, ASKED = "classes", "zero-shot", "asked"
#: name -> in words, as figures and texts print it
WORDS = {
    CLASSES: "classifier",
    ZERO_SHOT: "CLIP zero-shot",
    ASKED: "asked",
}
DECIDES_BY = Column(
    "decides_by",
    "text",
    "how its decisions come about: `classes` (its own outputs), `zero-shot` (the nearest text of a class), "
    "`asked` (multiple choice, or a function); empty for humans and where there are none",
)
