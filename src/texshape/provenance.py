"""Where a result comes from: hashes of values, the commit, the versions of what computed it."""

from __future__ import annotations

import hashlib
import json
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

from texshape import __version__

# What the numbers depend on; the lock file names the rest.
VERSIONED = ("torch", "torchvision", "timm", "numpy", "scipy", "pandas", "scikit-learn",
             "scikit-image", "matplotlib", "snakemake", "dvc", "mlflow", "typst")  # fmt: skip


def value_hash(value: Any) -> str:
    """Sixteen hexadecimal digits that stand for any value that JSON can hold (others by their text)."""
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def git_commit(folder: str | Path = ".") -> dict[str, str | bool | None]:
    """Commit that is checked out, and whether tracked files differ from it; None outside git."""

    def git(*arguments: str) -> str | None:
        try:
            done = subprocess.run(
                ["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=20
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    changed = git("status", "--porcelain", "--untracked-files=no")
    return {"commit": git("rev-parse", "HEAD"), "dirty": None if changed is None else bool(changed)}


def versions() -> dict[str, str]:
    """Versions of Python and of the installed packages that the numbers depend on."""
    # Not what was noted when a clone was installed, which may have gone on since.
    found = {"python": platform.python_version(), "texshape": __version__}
    for name in VERSIONED:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
