"""The benchmark: its arithmetic, and a quick subset of its parts."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from benchmarks import timing
from PIL import Image

from texshape.data import imageset

ROOT = Path(__file__).resolve().parents[2]


def bench(tmp_path: Path, *arguments: str) -> tuple[list[dict], str]:
    path = tmp_path / "kept" / "benchmarks.json"
    command = [sys.executable, "-m", "benchmarks", "--output", str(path), *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    about = json.loads(path.read_text(encoding="utf-8"))
    assert {"date", "machine", "load", "options"} <= set(about)
    return about["rows"], done.stdout


@pytest.mark.parametrize("power", [0.5, 1, 2])
def test_the_exponent_does_not_see_the_fixed_cost(power: float) -> None:
    work = (8, 108, 1008)
    seconds = [5 + 0.1 * (size - 8) ** power for size in work]
    assert timing.exponent(work, seconds) == pytest.approx(power)
    assert timing.exponent(work, (5, 4, 9)) is None


def test_pairs_alternate_and_ratios_are_of_pairs() -> None:
    order: list[str] = []

    def clock(name: str, times: list[float]):
        def run() -> float:
            order.append(name)
            return times.pop()

        return run

    one, other = timing.alternated(clock("a", [1, 20, 3]), clock("b", [2, 40, 3]), 3)
    assert order == ["a", "b", "b", "a", "a", "b"]
    assert (one, other) == ([3, 20, 1], [3, 40, 2])
    assert timing.median_ratio(one, other) == 0.5


def test_memory_and_processor_time_are_read() -> None:
    program = (  # in a process of its own: this one may have had more before
        "import numpy as np; from benchmarks import timing; before = timing.peak_memory(); "
        "used = timing.cpu(lambda: np.ones(30_000_000).sum()); "
        "print(used > 0 and timing.peak_memory() - before > 100)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "True"
    slow = [sys.executable, "-c", "sum(range(3_000_000))"]
    assert timing.command_cpu(slow) > timing.command_cpu([sys.executable, "-c", "pass"]) > 0


def test_arrays_at_two_sizes(tmp_path: Path) -> None:
    rows, printed = bench(
        tmp_path, "--part", "bootstrap", "--part", "readout", "--scale", "0.3", "--repeats", "1",
        "--times", "3",
    )  # fmt: skip
    assert [row["part"] for row in rows] == ["bootstrap", "readout"]
    for row in rows:
        assert row["share"] > 0
        assert len(row["memory_mb"]) == 2
        assert row["part"] in printed
    assert rows[0]["share"] > 2  # one matrix product, against a loop


def test_evaluation_is_mostly_its_forward_pass(tmp_path: Path) -> None:
    rows, _ = bench(
        tmp_path, "--part", "evaluation", "--network", "torchvision:squeezenet1_1", "--size", "96",
        "--scale", "0.5", "--times", "1", "--repeats", "3",
    )  # fmt: skip
    assert 0.5 < rows[0]["share"] < 1.5
    assert rows[0]["units"] == 32


def test_photographs_by_the_way_they_are_stored(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    (tmp_path / "photographs").mkdir()
    for number in range(3):
        small = Image.fromarray(rng.integers(0, 256, (9, 12, 3), dtype=np.uint8))
        small.resize((400, 300)).save(tmp_path / "photographs" / f"{number}.jpg", quality=95)
    rows, printed = bench(
        tmp_path, "--part", "feeding", "--scale", "0.25", "--photographs", str(tmp_path / "photographs"),
    )  # fmt: skip
    (row,) = rows
    squares, squeezed, shards, originals = row["ways"]
    assert squares["bytes"] == 224 * 224 * 3
    assert squeezed["bytes"] == 256 * 256 * 3
    assert shards["bytes"] < squares["bytes"]
    files = (tmp_path / "photographs").glob("*.jpg")
    assert originals["bytes"] == pytest.approx(np.mean([path.stat().st_size for path in files]))
    # Copying costs far less than decoding, whatever else the machine does.
    assert originals["milliseconds"] > 3 * squares["milliseconds"] > 0
    assert squares["cores_for_h100"] == pytest.approx(7000 * squares["milliseconds"] / 1000)
    assert all(rate > 0 for rates in row["by_threads"].values() for rate in rates.values())
    assert "cores for an H100" in printed


def test_a_peer_gets_the_same_files(tmp_path: Path) -> None:
    names = ["disc1-star1.png", "star1-disc1.png"]
    labels = pd.DataFrame(
        {"imagename": names, "shape": ["disc", "star"], "texture": ["star", "disc"],
         "shape_exemplar": ["disc1", "star1"], "texture_exemplar": ["star1", "disc1"],
         "condition": "0"}
    )  # fmt: skip
    imageset.write(tmp_path / "set", imageset.ImageSet(np.zeros((2, 64, 64, 3), np.uint8), labels))
    rows, _ = bench(
        tmp_path, "--part", "peer", "--network", "torchvision:squeezenet1_1", "--repeats", "1",
        "--stimuli", str(tmp_path / "set"), "--peer", f"cp {{labels}} {tmp_path}/copied",
    )  # fmt: skip
    assert (tmp_path / "copied").read_bytes() == (tmp_path / "set.labels.csv").read_bytes()
    assert rows[0]["peer_seconds"] < rows[0]["seconds"]


def test_what_cannot_be_measured_says_why(tmp_path: Path) -> None:
    arguments = [
        word for part in ("precision", "feeding", "rerun", "peer") for word in ("--part", part)
    ]
    rows, printed = bench(tmp_path, *arguments, "--finished", str(tmp_path))
    assert all(row["skipped"] for row in rows)
    assert "no finished workflow, name one by --finished" in printed


def test_starting_and_importing_are_counted_in_every_process(tmp_path: Path) -> None:
    """A process that imports for long and one that computes for long, both below a shell."""
    (tmp_path / "slow.py").write_text("sum(range(20_000_000))\n", encoding="utf-8")
    (tmp_path / "imports.py").write_text("import slow\n", encoding="utf-8")
    (tmp_path / "computes.py").write_text("sum(range(20_000_000))\n", encoding="utf-8")
    python = sys.executable
    command = f"{python} {tmp_path}/imports.py; {python} {tmp_path}/computes.py; exit 3"
    done = subprocess.run(
        [python, "-m", "benchmarks.starting", "sh", "-c", command],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("wall ")
    assert "in 2 Python processes" in lines[1]
    rows = {line.split()[0]: line.split()[1:] for line in lines[3:]}
    assert rows["imports.py"][0] == rows["computes.py"][0] == "1"
    assert float(rows["imports.py"][1]) > 2 * float(rows["computes.py"][1])
    share = float(lines[1].split(", ")[-1].split()[0])
    assert 0.3 < share < 0.8  # the import is half of all work; the interpreters start beside it
