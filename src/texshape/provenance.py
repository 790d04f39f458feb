"""Where a result comes from: hashes of code and files, the commit, the versions of what computed it."""

from __future__ import annotations

import ast
import hashlib
import json
import platform
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parent

# What the numbers depend on; the lock file names the rest.
VERSIONED = ("texshape", "torch", "torchvision", "timm", "numpy", "scipy", "pandas", "scikit-learn",
             "scikit-image", "matplotlib", "snakemake", "dvc", "mlflow", "typst")  # fmt: skip


@cache
def source_hash(*places: str) -> str:
    """Hash what the code in some places of the package does.

    A rule that carries this hash as a parameter reruns when its code changes, and not when a comment,
    a docstring or the formatting does: the hash is of the syntax tree.

    Parameters
    ----------
    *places : str
        Files or folders relative to the package, such as ``"training"`` or ``"models/small.py"``.

    Returns
    -------
    str
        Twelve hexadecimal digits.
    """
    digest = hashlib.sha256()
    for place in places:
        path = PACKAGE / place
        files = sorted(path.rglob("*.py")) if path.is_dir() else [path] if path.exists() else []
        for file in files:
            digest.update(f"{file.relative_to(PACKAGE)}\n{_syntax_hash(file)}\n".encode())
        if path.is_dir():  # tables that the code reads
            for file in sorted(path.rglob("*.csv")) + sorted(path.rglob("*.mplstyle")):
                digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


@cache  # most files belong to several rules, and every start of Snakemake waits for this
def _syntax_hash(file: Path) -> str:
    parts: list[str] = []
    _flatten(ast.parse(file.read_text(encoding="utf-8")), parts)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _flatten(node: ast.AST, parts: list[str]) -> None:
    """What `ast.dump` tells but for docstrings, a few times as fast."""
    documented = isinstance(
        node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    )
    parts.append(type(node).__name__)
    for name in node._fields:
        value = getattr(node, name, None)
        if isinstance(value, ast.AST):
            _flatten(value, parts)
        elif isinstance(value, list):
            if documented and name == "body" and _is_docstring(value[:1]):
                value = value[1:]
            parts.append("[")
            for item in value:
                if isinstance(item, ast.AST):
                    _flatten(item, parts)
                else:
                    parts.append(repr(item))
            parts.append("]")
        else:
            parts.append(repr(value))


def _is_docstring(first: list[ast.stmt]) -> bool:
    return (
        bool(first)
        and isinstance(first[0], ast.Expr)
        and isinstance(first[0].value, ast.Constant)
        and isinstance(first[0].value.value, str)
    )


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
    found = {"python": platform.python_version()}
    for name in VERSIONED:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
