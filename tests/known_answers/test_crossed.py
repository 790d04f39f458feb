"""Training by test: cells made up so that each effect is known."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from texshape.errors import InputError
from texshape.trials import crossed
from texshape.trials.score import Decisions

CLASSES = list("abcdef")


def decided(share, exemplars=6, mark=""):
    """A share of decisions for shape, the same pictures whenever the share is the same."""
    own, random = Decisions("net"), np.random.default_rng(4)
    for s, e, t in product(CLASSES, range(exemplars), CLASSES):
        own.shape.append(s)
        own.texture.append(t)
        own.shape_exemplar.append(f"{s}{e}{mark}")
        own.texture_exemplar.append(f"{t}{e % 3}")
        own.response.append(s if random.random() < share else t)
    return own


def cells(shares):
    return {cell: {seed: decided(share) for seed in (0, 1)} for cell, share in shares.items()}


@pytest.mark.parametrize(
    ("trained", "tested"), [(0.3, 0.0), (0.0, 0.3), (0.2, 0.15), (-0.15, 0.15)]
)
def test_effects_of_training_and_of_pictures_are_told_apart(trained, tested):
    shares = {
        ("base", "base"): 0.3,
        ("base", "v"): 0.3 + tested,
        ("v", "base"): 0.3 + trained,
        ("v", "v"): 0.3 + trained + tested,
    }
    table = crossed.differences(cells(shares), resamples=300).set_index("effect")
    assert (table["n"] == 6 * 6 * 5).all()
    for effect, expected in (
        ("both", trained + tested),
        ("training, base pictures", trained),
        ("training, variant's pictures", trained),
        ("pictures, base network", tested),
        ("pictures, variant's network", tested),
    ):
        row = table.loc[effect]
        assert row["difference"] == pytest.approx(expected, abs=0.08)
        # the same pictures decided alike: no difference at all, in any resample
        if expected == 0:
            assert (row["ci_low"], row["difference"], row["ci_high"]) == (0, 0, 0)
        else:
            assert row["ci_low"] <= row["difference"] <= row["ci_high"]
            assert (row["ci_low"] > 0) == (expected > 0)


def test_other_exemplars_are_refused():
    given = cells({("base", "base"): 0.3, ("base", "v"): 0.3, ("v", "base"): 0.3})
    given["v", "v"] = {0: decided(0.3, mark="other")}
    with pytest.raises(InputError, match="not of the same exemplars"):
        crossed.differences(given, resamples=50)
