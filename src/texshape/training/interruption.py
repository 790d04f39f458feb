"""Leaving a training in good order when the scheduler or the user asks for it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

# EX_TEMPFAIL of sysexits.h: run the same command again and it resumes.
RESUME_STATUS = 75


class Interrupted(SystemExit):
    """The state is written; the process ends with `RESUME_STATUS`."""

    def __init__(self) -> None:
        super().__init__(RESUME_STATUS)


class Request:
    """Whether a signal has asked to stop."""

    def __init__(self) -> None:
        self.received = False


@contextmanager
def stop_request(*, once: bool = True) -> Iterator[Request]:
    """Note SIGTERM and SIGINT instead of dying from them, as long as the block runs.

    Parameters
    ----------
    once : bool
        Whether a second signal acts as it would without this. Where one process starts several, each
        of them may be told twice, by the scheduler and by the one that started it.
    """
    request = Request()
    if threading.current_thread() is not threading.main_thread():
        yield request  # only the main thread may handle signals
        return
    signals = (signal.SIGTERM, signal.SIGINT)
    previous = {number: signal.getsignal(number) for number in signals}

    def restore() -> None:
        for number, handler in previous.items():
            signal.signal(number, handler)

    def note(number: int, frame: FrameType | None) -> None:
        request.received = True
        if once:
            restore()

    for number in signals:
        signal.signal(number, note)
    try:
        yield request
    finally:
        restore()
