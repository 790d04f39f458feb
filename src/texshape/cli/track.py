"""`texshape track`: copy an experiment's metrics from its files to MLflow."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from texshape.cli.main import app


@app.command()
def track(
    results: Annotated[Path, typer.Argument(help="Folder of one experiment, results/NAME.")],
    network: Annotated[
        list[str] | None, typer.Option(help="MODEL/seed-S; repeat. All in the folder by default.")
    ] = None,
    resync: Annotated[
        bool, typer.Option(help="Fail where MLflow cannot be reached (the pipeline only warns).")
    ] = False,
) -> None:
    """Copy an experiment's runs to MLflow; runs that are up to date stay as they are.

    The store is MLFLOW_TRACKING_URI, or mlflow.db in the working folder.
    """
    from texshape import tracking
    from texshape.errors import InputError
    from texshape.files import write_json

    config = _read(results / "parameters.json")
    if "experiment" not in config:
        raise InputError(f"{results / 'parameters.json'}: names no experiment")
    provenance = results / "provenance.json"
    record = _read(provenance) if provenance.exists() else None
    runs = tracking.collect(results, config, record, network)
    try:
        counts = tracking.publish(runs, config["experiment"])
        receipt = {"reached": True, "runs": len(runs)}
        print(
            f"MLflow: {len(runs)} runs, {counts['created']} created, {counts['replaced']} replaced, "
            f"{counts['unchanged']} unchanged"
        )
    except Exception as error:  # whatever a tracking server does must not stop the study
        line = " ".join(str(error).split())[:300]
        if resync:
            raise InputError(f"MLflow cannot be brought up to date: {line}") from None
        print(
            f"warning: MLflow was not reached ({line}); the metrics are safe in {results}. "
            f"Run `texshape track --resync {results}` when it is back.",
            file=sys.stderr,
        )
        receipt = {"reached": False, "runs": len(runs)}
    write_json(results / "tracking.json", receipt)


def _read(path: Path) -> dict:
    from texshape.errors import InputError
    from texshape.parameters import from_json

    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise InputError(
            f"{path}: cannot be read; expected the folder of a finished experiment"
        ) from None
    return from_json(text, str(path))
