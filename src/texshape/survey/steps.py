"""The steps of one network: what it is, what could be measured, and what could not for which reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from texshape.devices import LostDeviceError, failures
from texshape.errors import InputError, MachineError
from texshape.experiment import left_out, runs
from texshape.notices import listening, warn
from texshape.provenance import versions
from texshape.source_code import function_hash, technique_hash
from texshape.survey import asking, datasets, reading
from texshape.survey.candidates import Candidate, by_name
from texshape.survey.inputs import GivenInputs, Subject, decide, run_of
from texshape.survey.listener import Listener
from texshape.survey.records import forget, once
from texshape.survey.stimuli import CUE_CONFLICT, Stimuli
from texshape.techniques import reasons as why
from texshape.techniques import registry
from texshape.techniques.base import Technique
from texshape.vlm.chat import StoppedError

if TYPE_CHECKING:
    from texshape.data.model_vs_human import Places
    from texshape.decision_readout.photographs import Photographs
    from texshape.models.network import Network

TRIALS = "trials"  # the step that all of behaviour rests on
# They start steps and show results, and compute nothing.
_TOOLS = ("texshape", "snakemake", "dvc", "mlflow", "typst", "matplotlib")


@dataclass
class Measured:
    """What a survey found out about one network; plain values, which can be sent between processes.

    Attributes
    ----------
    slug : str
    described : dict
        Its row of ``models.csv``.
    reasons : list of dict
        ``model, technique, reason`` of what could not be measured.
    failed : list of str
        A line each for techniques that broke where they should not have.
    notices : list of tuple
        `texshape.survey.columns.NOTICES`, a tuple a row.
    answered : list of dict
        Of a model that is asked: its row of ``answers.csv``.
    written : dict of str to list of Path
        Step to its files.
    """

    slug: str
    described: dict[str, Any]
    reasons: list[dict[str, str]] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    notices: list[tuple[str, str, str, str]] = field(default_factory=list)
    answered: list[dict[str, Any]] = field(default_factory=list)
    written: dict[str, list[Path]] = field(default_factory=dict)


def measure(
    candidate: Candidate,
    stimuli: Stimuli,
    settings: dict[str, Any],
    folder: Path,
    chosen: Sequence[Technique],
    listener: Listener,
    photographs: Photographs | None = None,
) -> Measured:
    """Take one network through the decisions and each technique, as far as it allows them.

    Parameters
    ----------
    candidate : Candidate
    stimuli : Stimuli
    settings : dict
        All parameters.
    folder : path
        Of the survey.
    chosen : sequence of Technique
    listener : Listener
    photographs : Photographs, optional
        On which a read-out is fitted, where the network decides by one.

    Raises
    ------
    InputError
        If the network cannot be loaded, or a file cannot be written.
    """
    slug = candidate.slug
    with listening() as heard:
        subject, read_out = load(candidate, stimuli, settings, folder, photographs)
    known = set(heard)  # the untrained network may be said to be the same
    found = Measured(slug, _describe(candidate, subject))
    found.notices += [(slug, "", one.kind, one.text) for one in heard]
    if read_out:
        found.written[reading.NAME] = [read_out]
    subject.forget_activations()  # of a survey that was cut off, maybe of another network
    asking.announce(subject, chosen)
    for step in _steps(chosen, subject):
        listener.step(step.title)
        with listening() as heard:
            reason, ran = _apply(step, subject, found.failed)
        found.notices += [
            (slug, step.name, one.kind, one.text) for one in heard if one not in known
        ]
        if reason:
            found.reasons.append({"model": slug, "technique": step.name, "reason": reason})
        else:
            found.written[step.name] = step.outputs
        listener.done(ran)
    subject.forget_activations()
    subject.network.module.cpu()
    found.answered += asking.summary(subject.network)
    return found


@dataclass(frozen=True)
class Step:
    """A step of a network's survey.

    Attributes
    ----------
    name, title : str
    outputs : list of path
        Files that it writes.
    reason : callable
        Why it cannot be done; empty where it can.
    key : callable
        All that its outputs depend on; None where that cannot be known.
    run : callable
    """

    name: str
    title: str
    outputs: list[Path]
    reason: Callable[[], str]
    key: Callable[[], dict[str, Any] | None]
    run: Callable[[], object]


def _steps(chosen: Sequence[Technique], subject: Subject) -> Iterator[Step]:
    """The decisions, then each technique."""
    trials = [subject.folder / "trials" / f"{name}.csv" for name in subject.stimuli.sets]
    labels = subject.stimuli.sets[CUE_CONFLICT].labels
    yield Step(
        TRIALS,
        "decisions on every set",
        trials,
        lambda: why.undecided(subject.deciding(labels), labels),
        lambda: _key(subject, [subject.key], ["evaluation"], function_hash(decide, by_name)),
        partial(decide, subject),
    )
    if (there := subject.stimuli.datasets) is not None:
        yield Step(
            datasets.TECHNIQUE,
            "pictures of the 17 data sets",
            datasets.outputs(subject, there),
            lambda: why.undecided(*datasets.deciding(subject)),
            lambda: _datasets_key(subject, there),
            partial(datasets.decide, subject, there),
        )
    for technique in chosen:
        inputs = GivenInputs(technique, subject)
        outputs = [subject.folder / name for name in technique.outputs]
        yield Step(
            technique.name,
            technique.title,
            outputs,
            partial(_reason, technique, inputs),
            partial(_technique_key, technique, subject),
            partial(technique.measure, inputs, subject.folder.joinpath),
        )


def reasons(chosen: Sequence[Technique], subject: Subject) -> Iterator[tuple[str, str]]:
    """Each step with why the network does not allow it; empty where it does. No step runs."""
    for step in _steps(chosen, subject):
        try:
            with failures("evaluation.batch_size"):
                reason = step.reason()
        except (LostDeviceError, MachineError):
            raise
        except InputError as error:
            reason = what_it_raised(step.name, error)
        except Exception as error:
            reason = f"failed: {what_it_raised(step.name, error)}"
        yield step.name, reason


def _reason(technique: Technique, inputs: GivenInputs) -> str:
    lacking = why.without_stages(inputs) if technique.features else ""
    return lacking or technique.reason(inputs)


def load(
    candidate: Candidate,
    stimuli: Stimuli,
    settings: dict[str, Any],
    folder: Path,
    photographs: Photographs | None,
) -> tuple[Subject, Path | None]:
    """A network on its device, and the table of the read-out that decides, where one does.

    Raises
    ------
    InputError
        If it cannot be loaded.
    """
    from texshape.devices import select_device

    network = candidate.load()
    home = folder / str(run_of(candidate.slug))
    asking.begin(network, home, settings, stimuli)
    key = _identity(network)
    device = select_device(lambda line: None)  # --quiet
    network.module.to(device)
    table = None
    if candidate.readout and photographs is not None:
        network, table = reading.decided(network, key, photographs, settings, home)
        key = None if key is None else _identity(network)
    else:
        forget(home, reading.NAME)  # of a survey in which it did

    def untrained() -> Network:
        found = candidate.untrained()
        found.module.to(device)
        return found

    return Subject(network, key, untrained, _identity, stimuli, settings, home), table


def _identity(network: Network) -> str | None:
    """All that its outputs depend on, as a hash; None, and a warning, where that cannot be seen."""
    from texshape.models.identity import Unknown, identity

    try:
        return identity(asking.about(network) or network)
    except Unknown as error:
        warn(network.name, f"nothing is kept from an earlier run, since {error}")
        return None


def _describe(candidate: Candidate, subject: Subject) -> dict[str, Any]:
    network = subject.network
    seen = network.asked is None
    architecture, weights = runs.model_parts(candidate.slug)
    return {
        "model": candidate.slug,
        "name": candidate.name,
        "architecture": architecture,
        "arm": weights,
        "input_size": network.input_size if seen else None,
        "parameters": sum(p.numel() for p in network.module.parameters()) if seen else None,
        "classes": len(network.classes or ()),
        "class_map": candidate.class_map,
        "wording": asking.wording(network),
        "decides_by": network.decides_by,
        "key": subject.key,
    }


def _apply(step: Step, subject: Subject, failed: list[str]) -> tuple[str, bool]:
    """Run a step where it can be run: the reason where not, and whether it had to run."""
    try:
        with failures("evaluation.batch_size"):
            reason = step.reason()
            if reason:
                forget(subject.folder, step.name)
                return reason, False
            ran = once(subject.folder, step.name, step.key(), step.outputs, step.run)
    except (LostDeviceError, StoppedError):
        raise
    except InputError as error:
        if "cannot be written" in str(error) or "no space left" in str(error):
            raise
        forget(subject.folder, step.name)
        return what_it_raised(step.name, error), True
    except Exception as error:  # whatever a user's network, or another package's technique, raises
        forget(subject.folder, step.name)
        failed.append(f"{subject.network.name}, {step.title}: {what_it_raised(step.name, error)}")
        return f"failed: {what_it_raised(step.name, error)}", True
    return "", ran


def what_it_raised(technique: str, error: Exception) -> str:
    """What a technique raised, in one line; of another package's with the package's name."""
    if package := registry.package(technique):
        return left_out.fault(technique, package, error)
    if isinstance(error, InputError):
        return str(error)
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"


def _key(
    subject: Subject, networks: Sequence[str | None], sections: Sequence[str], code: str
) -> dict[str, Any] | None:
    if None in networks:
        return None
    return {
        "networks": list(networks),
        "stimuli": subject.stimuli.key,
        "settings": {name: subject.settings.get(name) for name in (*sections, "seed")},
        "code": code,
        "versions": computing_versions(),
    }


def _technique_key(technique: Technique, subject: Subject) -> dict[str, Any] | None:
    """All that a technique's outputs depend on; None where that cannot be known."""
    networks, sections = [subject.key], [technique.parameters, *technique.sections]
    code = technique_hash(technique) + function_hash(by_name, GivenInputs)
    if technique.features:
        sections.append("features")
    if technique.features or technique.untrained:
        networks.append(subject.random_key)
    return _key(subject, networks, sections, code)


def _datasets_key(subject: Subject, there: Places) -> dict[str, Any] | None:
    """All that decisions on the 17 data sets depend on."""
    code = function_hash(datasets.decide, by_name)
    found = _key(subject, [subject.key], ["evaluation"], code)
    return None if found is None else found | {"stimuli": dict(there.digests)}


def computing_versions() -> dict[str, str]:
    return {name: version for name, version in versions().items() if name not in _TOOLS}
