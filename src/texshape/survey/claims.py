"""What the page of `texshape measure` says of each network: which cue it follows, and what it knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from texshape.claims.claim import Claim, cells_of, claim
from texshape.claims.evidence import Row, Rows, number, select
from texshape.claims.rules import UNDEFINED
from texshape.claims.wording import HARD, code, escape, num
from texshape.stats.proportions import percent
from texshape.survey.columns import MEASURED
from texshape.trials import naming
from texshape.trials.deciding import READOUT

_RULE = (
    "the name of the bias (`texshape.trials.naming`): what stands in its way first, then the interval "
    "against one half"
)
_KNOWN_RULE = (
    "known: the interval of what is read lies above guessing and above the whole intervals of pixels and of "
    "the untrained network; not said: one of the two could not be read"
)


def claims(board: Rows, reasons: Rows, level: float) -> Iterator[Claim]:
    """What is said of each measured network.

    Parameters
    ----------
    board, reasons : list of Row
        ``leaderboard.csv`` and ``reasons.csv``.
    level : float
        Of the intervals, such as 0.95.

    Yields
    ------
    Claim
        ``bias-SUBJECT``, then ``known-SUBJECT`` where anything was read; the section is ``report``.
    """
    level_words = f"{100 * level:.4g}{HARD}%"
    for row in select(board, kind=MEASURED):
        found = [_bias(row, reasons, level_words)]
        if row["shape_read"]:
            found.append(_known(row, level_words))
        yield from (replace(one, section="report") for one in found)


def _percent(text: str) -> str:
    """A cell with a fraction, in percent without the sign."""
    value = number(text)
    return "–" if value is None else percent(value)


def _signed(text: str) -> str:
    return UNDEFINED if number(text) is None else f"{_percent(text)}{HARD}%"


def _bias(row: Row, reasons: Rows, level: str) -> Claim:
    name = escape(row["name"])
    why = [r["reason"] for r in select(reasons, model=row["subject"], technique="trials")]
    nameless = "so its bias has no name"
    few = f"is shown too few images whose cues agree ({row['n_congruent']}) to tell whether it recognises them"
    sure = "is not shown to recognise images whose cues agree above guessing"
    sides = {
        naming.UNDEFINED: "lacks an interval that a name rests on (of its bias, of cue matches or of images "
        "whose cues agree), so its bias has none",
        naming.UNRECOGNISED: f"{few if row['few_congruent'] == 'True' else sure}, {nameless}",
        naming.NO_CUE: f"is not shown to follow the cues more often than guessing does, {nameless}",
        naming.FEW_ANSWERS: f"gives few answers to the conflict images, {nameless}",
        naming.TEXTURE: "decides for texture more often than for shape",
        naming.SHAPE: "decides for shape more often than for texture",
        naming.NEITHER: "does not clearly prefer either cue",
    }
    classes = number(row["n_classes"])
    guessing = num(200 / classes, 1) if classes else "–"
    numbers = f"""shape bias {_signed(row["shape_bias"])} ({level} within {_percent(row["ci_low"])} to
    {_signed(row["ci_high"])}, {row["n_conflict"]} images), while {_signed(row["cue_match_rate"])} of its
    decisions follow either cue (guessing: {guessing}{HARD}%)."""
    if row["decides_by"] == READOUT:
        numbers += " Its decisions are those of a linear read-out, fitted on photographs."
    none = escape(why[0]) if why else "none of its decisions is known to follow either cue"
    return claim(
        f"bias-{row['subject']}",
        row["verdict"] if row["shape_bias"] else "no bias",
        {
            **{verdict: f"*{name}* {side}: {numbers}" for verdict, side in sides.items()},
            "no bias": f"*{name}* has no shape bias here: {none}.",
        },
        evidence=f"leaderboard.csv: {row['subject']}: verdict, and what the sentence shows",
        rule=_RULE,
        cells=cells_of([row], "verdict", "shape_bias", "ci_low", "ci_high", "cue_match_rate"),
    )


def _with_interval(row: Mapping[str, Any], column: str) -> str:
    if not row[column]:
        return "not measured"
    if not row[f"{column}_low"]:
        return _signed(row[column])
    limits = f"{_percent(row[f'{column}_low'])}, {_percent(row[f'{column}_high'])}"
    return f"{_signed(row[column])} [{limits}]"


def _known(row: Row, level: str) -> Claim:
    def found(cue: str) -> str:
        read, pixels, untrained = (
            _with_interval(row, f"{cue}_{of}") for of in ("read", "pixels", "untrained")
        )
        return f"the {cue} of {read} of the images (raw pixels: {pixels}, untrained: {untrained})"

    cues = {
        verdict: [cue for cue in ("shape", "texture") if row[f"{cue}_known"] == verdict]
        for verdict in ("True", "False", "")
    }
    yes, no, unknown = (" and ".join(cues[verdict]) for verdict in ("True", "False", ""))
    text = f"""Linear read-outs of its last stage ({code(row["read_stage"])}, {level} intervals) find
    {found("shape")} and {found("texture")}, guessing {_signed(row["chance"])}."""
    if yes:
        text += f""" What it knows, whatever it decides: {yes}, since the interval lies above those of pixels
        and of the untrained network."""
    if no:
        text += f" Not shown to be more than pixels, the untrained network or guessing give: {no}."
    if unknown:
        text += f""" Whether it knows {unknown} is not said, since an interval of it, of pixels or of the
        untrained network is missing."""
    states = {"True": "known", "False": "not shown", "": "not said"}
    verdicts = [
        f"shape {states[a]}, texture {states[b]}"
        for a in ("True", "False", "")
        for b in ("True", "False", "")
    ]
    return claim(
        f"known-{row['subject']}",
        f"shape {states[row['shape_known']]}, texture {states[row['texture_known']]}",
        dict.fromkeys(verdicts, text),
        evidence=f"leaderboard.csv: {row['subject']}: shape_known, texture_known, and what the sentence shows",
        rule=_KNOWN_RULE,
        cells=cells_of([row], "shape_known", "texture_known", "chance")
        + cells_of([row], *(c for c in row if "_read" in c or "_untrained" in c or "_pixels" in c)),
    )
