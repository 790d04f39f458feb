"""Run an experiment twice from nothing, and compare its tables with the kept ones: `make reproduce`.

Sentences of the article that differ between two runs are printed with their cells (`texshape claims`).

Usage: python -m tools.reproduce NAME FOLDER [--times 2] [--cores all]. NAME is `procedural` or the name of
a file in experiments/. Each run has a folder of its own, FOLDER/1, FOLDER/2; what is already there goes on.
Where no tables of the experiment are kept in tests/reference/, the runs are compared with each other alone.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.workflow_copy import ROOT, copy_workflow


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--times", type=int, default=2)
    parser.add_argument("--cores", default="all")
    options = parser.parse_args(arguments)
    reference = ROOT / "tests" / "reference" / options.name
    if not reference.is_dir() and options.times < 2:
        parser.error(
            f"{reference}: no such folder, and one run alone has nothing to be compared with"
        )
    overlay = ROOT / "experiments" / f"{options.name}.yaml"
    configuration = ["--configfile", str(overlay)] if overlay.exists() else []
    runs = [options.folder / str(number + 1) for number in range(options.times)]
    for folder in runs:
        copy_workflow(folder)
        command = ["snakemake", "--cores", options.cores, *configuration]
        print(f"{folder}: {' '.join(command)}", flush=True)
        subprocess.run(command, cwd=folder, check=True)
    results = [str(folder / "results" / options.name) for folder in runs]
    twin = ["--twin", results[1]] if len(results) > 1 else []
    kept = ["--reference", str(reference)] if reference.is_dir() else []
    command = ["texshape", "deviations", results[0], *kept, *twin]
    status = subprocess.run(command, check=False).returncode
    if len(results) > 1:  # what the article would say otherwise, beside the numbers
        said = subprocess.run(["texshape", "claims", *results], check=False).returncode
        status = max(status, said)
    return status


if __name__ == "__main__":
    sys.exit(main())
