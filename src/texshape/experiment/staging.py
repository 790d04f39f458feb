"""Results that lie in a storage: commands name them as ever, and find the copies that Snakemake stages."""

from __future__ import annotations

import os
from pathlib import Path

from texshape.errors import InputError


def link(results: str | Path, copies: str | Path | None) -> None:
    """Make the folder of results a link to that of the staged copies, where these lie elsewhere.

    Each process does it that reads the Snakefile, jobs on other machines too.

    Parameters
    ----------
    results : path
        Folder of the experiment, relative to the working folder.
    copies : path, optional
        Where Snakemake puts the local copies of what lies in it; None where nothing is staged.

    Raises
    ------
    InputError
        Where a folder of results that were made without the storage is in the way, or a link to another one.
    """
    results = Path(results)
    if copies is None:
        if results.is_symlink():
            raise InputError(
                f"{results}: leads to the copies of a storage ({os.readlink(results)}), which this run "
                "does not use: name the same --default-storage-provider and prefix, or remove the link"
            )
        return
    copies = Path(copies)
    copies.mkdir(parents=True, exist_ok=True)
    results.parent.mkdir(parents=True, exist_ok=True)
    target = os.path.relpath(copies, results.parent) if not copies.is_absolute() else str(copies)
    try:
        results.symlink_to(target, target_is_directory=True)
    except FileExistsError:
        if not results.is_symlink():
            raise InputError(
                f"{results}: holds results that are in no storage; move the folder away, or leave out "
                "--default-storage-provider"
            ) from None
        if os.readlink(results) != target:
            raise InputError(
                f"{results}: leads to the copies of another storage ({os.readlink(results)}); remove the link"
            ) from None
