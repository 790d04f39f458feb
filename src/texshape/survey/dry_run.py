"""What a survey would do, before it does it: pictures, time, memory, downloads, what is left out and why.

Nothing is written but a temporary folder that is gone at the end. Each network is looked at in a process of
its own, so that memory is of this network alone. It is loaded without a download: where its weights are not
here, with random ones, which cost as much.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from texshape import compute
from texshape.errors import InputError, UnavailableError
from texshape.survey import asking, datasets, trial
from texshape.survey.candidates import Candidate
from texshape.survey.downloads import Files, by_source
from texshape.survey.inputs import GivenInputs, Subject, run_of
from texshape.survey.listener import Listener
from texshape.survey.processes import Lost, at_once, lost_among
from texshape.survey.steps import TRIALS, reasons
from texshape.survey.stimuli import CUE_CONFLICT, Stimuli
from texshape.survey.survey import planned
from texshape.techniques import registry
from texshape.techniques.base import Technique, imported
from texshape.techniques.inputs import Ahead

if TYPE_CHECKING:
    from texshape.models.network import Network

FEATURES = "features"  # the line of the pictures whose activations several techniques read
LOOK = "a look at the network"


@dataclass(frozen=True)
class Line:
    """One step of a network.

    Attributes
    ----------
    technique, title : str
    ahead : Ahead or None
        None where it says nothing beforehand.
    """

    technique: str
    title: str
    ahead: Ahead | None


@dataclass(frozen=True)
class Outlook:
    """What is known of one network beforehand.

    Attributes
    ----------
    slug, name : str
    lines : list of Line
        Steps that would run.
    left_out : list of dict
        ``model, technique, reason``, as ``tables/reasons.csv`` would have them.
    trial : Trial or None
        None for a model behind an address, which is not asked for this.
    batch_size : int
        Of the section ``evaluation``; where that leaves it open, the largest that is tried.
    parameters : int
    weights : str
        Why its weights are not here; empty where they are.
    requests : dict of str to int
        Of a model behind an address: step to requests that it adds.
    """

    slug: str
    name: str
    lines: list[Line]
    left_out: list[dict[str, str]]
    trial: trial.Trial | None
    batch_size: int
    parameters: int = 0
    weights: str = ""
    requests: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> Ahead:
        """All pictures that it would be shown, as far as steps say so."""
        return trial.total(line.ahead for line in self.lines if line.ahead is not None)

    @property
    def seconds(self) -> float | None:
        """Of all steps."""
        return None if self.trial is None else self.trial.seconds(self.total)

    @property
    def bytes(self) -> int | None:
        """Peak memory; where random weights are looked at too, both networks are there at once."""
        if self.trial is None:
            return None
        steps = [line.ahead for line in self.lines if line.ahead is not None]
        peak = max((self.trial.bytes(one, self.batch_size) for one in steps), default=0)
        both = any(line.technique in (FEATURES, "receptive_field") for line in self.lines)
        return max(peak, self.trial.resident) + (4 * self.parameters if both else 0)


@dataclass(frozen=True)
class DryRun:
    """What a survey would do.

    Attributes
    ----------
    networks : list of Outlook
    lost : list of Lost
        Networks that cannot be loaded.
    downloads : list of Files
    jobs : int
        Networks at a time.
    """

    networks: list[Outlook]
    lost: list[Lost]
    downloads: list[Files]
    jobs: int

    @property
    def seconds(self) -> float:
        """From the first to the last step, networks dealt out in their order to whoever is free."""
        free = [0.0] * self.jobs
        for one in self.networks:
            first = free.index(min(free))
            free[first] += one.seconds or 0.0
        return max(free)

    @property
    def bytes(self) -> int:
        """Peak memory of as many networks as run at a time, the largest together."""
        return sum(sorted((one.bytes or 0 for one in self.networks), reverse=True)[: self.jobs])


def run(
    candidates: Sequence[Candidate],
    stimuli: Stimuli,
    settings: dict[str, Any],
    folder: Path,
    downloads: Sequence[Files] = (),
    *,
    quick: bool = False,
    jobs: int = 1,
    threads: int = 1,
    listener: Listener | None = None,
) -> DryRun:
    """Say what `texshape.survey.survey.run` would do with the same arguments.

    Parameters
    ----------
    candidates : sequence of Candidate
    stimuli : Stimuli
        Of published ones labels and sizes are enough (`stimuli.before_download`).
    settings : dict
    folder : path
        Of the survey; only answers of models behind addresses are read in it.
    downloads : sequence of Files
        Of the stimuli; those that techniques need are added.
    quick : bool
    jobs, threads : int
    listener : Listener, optional

    Raises
    ------
    InputError
        As the survey itself would, before it measures.
    """
    for candidate in candidates:
        if candidate.readout:
            raise InputError(
                f"--dry-run: '{candidate.name}' decides by a read-out that is fitted first, so nothing can be "
                "said of it before; expected networks without readout:"
            )
    chosen, others = planned(candidates, stimuli, settings, quick=quick)
    jobs = min(jobs, len(candidates))
    call = partial(look, [one.name for one in chosen], others, folder)
    found = at_once(
        call, candidates, stimuli, settings, jobs=1, threads=max(1, threads // jobs), steps=1,
        listener=listener or Listener(),
    )  # fmt: skip
    lost = lost_among(found)
    networks = [one for one in found if isinstance(one, Outlook)]
    items = [
        item
        for one in networks
        for line in one.lines
        for item in (line.ahead.downloads if line.ahead else ())
    ]
    return DryRun(networks, lost, [*downloads, *by_source(items)], jobs)


def look(
    names: Sequence[str],
    others: Mapping[str, str],
    folder: Path,
    candidate: Candidate,
    stimuli: Stimuli,
    settings: dict[str, Any],
    listener: Listener,
    threads: int,
) -> Outlook:
    """Load a network, count its pictures, ask for reasons, and try a few pictures; in a process of its own."""
    from texshape.devices import select_device

    compute.prepare(threads)
    listener.step(LOOK)
    chosen = [registry.get(name) for name in names]
    with tempfile.TemporaryDirectory(prefix="texshape-dry-run-") as temporary:
        network, weights = _loaded(candidate)
        home = Path(temporary, str(run_of(candidate.slug)))
        behind_an_address = asking.interview(network) is not None
        if behind_an_address:
            _copy_answers(folder / str(run_of(candidate.slug)), home)
        asking.begin(network, home, settings, stimuli)
        device = select_device(lambda line: None)
        network.module.to(device)
        shown = stimuli.sets[CUE_CONFLICT]
        subject = Subject(
            network, None, candidate.untrained, lambda one: None, stimuli, settings, home
        )
        tried = None
        if not behind_an_address:
            deciding = network if network.asked is None else subject.deciding(shown.labels)
            gradients = any(one.name in GRADIENTS for one in chosen)
            tried = trial.measure(deciding, shown.images, gradients=gradients)
        lines, left_out = outlook(chosen, subject)
        requests = dict(asking.requests(subject, chosen))
    listener.done(True)
    slug = candidate.slug
    left_out += [
        {"model": slug, "technique": name, "reason": reason} for name, reason in others.items()
    ]
    return Outlook(
        slug,
        candidate.name,
        lines,
        left_out,
        tried,
        batch_size=settings["evaluation"]["batch_size"] or LARGEST,
        parameters=sum(p.numel() for p in network.module.parameters()),
        weights=weights,
        requests=requests,
    )


#: techniques that take gradients, and the largest batch that `texshape.trials.evaluate` tries by itself
GRADIENTS = ("receptive_field", "feature_visualization")
LARGEST = 128


def outlook(
    chosen: Sequence[Technique], subject: Subject
) -> tuple[list[Line], list[dict[str, str]]]:
    """The steps that would run, with their pictures, and those that would not, with the reasons."""
    slug = subject.network.slug
    lines: list[Line] = []
    left_out: list[dict[str, str]] = []
    given = {one.name: one for one in chosen}
    sets = subject.stimuli.sets
    for name, reason in reasons(chosen, subject):
        if reason:
            left_out.append({"model": slug, "technique": name, "reason": reason})
        elif name == TRIALS:
            pictures = sum(len(images) for images in sets.values())
            lines.append(Line(name, "decisions on every set", Ahead(shown=pictures)))
        elif name == datasets.TECHNIQUE and subject.stimuli.datasets is not None:
            pictures = datasets.pictures(subject.stimuli.datasets)
            lines.append(Line(name, "pictures of the 17 data sets", Ahead(shown=pictures)))
        else:
            technique, inputs = given[name], GivenInputs(given[name], subject)
            if technique.features and all(line.technique != FEATURES for line in lines):
                shown = len(inputs.epochs) * len(sets[CUE_CONFLICT])
                size = subject.settings["features"]["batch_size"]
                lines.append(
                    Line(FEATURES, "activations, read by several", Ahead(shown=shown, batch=size))
                )
            ahead = None
            if technique.ahead:
                ahead = imported(technique.ahead)(inputs)
            elif technique.features:
                ahead = Ahead()
            lines.append(Line(name, technique.title, ahead))
    return lines, left_out


def _loaded(candidate: Candidate) -> tuple[Network, str]:
    """The network with its own weights where they are here, else with random ones and the reason."""
    try:
        with _without_downloads():
            return candidate.load(), ""
    except UnavailableError as error:
        return candidate.untrained(), str(error)


@contextmanager
def _without_downloads() -> Iterator[None]:
    """Libraries find what is in their caches and bring nothing."""
    import torch

    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("they are not in its cache")

    hub, was = torch.hub, torch.hub.download_url_to_file
    hub.download_url_to_file = refuse
    try:
        from huggingface_hub import constants
    except ImportError:
        constants = None
    offline = constants is not None and constants.HF_HUB_OFFLINE
    if constants is not None:
        constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        hub.download_url_to_file = was
        if constants is not None:
            constants.HF_HUB_OFFLINE = offline


def _copy_answers(there: Path, here: Path) -> None:
    """Answers of an earlier run; where they are, the file would be mended by whoever opens it."""
    from texshape.vlm.answers import FILE

    here.mkdir(parents=True)
    if (there / FILE).is_file():
        shutil.copy(there / FILE, here / FILE)
