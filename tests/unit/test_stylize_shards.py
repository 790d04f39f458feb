"""Shards: the same result whatever their number, resumed, merged in any order, read back."""

from __future__ import annotations

import hashlib
import json
import tarfile

import numpy as np
import pytest
import torch
from PIL import Image
from tests.stylize_sets import SETTINGS, contents, pictures, styles

from texshape.config.stylize import StylizeSettings
from texshape.data import imageset
from texshape.data.photographs import list_classes
from texshape.errors import InputError
from texshape.files import read_csv
from texshape.stylize import conflict, shards, tar
from texshape.stylize.engines import check_alpha
from texshape.stylize.manifest import MANIFEST_COLUMNS


class Mean:
    """An engine that a test can follow: the mean of content and style, and the stream's last bit."""

    name, weights = "mean", "none"

    def __init__(self):
        self.calls = 0

    def stylize(self, content, style, alpha=1.0, streams=None):
        check_alpha(alpha)
        self.calls += 1
        ends = np.array([sum(stream) % 7 for stream in streams])[:, None, None, None]
        return ((content.astype(int) + style) // 2 // 8 * 8 + ends).astype(np.uint8)


def stylize_set(folder, total, *, order=None, engine=None, versions=1, masks=True):
    settings = StylizeSettings.parse(SETTINGS | {"styles_per_image": versions})
    source, paintings = contents(masks=masks), styles()
    stems = []
    for number in order or range(total):
        stems.append(folder / f"part-{number}-{total}")
        shards.stylize_imageset(
            source, paintings, engine or Mean(), settings, seed=4,
            shard=shards.Shard(number, total), condition="train-neural", request="r",
            output=stems[-1],
        )  # fmt: skip
    shards.merge(stems, folder / "whole", log=lambda line: None)
    return imageset.read(folder / "whole"), read_csv(folder / "whole.manifest.csv")


def test_number_and_order_of_shards_change_nothing(tmp_path):
    one, manifest = stylize_set(tmp_path / "a", 1)
    for folder, total, order in (("b", 3, [2, 0, 1]), ("c", 10, None)):
        other, other_manifest = stylize_set(tmp_path / folder, total, order=order)
        assert np.array_equal(one.images, other.images)
        assert one.labels.equals(other.labels)
        assert np.array_equal(one.masks, other.masks)
        assert manifest.equals(other_manifest)


def test_labels_and_manifest(tmp_path):
    made, manifest = stylize_set(tmp_path, 2)
    source, paintings = contents(), styles()
    assert list(manifest.columns) == MANIFEST_COLUMNS
    assert list(made.labels["shape"]) == list(source.labels["shape"])
    assert set(made.labels["texture"]) == {"marble"}
    assert set(made.labels["condition"]) == {"train-neural"}
    assert made.labels["imagename"].str.match(r"(disc|star)\d+-marble\d+\.png").all()
    for row in manifest.itertuples():
        pixels = source.images[row.index]
        assert row.source_sha256 == hashlib.sha256(pixels.tobytes()).hexdigest()
        chosen = paintings.images[list(paintings.labels["imagename"]).index(row.style)]
        assert row.style_sha256 == hashlib.sha256(chosen.tobytes()).hexdigest()
        mean = (pixels.astype(int) + chosen) // 2 // 8 * 8
        assert np.array_equal(made.images[row.index] // 8 * 8, mean)  # made of what it says


def test_several_styles_an_image(tmp_path):
    made, manifest = stylize_set(tmp_path, 3, versions=4)
    assert len(made) == 40
    for _, rows in manifest.groupby("source"):
        assert rows["style"].nunique() == 4
    assert list(manifest["index"]) == list(range(40))
    assert made.labels["imagename"].is_unique


def test_without_masks(tmp_path):
    assert stylize_set(tmp_path, 2, masks=False)[0].masks is None


def test_more_shards_than_images(tmp_path):
    assert len(stylize_set(tmp_path, 13)[0]) == 10


def test_merging_refuses_what_does_not_belong_together(tmp_path):
    stylize_set(tmp_path, 2)
    parts = [tmp_path / "part-0-2", tmp_path / "part-1-2"]
    with pytest.raises(InputError, match="shard 1 of 2 is missing"):
        shards.merge(parts[:1], tmp_path / "w")
    with pytest.raises(InputError, match="given twice"):
        shards.merge([parts[0], parts[0]], tmp_path / "w")
    with pytest.raises(InputError, match="is not done"):
        shards.merge([*parts, tmp_path / "part-2-2"], tmp_path / "w")
    path = tmp_path / "part-1-2.shard.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"request": "other"}))
    with pytest.raises(InputError, match="another request"):
        shards.merge(parts, tmp_path / "w")
    assert not (tmp_path / "w.labels.csv").exists()


def test_a_shard_is_done_only_with_all_its_files(tmp_path):
    stylize_set(tmp_path, 1)
    stem = tmp_path / "part-0-1"
    assert shards.is_done(stem, "r")
    assert not shards.is_done(stem, "s")
    (tmp_path / "part-0-1.images.npy").unlink()
    assert not shards.is_done(stem, "r")
    (tmp_path / "part-0-1.shard.json").write_text("{")
    assert not shards.is_done(stem, "r")


@pytest.mark.parametrize("number", [-1, 2, 3])
def test_shard_numbers(number):
    with pytest.raises(InputError, match="from 0 to 1"):
        shards.Shard(number, 2)


# --- folders and tars -----------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    for number, image in enumerate(pictures(9, 40)):
        place = tmp_path / "photos" / ("cat" if number < 4 else "dog")
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(place / f"{number}.png")
    return tmp_path / "photos"


def stylize_folder(folder, output, total, *, tolerated=0, kind="png"):
    images = SETTINGS["images"] | {"format": kind}
    settings = StylizeSettings.parse(SETTINGS | {"images": images, "tolerated": tolerated})
    sources, classes = list_classes(folder)
    stems = []
    for number in range(total):
        stems.append(output / f"out-{number}")
        shards.stylize_folder(
            sources, classes, styles(), Mean(), settings, seed=4,
            shard=shards.Shard(number, total), request="r", output=stems[-1],
        )  # fmt: skip
    shards.merge(stems, output / "out", tolerated=tolerated, log=lambda line: None)
    listed = json.loads((output / "out.shards.json").read_text())
    return [output / entry["file"] for entry in listed["shards"]], listed


def test_folder_to_tars_and_back(folder, tmp_path):
    paths, _ = stylize_folder(folder, tmp_path / "a", 3)
    again, _ = stylize_folder(folder, tmp_path / "b", 1)
    whole = [tar.decode(sample) for path in paths for sample in tar.read(path)]
    single = [tar.decode(sample) for sample in tar.read(again[0])]
    assert len(whole) == 9
    for (pixels, label, about), (other, other_label, other_about) in zip(
        whole, single, strict=True
    ):
        assert np.array_equal(pixels, other)
        assert (label, about) == (other_label, other_about)
    assert [label for _, label, _ in whole] == [0] * 4 + [1] * 5
    assert whole[0][2]["class"] == "cat"
    with tarfile.open(paths[0]) as archive:
        names = archive.getnames()
    assert names[:3] == ["00000000.png", "00000000.cls", "00000000.json"]


def test_tars_are_the_same_bytes_each_time(folder, tmp_path):
    first, _ = stylize_folder(folder, tmp_path / "a", 2)
    second, _ = stylize_folder(folder, tmp_path / "b", 2)
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes()


def test_jpeg_shards(folder, tmp_path):
    paths, _ = stylize_folder(folder, tmp_path / "a", 1, kind="jpeg")
    sample = next(tar.read(paths[0]))
    assert sample["jpg"][:2] == b"\xff\xd8"
    assert tar.decode(sample)[0].shape == (24, 24, 3)


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("shuffle", [0, 3])
def test_loader_gives_every_image_once(folder, tmp_path, workers, shuffle):
    paths, _ = stylize_folder(folder, tmp_path / "a", 3)
    data = tar.Shards(paths, shuffle=shuffle, seed=1)
    loader = torch.utils.data.DataLoader(data, batch_size=2, num_workers=workers)
    images, labels = zip(*loader, strict=True)
    assert sorted(torch.cat(labels).tolist()) == [0] * 4 + [1] * 5
    assert torch.cat(images).shape == (9, 3, 24, 24)


def test_loader_shares_shards_over_ranks_and_changes_order(folder, tmp_path):
    paths, _ = stylize_folder(folder, tmp_path / "a", 3)
    ranks = [list(tar.Shards(paths, rank=rank, world_size=2)) for rank in range(2)]
    assert sum(map(len, ranks)) == 9
    data = tar.Shards(paths, shuffle=4, seed=0)
    orders = []
    for epoch in range(4):
        data.set_epoch(epoch)
        orders.append([image.sum().item() for image, _ in data])
    assert len({tuple(order) for order in orders}) > 1
    assert len({tuple(sorted(order)) for order in orders}) == 1


def test_broken_images_are_named_counted_and_tolerated(folder, tmp_path, capsys):
    (folder / "cat" / "1.png").write_bytes(b"no image")
    (folder / "dog" / "8.png").write_bytes((folder / "dog" / "8.png").read_bytes()[:80])
    with pytest.raises(InputError, match=r"1 of 4 images are unusable, tolerated are 0: .*1\.png"):
        stylize_folder(folder, tmp_path / "a", 2)
    assert not (tmp_path / "a" / "out-0.shard.json").exists()
    # each shard has one, the whole has two
    with pytest.raises(InputError, match="2 of 9 images are unusable, tolerated are 1"):
        stylize_folder(folder, tmp_path / "b", 2, tolerated=1)
    paths, listed = stylize_folder(folder, tmp_path / "c", 2, tolerated=2)
    assert sum(entry["images"] for entry in listed["shards"]) == 7
    assert [line.split(":")[0].rpartition("/")[2] for line in listed["unusable"]] == [
        "1.png",
        "8.png",
    ]
    assert "1.png" in capsys.readouterr().err
    assert len(list(tar.Shards(paths))) == 7


def test_truncated_tar(folder, tmp_path):
    paths, _ = stylize_folder(folder, tmp_path / "a", 1)
    paths[0].write_bytes(paths[0].read_bytes()[:3000])
    with pytest.raises(InputError, match="not a whole tar"):
        list(tar.read(paths[0]))


# --- cue conflict ---------------------------------------------------------------------------


def test_pairs_use_texture_exemplars_equally():
    shapes = contents(12).labels
    textures = shapes.copy()
    found = conflict.pairs(shapes, textures, seed=0)
    assert len(found) == 12 * 2  # every shape exemplar with each of the two texture classes
    used = np.zeros((12, 12), int)
    for row, other in found:
        used[row, other] += 1
    assert used.max() == 1
    for shape in ("disc", "star"):
        rows = (shapes["shape"] == shape).to_numpy()
        assert set(used[rows].sum(0)) == {1}
    assert found == conflict.pairs(shapes, textures, seed=0)
    assert found != conflict.pairs(shapes, textures, seed=1)


def test_rendered_pairs_have_the_renderers_names_and_masks():
    from pathlib import Path

    import yaml

    from texshape.data import procedural

    data = yaml.safe_load((Path(__file__).parents[2] / "params.yaml").read_text())["data"]
    chosen = range(5, 1000, 199)
    rendered, patterns = conflict.rendered_pairs(data, 2019, chosen)
    settings = procedural.parse_settings(data)
    pictures_ = procedural.pictures(settings, 2019, "cue-conflict")
    for place, index in enumerate(chosen):
        image, mask = procedural.draw_picture(settings, 2019, pictures_[index])
        assert rendered.labels["imagename"][place] == pictures_[index].imagename
        assert np.array_equal(rendered.masks[place], mask)
        outside = mask == 0
        inner = np.abs(image.astype(int) - rendered.images[place]).max(-1)
        assert np.median(inner[outside]) == 0  # the ground is the same
        # inside, the renderer's image shows the very pattern that is the style
        same = np.abs(image.astype(int) - patterns.images[place]).max(-1)
        assert np.median(same[~outside]) == 0
    with pytest.raises(InputError, match="fill"):
        conflict.rendered_pairs(data, 2019, chosen, fill="stripes")
