"""Table of the choices by likeness."""

from __future__ import annotations

from texshape.tables import FRONT, Column, Table, interval

TRIPLETS = Table(
    name="triplets",
    about="one stage, match and centring",
    columns=(
        Column("stage", "text", "stage of the network; `pixels` are the images"),
        Column("match", "text", "what stands for a cue: another exemplar of its class, or the very exemplar"),
        Column("centred", "flag", "whether the mean over pictures was subtracted"),
        Column("shape_share", "number", "share of choices for the picture of the same shape", "fraction"),
        *interval("shape_share", how="over exemplars"),
        Column("chance", "number", "share without any likeness", "fraction"),
        Column("n_units", "whole", "features of a picture"),
        Column("n_anchors", "whole", "pictures that are anchors"),
        Column("n_triplets", "whole", "triplets that they make"),
        Column("reason", "text", "why there is no share"),
    ),
    front=(*FRONT, "epoch"),
    keys=("stage", "match", "centred"),
)  # fmt: skip
