"""Records of finished steps, so that a survey that was cut off goes on where it stopped."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from texshape.files import write_json
from texshape.provenance import value_hash


def once(
    folder: Path, name: str, key: Any, outputs: Sequence[Path], action: Callable[[], None]
) -> bool:
    """Run a step unless it was run with the same key and its outputs are there.

    Parameters
    ----------
    folder : path
        Where ``.steps/NAME.json`` is kept.
    name : str
        Of the step.
    key : JSON value
        All that the outputs depend on.
    outputs : sequence of path
        Files that `action` writes.
    action : callable

    Returns
    -------
    bool
        Whether the step had to run.
    """
    record = folder / ".steps" / f"{name}.json"
    wanted = {"key": value_hash(key), "outputs": sorted(path.name for path in outputs)}
    if all(path.exists() for path in outputs) and _read(record) == wanted:
        return False
    record.unlink(missing_ok=True)
    action()
    write_json(record, wanted)
    return True


def _read(record: Path) -> Any:
    try:
        return json.loads(record.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
