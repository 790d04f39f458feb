"""Requests to an OpenAI-compatible address: one picture and one question, with patience.

Address and key come from the environment, ``OPENAI_BASE_URL`` and ``OPENAI_API_KEY``. The key is in the header
of the requests and nowhere else: it is taken out of whatever a server says before anything is done with it.
"""

from __future__ import annotations

import email.utils
import json
import os
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import urlsplit

from texshape.errors import InputError
from texshape.vlm.settings import VlmSettings

ADDRESS, KEY = "OPENAI_BASE_URL", "OPENAI_API_KEY"
LONGEST_PAUSE = 60.0  # s between tries, where the server names none
PATIENCE = 900.0  # s that a server may ask to be left alone
LARGEST = 4 << 20  # bytes of an answer
# Too many requests, too slow, or a server in trouble: worth another try.
_PASSING = {408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529}
_OPTIONAL = ("temperature", "max_tokens")  # some models take them under no such name
_LIMIT = "max_completion_tokens"  # what models that think aloud call it
_FILTERED = ("content_filter", "content_policy", "safety")


class StoppedError(InputError):
    """The address cannot be asked any more: nothing else of this run can be. Answers are kept."""


class _Passing(Exception):
    """A try that failed; `wait` is how long the server asks to be left alone."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


class _NotTaken(Exception):
    """The model takes no parameter of that name; it is left out from now on."""


@dataclass(frozen=True)
class Reply:
    """What came back about one picture.

    Attributes
    ----------
    text : str
        The answer as it was written; the reason where the address refused to answer.
    model : str
        What the address says answered.
    finish : str
        Why it ended: ``stop``, ``length``, ``content_filter``, ...
    usage : dict
        ``prompt_tokens`` and ``completion_tokens`` where they were told.
    left_out : tuple of str
        Parameters that the model does not take.
    seconds : float
        That the request took.
    """

    text: str
    model: str
    finish: str
    usage: dict[str, int]
    left_out: tuple[str, ...]
    seconds: float


def address() -> str:
    """The base address of the environment, without a slash at its end.

    Raises
    ------
    InputError
        If there is none, or it is no address.
    """
    text = os.environ.get(ADDRESS, "").strip()
    if not text:
        raise InputError(
            f"{ADDRESS}: is not set; expected the base address of the model, such as "
            "http://localhost:8000/v1"
        )
    try:
        parts = urlsplit(text)
        held = parts.username or parts.password or parts.query or parts.fragment
        sound = parts.scheme in ("http", "https") and parts.hostname and (parts.port or True)
    except ValueError:
        held, sound = None, None
    if held:  # whatever is said would show it
        raise InputError(
            f"{ADDRESS}: expected an address alone; it holds a user or a query, and a key belongs in {KEY}"
        )
    if not sound:
        raise InputError(f"{ADDRESS}: '{text}' is no address; expected http(s)://HOST[:PORT]/v1")
    return text.rstrip("/").removesuffix("/chat/completions")


def check_key() -> None:
    """Insist that the key, if there is one, can be sent.

    Raises
    ------
    InputError
        If it holds what no key has; it is not shown.
    """
    _key()


def _key() -> str:
    key = os.environ.get(KEY, "").strip()
    if not re.fullmatch(r"[!-~]*", key):
        raise InputError(f"{KEY}: holds spaces, line breaks or letters that no key has")
    return key


class Client:
    """Asks one model, from several threads; counts and limits its requests.

    Parameters
    ----------
    name : str
        Of the subject, for messages.
    base : str
        Address, see `address`.
    model : str
        As the address knows it.
    settings : VlmSettings
    sleep : callable
        Waits so many seconds.
    """

    def __init__(
        self,
        name: str,
        base: str,
        model: str,
        settings: VlmSettings,
        sleep: Callable[[float], Any] = time.sleep,
    ) -> None:
        self.name, self.base, self.model, self.settings = name, base, model, settings
        self.requests = 0
        self._sleep = sleep
        self._left_out: set[str] = set()
        self._renamed = False
        self._lock = threading.Lock()
        self._local = threading.local()
        self._pause_until = 0.0
        self._stopped = ""

    def ask(self, text: str, picture: str) -> Reply:
        """Ask about one picture, again where a try failed in passing.

        Parameters
        ----------
        text : str
            The question.
        picture : str
            As a ``data:`` address.

        Raises
        ------
        StoppedError
            If the address refuses, is none of this kind, answers for another model, fails time and again,
            or the limit of requests is reached.
        """
        pause, attempt = 1.0, 0
        while True:
            try:
                return self._once(text, picture)
            except _NotTaken:  # once a parameter, and no fault of the address
                continue
            except _Passing as error:
                reason, wait = str(error), error.wait
            attempt += 1
            if attempt == self.settings.attempts:
                break
            if wait is not None and wait > PATIENCE:
                self._stop(f"{reason}, and asks to be left alone for {wait / 60:.0f} min")
            with self._lock:  # all threads wait, not only this one
                until = time.monotonic() + (pause if wait is None else wait)
                self._pause_until = max(self._pause_until, until)
            pause = min(2 * pause, LONGEST_PAUSE)
        tries = f" in {self.settings.attempts} tries" if self.settings.attempts > 1 else ""
        self._stop(f"{reason}{tries}")

    def _stop(self, reason: str) -> NoReturn:
        """Let no thread begin another request, and raise the error, the same in all of them."""
        self.halt(reason)
        raise StoppedError(
            f"{self.name}: {self.base}: {self._stopped}; answers so far are kept, and the same command goes on"
        )

    def halt(self, reason: str) -> None:
        """Let no thread begin another request."""
        with self._lock:
            self._stopped = self._stopped or reason

    def _once(self, text: str, picture: str) -> Reply:
        while not self._stopped:
            with self._lock:
                wait = self._pause_until - time.monotonic()
            if wait <= 0:
                break
            self._sleep(min(wait, 1.0))
        with self._lock:
            most = self.settings.max_requests
            over = most is not None and self.requests >= most
            self.requests += not (over or self._stopped)
            left_out = tuple(sorted(self._left_out))
        if self._stopped or over:
            self._stop(f"the limit of {most:,} requests is reached" if over else "")
        content = [
            {"type": "image_url", "image_url": {"url": picture}},
            {"type": "text", "text": text},
        ]
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [{"role": "user", "content": content}],
            "max_tokens": self.settings.max_tokens,
            "temperature": self.settings.temperature,
        }
        sent = {
            name: value
            for name, value in body.items()
            if name not in left_out and value is not None
        }
        if self._renamed:
            sent[_LIMIT] = self.settings.max_tokens
        began = time.monotonic()
        status, headers, answer = self._post(sent)
        took = time.monotonic() - began
        if status == 200:
            return self._read(headers, answer, left_out, took)
        return self._refused(status, headers, answer, left_out, took)

    def _post(self, body: dict[str, Any]) -> tuple[int, Any, str]:
        """Status, headers and text, without the key; all within the time limit."""
        import requests
        from requests.auth import AuthBase

        key = _key()

        class Bearer(AuthBase):  # as authorisation, or one of ~/.netrc would take its place
            def __call__(self, request: Any) -> Any:
                if key:
                    request.headers["Authorization"] = f"Bearer {key}"
                return request

        session = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = requests.Session()
        limit = self.settings.timeout
        deadline = time.monotonic() + limit
        try:
            with session.post(
                f"{self.base}/chat/completions",
                json=body,
                auth=Bearer(),
                timeout=(min(limit, 30.0), limit),
                allow_redirects=False,
                stream=True,
            ) as answer:
                parts, size = [], 0
                for part in answer.iter_content(1 << 14):
                    parts.append(part)
                    size += len(part)
                    if size > LARGEST:
                        raise _Passing(f"answers more than {LARGEST >> 20} MB")
                    if time.monotonic() > deadline:
                        raise _Passing(f"gives no whole answer within {limit:g} s")
                text = b"".join(parts).decode("utf-8", "replace")
                if key:
                    text = text.replace(key, "[key]")
                return answer.status_code, answer.headers, text
        except requests.Timeout:
            raise _Passing(f"gives no answer within {limit:g} s") from None
        except requests.ConnectionError as error:
            # Its text has addresses and objects; its kind says enough.
            timed_out = "timed out" in str(error).lower()
            what = f"gives no whole answer within {limit:g} s" if timed_out else "cannot be reached"
            raise _Passing(what) from None
        except requests.exceptions.ChunkedEncodingError:
            raise _Passing("breaks off in the middle of its answers") from None
        except requests.RequestException as error:
            self._stop(f"cannot be asked ({type(error).__name__})")

    def _read(self, headers: Any, text: str, left_out: tuple[str, ...], took: float) -> Reply:
        try:
            answer = json.loads(text)
        except ValueError:
            kind = headers.get("Content-Type", "").partition(";")[0].strip()
            if "html" in kind or text.lstrip()[:1] == "<":
                self._stop(
                    f"answers a page ({kind or 'no JSON'}); expected an OpenAI-compatible address, which often "
                    "ends in /v1"
                )
            raise _Passing("breaks off in the middle of its answers") from None
        try:
            choice = answer["choices"][0]
            message = choice["message"]
            content = message.get("content")
            if isinstance(content, list):
                content = "".join(part.get("text") or "" for part in content)
            written = content or message.get("refusal") or ""
            model = str(answer.get("model") or "")
            usage = {
                name: int(value)
                for name, value in (answer.get("usage") or {}).items()
                if name in ("prompt_tokens", "completion_tokens") and value is not None
            }
            if not isinstance(written, str):
                raise TypeError
        except (LookupError, TypeError, AttributeError, ValueError):
            self._stop("answers no chat completion (choices[0].message.content is missing)")
        if model and not same_model(self.model, model):
            self._stop(
                f"answers as '{model[:80]}', not as '{self.model}'; name the one that answers"
            )
        return Reply(written, model, str(choice.get("finish_reason") or ""), usage, left_out, took)

    def _refused(
        self, status: int, headers: Any, text: str, left_out: tuple[str, ...], took: float
    ) -> Reply:
        said = _message(text)
        if status in _PASSING:
            if status == 429 and "insufficient_quota" in text:
                self._stop("says that the quota of this key is used up (HTTP 429)")
            what = "allows no more requests for now" if status == 429 else "is in trouble"
            raise _Passing(f"{what} (HTTP {status})", _retry_after(headers))
        if status in (401, 403):  # what it says may show a part of the key
            what = "refuses the key" if _key() else "wants a key"
            self._stop(f"{what} (HTTP {status}); expected one in {KEY}")
        if status in (400, 422):
            new = [name for name in _OPTIONAL if name in text and name not in left_out]
            if new:
                with self._lock:
                    self._left_out |= set(new)
                    self._renamed |= "max_tokens" in new and _LIMIT in text
                raise _NotTaken
            if any(word in text.lower() for word in _FILTERED):
                return Reply(said, "", "refused", {}, left_out, took)
        if 300 <= status < 400:
            self._stop(
                f"points elsewhere (HTTP {status}); expected the address itself in {ADDRESS}"
            )
        if status == 404:
            self._stop(
                f"knows no model '{self.model}', or is no such address (HTTP 404{_quoted(said)})"
            )
        self._stop(f"refuses the request (HTTP {status}{_quoted(said)})")


def same_model(asked: str, answered: str) -> bool:
    """Whether an answer is of the model that was asked: the same name, up to owner, date and version.

    >>> same_model("openai/gpt-4o", "gpt-4o-2024-08-06"), same_model("gpt-4o", "gpt-4o-mini")
    (True, False)
    """
    first, second = (re.split(r"[/\\]", name.strip().lower())[-1] for name in (asked, answered))
    short, long = sorted((first, second), key=len)
    rest = long.removeprefix(short) if long.startswith(short) else "other"
    return re.fullmatch(r"([-@:._]?(\d[\d.-]*|latest))?", rest) is not None


def _retry_after(headers: Any) -> float | None:
    """Seconds that a server asks to be left alone; None where it does not say."""
    value = str(headers.get("Retry-After", "")).strip()
    if re.fullmatch(r"\d+(\.\d+)?", value):
        return float(value)
    try:
        when = email.utils.parsedate_to_datetime(value).timestamp()
    except (ValueError, TypeError):
        return None
    return max(0.0, when - time.time())


def _message(text: str) -> str:
    """What an error's body says, in one line."""
    try:
        found = json.loads(text)
        error = found.get("error", found.get("message", ""))
        said = error.get("message", "") if isinstance(error, dict) else error
    except (ValueError, AttributeError):
        said = "" if text.lstrip()[:1] == "<" else text
    return " ".join(str(said).split())[:200]


def _quoted(said: str) -> str:
    return f": {said}" if said else ""
