"""How a subject's decisions come about, by the names that tables give it."""

from __future__ import annotations

CLASSES, ZERO_SHOT, READOUT, ASKED = "classes", "zero-shot", "readout", "asked"
#: name -> in words, as figures and texts print it
WORDS = {
    CLASSES: "classifier",
    ZERO_SHOT: "CLIP zero-shot",
    READOUT: "read-out",
    ASKED: "asked",
}
