"""The one place that downloads: retried, resumed, verified, atomic, and mirror-aware.

``fetch`` brings one file, ``fetch_all`` many over a few connections. With ``TEXSHAPE_MIRROR=DIR``
the folder DIR takes the network's place:

    https://raw.githubusercontent.com/OWNER/REPO/COMMIT/PATH  ->  DIR/github/OWNER/REPO/COMMIT/PATH
    https://github.com/OWNER/REPO/archive/COMMIT.tar.gz       ->
    DIR/github/OWNER/REPO/COMMIT.tar.gz https://HOST/PATH (any other)                             ->
    DIR/HOST/PATH
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from texshape.errors import InputError
from texshape.files import file_sha256

if TYPE_CHECKING:
    import requests

MIRROR = "TEXSHAPE_MIRROR"
BLOCK = 1 << 16  # bytes; what a cut connection may lose
# Statuses that may pass: timeout, too early, too many requests, and a server's own troubles.
_RETRIED = {408, 425, 429, 500, 502, 503, 504}


@dataclass(frozen=True)
class Item:
    """One file to fetch.

    Attributes
    ----------
    url : str
    sha256 : str or None
        None only where the bytes may differ (an archive made by a host): then what it holds is to
        be verified.
    destination : Path
    size : int or None
        In bytes, where known.
    """

    url: str
    sha256: str | None
    destination: Path
    size: int | None = None


class _Incomplete(Exception):
    """The connection failed in a way that another try may mend."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


def fetch(
    url: str,
    sha256: str | None,
    destination: str | Path,
    *,
    size: int | None = None,
    retries: int = 5,
    timeout: float = 30.0,
    backoff: float = 1.0,
    quiet: bool = False,
    session: requests.Session | None = None,
) -> Path:
    """Bring one file to `destination`, unless it is there already with the right check sum.

    Parameters
    ----------
    url : str
    sha256 : str or None
        Expected check sum in hexadecimal; None skips the check (see `Item`).
    destination : str or Path
        Appears whole and verified, or not at all. What an interrupted transfer brought stays beside
        it as ``NAME.part``, from where the next try goes on.
    size : int, optional
        Expected bytes, to know early that the disk is too small.
    retries : int
        Tries after the first.
    timeout : float
        Seconds without an answer or a byte.
    backoff : float
        Seconds before the first new try; doubles each time. A server's ``Retry-After`` is honoured
        up to a minute.
    quiet : bool
        Neither progress bar nor line.
    session : requests.Session, optional
        Keeps the connection open over many files.

    Returns
    -------
    Path
        The destination.

    Raises
    ------
    InputError
        One line with the address and what is wrong: no such file, wrong check sum, a web page
        instead of data, no space on the disk, no connection.
    """
    destination = Path(destination)
    if destination.is_file() and (sha256 is None or file_sha256(destination) == sha256):
        return destination
    part = destination.with_name(destination.name + ".part")
    mirror = os.environ.get(MIRROR)
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        with _locked(part) as out:
            # Another process may have brought it while this one waited.
            if destination.is_file() and (sha256 is None or file_sha256(destination) == sha256):
                _discard(part)
                return destination
            if mirror:
                _copy(mirror_path(url, mirror), out)
                _verify(url, sha256, out, part)
            else:
                _download(
                    url, sha256, out, part, size=size, retries=retries, timeout=timeout,
                    backoff=backoff, quiet=quiet, session=session,
                )  # fmt: skip
            out.flush()
            os.replace(part, destination)
    except OSError as error:
        _discard(part)
        if error.errno == errno.ENOSPC:
            raise InputError(f"{destination}: no space left on the disk for {url}") from None
        raise InputError(f"{destination}: cannot be written ({error.strerror or error})") from None
    return destination


def fetch_all(
    items: Sequence[Item],
    *,
    label: str,
    connections: int = 8,
    retries: int = 5,
    timeout: float = 30.0,
    backoff: float = 1.0,
) -> list[Path]:
    """Bring many files over a few connections, with one progress bar for all.

    Parameters
    ----------
    items : sequence of Item
    label : str
        What the files are, for the bar or the line.
    connections : int
    retries, timeout, backoff
        As in `fetch`.

    Returns
    -------
    list of Path
        Destinations in the order of `items`.

    Raises
    ------
    InputError
        The first failure; files that came before it stay.
    """
    from concurrent.futures import ThreadPoolExecutor

    local = threading.local()
    mirrored = bool(os.environ.get(MIRROR))

    def one(item: Item) -> Path:
        if not mirrored and not hasattr(local, "session"):
            import requests

            local.session = requests.Session()
        return fetch(
            item.url, item.sha256, item.destination, size=item.size, retries=retries,
            timeout=timeout, backoff=backoff, quiet=True, session=getattr(local, "session", None),
        )  # fmt: skip

    paths = []
    with _bar(label, total=len(items), unit="files") as advance:
        pool = ThreadPoolExecutor(1 if mirrored else connections)
        try:
            for path in pool.map(one, items):
                paths.append(path)
                advance(1)
        finally:
            pool.shutdown(cancel_futures=True)
    return paths


def mirror_path(url: str, mirror: str | Path) -> Path:
    """Say where a mirror keeps what stands at an address."""
    parts = urlsplit(url)
    path = unquote(parts.path).lstrip("/")
    pieces = path.split("/")
    if ".." in pieces:
        raise InputError(f"{url}: an address to fetch may not contain '..'")
    if parts.netloc == "raw.githubusercontent.com":
        return Path(mirror, "github", *pieces)
    if parts.netloc == "github.com" and len(pieces) == 4 and pieces[2] == "archive":
        return Path(mirror, "github", pieces[0], pieces[1], pieces[3])
    return Path(mirror, parts.hostname or "", *pieces)


@contextmanager
def _locked(part: Path) -> Iterator[IO[bytes]]:
    """Open the partial file for one process at a time."""
    import fcntl

    while True:
        out = open(part, "a+b")  # noqa: SIM115 (closed below, or handed over)
        fcntl.flock(out, fcntl.LOCK_EX)
        # Who held the lock before may have moved or removed the file that was opened.
        try:
            current = os.path.samestat(os.fstat(out.fileno()), os.stat(part))
        except FileNotFoundError:
            current = False
        if current:
            break
        out.close()
    with out:
        yield out


def _copy(source: Path, out: IO[bytes]) -> None:
    out.truncate(0)
    try:
        lines = open(source, "rb")  # noqa: SIM115
    except OSError as error:
        _discard(Path(out.name))
        reason = "no such file" if isinstance(error, FileNotFoundError) else error.strerror
        raise InputError(f"{source}: {reason} in the mirror that {MIRROR} names") from None
    with lines:
        shutil.copyfileobj(lines, out, BLOCK)


def _download(
    url: str, sha256: str | None, out: IO[bytes], part: Path, *, size: int | None, retries: int,
    timeout: float, backoff: float, quiet: bool, session: requests.Session | None,
) -> None:  # fmt: skip
    import requests

    reason, wait = "", 0.0
    with requests.Session() if session is None else nullcontext(session) as session:
        for attempt in range(retries + 1):
            if attempt:
                time.sleep(wait)
            resumed = out.seek(0, os.SEEK_END) > 0
            try:
                _transfer(session, url, out, size=size, timeout=timeout, quiet=quiet)
                # A wrong sum may come of an older transfer's bytes: then once more from the start.
                _verify(url, sha256, out, part, keep=resumed and attempt < retries)
                return
            except _Incomplete as error:
                reason, wait = str(error), error.wait
            except requests.RequestException as error:
                if isinstance(error, ValueError):  # no address at all
                    _discard(part)
                    raise InputError(f"{url}: cannot be downloaded ({error})") from None
                reason, wait = _describe(error), None
            if wait is None:
                wait = backoff * 2**attempt
        kept = out.seek(0, os.SEEK_END)
    if not kept:
        _discard(part)
    tail = f"; {kept} bytes are kept for the next try" if kept else ""
    raise InputError(f"{url}: not downloaded after {retries + 1} tries ({reason}){tail}")


def _transfer(
    session: requests.Session, url: str, out: IO[bytes], *, size: int | None, timeout: float,
    quiet: bool,
) -> None:  # fmt: skip
    have = out.seek(0, os.SEEK_END)
    # Compressed transfer would make offsets and lengths mean something else.
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    with session.get(url, headers=headers, stream=True, timeout=timeout) as answer:
        status = answer.status_code
        if status == 416:  # what is there is no beginning of the file, or all of it
            whole = answer.headers.get("Content-Range", "").rpartition("/")[2]
            if whole == str(have):
                return
            out.truncate(0)
            raise _Incomplete("the server refused to continue", wait=0)
        if status in _RETRIED:
            raise _Incomplete(f"HTTP status {status}", wait=_retry_after(answer))
        if status not in (200, 206):
            _discard(Path(out.name))
            raise InputError(f"{url}: the server answered with HTTP status {status}")
        if status == 200:
            have = 0
            out.truncate(0)
        elif not answer.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            out.truncate(0)
            raise _Incomplete("the server continued elsewhere", wait=0)
        length = answer.headers.get("Content-Length")
        expected = have + int(length) if length and length.isdigit() else None
        _check_space(Path(out.name), (expected or size or 0) - have)
        # Of an answer cut short, what came is wanted too; the length is checked below.
        answer.raw.enforce_content_length = False
        name = Path(urlsplit(url).path).name
        bar = _quiet() if quiet else _bar(name, total=expected or size, unit="bytes", done=have)
        with bar as advance:
            for block in answer.iter_content(BLOCK):
                if have == 0 and _is_page(block, answer.headers.get("Content-Type", ""), url):
                    _discard(Path(out.name))
                    raise InputError(
                        f"{url}: the server sent a web page (HTML) instead of the file; "
                        f"it came from {answer.url}"
                    )
                out.write(block)
                have += len(block)
                advance(len(block))
        out.flush()
        if expected is not None and have < expected:
            raise _Incomplete(f"the connection ended after {have} of {expected} bytes")


def _verify(
    url: str, sha256: str | None, out: IO[bytes], part: Path, *, keep: bool = False
) -> None:
    if sha256 is None:
        return
    out.flush()
    out.seek(0)
    found = hashlib.file_digest(out, "sha256").hexdigest()
    if found == sha256.lower():
        return
    if keep:
        out.truncate(0)
        raise _Incomplete("the continued file has the wrong check sum", wait=0)
    _discard(part)
    raise InputError(
        f"{url}: wrong check sum; expected SHA-256 {sha256}, found {found}; nothing was kept"
    )


def _check_space(part: Path, needed: int) -> None:
    if needed > shutil.disk_usage(part.parent).free:
        raise OSError(errno.ENOSPC, "No space left on device")


def _is_page(block: bytes, content_type: str, url: str) -> bool:
    if urlsplit(url).path.endswith((".html", ".htm")):
        return False
    start = block[:256].lstrip().lower()
    return content_type.startswith("text/html") or start.startswith((b"<!doctype html", b"<html"))


def _retry_after(answer: requests.Response) -> float | None:
    value = answer.headers.get("Retry-After", "")
    return min(float(value), 60.0) if value.isdigit() else None


def _describe(error: Exception) -> str:
    import requests

    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.ConnectionError):
        return "no connection, or it was cut"
    return type(error).__name__


def _discard(part: Path) -> None:
    part.unlink(missing_ok=True)


@contextmanager
def _quiet() -> Iterator[Any]:
    yield lambda count: None


@contextmanager
def _bar(label: str, *, total: int | None, unit: str, done: int = 0) -> Iterator[Any]:
    """A progress bar on a terminal, else one line when all is there."""
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import Progress

        with Progress(console=Console(stderr=True)) as progress:
            task = progress.add_task(label, total=total, completed=done)
            yield lambda count: progress.advance(task, count)
        return
    counted = [done]

    def advance(count: int) -> None:
        counted[0] += count

    yield advance
    print(f"{label}: {counted[0]} {unit}", file=sys.stderr)
