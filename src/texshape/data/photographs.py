"""Image files of any kind to RGB pixels of one size, and folders of them.

A file that cannot be used raises `Unusable`, whose message names it: the caller counts these, as
one broken image among a million should not end a run, nor pass unseen.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from texshape.errors import InputError

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")
FORMATS = ("png", "jpeg")


@dataclass(frozen=True)
class ImageSettings:
    """How image files are read and written.

    Attributes
    ----------
    resize, crop : int
        The shorter side is resized to `resize`, then a central square of `crop` is taken: 256 and
        224 in Stylized-ImageNet.
    format : str
        ``png``, without loss as in the authors' final code, or ``jpeg``.
    quality : int
        Of JPEG.
    min_side : int
        Images with a shorter side are unusable.
    max_megapixels : float
        Larger images are unusable.
    """

    resize: int = 256
    crop: int = 224
    format: str = "png"
    quality: int = 95
    min_side: int = 8
    max_megapixels: float = 100.0


class Unusable(InputError):
    """An image file that is broken, too small, too large, or of an unknown kind."""


@dataclass(frozen=True)
class Source:
    """One image file of a folder, or of a folder in an uncompressed tar.

    Attributes
    ----------
    path : Path
        Of the file, or of the tar.
    name : str
        Path below the folder, with ``/``.
    label : str
        Name of its class folder; empty where there are none.
    part : (int, int) or None
        Offset and size in bytes of the file in the tar.
    """

    path: Path
    name: str
    label: str = ""
    part: tuple[int, int] | None = None

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


def list_images(folder: str | Path) -> list[Source]:
    """All image files below a folder, sorted by name.

    Raises
    ------
    InputError
        If the folder is missing, cannot be read, or holds no image.
    """
    folder = Path(folder)
    found = [
        Source(path, path.relative_to(folder).as_posix())
        for path in _walk(folder)
        if path.suffix.lower() in SUFFIXES
    ]
    if not found:
        raise InputError(f"{folder}: holds no image (expected files {', '.join(SUFFIXES)})")
    return sorted(found, key=lambda source: source.name)


def list_classes(folder: str | Path) -> tuple[list[Source], list[str]]:
    """The images of a folder in `ImageFolder` layout: one folder a class.

    Returns
    -------
    sources : list of Source
        Sorted by class and name, as torchvision does.
    classes : list of str

    Raises
    ------
    InputError
        If there are no class folders, or one of them holds no image.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder")
    try:
        classes = sorted(p.name for p in folder.iterdir() if p.is_dir() and p.name[0] != ".")
    except OSError as error:
        raise InputError(f"{folder}: cannot be read ({error.strerror})") from None
    if not classes:
        raise InputError(f"{folder}: holds no class folders (expected FOLDER/CLASS/IMAGE)")
    sources = []
    for name in classes:
        try:
            inside = list_images(folder / name)
        except InputError as error:
            raise InputError(f"class '{name}': {error}") from None
        sources += [Source(part.path, f"{name}/{part.name}", name) for part in inside]
    return sources, classes


def _walk(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder")
    found, errors = [], []
    for place, folders, files in (
        folder.walk(on_error=errors.append) if hasattr(folder, "walk") else _os_walk(folder, errors)
    ):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [place / name for name in files if not name.startswith(".")]
    if errors:
        raise InputError(f"{errors[0].filename}: cannot be read ({errors[0].strerror})")
    return found


def _os_walk(folder: Path, errors: list[OSError]):
    import os  # Path.walk came with Python 3.12

    for place, folders, files in os.walk(folder, onerror=errors.append):
        yield Path(place), folders, files


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
    from PIL import Image

    image = to_rgb(source, _open(source, content, settings), settings)
    scale = settings.resize / min(image.size)
    size = [max(settings.resize, round(side * scale)) for side in image.size]
    if tuple(size) != image.size:
        image = image.resize(size, Image.Resampling.BILINEAR)
    left, top = ((side - settings.crop) // 2 for side in size)
    return np.asarray(image.crop((left, top, left + settings.crop, top + settings.crop)))


def _open(source: str | Path, content: bytes | None, settings: ImageSettings) -> Image:
    from PIL import Image, UnidentifiedImageError

    if content is None:
        try:
            content = Path(source).read_bytes()
        except OSError as error:
            raise Unusable(f"{source}: cannot be read ({error.strerror})") from None
    try:
        with warnings.catch_warnings():
            # Sizes are checked below, by the parameter; nothing is decoded before.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(content))
    except Image.DecompressionBombError:
        raise Unusable(
            f"{source}: over {settings.max_megapixels:g} megapixels (images.max_megapixels)"
        ) from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        reason = "unknown format" if isinstance(error, UnidentifiedImageError) else str(error)
        raise Unusable(f"{source}: not an image ({reason})") from None
    width, height = image.size
    if width * height > settings.max_megapixels * 1e6:
        raise Unusable(
            f"{source}: {width} x {height} px, over {settings.max_megapixels:g} megapixels "
            "(images.max_megapixels)"
        )
    if min(width, height) < settings.min_side:
        raise Unusable(
            f"{source}: {width} x {height} px, expected at least {settings.min_side} px a side "
            "(images.min_side)"
        )
    return image


def to_rgb(source: object, image: Image, settings: ImageSettings) -> Image:
    """Any kind of image to RGB: turned upright, 16 bits scaled to 8, transparency over white.

    Raises
    ------
    Unusable
        If decoding fails, or the pixels are floating point.
    """
    from PIL import Image as images
    from PIL import ImageOps

    try:
        if image.format == "JPEG" and image.mode in ("RGB", "L"):
            # The decoder itself can shrink by 2, 4 or 8: a photograph of a camera is many times
            # larger than what is needed.
            image.draft(image.mode, (2 * settings.resize, 2 * settings.resize))
        image.load()
        image = ImageOps.exif_transpose(image)
    except (OSError, SyntaxError, ValueError, EOFError, MemoryError) as error:
        raise Unusable(f"{source}: not a whole image ({error})") from None
    if image.mode.startswith("I"):  # 16 bits of grey, or 32 that hold 16
        values = np.asarray(image).astype(np.int64)
        image = images.fromarray((np.clip(values, 0, 65535) // 257).astype(np.uint8))
    elif image.mode == "F":
        raise Unusable(f"{source}: floating-point pixels, which have no fixed white")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        ground = images.new("RGBA", image.size, (255, 255, 255, 255))
        image = images.alpha_composite(ground, image)
    return image.convert("RGB")


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
