"""What processes of a survey are given in tests: functions in a network's place, and a program to interrupt.

No torch is imported here: each process would wait for it.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

from texshape.errors import InputError
from texshape.survey.candidates import Candidate
from texshape.survey.listener import Listener
from texshape.survey.processes import at_once
from texshape.survey.stimuli import Stimuli


def candidate(name: str) -> Candidate:
    return Candidate(name, name, print, print)


def call(
    folder: Path,
    one: Candidate,
    stimuli: Stimuli,
    settings: dict[str, Any],
    told: Listener,
    threads: int,
) -> dict[str, Any]:
    """Do what the name says; by default write a file in two steps."""
    for number in range(2):
        told.step(f"step {number}")
        (folder / f"{one.slug}-{number}").write_text(str(settings["seed"]))
        if one.slug == "refused":
            raise InputError("weights of another shape")
        if one.slug == "broken":
            raise ZeroDivisionError("by nothing")
        if one.slug == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if one.slug == "slow":
            (folder / "process").write_text(str(os.getpid()))
            try:
                time.sleep(600)
            finally:
                (folder / "tidied").touch()
        told.done(True)
    for _ in range(200):
        os.write(2, f"half a line of {one.slug}".encode())
        os.write(2, b" and the other half\n")
    sums = {name: int(images.images.sum()) for name, images in stimuli.sets.items()}
    return {"name": one.name, "threads": threads, "sums": sums, "process": os.getpid()}


def run(
    folder: Path, names: list[str], stimuli: Stimuli, listener: Listener, jobs: int
) -> list[Any]:
    return at_once(
        partial(call, folder), [candidate(name) for name in names], stimuli, {"seed": 5},
        jobs=jobs, threads=5, steps=2, listener=listener,
    )  # fmt: skip


if __name__ == "__main__":
    run(Path(sys.argv[1]), sys.argv[2:], Stimuli("none", {}, "key"), Listener(), 2)
