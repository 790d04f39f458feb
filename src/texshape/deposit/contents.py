"""What of an experiment's folder goes into an archive, what stays out, and why."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from texshape import origins
from texshape.deposit import inputs, listing
from texshape.deposit.inputs import Input
from texshape.deposit.listing import NotIncluded
from texshape.errors import InputError
from texshape.files import read_json
from texshape.records import stored, verification

#: without these an experiment is not finished
NEEDED = ("claims.json", "figures.json", "metrics.json", "origins.json", "paper.html", "paper.pdf",
          "parameters.json", "provenance.json")  # fmt: skip
ARTICLE = ("paper.html", "paper.pdf")
FOLDERS = ("tables", "figures")
#: what stands beside the results, from the folder that ``results/`` is in
LOCK, LICENCE, CITATION = "requirements.lock", "LICENSE", "CITATION.cff"
LEVELS = "levels.json"  # made by a command and no job, and read by jobs
_TRACKING = "tracking.json"  # says what was carried to a server: nothing of the results
_DATA = "images, activations, weights and files of single networks are made again from parameters and code"
_PICTURES = (
    "shows pictures of {name}, whose licence ({licence}) does not say that they may be passed on"
)


@dataclass(frozen=True)
class Packed:
    """A file of the archive: its name there, and its content or where that lies with the recorded check sum."""

    name: str
    path: Path | None = None
    sha256: str | None = None
    content: bytes = b""


@dataclass
class Contents:
    """All that an archive is made of.

    Attributes
    ----------
    experiment, root : str
        Name of the experiment, and its folder in the archive, ``results/NAME``.
    base : Path
        The folder that `root` is relative to.
    record : dict
        `texshape.records.stored.load`.
    parameters, figures : dict
        ``parameters.json`` and ``figures.json``.
    files : list of Packed
    not_included : list of NotIncluded
    inputs : list of Input
    run : dict
        The last run that made a file of the archive, with its packages.
    withheld : str
        Why figures of pictures and the article are not included; empty if they are.
    """

    experiment: str
    root: str
    base: Path
    record: dict[str, Any]
    parameters: dict[str, Any]
    figures: dict[str, Any]
    inputs: list[Input]
    run: dict[str, Any]
    withheld: str = ""
    files: list[Packed] = field(default_factory=list)
    not_included: list[NotIncluded] = field(default_factory=list)


def collect(results: str | Path, *, with_pictures: bool = False) -> Contents:
    """Find what an archive of an experiment is made of, and see that all is as recorded.

    Parameters
    ----------
    results : path
        Folder of the experiment.
    with_pictures : bool
        Whether figures that show pictures whose licence does not let them be passed on are included all the
        same, and the article, which shows them too.

    Raises
    ------
    InputError
        If the experiment is not finished, or a file is not as recorded.
    """
    results = Path(results)
    record = stored.load(results)
    for name in NEEDED:
        if not (results / name).is_file():
            raise InputError(
                f"{results / name}: no such file; expected the results of a finished run"
            )
    _, findings = verification.verify(results)
    findings = [finding for finding in findings if finding.state != "unrecorded"]
    if findings:
        first = findings[0]
        raise InputError(
            f"{first.file}: {first.state} ({first.why}); {len(findings)} of the files are not as recorded, "
            f"texshape verify {results} lists them"
        )
    root = record["results"]
    parameters = read_json(results / "parameters.json")
    found = Contents(
        experiment=PurePosixPath(root).name,
        root=root,
        base=Path(os.path.abspath(results)).parents[len(PurePosixPath(root).parts) - 1],
        record=record,
        parameters=parameters,
        figures=read_json(results / origins.FIGURES),
        inputs=inputs.used(parameters),
        run={},
    )
    if not with_pictures:
        found.withheld = _withheld(found)
    _divide(found, results)
    found.run = _last_run(found)
    return found


def _withheld(found: Contents) -> str:
    """Why figures of pictures may not be passed on; empty where nothing is against it, or none is shown."""
    if not any(figure["pictures"] for figure in found.figures.values()):
        return ""
    closed = [one for one in found.inputs if one.shown and one.licence_address is None]
    if not closed:
        return ""
    return _PICTURES.format(name=closed[0].name, licence=closed[0].licence)


def _divide(found: Contents, results: Path) -> None:
    shows = {name for name, figure in found.figures.items() if figure["pictures"]}
    for job in found.record["jobs"]:
        for name, facts in job["outputs"].items():
            if facts.get("temporary"):
                continue
            inner = PurePosixPath(name).relative_to(found.root)
            top = len(inner.parts) == 1
            why = ""
            if not (top or inner.parts[0] in FOLDERS):
                why = _DATA
            elif inner.name == _TRACKING:
                why = "says what was carried to a server for metrics"
            elif found.withheld and (inner.name in ARTICLE if top else inner.stem in shows):
                why = found.withheld
            if why:
                entry = NotIncluded(name, facts["bytes"], facts["sha256"], why)
                found.not_included.append(entry)
            else:
                found.files.append(Packed(name, results / inner, facts["sha256"]))
    levels = f"{found.root}/{LEVELS}"
    if used := next(
        (job["inputs"][levels] for job in found.record["jobs"] if levels in job["inputs"]), None
    ):
        found.files.append(Packed(levels, results / LEVELS, used))
    if not any(file.name.startswith(f"{found.root}/tables/") for file in found.files):
        raise InputError(f"{results}/tables: no table is recorded; expected a finished run")
    found.files.append(Packed(f"{found.root}/{stored.NAME}", results / stored.NAME))


def _last_run(found: Contents) -> dict[str, Any]:
    """The last run that made something; packages by name."""
    runs = [run for run in found.record["runs"].values() if not run["touch"]]
    if not runs:
        raise InputError(
            f"{found.base / found.root / stored.NAME}: no run of the workflow is recorded"
        )
    run = max(runs, key=lambda run: run["started"])
    return {**run, "packages": found.record["packages"].get(run["packages"]) or {}}


def own_places(found: Contents) -> list[str]:
    """Absolute paths in the parameters, which the archive publishes: of data and networks of one's own."""
    texts: list[str] = []

    def look(value: Any) -> None:
        if isinstance(value, dict):
            value = list(value.values())
        if isinstance(value, list):
            for one in value:
                look(one)
        elif isinstance(value, str) and re.search(r"(^|[@:])(/|~|[A-Z]:\\)", value):
            texts.append(value)

    look([found.parameters, found.run["config"]])
    return sorted(set(texts))


def at_commit(base: Path, commit: str | None, name: str) -> bytes:
    """A file of the project as it was at a commit; as it is now where git does not know.

    Raises
    ------
    InputError
        If there is none.
    """
    if commit is not None:
        command = ["git", "-C", str(base), "show", f"{commit}:./{name}"]
        try:
            done = subprocess.run(command, capture_output=True, timeout=20, check=False)
        except (OSError, subprocess.TimeoutExpired):
            done = None
        if done is not None and done.returncode == 0:
            return done.stdout
    try:
        return (base / name).read_bytes()
    except OSError:
        raise InputError(
            f"{base / name}: no such file; expected the results in the clone that made them"
        ) from None


def not_included_file(found: Contents) -> Packed:
    """The list of what stays out, as a file of the archive."""
    return Packed(listing.NAME, content=listing.text(found.not_included).encode())
