"""The procedural images: same bytes for any number of processes, balanced, exact, in range."""

from __future__ import annotations

import copy
import hashlib
import itertools
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from texshape.data import procedural
from texshape.data.imageset import LABEL_COLUMNS
from texshape.data.outlines import CLASSES, coverage, draw_pose, outline
from texshape.data.procedural import SETS, parse_settings, pictures, render
from texshape.data.textures import STYLES, TEXTURES, draw_pattern, field
from texshape.figures.contact_sheet import choose, contact_sheet

SECTION = {
    "image_size": 32,
    "supersampling": 2,
    "outline": {"half_size": [0.32, 0.46], "rotation": 0.5, "log_aspect": 0.12, "warp": 0.04},
    "texture": {"period": [6.0, 9.5], "orientation": 0.4},
    "colour": {"contrast": 0.4, "tint": 0.12, "noise": 0.03, "ground": 0.05},
    "flat_fill_share": 0.1,
    "train": 120,
    "validation": 24,
    "test": 36,
    "shape_exemplars": 2,
    "texture_exemplars": 2,
    "variants": {
        "orientation-free": {"texture": {"orientation": 3.1416}},
        "tint-0.6": {"colour": {"tint": 0.6}},
    },
}
SETTINGS = parse_settings(SECTION)
SEED = 7


def digest(images) -> str:
    parts = [images.images.tobytes(), images.labels.to_csv().encode()]
    parts += [] if images.masks is None else [images.masks.tobytes()]
    return hashlib.sha256(b"".join(parts)).hexdigest()


def share_of(picture) -> np.ndarray:
    """Exact share of each pixel that the object of a picture covers."""
    pose = procedural.shape_exemplar(
        SETTINGS, SEED, picture.outline_split, picture.shape, picture.shape_exemplar
    )
    return coverage(outline(picture.shape, pose, SETTINGS.image_size), SETTINGS.image_size)


# --- the sets ---------------------------------------------------------------------------------


def test_any_number_of_processes_writes_the_same_bytes():
    names = ("train-stylized", "textures", "cue-conflict-strength-0.5")
    hashes = set()
    for workers in (1, 2, 3):
        with procedural.worker_pool(workers) as executor:
            sets = [render(SETTINGS, SEED, name, executor=executor) for name in names]
        hashes.add(tuple(map(digest, sets)))
    assert len(hashes) == 1


def test_another_seed_draws_other_images():
    first, second = (render(SETTINGS, seed, "validation-plain") for seed in (1, 2))
    same = (first.images == second.images).all(axis=(1, 2, 3))
    assert not same.any()


@pytest.mark.parametrize("name", SETS)
def test_classes_are_balanced_and_names_say_what_is_shown(name):
    images = render(SETTINGS, SEED, name)
    labels = images.labels
    assert list(labels.columns) == LABEL_COLUMNS
    assert labels["imagename"].is_unique
    assert (labels["condition"] == name).all()
    parsed = labels["imagename"].str.extract(r"^([a-z]+)(\d+)-([a-z]+)(\d+)\.png$")
    assert (parsed[0] == labels["shape"]).all()
    assert (parsed[2] == labels["texture"]).all()
    for cue, (name_part, number) in {"shape": (0, 1), "texture": (2, 3)}.items():
        known = labels[cue] != "na"
        exemplars = (parsed[name_part] + parsed[number])[known]
        assert (exemplars == labels[f"{cue}_exemplar"][known]).all()
    cue = "texture" if name == "textures" else "shape"
    counts = Counter(labels[cue])
    assert set(counts) == set(CLASSES)
    assert len(set(counts.values())) == 1
    assert (images.masks.mean() == 1) == (name == "textures")


def test_plain_images_are_congruent_and_every_exemplar_is_new():
    labels = render(SETTINGS, SEED, "train-plain").labels
    assert (labels["shape"] == labels["texture"]).all()
    assert labels["shape_exemplar"].is_unique
    assert labels["texture_exemplar"].is_unique


def test_stylized_images_keep_shapes_and_masks_and_take_styles():
    plain, stylized = (render(SETTINGS, SEED, f"train-{kind}") for kind in ("plain", "stylized"))
    assert (plain.labels["shape_exemplar"] == stylized.labels["shape_exemplar"]).all()
    assert np.array_equal(plain.masks, stylized.masks)
    families = set(stylized.labels["texture"])
    assert families == {*STYLES, "flat"}
    assert not families & set(CLASSES)
    flat = stylized.labels["texture"] == "flat"
    assert flat.mean() == pytest.approx(SETTINGS.flat_fill_share)
    # The fill says nothing about the class: 10 images a class, 1 of them flat, 9 of other styles.
    table = stylized.labels.groupby(["shape", "texture"]).size().unstack(fill_value=0)
    assert (table["flat"] == 1).all()
    assert table.drop(columns="flat").isin([0, 1]).all(axis=None)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_flat_fill_share_at_its_ends(share):
    section = {**SECTION, "flat_fill_share": share}
    flat = [p.texture == "flat" for p in pictures(parse_settings(section), 0, "train-stylized")]
    assert np.mean(flat) == share


def test_style_families_are_disjoint_from_classes_and_class_textures():
    names = [*CLASSES, *(name for name, _ in TEXTURES.values()), *STYLES, "flat", "na"]
    assert len(CLASSES) == len(TEXTURES) == len(STYLES) == 12
    assert len(set(names)) == len(names)
    drawers = [drawer for _, drawer in TEXTURES.values()] + list(STYLES.values())
    assert len(set(drawers)) == 24


def test_splits_share_no_exemplar():
    outlines, patterns = Counter(), Counter()
    for name in SETS:
        for picture in pictures(SETTINGS, SEED, name):
            if picture.shape != "na" and not name.endswith("stylized"):
                pose = procedural.shape_exemplar(
                    SETTINGS, SEED, picture.outline_split, picture.shape, picture.shape_exemplar
                )
                outlines[pose, picture.shape] += 1
            if picture.texture not in ("na", "flat"):
                pattern = procedural.texture_exemplar(
                    SETTINGS, SEED, picture.pattern_split, picture.texture, picture.texture_exemplar
                )
                patterns[pattern.seed, picture.texture] += 1
    conflict_shapes, conflict_textures = 12 * 2, 12 * 2
    plain = 120 + 24 + 36
    assert len(outlines) == plain + 36 + conflict_shapes  # the stylized sets reuse the plain ones
    assert Counter(outlines.values()) == {1: plain + 36, 12: conflict_shapes}
    styles = sum(
        picture.texture in STYLES
        for name in SETS
        if name.endswith("stylized")
        for picture in pictures(SETTINGS, SEED, name)
    )
    assert len(patterns) == plain + styles + 36 + conflict_textures
    looks = [p.appearance for name in SETS for p in pictures(SETTINGS, SEED, name)]
    assert len(set(looks)) == len(looks)


# --- cue conflict ---------------------------------------------------------------------------


@pytest.mark.parametrize(("shapes", "textures"), [(10, 5), (4, 2), (6, 6), (3, 1)])
def test_conflict_pairs_every_shape_exemplar_with_every_texture_class_once(shapes, textures):
    settings = replace(SETTINGS, shape_exemplars=shapes, texture_exemplars=textures)
    shown = pictures(settings, SEED, "cue-conflict")
    assert len(shown) == 12 * shapes * 12
    pairs = Counter((p.shape, p.shape_exemplar, p.texture) for p in shown)
    expected = set(itertools.product(CLASSES, range(1, shapes + 1), CLASSES))
    assert set(pairs) == expected
    assert set(pairs.values()) == {1}
    # Within each pair of classes, and so also without the congruent pairs, exemplars are balanced.
    cells = Counter((p.shape, p.texture, p.texture_exemplar) for p in shown)
    assert len(cells) == 12 * 12 * textures
    assert set(cells.values()) == {shapes // textures}


def test_partners_in_one_texture_class_do_not_give_away_those_in_another():
    settings = replace(SETTINGS, shape_exemplars=10, texture_exemplars=5)
    partner = {
        (p.shape, p.shape_exemplar, p.texture): p.texture_exemplar
        for p in pictures(settings, SEED, "cue-conflict")
    }
    first = {key[:2]: value for key, value in partner.items() if key[2] == CLASSES[0]}
    for texture in CLASSES[1:]:
        joint = {(first[key[:2]], value) for key, value in partner.items() if key[2] == texture}
        assert len(joint) > 5  # five pairs only, were one a relabelling of the other


def test_images_of_one_shape_exemplar_share_the_outline_and_nothing_else():
    images = render(SETTINGS, SEED, "cue-conflict")
    rows = np.flatnonzero(images.labels["shape_exemplar"] == "heart2")
    assert len(rows) == 12
    masks = images.masks[rows]
    assert (masks == masks[0]).all()
    outside = share_of(pictures(SETTINGS, SEED, "cue-conflict")[rows[0]]) == 0
    ground = images.images[rows][:, outside].reshape(12, -1)
    assert len({row.tobytes() for row in ground}) == 12


def test_images_of_one_texture_exemplar_share_the_pattern_and_nothing_else():
    """Inside both objects, one image is an affine function of the other."""
    section = copy.deepcopy(SECTION)
    section["colour"].update(noise=0, tint=0)
    images = render(parse_settings(section), SEED, "cue-conflict")
    labels = images.labels
    rows = np.flatnonzero((labels["texture_exemplar"] == "heart1") & (labels["shape"] != "heart"))
    one, two = rows[0], rows[-1]
    both = ndimage.binary_erosion(images.masks[one] & images.masks[two])
    a, b = (images.images[row][both].astype(float) for row in (one, two))
    assert len(a) > 30
    assert abs(np.corrcoef(a[:, 0], b[:, 0])[0, 1]) > 0.999
    assert np.abs(a - b).max() > 5  # but not the colours


def test_fading_scales_the_contrast_and_leaves_the_rest():
    section = copy.deepcopy(SECTION)
    section["colour"].update(noise=0)
    settings = parse_settings(section)
    full, half, none = (
        render(settings, SEED, name)
        for name in ("cue-conflict", procedural.strength_set(0.5), procedural.strength_set(0))
    )
    assert set(half.labels["condition"]) == {"cue-conflict-strength-0.5"}
    assert (half.labels["imagename"] == full.labels["imagename"]).all()
    shown = pictures(settings, SEED, "cue-conflict")
    for index in range(0, len(full), 37):
        share = share_of(shown[index])
        inside, outside = share == 1, share == 0
        one, mid, flat = (s.images[index].astype(float) for s in (full, half, none))
        assert np.array_equal(one[outside], mid[outside])
        assert np.array_equal(one[outside], flat[outside])
        assert np.ptp(flat[inside], axis=0).max() <= 1
        unclipped = ((one[inside] > 0) & (one[inside] < 255)).all()
        if unclipped:  # 8 bits round
            assert np.abs(mid[inside] - (one[inside] + flat[inside]) / 2).max() <= 1.5


# --- exactness ------------------------------------------------------------------------------


def test_pixels_outside_the_object_do_not_depend_on_its_texture():
    settings = replace(SETTINGS, noise=0.0, ground=0.0)
    shown = procedural.Picture("gear", 1, "disc", 1, "test", "test", (0, 0))
    drawn = [
        procedural.draw_picture(settings, SEED, replace(shown, texture=texture))
        for texture in (*CLASSES, *STYLES, "flat")
    ]
    mask = drawn[0][1].astype(bool)
    far = share_of(shown) == 0
    assert not (far & mask).any()
    assert far.mean() > 0.3
    background = {image[far].tobytes() for image, _ in drawn}
    assert len(background) == 1
    colours = np.unique(drawn[0][0][far], axis=0)
    assert len(colours) == 1  # a flat ground
    assert len({image[mask].tobytes() for image, _ in drawn}) == 25


def test_mask_is_where_the_object_covers_more_than_half_of_the_pixel():
    """Silhouettes without noise show the share of each pixel: 255 outside, 0 inside."""
    images = render(replace(SETTINGS, noise=0.0), SEED, "silhouettes")
    share = 1 - images.images[..., 0] / 255
    clear = np.abs(share - 0.5) > 0.01
    assert np.array_equal(images.masks[clear] == 1, share[clear] > 0.5)
    assert 0.15 < images.masks.mean() < 0.6


def test_coverage_of_known_areas():
    square = [np.array([(2.25, 3.5), (7.75, 3.5), (7.75, 6.0), (2.25, 6.0)])]
    share = coverage(square, 10)
    assert share.sum() == pytest.approx(5.5 * 2.5)
    assert share[3, 2] == pytest.approx(0.75 * 0.5)
    assert share[4, 4] == 1
    assert share[0, 0] == 0
    hole = [np.array([(4.0, 4.0), (4.0, 5.0), (6.0, 5.0), (6.0, 4.0)])]
    assert coverage(square + hole, 10).sum() == pytest.approx(5.5 * 2.5 - 2)
    angles = np.linspace(0, 2 * np.pi, 2000, endpoint=False)
    disc = 16 + 11.3 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    assert coverage([disc], 32).sum() == pytest.approx(np.pi * 11.3**2, rel=1e-3)
    assert coverage([disc[::-1]], 32).sum() == pytest.approx(np.pi * 11.3**2, rel=1e-3)


@pytest.mark.parametrize("shape", CLASSES)
def test_outline_has_its_half_size_and_lies_inside_the_image(shape):
    for seed in range(8):
        pose = draw_pose(
            np.random.default_rng(seed),
            half_size=(0.1, 0.5),
            rotation=np.pi,
            log_aspect=0.3,
            warp=0.1,
        )
        points = np.concatenate(outline(shape, pose, 48))
        assert np.ptp(points, axis=0).max() == pytest.approx(2 * pose.half_size * 48)
        assert points.min() >= -1e-9
        assert points.max() <= 48 + 1e-9
        share = coverage(outline(shape, pose, 48), 48)
        assert 0.1 < share.sum() / (2 * pose.half_size * 48) ** 2 < 1


def test_ring_has_a_hole():
    pose = draw_pose(
        np.random.default_rng(0), half_size=(0.4, 0.4), rotation=0, log_aspect=0, warp=0
    )
    shape = coverage(outline("ring", pose, 48), 48) > 0.5
    assert ndimage.label(~shape)[1] == 2
    assert ndimage.label(coverage(outline("disc", pose, 48), 48) < 0.5)[1] == 1


# --- ranges ---------------------------------------------------------------------------------


def test_parameters_keep_to_their_ranges_and_fill_them():
    poses = [
        procedural.shape_exemplar(SETTINGS, SEED, "train", shape, n)
        for shape in CLASSES
        for n in range(1, 21)
    ]
    patterns = [
        procedural.texture_exemplar(SETTINGS, SEED, "train", name, n)
        for name in (*CLASSES, *STYLES)
        for n in range(1, 21)
    ]
    ranges = {
        "half_size": ([p.half_size for p in poses], 0.32, 0.46),
        "rotation": ([p.rotation for p in poses], -0.5, 0.5),
        "log_aspect": ([p.log_aspect for p in poses], -0.12, 0.12),
        "warp": ([w for p in poses for w in p.warp], 0, 0.04),
        "period": ([p.period for p in patterns], 6.0, 9.5),
        "orientation": ([p.orientation for p in patterns[:240]], -0.4, 0.4),
        "orientation of styles": ([p.orientation for p in patterns[240:]], -np.pi, np.pi),
    }
    for name, (values, low, high) in ranges.items():
        assert low <= min(values) < low + 0.1 * (high - low), name
        assert high - 0.1 * (high - low) < max(values) <= high, name


@pytest.mark.parametrize("contrast", [0.1, 0.4, 0.66])
def test_grey_levels_are_far_enough_apart(contrast):
    settings = replace(SETTINGS, contrast=contrast)
    looks = [
        procedural.draw_appearance(settings, np.random.default_rng(seed)) for seed in range(400)
    ]
    levels = np.array([look.levels for look in looks])
    ground = np.array([look.ground_level for look in looks])
    gap = np.abs(levels[:, 0] - levels[:, 1])
    assert levels.min() >= 0
    assert levels.max() <= 1
    assert gap.min() >= contrast
    assert np.mean(levels[:, 0] < levels[:, 1]) == pytest.approx(0.5, abs=0.1)  # polarity
    margin = np.abs(ground[:, None] - np.c_[levels, levels.mean(axis=1)])
    assert margin.min() >= contrast / 4 - 1e-9
    assert ground.min() >= 0
    assert ground.max() <= 1
    tints = np.array([look.colours for look in looks]) - np.c_[levels, ground][:, :, None]
    assert np.abs(tints).max() <= settings.tint + 1e-6
    assert max(look.noise.std() for look in looks) < 1.05 * settings.noise


def test_a_variant_draws_the_same_images_with_another_range():
    base, free, tinted = (
        render(parse_settings(SECTION, name), SEED, "test-plain")
        for name in ("base", "orientation-free", "tint-0.6")
    )
    assert np.array_equal(base.masks, free.masks)
    assert np.array_equal(base.masks, tinted.masks)
    outside = np.stack([share_of(p) == 0 for p in pictures(SETTINGS, SEED, "test-plain")])
    assert np.array_equal(base.images[outside], free.images[outside])
    assert not np.array_equal(base.images[~outside], free.images[~outside])
    assert not np.array_equal(base.images[outside], tinted.images[outside])
    spread = [np.ptp(s.images.astype(int), axis=-1).mean() for s in (base, tinted)]
    assert spread[1] > 2 * spread[0]


@pytest.mark.parametrize("size", [32, 47, 64])
def test_any_size_from_32_px(size):
    section = {**copy.deepcopy(SECTION), "image_size": size, "validation": 12}
    settings = parse_settings(section)
    for name in ("validation-plain", "validation-stylized"):
        images = render(settings, SEED, name)
        assert images.images.shape == (12, size, size, 3)
        assert images.masks.shape == (12, size, size)


def test_period_is_in_pixels_of_the_final_image():
    for size, supersampling in ((64, 1), (64, 4), (128, 2)):
        pattern = draw_pattern(np.random.default_rng(0), period=(8.0, 8.0), orientation=0.0)
        stripes = field("disc", pattern, size, supersampling)
        spectrum = np.abs(np.fft.rfft(stripes[size // 2] - stripes.mean()))
        assert np.argmax(spectrum) == size / 8


@pytest.mark.parametrize("name", [*CLASSES, *STYLES])
def test_every_pattern_uses_both_colours_and_differs_between_exemplars(name):
    drawn = []
    for seed in range(6):
        pattern = draw_pattern(
            np.random.default_rng(seed), period=SETTINGS.period, orientation=SETTINGS.orientation
        )
        values = field(name, pattern, 48)
        assert values.min() >= 0
        assert values.max() <= 1 + 1e-6
        assert np.isfinite(values).all()
        drawn.append(values)
    assert np.mean([values.std() for values in drawn]) > 0.15
    assert len({values.tobytes() for values in drawn}) == 6


# --- for style transfer, and the figure -------------------------------------------------------


def test_images_for_style_transfer():
    styles, families = procedural.style_images(SETTINGS, SEED, 13, 40)
    assert styles.shape == (13, 40, 40, 3)
    assert styles.dtype == np.uint8
    assert families == [*STYLES, next(iter(STYLES))]
    assert not np.array_equal(styles[0], styles[12])
    plain = render(SETTINGS, SEED, "validation-plain")
    labels = procedural.restyled_labels(plain.labels, [("marble", n) for n in range(24)], "mine")
    assert labels["imagename"][0] == "disc1-marble0.png"
    assert (labels["shape"] == plain.labels["shape"]).all()
    assert set(labels["texture"]) == {"marble"}


def test_contact_sheet_shows_each_class_once_and_conflicts_as_conflicts():
    sets = {name: render(SETTINGS, SEED, name) for name in ("cue-conflict", "textures")}
    for name, images in sets.items():
        chosen = choose(images, list(CLASSES))
        cue = "texture" if name == "textures" else "shape"
        assert list(images.labels[cue].iloc[chosen]) == list(CLASSES)
    conflict = sets["cue-conflict"].labels.iloc[choose(sets["cue-conflict"], list(CLASSES))]
    assert (conflict["shape"] != conflict["texture"]).all()
    assert conflict["texture"].nunique() >= 10
    figure = contact_sheet(sets)
    texts = [text.get_text() for axis in figure.axes for text in axis.texts]
    assert set(CLASSES) <= set(texts)
    assert "cue-conflict\nn = 288" in texts
    assert sum(len(axis.images) for axis in figure.axes) == 24


# --- the texture as label -------------------------------------------------------------------


def test_unpaired_sets_deal_the_silhouettes_of_the_plain_set_anew():
    plain = pictures(SETTINGS, SEED, "train-plain")
    dealt = pictures(SETTINGS, SEED, "train-unpaired")
    shapes = [Counter((p.shape, p.shape_exemplar) for p in some) for some in (plain, dealt)]
    assert shapes[0] == shapes[1]
    for one, other in zip(plain, dealt, strict=True):  # all but the outline stays
        assert (one.texture, one.texture_exemplar) == (other.texture, other.texture_exemplar)
        assert one.appearance == other.appearance
    labels = render(SETTINGS, SEED, "train-unpaired").labels
    assert Counter(labels["texture"]) == Counter(labels["shape"])
    assert labels["imagename"].is_unique


def test_shape_says_nothing_about_the_texture_of_an_unpaired_set():
    """Of 2400 pictures a twelfth is congruent by chance, and every pair of classes occurs."""
    dealt = pictures(parse_settings({**SECTION, "train": 2400}), SEED, "train-unpaired")
    congruent = sum(p.shape == p.texture for p in dealt)
    assert 150 < congruent < 250  # 200 with a deviation of 14
    pairs = Counter((p.shape, p.texture) for p in dealt)
    assert len(pairs) == 144
    assert max(pairs.values()) < 40  # 17 each
    other = pictures(parse_settings({**SECTION, "train": 2400}), SEED + 1, "train-unpaired")
    assert [p.shape for p in other] != [p.shape for p in dealt]
