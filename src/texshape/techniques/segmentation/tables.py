"""What the columns of the table of segmentation read-outs hold."""

from __future__ import annotations

from texshape.tables import FRONT, REASON, Column, Table, interval

SEGMENTATION = Table(
    "segmentation",
    "a stage, head, target and kind of training",
    (
        Column("stage", "text", "stage whose map is read"),
        Column(
            "head",
            "text",
            "reader on top of the map: `conv1` is one convolution of 3 x 3, `conv3` three layers",
        ),
        Column(
            "target",
            "text",
            "what is told apart: object and ground (`binary`), the class of its `shape` or "
            "`texture`, or the classes of photographs (`semantic`)",
        ),
        Column(
            "miou",
            "number",
            "mean intersection over union of all classes, background included",
            "fraction",
        ),
        *interval("miou"),
        Column("miou_foreground", "number", "the same without the background", "fraction"),
        Column(
            "mean_mask_miou",
            "number",
            "`miou` of the average mask of the training images, the same for every image",
            "fraction",
        ),
        Column("n_train", "whole", "images that the reader learned from"),
        Column(
            "n_test", "whole", "images that it is tested on; none shares an exemplar with those"
        ),
        Column("n_classes", "whole", "classes of the target"),
        Column(
            "bound",
            "text",
            "`readout`, or `end_to_end` where the whole network was trained for the target (briefly and "
            "on few images, so no upper bound)",
        ),
        REASON,
    ),
    keys=("stage", "head", "target", "bound"),
    front=(*FRONT, "epoch"),
)
