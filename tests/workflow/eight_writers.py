"""Eight processes that write to one MLflow store at once: `python eight_writers.py RESULTS URI`.

Each publishes a network of its own and one that all of them publish. Exit status: how many failed.
"""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path

import mlflow.entities
import mlflow.tracking  # noqa: F401  imported once, before the processes part

from texshape import tracking
from texshape.cli.track import _read

WRITERS = 8


def main() -> int:
    results, uri = Path(sys.argv[1]), sys.argv[2]
    config = _read(results / "parameters.json")
    gate, opened = os.pipe()
    children = []
    for number in range(WRITERS):
        child = os.fork()
        if child == 0:
            os.close(opened)
            os.read(gate, 1)  # until the parent lets all go
            try:
                names = [f"cnn--plain/seed-{number}", f"cnn--plain/seed-{WRITERS}"]
                runs = tracking.collect(results, config, {}, names)
                tracking.publish(runs, config["experiment"], uri)
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        children.append(child)
    os.close(gate)
    os.close(opened)
    return sum(os.waitpid(child, 0)[1] != 0 for child in children)


if __name__ == "__main__":
    sys.exit(main())
