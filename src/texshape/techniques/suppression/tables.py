"""Tables of accuracy under the suppression of cues."""

from __future__ import annotations

from texshape.tables import REASON, Column, Table, interval

_WHICH = (
    Column("set", "text", "name of the images"),
    Column("suppression", "text", "how a cue is suppressed; `none`: the images as they are"),
    Column("suppresses", "text", "the cues that it suppresses, joined by `+`"),
    Column(
        "degree", "whole", "number of the degree, from 1, the weakest; 0: the images as they are"
    ),
)

SUPPRESSION = Table(
    name="suppression",
    about="a way to suppress a cue, in one degree",
    columns=(
        _WHICH[0],
        Column("shows", "text", "cues of the images: `both`, `shape` or `texture`; a cue that they do not show "
               "cannot be taken from them, and the row is a control"),
        *_WHICH[1:],
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

SUPPRESSION_AGREEMENT = Table(
    name="suppression_agreement",
    about="a way to suppress a cue, in one degree, over all networks (of `estimate.agreement`; no step "
    "writes it)",
    columns=(
        *_WHICH,
        Column(
            "spearman", "number", "rank correlation over networks of `kept` with the shape bias"
        ),
        Column("p", "number", "two-sided p-value by dealing biases out anew"),
        Column("p_holm", "number", "the same, adjusted for all rows by Holm"),
        Column("n_networks", "whole", "networks, each the mean of its trainings"),
        REASON,
    ),
    keys=("set", "suppression", "degree"),
    front=(),
)
