"""What rules say to steps: every job speaks in options that its step has, and leaves a log of its own."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer

from tests.workflow.conftest import copy_workflow
from tests.workflow.jobs import planned
from texshape.cli import main as commands
from texshape.cli.run import run
from texshape.cli.several import _steps

for name in commands.COMMANDS:  # each registers its commands when it is imported
    import_module(f"texshape.cli.{name}")


def steps_of(job: Any) -> Iterator[list[str]]:
    """The words of each step that a job runs."""
    words = shlex.split(job.shellcmd)
    begin = words.index("texshape")
    end = next(at for at, word in enumerate(words) if at > begin and word in (">", "2>&1", "|"))
    command = words[begin + 1 : end]
    if command[:2] == ["run", "several"]:
        yield from _steps(command[2:])
    elif command[0] == "run":
        yield command[1:]


@pytest.mark.parametrize(
    "experiment",
    ["", "published", "cifar10", "stylization", "smoke", "overlays/tiny-imagenet-stylizations"],
)
def test_each_job_calls_a_step_by_options_that_it_has(experiment: str, tmp_path: Path) -> None:
    copy_workflow(tmp_path)
    group = typer.main.get_command(run)
    context = group.make_context("run", ["several"], resilient_parsing=True)
    seen = set()
    with planned(tmp_path, [f"experiments/{experiment}.yaml"] if experiment else []) as jobs:
        for job in jobs:
            for words in steps_of(job):
                command = group.get_command(context, words[0])
                assert command is not None, words[0]
                # Refuses a word too many, one too few, and one of another kind.
                command.make_context(words[0], words[1:], parent=context)
                seen.add(words[0])
            log, benchmark = str(job.log[0]), str(job.benchmark)
            assert log.removesuffix(".log") == benchmark.removesuffix(".benchmark.tsv")
            assert log.startswith(f"logs/{job.output[0].split('/')[1]}/")
        logs = [str(job.log[0]) for job in jobs]
    assert len(logs) == len(set(logs)) > 50
    assert len(seen) > 20
