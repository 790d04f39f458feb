"""Whether a stage holds where the class is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from texshape.claims.claim import Claim, cells_of, claim
from texshape.claims.evidence import (
    Row,
    Rows,
    before_training,
    each,
    largest,
    last_epoch,
    number,
    select,
)
from texshape.claims.experiment import Experiment
from texshape.claims.rules import NOT_RUN, UNDEFINED, above, compare


def applies(experiment: Experiment) -> bool:
    """Whether the article claims something here: of networks that were trained in the experiment."""
    return experiment.has("segmentation") and experiment.trains


def claims(experiment: Experiment, made: Mapping[str, Claim]) -> Iterator[Claim]:
    """The claims of the section, in the order of its text."""
    e = experiment
    heads = each(e.rows("segmentation"), "head")
    head = "conv1" if "conv1" in heads else heads[0] if heads else ""
    readouts = select(e.rows("segmentation"), head=head, bound="readout")
    target = "shape" if select(readouts, target="shape") else "semantic"

    def at_end(arm: str, wanted: str) -> list[Row]:
        return last_epoch(_end(select(readouts, architecture=e.main, arm=arm, target=wanted)))

    plain, stylized, texture = (
        at_end(arm, wanted)
        for arm, wanted in (("plain", target), ("stylized", target), ("plain", "texture"))
    )
    own = select(readouts, architecture=e.main, target=target)
    yield _where(plain, _end(before_training(own)), head, target)
    if stylized:
        yield claim(
            "segmentation-gain",
            compare(stylized, plain),
            {
                "higher": "Stylized training adds to what the maps know of shape and place.",
                "lower": "Stylized training lowers what the maps know of shape and place.",
                "not separated": "The two are not separated.",
            },
            evidence=f"segmentation.csv: head {head}, arms stylized and plain, last stage with a map, "
            f"target {target}: ci_low, ci_high",
            rule="higher: every interval of stylized lies above every one of plain; lower: below",
            cells=cells_of([*stylized, *plain], "ci_low", "ci_high"),
        )
    if texture:
        yield claim(
            "segmentation-cue",
            compare(texture, plain),
            {
                "higher": "Its maps hold the texture’s class at each place better than the shape’s.",
                "lower": "Its maps hold the shape’s class at each place better than the texture’s.",
                "not separated": "Which of the two its maps hold better is not separated.",
            },
            evidence=f"segmentation.csv: head {head}, arm plain, last stage with a map, targets texture and "
            f"{target}: ci_low, ci_high",
            rule="higher: every interval of texture lies above every one of shape; lower: below",
            cells=cells_of([*texture, *plain], "ci_low", "ci_high"),
        )


def _end(rows: Rows) -> list[Row]:
    """Rows of the last stage that gives a map."""
    mapped = [row for row in rows if number(row["miou"]) is not None] or rows
    return [row for row in rows if row["stage"] == mapped[-1]["stage"]]


def _where(rows: Rows, untrained: Rows, head: str, target: str) -> Claim:
    verdict = above(rows, largest(rows, "mean_mask_miou"))
    if verdict == "not above":
        verdict = "as the mean mask"
    elif verdict not in (NOT_RUN, UNDEFINED):
        more = not untrained or compare(rows, untrained) == "higher"
        verdict = "known" if more else "as untrained"
    others = {0: "the mean mask", 1: "the one untrained network"}
    than = others.get(len(untrained), "each of the untrained networks")
    return claim(
        "segmentation-shape-plain",
        verdict,
        {
            "known": f"""So the stage holds where the class is, in a form that one convolution can read, and
            more of it than in {than} that it was compared with.""",
            "as untrained": "That exceeds the mean mask, but is not separated from an untrained network.",
            "as the mean mask": """That does not exceed the mean mask in every seed: nothing about place is
            shown to be known.""",
        },
        evidence=f"segmentation.csv: head {head}, main architecture, arms plain and untrained, last stage "
        f"with a map, target {target}: ci_low, ci_high, mean_mask_miou",
        rule="known: every interval lies above the mean mask and above every interval of the untrained "
        "networks; as untrained: above the former only. The untrained networks are not those that were "
        "trained",
        cells=[
            *cells_of(rows, "ci_low", "ci_high", "mean_mask_miou"),
            *cells_of(untrained, "ci_low", "ci_high"),
        ],
    )
