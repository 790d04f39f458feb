"""Run a command; say how busy it kept the cores, and what part went into starting Python and importing.

    python -m benchmarks.starting snakemake --cores all

Wall time and processor time are those of the command and all that it started (`getrusage`). Each
Python process below it counts its own start and outermost imports (`start_hook/sitecustomize.py`)
and says so when it ends. The table lists the programs that spent most on it.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

HOOK = Path(__file__).with_name("start_hook")


def main(command: list[str]) -> int:
    """Run it, print the account, and return its exit status."""
    if not command:
        print("usage: python -m benchmarks.starting COMMAND ...", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        path = os.pathsep.join(filter(None, [str(HOOK), os.environ.get("PYTHONPATH")]))
        environment = os.environ | {"PYTHONPATH": path, "TEXSHAPE_START_TIMES": folder}
        begin = time.monotonic()
        status = subprocess.run(command, env=environment, check=False).returncode
        wall = time.monotonic() - begin
        processes = [json.loads(path.read_text()) for path in Path(folder).glob("*.json")]
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print("\n".join(account(processes, wall, used.ru_utime + used.ru_stime, os.cpu_count() or 1)))
    return status


def account(processes: list[dict], wall: float, cpu: float, cores: int) -> list[str]:
    """Lines of the account.

    Parameters
    ----------
    processes : list of dict
        Of each: ``program`` (the first words of its command), ``start`` and ``imports`` in seconds.
    wall, cpu : float
        Seconds of the whole command.
    cores : int
        Number of cores.
    """
    starting = sum(each["start"] + each["imports"] for each in processes)
    lines = [
        f"wall {wall:.1f} s, processor {cpu:.1f} s, busy {cpu / (cores * wall):.3f} of {cores} cores",
        f"starting and importing {starting:.1f} s in {len(processes)} Python processes, "
        f"{starting / cpu:.3f} of the processor time",
        f"{'program':32} {'processes':>9} {'seconds':>9} {'each':>6}",
    ]
    groups = defaultdict(list)
    for each in processes:
        groups[_name(each["program"])].append(each["start"] + each["imports"])
    for name, seconds in sorted(groups.items(), key=lambda item: -sum(item[1])):
        total, count = sum(seconds), len(seconds)
        lines.append(f"{name:32} {count:9} {total:9.1f} {total / count:6.2f}")
    return lines


def _name(words: list[str]) -> str:
    program = Path(words[0]).name if words and words[0] else "python"
    return " ".join([program, *(word for word in words[1:] if not word.startswith("-"))])[:32]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
