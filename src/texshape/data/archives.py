"""Data sets of class folders by name, downloaded as one archive.

An archive that a host makes can differ in its compressed bytes from day to day, so what it holds is
verified: names and contents of all its images, by one check sum.
"""

from __future__ import annotations

import gzip
import hashlib
import shutil
import tarfile
import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from texshape.data.download import fetch
from texshape.data.photographs import Source
from texshape.errors import InputError
from texshape.files import atomic_path

_LIST = Path(__file__).parent / "sources" / "archives.yaml"


@dataclass(frozen=True)
class Archive:
    """Class folders in an archive, where it comes from and on which terms.

    Attributes
    ----------
    train, test : str
        Folders of class folders in the archive.
    files : int
        Number of images.
    sha256 : str
        Over the sorted lines ``SHA256 NAME`` of all images.
    """

    what: str
    repository: str
    commit: str
    train: str
    test: str
    files: int
    sha256: str
    licence: str
    citation: str


@lru_cache
def archives() -> dict[str, Archive]:
    """All archives by name."""
    import yaml

    entries = yaml.safe_load(_LIST.read_text(encoding="utf-8"))
    return {name: Archive(**entry) for name, entry in entries.items()}


def sources(name: str, cache: str | Path) -> tuple[list[Source], list[Source]]:
    """The images of a data set, brought into the cache as one uncompressed tar if it is not there.

    Returns
    -------
    train, test : list of Source
        Sorted by class and name.

    Raises
    ------
    InputError
        If the archive cannot be had, or does not hold what it should.
    """
    archive = archives()[name]
    packed = Path(cache, archive.repository, f"{archive.commit}.tar.gz")
    unpacked = packed.with_suffix("")
    if not unpacked.is_file():
        url = f"https://github.com/{archive.repository}/archive/{archive.commit}.tar.gz"
        fetch(url, None, packed)
        with atomic_path(unpacked) as temporary:
            try:
                with gzip.open(packed) as source, open(temporary, "wb") as target:
                    shutil.copyfileobj(source, target, 1 << 20)
            except (OSError, EOFError, zlib.error) as error:
                if getattr(error, "errno", None) is not None:
                    raise
                raise InputError(f"{packed}: not a whole archive ({error})") from None
            _verify(temporary, archive, name, packed)
    found = {
        part: members(unpacked, inside)
        for part, inside in (("train", archive.train), ("test", archive.test))
    }
    return found["train"], found["test"]


def members(path: Path, folder: str) -> list[Source]:
    """Image files in the class folders of a folder of a tar, whose top folder has any name; by class and name.

    Raises
    ------
    InputError
        If it is no whole tar.
    """
    found = []
    try:
        with tarfile.open(path, "r:") as members:
            for member in members:
                top, _, inside = member.name.partition("/")[2].partition("/")
                if member.isfile() and top == folder and "/" in inside:
                    label = inside.partition("/")[0]
                    part = (member.offset_data, member.size)
                    found.append(Source(path, inside, label, part))
    except (tarfile.TarError, OSError, EOFError) as error:
        raise InputError(f"{path}: not a whole archive ({error})") from None
    return sorted(found, key=lambda source: (source.label, source.name))


def _verify(path: Path, archive: Archive, name: str, packed: Path) -> None:
    lines = [
        f"{hashlib.sha256(source.read_bytes()).hexdigest()} {folder}/{source.name}\n"
        for folder in (archive.train, archive.test)
        for source in members(path, folder)
    ]
    digest = hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()
    if (len(lines), digest) != (archive.files, archive.sha256):
        raise InputError(
            f"{packed}: data set '{name}' has {len(lines)} images of check sum {digest}, expected "
            f"{archive.files} of {archive.sha256}"
        )
