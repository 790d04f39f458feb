"""`texshape run decision-readout`: the read-out by which a network without classes decides."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from texshape import compute
from texshape.cli.evaluate import Absent, NetworkName, Threads, load_network
from texshape.cli.run import run
from texshape.devices import failures
from texshape.errors import InputError


@run.command("decision-readout")
@failures("decision_readout.batch_size")
def decision_readout(
    network: NetworkName,
    sets: Annotated[
        list[Path], typer.Option("--set", help="Stem of an image set that it is to decide about.")
    ],
    output: Annotated[Path, typer.Option(help="Read-out with the network's name to write (.npz).")],
    table: Annotated[Path, typer.Option(help="How well it does, to write (CSV).")],
    settings: Annotated[str, typer.Option(help="Section `decision_readout`, JSON.")] = "{}",
    evaluation: Annotated[str, typer.Option(help="Section `evaluation`, JSON.")] = "{}",
    absent: Absent = None,
    threads: Threads = 1,
) -> None:
    """Fit a network's read-out on labelled photographs, so that it decides between their classes.

    Of a network that cannot be had (--absent) a table without rows is written, and an empty file.
    """
    from texshape.config.evaluation import EvaluationSettings
    from texshape.decision_readout.columns import DECISION_READOUT
    from texshape.decision_readout.settings import DecisionReadoutSettings
    from texshape.experiment import unavailable
    from texshape.files import atomic_path, cache_folder

    chosen = DecisionReadoutSettings.read(settings)
    section = EvaluationSettings.read(evaluation)
    if absent is not None and unavailable.reason_in(absent):
        DECISION_READOUT.write(table, DECISION_READOUT.frame([]))
        with atomic_path(output) as temporary:
            temporary.touch()
        return
    compute.prepare(threads)
    from texshape.data import imageset
    from texshape.decision_readout import photographs
    from texshape.decision_readout.measure import measure
    from texshape.experiment.sources import CONFLICT
    from texshape.models import fitted, names

    if not names.parse(network).readout:
        raise InputError(f"--network {network}: expected {names.READOUT}:NAME")
    found = photographs.bring(chosen, cache_folder())
    opened = {stem.name: imageset.read(stem) for stem in sets}
    if CONFLICT in opened:
        labels = opened[CONFLICT].labels
        photographs.check_classes(found, {*labels["shape"], *labels["texture"]})
    photographs.check_apart(found, opened)
    loaded = load_network(network, False, 0, section)
    read_out, row = measure(loaded, found, chosen)
    DECISION_READOUT.write(table, row)
    fitted.write(output, network, read_out)
