"""The pictures of the 17 data sets that humans saw, shown to a survey's networks.

Those of cue conflict, edges and silhouettes are the published stimuli, which every survey shows; the other 14
are brought here. A network's trials are written in the published layout,
``DATASET/DATASET_SUBJECT_session-1.csv``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from texshape.config.evaluation import EvaluationSettings
from texshape.data import model_vs_human
from texshape.data.model_vs_human import PUBLISHED, Places
from texshape.models.decisions import for_images
from texshape.notices import note
from texshape.survey.inputs import Subject
from texshape.techniques.human_consistency.benchmark import BENCHMARK_SETS
from texshape.trials import files as trial_files
from texshape.trials.imagenet16 import CATEGORIES
from texshape.trials.names import ABSENT, HUMANS
from texshape.trials.subjects import PUBLISHED as ARM
from texshape.trials.subjects import Subject as Row

if TYPE_CHECKING:
    import pandas as pd

    from texshape.models.network import Network
    from texshape.trials.files import Trials

FOLDER = "benchmark"  # of a network's trials
TECHNIQUE = "human_consistency"
OTHERS = tuple(name for name in model_vs_human.data_sets() if name not in BENCHMARK_SETS.values())


def bring(given: str, cache: Path, trials: Path) -> Places:
    """Find the pictures, and see that they are those that humans were shown.

    Parameters
    ----------
    given : str
        ``published``, or a folder.
    cache : path
        Folder for the downloads.
    trials : path
        Published trials, as the step ``published-trials`` writes them.

    Raises
    ------
    InputError
        If a folder holds none of the data sets, or pictures are not those of the published trials.
    """
    found = places(given, cache)
    for name, place in found.there.items():
        pictures = model_vs_human.read(name, place)
        if missing := model_vs_human.check(name, pictures, _of_humans(trials, name)):
            note(
                name,
                f"lacks {missing} pictures that humans saw; compared on the other {len(pictures)}",
            )
    for name, why in found.lacking.items():
        note(name, f"is not shown: {why}")
    return replace(found, digests=model_vs_human.digest(found.there))


def _of_humans(trials: Path, name: str) -> list[Trials]:
    """The published trials of human observers on a data set."""
    paths = sorted((trials / model_vs_human.SOURCE / name).glob("*subject-*.csv"))
    return [trial_files.read(path) for path in paths]


def places(given: str, cache: Path) -> Places:
    """Where the pictures are; archives are downloaded where the cache lacks them."""
    if given == PUBLISHED:
        return model_vs_human.bring(OTHERS, cache)
    return model_vs_human.in_folder(Path(given), OTHERS)


def outputs(subject: Subject, there: Places) -> list[Path]:
    """A network's trial files."""
    slug, home = subject.network.slug, subject.folder / FOLDER
    return [home / name / f"{name}_{slug}_session-1.csv" for name in there.there]


def deciding(subject: Subject) -> tuple[Network, pd.DataFrame]:
    """The network as it decides between the 16 categories, and labels that show all of these."""
    import pandas as pd

    labels = pd.DataFrame({"shape": list(CATEGORIES), "texture": ABSENT})
    section = EvaluationSettings.over(subject.settings["evaluation"])
    return for_images(subject.network, labels, section.aggregation), labels


def decide(subject: Subject, there: Places) -> None:
    """Show the pictures of one data set after the other, and write the trials."""
    from texshape.trials.evaluate import decisions, evaluate, speed, trials_frame

    section = EvaluationSettings.parse(subject.settings["evaluation"])
    network, _ = deciding(subject)
    classes = network.require_classes()
    for (name, place), path in zip(there.there.items(), outputs(subject, there), strict=True):
        images = model_vs_human.image_set(model_vs_human.read(name, place))
        scores = evaluate(network, images.images, **speed(section))
        trial_files.write(path, trials_frame(images, decisions(scores, classes), network.slug))


def pictures(there: Places) -> int:
    """How many pictures these data sets have, as published, or as they lie in a folder."""
    from texshape.data.photographs import find_images

    return sum(
        len(find_images(place)[0]) if place.is_dir() else model_vs_human.data_sets()[name].pictures
        for name, place in there.there.items()
    )


def before_download(given: str, cache: Path) -> tuple[Places, list[str]]:
    """The same as `places` without a download: all archives as if they were there, and those that are not."""
    if given != PUBLISHED:
        return model_vs_human.in_folder(Path(given), OTHERS), []
    items = {name: model_vs_human.item(name, cache) for name in OTHERS}
    there = {name: item.destination for name, item in items.items()}
    return Places(there, {}), [name for name, path in there.items() if not path.is_file()]


def reason(there: Places) -> str:
    """Why there are no means over all 17 data sets; empty where there are."""
    if not there.lacking:
        return ""
    by_reason: dict[str, list[str]] = {}
    for name, why in there.lacking.items():
        by_reason.setdefault(why, []).append(name)
    said = "; ".join(f"{', '.join(names)} ({why})" for why, names in by_reason.items())
    return f"no means over all 17 data sets, since pictures are lacking: {said}"


def tables(
    trials: Path, shown: Mapping[tuple[Row, str], Trials], level: float
) -> list[dict[str, Any]]:
    """Rows of `ACCURACY_BY_CONDITION`: each network on the data sets that it was shown, humans beside it.

    Parameters
    ----------
    trials : path
        Published trials.
    shown : dict of (`texshape.trials.subjects.Subject`, data set) to Trials
        Of the networks.
    level : float
        Coverage of the intervals.
    """
    from texshape.techniques.human_consistency.conditions import by_condition
    from texshape.techniques.human_consistency.humans import DATASETS

    own: dict[str, list[Trials]] = {}
    known = {HUMANS: Row(HUMANS, HUMANS, ARM, None)}
    for (subject, name), answers in shown.items():
        known[subject.model] = subject
        own.setdefault(name, []).append(answers)
    rows = []
    for name in sorted(own, key=DATASETS.index):
        for row in by_condition(name, [*own[name], *_of_humans(trials, name)], level):
            rows.append(known[row.pop("subject")].identity() | row)
    return rows
