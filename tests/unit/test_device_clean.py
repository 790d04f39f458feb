"""The measures on a device that is not the CPU, in a process of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

MEASURES = Path(__file__).resolve().parents[1] / "stand_in/measures.py"


def test_every_measure_computes_on_a_device_what_it_computes_on_the_cpu() -> None:
    # A registered device stays for the life of a process: no fork can train after it, and torch's
    # own generators ask for states that it lacks. So it must not share one with other tests.
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", MEASURES],
        capture_output=True,
        text=True,
        check=False,
        cwd=MEASURES.parents[2],
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
    assert " skipped" not in done.stdout
