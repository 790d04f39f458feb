"""Raw answers of one subject, a line of JSON each: what a run that goes on need not ask again."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from texshape.errors import InputError
from texshape.files import naming

FILE = "answers.jsonl"


class Answers:
    """A file to which answers are added one by one, each whole or not at all.

    Parameters
    ----------
    path : path
        Made with the first answer. A last line that a kill has cut off is taken away.

    Raises
    ------
    InputError
        If a line is no answer, or the file cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._by_key: dict[str, dict[str, Any]] = {}
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror})") from None
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):
            with naming(path), open(path, "r+b") as file:
                file.truncate(len(whole))
        for number, line in enumerate(whole.splitlines(), start=1):
            try:
                record = json.loads(line)
                self._by_key[record["key"]] = record
            except (ValueError, KeyError, TypeError):
                raise InputError(
                    f"{path}: line {number} is no answer; expected a JSON object with a key; delete the line "
                    "to ask again"
                ) from None

    def get(self, key: str) -> dict[str, Any] | None:
        """The answer to a question that was asked before."""
        return self._by_key.get(key)

    def add(self, record: dict[str, Any]) -> None:
        """Keep an answer: one write, on the disk before the next question."""
        line = json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n"
        with naming(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            place = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            try:
                os.write(place, line.encode("utf-8", "replace"))
                os.fsync(place)
            finally:
                os.close(place)
        self._by_key[record["key"]] = record

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self._by_key.values())

    def __len__(self) -> int:
        return len(self._by_key)
