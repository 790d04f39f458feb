"""Table of accuracy under the suppression of cues."""

from __future__ import annotations

from texshape.tables import REASON, Column, Table, interval

SUPPRESSION = Table(
    name="suppression",
    about="a way to suppress a cue, in one degree",
    columns=(
        Column("set", "text", "name of the images"),
        Column("shows", "text", "cues of the images: `both`, `shape` or `texture`; a cue that they do not show "
               "cannot be taken from them, and the row is a control"),
        Column("suppression", "text", "how a cue is suppressed; `none`: the images as they are"),
        Column("suppresses", "text", "the cues that it suppresses, joined by `+`"),
        Column("degree", "whole", "number of the degree, from 1, the weakest; 0: the images as they are"),
        Column("constants", "text", "constants of the degree, for images of 224 px"),
        Column("accuracy", "number", "share of the suppressed images that are recognised", "fraction"),
        *interval("accuracy", "accuracy", how="over exemplars"),
        Column("intact", "number", "share of the same images that are recognised as they are", "fraction"),
        Column("kept", "number", "`accuracy` over `intact`"),
        *interval("kept", "kept", "", "the same exemplars drawn for both"),
        Column("kept_by_chance", "number", "what guessing would keep"),
        Column("n_images", "whole", "images"),
        REASON,
    ),
    keys=("set", "suppression", "degree"),
)  # fmt: skip
