"""What an archive says of itself: an RO-Crate 1.1 by the profile Process Run Crate 0.5.

Each file has its size, SHA-256 and format; each job that made one of them is a ``CreateAction`` with its
command, its times and what of its inputs is in the archive. Sources:
https://www.researchobject.org/ro-crate/specification/1.1 and
https://www.researchobject.org/workflow-run-crate/profiles/process_run_crate.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

from texshape.catalogue import catalogue
from texshape.deposit import citation
from texshape.deposit.citation import Work
from texshape.deposit.contents import Contents
from texshape.deposit.inputs import Input
from texshape.errors import InputError
from texshape.figures.registry import declaration_of_file

NAME = "ro-crate-metadata.json"
PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
#: of a term that RO-Crate's own context lacks
TERMS = {"sha256": "https://w3id.org/ro/terms/workflow-run#sha256"}
FORMATS = {
    ".bib": "application/x-bibtex", ".cff": "application/yaml", ".csv": "text/csv",
    ".html": "text/html", ".json": "application/json", ".lock": "text/plain", ".md": "text/markdown",
    ".pdf": "application/pdf", ".png": "image/png", ".svg": "image/svg+xml", "": "text/plain",
}  # fmt: skip
_MEANINGS = {
    "paper.pdf": "The article, to be printed",
    "paper.html": "The article, for the web; each claim opens with what it rests on",
    "parameters.json": "All parameters of the experiment",
    "provenance.json": "Commit, versions, and check sums of the image sets",
    "claims.json": "What the article claims, with rule, verdict and cells",
    "levels.json": "What would be claimed at other levels of the intervals",
    "origins.json": "What made each table",
    "figures.json": "What each figure was drawn from, and the command that draws it again",
    "metrics.json": "The experiment in brief",
    "models.csv": "The networks",
    "techniques.json": "Techniques that the parameters name",
    "records.json": "What made each result file, with check sums; for texshape verify",
    "requirements.lock": "Packages and versions, as pip installs them",
    "CITATION.cff": "How to cite",
    "LICENSE": "The licence",
    "README.md": "What is in the archive, and how it is checked",
    "not-included.csv": "Recorded files that are not in the archive, with check sums and the reason",
}  # fmt: skip
# What numbers depend on most; `requirements.lock` and `records.json` name the rest.
_SOFTWARE = {
    "python": "https://www.python.org/",
    "torch": "https://pytorch.org/",
    "torchvision": "https://pytorch.org/vision/",
    "numpy": "https://numpy.org/",
    "scipy": "https://scipy.org/",
    "pandas": "https://pandas.pydata.org/",
    "snakemake": "https://snakemake.github.io/",
}


def title(found: Contents) -> str:
    """What the archive is called."""
    return f"Results of the experiment {found.experiment}, computed by texshape"


def description(found: Contents) -> str:
    """What the archive is, in a few sentences."""
    run = found.run
    commit = f"commit {run['commit']}" if run["commit"] else "code outside version control"
    if run["dirty"]:
        commit += " with uncommitted changes"
    out = len(found.not_included)
    version = run["packages"].get("texshape", "(version not recorded)")
    text = (
        f"Tables, figures, article, parameters and records of the experiment {found.experiment}: how much "
        "texture and how much shape vision networks use, and how much of each they know. Computed by "
        f"texshape {version}, {commit}. {out} recorded files (images, weights, activations, files of single "
        "networks) are not in the archive; not-included.csv has their check sums."
    )
    return text + (f" Left out too: what {found.withheld}." if found.withheld else "")


def date(found: Contents) -> str:
    """Day of the last run, ``YYYY-MM-DD``: the same results give the same archive on any day."""
    return _time(found.run["started"])[:10]


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def metadata(
    found: Contents,
    sizes: Mapping[str, tuple[int, str]],
    cited: Mapping[str, Any],
    works: Mapping[str, Work],
) -> str:
    """The crate's metadata as JSON-LD.

    Parameters
    ----------
    found : Contents
    sizes : mapping
        Name of each file of the archive to its size in bytes and its SHA-256.
    cited : mapping
        CITATION.cff (`texshape.deposit.citation.read`).
    works : mapping
        Works by the keys that inputs name.

    Raises
    ------
    InputError
        If the package `rocrate` is not installed.
    """
    try:
        from rocrate.rocrate import ROCrate
    except ImportError:
        raise InputError("rocrate is not installed; pip install 'texshape[deposit]'") from None
    crate = ROCrate(version="1.1")
    crate.metadata.extra_terms.update(TERMS)
    return _Crate(crate, found, cited, works).filled(sizes)


class _Crate:
    """A crate while it is filled."""

    def __init__(
        self, crate: Any, found: Contents, cited: Mapping[str, Any], works: Mapping[str, Work]
    ) -> None:
        self.crate, self.found, self.cited, self.works = crate, found, cited, works
        self.licence = self._licence(
            cited["license"], f"https://spdx.org/licenses/{cited['license']}"
        )
        self.authors = [self._author(place, one) for place, one in enumerate(cited["authors"])]
        self.software = self._software()

    def filled(self, sizes: Mapping[str, tuple[int, str]]) -> str:
        found, crate, root = self.found, self.crate, self.crate.root_dataset
        inputs = {one.name: self._input(one) for one in found.inputs}
        shown = [one for one in found.inputs if one.shown]
        files = {}
        for name, (size, sha256) in sorted(sizes.items()):
            article = name.startswith(f"{found.root}/paper.")
            properties = {
                "@type": ["File", "ScholarlyArticle"] if article else "File",
                "name": self._meaning(name),
                "contentSize": str(size),
                "sha256": sha256,
                "encodingFormat": FORMATS.get(
                    PurePosixPath(name).suffix, "application/octet-stream"
                ),
            }
            files[name] = crate.add_file(dest_path=name, properties=properties)
            figure = found.figures.get(PurePosixPath(name).stem)
            if figure and figure["pictures"] and f"{found.root}/figures/" in name:
                files[name]["isBasedOn"] = _one([inputs[one.name] for one in shown])
            files[name]["license"] = self.licence
        for one in found.inputs:
            if (listed := files.get(f"inputs/{one.name}.csv")) is not None:
                inputs[one.name]["hasPart"] = listed
        root["name"], root["description"] = title(found), description(found)
        root["datePublished"], root["license"] = date(found), self.licence
        root["author"] = _one(self.authors)
        root["keywords"] = ", ".join(self.cited.get("keywords") or [])
        root["conformsTo"] = self._context(
            PROFILE, "CreativeWork", name="Process Run Crate", version="0.5"
        )
        root["mentions"] = self._actions(files, list(inputs.values()))
        root["isBasedOn"] = _one([*inputs.values(), self.software])
        for name, file in files.items():
            if name.startswith(f"{found.root}/paper."):
                file["author"] = _one(self.authors)
                file["isBasedOn"] = _one([one for name, one in files.items() if "/tables/" in name])
        document = crate.metadata.generate()
        document["@graph"].sort(key=lambda entity: (entity["@id"] != NAME, entity["@id"] != "./"))
        return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"

    def _context(self, id: str, kind: str, **properties: Any) -> Any:
        from rocrate.model.contextentity import ContextEntity

        known = self.crate.dereference(id)
        if known is not None:
            return known
        return self.crate.add(
            ContextEntity(self.crate, id, properties={"@type": kind, **properties})
        )

    def _licence(self, name: str, address: str) -> Any:
        return self._context(address, "CreativeWork", name=name, url=address)

    def _author(self, place: int, author: Mapping[str, str]) -> Any:
        if author.get("name"):
            about = {"name": author["name"]}
            if author.get("website"):
                about["url"] = author["website"]
            return self._context(f"#author-{place + 1}", "Organization", **about)
        known = {"givenName": author.get("given-names"), "familyName": author["family-names"]}
        entity = self._context(
            author.get("orcid") or f"#author-{place + 1}", "Person", name=citation.name_of(author),
            **{key: value for key, value in known.items() if value},
        )  # fmt: skip
        if where := author.get("affiliation"):
            entity["affiliation"] = self._context(
                f"#{'-'.join(where.split())}", "Organization", name=where
            )
        return entity

    def _software(self) -> Any:
        run, packages = self.found.run, self.found.run["packages"]
        needs = [
            self._context(
                f"{home}#{packages[name]}", "SoftwareApplication", name=name, url=home,
                softwareVersion=packages[name],
            )
            for name, home in _SOFTWARE.items() if name in packages
        ]  # fmt: skip
        about = {
            "name": "texshape",
            "description": "Measures how much texture and how much shape a vision network uses and knows.",
            "softwareRequirements": needs,
        }
        version = packages.get("texshape", "unknown")
        about["softwareVersion"] = version
        if run["commit"]:
            about["identifier"] = run["commit"]
        name = f"pkg:generic/texshape@{version}"
        if address := self.cited.get("repository-code"):
            about["url"] = address
            name = f"{address}#{version}"
        return self._context(name, "SoftwareApplication", **about)

    def _input(self, one: Input) -> Any:
        about: dict[str, Any] = {
            "name": one.name,
            "description": one.what,
            "conditionsOfAccess": one.licence,
        }
        if one.licence_address:
            about["license"] = self._licence(one.licence.partition(" (")[0], one.licence_address)
        else:
            about["license"] = self._context(
                f"#licence-of-{one.name}", "CreativeWork", name=one.licence, description=one.licence
            )
        if one.address:
            about["url"] = one.address
        if one.sha256:
            about["sha256"] = one.sha256
        if (work := self.works.get(one.citation)) is not None:
            about["citation"] = self._context(
                work.address, "ScholarlyArticle", name=work.title, author=work.authors, datePublished=work.year
            )  # fmt: skip
        return self._context(f"#input-{one.name}", "Dataset", **about)

    def _meaning(self, name: str) -> str:
        path = PurePosixPath(name)
        if path.parent.name == "tables":
            table = catalogue().get(path.stem)
            return f"Table {path.stem}" + (f": a row is {table.about}" if table else "")
        if path.parent.name == "figures":
            figure = declaration_of_file(path.stem)
            return f"Figure {path.stem}" + (
                f": {figure.caption}" if figure and figure.caption else ""
            )
        if path.parent.name == "inputs":
            return f"Files of the input {path.stem}, with sizes and check sums"
        return _MEANINGS.get(path.name, path.name)

    def _actions(self, files: Mapping[str, Any], inputs: list[Any]) -> list[Any]:
        """The run as a whole, then each job that made a file of the archive."""
        found, run = self.found, self.found.run
        given = [files[f"{found.root}/parameters.json"], files["requirements.lock"], *inputs]
        jobs = [(job, [name for name in sorted(job["outputs"]) if name in files])
                for job in found.record["jobs"]]  # fmt: skip
        jobs = sorted((pair for pair in jobs if pair[1]), key=lambda pair: pair[1])
        ends = [self._span(job, made)[1] for job, made in jobs]
        whole = self._action(
            "#run", f"The experiment {found.experiment} as a whole", _time(run["started"]), max(ends),
            given, [file for name, file in files.items() if name.startswith(f"{found.root}/")],
            "snakemake " + " ".join(run["configfiles"]),
        )  # fmt: skip
        return [whole, *(self._job(job, made, files) for job, made in jobs)]

    def _job(self, job: Mapping[str, Any], made: list[str], files: Mapping[str, Any]) -> Any:
        start, end = self._span(job, made)
        inner = PurePosixPath(made[0]).relative_to(self.found.root).with_suffix("").as_posix()
        read = [files[name] for name in sorted(job["inputs"]) if name in files]
        return self._action(
            f"#job-{job['rule']}-{inner.replace('/', '-')}", f"Job {job['rule']}", start, end, read,
            [files[name] for name in made], job["command"] or "",
        )  # fmt: skip

    @staticmethod
    def _span(job: Mapping[str, Any], made: list[str]) -> tuple[str, str]:
        started = min(job["outputs"][name]["started"] for name in made)
        return _time(started), _time(started + (job["seconds"] or 0.0))

    def _action(
        self, id: str, name: str, start: str, end: str, read: list[Any], made: list[Any], how: str
    ) -> Any:
        action = self.crate.add_action(
            self.software, identifier=id, object=_one(read), result=_one(made),
            properties={"@type": "CreateAction", "name": name, "startTime": start, "endTime": end,
                        "description": how, "actionStatus": "http://schema.org/CompletedActionStatus"},
        )  # fmt: skip
        action["agent"] = _one(self.authors)
        return action


def _one(entities: list[Any]) -> Any:
    """A list of one as what is in it, as RO-Crate 1.1 recommends."""
    return entities[0] if len(entities) == 1 else entities
