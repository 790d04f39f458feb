"""`texshape verify` and `texshape origin`: what made the result files, and whether that still holds."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from texshape.cli.main import app


class Format(StrEnum):
    """How findings are printed."""

    text = "text"
    json = "json"


@app.command()
def verify(
    results: Annotated[
        Path,
        typer.Argument(
            help="Folder of one experiment, results/NAME, or an unpacked archive of texshape deposit."
        ),
    ],
    output_format: Annotated[
        Format, typer.Option("--format", help="A line a finding, or one JSON object.")
    ] = Format.text,
    workflow: Annotated[
        bool, typer.Option(help="Compare code and parameters too (asks Snakemake).")
    ] = True,
) -> None:
    """Hash every result file and say which are altered, missing, stale or unrecorded.

    Exit status 0: all as recorded. 1: something is not. 2: there is no record to compare with.
    """
    import json
    from dataclasses import asdict

    from texshape.deposit import check
    from texshape.records import verification

    archive = check.is_archive(results)
    count, findings = check.verify(results) if archive else verification.verify(results)
    skipped: str | None = "an archive has no workflow" if archive else "not asked for"
    if workflow and not archive:
        stale, skipped = verification.compare_with_workflow(results)
        known = {finding.file for finding in findings}
        findings += [finding for finding in stale if finding.file not in known]
    counts = {
        state: sum(finding.state == state for finding in findings) for state in verification.STATES
    }
    if output_format is Format.json:
        report = {
            "results": str(results),
            "recorded": count,
            "counts": counts,
            "code_and_parameters": "compared" if skipped is None else f"not compared: {skipped}",
            "findings": [asdict(finding) for finding in findings],
        }
        print(json.dumps(report, indent=1))
    else:
        for finding in findings:
            print(f"{finding.state:<10}  {finding.file}: {finding.why}")
        if skipped is not None:
            print(f"code and parameters were not compared: {skipped}")
        told = ", ".join(f"{number} {state}" for state, number in counts.items() if number)
        print(f"{results}: {count} files recorded, {told or 'all as recorded'}")
    if findings:
        raise typer.Exit(1)


@app.command()
def origin(
    file: Annotated[Path, typer.Argument(help="A file in the folder of an experiment.")],
    whole: Annotated[
        bool, typer.Option("--json", help="All of it: every input, parameter and package.")
    ] = False,
) -> None:
    """Print what made a result file: job, inputs, parameters, seeds, commit, packages, device."""
    import json

    from texshape.records import verification

    made = verification.origin(file)
    print(json.dumps(made, indent=1) if whole else "\n".join(_summary(made)))


def _summary(made: dict[str, Any]) -> list[str]:
    """Ten lines on a file's origin; what is longer than a line is counted or cut."""
    from datetime import UTC, datetime

    run = made.get("run") or {}
    inputs, packages = list(made.get("inputs") or {}), run.get("packages") or {}
    started = made.get("started")
    when = datetime.fromtimestamp(started, UTC).strftime("%Y-%m-%d %H:%M UTC") if started else "-"
    machine = run.get("machine") or {}
    known = [
        f"{name} {packages[name]}" for name in ("torch", "numpy", "pandas") if name in packages
    ]
    changed = {True: " with changes that were not committed", False: ""}.get(run.get("dirty"), "")
    shown = {
        "file": f"{made['file']} ({made.get('bytes', '-')} bytes)",
        "sha256": made.get("sha256"),
        "rule": made.get("rule"),
        "made": f"{when}, in {made.get('seconds', '-')} s",
        "command": made.get("command"),
        "inputs": f"{len(inputs)} files" + (f", {inputs[0]} first" if inputs else ""),
        "parameters": f"{len(made.get('params') or [])} values; seeds {made.get('seeds') or 'none'}",
        "commit": f"{run.get('commit') or '-'}{changed}",
        "packages": ", ".join([*known, f"{len(packages)} in all"]),
        "machine": f"{machine.get('system', '-')}, {machine.get('architecture', '-')}, "
        f"{machine.get('cores', '-')} cores; device {made.get('device') or 'CPU'}",
    }
    lines = [f"{name:<11} {' '.join(str(value).split())}" for name, value in shown.items()]
    return [line if len(line) <= 110 else f"{line[:107]}..." for line in lines]
