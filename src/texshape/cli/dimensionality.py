"""`texshape run dimensionality-details`: what stands behind the mean over units, for one network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from texshape.cli.run import run


@run.command("dimensionality-details")
def dimensionality_details(
    features: Annotated[Path, typer.Option(help="Folder that `features` wrote.")],
    labels: Annotated[Path, typer.Option(help="STEM.labels.csv of the images.")],
    settings: Annotated[str, typer.Option(help="Section `dimensionality`, as JSON.")],
    units: Annotated[Path, typer.Option(help="CSV to write: each unit's information.")],
    convergence: Annotated[Path, typer.Option(help="CSV to write: estimates over more pairs.")],
    seed: Annotated[int, typer.Option(min=0, help="Seed of pairs and baselines.")] = 0,
) -> None:
    """Each unit's information, and the estimates of each stage over the number of pairs."""
    from texshape import parameters
    from texshape.data.imageset import LABEL_COLUMNS
    from texshape.files import read_csv, write_csv
    from texshape.techniques import registry
    from texshape.techniques.dimensionality import table as estimates
    from texshape.techniques.dimensionality.pairs import design

    chosen = registry.get("dimensionality").parse(parameters.from_json(settings))
    frame = read_csv(labels, LABEL_COLUMNS)
    plan = design(frame, settings=chosen, seed=seed)
    fewer = estimates.convergence_plans(frame, plan, seed=seed)
    _, by_unit, by_pairs = estimates.of_features(features, plan, fewer=fewer, units=True)
    write_csv(units, by_unit)
    write_csv(convergence, by_pairs)
