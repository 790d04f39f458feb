"""`texshape run train`: train one network on one or two sets of images."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from texshape import compute
from texshape.cli.run import run
from texshape.devices import claim, failures


@run.command("train")
def train(
    architecture: Annotated[str, typer.Option(help="Name of the architecture.")],
    settings: Annotated[str, typer.Option(help="Section `training`, arm overrides merged, JSON.")],
    seed: Annotated[int, typer.Option(help="Root of initialisation, order, augmentation.")],
    train: Annotated[list[Path], typer.Option(help="Stem of a training set; one or two.")],
    output_dir: Annotated[Path, typer.Option(help="Folder of the network.")],
    validation: Annotated[
        list[Path] | None, typer.Option(help="Stem of a validation set; any number.")
    ] = None,
    initial: Annotated[
        str | None, typer.Option(help="Network whose weights are the start: a name or checkpoint.")
    ] = None,
    threads: Annotated[int, typer.Option(help="Threads of the CPU.")] = 1,
) -> None:
    """Train a network; an interrupted training resumes (exit status 75 says: run me again)."""
    # Read when torch's libraries load: large pages spare page faults of large activations, and
    # products on a GPU are deterministic.
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    from texshape.config.training import TrainingSettings

    parsed = TrainingSettings.read(settings)
    # One of several processes has its share of the threads.
    compute.prepare(threads // int(os.environ.get("LOCAL_WORLD_SIZE", "1")) or threads)
    from texshape.training import loop, processes

    def log(line: str) -> None:
        print(line, flush=True)

    if parsed.gpus_per_job > 1 and not processes.started_by_torchrun():
        # Claimed here, where the claim outlives the processes; they use what it lists.
        if len(claim(parsed.gpus_per_job, log=log)) > 1:
            processes.start(parsed.gpus_per_job, sys.argv[1:])
            return
        log(f"training.gpus_per_job: {parsed.gpus_per_job}, but there is no GPU: one process")
    with processes.reporting(), failures("training.batch_size"):
        loop.train(
            architecture=architecture,
            settings=parsed,
            seed=seed,
            train_sets=train,
            validation_sets=validation or [],
            output_dir=output_dir,
            initial=initial,
            log=log,
        )
