"""Who decided: the subjects of trial files, and their trials as an experiment or a publication keeps them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from texshape.errors import InputError
from texshape.experiment import unavailable
from texshape.experiment.runs import RunId
from texshape.trials import files as trial_files
from texshape.trials.files import Trials
from texshape.trials.names import is_human

IDENTITY = ["model", "architecture", "arm", "seed"]
CUE_CONFLICT = "cue-conflict"
PUBLISHED = "published"
# Folders of published trials, by the name of the set whose images they show.
PUBLISHED_SETS = {
    ("texture-vs-shape", "style-transfer-512-nomask-experiment"): CUE_CONFLICT,
    ("texture-vs-shape", "style-transfer-512-nomask-experiment-trained-CNNs"): CUE_CONFLICT,
    ("texture-vs-shape", "edge-experiment"): "edges",
    ("texture-vs-shape", "silhouette-filled-experiment"): "silhouettes",
    ("model-vs-human", "cue-conflict"): CUE_CONFLICT,
    ("model-vs-human", "edge"): "edges",
    ("model-vs-human", "silhouette"): "silhouettes",
}


@dataclass(frozen=True)
class Subject:
    """A trained network, a published one, or a human observer.

    Attributes
    ----------
    model, architecture, arm : str
        A published network is called ``SOURCE/NAME``, its arm is ``published``; a human observer's
        model is its name (``subject-01``).
    seed : int or None
        None for what was not trained here.
    """

    model: str
    architecture: str
    arm: str
    seed: int | None

    @property
    def name(self) -> str:
        """What tells it from all others: a network trained here is one of several seeds."""
        if self.seed is None:
            return self.model
        return str(RunId.of_model(self.model, self.seed))

    def identity(self) -> dict[str, Any]:
        """The columns `IDENTITY`."""
        return {name: getattr(self, name) for name in IDENTITY}


def network_subject(name: str) -> Subject:
    """Read ``ARCHITECTURE--ARM/seed-S``."""
    run = RunId.parse(name)
    return Subject(run.model, run.architecture, run.arm, run.seed)


def read_network(
    results: Path, name: str, *, classes: Sequence[str] | None = None
) -> dict[tuple[Subject, str], Trials]:
    """Read all trial files of one network of an experiment.

    Parameters
    ----------
    results : Path
        The experiment's folder.
    name : str
        ``SLUG/seed-S``; the files are ``trials/SET.csv`` in it.
    classes : sequence of str, optional
        As in `texshape.trials.files.read`; by default those that each set shows.

    Returns
    -------
    dict of (Subject, set) to Trials

    Raises
    ------
    InputError
        If there is none, or one holds several subjects or an image twice in one condition.
    """
    subject = network_subject(name)
    paths = sorted((results / name / "trials").glob("*.csv"))
    if not paths:
        raise InputError(f"{results / name / 'trials'}: holds no trial file (SET.csv)")
    return {
        (subject, path.stem): _one_subject(trial_files.read(path, classes=classes, own=True))
        for path in paths
    }


def read_networks(
    results: Path, names: Iterable[str], *, classes: Sequence[str] | None = None
) -> dict[tuple[Subject, str], Trials]:
    """Read all trial files of several networks, but for those that could not be had; see `read_network`."""
    found: dict[tuple[Subject, str], Trials] = {}
    for name in unavailable.without(results, names):
        found |= read_network(results, name, classes=classes)
    return found


def read_published(folder: Path) -> dict[tuple[Subject, str], Trials]:
    """Read the published trials on cue conflict, edges and silhouettes.

    Trials of identical content (the human files of the two repositories) are taken once.

    Parameters
    ----------
    folder : Path
        As the step ``published-trials`` writes it.

    Raises
    ------
    InputError
        If none of the folders of `PUBLISHED_SETS` is there.
    """
    found: dict[tuple[Subject, str], Trials] = {}
    digests = set()
    for (source, experiment), images in PUBLISHED_SETS.items():
        for path in sorted((folder / source / experiment).glob("*.csv")):
            trials = _one_subject(trial_files.read(path))
            digest = trials.digest()
            if digest in digests:
                continue
            digests.add(digest)
            name = trials["subj"][0]
            model = name if is_human(name) else f"{source}/{name}"
            key = (Subject(model, name, PUBLISHED, None), images)
            if key in found:
                raise InputError(f"{path}: second file of '{name}' on {images}")
            found[key] = trials
    if not found:
        raise InputError(f"{folder}: holds no published trials; run the step published-trials")
    return found


def _one_subject(trials: Trials) -> Trials:
    subjects = sorted(set(trials["subj"]))
    if len(subjects) > 1:
        raise InputError(
            f"{trials.source}: expected the trials of one subject, found {', '.join(subjects)}"
        )
    shown: set[tuple[str, str]] = set()
    for row, image in enumerate(zip(trials["condition"], trials["imagename"], strict=True)):
        if image in shown:
            raise InputError(
                f"{trials.place(row)}: subject '{subjects[0]}' saw image '{image[1]}' twice in "
                f"condition '{image[0]}'; expected each image once"
            )
        shown.add(image)
    return trials
