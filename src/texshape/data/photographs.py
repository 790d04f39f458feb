"""Folders of image files, and their files as pixels of one size (`texshape.data.pictures` reads them).

A file that cannot be used raises `Unusable`, whose message names it: the caller counts these, as
one broken image among a million should not end a run, nor pass unseen. A file that is no image by
its suffix is named on stderr once, with all its like.
"""

from __future__ import annotations

import io
import os
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from texshape.config.images import ImageSettings
from texshape.data import pictures
from texshape.data.pictures import SUFFIXES
from texshape.errors import InputError

if TYPE_CHECKING:
    from PIL.Image import Image

# Folders in which systems keep previews and attributes of the files beside them; hidden ones too.
_LEFTOVERS = ("__MACOSX", "@eaDir")
_NAMED = 3  # files that are not read and named as examples


@dataclass(frozen=True)
class Source:
    """One image file of a folder, or of a folder in an uncompressed tar.

    Attributes
    ----------
    path : Path
        Of the file, or of the tar.
    name : str
        Path below the folder as it is recorded: with ``/``, letters composed (`written_name`).
    label : str
        Name of its class folder, composed too; empty where there are none.
    part : (int, int) or None
        Offset and size in bytes of the file in the tar.
    box : (int, int, int, int) or None
        Left, top, right and bottom pixel of the rectangle around its object, ends included, where
        somebody drew one; no outline.
    """

    path: Path
    name: str
    label: str = ""
    part: tuple[int, int] | None = None
    box: tuple[int, int, int, int] | None = None

    @property
    def place(self) -> str:
        """What messages call it."""
        return str(self.path) if self.part is None else f"{self.path}: {self.name}"

    def read_bytes(self) -> bytes:
        """Its content."""
        if self.part is None:
            return self.path.read_bytes()
        offset, size = self.part
        with open(self.path, "rb") as archive:
            archive.seek(offset)
            return archive.read(size)


def written_name(name: str) -> str:
    """A file's name as tables hold it: letters and marks composed, undecodable bytes as ``\\xe9``.

    macOS takes accents apart where Linux leaves them: the same folder copied to both gives the same
    names, so the same splits.
    """
    return unicodedata.normalize("NFC", os.fsencode(name).decode("utf-8", "backslashreplace"))


def find_images(folder: str | Path) -> tuple[list[Source], list[str]]:
    """All image files below a folder, sorted by name, and the names of the files that are none.

    Hidden files and what systems leave behind are neither.

    Raises
    ------
    InputError
        If the folder is missing or cannot be read, or one image is there under two suffixes.
    """
    folder = Path(folder)
    found, unread = [], []
    for path, is_read in _walk(folder):
        name = written_name(path.relative_to(folder).as_posix())
        if is_read and path.suffix.lower() in SUFFIXES:
            found.append(Source(path, name))
        else:
            unread.append(name)
    found.sort(key=lambda source: source.name)
    _check_stems(found)
    return found, sorted(unread)


def _check_stems(sources: Iterable[Source]) -> None:
    stems: dict[str, Source] = {}
    for source in sources:
        other = stems.setdefault(source.name.rpartition(".")[0], source)
        if other is not source:
            raise InputError(
                f"{source.place}: has the same name as {other.path.name}; expected each image once"
            )


def list_images(folder: str | Path) -> list[Source]:
    """All image files below a folder, sorted by name; others are named on stderr.

    Raises
    ------
    InputError
        As `find_images`, or if there is no image.
    """
    found, unread = find_images(folder)
    if not found:
        raise InputError(_no_image(folder, unread))
    say_unread(folder, unread)
    return found


def _no_image(folder: str | Path, unread: Sequence[str]) -> str:
    others = f", found {_examples(unread)}" if unread else ""
    return f"{folder}: holds no image (expected files {', '.join(SUFFIXES)}{others})"


def _examples(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}"


def say_unread(folder: str | Path, names: Sequence[str]) -> None:
    """Say in one line which files of a folder are not read."""
    if names:
        count = f"{len(names)} files are" if len(names) > 1 else "1 file is"
        print(
            f"texshape: warning: {folder}: {count} not read: {_examples(names)} "
            f"(images are {', '.join(SUFFIXES)})",
            file=sys.stderr,
        )


def list_classes(folder: str | Path) -> tuple[list[Source], list[str]]:
    """The images of a folder in `ImageFolder` layout: one folder a class.

    Files that are no images, or lie in no class folder, are named on stderr.

    Returns
    -------
    sources : list of Source
        Sorted by class and name, as torchvision does.
    classes : list of str

    Raises
    ------
    InputError
        If there are no class folders, two have one name, or one of them holds no image.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder")
    try:
        inside = [path for path in folder.iterdir() if not _is_leftover(path.name)]
    except OSError as error:
        raise InputError(f"{folder}: cannot be read ({error.strerror})") from None
    places: dict[str, Path] = {}
    for path in sorted(path for path in inside if path.is_dir()):
        name = written_name(path.name)
        if places.setdefault(name, path) is not path:
            raise InputError(
                f"{folder}: two class folders are named '{name}', their letters composed and taken "
                "apart; expected one"
            )
    if not places:
        raise InputError(f"{folder}: holds no class folders (expected FOLDER/CLASS/IMAGE)")
    sources: list[Source] = []
    unread = [written_name(path.name) for path in inside if not path.is_dir()]
    for name in sorted(places):
        found, others = find_images(places[name])
        if not found:
            raise InputError(f"class '{name}': {_no_image(places[name], others)}")
        sources += [Source(part.path, f"{name}/{part.name}", name) for part in found]
        unread += [f"{name}/{other}" for other in others]
    say_unread(folder, sorted(unread))
    return sources, sorted(places)


def _is_leftover(name: str) -> bool:
    return name.startswith(".") or name in _LEFTOVERS


def _walk(folder: Path) -> Iterable[tuple[Path, bool]]:
    """Files below a folder, and links to folders, which are not followed: so they are not read."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder")
    found: list[tuple[Path, bool]] = []
    errors: list[OSError] = []
    for inside, folders, files in os.walk(folder, onerror=errors.append):
        place = Path(inside)
        folders[:] = [name for name in folders if not _is_leftover(name)]
        found += [(place / name, False) for name in folders if (place / name).is_symlink()]
        found += [(place / name, True) for name in files if not _is_leftover(name)]
    if errors:
        raise InputError(f"{errors[0].filename}: cannot be read ({errors[0].strerror})")
    return found


def read_square(
    source: str | Path, settings: ImageSettings, *, content: bytes | None = None
) -> np.ndarray:
    """Read an image, resize its shorter side, and take the central square.

    Parameters
    ----------
    source : str or Path
        Named in errors; read where `content` is None.
    settings : ImageSettings
    content : bytes, optional
        The file's bytes.

    Returns
    -------
    ndarray of shape (crop, crop, 3), uint8

    Raises
    ------
    Unusable
        If the file is no whole image, has fewer or more pixels than may be, or a kind of pixel that
        has no meaning as a picture.
    """
    return square(read_picture(source, settings, content=content), settings)


def read_picture(
    source: str | Path, settings: ImageSettings, *, content: bytes | None = None
) -> Image:
    """Read an image that `square` or `squeezed` then makes small; parameters and errors as of `read_square`."""
    return pictures.read(
        source,
        content,
        min_side=settings.min_side,
        max_megapixels=settings.max_megapixels,
        shrink=settings.resize,
    )


def square(image: Image, settings: ImageSettings) -> np.ndarray:
    """The central square, after the shorter side was resized: (crop, crop, 3), uint8."""
    from PIL import Image

    scale = settings.resize / min(image.size)
    size = [max(settings.resize, round(side * scale)) for side in image.size]
    if tuple(size) != image.size:
        image = image.resize(size, Image.Resampling.BILINEAR)
    left, top = ((side - settings.crop) // 2 for side in size)
    return np.asarray(image.crop((left, top, left + settings.crop, top + settings.crop)))


def squeezed(image: Image, side: int) -> np.ndarray:
    """The whole image, squeezed into a square: (side, side, 3), uint8."""
    from PIL import Image

    return np.asarray(image.resize((side, side), Image.Resampling.BILINEAR))


def encode(pixels: np.ndarray, settings: ImageSettings) -> bytes:
    """Pixels (H, W, 3) to a PNG or JPEG file."""
    from PIL import Image

    buffer = io.BytesIO()
    image = Image.fromarray(pixels)
    if settings.format == "jpeg":
        image.save(buffer, "JPEG", quality=settings.quality)
    else:
        image.save(buffer, "PNG", compress_level=6)
    return buffer.getvalue()


def check_count(unusable: Sequence[str], tolerated: int, total: int, where: object) -> None:
    """Fail if more images were unusable than a parameter says.

    Raises
    ------
    InputError
        Naming the first of them.
    """
    if len(unusable) > tolerated:
        more = f" (and {len(unusable) - 1} more)" if len(unusable) > 1 else ""
        raise InputError(
            f"{where}: {len(unusable)} of {total} images are unusable, tolerated are {tolerated}: "
            f"{unusable[0]}{more}"
        )
