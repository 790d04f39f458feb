"""Shards in WebDataset's layout: tar files of images with their class, read in order at disk speed.

A sample is a run of members of one key: ``00000012.png`` (or ``.jpg``), ``00000012.cls`` (the class's
number) and ``00000012.json`` (its name, source and style). The webdataset package reads these
files; `Shards` reads them without it.
"""

from __future__ import annotations

import io
import json
import re
import tarfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import IterableDataset, get_worker_info

from texshape.data import pictures
from texshape.errors import InputError
from texshape.files import atomic_path

_PLAIN = re.compile(r"[\w-]+\.\w+")  # a sample's key and what part it is


def write(path: str | Path, samples: Iterable[tuple[int, dict[str, bytes]]]) -> int:
    """Write a shard, atomically; the same samples give the same bytes.

    Parameters
    ----------
    path : str or Path
    samples : iterable of (int, dict of str to bytes)
        The image's number over all shards, and its members by suffix.

    Returns
    -------
    int
        Number of samples.

    Raises
    ------
    InputError
        If the disk is full or the folder cannot be written; nothing is left behind.
    """
    count = 0
    with (
        atomic_path(path) as temporary,
        tarfile.open(temporary, "w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for number, members in samples:
            for suffix, content in members.items():
                entry = tarfile.TarInfo(f"{number:08d}.{suffix}")
                entry.size, entry.mode = len(content), 0o644
                archive.addfile(entry, io.BytesIO(content))
            count += 1
    return count


def read(path: str | Path) -> Iterator[dict[str, Any]]:
    """Read a shard's samples in order: ``__key__`` and the members' bytes by suffix.

    Raises
    ------
    InputError
        If the file is missing, truncated, or no tar, or holds anything but plain files by plain
        names: a link, a folder, a sparse file (whose size its bytes do not bound), a path.
    """
    sample: dict[str, Any] = {}
    try:
        with open(path, "rb") as raw:  # tarfile takes a cut between two members for the end
            raw.seek(0, io.SEEK_END)
            raw.seek(max(0, raw.tell() - 1024))
            if raw.read() != bytes(1024):
                raise tarfile.ReadError("its end is missing")
        with tarfile.open(path, "r:") as archive:
            for entry in archive:
                key, _, suffix = entry.name.partition(".")
                if sample and key != sample["__key__"]:
                    yield sample
                    sample = {}
                if not entry.isreg() or entry.issparse() or not _PLAIN.fullmatch(entry.name):
                    raise tarfile.ReadError(f"member {entry.name!r} is no plain file of a sample")
                data = archive.extractfile(entry).read()
                if len(data) != entry.size:
                    raise tarfile.ReadError("unexpected end of data")
                sample["__key__"], sample[suffix] = key, data
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (tarfile.TarError, OSError, ValueError, OverflowError) as error:
        raise InputError(f"{path}: not a whole tar file ({error})") from None
    if sample:
        yield sample


def decode(sample: dict[str, Any]) -> tuple[np.ndarray, int, dict[str, Any]]:
    """Pixels (H, W, 3) uint8, class number and description of a sample.

    Raises
    ------
    InputError
        If a part is missing or damaged, or the image is larger than Pillow's limit.
    """
    from PIL import Image

    where = f"sample {sample['__key__']}"
    suffix = next((name for name in ("png", "jpg") if name in sample), None)
    if suffix is None:
        raise InputError(f"{where}: holds no image")
    try:
        most = Image.MAX_IMAGE_PIXELS / 1e6
        pixels = np.asarray(pictures.read(where, sample[suffix], max_megapixels=most))
        return pixels, int(sample["cls"]), json.loads(sample["json"])
    except pictures.TooLarge:
        raise InputError(f"{where}: an image of over {Image.MAX_IMAGE_PIXELS} pixels") from None
    except InputError as error:
        raise InputError(f"{where}: damaged ({str(error).removeprefix(f'{where}: ')})") from None
    except KeyError as error:
        raise InputError(f"{where}: lacks its part {error}") from None
    except ValueError as error:
        raise InputError(f"{where}: damaged ({error})") from None


class Shards(IterableDataset):
    """Images of shards for a `DataLoader`; each worker and each process reads shards of its own.

    Parameters
    ----------
    paths : sequence of path
    transform : callable, optional
        Pixels (H, W, 3) uint8 to whatever is wanted; by default a tensor (3, H, W).
    shuffle : int
        Samples held back to be given out in random order; 0 keeps the order of the files.
    seed : int
        Of that order, together with the epoch set by `set_epoch`.
    rank, world_size : int
        This process among those of a distributed training.
    """

    def __init__(
        self,
        paths: Sequence[str | Path],
        *,
        transform: Callable[[np.ndarray], Any] | None = None,
        shuffle: int = 0,
        seed: int = 0,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        self.paths = [Path(path) for path in paths]
        self.transform = transform or _tensor
        self.shuffle, self.seed, self.epoch = shuffle, seed, 0
        self.rank, self.world_size = rank, world_size

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of an epoch."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[tuple[Any, int]]:
        worker = get_worker_info()
        parts = self.world_size * (worker.num_workers if worker else 1)
        part = self.rank * (worker.num_workers if worker else 1) + (worker.id if worker else 0)
        order = list(range(len(self.paths)))
        if self.shuffle:
            order = list(np.random.default_rng([self.seed, self.epoch]).permutation(order))
        samples = (sample for place in order[part::parts] for sample in read(self.paths[place]))
        if self.shuffle:
            samples = _shuffled(
                samples, self.shuffle, np.random.default_rng([self.seed, self.epoch, part])
            )
        for sample in samples:
            pixels, label, _ = decode(sample)
            yield self.transform(pixels), label


def _tensor(pixels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.array(pixels)).permute(2, 0, 1)


def _shuffled(samples: Iterator[Any], held: int, rng: np.random.Generator) -> Iterator[Any]:
    """Give out a random one of those held back, and put the next in its place."""
    waiting: list[Any] = []
    for sample in samples:
        if len(waiting) < held:
            waiting.append(sample)
            continue
        place = rng.integers(held)
        yield waiting[place]
        waiting[place] = sample
    yield from (waiting[place] for place in rng.permutation(len(waiting)))
