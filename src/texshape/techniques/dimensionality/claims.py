"""Which cue the units of the last stage carry more of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from texshape.claims.claim import Claim, cells_of, claim
from texshape.claims.evidence import Rows
from texshape.claims.experiment import Experiment
from texshape.claims.rules import compare


def applies(experiment: Experiment) -> bool:
    """Whether the article claims something here: of networks that were trained in the experiment."""
    return experiment.has("dimensionality") and experiment.trains


def claims(experiment: Experiment, made: Mapping[str, Claim]) -> Iterator[Claim]:
    """The claims of the section, in the order of its text."""
    for arm in ("plain", "stylized"):
        yield _which_cue(experiment, arm)
    first, second = (_end(experiment, arm, "shape") for arm in ("stylized", "plain"))
    yield claim(
        "dimensionality-gain",
        compare(first, second),
        {
            "higher": """Stylized training raises the information about shape, as published for larger
            networks @islam2021.""",
            "lower": """Stylized training lowers the information about shape, against what was published for
            larger networks @islam2021.""",
            "not separated": "Between the two networks, the information about shape is not separated.",
        },
        evidence="dimensionality.csv: mutual_information, arms stylized and plain, last stage, last epoch, "
        "factor shape: ci_low, ci_high",
        rule="higher: every interval of stylized lies above every one of plain; lower: below",
        cells=cells_of([*first, *second], "ci_low", "ci_high"),
    )


def _end(e: Experiment, arm: str, factor: str) -> Rows:
    return e.last("dimensionality", arm, estimator="mutual_information", factor=factor)


def _which_cue(e: Experiment, arm: str) -> Claim:
    shape, texture = (_end(e, arm, factor) for factor in ("shape", "texture"))
    return claim(
        f"dimensionality-{arm}",
        compare(shape, texture),
        {
            "higher": "Its units carry more shape than texture.",
            "lower": "Its units carry more texture than shape.",
            "not separated": "The intervals do not tell which of the two is more.",
        },
        evidence=f"dimensionality.csv: mutual_information, arm {arm}, last stage, last epoch, factors shape "
        "and texture: ci_low, ci_high",
        rule="higher: every interval of shape lies above every one of texture; lower: below",
        cells=cells_of([*shape, *texture], "ci_low", "ci_high"),
    )
