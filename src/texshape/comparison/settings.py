"""Settings of the comparison, checked key by key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from texshape.errors import InputError, nearest
from texshape.techniques.readout.settings import INPUTS, at_least, fraction

#: the pairs of measures whose rank correlation is asked for, unless the parameters name others
CORRELATIONS = (
    ("shape_bias", "readout_shape"),
    ("shape_bias", "information_shape"),
    ("shape_bias", "used_shape"),
    ("shape_bias", "cue_match_rate"),
    ("shape_bias", "response_entropy"),
    ("shape_bias", "plain_accuracy"),
    ("shape_bias", "silhouette_accuracy"),
    ("shape_bias", "stylized_accuracy"),
    ("shape_bias", "segmentation_shape"),
    ("shape_bias", "balance_point"),
    ("shape_bias", "shuffling_ratio"),
    ("shape_bias", "corruption_accuracy"),
    ("shape_bias", "error_consistency"),
    ("readout_shape", "information_shape"),
    ("readout_shape", "used_shape"),
)


@dataclass(frozen=True)
class ComparisonSettings:
    """Section ``comparison`` of the parameters.

    Attributes
    ----------
    input : str
        Kind of features whose linear read-out counts (``pooled``, ``cls``, ``spatial``).
    head : str
        Segmentation head that counts.
    shuffling_patches : int
        k of the shuffling ratio: accuracy on k x k shuffled patches / accuracy on whole images.
    correlations : tuple of pairs of str
        Measures whose rank correlation is asked for: all of them are the tests to correct for.
    least_networks : int
        Fewer networks get no coefficient.
    covariate : str
        Measure that the partial correlation holds constant.
    permutations : int
        Permutations of networks for the p-values.
    resamples, level : int, float
        Of the bootstrap intervals.
    margin : float
        Two networks are equivalent if their shape biases differ by less.
    alpha : float
        Level of the test of equivalence; its interval is the one of level 1 - 2 alpha.
    choose_seeds : tuple of int
        Trainings on which the pair is chosen; all others confirm.
    least_confirming : int
        A network with fewer other trainings does not enter the pair.
    least_cue_match : float
        A bias that rests on a smaller share of the decisions does not enter the pair.
    information : tuple of str
        Measures of shape information in which the pair shall differ, a pair each.
    top_images : int
        Images a network and kind of disagreement that are listed.
    """

    input: str = "pooled"
    head: str = "conv1"
    shuffling_patches: int = 4
    correlations: tuple[tuple[str, str], ...] = CORRELATIONS
    least_networks: int = 10
    covariate: str = "plain_accuracy"
    permutations: int = 10_000
    resamples: int = 10_000
    level: float = 0.95
    margin: float = 0.05
    alpha: float = 0.05
    choose_seeds: tuple[int, ...] = (0,)
    least_confirming: int = 2
    least_cue_match: float = 0.5
    information: tuple[str, ...] = ("readout_shape", "information_shape")
    top_images: int = 24

    def __post_init__(self) -> None:
        from texshape.comparison.measures import MEASURES

        if self.input not in INPUTS:
            raise InputError(
                f"comparison.input: no kind of features '{self.input}'{nearest(self.input, INPUTS)}"
            )
        if not isinstance(self.head, str):
            raise InputError(f"comparison.head: expected a name, found {self.head!r}")
        at_least("comparison.shuffling_patches", self.shuffling_patches, 2)
        # Three is the least number at which two rankings can disagree in more than sign.
        at_least("comparison.least_networks", self.least_networks, 3)
        at_least("comparison.permutations", self.permutations, 1)
        at_least("comparison.resamples", self.resamples, 1)
        at_least("comparison.least_confirming", self.least_confirming, 1)
        at_least("comparison.top_images", self.top_images, 0)
        for name in ("level", "margin", "alpha", "least_cue_match"):
            fraction(f"comparison.{name}", getattr(self, name))
        if self.alpha >= 0.5:
            raise InputError(f"comparison.alpha: expected less than 0.5, found {self.alpha!r}")
        pairs = _list("comparison.correlations", self.correlations)
        for pair in pairs:
            if not isinstance(pair, list | tuple) or len(pair) != 2 or pair[0] == pair[1]:
                raise InputError(
                    f"comparison.correlations: expected pairs of two measures, found {pair!r}"
                )
        if len({frozenset(pair) for pair in pairs}) < len(pairs):
            raise InputError("comparison.correlations: a pair of measures is named twice")
        information = _list("comparison.information", self.information)
        named = [(name, "correlations") for pair in pairs for name in pair]
        named += [(name, "information") for name in information]
        for name, key in [*named, (self.covariate, "covariate")]:
            if name not in MEASURES:
                raise InputError(
                    f"comparison.{key}: no measure '{name}'{nearest(str(name), MEASURES)}"
                )
        for seed in _list("comparison.choose_seeds", self.choose_seeds):
            at_least("comparison.choose_seeds", seed, 0)
        object.__setattr__(self, "correlations", tuple(tuple(pair) for pair in pairs))
        object.__setattr__(self, "information", tuple(information))
        object.__setattr__(self, "choose_seeds", tuple(self.choose_seeds))


def _list(name: str, value: Any) -> list:
    if not isinstance(value, list | tuple) or not value:
        raise InputError(f"{name}: expected a list, found {value!r}")
    return list(value)
