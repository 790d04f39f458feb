"""Kill the steps of a finished experiment at random moments, run them again, compare every byte.

    python -m tests.soak --kills 200 --seed 1

First a small experiment runs in a temporary folder (or `--folder`, where one has run). Then, for each kill,
a job is drawn, evenly over the rules; it starts in a process group of its own and gets SIGKILL at a moment
drawn evenly from the time that it takes undisturbed. Between, each file of the experiment must be absent
or as it was; in half of the rounds the outputs are removed before the job starts, as Snakemake does.
Afterwards the same job runs to its end, and every file of the experiment must have its former hash.

The steps run in forks of a process that has loaded the libraries, so that a kill hits work and no import.
"""

from __future__ import annotations

import argparse
import importlib
import multiprocessing
import os
import random
import shlex
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.workflow.conftest import copy_workflow
from tests.workflow.tiny import hashes

# The smoke experiment, smaller: every kind of job, each of a second or so.
SMALL = """\
experiment: soak
data: {image_size: 32, supersampling: 1, train: 96, validation: 24, test: 48, shape_exemplars: 3,
       texture_exemplars: 3}
training: {epochs: 2, checkpoint_epochs: [0, 2]}
trained:
  - { architecture: rf9, arms: [plain, stylized, neural, plain-tint-0.6], seeds: [0] }
stylize: {styles: {size: 32}}
fitness: {full: [rf9], limited: []}
bootstrap: {resamples: 100}
readout: {resamples: 50}
dimensionality: {null_draws: 3, resamples: 20}
erasure: {random_draws: 1, resamples: 50}
receptive_field: {images: 4}
feature_visualization: {steps: 2, channels: 1}
segmentation: {targets: [binary], end_to_end: [binary], train_images: 24, test_images: 24, epochs: 1,
               end_to_end_epochs: 1, resamples: 20}
probes: {shuffling_images: 48, strength_images: 48, resamples: 20}
corruptions: {severities: [3], images: 24}
comparison: {permutations: 50, resamples: 50}
"""
CONFIGFILES = ("experiments/smoke.yaml", "soak.yaml")
# The commit and the time of a run belong to the run; all else is the same each time.
OF_THE_RUN = ("provenance.json",)


@dataclass(frozen=True)
class Step:
    """One job: its words after `texshape`, its log, and the files it declares."""

    rule: str
    words: tuple[str, ...]
    log: str
    outputs: tuple[str, ...]


def experiment(folder: Path) -> None:
    """Run the small experiment in a new folder; shards stay, so that what joins them can run again."""
    workflow = copy_workflow(folder)
    (folder / "soak.yaml").write_text(SMALL, encoding="utf-8")
    workflow.snakemake("--notemp", "--configfile", *CONFIGFILES)


def steps(folder: Path) -> dict[str, list[Step]]:
    """The jobs of the small experiment, by rule."""
    context = multiprocessing.get_context("spawn")  # Snakemake changes folder and settings
    with context.Pool(1) as pool:
        listed = pool.apply(_listed, (folder,))
    found: dict[str, list[Step]] = {}
    for step in listed:
        found.setdefault(step.rule, []).append(step)
    return found


def _listed(folder: Path) -> list[Step]:
    from tests.workflow.jobs import planned

    with planned(folder, CONFIGFILES) as jobs:
        listed = []
        for job in jobs:
            words = shlex.split(job.shellcmd)
            cut = words.index(">")
            assert words[0] == "texshape", words
            outputs = tuple(map(str, job.output))
            listed.append(Step(job.rule.name, tuple(words[1:cut]), words[cut + 1], outputs))
        return listed


def load_libraries() -> None:
    """Import what steps import, so that forks need not; with no threads, which a fork would lose."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    for name in (
        "torch", "torch.nn", "torchvision.transforms.v2", "pandas", "scipy.stats", "scipy.sparse",
        "sklearn.linear_model", "matplotlib.figure", "matplotlib.backends.backend_svg", "typst",
        "statsmodels.api", "skimage", "mlflow.tracking", "mlflow.entities",
    ):  # fmt: skip
        importlib.import_module(name)
    from texshape.cli import main

    for name in main.COMMANDS:
        importlib.import_module(f"texshape.cli.{name}")


def start(step: Step, folder: Path) -> int:
    """Fork a process that runs a step; returns its number, which is its group's too."""
    sys.stdout.flush()
    process = os.fork()
    if process:
        return process
    status = 1
    try:
        os.setpgid(0, 0)
        os.chdir(folder)
        log = os.open(step.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(log, 1)
        os.dup2(log, 2)
        from texshape.cli.main import main

        sys.argv = ["texshape", *step.words]
        main()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else bool(end.code)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def run(step: Step, folder: Path) -> float:
    """Run a step to its end; returns its seconds."""
    began = time.monotonic()
    status = os.waitstatus_to_exitcode(os.waitpid(start(step, folder), 0)[1])
    if status:
        text = (folder / step.log).read_text(encoding="utf-8", errors="replace")
        raise AssertionError(f"{step.rule} ended with status {status}:\n{text}")
    return time.monotonic() - began


def kill_within(step: Step, folder: Path, seconds: float) -> bool:
    """Start a step and kill it after so many seconds; False if it had ended before."""
    process = start(step, folder)
    time.sleep(seconds)
    for kill in (os.killpg, os.kill):  # it may not have become a group yet, or may have ended
        with suppress(ProcessLookupError):
            kill(process, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(process, 0)[1])


def state(results: Path) -> dict[str, str]:
    """Hashes of an experiment's files."""
    found = hashes(results)
    return {name: value for name, value in found.items() if name not in OF_THE_RUN}


def soak(folder: Path, kills: int, seed: int, log=print) -> Counter[str]:
    """Kill and rerun; returns the kills by rule.

    Raises
    ------
    AssertionError
        If a file is half written after a kill, or lost or other than before after the rerun.
    """
    by_rule = steps(folder)
    results = folder / "results" / "soak"
    log(f"{sum(map(len, by_rule.values()))} jobs of {len(by_rule)} kinds: {', '.join(by_rule)}")
    draws = random.Random(seed)
    durations: dict[Step, float] = {}
    killed: Counter[str] = Counter()
    missed = 0
    expected: dict[str, str] = {}
    while sum(killed.values()) < kills:
        rule = draws.choice(list(by_rule))
        step = draws.choice(by_rule[rule])
        if step not in durations:
            before = state(results)
            durations[step] = run(step, folder)
            expected = state(results)
            changed = sorted(name for name in before.keys() | expected.keys()
                             if before.get(name) != expected.get(name))  # fmt: skip
            assert not changed, (
                f"{rule} undisturbed gives other bytes than in the workflow: {changed}"
            )
        removed = draws.random() < 0.5
        if removed:
            for output in step.outputs:
                (folder / output).unlink()
        moment = draws.uniform(0, durations[step])
        if kill_within(step, folder, moment):
            killed[rule] += 1
        else:
            missed += 1
        for name, value in state(results).items():
            unfinished = ".partial/" in name or "/resume/" in name
            assert unfinished or value == expected[name], f"{rule}: {name} is half written"
        run(step, folder)
        after = state(results)
        lost = sorted(name for name in after.keys() | expected.keys()
                      if after.get(name) != expected.get(name))  # fmt: skip
        assert not lost, f"{rule}, killed after {moment:.3f} s: lost or wrong {lost}"
        if sum(killed.values()) % 20 == 0 and killed:
            log(f"{sum(killed.values())} kills, {missed} came too late, nothing lost")
    return killed


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where the small experiment has run")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary) / "project"
        if given.folder is None:
            print("the small experiment runs", flush=True)
            experiment(folder)
        load_libraries()
        killed = soak(
            folder.resolve(), given.kills, given.seed, lambda line: print(line, flush=True)
        )
    for rule, count in sorted(killed.items()):
        print(f"{rule:24} {count:4}")
    print(f"{sum(killed.values())} random kills in {len(killed)} kinds of jobs; lost: nothing")


if __name__ == "__main__":
    main()
