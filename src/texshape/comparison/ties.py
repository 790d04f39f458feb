"""Which measures are tied by what they are, so that how they order networks alike is no finding.

Measures of several techniques, or several of one, are tied here. A measure that is tied to another whatever
is measured beside it, as a change is to what it starts from, says so where it is declared
(`texshape.techniques.base.Measure`, ``tied``).
"""

from __future__ import annotations

from collections.abc import Mapping

from texshape.comparison.measures import MEASURES
from texshape.techniques.base import Measure

#: pairs of measures that cannot vary freely -> why
COUPLED = {
    frozenset(("shape_bias", "used_shape")): "at most the share of decisions for shape",
    frozenset(("shape_bias", "balance_point")): "a curve through the same decisions",
    frozenset(("shape_bias", "stylized_accuracy")): "some arms were trained on such images",
    frozenset(("shape_bias", "silhouette_accuracy")): "some arms were trained on such images",
    frozenset(("readout_shape", "information_shape")): "the same activations",
    frozenset(("cue_match_rate", "response_entropy")): "the same decisions",
}

#: groups of measures that are tied, each to each other -> why
TIES = {
    ("readout_shape", "readout_shape_best", "information_shape", "islam2021_score_shape",
     "islam2021_share_shape"): "the same activations",
    ("readout_texture", "readout_texture_best", "information_texture", "islam2021_score_texture",
     "islam2021_share_texture"): "the same activations",
    ("islam2021_share_shape", "islam2021_share_texture",
     "islam2021_share_residual"): "shares of one whole",
    ("islam2021_score_shape", "islam2021_score_texture", "islam2021_share_residual"):
        "parts of one whole",
    ("corruption_accuracy", "corruption_error_ratio"): "the same decisions",
    ("error_consistency", "error_consistency_17"): "one is a part of the other",
    ("channel_bandwidth", "published_bandwidth"): "the same answers",
    ("configural_loss_joined", "configural_loss_apart"): "the same accuracy on wholes",
}  # fmt: skip


def tie(first: str, second: str, declared: Mapping[str, Measure] = MEASURES) -> str:
    """What ties two measures by what they are; empty where nothing does.

    Parameters
    ----------
    first, second : str
        Names of measures, in either order; one that is not declared is tied by its name alone.
    declared : mapping of str to Measure
        Measures by name.
    """
    if found := COUPLED.get(frozenset((first, second))):
        return found
    for one, other in ((first, second), (second, first)):
        if one in declared and other in declared[one].tied:
            return declared[one].tied[other]
    return next((why for names, why in TIES.items() if {first, second} <= {*names}), "")
