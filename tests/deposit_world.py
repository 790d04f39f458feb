"""A finished experiment in a clone under git, as `texshape deposit` finds it: invented results, recorded."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from texshape import origins, parameters
from texshape.config import whole
from texshape.core import snakemake_private
from texshape.core.snakemake_private import FileRecord
from texshape.figures.registry import declaration_of_file
from texshape.files import file_sha256, write_text
from texshape.records import jobs

ROOT = Path(__file__).parents[1]
STARTED = 1_790_000_000.0  # 21 September 2026
AUTHORS = """\
cff-version: 1.2.0
message: Cite it.
title: A study
authors:
  - family-names: Lovelace
    given-names: Ada
    orcid: https://orcid.org/0000-0002-1825-0097
    affiliation: A university
  - name: The others
license: CC-BY-4.0
version: "1"
keywords: [shape bias, texture bias]
repository-code: https://example.org/study
"""


def git(folder: Path, *words: str) -> str:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    done = subprocess.run(
        ["git", "-C", str(folder), *identity, *words], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def clone(folder: Path) -> str:
    """What a clone has beside its results, committed; returns the commit."""
    for name in ("LICENSE", "requirements.lock", "paper/references.bib"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    write_text(folder / "CITATION.cff", AUTHORS)
    write_text(folder / ".gitignore", "/results/\n/.snakemake/\n*.zip\n")
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "All")
    return git(folder, "rev-parse", "HEAD")


class Experiment:
    """The jobs of an experiment one after the other, in the working folder.

    Parameters
    ----------
    name : str
        One in ``experiments/``, or ``procedural``.
    """

    def __init__(self, name: str) -> None:
        self.results = f"results/{name}"
        self.now = STARTED + 60.0
        files = ["params.yaml", *([f"experiments/{name}.yaml"] if name != "procedural" else [])]
        self.parameters = parameters.from_json(
            parameters.to_json(whole.read([ROOT / file for file in files]))
        )
        (Path(".snakemake")).mkdir()
        self.snakemake = snakemake_private.records_in()
        jobs.begin(
            self.snakemake, configuration=parameters.to_json(self.parameters), files=files,
            overrides={}, touch=False,
        )  # fmt: skip
        self._at_a_fixed_time()

    def _at_a_fixed_time(self) -> None:
        path = self.snakemake.folder / "texshape-runs.jsonl"
        run = {**json.loads(path.read_text(encoding="utf-8")), "started": STARTED}
        write_text(path, json.dumps(run) + "\n")

    def job(self, rule: str, outputs: dict[str, str | bytes], inputs: list[str]) -> None:
        """A job that ends: its files below the folder of results, and Snakemake's record of each."""
        self.now += 10.0
        for name, content in outputs.items():
            path = Path(self.results, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        read = [f"{self.results}/{name}" for name in inputs]
        for name in outputs:
            record = FileRecord(
                rule=rule, input=sorted(read), code=f"texshape run {rule}", params=[], log=[],
                input_checksums={file: f"sha256:{file_sha256(file)}" for file in read},
                shellcmd=f"texshape run {rule} --seed 3", starttime=self.now, endtime=self.now + 2.5,
            )  # fmt: skip
            self.snakemake.write(f"{self.results}/{name}", record)

    def finish(self) -> Path:
        """The record of all, as the workflow writes it when it ends."""
        jobs.update(self.results, self.snakemake)
        return Path(self.results)


def experiment(name: str = "procedural") -> Path:
    """A whole one in the working folder, which must be a clone; returns its folder of results."""
    made = Experiment(name)
    made.job("render", {"data/base/test.images.npy": b"pictures" * 9}, [])
    made.job("provenance", {"provenance.json": "{}",
                            "parameters.json": parameters.to_json(made.parameters)}, [])  # fmt: skip
    made.job(
        "train",
        {"cnn--plain/seed-3/checkpoints/final.pt": b"weights"},
        ["data/base/test.images.npy"],
    )
    trials = "cnn--plain/seed-3/trials/cue-conflict.csv"
    made.job("trials", {trials: "subj\ncnn\n"}, ["cnn--plain/seed-3/checkpoints/final.pt"])
    tables = {
        f"tables/{table}.csv": f"model,{table}\ncnn,0.25\n" for table in ("accuracy", "training")
    }
    made.job("tabulate_trials", tables, [trials])
    made.job(
        "figures", {"figures/accuracy.svg": "<svg/>", "figures/accuracy.png": b"png"}, list(tables)
    )
    made.job("contact_sheet", {"figures/contact_sheet.svg": "<svg>pictures</svg>",
                               "figures/contact_sheet.png": b"png of pictures"},
             ["data/base/test.images.npy"])  # fmt: skip
    drawn = {name: f"{made.results}/figures/{name}.svg" for name in ("accuracy", "contact_sheet")}
    job_of = jobs.so_far(made.results, made.snakemake)
    figures = origins.of_figures(drawn, declaration_of_file, job_of, made.results)
    made.job("figure_origins", {"figures.json": json.dumps(figures)}, ["figures/accuracy.svg"])
    made.job("origins", {"origins.json": "{}"}, list(tables))
    (Path(made.results) / "levels.json").write_text("{}", encoding="utf-8")  # by no job
    made.job("claims", {"claims.json": "{}"}, [*tables, "levels.json"])
    made.job("summarize", {"metrics.json": "{}", "models.csv": "model\ncnn\n"}, list(tables))
    made.job("article", {"paper.pdf": b"%PDF-1.7", "paper.html": "<!DOCTYPE html>"},
             [*tables, "figures.json", "figures/contact_sheet.svg"])  # fmt: skip
    made.job("track", {"tracking.json": '{"reached": true}'}, ["metrics.json"])
    return made.finish()


def unpacked(archive: Path, folder: Path) -> Path:
    shutil.unpack_archive(archive, folder)
    return folder


def graph(folder: Path) -> dict[str, dict[str, Any]]:
    """Entities of a crate by their names."""
    document = json.loads((folder / "ro-crate-metadata.json").read_text(encoding="utf-8"))
    entities = {one["@id"]: one for one in document["@graph"]}
    assert len(entities) == len(document["@graph"]), "an @id stands twice"
    return entities


def files_in(folder: Path) -> set[str]:
    return {
        os.path.relpath(Path(place, name), folder)
        for place, _, names in os.walk(folder)
        for name in names
    }
