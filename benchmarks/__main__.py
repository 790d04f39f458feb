"""Time texshape against the bare work that its steps cannot do without; a table, kept as JSON.

    python -m benchmarks
    python -m benchmarks --part evaluation --stimuli results/published/data/base/cue-conflict
    python -m benchmarks --part peer --peer 'some-program --images {images} --labels {labels}'

All times are processor seconds, so that other programs on the machine count as little as they can.
Each part runs in processes of its own: one a size (least, 1x, 10x). `share` is the median over
alternated pairs of the bare work's time by the task's (1 is the machine's limit; above 1 the task is
faster than what it is compared with). `growth` is the exponent of time from 1x to 10x of the work,
after the time of the least work is subtracted.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shlex
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.feeding import feeding
from benchmarks.parts import PARTS
from benchmarks.timing import alternated, command_cpu, cpu, exponent, median_ratio, peak_memory

ROOT = Path(__file__).resolve().parents[1]
# Rules whose steps start torch, beside those of techniques; the others read arrays and tables.
TORCH = {"train", "train_decoder", "stylize", "conflict", "trials", "trials_controls", "trials_of_validation",
         "trials_across", "features", "features_named", "measure"}  # fmt: skip


def main(arguments: list[str] | None = None) -> None:
    options = parse(arguments)
    if options.child:
        print(json.dumps(child(options)))
        return
    others: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
        "precision": precision, "feeding": feeding, "rerun": rerun, "start": start, "peer": peer,
    }  # fmt: skip
    chosen = options.part or [*PARTS, *others]
    rows = []
    for name in chosen:
        row = {"part": name} | (grown(name, options) if name in PARTS else others[name](options))
        rows.append(row)
        print(line(row), flush=True)
    about = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {_processor()}",
        "load": os.getloadavg()[0],
        "options": {key: str(value) for key, value in vars(options).items()},
    }
    options.output.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({**about, "rows": rows}, indent=1)
    options.output.write_text(text + "\n", encoding="utf-8")
    print(f"kept in {options.output}")


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    names = [*PARTS, "precision", "feeding", "rerun", "start", "peer"]
    parser.add_argument("--part", action="append", choices=names, help="repeat; default: all")
    parser.add_argument("--scale", type=float, default=1, help="times the work of every part")
    parser.add_argument("--times", type=int, default=10, help="the larger size; 1 leaves it out")
    parser.add_argument("--repeats", type=int, default=5, help="alternated pairs")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--network", default="efficientnet_lite_pytorch:efficientnet-lite0")
    parser.add_argument("--weights", action="store_true", help="published weights, not random ones")
    parser.add_argument("--size", type=int, default=224, help="side of the images")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--precision", default="float32", choices=["float32", "bfloat16"])
    parser.add_argument("--encoder", default="efficientnet-lite0",
                        choices=["efficientnet-lite0", "random-pyramid", "vgg19-random"])  # fmt: skip
    parser.add_argument("--stimuli", type=Path, help="stem of an image set, for precision and peer")
    parser.add_argument("--photographs", type=Path, help="folder of photographs, for feeding")
    parser.add_argument("--finished", type=Path, default=ROOT, help="folder of a finished workflow")
    parser.add_argument("--snakemake", default="", help="arguments of that workflow")
    parser.add_argument("--peer", help="command; {images}, {labels} and {stem} name the same files")
    place = Path(os.environ.get("OUT") or ROOT / "results" / "benchmarks")
    parser.add_argument("--output", type=Path, default=place / "benchmarks.json")
    parser.add_argument("--child", choices=list(PARTS), help=argparse.SUPPRESS)
    parser.add_argument("--units", type=int, help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


# --- parts that grow with the work ---------------------------------------------------------------


def grown(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """A part at its least, at 1x beside the bare work, and at 10x."""
    part = PARTS[name]
    one = max(1, round(part.units * options.scale))
    least = min(one, part.least or (options.batch if part.unit == "images" else 1))
    sizes = [least, one] + ([one * options.times] if options.times > 1 else [])
    found = [_run_child(name, size, options, bare=size == one) for size in sizes]
    row = {
        "units": one,
        "unit": part.unit,
        "per_second": one / statistics.median(found[1]["task"]),
        "share": median_ratio(found[1]["bare"], found[1]["task"]),
        "against": found[1]["against"],
        "memory_mb": [entry["memory_mb"] for entry in found[1:]],
    }
    if len(found) == 3:
        least_times = [min(entry["task"]) for entry in found]
        row |= {"growth": exponent(sizes, least_times), "streams": part.streams}
    return row


def _run_child(name: str, units: int, options: argparse.Namespace, *, bare: bool) -> dict[str, Any]:
    command = [
        sys.executable, "-m", "benchmarks", "--child", name, "--units", str(units),
        "--repeats", str(options.repeats if bare else 0), "--threads", str(options.threads),
        "--network", options.network, "--size", str(options.size), "--batch", str(options.batch),
        "--precision", options.precision, "--encoder", options.encoder,
        *(["--weights"] if options.weights else []),
    ]  # fmt: skip
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(options.threads))
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, env=os.environ | threads
    )
    if done.returncode:
        raise SystemExit(f"benchmarks: {name}: {done.stderr.strip().splitlines()[-1]}")
    return json.loads(done.stdout.splitlines()[-1])


def child(options: argparse.Namespace) -> dict[str, Any]:
    """Run one part at one size in this process; without repeats only the task, twice."""
    if PARTS[options.child].torch:
        from texshape import compute

        compute.prepare(options.threads)
    with tempfile.TemporaryDirectory() as place:
        work = PARTS[options.child].prepare(options.units, Path(place), options)
        times = [cpu(work.task)]  # memory is claimed and kernels are chosen
        memory = peak_memory()
        found = {"against": work.against, "memory_mb": memory, "bare": []}
        if not options.repeats:
            return found | {"task": [*times, cpu(work.task)][1:]}
        bare = work.bare()
        bare()
        task, reference = alternated(lambda: cpu(work.task), lambda: cpu(bare), options.repeats)
        return found | {"task": task, "bare": reference}


# --- the rest ------------------------------------------------------------------------------------


def precision(options: argparse.Namespace) -> dict[str, Any]:
    """bfloat16 against float32 on real stimuli with real weights: speed, and decisions that change."""
    if options.stimuli is None:
        return {"skipped": "needs --stimuli (with --weights: real ones)"}
    from texshape import compute
    from texshape.data import imageset
    from texshape.trials.evaluate import decide

    compute.prepare(options.threads)
    from benchmarks.parts import _network

    network = _network(options)
    images = imageset.read(options.stimuli).images
    decided: dict[str, Any] = {}

    def clocked(kind: str) -> Callable[[], float]:
        def run() -> None:
            decided[kind] = decide(
                network, images, batch_size=options.batch, precision=kind, channels_last=True
            )

        return lambda: cpu(run)

    full, half = alternated(clocked("float32"), clocked("bfloat16"), max(1, options.repeats // 2))
    return {
        "units": len(images),
        "unit": "images",
        "per_second": len(images) / statistics.median(half),
        "share": median_ratio(full, half),
        "against": "float32",
        "decisions_changed": float((decided["float32"] != decided["bfloat16"]).mean()),
    }


def rerun(options: argparse.Namespace) -> dict[str, Any]:
    """A run of a finished workflow, in which nothing is to be done, by `snakemake --version`."""
    if not (options.finished / ".snakemake" / "metadata").is_dir():
        return {"skipped": f"{options.finished}: no finished workflow, name one by --finished"}
    command = ["snakemake", "--cores", "2", *shlex.split(options.snakemake)]
    done = subprocess.run(command, cwd=options.finished, capture_output=True, text=True)
    if "Nothing to be done" not in done.stdout + done.stderr:
        return {"skipped": f"{options.finished}: not finished, {' '.join(command)} has jobs to run"}
    runs, versions = alternated(
        lambda: command_cpu(command, cwd=options.finished),
        lambda: command_cpu(["snakemake", "--version"]),
        options.repeats,
    )
    return {
        "times_version": median_ratio(runs, versions),
        "seconds": statistics.median(runs),
        "against": "snakemake --version",
    }


COMMAND = [sys.executable, "-c", "from texshape.cli.main import main; main()"]
STARTS = {
    "python": [sys.executable, "-c", "pass"],
    "command line": [*COMMAND, "run", "readout", "--help"],
    "arrays": [sys.executable, "-c", "import texshape.cli.main, pandas, scipy.sparse,"
               " texshape.techniques.readout.linear, texshape.techniques.dimensionality.table"],
    "torch": [sys.executable, "-c", "import torch"],
    "network": [sys.executable, "-c", "import texshape.cli.main, pandas, texshape.compute as c;"
                " c.prepare(1); import texshape.models.loading, texshape.trials.evaluate"],
}  # fmt: skip


def start(options: argparse.Namespace) -> dict[str, Any]:
    """Processor seconds until a process has imported what its step needs; their share of a run."""
    from texshape.techniques import registry

    seconds = {
        name: statistics.median(command_cpu(command) for _ in range(options.repeats))
        for name, command in STARTS.items()
    }
    row: dict[str, Any] = {"seconds_by_kind": seconds}
    jobs: Counter[str] = Counter()
    techniques = map(registry.get, registry.OURS)
    torch_rules = TORCH | {one.name for one in techniques if one.network}
    total = 0.0
    for path in (options.finished / "logs").rglob("*.benchmark.tsv"):
        keys, values = (text.split("\t") for text in path.read_text().splitlines()[:2])
        value = dict(zip(keys, values, strict=True))["cpu_time"]
        # Snakemake's last look is up to half a minute before the end: what follows is not in it.
        total += 0 if value in ("-", "NA") else float(value)
        name = path.relative_to(options.finished / "logs").parts[1].removesuffix(".benchmark.tsv")
        jobs["network" if name in torch_rules else "arrays"] += 1
    if total:
        spent = sum(count * seconds[kind] for kind, count in jobs.items())
        row |= {"jobs": dict(jobs), "start_seconds": spent, "run_seconds_at_least": total,
                "share_of_run_at_most": spent / total}  # fmt: skip
    return row


def peer(options: argparse.Namespace) -> dict[str, Any]:
    """Another program beside `texshape run trials`: whole commands, on the same files."""
    if not options.peer or options.stimuli is None:
        return {"skipped": "needs --peer COMMAND and --stimuli"}
    stem = options.stimuli.resolve()
    files = {"stem": stem, "images": f"{stem}.images.npy", "labels": f"{stem}.labels.csv"}
    command = options.peer
    for key, value in files.items():
        command = command.replace(f"{{{key}}}", shlex.quote(str(value)))
    settings = {"batch_size": options.batch, "precision": options.precision, "channels_last": True}
    with tempfile.TemporaryDirectory() as place:
        ours = [
            *COMMAND, "run", "trials", "--network", options.network,
            "--set", str(stem), "--settings", json.dumps(settings), "--output-dir", place,
            "--threads", str(options.threads), *([] if options.weights else ["--random"]),
        ]  # fmt: skip
        task, other = alternated(
            lambda: command_cpu(ours), lambda: command_cpu(command, shell=True), options.repeats
        )
    return {
        "seconds": statistics.median(task),
        "peer_seconds": statistics.median(other),
        "share": median_ratio(other, task),
        "against": options.peer,
    }


def line(row: dict[str, Any]) -> str:
    """One line of the table."""
    if "skipped" in row:
        return f"{row['part']:<20}skipped: {row['skipped']}"
    cells = []
    for key, text in (
        ("per_second", "{:.4g}/s of processor time"), ("share", "share {:.2f}"),
        ("growth", "growth {:.2f}"), ("decisions_changed", "{:.2%} of decisions changed"),
        ("times_version", "{:.2f} times"), ("share_of_run_at_most", "{:.1%} of the run at most"),
    ):  # fmt: skip
        if row.get(key) is not None:
            cells.append(text.format(row[key]))
    if row.get("memory_mb") and None not in row["memory_mb"]:
        cells.append("memory " + " -> ".join(f"{value:.0f}" for value in row["memory_mb"]) + " MB")
    if "seconds_by_kind" in row:
        cells.append(", ".join(f"{k} {v:.2f} s" for k, v in row["seconds_by_kind"].items()))
    for way in row.get("ways", ()):
        clocked = ", ".join(f"{t}: {v:.0f}/s" for t, v in row["by_threads"][way["way"]].items())
        cells.append(
            f"{way['way']}: {way['bytes'] / 1000:.0f} kB and {way['milliseconds']:.3f} ms of a core an image, "
            f"{way['cores_for_h100']:.1f} cores for an H100; by threads {clocked}"
        )
    if "against" in row:
        cells.append(f"(against {row['against']})")
    return f"{row['part']:<20}{'; '.join(cells)}"


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except FileNotFoundError:
        return platform.processor()
    return next((entry.split(":")[1].strip() for entry in text.splitlines()
                 if entry.startswith("model name")), platform.processor())  # fmt: skip


if __name__ == "__main__":
    main()
