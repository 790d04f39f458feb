"""How far `texshape measure` has come: a bar on a terminal, a line a step elsewhere."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from texshape.survey.listener import Listener


def listener(quiet: bool) -> Listener:
    from texshape.survey.listener import Listener

    if quiet:
        return Listener()
    return _bar() if sys.stderr.isatty() else _lines()


def _lines() -> Listener:
    """A line a step, where no bar can move: in logs, pipes and notebooks."""
    import time

    from texshape.survey.listener import Listener

    class Lines(Listener):
        def beside(self) -> Listener:
            return _lines()

        def network(self, name: str, number: int, networks: int, steps: int) -> None:
            self.about, self.steps, self.number = f"{name} ({number} of {networks})", steps, 0

        def step(self, title: str) -> None:
            self.title, self.began = title, time.monotonic()
            self.number += 1

        def done(self, ran: bool) -> None:
            took = f"{time.monotonic() - self.began:.0f} s" if ran else "kept or not possible"
            say(f"{self.about}: step {self.number} of {self.steps}, {self.title}: {took}")

        def finish(self) -> None:
            say("all networks are measured; tables, figures and the report follow")

    def say(line: str) -> None:
        print(f"texshape: {line}", file=sys.stderr, flush=True)

    return Lines()


def _bar() -> Listener:
    """A bar on the terminal; built here because rich is slow to import."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from texshape.survey.listener import Listener

    class Bar(Listener):
        def __init__(self) -> None:
            self.progress: Progress | None = None

        def network(self, name: str, number: int, networks: int, steps: int) -> None:
            self.finish()
            print(f"{name} ({number} of {networks})", file=sys.stderr)
            self.steps = steps

        def step(self, title: str) -> None:
            if self.progress is None:  # not while weights download with a bar of their own
                self.progress = Progress(
                    TextColumn("  {task.description:28}"), BarColumn(), MofNCompleteColumn(),
                    TimeElapsedColumn(), console=Console(stderr=True), transient=True,
                )  # fmt: skip
                self.progress.start()
                self.task = self.progress.add_task(title, total=self.steps)
            self.progress.update(self.task, description=title)

        def done(self, ran: bool) -> None:
            self.progress.advance(self.task)

        def beside(self) -> Listener:  # a bar for each would need the terminal for itself
            return _lines()

        def finish(self) -> None:
            if self.progress is not None:
                self.progress.stop()
                self.progress = None

    return Bar()
