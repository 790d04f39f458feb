"""Files by strangers: code in pickles, members that leave their folder, bombs, tags. Refused in one line."""

from __future__ import annotations

import ast
import io
import os
import tarfile
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from texshape import files
from texshape.data import imageset, published
from texshape.data.photographs import ImageSettings, read_square
from texshape.data.pictures import Unusable
from texshape.errors import InputError
from texshape.experiment.runs import RunId
from texshape.features.stored import STAGE_COLUMNS, stored
from texshape.parameters import read_yaml
from texshape.stylize import tar
from texshape.stylize.weights import load_weights
from texshape.tracking import _metric_name
from texshape.training import checkpoints

SOURCES = Path(files.__file__).parent


class Touch:
    """Pickled, it makes a file when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_the_pickle_would_run(tmp_path: Path) -> None:
    """The test below would prove nothing with a pickle that does nothing."""
    torch.save({"state": Touch(tmp_path / "canary")}, tmp_path / "file.pt")
    torch.load(tmp_path / "file.pt", weights_only=False)
    assert (tmp_path / "canary").exists()


@pytest.mark.parametrize("reader", [checkpoints.read, load_weights])
def test_a_checkpoint_with_code_is_refused(tmp_path: Path, reader) -> None:
    content = dict.fromkeys(checkpoints._KEYS, 1) | {"state": Touch(tmp_path / "canary")}
    torch.save(content, tmp_path / "file.pt")
    with pytest.raises(InputError, match=r"file\.pt: (truncated or not a checkpoint|damaged, or)"):
        reader(tmp_path / "file.pt")
    assert not (tmp_path / "canary").exists()


def test_arrays_with_code_are_refused(tmp_path: Path) -> None:
    array = np.array([Touch(tmp_path / "canary")], dtype=object)
    np.save(tmp_path / "set.images.npy", array, allow_pickle=True)
    np.savez(tmp_path / "maps.npz", maps=array)
    (tmp_path / "set.labels.csv").write_text(",".join(imageset.LABEL_COLUMNS) + "\n" + ",,,,,\n")
    np.save(tmp_path / "activations.npy", array, allow_pickle=True)
    digest = files.file_sha256(tmp_path / "activations.npy")
    row = f"stem,pooled,0,map,1,1,1,0,1,{digest}"
    (tmp_path / "stages.csv").write_text(f"{','.join(STAGE_COLUMNS)}\n{row}\n")
    for read in (
        lambda: imageset.read(tmp_path / "set"),
        lambda: files.read_npz(tmp_path / "maps.npz"),
        lambda: list(stored(tmp_path, ["pooled"], 1)),
    ):
        with pytest.raises(InputError, match="not a whole N"):
            read()
    assert not (tmp_path / "canary").exists()


# --- archives ------------------------------------------------------------------------------------


def shard(path: Path, *members: tarfile.TarInfo) -> Path:
    """A shard with one good sample and then other members."""
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as archive:
        good = tarfile.TarInfo("00000000.cls")
        good.size = 1
        archive.addfile(good, io.BytesIO(b"1"))
        for member in members:
            archive.addfile(member, io.BytesIO(bytes(member.size)))
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    info.size = 4 if kind == tarfile.REGTYPE else 0
    return info


@pytest.mark.parametrize(
    "bad",
    [
        member("../00000001.png"),
        member("/tmp/00000001.png"),
        member("a/00000001.png"),
        member("..png"),
        member("00000001.png", tarfile.SYMTYPE, "/etc/passwd"),
        member("00000001.png", tarfile.SYMTYPE, "00000000.cls"),
        member("00000001.png", tarfile.LNKTYPE, "absent"),
        member("00000001.png", tarfile.DIRTYPE),
        member("00000001.png", tarfile.FIFOTYPE),
        member("00000001.png", tarfile.CHRTYPE),
    ],
    ids=lambda info: f"{info.name} {info.type!r} {info.linkname}",
)
def test_members_that_are_no_plain_files(tmp_path: Path, bad: tarfile.TarInfo) -> None:
    path = shard(tmp_path / "part.tar", bad)
    with pytest.raises(InputError, match=r"part\.tar: not a whole tar file \(member"):
        list(tar.read(path))
    assert [one.name for one in tmp_path.iterdir()] == ["part.tar"]


def test_a_sparse_member_that_claims_a_terabyte(tmp_path: Path) -> None:
    """Its bytes on the disk do not bound what reading it would take."""
    path = shard(tmp_path / "part.tar")
    content = path.read_bytes()
    header = tarfile.TarInfo("00000001.png")
    header.type, header.size = tarfile.GNUTYPE_SPARSE, 0
    block = bytearray(header.tobuf(tarfile.GNU_FORMAT))
    block[386:398], block[398:410] = b"00000000000\0", b"00000000000\0"  # one empty piece
    block[483:495] = b"%011o\0" % (1 << 32)  # the size that it claims, 4 GB
    block[148:156] = b"        "
    block[148:156] = b"%06o\0 " % sum(block)
    path.write_bytes(content[:1024] + bytes(block) + content[1024:])
    with tarfile.open(path) as archive:
        assert archive.getmembers()[1].size == 1 << 32
    with pytest.raises(InputError, match="is no plain file"):
        list(tar.read(path))


def test_archives_that_unpack_to_far_more_than_they_are(tmp_path: Path) -> None:
    path = tmp_path / "maps.npz"
    np.savez_compressed(path, maps=np.zeros(1 << 20))
    assert path.stat().st_size < 1 << 14
    with pytest.raises(InputError, match=r"maps\.npz: unpacks to \d+ bytes, expected at most 4096"):
        files.read_npz(path, limit=1 << 12)
    assert files.read_npz(path)["maps"].shape == (1 << 20,)

    packed = tmp_path / "final.pt"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(1 << 20))
    with pytest.raises(InputError, match=r"final\.pt: holds compressed parts"):
        checkpoints.read(packed)


# --- images --------------------------------------------------------------------------------------


def bomb(side: int) -> bytes:
    """A PNG of side x side black pixels, a few kB large."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = zlib.crc32(kind + content).to_bytes(4, "big")
        return len(content).to_bytes(4, "big") + kind + content + check

    start = side.to_bytes(4, "big") * 2 + bytes([1, 0, 0, 0, 0])
    rows = zlib.compress(bytes((side // 8 + 2) * 100))  # its beginning: nobody should get further
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", start) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [12_000, 60_000])  # below and above what Pillow refuses by itself
def test_images_that_unpack_to_gigabytes(tmp_path: Path, side: int) -> None:
    content = bomb(side)
    assert len(content) < 10_000
    path = tmp_path / "airplane" / "airplane1-bear2.png"
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(Unusable, match=r"airplane1-bear2\.png: .*over 50 megapixels"):
        read_square(path, ImageSettings(resize=32, crop=32, max_megapixels=50))
    with pytest.raises(InputError, match=r"airplane1-bear2\.png: (expected 224 x 224|not a whole)"):
        published.stimulus_set([path], condition="cue-conflict")
    sample = {"__key__": "00000001", "png": content, "cls": b"1", "json": b"{}"}
    with pytest.raises(InputError, match=r"sample 00000001: an image of over \d+ pixels"):
        tar.decode(sample)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"cls": b"one"}, "damaged"),
        ({"json": b"{"}, "damaged"),
        ({"png": b"\x89PNG"}, "damaged"),
        ({"cls": None}, "lacks its part 'cls'"),
        ({"png": None}, "holds no image"),
    ],
)
def test_samples_with_a_part_that_is_wrong(change, line) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (2, 2)).save(buffer, "PNG")
    good = {"__key__": "7", "png": buffer.getvalue(), "cls": b"1", "json": b"{}"}
    assert tar.decode(good)[1] == 1
    bad = {key: value for key, value in (good | change).items() if value is not None}
    with pytest.raises(InputError, match=f"sample 7: {line}"):
        tar.decode(bad)


# --- text ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "tag",
    [
        "!!python/object/apply:os.mkdir [CANARY]",
        "!!python/object/new:os.mkdir [CANARY]",
        "!!python/name:os.mkdir",
        "!!python/module:os",
        "!include /etc/passwd",
        "!!timestamp x",
    ],
)
def test_tags_in_parameters(tmp_path: Path, tag: str) -> None:
    canary = tmp_path / "canary"
    path = tmp_path / "params.yaml"
    path.write_text(f"seed: {tag.replace('CANARY', str(canary))}\n", encoding="utf-8")
    with pytest.raises((InputError, ValueError)) as error:
        read_yaml(path)
    assert isinstance(error.value, InputError)
    assert "params.yaml" in str(error.value)
    assert not canary.exists()


def test_the_tag_would_run(tmp_path: Path) -> None:
    text = f"!!python/object/apply:os.mkdir [{tmp_path / 'canary'}]"
    yaml.unsafe_load(text)
    assert (tmp_path / "canary").exists()


@pytest.mark.parametrize("name", ["../x--y/seed-0", "a/../../x--y/seed-0", "/etc/x--y/seed-0"])
def test_names_of_networks_that_leave_the_results(name: str) -> None:
    with pytest.raises(InputError, match="expected ARCHITECTURE--ARM/seed-S"):
        RunId.parse(name)


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/abs", "a/../b", "a//b", "$(touch x)", "x\ny"]
)
def test_names_that_mlflow_would_take_for_a_path(name: str) -> None:
    """MLflow keeps a metric in a file of its name where its store is a folder."""
    from mlflow.utils.validation import _validate_metric_name

    made = _metric_name(name)
    _validate_metric_name(made)
    assert ".." not in made.split("/")
    assert not made.startswith("/")


# --- how the sources read ------------------------------------------------------------------------

SAFE = {"load": {"weights_only": True, "allow_pickle": False}}


def test_the_sources_read_nothing_that_could_run_code() -> None:
    """Every way to load is the safe one; `python:` names are the one place that imports by name."""
    loads, importers = 0, set()
    for path in sorted(SOURCES.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = ast.unparse(node.func)
            keywords = {word.arg: ast.unparse(word.value) for word in node.keywords}
            where = f"{path.relative_to(SOURCES)}:{node.lineno}"
            assert name not in ("eval", "exec", "os.system", "os.popen", "compile"), where
            assert keywords.get("shell", "False") == "False", where
            assert not name.startswith(("pickle.", "joblib.", "marshal.")), where
            assert name.rpartition(".")[2] != "extract" or "archive" not in name, where
            assert name.rpartition(".")[2] not in ("extractall", "unpack_archive"), where
            if name == "torch.load":
                loads += 1
                assert keywords["weights_only"] == "True", where
            if name == "np.load":
                loads += 1
                assert keywords["allow_pickle"] == "False", where
            if name == "yaml.load":
                assert keywords["Loader"] == "_Loader", where
            if name.endswith("import_module"):
                importers.add(path.relative_to(SOURCES).as_posix())
    assert loads >= 5
    # By names that stand in our sources or in an installed package's (of families and claims: by files of our
    # own), never in a file that is read.
    assert importers == {
        "catalogue.py", "cli/main.py", "core/snakemake_private.py",
        "claims/order.py", "models/families/downloads.py", "models/families/loaded.py",
        "models/families/registry.py", "models/user_code.py", "techniques/base.py",
    }  # fmt: skip


def test_no_name_of_a_network_comes_from_a_download() -> None:
    """`python:` runs the user's own code: names stand in parameters and on the command line only."""
    for path in sorted((SOURCES / "data").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        modules = [
            node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)
        ] + [
            alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.Import)
            for alias in node.names
        ]
        assert not [
            name for name in modules if "models.families" in name or "models.loading" in name
        ], path
    for path in sorted((SOURCES / "data" / "sources").iterdir()):
        assert "python:" not in path.read_text(encoding="utf-8"), path
