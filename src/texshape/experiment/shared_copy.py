"""A second folder of a project in which other parameters can be tried, and none of its files changes.

The files of an experiment are shared by hard links: a step makes a new file and gives it the name of the old
one (`texshape.files`), and Snakemake removes what a job is to make anew, so that what the first folder has
stays. What is written in place, Snakemake's own records, is copied; logs are left behind.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from texshape.core import snakemake_private
from texshape.errors import InputError

#: beginning of its name, in the folder of the project: hard links need the same disk
PREFIX = ".levels-"
_RESULTS = "results"
# What no step reads, or writes in place.
_APART = {
    _RESULTS, snakemake_private.FOLDER, "logs", ".git", ".dvc", "mlflow.db", "mlruns", "mlartifacts"
}  # fmt: skip


@contextmanager
def shared_copy(results: Path, without: str) -> Iterator[Path]:
    """Make a copy of the project that a folder of results lies in, and remove it at the end.

    Parameters
    ----------
    results : Path
        ``results/NAME`` of a project.
    without : str
        A file of that folder that the copy does not have.

    Yields
    ------
    Path
        The other folder, which has ``results/NAME`` too.

    Raises
    ------
    InputError
        If that is no such folder, lies in a storage, or a run goes on in the project.
    """
    results = Path(os.path.abspath(results))
    project = results.parent.parent
    if (
        not results.is_dir()
        or results.parent.name != _RESULTS
        or not (project / "Snakefile").is_file()
    ):
        raise InputError(
            f"{results}: expected the folder results/NAME of an experiment beside its Snakefile"
        )
    if results.is_symlink():
        raise InputError(f"{results}: lies in a storage; expected a folder of this disk")
    if snakemake_private.is_locked(project):
        raise InputError(
            f"{project}: locked, since a run goes on there, or was killed (then: snakemake --unlock)"
        )
    try:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=project))
    except OSError as error:
        raise InputError(f"{project}: cannot be written ({error.strerror})") from None
    try:
        try:
            _fill(folder, project, results)
        except OSError as error:
            raise InputError(f"{error.filename}: cannot be shared ({error.strerror})") from None
        (folder / _RESULTS / results.name / without).unlink(missing_ok=True)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _fill(folder: Path, project: Path, results: Path) -> None:
    for entry in project.iterdir():
        if entry.name not in _APART and not entry.name.startswith(PREFIX):
            _share(entry, folder / entry.name)
    (folder / _RESULTS).mkdir()
    for entry in results.parent.iterdir():
        if entry != results:
            _share(entry, folder / _RESULTS / entry.name)
    _share_tree(results, folder / _RESULTS / results.name)
    snakemake_private.copy_records(project, folder)


def _share(source: Path, target: Path) -> None:
    """A file by a hard link, or by a copy where the disk has none; a folder by a symbolic one."""
    if source.is_dir():
        target.symlink_to(source.resolve(), target_is_directory=True)
    elif source.is_symlink():
        target.symlink_to(source.resolve())
        shutil.copystat(
            source, target, follow_symlinks=False
        )  # Snakemake asks when a link was made
    else:
        try:
            os.link(source, target)
        except OSError:
            shutil.copy2(source, target)


def _share_tree(source: Path, target: Path) -> None:
    for folder, folders, files in os.walk(source):
        place = target / Path(folder).relative_to(source)
        place.mkdir()
        led_to = [name for name in folders if Path(folder, name).is_symlink()]  # not walked
        for name in (*files, *led_to):
            _share(Path(folder, name), place / name)
