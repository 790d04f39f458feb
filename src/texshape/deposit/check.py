"""Checking an unpacked archive by what it says of itself."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from texshape.deposit.crate import NAME
from texshape.errors import InputError
from texshape.files import file_sha256, read_json
from texshape.records import stored, verification
from texshape.records.verification import Finding


def is_archive(folder: str | Path) -> bool:
    """Whether a folder is an unpacked archive, and not a folder of results."""
    return (Path(folder) / NAME).is_file() and not (Path(folder) / stored.NAME).exists()


def verify(folder: str | Path) -> tuple[int, list[Finding]]:
    """Compare the files of an unpacked archive with its metadata, and its results with their record.

    Parameters
    ----------
    folder : path
        It holds ``ro-crate-metadata.json``.

    Returns
    -------
    int
        How many files the metadata names.
    list of Finding
        As those of `texshape.records.verification.verify`, by state and name.

    Raises
    ------
    InputError
        If the metadata or the record of the results cannot be read.
    """
    folder = Path(folder)
    named = _files(folder / NAME)
    findings = {}
    for name, (size, sha256) in named.items():
        path = folder / name
        if not path.is_file():
            findings[name] = Finding("missing", name, f"expected SHA-256 {sha256[:12]}")
        elif (found := file_sha256(path)) != sha256:
            why = f"expected SHA-256 {sha256[:12]}, found {found[:12]}"
            if os.stat(path).st_size != size:
                why += f"; expected {size} bytes, found {os.stat(path).st_size}"
            findings[name] = Finding("altered", name, why)
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name not in named and name != NAME:
            findings[name] = Finding("unrecorded", name, f"{NAME} does not name it")
    for name in named:
        if name.endswith(f"/{stored.NAME}") and (folder / name).is_file():
            for finding in verification.verify((folder / name).parent)[1]:
                findings.setdefault(finding.file, finding)
    return len(named), sorted(findings.values(), key=lambda finding: (finding.state, finding.file))


def _files(path: Path) -> dict[str, tuple[int, str]]:
    """Files that the metadata names: size in bytes and SHA-256."""
    document: Any = read_json(path)
    try:
        entities = [one for one in document["@graph"] if "File" in _kinds(one)]
        return {unquote(one["@id"]): (int(one["contentSize"]), one["sha256"]) for one in entities}
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path}: not the metadata of an archive by texshape deposit ({error!r})"
        ) from None


def _kinds(entity: dict[str, Any]) -> list[str]:
    kinds = entity["@type"]
    return kinds if isinstance(kinds, list) else [kinds]
