"""Run a survey: every technique on every network, then tables, figures and a report."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from texshape import FORMAT_VERSION, compute
from texshape.errors import InputError, MachineError
from texshape.experiment import runs
from texshape.files import write_csv, write_json
from texshape.notices import warn
from texshape.provenance import versions
from texshape.source_code import function_hash, technique_hash
from texshape.survey import datasets, leaderboard, reading, tables
from texshape.survey.candidates import Candidate, by_name, class_maps
from texshape.survey.columns import ANSWERS, LEADERBOARD, NOTICES, REASONS
from texshape.survey.inputs import PixelInputs, run_of, sets_of
from texshape.survey.listener import Listener
from texshape.survey.processes import Lost, at_once, lost, lost_among
from texshape.survey.records import once
from texshape.survey.steps import Measured, computing_versions, measure, what_it_raised
from texshape.survey.stimuli import Stimuli
from texshape.techniques import registry
from texshape.techniques.base import Technique
from texshape.techniques.named import named as named_techniques
from texshape.vlm.chat import StoppedError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Candidate", "Listener", "Result", "by_name", "class_maps", "possible_techniques", "run"]

PIXELS = str(runs.PIXELS)
REPORT = Path(__file__).parent / "report" / "report.typ"


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
        Techniques that broke where they should not have, and networks whose processes did.
    measured : list of (str, str)
        Slugs and the techniques that measured them; ``trials`` stands for the decisions.
    refused : list of str
        A line each for networks that could not be taken: they are in no table.
    """

    folder: Path
    leaderboard: pd.DataFrame
    reasons: pd.DataFrame
    notices: pd.DataFrame
    failed: list[str] = field(default_factory=list)
    measured: list[tuple[str, str]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def run(
    candidates: Sequence[Candidate],
    stimuli: Stimuli,
    settings: dict[str, Any],
    folder: Path,
    *,
    quick: bool = False,
    report: bool = True,
    listener: Listener | None = None,
    jobs: int = 1,
    threads: int = 1,
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
    jobs : int
        Networks at a time, a process each; the files are the same as with one.
    threads : int
        Of the CPU, for all processes together, where there are several.

    Returns
    -------
    Result

    Raises
    ------
    InputError
        If no network can be loaded or a file cannot be written. Of several networks one that cannot be loaded
        is left out (`Result.refused`). A technique that a network does not allow is no error: its reason is
        in ``tables/reasons.csv``.
    """
    import torch

    # A notebook may call within a mode of its own; receptive fields need gradients.
    with torch.inference_mode(False), torch.enable_grad():
        return _run(
            candidates,
            stimuli,
            settings,
            folder,
            quick,
            report,
            listener or Listener(),
            jobs,
            threads,
        )


def _run(
    candidates: Sequence[Candidate],
    stimuli: Stimuli,
    settings: dict[str, Any],
    folder: Path,
    quick: bool,
    report: bool,
    listener: Listener,
    jobs: int,
    threads: int,
) -> Result:
    chosen, others = planned(candidates, stimuli, settings, quick=quick)
    measured, gone = _networks(
        candidates, stimuli, settings, folder, chosen, listener, jobs=jobs, threads=threads
    )
    slugs = [one.slug for one in measured]
    reasons = [row for one in measured for row in one.reasons]
    if stimuli.datasets is not None and (lacking := datasets.reason(stimuli.datasets)):
        there = {row["model"] for row in reasons if row["technique"] == datasets.TECHNIQUE}
        reasons += [
            {"model": slug, "technique": datasets.TECHNIQUE, "reason": lacking}
            for slug in slugs
            if slug not in there
        ]
    failed = [line for one in measured for line in one.failed]
    described = [one.described for one in measured]
    written = {(one.slug, step): paths for one in measured for step, paths in one.written.items()}
    listener.finish()
    for technique in chosen:
        if technique.pixels is not None:
            _pixels(technique, stimuli, settings, folder, failed)
    for name, reason in others.items():
        reasons += [{"model": slug, "technique": name, "reason": reason} for slug in slugs]
    import pandas as pd

    missing = REASONS.frame(reasons)
    REASONS.write(folder / "tables" / "reasons.csv", missing)
    # Of two files of a network the same may be said.
    said = NOTICES.frame(
        dict(zip(NOTICES.names, row, strict=True))
        for row in dict.fromkeys(row for one in measured for row in one.notices)
    )
    NOTICES.write(folder / "tables" / "notices.csv", said)
    write_csv(folder / "models.csv", pd.DataFrame(described))
    made = tables.write(slugs, chosen, missing, written, stimuli, settings, folder)
    if answered := [row for one in measured for row in one.answered]:
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
                        "images": {name: len(images) for name, images in stimuli.sets.items()}}
            | ({"datasets": dict(stimuli.datasets.digests)} if stimuli.datasets else {}),
            "networks": described,
        },
    )  # fmt: skip
    if report:
        _report(slugs, made, missing, settings, folder)
    failed += [one.line for one in gone if one.broken]
    refused = [one.line for one in gone if not one.broken]
    return Result(folder, board, missing, said, failed, sorted(written), refused)


def planned(
    candidates: Sequence[Candidate],
    stimuli: Stimuli,
    settings: dict[str, Any],
    *,
    quick: bool = False,
) -> tuple[list[Technique], dict[str, str]]:
    """The techniques that are to run, and why others are not, whatever the network.

    Raises
    ------
    InputError
        If a network is given twice, or a technique's parameters are bad.
    """
    slugs = [candidate.slug for candidate in candidates]
    for candidate in candidates:
        if slugs.count(candidate.slug) > 1:
            raise InputError(f"model '{candidate.name}': is given twice")
    possible = possible_techniques(stimuli, settings["techniques"], settings)
    refused = named_techniques(settings["techniques"])[1]
    for reason in refused.values():
        warn("techniques", f"left out: {reason}")
    for technique in (
        [] if quick else possible
    ):  # bad parameters are said before anything is computed
        technique.configured(settings)
    if quick:
        return [], {one.name: "left out by --quick" for one in possible} | refused
    return possible, refused


def _networks(
    candidates: Sequence[Candidate],
    stimuli: Stimuli,
    settings: dict[str, Any],
    folder: Path,
    chosen: Sequence[Technique],
    listener: Listener,
    *,
    jobs: int,
    threads: int,
) -> tuple[list[Measured], list[Lost]]:
    """Measure each network, and see which could not be measured at all."""
    photographs = None
    if any(candidate.readout for candidate in candidates):
        photographs = reading.photographs(settings, stimuli)
    steps = len(chosen) + 1 + (stimuli.datasets is not None)
    if min(jobs, len(candidates)) > 1:
        names = [technique.name for technique in chosen]
        found = at_once(
            partial(_beside, names, folder), candidates, stimuli, settings,
            jobs=min(jobs, len(candidates)), threads=threads, steps=steps, listener=listener,
        )  # fmt: skip
    else:
        found = []
        for number, candidate in enumerate(candidates, start=1):
            listener.network(candidate.name, number, len(candidates), steps)
            try:
                one = measure(candidate, stimuli, settings, folder, chosen, listener, photographs)
                found.append(one)
            except (MachineError, StoppedError):
                raise  # the next one would not fare better
            except InputError as error:
                if len(candidates) == 1:
                    raise
                found.append(lost(candidate, str(error), broken=False))
    gone = lost_among(found)
    return [one for one in found if isinstance(one, Measured)], gone


def _beside(
    names: Sequence[str],
    folder: Path,
    candidate: Candidate,
    stimuli: Stimuli,
    settings: dict[str, Any],
    listener: Listener,
    threads: int,
) -> Measured:
    """Measure one network in a process of its own."""
    compute.prepare(threads)
    chosen = [registry.get(name) for name in names]
    photographs = reading.photographs(settings, stimuli) if candidate.readout else None
    return measure(candidate, stimuli, settings, folder, chosen, listener, photographs)


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
    key = [stimuli.key, section, settings["seed"], code, computing_versions()]
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
        failed.append(f"{PIXELS}, {technique.title}: {what_it_raised(technique.name, error)}")
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
    from texshape.techniques.feature_visualization import figure as visualized
    from texshape.techniques.receptive_field import influence_figure

    place = folder / "figures"
    filled = [name for name, table in made.items() if len(table)]
    names = available(filled, trained=False, published=True, controls=False, named=True)
    drawn = set()
    for name in names:
        style.save(draw(name, made, {"arms": {}, "data": settings["data"]}), place / name)
        drawn.add(name)
    mass = registry.get("receptive_field").configured(settings).mass
    lacking = set(zip(missing["model"], missing["technique"], strict=True))
    for slug in slugs:
        home = folder / str(run_of(slug))
        for technique, file, function in (
            ("receptive_field", "influence", partial(influence_figure.draw, mass=mass)),
            (
                "feature_visualization",
                "feature_visualization",
                lambda path: visualized.draw([path]),
            ),
        ):
            if (slug, technique) in lacking or not (home / f"{file}.npz").exists():
                continue
            stem = f"{file}-{slug}" if len(slugs) > 1 else file
            path = home / f"{file}.npz"
            with style.style():
                figure = function(path)
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
