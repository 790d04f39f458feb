"""Suppression of cues: filters by direct loops, readers of one cue, a cue that is not there."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace
from typing import get_args

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from skimage.color import rgb2gray

from texshape.data.imageset import LABEL_COLUMNS, ImageSet
from texshape.errors import InputError
from texshape.techniques.suppression import estimate, filters, settings
from texshape.techniques.suppression.tables import SUPPRESSION

SIDE = 32


def noise(n=2, side=14, seed=0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, side, side, 3), dtype=np.uint8)


def mirrored(index: int, side: int) -> int:
    """Border mirrored without repeating the edge."""
    index = abs(index)
    return 2 * (side - 1) - index if index >= side else index


# --- filters, by direct loops ---------------------------------------------------------------------


def test_bilateral_filter_by_a_direct_loop():
    (image,) = noise(1)
    side, radius, sigma = image.shape[0], 3, 90.0
    expected = np.empty(image.shape)
    for y in range(side):
        for x in range(side):
            total, weights = np.zeros(3), 0.0
            for dy in range(-radius, radius + 1):
                for dx in range(-radius, radius + 1):
                    if dy * dy + dx * dx > radius * radius:
                        continue
                    other = image[mirrored(y + dy, side), mirrored(x + dx, side)].astype(float)
                    apart = np.abs(other - image[y, x]).sum()
                    weight = np.exp(-0.5 * (apart / sigma) ** 2)
                    weight *= np.exp(-0.5 * (dy * dy + dx * dx) / 75**2)
                    total += weight * other
                    weights += weight
            expected[y, x] = total / weights
    found = filters.bilateral(image[None], 6, sigma, scale=False)[0]
    assert np.abs(found - expected).max() <= 0.51


def test_non_local_means_by_a_direct_loop():
    (image,) = noise(1, side=9)
    image //= 8  # alike enough to have weights beside the pixel's own
    side, around, reach, strength = 9, 1, 2, 12.0
    expected = np.empty(image.shape)

    def pixel(y, x):
        return image[mirrored(y, side), mirrored(x, side)].astype(float)

    for y in range(side):
        for x in range(side):
            total, weights = np.zeros(3), 0.0
            for dy in range(-reach, reach + 1):
                for dx in range(-reach, reach + 1):
                    square = [
                        ((pixel(y + dy + j, x + dx + i) - pixel(y + j, x + i)) ** 2).mean()
                        for j in range(-around, around + 1)
                        for i in range(-around, around + 1)
                    ]
                    weight = np.exp(-np.mean(square) / strength**2)
                    weight *= weight >= 1e-3
                    total += weight * pixel(y + dy, x + dx)
                    weights += weight
            expected[y, x] = total / weights
    found = filters.non_local_means(image[None], strength, template=2, search=4, scale=False)[0]
    assert np.abs(found - expected).max() <= 0.51


def test_blur_is_the_gaussian_of_the_paper():
    (image,) = noise(1, side=20)
    (found,) = filters.gaussian_blur(image[None], 7, scale=False)
    weights = stats.norm.pdf(np.arange(-3, 4), scale=0.99)
    weights /= weights.sum()
    around = np.pad(image.astype(float), ((3, 3), (3, 3), (0, 0)), mode="reflect")
    expected = sum(
        weights[j] * weights[i] * around[j : j + 20, i : i + 20] for j in range(7) for i in range(7)
    )
    assert np.abs(found - expected).max() <= 0.51


def test_lengths_scale_with_the_side():
    """A blurred image made four times as large is the large one blurred four times as far."""
    small = np.full((1, 56, 56, 3), 40, np.uint8)
    small[:, :, 28:] = 200
    large = small.repeat(4, 1).repeat(4, 2)
    width = [
        (np.abs(np.diff(blurred[0, 10, :, 0].astype(int))) > 0).sum() / blurred.shape[2]
        for blurred in (
            filters.gaussian_blur(small, 15),
            filters.gaussian_blur(large, 15),
            filters.gaussian_blur(small, 15, scale=False),
        )
    ]
    assert width[0] == pytest.approx(width[1], abs=0.05)
    assert width[2] > 2.5 * width[1]


@pytest.mark.parametrize("name", ["bilateral", "gaussian-blur", "non-local-means"])
def test_texture_goes_by_degrees_and_what_is_flat_stays(name):
    fine = noise(1, side=64)
    grating = (128 + (fine.astype(int) - 128) // 8).astype(np.uint8)
    flat = np.full_like(grating, 77)
    left = []
    for number in filters.degrees(name, 64, 64):
        np.testing.assert_array_equal(filters.suppress(flat, name, number), flat)
        left.append(filters.suppress(grating, name, number).std())
    assert left[-1] < 0.6 * grating.std()
    assert all(later <= earlier + 0.05 for earlier, later in pairwise(left))


def test_the_bilateral_filter_keeps_an_edge_that_the_blur_loses():
    image = np.zeros((1, 64, 64, 3), np.uint8)
    image[:, :, 32:] = 255
    np.testing.assert_array_equal(filters.suppress(image, "bilateral", 6), image)
    assert (filters.suppress(image, "gaussian-blur", 7) != image).any()


def test_grey_keeps_luminance_and_leaves_no_colour():
    images = noise(3)
    grey = filters.blend_with_grey(images, 1.0)
    assert (grey == grey[..., :1]).all()
    weights = np.array([0.299, 0.587, 0.114])
    assert np.abs(grey[..., 0] - images @ weights).max() <= 0.51
    np.testing.assert_array_equal(filters.blend_with_grey(images, 0.0), images)
    spread = [np.ptp(filters.blend_with_grey(images, s).astype(int), axis=-1).mean()
              for s in filters.SHARES]  # fmt: skip
    assert all(later < earlier for earlier, later in pairwise(spread))
    assert rgb2gray(grey).std() > 0


@pytest.mark.parametrize("name", ["patch-shuffle", "patch-rotation", "channels"])
def test_shuffles_keep_every_value_move_something_and_do_not_depend_on_parts(name):
    images = noise(5, side=16)
    for number in filters.degrees(name, 16, 16):
        found = filters.suppress(images, name, number, seed=4)
        assert (found != images).any((1, 2, 3)).all()
        np.testing.assert_array_equal(np.sort(found, axis=None), np.sort(images, axis=None))
        parts = [filters.suppress(images[a : a + 2], name, number, seed=4, first=a) for a in (0, 2)]
        np.testing.assert_array_equal(np.concatenate(parts), found[:4])


def test_patches_are_turned_in_their_places():
    images = noise(4, side=12)
    found = filters.rotate_patches(images, 3, seed=1)
    for index in range(4):
        for i in range(3):
            for j in range(3):
                here = np.s_[4 * i : 4 * i + 4, 4 * j : 4 * j + 4]
                turned = [np.rot90(images[index][here], k) for k in range(4)]
                assert any((found[index][here] == one).all() for one in turned)


def test_grids_that_do_not_cut_the_side_are_left_out():
    assert filters.degrees("patch-shuffle", 224, 224) == [1, 2, 4, 7, 8]
    assert filters.degrees("patch-shuffle", 48, 48) == [1, 2, 3, 4, 6, 8]
    assert filters.degrees("bilateral+patch-shuffle", 32, 32) == [1, 2, 4]
    assert filters.degrees("grey", 31, 33) == [1, 2, 3, 4, 5]
    assert filters.degrees("patch-rotation", 32, 64) == []
    with pytest.raises(InputError, match="no degree 3 at 224 x 224 px; expected one of 1, 2, 4"):
        filters.suppress(noise(1, 224), "patch-shuffle", 3)
    with pytest.raises(InputError, match="'gray' is unknown; did you mean 'grey'"):
        filters.suppress(noise(1), "gray", 1)


# --- readers of one cue ---------------------------------------------------------------------------

SHAPES, TEXTURES = ("left", "right"), ("fine", "flat")


def pictures(seed=0, exemplars=6, *, shape=True, texture=True, colour=False) -> ImageSet:
    """Class a: a block in the left half, speckled; class b: in the right half, flat.

    Without shape the whole image is covered, without texture the block is flat; with colour, class
    a is reddish and b of the same luminance bluish.
    """
    random = np.random.default_rng(seed)
    images, rows = [], []
    for place, name in enumerate(("a", "b")):
        for exemplar in range(exemplars):
            image = np.full((SIDE, SIDE, 3), 128.0)
            top = random.integers(2, 8)
            block = np.s_[top : top + 20, 1 + 16 * place : 15 + 16 * place]
            if not shape:
                block = np.s_[:, :]
            image[block] = 60.0
            if texture and place == 0:
                image[block] += random.choice([-40.0, 40.0], image[block].shape[:2])[..., None]
            if colour:
                shift = np.array([40.0, -20.38, 0.0]) if place == 0 else np.array([0, -10.0, 51.5])
                image[block] += shift
            images.append(np.clip(np.rint(image), 0, 255).astype(np.uint8))
            own = f"{name}{exemplar}"
            rows.append([own, name if shape else "na", name if texture else "na",
                         own if shape else "na", own if texture else "na", "drawn"])  # fmt: skip
    return ImageSet(np.stack(images), pd.DataFrame(rows, columns=LABEL_COLUMNS))


def dark_side(pixels: np.ndarray) -> np.ndarray:
    """A reader of shape alone: the half that is darker holds the block."""
    grey = pixels.astype(float).mean(-1)
    left, right = grey[:, :, :16].mean((1, 2)), grey[:, :, 16:].mean((1, 2))
    return np.where(left < right, "a", "b")


def speckle(pixels: np.ndarray) -> np.ndarray:
    """A reader of texture alone: whether there are dark speckles, wherever they are."""
    return np.where((pixels.astype(float).mean(-1) < 40).mean((1, 2)) > 0.05, "a", "b")


def redness(pixels: np.ndarray) -> np.ndarray:
    """A reader of colour alone."""
    means = pixels.astype(float).mean((1, 2))
    return np.where(means[:, 0] > means[:, 2], "a", "b")


def measured(reader, images, **how) -> pd.DataFrame:
    network = SimpleNamespace(name="reader", require_classes=lambda: ("a", "b"))
    how = {"resamples": 40, "decide": lambda network, pixels: reader(pixels)} | how
    rows = estimate.measure(network, images, name="drawn", **how)
    frame = SUPPRESSION.frame(rows)
    SUPPRESSION.check(frame)
    assert (frame["intact"] == 1).all()
    return frame.set_index(["suppression", "degree"])


def test_a_reader_of_shape_loses_by_shuffling_and_by_nothing_else():
    found = measured(dark_side, pictures())["kept"]
    for name in ("bilateral", "gaussian-blur", "non-local-means", "grey", "channels"):
        assert (found[name] == 1).all(), name
    assert found["patch-shuffle"].min() < 0.75
    assert found["patch-rotation"][1] == 1  # turned in its place, a half's darkness stays there


def test_a_reader_of_texture_loses_by_smoothing_and_not_by_shuffling():
    found = measured(speckle, pictures(), scale=False)["kept"]
    assert (found["patch-shuffle"] == 1).all()
    assert (found["patch-rotation"] == 1).all()
    assert found["gaussian-blur"].min() == 0.5
    assert found["bilateral"].min() == 0.5
    assert (found["grey"] == 1).all()


def test_a_reader_of_colour_is_left_with_chance_in_grey():
    frame = measured(redness, pictures(colour=True))
    found = frame["kept"]
    assert found["grey"][5] == frame["kept_by_chance"]["grey"][5] == 0.5
    assert (found["patch-shuffle"] == 1).all()
    assert found["patch-shuffle+grey"].max() == found["bilateral+grey"].max() == 0.5


def test_what_is_not_there_cannot_be_lost():
    """The controls: texture taken from silhouettes, shape from texture patches."""
    silhouettes = measured(dark_side, pictures(texture=False))
    assert set(silhouettes["shows"]) == {"shape"}
    texture = silhouettes[silhouettes["suppresses"] == "texture"]
    assert len(texture) == 18
    assert (texture["kept"] == 1).all()
    patches = measured(speckle, pictures(shape=False))
    assert set(patches["shows"]) == {"texture"}
    assert (patches[patches["suppresses"] == "shape"]["kept"] == 1).all()


def test_a_network_that_guesses_keeps_nothing_and_says_why():
    images = pictures(exemplars=30)
    random = np.random.default_rng(0)
    network = SimpleNamespace(name="untrained", require_classes=lambda: ("a", "b"))
    rows = estimate.measure(
        network, images, suppressions=["grey"], resamples=300,
        decide=lambda network, pixels: random.choice(["a", "b"], len(pixels)),
    )  # fmt: skip
    assert all(np.isnan(row["kept"]) for row in rows)
    assert {row["reason"] for row in rows} == {
        "intact images are recognised no better than by guessing"
    }


# --- the quotient and its interval ----------------------------------------------------------------


def decisions(seed: int, exemplars=25, images=4) -> tuple[np.ndarray, np.ndarray, pd.DataFrame]:
    """Recognised intact with 0.8, suppressed with 0.6; an exemplar's images share their luck."""
    random = np.random.default_rng(seed)
    labels = pd.DataFrame(
        [[f"{c}{e}-{i}", c, "na", f"{c}{e}", "na", ""]
         for c in "abc" for e in range(exemplars) for i in range(images)],
        columns=LABEL_COLUMNS,
    )  # fmt: skip
    luck = np.repeat(random.normal(size=3 * exemplars), images)
    own = random.normal(size=(2, len(labels)))
    score = np.sqrt(0.7) * luck + np.sqrt(0.3) * own
    intact, correct = score[0] < stats.norm.ppf(0.8), score[1] < stats.norm.ppf(0.6)
    return correct, intact, labels


def holds(column: str, true: float, labelled=lambda labels: labels) -> float:
    """How often an interval holds the true value, over data drawn anew."""
    hits = []
    for seed in range(80):
        correct, intact, labels = decisions(seed)
        row = estimate.kept(correct, intact, labelled(labels), 3, resamples=300)
        assert row["kept"] == pytest.approx(correct.mean() / intact.mean())
        hits.append(row[f"{column}_low"] <= true <= row[f"{column}_high"])
    return float(np.mean(hits))


def test_intervals_hold_the_true_quotient_and_accuracy():
    assert holds("kept", 0.75) == pytest.approx(0.95, abs=0.05)
    assert holds("accuracy", 0.6) == pytest.approx(0.95, abs=0.05)


def test_deliberate_bug_other_exemplars_below_the_line_than_above():
    def unpaired(correct, intact, labels):
        above = estimate.kept(correct, np.ones_like(intact), labels, 3, resamples=300, seed=0)
        below = estimate.kept(intact, np.ones_like(intact), labels, 3, resamples=300, seed=1)
        spread = [(row["accuracy_high"] - row["accuracy_low"]) / row["accuracy"]
                  for row in (above, below)]  # fmt: skip
        return np.hypot(*spread)

    def paired(correct, intact, labels):
        row = estimate.kept(correct, intact, labels, 3, resamples=300)
        return (row["kept_high"] - row["kept_low"]) / row["kept"]

    ratios = [unpaired(*decisions(seed)) / paired(*decisions(seed)) for seed in range(20)]
    assert np.mean(ratios) > 1.3


def test_deliberate_bug_images_for_exemplars():
    by_image = holds(
        "accuracy", 0.6, lambda labels: labels.assign(shape_exemplar=labels["imagename"])
    )
    assert by_image < 0.87


def test_deliberate_bug_shuffling_that_leaves_all_in_place(monkeypatch):
    def loses():
        found = measured(dark_side, pictures(), suppressions=["patch-shuffle"])["kept"]
        return found["patch-shuffle"].min() < 0.75

    assert loses()
    kind = filters.SUPPRESSIONS["patch-shuffle"]
    broken = filters.Suppression(
        kind.cues, kind.degrees, kind.describe, lambda images, *rest: images, kind.grid
    )
    monkeypatch.setitem(filters.SUPPRESSIONS, "patch-shuffle", broken)
    assert not loses()


# --- parameters, bad input --------------------------------------------------------------------------


def test_parameters_name_every_suppression_in_its_order():
    assert get_args(settings.Kind) == tuple(filters.SUPPRESSIONS)


def test_images_of_two_classes_and_of_mixed_cues_are_refused():
    images = pictures()
    conflict = images.labels.assign(texture=images.labels["shape"].map({"a": "b", "b": "a"}))
    with pytest.raises(InputError, match="image 'a0' is of two classes"):
        estimate.truth(conflict)
    mixed = images.labels.copy()
    mixed.loc[0, "texture"] = "na"
    with pytest.raises(InputError, match="some images show a cue that others lack"):
        estimate.truth(mixed)
    network = SimpleNamespace(name="net", require_classes=lambda: ("a", "c"))
    with pytest.raises(InputError, match="net: class 'b' is none of its classes"):
        estimate.measure(network, images, decide=len)
    with pytest.raises(InputError, match="suppression 'blur' is unknown"):
        estimate.measure(network, images, suppressions=["blur"], decide=len)
