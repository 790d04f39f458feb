"""Run a survey: every technique on every network, then tables, figures and a report."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from texshape import FORMAT_VERSION
from texshape.devices import LostDeviceError, failures
from texshape.errors import InputError, MachineError, nearest
from texshape.experiment import left_out, runs
from texshape.files import write_csv, write_json
from texshape.notices import listening, warn
from texshape.provenance import versions
from texshape.source_code import function_hash, technique_hash
from texshape.survey import asking, leaderboard, reading, tables
from texshape.survey.columns import ANSWERS, LEADERBOARD, NOTICES, REASONS
from texshape.survey.inputs import (
    GivenInputs,
    PixelInputs,
    Subject,
    decide,
    run_of,
    sets_of,
)
from texshape.survey.records import forget, once
from texshape.survey.stimuli import CUE_CONFLICT, Stimuli
from texshape.techniques import reasons as why
from texshape.techniques import registry
from texshape.techniques.base import Technique
from texshape.techniques.named import named as named_techniques
from texshape.vlm.chat import StoppedError

if TYPE_CHECKING:
    import pandas as pd

    from texshape.decision_readout.photographs import Photographs
    from texshape.models.network import Network

PIXELS = str(runs.PIXELS)
REPORT = Path(__file__).parent / "report" / "report.typ"
TRIALS = "trials"  # the step that all of behaviour rests on
# They start steps and show results, and compute nothing.
_TOOLS = ("texshape", "snakemake", "dvc", "mlflow", "typst", "matplotlib")


@dataclass(frozen=True)
class Candidate:
    """A network that is to be measured.

    Attributes
    ----------
    name : str
        Full name.
    slug : str
        Of its folder, ``ARCHITECTURE--WEIGHTS``.
    load : callable
        Loads it.
    untrained : callable
        Loads it with random weights; raises `InputError` where that cannot be had.
    class_map : str
        File that explains its outputs; empty where none was given.
    readout : bool
        Whether its decisions are to be read out of it, by a read-out that is fitted here.
    """

    name: str
    slug: str
    load: Callable[[], Network]
    untrained: Callable[[], Network]
    class_map: str = ""
    readout: bool = False


@dataclass
class Result:
    """What a survey found.

    Attributes
    ----------
    folder : path
    leaderboard : DataFrame
        See `texshape.survey.leaderboard`.
    reasons : DataFrame
        ``model, technique, reason`` of what could not be measured.
    notices : DataFrame
        `columns.NOTICES`: what was said about the networks; ``technique`` is empty where a network was loaded.
    failed : list of str
        Techniques that broke where they should not have.
    measured : list of (str, str)
        Slugs and the techniques that measured them; ``trials`` stands for the decisions.
    """

    folder: Path
    leaderboard: pd.DataFrame
    reasons: pd.DataFrame
    notices: pd.DataFrame
    failed: list[str] = field(default_factory=list)
    measured: list[tuple[str, str]] = field(default_factory=list)


class Listener:
    """Is told how far a survey has come; this one says nothing."""

    def network(self, name: str, number: int, networks: int, steps: int) -> None:
        """A network's turn has come, with so many steps."""

    def step(self, title: str) -> None:
        """A step begins."""

    def done(self, ran: bool) -> None:
        """A step has ended; it had to run, or was there from an earlier time."""

    def finish(self) -> None:
        """All networks are measured; tables, figures and the report follow."""


def by_name(name: str, evaluation: dict[str, Any]) -> Candidate:
    """A network that `texshape.models.loading` can load.

    Parameters
    ----------
    name : str
    evaluation : dict
        Section ``evaluation`` of the parameters; may name a ``class_map``.
    """
    from texshape.models import names

    def load(weights: bool) -> Network:
        from texshape.models import loading

        return loading.load(name, weights=weights, settings=evaluation)

    parsed = names.parse(name)
    explained = "" if parsed.readout else str(evaluation.get("class_map") or "")
    return Candidate(
        name,
        names.slug(name),
        partial(load, True),
        partial(load, False),
        explained,
        readout=parsed.readout and parsed.source != "fitted",
    )


def class_maps(given: Sequence[str], names: Sequence[str]) -> dict[str, str]:
    """Which class map explains which network.

    Parameters
    ----------
    given : sequence of str
        ``NETWORK=FILE``, or ``FILE`` for all networks that have none of their own.
    names : sequence of str
        The networks, as they are written in the command.

    Returns
    -------
    dict of str to str
        Network to file; networks without one are left out.

    Raises
    ------
    InputError
        If a network is none of those named, or has two maps, or two maps are for all.
    """
    found: dict[str, str] = {}
    for text in given:
        own = [name for name in names if text.startswith(f"{name}=")]
        name = max(own, key=len, default="")  # `a=b` may be a network too
        file = text[len(name) + 1 :] if own else text
        before, sign, _ = text.partition("=")
        if not own and sign and not Path(text).exists():
            raise InputError(
                f"--class-map {text}: '{before}' is none of the networks of this command"
                f"{nearest(before, names)}; expected NETWORK=FILE or FILE"
            )
        if not file:
            raise InputError(f"--class-map {text}: no file after '='; expected NETWORK=FILE")
        if name in found:
            whose = f"'{name}' has" if name else "the networks without one of their own have"
            raise InputError(f"--class-map {text}: {whose} a class map already, {found[name]}")
        found[name] = file
    for_all = found.pop("", None)
    return dict.fromkeys(names, for_all) | found if for_all else found


def run(
    candidates: Sequence[Candidate],
    stimuli: Stimuli,
    settings: dict[str, Any],
    folder: Path,
    *,
    quick: bool = False,
    report: bool = True,
    listener: Listener | None = None,
) -> Result:
    """Measure networks and write all results below a folder.

    Parameters
    ----------
    candidates : sequence of Candidate
    stimuli : Stimuli
    settings : dict
        All parameters, see `texshape.survey.parameters`.
    folder : path
        May hold an earlier survey: steps of which nothing changed are kept.
    quick : bool
        Only shape bias and accuracies.
    report : bool
        Draw figures and compile the report too.
    listener : Listener, optional

    Returns
    -------
    Result

    Raises
    ------
    InputError
        If a network cannot be loaded or a file cannot be written. A technique that a network does not
        allow is no error: its reason is in ``tables/reasons.csv``.
    """
    import torch

    # A notebook may call within a mode of its own; receptive fields need gradients.
    with torch.inference_mode(False), torch.enable_grad():
        return _run(candidates, stimuli, settings, folder, quick, report, listener or Listener())


def _run(
    candidates: Sequence[Candidate],
    stimuli: Stimuli,
    settings: dict[str, Any],
    folder: Path,
    quick: bool,
    report: bool,
    listener: Listener,
) -> Result:
    slugs = [candidate.slug for candidate in candidates]
    for candidate in candidates:
        if slugs.count(candidate.slug) > 1:
            raise InputError(f"model '{candidate.name}': is given twice")
    possible = possible_techniques(stimuli, settings["techniques"], settings)
    refused = named_techniques(settings["techniques"])[1]
    for reason in refused.values():
        warn("techniques", f"left out: {reason}")
    chosen = [] if quick else possible
    for technique in chosen:  # bad parameters are said before anything is computed
        technique.configured(settings)
    photographs = None
    if any(candidate.readout for candidate in candidates):
        photographs = reading.photographs(settings, stimuli)
    reasons: list[dict[str, str]] = []
    failed: list[str] = []
    described: list[dict[str, Any]] = []
    notices: list[tuple[str, str, str, str]] = []
    answered: list[dict[str, Any]] = []
    written: dict[tuple[str, str], list[Path]] = {}
    for number, candidate in enumerate(candidates, start=1):
        listener.network(candidate.name, number, len(candidates), len(chosen) + 1)
        with listening() as heard:
            subject, read_out = _load(candidate, stimuli, settings, folder, photographs)
        known = set(heard)  # the untrained network may be said to be the same
        notices += [(candidate.slug, "", one.kind, one.text) for one in heard]
        described.append(_describe(candidate, subject))
        if read_out:
            written[candidate.slug, reading.NAME] = [read_out]
        subject.forget_activations()  # of a survey that was cut off, maybe of another network
        asking.announce(subject, chosen)
        for step in _steps(chosen, subject):
            listener.step(step.title)
            with listening() as heard:
                reason, ran = _apply(step, subject, failed)
            notices += [
                (candidate.slug, step.name, one.kind, one.text) for one in heard if one not in known
            ]
            if reason:
                reasons.append({"model": candidate.slug, "technique": step.name, "reason": reason})
            else:
                written[candidate.slug, step.name] = step.outputs
            listener.done(ran)
        subject.forget_activations()
        subject.network.module.cpu()
        answered += asking.summary(subject.network)
    listener.finish()
    for technique in chosen:
        if technique.pixels is not None:
            _pixels(technique, stimuli, settings, folder, failed)
    for technique in possible:
        if technique not in chosen:
            reasons += [
                {"model": slug, "technique": technique.name, "reason": "left out by --quick"}
                for slug in slugs
            ]
    for name, reason in refused.items():
        reasons += [{"model": slug, "technique": name, "reason": reason} for slug in slugs]
    import pandas as pd

    missing = REASONS.frame(reasons)
    REASONS.write(folder / "tables" / "reasons.csv", missing)
    # Of two files of a network the same may be said.
    said = NOTICES.frame(
        dict(zip(NOTICES.names, row, strict=True)) for row in dict.fromkeys(notices)
    )
    NOTICES.write(folder / "tables" / "notices.csv", said)
    write_csv(folder / "models.csv", pd.DataFrame(described))
    made = tables.write(slugs, chosen, missing, written, stimuli, settings, folder)
    if answered:
        ANSWERS.write(folder / "tables" / "answers.csv", ANSWERS.frame(answered))
    board = leaderboard.build(made, missing, described)
    LEADERBOARD.write(folder / "tables" / "leaderboard.csv", board)
    write_json(folder / "parameters.json", settings)
    write_json(
        folder / "provenance.json",
        {
            "format_version": FORMAT_VERSION,
            "versions": versions(),
            "stimuli": {"name": stimuli.name, "key": stimuli.key,
                        "images": {name: len(images) for name, images in stimuli.sets.items()}},
            "networks": described,
        },
    )  # fmt: skip
    if report:
        _report(slugs, made, missing, settings, folder)
    return Result(folder, board, missing, said, failed, sorted(written))


def possible_techniques(
    stimuli: Stimuli, named: Sequence[str] = (), settings: Mapping[str, Any] | None = None
) -> list[Technique]:
    """The techniques for which there are images: those that always run, and those that are named.

    Where the settings are given, one that brings pictures of its own by them needs none.
    """
    found = [*registry.built_in().values(), *named_techniques(named)[0]]

    def needed(technique: Technique) -> tuple[str, ...]:
        return technique.images if settings is None else technique.needs(settings)

    return [one for one in found if all(sets_of(stimuli, role) for role in needed(one))]


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


def _reason(technique: Technique, inputs: GivenInputs) -> str:
    lacking = why.without_stages(inputs) if technique.features else ""
    return lacking or technique.reason(inputs)


def _load(
    candidate: Candidate,
    stimuli: Stimuli,
    settings: dict[str, Any],
    folder: Path,
    photographs: Photographs | None,
) -> tuple[Subject, Path | None]:
    """A network on its device, and the table of the read-out that decides, where one does."""
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
        return _why(step.name, error), True
    except Exception as error:  # whatever a user's network, or another package's technique, raises
        forget(subject.folder, step.name)
        failed.append(f"{subject.network.name}, {step.title}: {_why(step.name, error)}")
        return f"failed: {_why(step.name, error)}", True
    return "", ran


def _why(technique: str, error: Exception) -> str:
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
        "versions": _versions(),
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


def _versions() -> dict[str, str]:
    return {name: version for name, version in versions().items() if name not in _TOOLS}


def _pixels(
    technique: Technique,
    stimuli: Stimuli,
    settings: dict[str, Any],
    folder: Path,
    failed: list[str],
) -> None:
    """The baseline that knows no network: of the pixels themselves."""
    place = folder / PIXELS
    inputs = PixelInputs(technique, stimuli, settings, place / "features")
    code = technique_hash(technique) + function_hash(PixelInputs)
    section = technique.section_of(settings)
    key = [stimuli.key, section, settings["seed"], code, _versions()]
    outputs = [place / name for name in technique.outputs]
    action = partial(technique.measure, inputs, place.joinpath)
    try:
        if not technique.reason(inputs):
            once(place, technique.name, key, outputs, action)
    except MachineError:
        raise
    except Exception as error:
        if not registry.package(technique.name):
            raise
        failed.append(f"{PIXELS}, {technique.title}: {_why(technique.name, error)}")
    finally:
        shutil.rmtree(place / "features", ignore_errors=True)


def _report(
    slugs: list[str],
    made: dict[str, pd.DataFrame],
    missing: pd.DataFrame,
    settings: dict[str, Any],
    folder: Path,
) -> None:
    """Figures that the tables allow, then the page that shows them."""
    from texshape.article import compile_article
    from texshape.claims import FILE, write
    from texshape.claims.evidence import read
    from texshape.figures import style
    from texshape.figures.registry import available, draw
    from texshape.survey.claims import claims
    from texshape.techniques.feature_visualization import figure as feature_visualization
    from texshape.techniques.receptive_field import influence_figure as effective_receptive_field

    place = folder / "figures"
    filled = [name for name, table in made.items() if len(table)]
    names = available(filled, trained=False, published=True, controls=False, named=True)
    drawn = set()
    for name in names:
        style.save(draw(name, made, {"arms": {}, "data": settings["data"]}), place / name)
        drawn.add(name)
    lacking = set(zip(missing["model"], missing["technique"], strict=True))
    for slug in slugs:
        home = folder / str(run_of(slug))
        for technique, file, function in (
            ("receptive_field", "influence", effective_receptive_field.draw),
            ("feature_visualization", "feature_visualization", feature_visualization.draw),
        ):
            if (slug, technique) in lacking or not (home / f"{file}.npz").exists():
                continue
            stem = f"{file}-{slug}" if len(slugs) > 1 else file
            path = home / f"{file}.npz"
            with style.style():
                figure = function([path] if file == "feature_visualization" else path)
            style.save(figure, place / stem)
            drawn.add(stem)
    for old in place.glob("*"):
        if old.stem not in drawn:
            old.unlink()
    board, reasons = (
        read(folder / "tables" / f"{name}.csv") for name in ("leaderboard", "reasons")
    )
    write(folder / FILE, claims(board, reasons, settings["bootstrap"]["level"]))
    compile_article(
        results=folder, source=REPORT, pdf=folder / "report.pdf", html=folder / "report.html"
    )
