"""`texshape run several STEP ... then STEP ...`: steps of the pipeline in one process."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

import typer

from texshape.cli.run import run
from texshape.errors import InputError
from texshape.experiment.words import THEN

# The words are those of the steps: none is an option of this command.
ALL_WORDS = {
    "allow_extra_args": True,
    "ignore_unknown_options": True,
    "allow_interspersed_args": False,
}


@run.command("several", context_settings=ALL_WORDS)
def several(context: typer.Context) -> None:
    """Run steps one after another, `then` between them; the first that fails ends it.

    The log says what each took: a benchmark of the job knows the sum alone.
    """
    steps = list(_steps(context.args))
    group = context.parent.command  # type: ignore[union-attr]
    for words in steps:
        if group.get_command(context, words[0]) is None:
            raise InputError(f"several: there is no step '{words[0]}'")
    for words in steps:
        begun = time.process_time()
        group.main(words, prog_name=str(context.parent.command_path), standalone_mode=False)
        taken = time.process_time() - begun
        print(f"{words[0]}: {taken:.1f} s of processor time", file=sys.stderr, flush=True)


def _steps(words: list[str]) -> Iterator[list[str]]:
    """The words of each step."""
    step: list[str] = []
    for word in [*words, THEN]:
        if word != THEN:
            step.append(word)
            continue
        if not step:
            raise InputError(
                f"several: expected STEP ... {THEN} STEP ..., found no step beside a '{THEN}'"
            )
        yield step
        step = []
