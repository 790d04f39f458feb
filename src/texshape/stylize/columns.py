"""What the columns of the tables hold that judge a stylization."""

from __future__ import annotations

from texshape.tables import Column, Table, interval

STYLIZATION_FITNESS = Table(
    "stylization_fitness",
    "a stylized set and a network that trains and tests on it, then the row `difference`",
    (
        Column("set", "text", "stylized set"),
        Column("engine", "text", "what made it, such as `adain` or `renderer`"),
        Column("weights", "text", "weights of the engine; empty where it has none"),
        Column(
            "role",
            "text",
            "`full` or `limited` (in its receptive field), or `difference` of the two",
        ),
        Column("model", "text", "the network; empty for the difference"),
        Column("architecture", "text", "its architecture"),
        Column("arm", "text", "what it was trained on"),
        Column("seed", "whole", "number of the training"),
        Column("accuracy", "number", "share of test images decided rightly", "fraction"),
        *interval("accuracy", how="images resampled"),
        Column("n", "whole", "images"),
        Column("chance", "number", "accuracy of guessing: 1 / classes", "fraction"),
    ),
    keys=("set", "model", "seed"),
    front=(),
)
RECONSTRUCTION = Table(
    "reconstruction",
    "a stylization, a kind of images and a method to reconstruct them",
    (
        Column("stylization", "text", "name of the stylization"),
        Column("encoder", "text", "encoder whose features are decoded"),
        Column("layer", "text", "layer of the encoder"),
        Column("stride", "whole", "pixels a feature, each way", "px"),
        Column("images", "text", "`content` or `style`"),
        Column(
            "method",
            "text",
            "`decoder`, or what knows less: `mean image`, `mean colour` (the image's own), `blur`",
        ),
        Column("mse", "number", "mean squared error of pixels in [0, 1]", "squared intensity"),
        Column("psnr", "number", "peak signal-to-noise ratio, of the mean `mse`", "dB"),
        Column("n", "whole", "images"),
    ),
    keys=("stylization", "encoder", "layer", "stride", "images", "method"),
    front=(),
)
