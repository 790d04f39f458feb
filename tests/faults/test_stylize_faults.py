"""Stylization on bad input: one clear line through the command line, nothing left behind."""

from __future__ import annotations

import errno
import io
import json
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch
import yaml
from PIL import Image
from tests.stylize_sets import SETTINGS, contents, pictures, styles

from texshape.cli import main
from texshape.config.stylize import StylizeSettings
from texshape.data import imageset
from texshape.files import read_csv
from texshape.stylize import decoders, encoders, tar
from texshape.stylize.reconstruction import COLUMNS


@pytest.fixture
def cli(monkeypatch, capsys):
    """Run a step in this process; returns exit status and what it wrote to stderr."""
    for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "OMP_NUM_THREADS", "THP_MEM_ALLOC_ENABLE"):
        monkeypatch.setenv(name, "1")  # restored after the command has set its own
    monkeypatch.setattr(main, "COMMANDS", ["stylize"])

    def call(*arguments: object) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["texshape", "run", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main.main()
        return left.value.code or 0, capsys.readouterr().err

    return call


@pytest.fixture
def place(tmp_path) -> Path:
    imageset.write(tmp_path / "content", contents())
    imageset.write(tmp_path / "styles", styles())
    section = StylizeSettings.parse(SETTINGS)
    encoder = encoders.load(section.encoder)
    layer = encoder.layers["all"]
    decoder = decoders.Decoder(decoders.mirror_plan(layer.channels, layer.stride, 16))
    decoders.write(tmp_path / "decoder.pt", decoder, {"encoder": encoder.identity, "layer": "all"})
    return tmp_path


def options(place: Path, **changed: object) -> list[object]:
    section = json.loads(json.dumps(SETTINGS)) | changed.pop("settings", {})
    given = {
        "--content": place / "content",
        "--styles": place / "styles",
        "--decoder": place / "decoder.pt",
        "--output": place / "out",
        "--settings": json.dumps(section),
        "--shards": 2,
    } | {f"--{key}": value for key, value in changed.items()}
    return [word for key, value in given.items() if value is not None for word in (key, value)]


def decoder_options(place: Path, **changed: object) -> list[object]:
    given = {
        "--content": place / "content",
        "--styles": place / "styles",
        "--held-out-content": place / "content",
        "--held-out-styles": place / "styles",
        "--settings": json.dumps(SETTINGS),
        "--output": place / "out.pt",
        "--reconstruction": place / "out.csv",
    } | {f"--{key}": value for key, value in changed.items()}
    return ["train-decoder", *(word for pair in given.items() for word in pair)]


def left_behind(place: Path) -> list[str]:
    return [path.name for path in place.iterdir() if "out" in path.name]


def test_it_works_and_resumes_at_the_shard(place, cli, capsys):
    assert cli("stylize", *options(place))[0] == 0
    whole = imageset.read(place / "out")
    assert list(whole.labels["shape"]) == list(contents().labels["shape"])
    manifest = read_csv(place / "out.manifest.csv")
    assert set(manifest["engine"]) == {"adain"}
    assert manifest["weights"].str.contains("random-pyramid-4x3x2-0:").all()
    first, second = (place / f"out.shard-0000{n}-of-00002.images.npy" for n in (0, 1))
    kept, second_bytes = first.stat().st_mtime_ns, second.read_bytes()
    (place / "out.shard-00001-of-00002.shard.json").unlink()  # as if it had been interrupted
    assert cli("stylize", *options(place))[0] == 0
    assert first.stat().st_mtime_ns == kept
    assert second.read_bytes() == second_bytes
    # another seed is another request
    assert cli("stylize", *options(place, seed=1))[0] == 0
    assert first.stat().st_mtime_ns != kept


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ({"settings": {"alpha": 1.5}}, "stylize.alpha: expected a number from 0 to 1, found 1.5"),
        ({"settings": {"alpha": -0.1}}, "stylize.alpha: expected a number from 0 to 1, found -0.1"),
        ({"settings": {"engine": "adian"}}, "did you mean 'adain'"),
        ({"decoder": None}, "needs a decoder"),
        ({"decoder": "nowhere.pt"}, "nowhere.pt: no such file of weights"),
        ({"settings": {"decoder_sha256": "0" * 64}}, "wrong check sum"),
        ({"settings": {"styles_per_image": 9}}, "at most the number of styles, 5"),
        ({"settings": {"encoder": {"name": "resnet"}}}, "encoder 'resnet'"),
        ({"content": "nowhere"}, "nowhere.labels.csv: no such file"),
        ({"styles": "nowhere"}, "nowhere.labels.csv: no such file"),
        ({"shard": 2}, "from 0 to 1"),
        ({"encoder": "nowhere.pt"}, "no such file"),
    ],
)
def test_bad_requests(place, cli, changed, line):
    status, err = cli("stylize", *options(place, **changed))
    assert status == 2
    assert line in err
    assert err.count("\n") == 1
    assert not left_behind(place)


def test_decoder_of_another_encoder(place, cli):
    """Other numbers of channels, another stride, or the same shape but other weights."""
    wide = {"encoder": {"name": "random-pyramid", "random": {"filters": 5, "size": 3, "levels": 2}}}
    status, err = cli("stylize", *options(place, settings=wide))
    assert status == 2
    assert (
        "does not fit the encoder: takes 20 channels at stride 2, but layer 'all' gives 24" in err
    )
    other = {"encoder": {"name": "random-pyramid", "random": {"filters": 4, "size": 3, "levels": 2,
                                                              "seed": 1}}}  # fmt: skip
    status, err = cli("stylize", *options(place, settings=other))
    assert status == 2
    assert "trained for layer 'all' of random-pyramid-4x3x2-0" in err
    assert not left_behind(place)


@pytest.mark.parametrize("content", [b"", b"not a file of weights", {"a": torch.zeros(1)}, [1, 2]])
def test_files_that_are_no_decoder(place, cli, content):
    if isinstance(content, bytes):
        (place / "decoder.pt").write_bytes(content)
    else:
        torch.save(content, place / "decoder.pt")
    status, err = cli("stylize", *options(place))
    assert status == 2
    assert "decoder.pt" in err
    assert "Traceback" not in err


def test_a_decoder_that_would_run_code_is_not_loaded(place, cli):
    class Harm:
        def __reduce__(self):
            return (Path.touch, (place / "harmed",))

    torch.save({"state": Harm()}, place / "decoder.pt")
    status, err = cli("stylize", *options(place))
    assert status == 2
    assert "not loaded" in err
    assert not (place / "harmed").exists()


def test_full_disk_in_the_middle_of_a_shard(place, cli, monkeypatch):
    photos = place / "photos" / "cat"
    photos.mkdir(parents=True)
    for number, image in enumerate(pictures(6, 40)):
        Image.fromarray(image).save(photos / f"{number}.png")
    real = tar.tarfile.TarFile.addfile
    written = []

    def fails(self, entry, content):
        written.append(entry.name)
        if len(written) > 7:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(self, entry, content)

    monkeypatch.setattr(tar.tarfile.TarFile, "addfile", fails)
    status, err = cli("stylize", *options(place, content=place / "photos", shards=1))
    assert status == 2
    assert "no space left on the disk" in err
    assert not left_behind(place)
    monkeypatch.setattr(tar.tarfile.TarFile, "addfile", real)
    assert cli("stylize", *options(place, content=place / "photos", shards=1))[0] == 0
    assert len(list(tar.read(place / "out.shard-00000-of-00001.tar"))) == 6


def test_corrupt_photographs_fail_the_run_unless_tolerated(place, cli):
    photos = place / "photos" / "cat"
    photos.mkdir(parents=True)
    for number, image in enumerate(pictures(4, 40)):
        Image.fromarray(image).save(photos / f"{number}.png")
    (photos / "2.png").write_bytes(b"\x89PNG but no more")
    status, err = cli("stylize", *options(place, content=place / "photos", shards=1))
    assert status == 2
    assert "1 of 4 images are unusable" in err
    assert "2.png" in err
    status, _ = cli("stylize", *options(place, content=place / "photos", shards=1,
                                        settings={"tolerated": 1}))  # fmt: skip
    assert status == 0
    assert len(read_csv(place / "out.manifest.csv")) == 3


def test_folders_of_styles(place, cli):
    empty = place / "empty"
    empty.mkdir()
    status, err = cli("prepare-styles", "--source", empty, "--output-dir", place / "s")
    assert (status, "holds no image" in err) == (2, True)
    for number, image in enumerate(pictures(2, 40)):
        Image.fromarray(image).save(empty / f"{number}.png")
    status, err = cli("prepare-styles", "--source", empty, "--output-dir", place / "s")
    assert (status, "2 styles" in err) == (2, True)
    assert not (place / "s").exists()
    status, err = cli("prepare-styles", "--source", place / "none", "--output-dir", place / "s")
    assert (status, "no such folder" in err) == (2, True)
    assert cli("stylize", *options(place, styles=empty))[0] == 0  # a folder as it is


def test_conflict_needs_one_kind_of_exemplars(place, cli):
    status, err = cli("conflict-by-optimisation", "--output", place / "out")
    assert (status, "give --data" in err) == (2, True)
    status, err = cli("conflict-by-optimisation", "--output", place / "out", "--contents",
                      place / "content")  # fmt: skip
    assert (status, "both --contents and --textures" in err) == (2, True)


def test_conflict_of_two_sets_in_shards(place, cli):
    common = [
        "conflict-by-optimisation", "--contents", place / "content", "--textures",
        place / "content", "--settings", json.dumps(SETTINGS | {"engine": "optimisation"}),
    ]  # fmt: skip
    assert cli(*common, "--output", place / "a")[0] == 0
    for shard in (2, 0, 1):
        assert (
            cli(*common, "--output", place / f"p{shard}", "--shard", shard, "--shards", 3)[0] == 0
        )
    parts = [word for shard in (1, 2, 0) for word in ("--part", place / f"p{shard}")]
    assert cli("merge-shards", *parts, "--output", place / "b")[0] == 0
    whole, merged = imageset.read(place / "a"), imageset.read(place / "b")
    assert whole.labels.equals(merged.labels)
    assert (abs(whole.images.astype(int) - merged.images) <= 1).all()
    assert set(zip(whole.labels["shape"], whole.labels["texture"], strict=True)) == {
        (a, b) for a in ("disc", "star") for b in ("disc", "star")
    }


def test_train_decoder_through_the_command_line(place, cli):
    files = {
        "output": place / "d.pt",
        "reconstruction": place / "r.csv",
        "history": place / "h.csv",
    }
    assert cli(*decoder_options(place, **files))[0] == 0
    table = read_csv(place / "r.csv")
    assert len(table) == 8
    assert set(table["method"]) == {"decoder", "mean image", "mean colour", "blur"}
    assert table["mse"].between(0, 1).all()
    assert cli("stylize", *options(place, decoder=place / "d.pt"))[0] == 0
    bad = json.dumps(SETTINGS | {"decoder": {"layer": "stage9", "style_layers": ["level0"]}})
    status, err = cli(*decoder_options(place, **files, settings=bad))
    assert (status, "layer 'stage9'" in err) == (2, True)


@pytest.mark.parametrize("option", ["content", "held-out-content", "styles", "held-out-styles"])
def test_a_decoder_trains_on_images_of_one_size(place, cli, option):
    small = (styles if "styles" in option else contents)(side=16)
    imageset.write(place / "small", small)
    if option == "content":  # of which there may be several
        words = [*decoder_options(place), "--content", place / "small"]
    else:
        words = decoder_options(place, **{option: place / "small"})
    status, err = cli(*words)
    assert status == 2
    assert err.splitlines()[-1].startswith(
        f"texshape: error: {place / 'small'}: images of 16 x 16 pixels; "
        f"expected 24 x 24 pixels, as in {place / 'content'}"
    )
    assert not left_behind(place)


def test_styles_have_the_size_of_enlarged_contents(place, cli):
    large = json.dumps(SETTINGS | {"enlarge": 2})
    status, err = cli(*decoder_options(place, settings=large))
    assert status == 2
    assert err.splitlines()[-1] == (
        f"texshape: error: {place / 'styles'}: images of 24 x 24 pixels; expected 48 x 48 pixels, as in "
        f"{place / 'content'} (contents have the data's size or that of stylize.images.crop times "
        "stylize.enlarge, 2, styles that of stylize.styles.size)"
    )
    assert not left_behind(place)
    imageset.write(place / "large", styles(side=48))
    words = {"settings": large, "styles": place / "large", "held-out-styles": place / "large"}
    assert cli(*decoder_options(place, **words))[0] == 0
    status, err = cli(*decoder_options(place, settings=json.dumps(SETTINGS | {"enlarge": 0})))
    assert (status, "stylize.enlarge: expected a whole number from 1 to 8, found 0" in err) == (
        2,
        True,
    )


def test_batches_too_large_for_the_memory_name_what_to_lower(place, cli, monkeypatch):
    def full(*_, **__):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate")

    monkeypatch.setattr(encoders.RandomPyramid, "forward", full)
    conflicts = ["conflict-by-optimisation", "--contents", place / "content", "--textures",
                 place / "content", "--settings", json.dumps(SETTINGS), "--output",
                 place / "out"]  # fmt: skip
    for words, parameter in (
        (["stylize", *options(place)], "stylize.batch_size"),
        (conflicts, "stylize.batch_size"),
        (decoder_options(place), "stylize.decoder.batch_size"),
    ):
        status, err = cli(*words)
        assert status == 2
        assert f"does not fit in memory; lower {parameter} (" in err
        assert "Traceback" not in err
        assert not left_behind(place)


def test_sheet(place, cli):
    assert cli("stylize", *options(place))[0] == 0
    common = ["--content", place / "content", "--styles", place / "styles", "--result"]
    stem = place / "sheet"
    assert cli("stylization-sheet", *common, place / "out", "--output-stem", stem)[0] == 0
    with Image.open(io.BytesIO((place / "sheet.png").read_bytes())) as image:
        assert min(image.size) > 100
    other = styles()
    other.labels["imagename"] = "x"
    imageset.write(place / "others", other)
    common[3] = place / "others"
    status, err = cli("stylization-sheet", *common, place / "out", "--output-stem", stem)
    assert (status, "is not among the given images" in err) == (2, True)


def test_sheet_of_conflicts(place, cli):
    made = ["conflict-by-optimisation", "--contents", place / "content", "--textures",
            place / "content", "--settings", json.dumps(SETTINGS | {"engine": "optimisation"}),
            "--output", place / "a"]  # fmt: skip
    assert cli(*made)[0] == 0
    sheet = ["conflict-sheet", "--result", place / "a", "--output-stem", place / "sheet"]
    status, err = cli(*sheet)
    assert (status, "give --data" in err) == (2, True)
    exemplars = ["--contents", place / "content", "--textures", place / "content"]
    assert cli(*sheet, *exemplars, "--drawn", place / "a", "--columns", 4)[0] == 0
    with Image.open(io.BytesIO((place / "sheet.png").read_bytes())) as image:
        assert min(image.size) > 100
    other = contents()
    other.labels["shape_exemplar"] = "x"
    imageset.write(place / "others", other)
    exemplars[1] = place / "others"
    status, err = cli(*sheet, *exemplars)
    assert (status, "shape exemplar" in err) == (2, True)


def test_some_of_the_renderers_exemplars_and_their_sheet(place, cli):
    defaults = yaml.safe_load((Path(__file__).parents[2] / "params.yaml").read_text())
    data = defaults["data"] | {"image_size": 32, "supersampling": 1, "shape_exemplars": 2,
                               "texture_exemplars": 2}  # fmt: skip
    section = SETTINGS | {"optimisation": SETTINGS["optimisation"] | {"steps": 1}}
    common = ["--data", json.dumps(data), "--seed", 3]
    made = ["conflict-by-optimisation", *common, "--settings", json.dumps(section),
            "--shape-exemplars", 1, "--output", place / "a"]  # fmt: skip
    assert cli(*made)[0] == 0
    labels = imageset.read(place / "a").labels
    assert len(labels) == 12 * 12
    assert labels["shape_exemplar"].str.endswith("1").all()
    assert labels["texture_exemplar"].str.endswith("2").any()
    sheet = ["conflict-sheet", "--result", place / "a", "--output-stem", place / "sheet"]
    assert cli(*sheet, *common)[0] == 0
    status, err = cli(*sheet, *common[:-1], 4)  # another seed pairs other exemplars
    assert (status, "conflict set: image" in err) == (2, True)


def test_full_disk_in_the_middle_of_a_shard_of_an_image_set(place, cli, monkeypatch):
    real = imageset.np.save

    def fails(path, array, **options):
        if array.ndim == 3:  # the masks, after the pixels
            raise OSError(errno.ENOSPC, "No space left on device")
        real(path, array, **options)

    monkeypatch.setattr(imageset.np, "save", fails)
    status, err = cli("stylize", *options(place))
    assert (status, "no space left on the disk" in err) == (2, True)
    assert "out.shard-00000-of-00002.masks.npy" in err
    assert not left_behind(place)
    monkeypatch.setattr(imageset.np, "save", real)
    assert cli("stylize", *options(place))[0] == 0
    assert len(imageset.read(place / "out")) == len(contents())


def test_tables_of_reconstruction(place, cli):
    status, err = cli("tabulate-reconstruction", "--table", "neural", "--output", place / "t.csv")
    assert (status, "expected NAME=CSV" in err) == (2, True)
    pd.DataFrame([["e", "all", 2, "content", "decoder", 0.01, 20.0, 4]], columns=COLUMNS).to_csv(
        place / "r.csv", index=False
    )
    given = ["--table", f"a={place / 'r.csv'}", "--table", f"b={place / 'r.csv'}"]
    assert cli("tabulate-reconstruction", *given, "--output", place / "t.csv")[0] == 0
    assert list(read_csv(place / "t.csv")["stylization"]) == ["a", "b"]
