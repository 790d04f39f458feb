"""Steps that judge a stylization: by the networks that decide about it, and by what its decoder rebuilds.

::

    texshape run stylization-fitness --results DIR --set NAME --full SLUG/seed-0 \
        --limited SLUG/seed-0 --manifest CSV --output CSV
    texshape run tabulate-reconstruction --table NAME=CSV ... --output CSV
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from texshape.cli.run import run
from texshape.errors import InputError, nearest

#: in place of a manifest, where no engine made a set
UNMADE = ("renderer", "photographs")


@run.command("stylization-fitness")
def stylization_fitness(
    results: Annotated[Path, typer.Option(help="Folder of the experiment.")],
    set_name: Annotated[
        list[str], typer.Option("--set", help="Stylized test set: trials/SET.csv; repeat.")
    ],
    manifest: Annotated[
        list[str],
        typer.Option(
            help="Manifest of that set, one each, or `renderer`, `photographs` where no engine made it."
        ),
    ],
    full: Annotated[
        list[str],
        typer.Option(help="SET=SLUG/seed-S: full network trained on that stylization; repeat."),
    ],
    limited: Annotated[
        list[str], typer.Option(help="SET=SLUG/seed-S: receptive-field-limited network; repeat.")
    ],
    output: Annotated[Path, typer.Option(help="Table (CSV).")],
    settings: Annotated[str, typer.Option(help="Section `bootstrap`, JSON.")] = "{}",
    seed: Annotated[int, typer.Option(min=0, help="Root of all randomness.")] = 0,
) -> None:
    """Score stylizations: networks that train and test on them, full against limited."""
    import pandas as pd

    from texshape.config.evaluation import BootstrapSettings
    from texshape.stylize import fitness
    from texshape.stylize.columns import STYLIZATION_FITNESS

    if len(set_name) != len(manifest):
        raise InputError(f"{len(set_name)} times --set but {len(manifest)} times --manifest")
    section = BootstrapSettings.read(settings).dump()
    networks = {name: [] for name in set_name}
    for role, given in (("full", full), ("limited", limited)):
        for text in given:
            name, _, network = text.partition("=")
            if name not in networks or not network:
                raise InputError(
                    f"--{role} '{text}': expected SET=SLUG/seed-S with a --set"
                    f"{nearest(name, networks)}"
                )
            networks[name].append((role, network))
    tables = []
    for name, path in zip(set_name, manifest, strict=True):
        engine, weights = (path, "") if path in UNMADE else _made_by(Path(path))
        decided = [_decided(results, name, role, network) for role, network in networks[name]]
        tables.append(
            fitness.fitness_table(
                name, decided, engine=engine, weights=weights, seed=seed, **section
            )
        )
    STYLIZATION_FITNESS.write(output, pd.concat(tables, ignore_index=True))


@run.command("tabulate-reconstruction")
def tabulate_reconstruction(
    table: Annotated[
        list[str],
        typer.Option(help="NAME=CSV: what train-decoder wrote for a stylization; repeat."),
    ],
    output: Annotated[Path, typer.Option(help="Table (CSV).")],
) -> None:
    """Put the reconstruction errors of several decoders below one another."""
    import pandas as pd

    from texshape.files import read_csv
    from texshape.stylize.columns import RECONSTRUCTION
    from texshape.stylize.reconstruction import COLUMNS

    parts = []
    for text in table:
        name, _, path = text.partition("=")
        if not name or not path:
            raise InputError(f"--table '{text}': expected NAME=CSV")
        part = read_csv(path, COLUMNS)
        part.insert(0, "stylization", name)
        parts.append(part)
    RECONSTRUCTION.write(output, pd.concat(parts, ignore_index=True))


def _made_by(manifest: Path) -> tuple[str, str]:
    from texshape.files import read_csv
    from texshape.stylize.manifest import MANIFEST_COLUMNS

    table = read_csv(manifest, MANIFEST_COLUMNS)
    kinds = table[["engine", "weights"]].drop_duplicates()
    if len(kinds) != 1:
        raise InputError(f"{manifest}: {len(kinds)} kinds of engine and weights, expected one")
    return str(kinds["engine"].iloc[0]), str(kinds["weights"].iloc[0])


def _decided(results: Path, set_name: str, role: str, network: str) -> Any:
    from texshape.files import read_csv
    from texshape.stylize.fitness import Decided
    from texshape.trials.subjects import network_subject

    subject = network_subject(network)
    table = read_csv(
        results / network / "trials" / f"{set_name}.csv",
        ["imagename", "category", "object_response"],
    )
    return Decided(
        role=role,
        model=subject.model,
        seed=int(subject.seed or 0),
        imagename=list(table["imagename"]),
        category=list(table["category"]),
        response=list(table["object_response"]),
    )
