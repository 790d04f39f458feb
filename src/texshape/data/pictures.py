"""The one reader of picture files: RGB as a viewer shows it, or an error that names the kind of file.

| file | read as |
|---|---|
| orientation in its metadata | turned upright; metadata that cannot be read are passed over |
| grey of 1 to 16 bits, RGB of 16 | scaled so that white is 255 |
| transparency (a channel, a palette's, one colour's) | over white |
| palette, CMYK, YCbCr | RGB |
| colour profile (ICC) | brought to sRGB; a profile that is sRGB, or broken, changes nothing |
| gamma of a PNG (gAMA) without a profile | brought to 1/2.2, as the standard of PNG asks |
| several pictures of a telephone (MPO), small previews (TIFF) | the main one |
| animation, several pages | `Unusable` |
| floating point, 32 bits, signed, Lab | `Unusable`: no fixed white |

Kinds are told by content: a file whose name says otherwise is read as what it is.
"""

from __future__ import annotations

import io
import warnings
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from texshape.errors import InputError

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = (".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
# Pillow's other readers are never asked: that of PostScript starts another program.
_FORMATS = ("JPEG", "PNG", "BMP", "PPM", "TIFF", "WEBP")
MAX_MEGAPIXELS = 100.0

_ORIENTATION = 0x0112  # EXIF and TIFF
_REDUCED_PAGE, _BITS, _PHOTOMETRIC, _SAMPLE_FORMAT = 254, 258, 262, 339  # tags of TIFF
_WHITE_IS_ZERO, _SIGNED = 0, 2
# Grey of few bits: what Pillow multiplies each value by, but not the value of the transparent colour.
_FEW_BITS = {"L;2": 85, "L;4": 17}
_GAMMA = 1 / 2.2  # of a screen; the PNG standard (section 13.13) lets 5 % pass
_SAME_COLOUR = 3  # levels by which two versions of the sRGB profile differ at most


class Unusable(InputError):
    """An image file that is broken, too small, too large, or of a kind that is no one picture."""


class TooLarge(Unusable):
    """An image file of more pixels than may be; nothing of it was decoded."""


def read(
    source: object,
    content: bytes | None = None,
    *,
    min_side: int = 1,
    max_megapixels: float = MAX_MEGAPIXELS,
    shrink: int | None = None,
) -> Image:
    """Read a picture: `opened`, then `to_rgb`."""
    image = opened(source, content, min_side=min_side, max_megapixels=max_megapixels)
    return to_rgb(source, image, shrink=shrink)


def opened(
    source: object,
    content: bytes | None = None,
    *,
    min_side: int = 1,
    max_megapixels: float = MAX_MEGAPIXELS,
) -> Image:
    """Open a picture, of which nothing is decoded yet, and check how many it holds and its size.

    Parameters
    ----------
    source : object
        Named in errors; the path of the file where `content` is None.
    content : bytes, optional
        The file's bytes.
    min_side : int
        Of the shorter side in px.
    max_megapixels : float

    Raises
    ------
    Unusable
        If the file cannot be read, is no picture of a known kind, holds several, or has fewer or
        more pixels than may be.
    """
    from PIL import Image

    if content is None:
        try:
            content = Path(str(source)).read_bytes()
        except OSError as error:
            raise Unusable(f"{source}: cannot be read ({error.strerror})") from None
    try:
        with warnings.catch_warnings():
            # Sizes are checked below, by the parameter; odd metadata are nobody's loss.
            warnings.simplefilter("ignore")
            image = Image.open(io.BytesIO(content), formats=_FORMATS)
            _choose_page(source, image)
    except Image.DecompressionBombError:
        raise TooLarge(
            f"{source}: over {max_megapixels:g} megapixels (images.max_megapixels)"
        ) from None
    except Image.UnidentifiedImageError:
        raise Unusable(
            f"{source}: not an image (unknown format, or a kind of pixel that is not read)"
        ) from None
    except Unusable:
        raise
    except Exception as error:  # of a stranger's bytes: Pillow's readers raise whatever they like
        raise Unusable(f"{source}: not an image ({_described(error)})") from None
    width, height = image.size
    if width * height > max_megapixels * 1e6:
        raise TooLarge(
            f"{source}: {width} x {height} px, over {max_megapixels:g} megapixels "
            "(images.max_megapixels)"
        )
    if min(width, height) < min_side:
        raise Unusable(
            f"{source}: {width} x {height} px, expected at least {min_side} px a side "
            "(images.min_side)"
        )
    return image


def to_rgb(source: object, image: Image, *, shrink: int | None = None) -> Image:
    """Decode an opened picture.

    Parameters
    ----------
    source : object
        Named in errors.
    image : Image
        Of `opened`.
    shrink : int, optional
        A side in px, for a picture that is resized to that afterwards: a JPEG decoder may then leave
        out pixels as long as twice so many stay.

    Returns
    -------
    Image
        RGB, upright.

    Raises
    ------
    Unusable
        If decoding fails, or the pixels have no meaning as a picture.
    """
    from PIL import Image as images

    # Pillow forgets these when it decodes or turns the picture.
    raw_mode = _raw_mode(image)
    profile = image.info.get("icc_profile")
    gamma = None if "srgb" in image.info else image.info.get("gamma")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if shrink is not None and image.format == "JPEG" and image.mode in ("RGB", "L"):
                # The decoder itself can shrink by 2, 4 or 8: a photograph of a camera is many times
                # larger than what is needed.
                image.draft(image.mode, (2 * shrink, 2 * shrink))
            image.load()
            image = _upright(image)
            colours, alpha = _colours(source, image, raw_mode)
            if profile:
                colours = _in_srgb(colours, profile)
            elif gamma and image.format == "PNG" and abs(gamma / _GAMMA - 1) > 0.05:
                levels = np.linspace(0, 1, 256) ** (_GAMMA / gamma)
                table = np.rint(255 * levels).astype(int).tolist()
                colours = colours.point(table * len(colours.getbands()))
            rgb = colours.convert("RGB")
            if alpha is None:
                return rgb
            rgb.putalpha(alpha)
            ground = images.new("RGBA", rgb.size, (255, 255, 255, 255))
            return images.alpha_composite(ground, rgb).convert("RGB")
    except Unusable:
        raise
    except Exception as error:  # as in `opened`
        raise Unusable(f"{source}: not a whole image ({_described(error)})") from None


def _described(error: Exception) -> str:
    """What Pillow says; with its kind where that is nothing a reader of images means to say."""
    text = " ".join(str(error).split())
    if isinstance(error, (OSError, SyntaxError, ValueError, EOFError)) and text:
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _choose_page(source: object, image: Any) -> None:
    """Stay at the one picture of a file."""
    count = getattr(image, "n_frames", 1)
    if count == 1 or image.format == "MPO":  # a JPEG, and behind it a preview, depth, the other eye
        return
    if image.format != "TIFF":
        raise Unusable(f"{source}: an animation of {count} pictures, expected one")
    whole = []
    for page in range(count):
        image.seek(page)
        if not image.tag_v2.get(_REDUCED_PAGE, 0) & 1:
            whole.append(page)
    if len(whole) != 1:
        raise Unusable(f"{source}: a TIFF of {len(whole)} pages, expected one picture")
    image.seek(whole[0])


def _raw_mode(image: Any) -> str:
    """How the file stores its pixels, in Pillow's words: ``L;2``, ``RGB;16B``."""
    arguments = image.tile[0][3] if getattr(image, "tile", None) else ""
    return str(arguments[0] if isinstance(arguments, tuple) and arguments else arguments)


def _upright(image: Image) -> Image:
    """Turn a picture as its orientation says; other metadata are left as they are.

    `PIL.ImageOps.exif_transpose` writes all of them anew, and fails where one cannot be written.
    """
    from PIL.Image import Transpose

    turns = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    try:
        turn = turns.get(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # metadata that nobody can read turn nothing in a viewer either
        return image
    return image if turn is None else image.transpose(turn)


def _colours(source: object, image: Any, raw_mode: str) -> tuple[Image, Image | None]:
    """Colours as L, RGB or CMYK of 8 bits, and opacity as L where a picture has any."""
    from PIL import Image

    mode, clear = image.mode, image.info.get("transparency")
    tags = image.tag_v2 if image.format == "TIFF" else {}
    if mode == "F":
        raise Unusable(f"{source}: floating-point pixels, which have no fixed white")
    if _SIGNED in _several(tags.get(_SAMPLE_FORMAT)) or (mode == "I" and tags):
        raise Unusable(f"{source}: pixels of signed or 32-bit numbers, which have no fixed white")
    if mode.startswith("I"):  # grey of 12 or 16 bits
        values = np.asarray(image).astype(np.int64)
        white = 4095 if 12 in _several(tags.get(_BITS)) else 65535
        seen = white - values if tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO else values
        grey = (np.clip(seen, 0, white) * 255 + white // 2) // white
        alpha = None if clear is None else Image.fromarray(np.uint8(255) * (values != clear))
        return Image.fromarray(grey.astype(np.uint8)), alpha
    if mode == "L" and isinstance(clear, int):
        key = clear * _FEW_BITS.get(raw_mode, 1)
        return image, Image.fromarray(np.uint8(255) * (np.asarray(image) != key))
    if mode == "RGB" and clear is not None and ";16" in raw_mode:
        raise Unusable(
            f"{source}: RGB of 16 bits with one transparent colour, of which Pillow keeps 8 bits"
        )
    if mode in ("La", "RGBa"):  # colours times opacity
        image = image.convert(mode.upper())
    if clear is not None or image.mode in ("LA", "PA", "RGBA"):
        image = image.convert("RGBA")
        return image.convert("RGB"), image.getchannel("A")
    if mode in ("L", "RGB", "CMYK"):
        return image, None
    if mode == "1":
        return image.convert("L"), None
    if mode in ("P", "RGBX", "YCbCr"):
        return image.convert("RGB"), None
    raise Unusable(f"{source}: pixels of the kind {mode}, expected grey, RGB, CMYK or a palette")


def _several(value: Any) -> tuple:
    """The values of a tag of TIFF."""
    return () if value is None else value if isinstance(value, tuple) else (value,)


def _in_srgb(image: Image, profile: bytes) -> Image:
    """Colours as a viewer shows them, which follows the profile of a file."""
    from PIL import ImageCms

    transform = _to_srgb(profile, image.mode)
    return image if transform is None else ImageCms.applyTransform(image, transform)


@lru_cache(maxsize=16)
def _to_srgb(profile: bytes, mode: str) -> Any:
    """The way from a profile to sRGB; None where it is no way, or leads nowhere else."""
    from PIL import Image, ImageCms

    space = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK"}[mode]
    try:
        given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if given.profile.xcolor_space.strip() != space:
            return None
        transform = ImageCms.buildTransform(given, ImageCms.createProfile("sRGB"), mode, "RGB")
        if mode == "CMYK":
            return transform
        steps = np.arange(0, 256, 15, dtype=np.uint8)
        grid = np.stack(np.meshgrid(steps, steps, steps), -1).reshape(len(steps), -1, 3)
        probe = Image.fromarray(grid if mode == "RGB" else grid[..., 0])
        there = np.asarray(ImageCms.applyTransform(probe, transform)).astype(int)
        moved = np.abs(there - np.asarray(probe.convert("RGB"))).max()
    except Exception:  # a viewer passes over a broken profile
        return None
    return transform if moved > _SAME_COLOUR else None
