"""Files of answers that others published: ``image, ..., pred_label``, a row a picture, as trials.

So vision-language models, CLIP-like networks and classifiers were recorded for Gavrikov et al. 2025 (arXiv
2403.09193). The file names no subject; its own name stands for it. An answer that names no class is a
decision for neither cue, and how many there are is said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Container, Mapping, Sequence
from pathlib import Path

from texshape.errors import InputError
from texshape.trials.names import ABSENT, StimulusName, parse

IMAGE, LABEL, TIME = "image", "pred_label", "timestamp"
COLUMNS = (IMAGE, LABEL)
CONDITION = "cue-conflict"


def is_answers(header: Container[str]) -> bool:
    """Whether a file with these columns is one of answers, whole or not, and none of trials."""
    return (IMAGE in header or LABEL in header) and "imagename" not in header


def as_trials(
    path: str | Path,
    cells: Mapping[str, Sequence[str]],
    rows: Sequence[int],
    classes: Callable[[list[str]], Collection[str]],
) -> tuple[dict[str, list[str]], tuple[str, ...]]:
    """Bring answers into the columns of trial files.

    Parameters
    ----------
    path : path
        Its name without the ending is the subject.
    cells : mapping of str to sequence of str
        The file's columns; `COLUMNS` are used. A name of a picture may lack its ending, and may have
        folders before it.
    rows : sequence of int
        Where each answer stands in the file, for messages.
    classes : callable
        From the classes that the pictures show to those that count as answers.

    Returns
    -------
    columns : dict of list of str
        The columns of trials, numbered as they stand there; an answer that is no class is ``na``.
    notes : tuple of str
        How many answers are no class, where there are any.

    Raises
    ------
    InputError
        If the name of a picture cannot be read, a picture stands there with two answers, or no answer is a
        class. A picture that stands there again with the same answer is the same trial.
    """
    stimuli = [_stimulus(path, row, image) for row, image in zip(rows, cells[IMAGE], strict=True)]
    allowed = classes(
        [name for one in stimuli for name in (one.shape, one.texture) if name != ABSENT]
    )
    # Some write a class with a capital, or with a full stop behind it.
    spelled = {name.casefold(): name for name in allowed}
    answers = [spelled.get(label.strip(" .").casefold(), ABSENT) for label in cells[LABEL]]
    unnamed = Counter(
        label for label, answer in zip(cells[LABEL], answers, strict=True) if answer == ABSENT
    )
    if unnamed.total() == len(answers):
        found = ", ".join(f"'{label}'" for label, _ in unnamed.most_common(3))
        raise InputError(
            f"{path}: column '{LABEL}' names no class in any row (found {found}); expected "
            f"{', '.join(sorted(allowed)[:3])} and the like; name other classes with --classes"
        )
    first: dict[str, int] = {}
    for place, one in enumerate(stimuli):
        before = first.setdefault(str(one), place)
        if answers[before] != answers[place]:
            raise InputError(
                f"{path}, row {rows[place]}: picture '{one}' stands twice, answered "
                f"'{cells[LABEL][before]}' and '{cells[LABEL][place]}'; expected each picture once"
            )
    columns = {
        "subj": [Path(path).stem] * len(answers),
        "session": ["1"] * len(answers),
        "trial": [str(1 + first[str(one)]) for one in stimuli],
        "rt": ["NaN"] * len(answers),
        "object_response": answers,
        "category": [one.shape for one in stimuli],
        "condition": [CONDITION] * len(answers),
        "imagename": [str(one) for one in stimuli],
    }
    if not unnamed:
        return columns, ()
    which = ", ".join(f"'{label}' {count}" for label, count in unnamed.most_common(3))
    more = ", ..." if len(unnamed) > 3 else ""
    note = (
        f"{path}: {unnamed.total()} of {len(answers)} answers name no class ({which}{more}); each counts as a "
        "decision for neither cue"
    )
    return columns, (note,)


def _stimulus(path: str | Path, row: int, image: str) -> StimulusName:
    name = image.replace("\\", "/").rpartition("/")[2]
    try:
        return parse(name if Path(name).suffix else f"{name}.png", one_cue=True)
    except InputError:
        raise InputError(
            f"{path}, row {row}: picture '{image}' cannot be read; expected SHAPE<i>-TEXTURE<j>, such as "
            "airplane1-bicycle2"
        ) from None
