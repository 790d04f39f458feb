"""What a contact sheet of a stylized set shows: some contents, their styles, the results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from texshape.data import imageset
from texshape.data.imageset import ImageSet
from texshape.data.photographs import list_classes, read_square
from texshape.errors import InputError
from texshape.files import read_csv
from texshape.stylize.manifest import MANIFEST_COLUMNS

if TYPE_CHECKING:
    from texshape.config.stylize import StylizeSettings

Pictures = list[np.ndarray]


def choose(
    content: str | Path,
    styles: ImageSet,
    result: str | Path,
    settings: StylizeSettings,
    *,
    count: int,
) -> tuple[Pictures, Pictures, Pictures]:
    """Pick images at even distances over a stylized set, with what they were made of.

    Parameters
    ----------
    content : path
        Stem of an image set, or a folder of class folders.
    styles : ImageSet
    result : path
        Stem of the merged result: an image set, or ``.shards.json`` beside its tars.
    settings : StylizeSettings
    count : int

    Returns
    -------
    contents, styles, results : list of ndarray of shape (H, W, 3), uint8

    Raises
    ------
    InputError
        If the result was not made of these contents and styles.
    """
    manifest = read_csv(f"{result}.manifest.csv", MANIFEST_COLUMNS)
    rows = np.unique(np.linspace(0, len(manifest) - 1, count).round().astype(int))
    table = manifest.iloc[rows]
    style_rows = _find(styles.labels["imagename"], table["style"], f"{result}: style")
    shown = [styles.images[row] for row in style_rows]
    if Path(content).is_dir():
        sources = {source.name: source.path for source in list_classes(content)[0]}
        missing = [name for name in table["source"] if name not in sources]
        if missing:
            raise InputError(f"{content}: has no '{missing[0]}', from which {result} was made")
        contents = [read_square(sources[name], settings.images) for name in table["source"]]
        return contents, shown, _from_tars(Path(result), set(rows.tolist()))
    originals, made = imageset.read(content), imageset.read(result)
    content_rows = _find(originals.labels["imagename"], table["source"], f"{result}: source")
    return (
        [originals.images[row] for row in content_rows],
        shown,
        [made.images[row] for row in rows],
    )


def choose_conflicts(
    result: ImageSet, exemplars: tuple, count: int
) -> tuple[tuple[Pictures, Pictures, Pictures], list[int]]:
    """Pick conflict images of different shapes and textures, with what they were made of.

    Parameters
    ----------
    result : ImageSet
        The conflict set.
    exemplars : tuple
        Section `data`, seed and fill, for the renderer's exemplars; or the sets of shape and of
        texture exemplars.
    count : int
        One image for each shape class in turn, each of another texture class where it can be.

    Returns
    -------
    pictures : (contents, styles, results), each a list of ndarray of shape (H, W, 3), uint8
    rows : list of int
        Rows of the set.

    Raises
    ------
    InputError
        If the set was not made of these exemplars.
    """
    labels = result.labels
    classes = sorted(set(labels["shape"]))
    textures = sorted(set(labels["texture"]))
    rows = []
    for number in range(min(count, len(labels))):
        turn, place = divmod(number, len(classes))
        here = np.flatnonzero(labels["shape"] == classes[place])
        wanted = textures[(place + 5 + 2 * turn) % len(textures)]
        fitting = here[(labels["texture"].iloc[here] == wanted).to_numpy()]
        fitting = fitting if len(fitting) else here
        rows.append(int(fitting[(place + turn) % len(fitting)]))
    results = [result.images[row] for row in rows]
    if isinstance(exemplars[0], ImageSet):
        shapes, patterns = exemplars
        content_rows = _find(
            shapes.labels["shape_exemplar"], labels["shape_exemplar"].iloc[rows], "shape exemplar"
        )
        style_rows = _find(
            patterns.labels["texture_exemplar"],
            labels["texture_exemplar"].iloc[rows],
            "texture exemplar",
        )
        contents = [shapes.images[row] for row in content_rows]
        return (contents, [patterns.images[row] for row in style_rows], results), rows
    from texshape.stylize.conflict import conflict_names, rendered_pairs

    data, seed, fill = exemplars
    places = _find(
        conflict_names(data, seed), labels["imagename"].iloc[rows], "conflict set: image"
    )
    shown, patterns = rendered_pairs(data, seed, places, fill=fill)
    return (list(shown.images), list(patterns.images), results), rows


def _find(names, wanted, where: str) -> list[int]:
    place = {name: row for row, name in enumerate(names)}
    missing = [name for name in wanted if name not in place]
    if missing:
        raise InputError(f"{where} '{missing[0]}' is not among the given images")
    return [place[name] for name in wanted]


def _from_tars(result: Path, wanted: set[int]) -> Pictures:
    """Images by their row over all shards."""
    from texshape.stylize import tar

    listed = json.loads(Path(f"{result}.shards.json").read_text(encoding="utf-8"))["shards"]
    found, begin = [], 0
    for entry in listed:
        if any(begin <= row < begin + entry["images"] for row in wanted):
            for row, sample in enumerate(tar.read(result.parent / entry["file"]), start=begin):
                if row in wanted:
                    found.append(tar.decode(sample)[0])
        begin += entry["images"]
    return found
