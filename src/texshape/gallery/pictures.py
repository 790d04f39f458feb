"""The pictures themselves: found beside the trials, in a folder that was named, or among the downloads.

Nothing is fetched unless `texshape gallery --stimuli published` asks for it. The downloaded stimuli stand for a
picture only where the trials are known to be of them: another set may use the same names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from texshape.data import published
from texshape.errors import InputError, nearest_path
from texshape.files import cache_folder, file_sha256
from texshape.gallery.credits import STIMULI, by_content
from texshape.gallery.subjects import PUBLISHED, Gathered
from texshape.trials.names import parse

if TYPE_CHECKING:
    from PIL.Image import Image

SIDE = 256  # px; larger pictures are shrunk to it
SMALL = 96  # px; up to here a picture is kept exactly
QUALITY = 88  # of JPEG


@dataclass(frozen=True)
class Found:
    """A picture that is there.

    Attributes
    ----------
    open : callable
        Reads it; PIL, RGB.
    credit : str
        Key of `texshape.data.published.sources`, or empty where it is of none that is known.
    """

    open: Callable[[], Image]
    credit: str = ""


def caches() -> list[Path]:
    """Where `texshape measure` and experiments in this folder keep the downloaded stimuli."""
    source = published.sources()[STIMULI]
    folders = (cache_folder(), Path(".cache/texshape"))
    return [folder / source.repository / source.commit for folder in folders]


def find(gathered: Gathered, stimuli: str | None = None) -> dict[str, Found]:
    """Find the pictures that the trials name.

    Parameters
    ----------
    gathered : Gathered
    stimuli : str, optional
        A folder of pictures ``SHAPE<i>-TEXTURE<j>.png`` (or below it), the stem of an image set
        (``FOLDER/cue-conflict``), or `PUBLISHED`: downloaded where they are not there. By default what lies
        beside the trials, and the downloaded stimuli where the trials are of them.

    Returns
    -------
    dict of str to Found
        By the picture's name; those that are not there are left out.

    Raises
    ------
    InputError
        If nothing of what was named is there, or two files show the same picture.
    """
    wanted = gathered.pictures.keys()
    if stimuli is None:
        found = dict(_downloaded(gathered.of_published(), caches()))
        for stem, shown in gathered.sets:
            own = _of_set(stem, STIMULI if shown == PUBLISHED else "")
            found |= {name: one for name, one in own.items() if gathered.shown.get(name) == shown}
        return {name: found[name] for name in wanted if name in found}
    if stimuli == PUBLISHED:
        folder = caches()[0]
        published.fetch_source(STIMULI, folder)
        found = dict(_downloaded(wanted, [folder]))
    elif Path(f"{stimuli}.images.npy").is_file():
        found = _of_set(Path(stimuli), "")
    else:
        found = _of_folder(Path(stimuli))
    kept = {name: found[name] for name in wanted if name in found}
    if not kept:
        some = next(iter(wanted))
        raise InputError(
            f"--stimuli {stimuli}: holds none of the {len(wanted)} pictures that the trials name, such as "
            f"{some}.png"
        )
    return kept


def _downloaded(names: Iterable[str], folders: Iterable[Path]) -> Iterable[tuple[str, Found]]:
    wanted = set(names)
    for folder in folders:
        if not (wanted and folder.is_dir()):
            continue
        for item in published.items(STIMULI, folder):
            name = item.destination.stem
            whole = item.destination.is_file() and item.destination.stat().st_size == item.size
            if name in wanted and whole:
                yield name, Found(_reader(item.destination), STIMULI)


def _reader(path: Path) -> Callable[[], Image]:
    from texshape.data import pictures

    return lambda: pictures.read(path)


def _of_set(stem: Path, credit: str) -> dict[str, Found]:
    """The pictures of an image set, as an experiment keeps them."""
    from PIL.Image import fromarray

    from texshape.data import imageset

    images = imageset.read(stem)

    def reader(row: int) -> Callable[[], Image]:
        return lambda: fromarray(images.images[row].copy())

    columns = ("shape_exemplar", "texture_exemplar")
    labels = zip(*(images.labels[column].astype(str) for column in columns), strict=True)
    return {
        f"{shape}-{texture}": Found(reader(row), credit)
        for row, (shape, texture) in enumerate(labels)
    }


def _of_folder(folder: Path) -> dict[str, Found]:
    """Pictures of a folder; files that are called otherwise are passed over."""
    from texshape.data.photographs import find_images

    if not folder.is_dir():
        raise InputError(f"--stimuli {folder}: no such folder{nearest_path(folder)}")
    found: dict[str, Found] = {}
    places: dict[str, str] = {}
    for source in find_images(folder)[0]:
        try:
            name = parse(source.path.name)
        except InputError:
            continue
        key = f"{name.shape_exemplar}-{name.texture_exemplar}"
        if key in places:
            raise InputError(f"{source.place}: shows the same picture by its name as {places[key]}")
        places[key] = source.place
        known = by_content().get(file_sha256(source.path), ("", ""))[0]
        found[key] = Found(_reader(source.path), known if known == STIMULI else "")
    return found


def write(found: Mapping[str, Found], names: Iterable[str], folder: Path) -> dict[str, str]:
    """Write pictures for the page, numbered in the order of their names.

    Parameters
    ----------
    found : mapping of str to Found
    names : iterable of str
        All pictures of the page.
    folder : path

    Returns
    -------
    dict of str to str
        Picture to the name of its file: exact as PNG up to `SMALL` px a side, else JPEG of at most `SIDE`.
    """
    files = {}
    folder.mkdir()
    for number, name in enumerate(names, start=1):
        if name not in found:
            continue
        image = found[name].open()
        small = max(image.size) <= SMALL
        image.thumbnail((SIDE, SIDE))
        files[name] = f"{number:04d}.{'png' if small else 'jpg'}"
        image.save(
            folder / files[name], **({} if small else {"quality": QUALITY, "subsampling": 0})
        )
    return files
