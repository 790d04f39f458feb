"""Several networks at once, a process each: the same steps and the same files as one after the other.

A network has a process of its own from its loading to its last step, so that whatever ends that process, an
error or a signal, ends this network alone. Processes are started anew and inherit nothing but what they are
given. What they print is read line by line and printed by the parent, so that no line is cut by another.
A process ends with its parent, however that ends; steps that are finished stay, as in any survey.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any

from texshape.errors import InputError, MachineError
from texshape.survey.listener import Listener

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

    from texshape.survey.candidates import Candidate
    from texshape.survey.stimuli import Stimuli

PATIENCE = (
    10.0  # seconds in which a process that is told to end can leave its files as they should be
)


@dataclass(frozen=True)
class Lost:
    """A network of which nothing is known in the end.

    Attributes
    ----------
    slug : str
    line : str
        What is wrong, with the network's name.
    broken : bool
        Whether that is no bad input.
    """

    slug: str
    line: str
    broken: bool


def lost(candidate: Candidate, reason: str, *, broken: bool) -> Lost:
    """Nothing is known of a network, for a reason that may name it already."""
    line = reason if candidate.name in reason else f"{candidate.name}: {reason}"
    return Lost(candidate.slug, line, broken)


def lost_among(found: Sequence[Any | Lost]) -> list[Lost]:
    """The networks of which nothing is known.

    Raises
    ------
    InputError
        If that is so of all of them.
    """
    gone = [one for one in found if isinstance(one, Lost)]
    if len(gone) == len(found):
        kind = MachineError if any(one.broken for one in gone) else InputError
        raise kind("; ".join(one.line for one in gone))
    return gone


@dataclass(frozen=True)
class Job:
    """What a process is given.

    Attributes
    ----------
    call : callable
        See `at_once`.
    candidate : Candidate
    pictures : dict of str to str
        Set to its stem (`texshape.data.imageset`): pixels are mapped and not sent.
    stimuli : Stimuli
        Without pictures and trials.
    settings : dict
    threads : int
    """

    call: Callable[[Candidate, Stimuli, dict[str, Any], Listener, int], Any]
    candidate: Candidate
    pictures: Mapping[str, str]
    stimuli: Stimuli
    settings: dict[str, Any]
    threads: int


@dataclass
class _Running:
    """A process that measures one network, and how it is heard."""

    candidate: Candidate
    process: BaseProcess
    events: Connection
    lines: threading.Thread
    listener: Listener
    answer: Any = None


def at_once(
    call: Callable[..., Any],
    candidates: Sequence[Candidate],
    stimuli: Stimuli,
    settings: dict[str, Any],
    *,
    jobs: int,
    threads: int,
    steps: int,
    listener: Listener,
) -> list[Any | Lost]:
    """Call a function once for each network, in as many processes as there are jobs.

    Parameters
    ----------
    call : callable
        ``(candidate, stimuli, settings, listener, threads) -> result``, which can be sent from a process; a
        module's function, or a partial of one.
    candidates : sequence of Candidate
    stimuli : Stimuli
    settings : dict
        All parameters.
    jobs : int
        Processes at a time.
    threads : int
        Of all processes together; each gets an equal share of at least one.
    steps : int
        Of each network, for the listener.
    listener : Listener

    Returns
    -------
    list
        What the function returned for each network, in the order of `candidates`; `Lost` where it did not.
    """
    found: dict[str, Any] = {}
    waiting = list(enumerate(candidates, start=1))
    with _on_disk(stimuli) as (pictures, bare), _ended_in_any_case() as running:
        while waiting or running:
            while waiting and len(running) < jobs:
                number, candidate = waiting.pop(0)
                told = listener.beside()
                told.network(candidate.name, number, len(candidates), steps)
                share = max(1, threads // jobs)
                job = Job(call, candidate, pictures, bare, settings, share)
                running.append(_start(job, told))
            ready = wait([one.events for one in running])
            for one in [one for one in running if one.events in ready]:
                if not _hear(one):
                    running.remove(one)
                    found[one.candidate.slug] = _ended(one)
    return [found[candidate.slug] for candidate in candidates]


def _start(job: Job, listener: Listener) -> _Running:
    context = multiprocessing.get_context("spawn")
    events, sending = context.Pipe(duplex=False)
    reading, printed = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(job, sending, printed), daemon=True)
    try:
        process.start()
    finally:  # from now on the process alone holds these ends, so that the others end with it
        sending.close()
        printed.close()
    lines = threading.Thread(target=_print_lines, args=(reading,), daemon=True)
    lines.start()
    return _Running(job.candidate, process, events, lines, listener)


def _print_lines(reading: Connection) -> None:
    """Print what a process prints, each line whole; a bar that moves by carriage returns as its last state."""
    with (
        reading,
        open(os.dup(reading.fileno()), encoding="utf-8", errors="replace", newline="\n") as lines,
    ):
        for line in lines:
            text = line.rstrip("\r\n").rpartition("\r")[2]
            if text.strip():
                sys.stderr.write(f"{text}\n")
                sys.stderr.flush()


def _hear(one: _Running) -> bool:
    """Pass on what a process tells; False once it tells nothing any more."""
    try:
        kind, value = one.events.recv()
    except (EOFError, OSError):
        return False
    if kind == "step":
        one.listener.step(value)
    elif kind == "done":
        one.listener.done(value)
    else:
        one.answer = (kind, value)
    return True


def _ended(one: _Running) -> Any | Lost:
    one.process.join()
    one.lines.join()
    one.events.close()
    candidate = one.candidate
    if one.answer is None:
        ended = f"{_how(one.process.exitcode)}; steps that are finished are kept"
        return lost(candidate, ended, broken=True)
    kind, value = one.answer
    if kind == "found":
        return value
    return lost(candidate, value, broken=kind == "broken")


def _how(code: int | None) -> str:
    if code is None or code >= 0:
        return f"its process ended with status {code} and said nothing"
    name = signal.Signals(-code).name
    helps = " (out of memory?)" if -code == signal.SIGKILL else ""
    return f"its process was ended by {name}{helps}"


@contextmanager
def _ended_in_any_case() -> Iterator[list[_Running]]:
    """The processes that run; none of them is left at the end of the block, however that comes."""
    running: list[_Running] = []
    try:
        yield running
    finally:
        for one in running:
            one.process.terminate()
        for one in running:
            one.process.join(PATIENCE)
            if one.process.is_alive():
                one.process.kill()
                one.process.join()


@contextmanager
def _on_disk(stimuli: Stimuli) -> Iterator[tuple[dict[str, str], Stimuli]]:
    """Stems of the sets, written where they are in memory alone, and the stimuli without them."""
    from texshape.data import imageset

    ending = ".images.npy"
    with tempfile.TemporaryDirectory(prefix="texshape-pictures-") as folder:
        stems = {}
        for name, images in stimuli.sets.items():
            file = str(getattr(images.images, "filename", None) or "")
            if not file.endswith(ending):
                imageset.write(Path(folder, name), images)
                file = f"{Path(folder, name)}{ending}"
            stems[name] = file.removesuffix(ending)
        yield stems, replace(stimuli, sets={}, trials={}, trials_folder=None, answers=())


# --- within a process ------------------------------------------------------------------------------


class _Telling(Listener):
    """Sends what it is told to the parent."""

    def __init__(self, events: Connection) -> None:
        self.events = events

    def step(self, title: str) -> None:
        self.events.send(("step", title))

    def done(self, ran: bool) -> None:
        self.events.send(("done", ran))


def _work(job: Job, events: Connection, printed: Connection) -> None:
    """What a process does; its last words are what it found, or why it found nothing."""
    _print_into(printed)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears it, and ends its processes
    signal.signal(signal.SIGTERM, _stop)
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    try:
        events.send(_outcome(job, _Telling(events)))
    except _Stopped:
        raise SystemExit(128 + signal.SIGTERM) from None


class _Stopped(BaseException):
    """The parent wants this process to end; no step takes it for an error of its own."""


def _stop(*_: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise _Stopped


def _outcome(job: Job, listener: Listener) -> tuple[str, Any]:
    from texshape.data import imageset

    try:
        sets = {name: imageset.read(stem) for name, stem in job.pictures.items()}
        stimuli = replace(job.stimuli, sets=sets)
        return "found", job.call(job.candidate, stimuli, job.settings, listener, job.threads)
    except InputError as error:
        return ("refused" if error.status == InputError.status else "broken"), str(error)
    except Exception as error:
        return "broken", f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"


def _print_into(printed: Connection) -> None:
    """Send both outputs, those of libraries too, to the pipe that the parent reads."""
    for number in (1, 2):
        os.dup2(printed.fileno(), number)
    printed.close()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)


def _end_with_the_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
