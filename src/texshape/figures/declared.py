"""The figures that belong to no technique: of pictures and training, of decisions, and of all side by side.

Those of a technique stand in its own declaration. Nothing here imports a drawing library.
"""

from __future__ import annotations

from texshape.techniques.base import Figure

#: for `texshape.source_code`
DYNAMIC_IMPORTS = ("texshape.figures.MODULE:",)

FIGURES = (
    Figure(
        name="at_a_glance",
        tables=("comparison", "readout"),
        draw="texshape.figures.at_a_glance:decides_knows_uses",
        caption="What each network decides by, what a linear reader finds of either cue in its last stage, "
        "and which share of the decisions for a cue is lost when what was read is erased, beyond "
        "what erasing meaningless groupings costs. Means over seeds, small markers seeds, lines the "
        "range of their intervals.",
        chapter="0 Article",
    ),
    Figure(
        name="training",
        tables=("training",),
        draw="texshape.figures.training:curves",
        caption="Accuracy on validation images by epoch, for the kind of images that each network is "
        "trained on. Thin lines are seeds, thick lines their means.",
        chapter="1 Data and training",
        needs="trained",
    ),
    Figure(
        name="accuracy",
        tables=("accuracy",),
        draw="texshape.figures.accuracy:by_set",
        caption="Accuracy on every test set, mean over seeds, with the range over seeds below it. "
        "Each column names the cue whose label counts as right.",
        chapter="1 Data and training",
    ),
    Figure(
        name="stylization_fitness",
        tables=("stylization_fitness",),
        draw="texshape.figures.fitness:by_set",
        caption="Accuracy on new images of the kind that a network was trained on, full networks "
        "against networks of small receptive field. Where local patches tell the class, both "
        "are near each other.",
        chapter="1 Data and training",
    ),
    Figure(
        name="contact_sheet",
        caption="Images of every class in every set. In plain images shape and texture name the same "
        "class; in cue-conflict images they disagree; silhouettes and texture patches hold "
        "one cue alone.",
        chapter="1 Data and training",
        pictures=True,
    ),
    Figure(
        name="stylization",
        caption="Content, style and result of neural style transfer, at even distances over the test "
        "images. Styles of training, validation and test images are different ones.",
        chapter="1 Data and training",
        pictures=True,
    ),
    Figure(
        name="stylization_conflict",
        caption="Cue-conflict images made by style transfer: the shape exemplar, the texture exemplar "
        "and what came of them; where the renderer drew the same conflict, its image stands "
        "below.",
        chapter="1 Data and training",
        pictures=True,
    ),
    Figure(
        name="shape_bias",
        tables=("shape_bias", "shape_bias_by_class", "accuracy"),
        draw="texshape.figures.shape_bias:by_arm",
        caption="Shape bias of every network that was trained on the base pictures or measured as it is: each "
        "marker one seed with its interval. The share of decisions that match either cue and the accuracy on "
        "a single cue stand beside it, since a bias says little without them. The table has the name of each "
        "bias, and what it rests on.",
        chapter="2 What decides",
    ),
    Figure(
        name="shape_bias_by_class",
        tables=("shape_bias", "shape_bias_by_class"),
        draw="texshape.figures.shape_bias:by_class",
        caption="Share of shape decisions by class of the shape, drawn after Geirhos et al. (2019). "
        "Upright lines are the shares over all images.",
        chapter="2 What decides",
    ),
    Figure(
        name="published_comparison",
        tables=("shape_bias", "shape_bias_by_class"),
        draw="texshape.figures.comparison:with_published",
        caption="Humans, published networks and the networks measured here on the published "
        "cue-conflict stimuli, in the order of their shape bias, with intervals and cue match "
        "rates.",
        chapter="2 What decides",
        needs="published",
    ),
    Figure(
        name="published_answers",
        tables=("published_answers",),
        draw="texshape.figures.answers:by_subject",
        caption="Models that were asked, CLIP-like models and classifiers whose answers to the published "
        "cue-conflict stimuli others published, beside humans: shape bias and consistency with humans "
        "with intervals, cue match rates, and the date where it is known. Of several prompts one is "
        "drawn; the table has all.",
        chapter="2 What decides",
        needs="published",
    ),
    Figure(
        name="conflict_sets",
        tables=("shape_bias_by_set", "shape_bias_by_class"),
        draw="texshape.figures.conflict_sets:by_set",
        caption="Shape bias and cue matches of the same networks on conflict images of the same "
        "exemplars made in different ways. The bias on one set says little where few "
        "decisions match a cue, and nothing where congruent pictures made in the same way are "
        "not recognised.",
        chapter="2 What decides",
    ),
    Figure(
        name="controls",
        tables=("shape_bias", "shape_bias_by_class"),
        draw="texshape.figures.controls:difficulty",
        caption="Shape bias of networks trained in the same way on plain pictures whose textures turn "
        "more freely or whose colours vary more, tested on pictures drawn alike: training and "
        "test change together. The table controls crosses them, network by picture, over the "
        "same exemplars.",
        chapter="2 What decides",
        needs="controls",
    ),
    Figure(
        name="disagreement",
        tables=("disagreement",),
        draw="texshape.figures.disagreement:by_network",
        caption="Decisions on conflict images, split by whether the cue could be read from the last "
        "stage. The tick is where the full colour would end if reading and deciding were "
        "independent; the table has the difference from it with its interval.",
        chapter="3 What is known and used",
    ),
    Figure(
        name="disagreement_images",
        caption="Conflict images on which most seeds decide for one cue although the other can be "
        "read.",
        chapter="3 What is known and used",
        pictures=True,
    ),
    Figure(
        name="measure_against_measure",
        tables=("comparison", "correlations"),
        draw="texshape.figures.measure_against_measure:scatter",
        caption="One measure against another: large points are networks, means over seeds with lines over "
        "their range, small ones seeds. Coefficients stand only where there are enough networks; the table "
        "also has those among networks with the same training images, and marks pairs that their definitions "
        "tie to each other. Names stand where they have room.",
        chapter="6 Side by side",
    ),
    Figure(
        name="agreement",
        tables=("agreement",),
        draw="texshape.figures.agreement:matrix",
        caption="Every measure against every other over networks: green where both order networks alike, "
        "purple where contrary, each turned so that more means more shape. Full squares are "
        "decided, small ones are not, outlines are tied by what they are.",
        chapter="6 Side by side",
    ),
    Figure(
        name="layer_by_epoch",
        tables=("readout", "dimensionality"),
        draw="texshape.figures.layer_by_epoch:heat_maps",
        caption="What each stage holds at each checkpoint: read-outs of shape and texture, and "
        "information in its units.",
        chapter="6 Side by side",
    ),
)
