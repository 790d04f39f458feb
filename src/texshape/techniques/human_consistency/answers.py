"""Subjects whose answers to the cue-conflict pictures others published: scored like every other one.

They stand in a table of their own, apart from networks that were shown the pictures here, with how they
decide, how and when they were asked, and whether they err where humans err.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from texshape.data.published_answers import LACKING, Answers
from texshape.techniques.human_consistency import humans as consistency
from texshape.techniques.human_consistency.tables import PUBLISHED_ANSWERS
from texshape.trials import bias_tables
from texshape.trials import files as trial_files
from texshape.trials.files import Trials
from texshape.trials.names import ABSENT, HUMANS, image_id, is_human
from texshape.trials.score import Decisions, gather, score
from texshape.trials.subjects import CUE_CONFLICT, Subject

if TYPE_CHECKING:
    import pandas as pd

NO_PICTURES = "none of its pictures is among those shown"
_DATASET = "cue-conflict"


def human_trials(trials: Mapping[tuple[Subject, str], Trials]) -> list[Trials]:
    """The trials of human observers on the cue-conflict pictures.

    Parameters
    ----------
    trials : dict of (Subject, set) to Trials
        As `texshape.trials.subjects.read_published` gives them.
    """
    return [own for (subject, shown), own in trials.items()
             if is_human(subject.model) and shown == CUE_CONFLICT]  # fmt: skip


def answers_table(
    answers: Sequence[Answers],
    humans: Sequence[Trials],
    *,
    resamples: int = 10_000,
    level: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """Shape bias of each subject with its interval, and its consistency with humans on shared pictures.

    Parameters
    ----------
    answers : sequence of Answers
        One without a file has a row that says why nothing else is in it.
    humans : sequence of Trials
        Of the human observers; only their pictures are scored.
    resamples, level, seed
        Of the bootstrap over exemplars; of consistency over pictures and observers.

    Returns
    -------
    DataFrame
        `PUBLISHED_ANSWERS`, in the order of `answers`, then the row ``humans``: its consistency is
        the ceiling, each observer against the others.
    """
    shown = {image_id(name) for own in humans for name in own["imagename"]}
    read = {one.subject: _read(one, shown) for one in answers if one.file is not None}
    decided: dict[str, Decisions] = {}
    for own in (*humans, *(trials for trials in read.values() if len(trials))):
        decided |= gather([own])[0]
    options: dict[str, Any] = {"resamples": resamples, "level": level, "seed": seed}
    scored, _ = score(decided, **options)
    observers = [own for name, own in decided.items() if is_human(name)]
    groups = {name: [own] for name, own in decided.items()} | {HUMANS: observers}
    by_subject = {row["subject"]: row for row in bias_tables.with_names(scored, groups, **options)}
    files = [*humans, *read.values()]
    benchmark, _ = consistency.benchmark([consistency.align(_DATASET, files)], **options)
    for row in benchmark:
        row.pop("n_datasets")  # there is one
        by_subject[row["subject"]] |= row
    rows = []
    for one in answers:
        about = {"subject": one.subject, "name": one.name, "decides_by": one.decides_by,
                 "wording": one.wording, "date": one.date, "source": one.source}  # fmt: skip
        if one.subject in by_subject:
            trials = read[one.subject]
            pictures = {image_id(name) for name in trials["imagename"]}
            about["n_unnamed"] = trials["object_response"].count(ABSENT)
            about["n_shared"] = len(pictures & shown)
            about["reason"] = ""
        else:
            about["reason"] = LACKING if one.file is None else NO_PICTURES
        rows.append(by_subject.get(one.subject, {}) | about)
    rows.append(
        by_subject[HUMANS]
        | {"name": HUMANS, "decides_by": "", "wording": "", "date": "", "n_shared": len(shown),
           "n_unnamed": sum(own["object_response"].count(ABSENT) for own in humans),
           "source": f"trials of {len(observers)} observers", "reason": ""}
    )  # fmt: skip
    return PUBLISHED_ANSWERS.frame(rows)


def _read(one: Answers, shown: Collection[str]) -> Trials:
    """The answers to the pictures that humans saw, under the subject's name."""
    assert one.file is not None
    trials = trial_files.read(one.file)
    kept = [row for row, name in enumerate(trials["imagename"]) if image_id(name) in shown]
    cells = {name: [values[row] for row in kept] for name, values in trials.columns.items()}
    cells["subj"] = [one.subject] * len(kept)
    rows = tuple(trials.rows[row] for row in kept)
    return replace(trials, columns=cells, rows=rows)
