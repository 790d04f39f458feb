"""What a user must know and no error says: a line on stderr, which whoever listens hears too."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple


class Notice(NamedTuple):
    """A warning, or a note of what was taken for granted.

    Attributes
    ----------
    kind : str
        ``warning``: numbers may mean something else than they seem to; ``note``: a choice that was
        made for the user.
    subject : str
        The network or file.
    text : str
        One line.
    """

    kind: str
    subject: str
    text: str


_LISTENERS: list[list[Notice]] = []


def warn(subject: str, text: str) -> None:
    """Say that numbers may mean something else than they seem to."""
    say(Notice("warning", subject, text))


def note(subject: str, text: str) -> None:
    """Say which choice was made for the user."""
    say(Notice("note", subject, text))


def say(notice: Notice) -> None:
    """Print a notice, and tell whoever listens."""
    notice = notice._replace(text=" ".join(notice.text.split()))
    print(f"texshape: {notice.kind}: {notice.subject}: {notice.text}", file=sys.stderr)
    for heard in _LISTENERS:
        if notice not in heard:
            heard.append(notice)


@contextmanager
def listening() -> Iterator[list[Notice]]:
    """Collect what is said during a block, each line once.

    >>> with listening() as heard:
    ...     warn("a network", "answers by chance")
    >>> heard
    [Notice(kind='warning', subject='a network', text='answers by chance')]
    """
    heard: list[Notice] = []
    _LISTENERS.append(heard)
    try:
        yield heard
    finally:
        # by identity: another listener may have heard the same
        _LISTENERS[:] = [each for each in _LISTENERS if each is not heard]
