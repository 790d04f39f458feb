"""How many photographs a second the host can hand to a GPU, by the way in which they are stored.

    python -m benchmarks --part feeding --photographs FOLDER

Each way gives random batches of 224 px from the same photographs, by random resized crops where it has the
whole of them. Processor time is of one thread; `by_threads` is what threads hand over by the clock, through
`texshape.ahead`, which trainings on a GPU use.
"""

from __future__ import annotations

import argparse
import io
import os
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.timing import cpu

SIDE, SHORTER = 224, 256
BATCH = 64
# Images a second that a GPU takes in training ResNet-50 in mixed precision (sources: docs/performance.md).
EATEN = {"A100": 2470, "H100": 7000}
_SMALLEST_AREA = 0.08


def feeding(options: argparse.Namespace) -> dict[str, Any]:
    """Bytes and processor time of an image, by the way in which photographs are stored."""
    if options.photographs is None:
        return {"skipped": "needs --photographs FOLDER"}
    from texshape import compute

    compute.prepare(1)
    from texshape.data.photographs import list_images

    files = [source.path for source in list_images(options.photographs)]
    count = max(1, round(4 * options.scale))
    rows, gathers = [], {}
    for name, way in WAYS.items():
        size, gather = way(files)
        gather(0)
        seconds = [cpu(lambda gather=gather, k=k: gather(k)) / BATCH for k in range(1, count + 1)]
        each = statistics.median(seconds)
        gathers[name] = gather
        rows.append(
            {"way": name, "bytes": size, "milliseconds": 1000 * each, "per_core_second": 1 / each}
            | {f"cores_for_{gpu.lower()}": eaten * each for gpu, eaten in EATEN.items()}
        )
    threads = [t for t in (1, 2, 4, 8, 16) if t <= (os.cpu_count() or 1)]
    return {
        "photographs": len(files),
        "ways": rows,
        "by_threads": {
            name: {str(t): _by_clock(gather, t, 4 * count) for t in threads}
            for name, gather in gathers.items()
        },
    }


def _by_clock(gather: Callable[[int], object], threads: int, batches: int) -> float:
    from texshape.ahead import ahead

    begin = time.perf_counter()
    with ahead(gather, range(batches), workers=threads) as made:
        for _ in made:
            pass
    return batches * BATCH / (time.perf_counter() - begin)


def _chosen(number: int, of: int) -> np.ndarray:
    return np.random.default_rng(number).integers(0, of, BATCH)


def _mapped(images: np.ndarray) -> Callable[[int], object]:
    """Rows of an array that lies in the page cache, as `LabelledImages.take` copies them for a GPU."""
    import torch

    stored = torch.from_numpy(images)

    def gather(number: int) -> object:
        rows = torch.from_numpy(_chosen(number, len(stored)))
        return torch.index_select(
            stored, 0, rows, out=torch.empty((BATCH, *stored.shape[1:]), dtype=torch.uint8)
        )

    return gather


def _repeated(images: Sequence[np.ndarray]) -> np.ndarray:
    """More than the processor's caches hold."""
    several = np.stack(images)
    return np.concatenate([several] * max(1, -(-(1 << 28) // several.nbytes)))


def squares(files: Sequence[Path]) -> tuple[float, Callable[[int], object]]:
    """Central squares, as sets are kept now; the GPU crops them further."""
    from texshape.config.images import ImageSettings
    from texshape.data.photographs import read_square

    settings = ImageSettings(resize=SHORTER, crop=SIDE)
    images = _repeated([read_square(path, settings) for path in files])
    return float(images[0].nbytes), _mapped(images)


def squeezed(files: Sequence[Path]) -> tuple[float, Callable[[int], object]]:
    """Whole photographs squeezed into squares of one size; the GPU crops and stretches them again."""
    from PIL import Image

    from texshape.data import pictures

    images = _repeated(
        [
            np.asarray(pictures.read(path).resize((SHORTER, SHORTER), Image.Resampling.BILINEAR))
            for path in files
        ]
    )
    return float(images[0].nbytes), _mapped(images)


def _decoded(contents: Sequence[bytes]) -> Callable[[int], object]:
    from PIL import Image

    def gather(number: int) -> object:
        rng = np.random.default_rng(number)
        batch = np.empty((BATCH, SIDE, SIDE, 3), np.uint8)
        for place, row in enumerate(_chosen(number, len(contents))):
            image = Image.open(io.BytesIO(contents[row])).convert("RGB")
            box = _crop(*image.size, rng)
            batch[place] = image.resize((SIDE, SIDE), Image.Resampling.BILINEAR, box=box)
        return batch

    return gather


def _crop(width: int, height: int, rng: np.random.Generator) -> tuple[float, float, float, float]:
    """A random resized crop of the whole photograph (torchvision's recipe): left, top, right, bottom."""
    for _ in range(10):
        area = width * height * rng.uniform(_SMALLEST_AREA, 1)
        ratio = np.exp(rng.uniform(np.log(3 / 4), np.log(4 / 3)))
        w, h = np.sqrt(area * ratio), np.sqrt(area / ratio)
        if w <= width and h <= height:
            left, top = rng.uniform(0, width - w), rng.uniform(0, height - h)
            return left, top, left + w, top + h
    return 0, 0, width, height


def originals(files: Sequence[Path]) -> tuple[float, Callable[[int], object]]:
    """The files as they came."""
    contents = [path.read_bytes() for path in files]
    return statistics.mean(map(len, contents)), _decoded(contents)


def shards(files: Sequence[Path]) -> tuple[float, Callable[[int], object]]:
    """Whole photographs with a shorter side of 256 px, as JPEG of quality 90."""
    from PIL import Image

    from texshape.data import pictures

    contents = []
    for path in files:
        image = pictures.read(path)
        scale = SHORTER / min(image.size)
        small = image.resize(
            [round(scale * side) for side in image.size], Image.Resampling.BILINEAR
        )
        buffer = io.BytesIO()
        small.save(buffer, "JPEG", quality=90)
        contents.append(buffer.getvalue())
    return statistics.mean(map(len, contents)), _decoded(contents)


WAYS = {
    "mapped squares of 224 px": squares,
    "mapped whole, squeezed to 256 px": squeezed,
    "encoded whole, shorter side 256 px": shards,
    "encoded whole, as they came": originals,
}
