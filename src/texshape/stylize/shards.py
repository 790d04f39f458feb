"""Stylizing a data set in shards: each is a job of its own, and together they make one set.

Contents are an image set (``STEM.images.npy``; the result is an image set too) or a folder of class
folders (the result is a tar). A shard with the stem PART is, written in this order,

- PART.images.npy, PART.masks.npy, PART.labels.csv; or PART.tar;
- PART.manifest.csv: a row an image, with the hashes of source and style, and what made it;
- PART.shard.json: which request it answers. Where it is there and answers the same request, the
  shard is done and is not made again.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from texshape.config.stylize import StylizeSettings
from texshape.data import imageset
from texshape.data.imageset import LABEL_COLUMNS, ImageSet
from texshape.data.photographs import (
    Source,
    check_count,
    encode,
    list_classes,
    read_square,
)
from texshape.data.pictures import Unusable
from texshape.data.procedural import restyled_labels
from texshape.errors import InputError
from texshape.files import atomic_path, file_sha256, naming, read_csv, write_csv, write_json
from texshape.shards import Shard, in_order
from texshape.stylize import tar
from texshape.stylize.engines import Engine
from texshape.stylize.manifest import MANIFEST_COLUMNS
from texshape.stylize.styles import pairing, sha256

Log = Callable[[str], None]

# What a shard says about itself.
_DESCRIPTION = {
    "request": str, "files": list, "sha256": dict, "contents": int, "unusable": list, "number": int,
    "total": int,
}  # fmt: skip


def is_done(stem: str | Path, digest: str) -> bool:
    """Whether this shard is there already, undamaged, and answers the same request."""
    path = Path(f"{stem}.shard.json")
    try:
        found = _read_description(path)
    except InputError:
        return False
    return found["request"] == digest and not list(_damaged(path, found))


def _read_description(path: Path) -> dict[str, Any]:
    """What `finish` wrote."""
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; the shard is not done") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not JSON ({error})") from None
    for key, kind in _DESCRIPTION.items():
        if not isinstance(about, dict) or not isinstance(about.get(key), kind):
            raise InputError(f"{path}: no description of a shard (expected '{key}')")
    return about


def _damaged(path: Path, about: dict[str, Any]) -> Iterator[Path]:
    """Files of a shard that are missing or have another hash than its description says."""
    for name, digest in about["sha256"].items():
        place = path.parent / name
        if not place.is_file() or file_sha256(place) != digest:
            yield place


def stylize_imageset(
    content: ImageSet,
    styles: ImageSet,
    engine: Engine,
    settings: StylizeSettings,
    *,
    seed: int,
    shard: Shard,
    condition: str,
    request: str,
    output: str | Path,
    log: Log = lambda line: None,
) -> None:
    """Stylize a shard of an image set into an image set of the same masks and shapes.

    Image `i` in its version `j` is number ``i * styles_per_image + j`` of the result.

    Parameters
    ----------
    content, styles : ImageSet
    engine : Engine
    settings : StylizeSettings
    seed : int
        Of pairing and noise.
    shard : Shard
    condition : str
        Name of the whole set, for its labels.
    request : str
        Hash of everything that the result depends on.
    output : str or Path
        Stem of the shard's files.
    """
    versions = settings.styles_per_image
    chosen = shard.range(len(content))
    jobs = [
        (index, version, style)
        for index in chosen
        for version, style in enumerate(pairing(seed, index, len(styles), versions))
    ]
    size = content.images.shape[1:3]
    pixels = np.empty((len(jobs), *size, 3), np.uint8)
    for begin in range(0, len(jobs), settings.batch_size):
        batch = jobs[begin : begin + settings.batch_size]
        pixels[begin : begin + len(batch)] = engine.stylize(
            content.images[[index for index, _, _ in batch]],
            styles.images[[style for _, _, style in batch]],
            settings.alpha,
            [(seed, index, version) for index, version, _ in batch],
        )
    if not jobs:  # more shards than images
        write_csv(f"{output}.manifest.csv", pd.DataFrame(columns=MANIFEST_COLUMNS))
        finish(output, [], request, shard, len(content), [])
        return
    rows = [index for index, _, _ in jobs]
    labels = restyled_labels(
        content.labels.iloc[rows].reset_index(drop=True),
        [_family(styles, style) for _, _, style in jobs],
        condition,
    )
    masks = None if content.masks is None else content.masks[rows]
    manifest = pd.DataFrame(
        {
            "index": [index * versions + version for index, version, _ in jobs],
            "imagename": labels["imagename"],
            "source": content.labels["imagename"].iloc[rows].to_numpy(),
            "source_sha256": [sha256(content.images[index].tobytes()) for index in rows],
            "style": [styles.labels["imagename"].iloc[style] for _, _, style in jobs],
            "style_sha256": [sha256(styles.images[style].tobytes()) for _, _, style in jobs],
            "seed": seed,
            "alpha": settings.alpha,
            "engine": engine.name,
            "weights": engine.weights,
        }
    )
    imageset.write(output, ImageSet(pixels, labels, masks))
    write_csv(f"{output}.manifest.csv", manifest[MANIFEST_COLUMNS])
    names = imageset.paths(output, masks=masks is not None)
    finish(output, [path.name for path in names], request, shard, len(content), [])
    log(f"{output}: shard {shard.number} of {shard.total}, {len(jobs)} images")


def _family(styles: ImageSet, index: int) -> tuple[str, int]:
    """Family and number of a style image, as labels of a stylized set name them."""
    family = str(styles.labels["texture"].iloc[index])
    exemplar = str(styles.labels["texture_exemplar"].iloc[index])
    return family, int(exemplar.removeprefix(family))


def stylize_folder(
    sources: Sequence[Source],
    classes: Sequence[str],
    styles: ImageSet,
    engine: Engine,
    settings: StylizeSettings,
    *,
    seed: int,
    shard: Shard,
    request: str,
    output: str | Path,
    log: Log = lambda line: None,
) -> None:
    """Stylize a shard of a folder of class folders into a tar.

    Raises
    ------
    InputError
        At the end, if more images are unusable than `tolerated`; each is named on stderr before.
    """
    rows: list[dict[str, Any]] = []
    unusable: list[str] = []
    samples = _folder_samples(
        sources, classes, styles, engine, settings, seed, shard, rows, unusable
    )
    tar.write(f"{output}.tar", samples)
    check_count(unusable, settings.tolerated, len(shard.range(len(sources))), output)
    write_csv(f"{output}.manifest.csv", pd.DataFrame(rows, columns=MANIFEST_COLUMNS))
    finish(output, [f"{Path(output).name}.tar"], request, shard, len(sources), unusable)
    log(
        f"{output}: shard {shard.number} of {shard.total}, {len(rows)} images, "
        f"{len(unusable)} unusable"
    )


def _folder_samples(
    sources: Sequence[Source],
    classes: Sequence[str],
    styles: ImageSet,
    engine: Engine,
    settings: StylizeSettings,
    seed: int,
    shard: Shard,
    rows: list[dict[str, Any]],
    unusable: list[str],
) -> Iterator[tuple[int, dict[str, bytes]]]:
    number_of = {name: number for number, name in enumerate(classes)}
    versions = settings.styles_per_image
    suffix = "jpg" if settings.images.format == "jpeg" else "png"
    for group in _batches(shard.range(len(sources)), settings.batch_size):
        contents, jobs = [], []
        for index in group:
            source = sources[index]
            try:
                content = source.path.read_bytes()
                pixels = read_square(source.path, settings.images, content=content)
            except (OSError, Unusable) as error:
                line = str(error) if isinstance(error, Unusable) else f"{source.path}: {error}"
                unusable.append(line)
                print(f"texshape: warning: {line}", file=sys.stderr)
                continue
            digest = sha256(content)
            for version, style in enumerate(pairing(seed, index, len(styles), versions)):
                contents.append(pixels)
                jobs.append((index, version, style, digest))
        for begin in range(0, len(jobs), settings.batch_size):
            batch = jobs[begin : begin + settings.batch_size]
            results = engine.stylize(
                np.stack(contents[begin : begin + len(batch)]),
                styles.images[[style for _, _, style, _ in batch]],
                settings.alpha,
                [(seed, index, version) for index, version, _, _ in batch],
            )
            for (index, version, style, digest), pixels in zip(batch, results, strict=True):
                source, number = sources[index], index * versions + version
                row = {
                    "index": number,
                    "imagename": f"{number:08d}.{suffix}",
                    "source": source.name,
                    "source_sha256": digest,
                    "style": styles.labels["imagename"].iloc[style],
                    "style_sha256": sha256(styles.images[style].tobytes()),
                    "seed": seed,
                    "alpha": settings.alpha,
                    "engine": engine.name,
                    "weights": engine.weights,
                }
                rows.append(row)
                about = {"class": source.label, "source": source.name, "style": row["style"]}
                yield (
                    number,
                    {
                        suffix: encode(pixels, settings.images),
                        "cls": str(number_of[source.label]).encode(),
                        "json": json.dumps(about, sort_keys=True).encode(),
                    },
                )


def _batches(indices: range, size: int) -> Iterator[range]:
    for begin in range(0, len(indices), size):
        yield indices[begin : begin + size]


def finish(
    output: str | Path,
    files: list[str],
    request: str,
    shard: Shard,
    contents: int,
    unusable: list[str],
) -> None:
    """Write down that a shard is done: its files, and which request they answer."""
    files = [*files, f"{Path(output).name}.manifest.csv"]
    write_json(
        f"{output}.shard.json",
        {
            "request": request,
            "files": files,
            "sha256": {name: file_sha256(Path(output).with_name(name)) for name in files},
            "contents": contents,
            "unusable": unusable,
            **asdict(shard),
        },
    )


# --- joining ------------------------------------------------------------------------------------


def merge(
    parts: Sequence[str | Path], output: str | Path, *, tolerated: int = 0, log: Log = print
) -> None:
    """Join the shards of one request, given in any order, into one set.

    Image sets are joined into one; of tars only the manifests are, and OUTPUT.shards.json lists the
    files in order.

    Raises
    ------
    InputError
        If a shard is missing, given twice, or answers another request; or if more images were
        unusable than `tolerated`.
    """
    if not parts:
        raise InputError("merge-shards: no part given")
    numbered, first = [], None
    for part in parts:
        path = Path(f"{part}.shard.json")
        about = _read_description(path)
        for place in _damaged(path, about):
            raise InputError(f"{place}: missing or damaged; make its shard again")
        first = first or about
        if (about["request"], about["total"]) != (first["request"], first["total"]):
            raise InputError(f"{path}: belongs to another request than the other shards")
        numbered.append((about["number"], path, (Path(part), about)))
    ordered = in_order(numbered, first["total"], output)
    unusable = [line for _, about in ordered for line in about["unusable"]]
    check_count(unusable, tolerated, first["contents"], output)
    stems = [part for part, _ in ordered]
    manifests = [read_csv(f"{stem}.manifest.csv", MANIFEST_COLUMNS) for stem in stems]
    manifest = pd.concat([part for part in manifests if len(part)], ignore_index=True)
    if any(name.endswith(".tar") for _, about in ordered for name in about["files"]):
        files = [{"file": f"{stem.name}.tar", "images": _lines(stem)} for stem in stems]
        write_json(f"{output}.shards.json", {"shards": files, "unusable": unusable})
        count = sum(entry["images"] for entry in files)
    else:
        count = _merge_imagesets(stems, output)
    write_csv(f"{output}.manifest.csv", manifest)
    log(f"{output}: {count} images of {len(stems)} shards, {len(unusable)} unusable")


def _lines(stem: Path) -> int:
    return len(read_csv(f"{stem}.manifest.csv", MANIFEST_COLUMNS))


def _merge_imagesets(stems: Sequence[Path], output: str | Path) -> int:
    stems = [stem for stem in stems if _lines(stem)]
    sets = [imageset.read(stem) for stem in stems]
    if not sets:
        raise InputError(f"{output}: no image in any shard")
    labels = pd.concat([part.labels for part in sets], ignore_index=True)
    masked = all(part.masks is not None for part in sets)
    # As `imageset.write` does: the whole set or nothing, the labels last.
    with (
        atomic_path(f"{output}.labels.csv") as table,
        atomic_path(f"{output}.masks.npy") if masked else nullcontext() as masks,
        atomic_path(f"{output}.images.npy") as pixels,
    ):
        with naming(f"{output}.images.npy"):
            _concatenate(pixels, [part.images for part in sets])
        if masks is not None:
            with naming(f"{output}.masks.npy"):
                _concatenate(masks, [part.masks for part in sets])
        with naming(f"{output}.labels.csv"):
            labels[LABEL_COLUMNS].to_csv(table, index=False, lineterminator="\n")
    return len(labels)


def _concatenate(path: Path, arrays: Sequence[np.ndarray]) -> None:
    """Write arrays one after the other as one; memory holds a slice at a time."""
    shape = (sum(map(len, arrays)), *arrays[0].shape[1:])
    for array in arrays:
        if array.shape[1:] != shape[1:] or array.dtype != arrays[0].dtype:
            raise InputError(f"{path}: shards of different shapes, {array.shape} and {shape}")
    header = {
        "descr": np.lib.format.dtype_to_descr(arrays[0].dtype),
        "fortran_order": False,
        "shape": shape,
    }
    with open(path, "wb") as out:
        np.lib.format.write_array_header_1_0(out, header)
        for array in arrays:
            for begin in range(0, len(array), 256):
                out.write(np.ascontiguousarray(array[begin : begin + 256]).tobytes())


def open_contents(place: str | Path) -> ImageSet | tuple[list[Source], list[str]]:
    """Contents by their place: a folder of class folders, else the stem of an image set."""
    if Path(place).is_dir():
        return list_classes(place)
    return imageset.read(place)
