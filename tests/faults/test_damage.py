"""Files cut short, or in which one bit turned: noticed, named, and made again where they are ours."""

from __future__ import annotations

import hashlib
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from texshape import files
from texshape.data import download, imageset
from texshape.errors import InputError
from texshape.features.extract import extract
from texshape.features.stored import stored
from texshape.models.network import Network
from texshape.models.preprocessing import Own, preprocess
from texshape.stylize import shards, tar

ROUNDS = 150  # damaged copies of each file


def damaged(content: bytes, seed: int) -> Iterator[bytes]:
    """Copies in which one bit is turned, at random places, and copies cut short."""
    draws = np.random.default_rng(seed)
    for number in range(ROUNDS):
        place = int(draws.integers(len(content)))
        if number % 5 == 0:
            yield content[:place]
        else:
            flipped = bytearray(content)
            flipped[place] ^= 1 << int(draws.integers(8))
            yield bytes(flipped)


def survivors(path: Path, read, expected, seed: int = 0) -> int:
    """How many damaged copies of a file are read without complaint; each must give the same content.

    Every complaint is one line that names the file.
    """
    content, quiet = path.read_bytes(), 0
    for copy in damaged(content, seed):
        path.write_bytes(copy)
        try:
            found = read(path)
        except InputError as error:
            if path.name.split(".")[0] not in str(error):
                raise
            continue
        assert expected(found), "damage went by unnoticed and changed the content"
        quiet += 1
    path.write_bytes(content)
    assert expected(read(path))
    return quiet


def test_checkpoints(tmp_path: Path) -> None:
    from texshape.models import trainable
    from texshape.training import checkpoints

    path = tmp_path / "final.pt"
    checkpoints.write(
        path, trainable.build("rf9", classes=3), architecture="rf9", classes=["a", "b", "c"],
        image_size=16, training={}, seed=0, epoch=1, step=1,
    )  # fmt: skip
    whole = checkpoints.read(path)

    def same(found: dict) -> bool:
        states = found["state"], whole["state"]
        return (
            states[0].keys() == states[1].keys()
            and all(torch.equal(states[0][name], states[1][name]) for name in states[1])
            and {**found, "state": 0} == {**whole, "state": 0}
        )

    quiet = survivors(path, checkpoints.read, same)
    assert quiet < 0.1 * ROUNDS  # only padding and file attributes may turn without harm


def test_an_archive_of_maps(tmp_path: Path) -> None:
    path = tmp_path / "influence.npz"
    array = np.random.default_rng(0).random((20, 20))
    with files.atomic_path(path) as temporary:
        np.savez_compressed(temporary, maps=array)
    assert survivors(path, files.read_npz, lambda found: _equal(found, array)) < 0.2 * ROUNDS


def _equal(found: dict[str, np.ndarray], array: np.ndarray) -> bool:
    return list(found) == ["maps"] and np.array_equal(found["maps"], array)


def features(folder: Path) -> Path:
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.Flatten())
    network = Network(
        name="test", slug="test--random", module=module.eval(), input_size=16,
        preprocess=preprocess(Own(16, mean=(0.0,) * 3, std=(1.0,) * 3)), stages={"stem": "0"},
    )  # fmt: skip
    shown = np.random.default_rng(0).integers(0, 256, (6, 16, 16, 3), dtype=np.uint8)
    extract(network, shown, folder)
    return folder


def test_feature_arrays_are_named_and_made_again(tmp_path: Path) -> None:
    folder = features(tmp_path / "features")
    path = folder / "activations.npy"
    whole = np.load(path)[:, :4]

    def read(_: Path) -> np.ndarray:
        (one,) = stored(folder, ["pooled"], 6)
        return np.array(one.array)

    assert survivors(path, read, lambda found: np.array_equal(found, whole)) == 0
    path.write_bytes(path.read_bytes()[:-4] + b"\0\0\0\1")
    with pytest.raises(InputError, match=r"activations\.npy: damaged, its SHA-256"):
        read(path)
    features(folder)
    assert np.array_equal(read(path), whole)


def test_a_set_that_lost_its_end_or_its_header(tmp_path: Path) -> None:
    """Pixels have no check sum (`texshape verify` has): what is read must at least be a whole set."""
    from tests.faults.test_training_faults import write_set

    stem = write_set(tmp_path / "train-plain", count=3, side=4)
    path = Path(f"{stem}.images.npy")
    size = imageset.read(stem).images.size

    def whole(found: imageset.ImageSet) -> bool:
        return found.images.size == size and found.images.dtype == np.uint8

    quiet = survivors(path, lambda _: imageset.read(stem), whole)
    assert quiet < ROUNDS // 2 + 50


def make_shard(folder: Path, number: int, total: int) -> str:
    draws = np.random.default_rng(number)
    stem = f"{folder}/part-{number}"
    if total == 1:
        members = {"png": b"\x89PNG", "cls": b"3", "json": b"{}"}
        tar.write(f"{stem}.tar", [(0, members)])
        names = [f"part-{number}.tar"]
    else:
        pixels = draws.integers(0, 256, (2, 4, 4, 3), dtype=np.uint8)
        labels = pd.DataFrame({name: ["disc", "star"] for name in imageset.LABEL_COLUMNS})
        imageset.write(stem, imageset.ImageSet(pixels, labels))
        names = [path.name for path in imageset.paths(stem, masks=False)]
    manifest = pd.DataFrame([dict.fromkeys(shards.MANIFEST_COLUMNS, 1)] * 2)
    files.write_csv(f"{stem}.manifest.csv", manifest)
    shards.finish(stem, names, "request", shards.Shard(number, total), 2, [])
    return stem


@pytest.mark.parametrize("suffix", ["images.npy", "labels.csv", "manifest.csv", "shard.json"])
def test_shards_of_a_set(tmp_path: Path, suffix: str) -> None:
    stems = [make_shard(tmp_path, number, 2) for number in range(2)]
    path = tmp_path / f"part-1.{suffix}"
    about = json.loads((tmp_path / "part-1.shard.json").read_text())

    def merge(_: Path) -> dict[str, str]:
        if suffix != "shard.json":
            assert not shards.is_done(stems[1], "request")  # so that the step makes it again
        shards.merge(stems, tmp_path / "all", log=lambda line: None)
        return {p.name: files.file_sha256(p) for p in tmp_path.glob("all.*")}

    content = path.read_bytes()
    for copy in damaged(content, 1):
        path.write_bytes(copy)
        if suffix == "shard.json":
            shards.is_done(stems[1], "request")  # yes or no, and no exception
            continue
        with pytest.raises(InputError, match=rf"part-1\.{suffix}: missing or damaged"):
            merge(path)
    assert not list(tmp_path.glob("all.*"))
    path.write_bytes(content)
    assert shards.is_done(stems[1], "request")
    assert about["files"] == list(about["sha256"])
    shards.merge(stems, tmp_path / "all", log=lambda line: None)
    assert len(imageset.read(tmp_path / "all")) == 4


def test_a_shard_of_a_folder(tmp_path: Path) -> None:
    stem = make_shard(tmp_path, 0, 1)
    path = Path(f"{stem}.tar")
    content = path.read_bytes()
    for copy in damaged(content, 2):
        path.write_bytes(copy)
        assert not shards.is_done(stem, "request")
        with pytest.raises(InputError, match=r"part-0\.tar: missing or damaged"):
            shards.merge([stem], tmp_path / "all", log=lambda line: None)
        try:  # its reader has only the checks of the format: whole, or one line
            list(tar.read(path))
        except InputError as error:
            if "part-0.tar" not in str(error):
                raise


# --- the network ---------------------------------------------------------------------------------

DATA = bytes(range(256)) * 2000


class Crooked(http.server.BaseHTTPRequestHandler):
    """Serves DATA in the way that the path's first word says."""

    def do_GET(self) -> None:
        mode, asked = self.path.split("/")[1], self.headers.get("Range")
        self.server.requests.append(asked)
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        body = DATA[start:]
        kind = {"mislabelled": "text/plain", "page": "application/octet-stream"}.get(mode, "x/y")
        if mode == "page":
            body = b"\n <!DOCTYPE HTML><title>Please sign in</title>"
        if mode == "flipped" and not asked:
            body = bytes([body[0] ^ 1]) + body[1:]
        self.send_response(206 if asked else 200)
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{len(DATA) - 1}/{len(DATA)}")
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if mode == "hang" and (not asked or self.server.stubborn):
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            self.server.release.wait(20)  # longer than the client waits
        elif mode == "slow":
            for begin in range(0, len(body), len(body) // 8):
                self.wfile.write(body[begin : begin + len(body) // 8])
                self.wfile.flush()
                self.server.release.wait(0.1)
        else:
            self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[http.server.ThreadingHTTPServer]:
    monkeypatch.delenv(download.MIRROR, raising=False)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Crooked) as running:
        running.daemon_threads = True
        running.requests, running.stubborn = [], False
        running.release = threading.Event()
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.release.set()
        running.shutdown()


def bring(server: http.server.ThreadingHTTPServer, mode: str, folder: Path, **options) -> Path:
    options = {"timeout": 0.5, "backoff": 0.01, "retries": 2} | options
    return download.fetch(
        f"http://127.0.0.1:{server.server_port}/{mode}/data.bin",
        hashlib.sha256(DATA).hexdigest(), folder / "data.bin", quiet=True, **options,
    )  # fmt: skip


def test_half_a_file_then_silence_is_continued(server, tmp_path: Path) -> None:
    assert bring(server, "hang", tmp_path).read_bytes() == DATA
    first, second = server.requests
    assert first is None
    begun = int(second.removeprefix("bytes=").rstrip("-"))
    assert 0 <= len(DATA) // 2 - begun < download.BLOCK


def test_a_server_that_always_falls_silent_ends_in_one_line(server, tmp_path: Path) -> None:
    server.stubborn = True
    with pytest.raises(InputError, match=r"after 2 tries .*bytes are kept for the next try"):
        bring(server, "hang", tmp_path, retries=1)
    assert [path.name for path in tmp_path.iterdir()] == ["data.bin.part"]
    assert DATA.startswith((tmp_path / "data.bin.part").read_bytes())
    server.stubborn = False
    assert bring(server, "hang", tmp_path).read_bytes() == DATA


def test_a_slow_server_is_waited_for_as_long_as_bytes_come(server, tmp_path: Path) -> None:
    assert bring(server, "slow", tmp_path).read_bytes() == DATA
    assert server.requests == [None]


def test_a_wrong_content_type_does_not_matter_where_the_bytes_are_right(server, tmp_path) -> None:
    assert bring(server, "mislabelled", tmp_path).read_bytes() == DATA


@pytest.mark.parametrize(
    ("mode", "line"), [("page", "web page"), ("flipped", "wrong check sum; expected SHA-256")]
)
def test_a_page_called_data_and_a_bit_that_turned(server, tmp_path: Path, mode, line) -> None:
    with pytest.raises(InputError, match=line) as error:
        bring(server, mode, tmp_path)
    assert f"/{mode}/data.bin" in str(error.value)
    assert not list(tmp_path.iterdir())


def test_a_downloaded_file_that_is_damaged_later_is_brought_again(server, tmp_path: Path) -> None:
    path = bring(server, "plain", tmp_path)
    for copy in damaged(DATA, 3):
        path.write_bytes(copy)
        assert bring(server, "plain", tmp_path).read_bytes() == DATA
    assert len(server.requests) == 1 + ROUNDS
