"""Throughput of AdaIN: batched against a loop over single images, in one run, as JSON.

    python benchmarks/stylization.py --encoder vgg19-random --size 224 --images 16 --batch 8

`vgg19-random` is the papers' architecture with random weights: its cost is theirs, whatever the
weights. `network_share` is the share of the batched time that encoder and decoder alone take for
the same batches, already on the device as floats.
"""

from __future__ import annotations

import argparse
import json
import platform
import time

import numpy as np
import torch

from texshape.compute import prepare
from texshape.devices import select_device
from texshape.stylize.decoders import PUBLISHED_PLAN, Decoder, mirror_plan
from texshape.stylize.encoders import Vgg19, load
from texshape.stylize.engines import AdaIN
from texshape.stylize.pixels import to_float
from texshape.stylize.settings import EncoderSettings

LAYERS = {"random-pyramid": "all", "efficientnet-lite0": "expand2", "vgg19-random": "relu4_1"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--encoder", default="efficientnet-lite0", choices=list(LAYERS))
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--images", type=int, default=32)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args()
    prepare(chosen.threads)
    print(json.dumps(measure(chosen), indent=1))


def measure(chosen: argparse.Namespace) -> dict[str, object]:
    """Times are the least of the repeats: what the machine can do when others leave it alone."""
    device = select_device()
    layer = LAYERS[chosen.encoder]
    if chosen.encoder == "vgg19-random":
        encoder, plan = Vgg19(), PUBLISHED_PLAN
    else:
        encoder = load(EncoderSettings(name=chosen.encoder))
        plan = mirror_plan(encoder.layers[layer].channels, encoder.layers[layer].stride, 64)
    decoder = Decoder(plan).eval().requires_grad_(False)
    encoder.to(device)
    decoder.to(device, memory_format=torch.channels_last)
    engine = AdaIN(encoder, decoder, layer)
    rng = np.random.default_rng(0)
    shape = (chosen.images, chosen.size, chosen.size, 3)
    contents, styles = (rng.integers(0, 256, shape, dtype=np.uint8) for _ in range(2))

    def stylize(size: int) -> None:
        for begin in range(0, chosen.images, size):
            engine.stylize(contents[begin : begin + size], styles[begin : begin + size])

    prepared = [
        (to_float(contents[b : b + chosen.batch]).to(device),
         to_float(styles[b : b + chosen.batch]).to(device))
        for b in range(0, chosen.images, chosen.batch)
    ]  # fmt: skip

    @torch.inference_mode()
    def networks() -> None:
        for content, style in prepared:
            features = engine.encode(content)
            engine.encode(style)
            decoder(features)

    tasks = {
        "batched": lambda: stylize(chosen.batch),
        "single": lambda: stylize(1),
        "networks": networks,
    }
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    for name in tasks:  # once for caches and memory
        tasks[name]()
    for _ in range(chosen.repeats):
        for name, task in tasks.items():  # in turn, so that a busy minute strikes all
            begin = time.perf_counter()
            task()
            if device.type == "cuda":
                torch.cuda.synchronize()
            seconds[name].append(time.perf_counter() - begin)
    least = {name: min(values) for name, values in seconds.items()}
    return {
        "encoder": chosen.encoder,
        "device": torch.cuda.get_device_name(0) if device.type == "cuda" else platform.machine(),
        "threads": chosen.threads,
        "size": chosen.size,
        "images": chosen.images,
        "batch": chosen.batch,
        "images_per_second": chosen.images / least["batched"],
        "images_per_second_single": chosen.images / least["single"],
        "speedup": least["single"] / least["batched"],
        "network_share": least["networks"] / least["batched"],
    }


if __name__ == "__main__":
    main()
