"""Pictures of every kind, as a viewer shows them: files written here, pixels worked out by hand."""

from __future__ import annotations

import io
import os
import struct
import unicodedata
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from texshape.config.data import PhotographSettings
from texshape.config.stylize import StyleSettings
from texshape.data import archives, folder, pictures, published
from texshape.data.photographs import ImageSettings, list_classes, list_images, read_square
from texshape.data.pictures import Unusable
from texshape.errors import InputError
from texshape.stylize.styles import from_folder as styles_from_folder
from texshape.survey import stimuli

WHITE = (255, 255, 255)


def pixels(content: bytes | Image.Image, **options) -> list:
    """What the reader makes of a file: rows of RGB."""
    if isinstance(content, Image.Image):
        buffer = io.BytesIO()
        content.save(buffer, **options)
        content = buffer.getvalue()
    return np.asarray(pictures.read("here", content)).tolist()


def grey(*values: int) -> list:
    return [[[value] * 3 for value in values]]


def png(width: int, depth: int, kind: int, row: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG of one row; `kind` 0 is grey, 2 RGB, 3 palette, 4 grey with opacity."""

    def chunk(name: bytes, content: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(name + content))
        return struct.pack(">I", len(content)) + name + content + check

    head = struct.pack(">IIBBBBB", width, 1, depth, kind, 0, 0, 0)
    parts = [(b"IHDR", head), *chunks, (b"IDAT", zlib.compress(b"\0" + row)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def tiff(
    width: int,
    tags: dict[int, int],
    data: bytes,
    order: str = "<",
    *,
    begin: int = 8,
    more: int = 0,
) -> bytes:
    """A TIFF of one row of grey; every tag is one short number. A page begins at 8, the next at `more`."""
    entries = {256: width, 257: 1, 259: 1, 262: 1, 273: 0, 277: 1, 278: 1, 279: len(data)} | tags
    start = begin + 2 + 12 * len(entries) + 4
    entries[273] = start
    body = struct.pack(f"{order}H", len(entries)) + b"".join(
        struct.pack(f"{order}HHIHH", tag, 3, 1, value, 0) for tag, value in sorted(entries.items())
    )
    page = body + struct.pack(f"{order}I", more) + data
    mark = b"II" if order == "<" else b"MM"
    return mark + struct.pack(f"{order}HI", 42, 8) + page if begin == 8 else page


# --- depth -------------------------------------------------------------------------------------------


def test_sixteen_bits_are_scaled_to_eight():
    # 257 a level: 25829 = 100.5 levels, 25828 a little less.
    values = (0, 257, 25828, 25829, 65534, 65535)
    seen = grey(0, 1, 100, 101, 255, 255)
    deep = np.array([values], np.uint16)
    assert pixels(Image.fromarray(deep), format="PNG") == seen
    assert pixels(Image.fromarray(deep), format="TIFF") == seen
    big = deep.astype(">u2").tobytes()
    assert pixels(tiff(6, {258: 16}, big, ">")) == seen
    assert pixels(b"P5 6 1 65535\n" + big) == seen
    # RGB of 16 bits: Pillow keeps the upper byte.
    rgb = struct.pack(">6H", 0x1234, 0x80FF, 0xFFFF, 0, 0x0100, 0xFE00)
    assert pixels(png(2, 16, 2, rgb)) == [[[0x12, 0x80, 0xFF], [0, 1, 0xFE]]]
    # Grey with opacity: 0x40 at 0x80 of 255 over white, (64 * 128 + 255 * 127) / 255 = 159.
    [[pixel]] = pixels(png(1, 16, 4, struct.pack(">2H", 0x4000, 0x8000)))
    assert pixel == pytest.approx([159] * 3, abs=1)


def test_white_is_what_the_file_says():
    # 12 bits, two pixels in three bytes: 4095 is white, 0x800 = 2048 the middle (127.53).
    assert pixels(tiff(2, {258: 12}, bytes([0xFF, 0xF8, 0x00]))) == grey(255, 128)
    # White is zero: 65535 - 257 is 254 levels of 255.
    deep = np.array([0, 257, 65535], np.uint16).tobytes()
    assert pixels(tiff(3, {258: 16, 262: 0}, deep)) == grey(255, 254, 0)
    assert pixels(tiff(3, {258: 8, 262: 0}, bytes([0, 1, 255]))) == grey(255, 254, 0)
    # PNM counts up to any number: 7 of 15 is 119 of 255.
    assert pixels(b"P5 2 1 15\n\x07\x0f") == grey(119, 255)


def test_few_bits():
    assert pixels(png(8, 1, 0, bytes([0b01000001]))) == grey(0, 255, 0, 0, 0, 0, 0, 255)
    assert pixels(png(4, 2, 0, bytes([0b00011011]))) == grey(0, 85, 170, 255)
    bilevel = Image.fromarray(np.array([[0, 255, 255]], np.uint8)).convert("1")
    assert pixels(bilevel, format="TIFF") == grey(0, 255, 255)
    assert pixels(bilevel, format="PNG") == grey(0, 255, 255)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (tiff(1, {258: 32, 339: 3}, struct.pack("<f", 0.5)), "floating-point pixels"),
        (b"Pf 1 1 -1.0\n" + struct.pack("<f", 0.5), "floating-point pixels"),
        (tiff(1, {258: 32, 339: 1}, struct.pack("<I", 1 << 20)), "signed or 32-bit"),
        (tiff(1, {258: 16, 339: 2}, struct.pack("<h", -5)), "signed or 32-bit"),
        (tiff(1, {258: 8, 339: 2}, struct.pack("<b", -5)), "signed or 32-bit"),
        (
            png(1, 16, 2, bytes(6), (b"tRNS", bytes(6))),
            "RGB of 16 bits with one transparent colour",
        ),
    ],
)
def test_pixels_without_a_meaning_are_named(content, line):
    with pytest.raises(Unusable, match=f"here: .*{line}"):
        pictures.read("here", content)


def test_lab_is_named():
    buffer = io.BytesIO()
    Image.new("LAB", (4, 4), (50, 0, 0)).save(buffer, "TIFF")
    with pytest.raises(Unusable, match="here: pixels of the kind LAB, expected grey, RGB, CMYK"):
        pictures.read("here", buffer.getvalue())


# --- transparency and palettes -----------------------------------------------------------------------


def test_transparency_is_over_white():
    # Opacity 51 of 255 is a fifth: 255 - 51 = 204 where the pixel is black.
    half = np.array([[[0, 0, 0, 51], [9, 8, 7, 0], [9, 8, 7, 255]]], np.uint8)
    seen = [[[204] * 3, [255] * 3, [9, 8, 7]]]
    assert pixels(Image.fromarray(half), format="PNG") == seen
    assert pixels(Image.fromarray(half), format="TIFF") == seen
    assert pixels(Image.fromarray(half), format="WEBP", lossless=True, exact=True) == seen
    two = Image.fromarray(np.array([[[0, 51], [9, 0], [9, 255]]], np.uint8), "LA")
    assert pixels(two, format="PNG") == grey(204, 255, 9)


def test_one_transparent_grey_of_any_depth():
    assert pixels(png(2, 8, 0, bytes([7, 8]), (b"tRNS", b"\0\7"))) == grey(255, 8)
    assert pixels(png(4, 2, 0, bytes([0b00011011]), (b"tRNS", b"\0\1"))) == grey(0, 255, 170, 255)
    assert pixels(png(2, 4, 0, bytes([0x3F]), (b"tRNS", b"\0\3"))) == grey(255, 255)
    assert pixels(png(2, 1, 0, bytes([0b01000000]), (b"tRNS", b"\0\0"))) == grey(255, 255)
    deep = struct.pack(">3H", 2570, 2571, 25700)  # 2571 is the same level of eight bits, but opaque
    assert pixels(png(3, 16, 0, deep, (b"tRNS", struct.pack(">H", 2570)))) == grey(255, 10, 100)
    colours = bytes([1, 2, 3, 4, 5, 6])
    key = (b"tRNS", struct.pack(">3H", 1, 2, 3))
    assert pixels(png(2, 8, 2, colours, key)) == [[[255] * 3, [4, 5, 6]]]


def test_palettes():
    table = (b"PLTE", bytes([10, 20, 30, 40, 50, 60, 0, 0, 0, 70, 80, 90]))
    row = bytes([0b00011011])
    plain = [[[10, 20, 30], [40, 50, 60], [0, 0, 0], [70, 80, 90]]]
    assert pixels(png(4, 2, 3, row, table)) == plain
    one = [[[10, 20, 30], [255] * 3, [0, 0, 0], [70, 80, 90]]]
    assert pixels(png(4, 2, 3, row, table, (b"tRNS", bytes([255, 0])))) == one
    several = [[[255] * 3, [40, 50, 60], [204] * 3, [70, 80, 90]]]
    assert pixels(png(4, 2, 3, row, table, (b"tRNS", bytes([0, 255, 51])))) == several
    image = Image.open(io.BytesIO(png(4, 2, 3, row, table)))
    assert pixels(image, format="TIFF") == plain
    assert pixels(image, format="BMP") == plain


# --- colours -----------------------------------------------------------------------------------------


def test_cmyk():
    ink = Image.fromarray(
        np.array([[[0, 0, 0, 0], [255, 0, 0, 0], [0, 0, 0, 255]]], np.uint8), "CMYK"
    )
    assert pixels(ink, format="TIFF") == [[list(WHITE), [0, 255, 255], [0, 0, 0]]]
    flat = np.full((16, 16, 4), (0, 255, 255, 0), np.uint8)  # yellow and magenta: red
    found = np.array(pixels(Image.fromarray(flat, "CMYK"), format="JPEG", quality=95))
    assert np.abs(found - [255, 0, 0]).max() <= 4


def profile(gamma: float) -> bytes:
    """An RGB profile of sRGB's colours whose curves are a power: its tags written anew."""
    made = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256))
    count = struct.unpack_from(">I", made, 128)[0]
    place = len(made)
    made += curve + bytes(-len(curve) % 4)
    for number in range(count):
        at = 132 + 12 * number
        if made[at : at + 4] in (b"rTRC", b"gTRC", b"bTRC"):
            struct.pack_into(">II", made, at + 4, place, len(curve))
    struct.pack_into(">I", made, 0, len(made))
    return bytes(made)


def test_profiles_are_followed():
    """With gamma 1 a stored 55 of 255 is a light of 0.2157, which sRGB writes as 128."""
    linear = Image.fromarray(np.full((4, 4, 3), 55, np.uint8))
    for kind in ("PNG", "TIFF"):
        found = np.array(pixels(linear, format=kind, icc_profile=profile(1.0)))
        assert np.abs(found - 128).max() <= 1, kind
    clear = linear.copy()
    clear.putalpha(51)  # a fifth of 128, four of white: 229.6
    found = np.array(pixels(clear, format="PNG", icc_profile=profile(1.0)))
    assert np.abs(found - 230).max() <= 1


def test_the_gamma_of_a_png_is_followed():
    """A light of 0.2157 (55 of 255 at gamma 1) is 255 * 0.2157 ** (1 / 2.2) = 127 on a screen."""

    def shown(level: int, gamma: float, *more: tuple[bytes, bytes]) -> list:
        chunk = (b"gAMA", struct.pack(">I", round(1e5 * gamma)))
        return pixels(png(1, 8, 0, bytes([level]), chunk, *more))

    assert shown(55, 1.0) == grey(127)
    assert shown(128, 1.0) == grey(186)  # 255 * 0.50196 ** 0.45455
    assert shown(100, 0.25) == grey(46)  # 255 * 0.39216 ** 1.81818
    assert [shown(level, 1.0) for level in (0, 255)] == [grey(0), grey(255)]
    for usual in (0.45455, 0.45, 0.46):
        assert shown(55, usual) == grey(55)
    assert shown(55, 1.0, (b"sRGB", b"\0")) == grey(55)  # which rules out the other
    clear = png(1, 8, 4, bytes([55, 51]), (b"gAMA", struct.pack(">I", 100_000)))
    assert pixels(clear) == grey(229)  # a fifth of 127 over white: 25.4 + 204


def test_profiles_that_change_nothing():
    noise = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    image = Image.fromarray(noise)
    own = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for content in (own, b"no profile", own[:200]):
        assert pixels(image, format="PNG", icc_profile=content) == noise.tolist()
    # A profile of RGB in a grey picture is no way from grey.
    assert pixels(Image.fromarray(noise[..., 0]), format="PNG", icc_profile=profile(1.0)) == (
        np.repeat(noise[..., :1], 3, -1).tolist()
    )


# --- orientation and other metadata ------------------------------------------------------------------

LETTER = np.array([[0, 50, 100], [150, 200, 250]], np.uint8)  # 3 wide, 2 high
# What a viewer shows of stored rows: EXIF 2.32, tag 0x0112.
UPRIGHT = {
    1: [[0, 50, 100], [150, 200, 250]],
    2: [[100, 50, 0], [250, 200, 150]],
    3: [[250, 200, 150], [100, 50, 0]],
    4: [[150, 200, 250], [0, 50, 100]],
    5: [[0, 150], [50, 200], [100, 250]],
    6: [[150, 0], [200, 50], [250, 100]],
    7: [[250, 100], [200, 50], [150, 0]],
    8: [[100, 250], [50, 200], [0, 150]],
}


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "JPEG"])
def test_every_orientation_of_every_kind(orientation, kind):
    exif = Image.Exif()
    exif[0x0112] = orientation
    side = 16  # a level is a field of so many pixels, so that JPEG keeps it
    image = Image.fromarray(np.kron(LETTER, np.ones((side, side), np.uint8))).convert("RGB")
    options = {"PNG": {}, "WEBP": {"lossless": True}, "TIFF": {}, "JPEG": {"quality": 95}}[kind]
    found = np.array(pixels(image, format=kind, exif=exif, **options))
    middle = found[side // 2 :: side, side // 2 :: side, 0]
    assert np.abs(middle.astype(int) - np.array(UPRIGHT[orientation])).max() <= 2


def ifd(*entries: tuple[int, int, int, bytes], more: bytes = b"") -> bytes:
    """EXIF of a file: tags with type, count and four bytes."""
    body = struct.pack("<H", len(entries))
    body += b"".join(struct.pack("<HHI", *entry[:3]) + entry[3] for entry in entries)
    return b"Exif\0\0II*\0" + struct.pack("<I", 8) + body + struct.pack("<I", 0) + more


TURN = (0x0112, 3, 1, struct.pack("<HH", 3, 0))
ODD = {
    "GPS version as text": ifd(
        TURN, (0x8825, 4, 1, struct.pack("<I", 38)), more=b"\1\0\0\0\2\0\4\0\0\02.2\0" + bytes(4)
    ),
    "text where a number belongs": ifd(TURN, (0x011A, 2, 4, b"72\0\0")),
    "an unknown type": ifd(TURN, (0x9000, 99, 4, b"0230")),
    "a place behind the end": ifd(TURN, (0x8769, 4, 1, struct.pack("<I", 1 << 30))),
    "a division by zero": ifd(TURN, (0x829A, 5, 1, struct.pack("<I", 38)), more=bytes(8)),
}


@pytest.mark.parametrize("exif", ODD.values(), ids=ODD)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_odd_metadata_hinder_nothing(kind, exif, recwarn):
    image = Image.fromarray(np.kron(LETTER, np.ones((16, 16), np.uint8))).convert("RGB")
    found = np.array(pixels(image, format=kind, exif=exif, quality=95))
    middle = found[8::16, 8::16, 0].astype(int)
    assert np.abs(middle - np.array(UPRIGHT[3])).max() <= (2 if kind != "WEBP" else 8)
    assert not list(recwarn)


@pytest.mark.parametrize(
    "exif",
    [
        b"Exif\0\0no metadata",
        ifd((0x0112, 3, 1, struct.pack("<HH", 9, 0))),  # there are eight
        ifd((0x0112, 2, 2, b"6\0\0\0")),  # a text
    ],
)
def test_an_orientation_that_says_nothing_turns_nothing(exif):
    image = Image.fromarray(np.kron(LETTER, np.ones((16, 16), np.uint8))).convert("RGB")
    middle = np.array(pixels(image, format="JPEG", exif=exif, quality=95))[8::16, 8::16, 0]
    assert np.abs(middle.astype(int) - LETTER).max() <= 2


def test_whatever_pillow_raises_names_the_file(monkeypatch):
    whole = png(1, 8, 0, b"\7")
    for error in (
        struct.error("unpack"),
        KeyError("x"),
        ZeroDivisionError(),
        RecursionError("deep"),
    ):

        def fails(self, error=error):
            raise error

        monkeypatch.setattr(Image.Image, "load", fails)
        monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", fails)
        with pytest.raises(Unusable, match=f"here: not a whole image .{type(error).__name__}"):
            pictures.read("here", whole)


# --- several pictures in a file ----------------------------------------------------------------------


def frames(count: int = 3) -> list[Image.Image]:
    return [Image.new("RGB", (16, 16), (80 * i, 10, 20)) for i in range(count)]


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_an_animation_is_named(kind):
    buffer = io.BytesIO()
    frames()[0].save(buffer, kind, save_all=True, append_images=frames()[1:], duration=50)
    with pytest.raises(Unusable, match="here: an animation of 3 pictures, expected one"):
        pictures.read("here", buffer.getvalue())


def test_pages(tmp_path):
    buffer = io.BytesIO()
    frames()[0].save(buffer, "TIFF", save_all=True, append_images=frames()[1:])
    with pytest.raises(Unusable, match="here: a TIFF of 3 pages, expected one picture"):
        pictures.read("here", buffer.getvalue())
    # A preview of fewer pixels before or behind the picture, as scanners write it.
    for tags, values, seen in (
        ([{254: 1}, {254: 0}], [b"\1\1", b"\5\6"], (5, 6)),
        ([{254: 0}, {254: 1}], [b"\1\2", b"\5\6"], (1, 2)),
    ):
        first = tiff(2, {258: 8} | tags[0], values[0])
        first = tiff(2, {258: 8} | tags[0], values[0], more=len(first))
        both = first + tiff(2, {258: 8} | tags[1], values[1], begin=len(first))
        assert Image.open(io.BytesIO(both)).n_frames == 2
        assert pixels(both) == grey(*seen)


def test_the_first_of_a_telephones_pictures():
    buffer = io.BytesIO()
    frames(2)[1].save(buffer, "MPO", save_all=True, append_images=frames(1), quality=95)
    assert Image.open(buffer).n_frames == 2
    assert np.abs(np.array(pixels(buffer.getvalue())) - (80, 10, 20)).max() <= 3


# --- which files -------------------------------------------------------------------------------------


def test_formats_that_run_programs_are_not_opened(monkeypatch):
    """PostScript under the name of a photograph: Pillow would start Ghostscript for it."""
    started = []
    monkeypatch.setattr("subprocess.check_call", lambda *a, **k: started.append(a))
    script = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n"
    with pytest.raises(Unusable, match="here: not an image"):
        pictures.read("here", script)
    buffer = io.BytesIO()
    frames(1)[0].save(buffer, "GIF")
    with pytest.raises(Unusable, match="here: not an image"):
        pictures.read("here", buffer.getvalue())
    assert not started


def save_fields(place: Path, names: list[str]) -> None:
    """Files of one field each, all different."""
    for number, name in enumerate(names):
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        level = np.full((16, 16, 3), 20 + 25 * number, np.uint8)
        level[: number + 1] = 0
        Image.fromarray(level).save(path)


def test_every_suffix_is_read_everywhere(tmp_path, capsys):
    names = [f"{i}{suffix}" for i, suffix in enumerate(pictures.SUFFIXES)]
    assert len(names) == 9
    upper = [name.upper() for name in names]
    save_fields(tmp_path / "styles", upper)
    found = styles_from_folder(tmp_path / "styles", StyleSettings(size=16), ImageSettings())
    assert sorted(found.table["name"]) == sorted(upper)
    for label in ("cup", "plant"):
        save_fields(tmp_path / "photographs" / label, names)
    assert len(list_classes(tmp_path / "photographs")[0]) == 18
    save_fields(tmp_path / "own", [f"cat{i + 1}-dog1{s}" for i, s in enumerate(pictures.SUFFIXES)])
    assert len(stimuli.from_folder(tmp_path / "own").sets["cue-conflict"]) == 9
    assert capsys.readouterr().err == ""


def test_files_that_are_not_read_are_named_in_one_line(tmp_path, capsys):
    place = tmp_path / "own"
    save_fields(place, ["cat1-dog1.png", "dog1-cat1.tif"])
    for name in (
        "cat2-dog2.heic",
        "dog2-cat2.gif",
        "a.txt",
        "b.txt",
        ".DS_Store",
        "._cat1-dog1.png",
    ):
        (place / name).write_bytes(b"?")
    (place / "__MACOSX").mkdir()
    (place / "__MACOSX" / "._cat1-dog1.png").write_bytes(b"?")
    assert len(stimuli.from_folder(place).sets["cue-conflict"]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert "own: 4 files are not read: a.txt, b.txt, cat2-dog2.heic and 1 more" in line
    # Class folders: over all of them, with what lies beside them and links that are not followed.
    photographs = tmp_path / "photographs"
    save_fields(photographs, ["cup/1.png", "plant/1.png", "stray.png"])
    (photographs / "cup" / "2.avif").write_bytes(b"?")
    (photographs / "cup" / "@eaDir").mkdir()
    (photographs / "cup" / "@eaDir" / "preview.jpg").write_bytes(b"?")
    os.symlink(place, photographs / "plant" / "more")
    assert [source.name for source in list_classes(photographs)[0]] == ["cup/1.png", "plant/1.png"]
    [line] = capsys.readouterr().err.splitlines()
    assert "3 files are not read: cup/2.avif, plant/more, stray.png (images are .bmp" in line
    (photographs / "new").mkdir()
    (photographs / "new" / "1.heic").write_bytes(b"?")
    with pytest.raises(InputError, match=r"class 'new': .*holds no image .*found 1\.heic"):
        list_classes(photographs)


@pytest.mark.parametrize(
    ("names", "line"),
    [
        (
            ["cat1-dog1.png", "cat1-dog1.jpg"],
            r"cat1-dog1\.png: has the same name as cat1-dog1\.jpg",
        ),
        (["cat1-dog1.png", "cat1-dog1.PNG"], "has the same name as"),
        (["cat1-dog1.png", "more/cat1-dog1.tif"], "has the same name as"),
        (["cat1-dog1.png", "cat01-dog1.webp"], "has the same name as"),
        (["cat1-dog1.png", "second_cat1-dog1.png"], "has the same name as"),
    ],
)
def test_one_stimulus_twice(tmp_path, names, line):
    save_fields(tmp_path, names)
    with pytest.raises(InputError, match=line):
        stimuli.from_folder(tmp_path)


def test_one_photograph_or_painting_under_two_suffixes(tmp_path):
    save_fields(tmp_path, ["cup/1.png", "cup/1.jpeg", "plant/2.png"])
    with pytest.raises(InputError, match=r"cup/1\.png: has the same name as 1\.jpeg"):
        list_classes(tmp_path)
    with pytest.raises(InputError, match="has the same name as"):
        list_images(tmp_path)
    (tmp_path / "cup" / "1.jpeg").rename(tmp_path / "cup" / "1.b.png")  # another name
    assert len(list_classes(tmp_path)[0]) == 3


def test_stimuli_and_photographs_are_read_alike(tmp_path):
    """Kinds that the two doors read in different ways once: one picture, square and of its own size."""
    deep = np.kron(np.array([[9, 200], [120, 255]]), np.ones((8, 8))).astype(np.uint16) * 257
    exif = Image.Exif()
    exif[0x0112] = 6
    clear = np.dstack(
        [(deep // 257).astype(np.uint8)] * 3 + [np.uint8(51) + 0 * deep.astype(np.uint8)]
    )
    Image.fromarray(deep).save(tmp_path / "cat1-dog1.png")
    Image.fromarray((deep // 257).astype(np.uint8)).save(tmp_path / "cat2-dog1.png", exif=exif)
    Image.fromarray(clear).save(tmp_path / "cat3-dog1.tiff")
    images = stimuli.from_folder(tmp_path).sets["cue-conflict"]
    settings = ImageSettings(resize=16, crop=16)
    for name, found in zip(images.labels["imagename"], images.images, strict=True):
        assert np.array_equal(found, read_square(tmp_path / name, settings)), name
    # 6: the lower left corner comes up left; opacity a fifth: 255 - (255 - 9) / 5 = 205.8.
    assert images.images[0, 0, 0].tolist() == [9] * 3
    assert images.images[1, 0, 0].tolist() == [120] * 3
    assert images.images[2, 0, 0].tolist() == pytest.approx([206] * 3, abs=1)


# --- names -------------------------------------------------------------------------------------------


def photographs(place: Path, classes: list[str]) -> Path:
    for number, name in enumerate(classes):
        (place / name).mkdir(parents=True)
        for i in range(4):
            level = np.full((16, 16, 3), 40 + 50 * number, np.uint8)
            level[:4, : 3 * i + 1] = 20 * i
            Image.fromarray(level).save(place / name / f"p{i}.png")
    return place


def split(place: Path, output: Path, **changed) -> list[str]:
    """Lines of the manifest, without the header."""
    settings = PhotographSettings.over(
        {"source": str(place), "image_size": 16, "train": 1, "validation": 1, "test": 2, **changed}
    )
    folder.write_sets(settings, list_classes(place)[0], None, output, seed=0)
    return (output / "photographs.csv").read_text(encoding="utf-8").splitlines()[1:]


LATIN, SIGN = "caf\u00e9", "\u092c\u093f\u0932\u094d\u0932\u0940"  # ends with a vowel sign


def test_folders_of_one_name_are_one_class_on_every_system(tmp_path):
    composed = split(photographs(tmp_path / "a", [LATIN, "plant"]), tmp_path / "x")
    apart = unicodedata.normalize("NFD", LATIN)
    assert apart != LATIN
    assert split(photographs(tmp_path / "b", [apart, "plant"]), tmp_path / "y") == composed
    # Asked for in either way.
    for asked in (apart, LATIN):
        chosen = split(tmp_path / "b", tmp_path / asked, classes=[asked, "plant"])
        assert chosen == composed
    photographs(tmp_path / "b", [LATIN])
    with pytest.raises(InputError, match="two class folders are named"):
        list_classes(tmp_path / "b")


@pytest.mark.parametrize(
    "name", [SIGN, "\u0e19\u0e49\u0e33", "\u72ac", "a\u0304\u0323", "\u05db\u05bc"]
)
def test_letters_and_marks_of_any_script(tmp_path, name):
    manifest = split(photographs(tmp_path / "a", [name, "plant"]), tmp_path / "x")
    written = unicodedata.normalize("NFC", name)
    assert (
        sum(f",{written}/p" in line and f"{written}1-{written}1.png" in line for line in manifest)
        >= 1
    )
    save_fields(tmp_path / "own", [f"{name}1-plant1.png", f"plant1-{name}1.png"])
    assert set(stimuli.from_folder(tmp_path / "own").classes) == {written, "plant"}


@pytest.mark.parametrize(
    "name",
    [
        "cat-",
        "\U0001f431",
        "cat2",
        "a_b",
        "cat!",
        "na",
        "all",
        os.fsdecode(b"caf\xe9"),
        os.fsdecode(b"\xeab"),
    ],
)
def test_names_that_no_stimulus_can_have(tmp_path, name):
    with pytest.raises(InputError, match=r"class folder .*; expected letters of any script"):
        split(photographs(tmp_path / "a", [name, "plant"]), tmp_path / "x")
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("names", "line"),
    [
        (["na1-cat1.png", "cat1-cat2.png"], r"na1-cat1\.png: 'na' stands for no decision"),
        (["cat1-na1.png", "cat1-dog1.png"], r"cat1-na1\.png: 'na' stands for no decision"),
        (["cat1-all1.png", "all1-cat1.png"], "'all' stands for the classes together"),
        (["cat1-dog1.png", "edges/all1.png"], r"edges/all1\.png: 'all' stands for the classes"),
    ],
)
def test_names_that_tables_use_for_something_else(tmp_path, names, line):
    save_fields(tmp_path / "own", names)
    with pytest.raises(InputError, match=line):
        stimuli.from_folder(tmp_path / "own")


def test_file_names_that_are_no_utf8(tmp_path):
    place = photographs(tmp_path / "a", ["cup", "plant"])
    os.rename(place / "cup" / "p0.png", os.fsencode(place) + b"/cup/caf\xe9.png")
    files = {line.split(",")[1] for line in split(place, tmp_path / "x")}
    assert r"cup/caf\xe9.png" in files
    assert len(files) == 8
    # A broken one is named too; a stimulus of such a name is refused, by name.
    with open(os.fsencode(place) + b"/plant/\xff.png", "wb") as file:
        file.write(b"?")
    lines = split(place, tmp_path / "y", train=None, validation=1, test=1, tolerated=1)
    [line] = [line for line in lines if line.startswith(r"source,plant/\xff.png,plant,unusable,")]
    assert line.endswith('not an image (unknown format, or a kind of pixel that is not read)"')
    own = tmp_path / "own"
    save_fields(own, ["cat1-dog1.png"])
    os.rename(own / "cat1-dog1.png", os.fsencode(own) + b"/caf\xe91-dog1.png")
    with pytest.raises(InputError, match=r"stimulus name 'caf\\xe91-dog1\.png' cannot be read"):
        stimuli.from_folder(own)
    styles = tmp_path / "styles"
    save_fields(styles, ["1.png", "2.png", "3.png"])
    os.rename(styles / "1.png", os.fsencode(styles) + b"/\xe4.png")
    table = styles_from_folder(styles, StyleSettings(size=16), ImageSettings()).table
    table.to_csv(tmp_path / "styles.csv")
    assert r"\xe4.png" in set(table["name"])


def test_a_folder_whose_name_is_no_utf8_and_its_records(tmp_path):
    place = tmp_path / os.fsdecode(b"st\xe9")
    save_fields(place, ["cat1-dog1.png"])
    name = stimuli.from_folder(place).name
    assert name.endswith(r"st\xe9")
    name.encode()


def test_letters_that_the_figures_font_lacks_are_said_once(tmp_path, capsys, recwarn):
    from matplotlib.figure import Figure

    from texshape.figures.style import save

    figure = Figure()
    figure.subplots().set_title(f"{SIGN} caf\u00e9")
    save(figure, tmp_path / "figure")
    [line] = capsys.readouterr().err.splitlines()
    assert "figure: the figures' font lacks" in line
    assert "\u092c" in line
    assert "\u00e9" not in line
    assert not list(recwarn)


# --- the public data ---------------------------------------------------------------------------------


def test_published_stimuli_are_what_pillow_alone_reads(mirror, tmp_path):
    assert mirror.is_dir()
    for name in published.STIMULI:
        source = published.sources()[name]
        files = published.fetch_source(name, tmp_path / source.repository / source.commit)
        shown = [item.destination for item in files][::10]
        images = published.stimulus_set(shown, condition=name).images
        for path, found in zip(shown, images, strict=True):
            with Image.open(path) as image:
                assert np.array_equal(found, np.asarray(image.convert("RGB"))), path


def test_cifar10_is_what_pillow_alone_reads(mirror, tmp_path):
    assert mirror.is_dir()
    settings = ImageSettings(resize=32, crop=32)
    for sources in archives.sources("cifar10", tmp_path):
        for source in sources[::100]:
            content = source.read_bytes()
            found = read_square(source.place, settings, content=content)
            with Image.open(io.BytesIO(content)) as image:
                assert np.array_equal(found, np.asarray(image.convert("RGB"))), source.name
