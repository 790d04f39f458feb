"""Accuracy in each condition of a data set, of networks and of human observers together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from texshape.stats.proportions import wilson
from texshape.techniques.human_consistency.humans import EXCLUDED, condition_name
from texshape.trials.files import Trials
from texshape.trials.names import HUMANS, is_human


def by_condition(name: str, files: Sequence[Trials], level: float = 0.95) -> list[dict[str, Any]]:
    """Accuracy of each network, and the mean over human observers.

    Parameters
    ----------
    name : str
        Of the data set.
    files : sequence of Trials
    level : float
        Coverage of the interval, Wilson's; observers saw the same pictures, so their mean has none.

    Returns
    -------
    list of dict
        ``subject``, then columns of `tables.ACCURACY_BY_CONDITION`; conditions in the order of their first
        trial, ``humans`` last. A data set without conditions has one, ``all``.
    """
    excluded = EXCLUDED[name]
    skipped = {condition_name(text) for text in excluded or ()}
    right: dict[str, dict[str, list[bool]]] = {}
    for trials in files:
        rows = zip(
            trials["subj"], trials["condition"], trials["object_response"], trials["category"],
            strict=True,
        )  # fmt: skip
        for subject, condition, response, category in rows:
            own = "all" if excluded is None else condition_name(condition)
            right.setdefault(own, {}).setdefault(subject, []).append(response == category)
    found: list[dict[str, Any]] = []
    for condition, subjects in right.items():
        about = {"datasets": name, "condition": condition, "counts": condition not in skipped}
        humans = []
        for subject, answers in subjects.items():
            share = float(np.mean(answers))
            if is_human(subject):
                humans.append((share, len(answers)))
                continue
            low, high = wilson(share, len(answers), level)
            found.append(
                {"subject": subject, **about, "accuracy": share, "ci_low": float(low),
                 "ci_high": float(high), "n": len(answers)}
            )  # fmt: skip
        if humans:
            shares, counts = zip(*humans, strict=True)
            found.append(
                {"subject": HUMANS, **about, "accuracy": float(np.mean(shares)), "n": sum(counts)}
            )
    return found
