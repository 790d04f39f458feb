"""Records of finished steps, so that a survey that was cut off goes on where it stopped."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from texshape.files import file_sha256, write_json
from texshape.notices import Notice, listening, say
from texshape.provenance import value_hash


def once(
    folder: Path, name: str, key: Any, outputs: Sequence[Path], action: Callable[[], None]
) -> bool:
    """Run a step unless it was run with the same key and left the files that are there.

    Parameters
    ----------
    folder : path
        Where ``.steps/NAME.json`` is kept.
    name : str
        Of the step.
    key : JSON value
        All that the outputs depend on; None where that cannot be known, and the step runs each time.
    outputs : sequence of path
        Files that `action` writes.
    action : callable

    Returns
    -------
    bool
        Whether the step had to run. If not, what was said when it ran is said again.
    """
    record = folder / ".steps" / f"{name}.json"
    wanted = None if key is None else value_hash(key)
    kept = _read(record)
    if not isinstance(kept, dict):
        kept = {}
    found = (kept.get("key"), kept.get("outputs"))
    if wanted is not None and found == (wanted, _hashes(folder, outputs)):
        for notice in kept.get("notices", ()):
            say(Notice(*notice))
        return False
    forget(folder, name)
    for path in outputs:  # what the step did not leave behind cannot be taken for its output
        path.unlink(missing_ok=True)
    with listening() as heard:
        action()
    write_json(record, {"key": wanted, "outputs": _hashes(folder, outputs), "notices": heard})
    return True


def forget(folder: Path, name: str) -> None:
    """Remove the record of a step, and the files that it left: they belong to something else by now."""
    record = folder / ".steps" / f"{name}.json"
    kept = _read(record)
    if isinstance(kept, dict) and isinstance(kept.get("outputs"), dict):
        for path in kept["outputs"]:
            (folder / path).unlink(missing_ok=True)
    record.unlink(missing_ok=True)


def _hashes(folder: Path, outputs: Sequence[Path]) -> dict[str, str | None]:
    """Check sums: a file that was changed since, or cut off, is no output of the step."""
    return {
        path.relative_to(folder).as_posix(): file_sha256(path) if path.is_file() else None
        for path in sorted(outputs)
    }


def _read(record: Path) -> Any:
    try:
        return json.loads(record.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
