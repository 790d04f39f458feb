"""Activations: what is pooled, what is written, and what it costs in memory."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from texshape.errors import InputError
from texshape.features.extract import activations, extract, pixel_baseline
from texshape.features.stored import STAGE_COLUMNS, merge, stored
from texshape.models.loading import load
from texshape.models.network import Network
from texshape.models.preprocessing import Own, preprocess
from texshape.shards import Shard


def network_of(module, stages, size=16):
    plain = Own(size, mean=(0.0,) * 3, std=(1.0,) * 3)
    return Network(
        name="test",
        slug="test--random",
        module=module.eval().requires_grad_(False),
        input_size=size,
        preprocess=preprocess(plain),
        stages=stages,
    )


def images(count, size=16, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


class Tokens(nn.Module):
    """A class token, then the pixels' means over 4x4 patches as tokens."""

    num_prefix_tokens = 1
    cls_token = torch.zeros(1)

    def __init__(self):
        super().__init__()
        self.block = nn.Identity()

    def forward(self, x):
        patches = nn.functional.avg_pool2d(x, 4).flatten(2).transpose(1, 2)
        first = torch.full_like(patches[:, :1], 7.0)
        return self.block(torch.cat([first, patches], 1))[:, 0]


def test_pooled_maps_are_means_over_space():
    shown = images(5)
    network = network_of(nn.Sequential(nn.Identity(), nn.Flatten()), {"stem": "0"})
    found = activations(network, shown, batch_size=2)
    assert found["stem"].dtype == np.float32
    assert np.allclose(found["stem"], shown.mean((1, 2)) / 255, atol=1e-5)
    maps = activations(network, shown, pool=False, batch_size=3)["stem"]
    assert np.allclose(maps, shown.transpose(0, 3, 1, 2) / 255, atol=1e-6)


def test_class_token_and_mean_patch_token_are_apart():
    shown = images(3)
    network = network_of(Tokens(), {"block01": "block"})
    found = activations(network, shown)
    assert np.allclose(found["block01.cls"], 7)
    assert np.allclose(found["block01"], shown.mean((1, 2)) / 255, atol=1e-5)
    maps = activations(network, shown, pool=False)["block01"]
    assert maps.shape == (3, 3, 4, 4)
    expected = shown.reshape(3, 4, 4, 4, 4, 3).mean((2, 4)).transpose(0, 3, 1, 2) / 255
    assert np.allclose(maps, expected, atol=1e-5)


def test_what_a_later_layer_overwrites_is_kept_as_it_was():
    shown = images(2)
    module = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(inplace=True), nn.Flatten())
    network = network_of(module, {"before": "0", "after": "1"})
    found = activations(network, shown, pool=False)
    assert found["before"].min() < 0
    assert np.allclose(np.maximum(found["before"], 0), found["after"])


def test_files_agree_with_memory_and_the_table_with_the_files(tmp_path):
    shown = images(7, size=48)
    network = load("timm:vit_tiny_patch16_224", weights=False)
    table = extract(
        network, shown, tmp_path, ["block01", "block12"], spatial=["block12"], batch_size=3
    )
    found = activations(network, shown, ["block01", "block12"], batch_size=7, pixels=True)
    written = pd.read_csv(tmp_path / "stages.csv")
    assert list(written.columns) == STAGE_COLUMNS
    assert written.fillna({"module": ""}).drop(columns="sha256").to_dict("records") == table
    assert sorted(path.name for path in tmp_path.iterdir()) == ["activations.npy", "stages.csv"]
    kinds = ("pooled", "cls", "spatial", "pixels")
    assert set(written["input"]) == set(kinds)
    parts = {part.name: part.array for part in stored(tmp_path, kinds, 7)}
    assert set(parts) == {*found, "block12.spatial"}
    for name, values in found.items():
        assert parts[name].dtype == np.float32
        assert np.allclose(parts[name], values, atol=1e-5)
    maps = activations(network, shown, ["block12"], pool=False, batch_size=7)
    assert parts["block12.spatial"].shape == (7, 192, 14, 14)
    assert np.allclose(parts["block12.spatial"], maps["block12"], atol=1e-5)


def shard_of(tmp_path, number, total, shown, **changes):
    module = nn.Sequential(nn.Conv2d(3, 5, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    torch.manual_seed(0)
    nn.init.normal_(module[0].weight)
    nn.init.zeros_(module[0].bias)
    folder = tmp_path / f"{number}-of-{total}"
    options = {"batch_size": 3, "spatial": ["stem"], **changes}
    part = None if total == 0 else Shard(number, total)
    extract(network_of(module, {"stem": "1"}), shown, folder, shard=part, **options)
    return folder


@pytest.mark.parametrize("total", [1, 2, 3, 7])
def test_shards_in_any_order_join_to_the_bytes_of_one_pass(tmp_path, total):
    shown = images(20)
    whole = shard_of(tmp_path, 0, 0, shown)
    parts = [shard_of(tmp_path, number, total, shown) for number in range(total)]
    sizes = [np.load(part / "activations.npy", mmap_mode="r").shape[0] for part in parts]
    assert sum(sizes) == 20
    assert max(sizes) - min(sizes) <= 3  # each takes its share, to a batch
    order = np.random.default_rng(total).permutation(total)
    assert merge([parts[number] for number in order], tmp_path / "joined") == 20
    for name in ("activations.npy", "stages.csv"):
        assert (tmp_path / "joined" / name).read_bytes() == (whole / name).read_bytes()


def test_shards_that_do_not_belong_together_are_not_joined(tmp_path):
    shown = images(12)
    first, second = (shard_of(tmp_path, number, 2, shown) for number in range(2))
    with pytest.raises(InputError, match="shard 1 of 2 is missing"):
        merge([first], tmp_path / "joined")
    with pytest.raises(InputError, match="shard 0 is given twice"):
        merge([first, first], tmp_path / "joined")
    with pytest.raises(InputError, match=r"0-of-3/shard\.json: is a shard of .*'total': 3"):
        merge([second, shard_of(tmp_path, 0, 3, shown)], tmp_path / "joined")
    with pytest.raises(InputError, match=r"stages\.csv: lists other features"):
        merge([first, shard_of(tmp_path, 1, 2, shown, spatial=())], tmp_path / "joined")
    (first / "shard.json").write_text("{}")
    with pytest.raises(InputError, match=r"shard\.json: does not say which shard"):
        merge([first, second], tmp_path / "joined")
    (first / "shard.json").unlink()
    with pytest.raises(InputError, match=r"shard\.json: no such file; the shard is not done"):
        merge([first, second], tmp_path / "joined")
    assert not (tmp_path / "joined").exists()
    with pytest.raises(
        InputError, match="shard 0 of 5: has no image; 12 images are 4 batches of 3"
    ):
        shard_of(tmp_path, 0, 5, shown)


def test_pixels_are_at_most_32_wide():
    shown = images(2, size=48)
    assert pixel_baseline(shown).shape == (2, 3 * 32 * 32)
    small = images(2, size=16)
    expected = small.transpose(0, 3, 1, 2).reshape(2, -1) / 255
    assert np.allclose(pixel_baseline(small), expected, atol=1e-6)
    flat = np.full((1, 224, 224, 3), 51, np.uint8)
    assert np.allclose(pixel_baseline(flat), 0.2)


def test_nothing_is_left_of_a_pass_that_fails(tmp_path):
    class Fails(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Identity()
            self.calls = 0

        def forward(self, x):
            self.calls += 1
            if self.calls > 1:
                raise RuntimeError("broken")
            return self.first(x).mean((2, 3))

    network = network_of(Fails(), {"stem": "first"})
    with pytest.raises(RuntimeError, match="broken"):
        extract(network, images(6), tmp_path / "features", batch_size=2)
    assert list((tmp_path / "features").iterdir()) == []


def test_errors_name_the_stage():
    network = network_of(
        nn.Sequential(nn.Identity(), nn.AdaptiveAvgPool2d(1), nn.Flatten()), {"stem": "0"}
    )
    with pytest.raises(InputError, match=r"stage 'steem' does not exist.*stem"):
        activations(network, images(1), ["steem"])
    with pytest.raises(InputError, match="stage '2': gives a vector of 3 units and no map"):
        activations(network, images(1), ["2"], pool=False)
    assert activations(network, images(1), ["2"])["2"].shape == (1, 3)
    network.module.train()
    with pytest.raises(InputError, match="training mode"):
        activations(network, images(1))


def test_a_submodule_that_is_not_called_is_an_error():
    module = nn.Sequential(nn.Flatten())
    module.unused = nn.Linear(2, 2)
    module.forward = lambda x: x.flatten(1)
    with pytest.raises(InputError, match="'unused' is not called"):
        activations(network_of(module, {"a": "unused"}), images(1))


PEAK = """
import re, sys
from pathlib import Path
from texshape import compute
compute.prepare(1)
import numpy as np
from torch import nn
from texshape.features.extract import extract
from texshape.models.network import Network
from texshape.models.preprocessing import Own, preprocess

module = nn.Sequential(nn.AvgPool2d(4), nn.Flatten()).eval()
network = Network("test", "test--random", module, 224, preprocess(Own(224)), stages={"stem": "0"})
shown = np.load(sys.argv[1], mmap_mode="r")
extract(network, shown[:8], sys.argv[2], spatial=["stem"], batch_size=8)

# of this program alone: getrusage's peak is inherited from the process that started it
def peak():
    status = Path("/proc/self/status").read_text()
    return 1024 * int(re.search(r"VmHWM:\\s+(\\d+) kB", status)[1])

before = peak()
extract(network, shown, sys.argv[2], spatial=["stem"], batch_size=8)
print(peak() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_memory_does_not_grow_with_the_number_of_images(tmp_path):
    grown = {}
    for count in (100, 1500):
        path = tmp_path / f"{count}.npy"
        np.save(path, images(count, size=224))
        done = subprocess.run(
            [sys.executable, "-c", PEAK, path, tmp_path / "out"],
            capture_output=True,
            text=True,
            check=True,
        )
        grown[count] = int(done.stdout.splitlines()[-1])
    assert grown[1500] > 0
    # 200 MB more are read and 50 MB more are written: kept, either would show. Between two runs of the same
    # program peaks differ by up to 18 MB.
    assert (tmp_path / "out/activations.npy").stat().st_size > 50 * 2**20
    assert grown[1500] - grown[100] < 32 * 2**20
