"""Ten ImageNet classifiers in ONNX files: each loads by its card and recognises the photographs that it should.

Whoever converted the files counted how many of 1,000 photographs, one a class, each network names right. The
mirror has 65 of these photographs. Their number of right answers may differ from that share by chance, by three
and a half standard errors at most; a wrong mean, a wrong order of channels or outputs moved by one is far away.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from texshape.models import imagenet
from texshape.models.loading import load

pytest.importorskip("onnx2torch")
CARDS = Path(__file__).parents[2] / "experiments" / "networks"
# Network of a card in experiments/networks, and the share of the 1,000 photographs that it names right.
NETWORKS = {
    "mobilenet_v1_0.25_128": 0.466,
    "mobilenet_v1_0.5_160": 0.694,
    "mobilenet_v1_0.75_192": 0.814,
    "mobilenet_v1_1.0_224_joined": 0.887,
    "mobilenet_v2_1.0_224": 0.882,
    "tf2_mobilenet_v2_1.0_224_ptq": 0.895,
    "squeezenet_v1.0_dc_227": 0.623,
    "mcunet_5fps_128": 0.616,
    "proxylessnas_w0.3_128": 0.538,
    "mobilenet_v2_0.35_128_tt": 0.503,
}


def test_every_card_is_of_a_network_that_is_tested() -> None:
    assert {path.stem for path in CARDS.glob("*.yaml")} == set(NETWORKS)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_recognises_as_many_photographs_as_it_should(
    mirror: Path, tmp_path: Path, name: str
) -> None:
    file = mirror / "networks" / f"{name}.onnx"
    if not file.exists():
        pytest.skip("this mirror has no networks")
    photographs = sorted((mirror / "github/EliSchwartz/imagenet-sample-images").rglob("*.JPEG"))
    assert len(photographs) >= 50
    card = tmp_path / f"{name}.yaml"
    card.write_bytes((CARDS / card.name).read_bytes())
    (tmp_path / file.name).symlink_to(file)
    network = load(str(card), settings={"preprocessing": "crop-0.875"})
    assert network.outputs == 1000
    assert len(network.classes) == 16
    assert len(network.stages) >= 4
    right = 0
    for path in photographs:
        with Image.open(path) as picture:
            pixels = torch.from_numpy(np.array(picture.convert("RGB"))).permute(2, 0, 1)
        with torch.no_grad():
            found = int(network.module(network.preprocess(pixels[None])).argmax())
        right += imagenet.wordnet_ids()[found] == path.name.partition("_")[0]
    share = NETWORKS[name]
    error = math.sqrt(share * (1 - share) / len(photographs))
    print(f"{name}: {right} of {len(photographs)}")
    assert abs(right / len(photographs) - share) < 3.5 * error
