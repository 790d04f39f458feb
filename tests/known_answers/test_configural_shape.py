"""Configural shape: parts that are moved exactly, observers whose answer is known, differences put in."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from scipy.ndimage import gaussian_filter, label
from torch import nn

from texshape.data import procedural
from texshape.data.imageset import LABEL_COLUMNS, ImageSet
from texshape.errors import InputError
from texshape.models import imagenet
from texshape.models.network import Network
from texshape.techniques.configural_shape import animals, fragments, loss, mirrored

ROOT = Path(__file__).parents[2]
K = len(procedural.CLASSES)


@pytest.fixture(scope="module")
def silhouettes():
    section = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))["data"]
    settings = procedural.parse_settings({**section, "test": 14 * K})
    return procedural.render(settings, 7, "silhouettes")


@pytest.fixture(scope="module")
def moved(silhouettes):
    return mirrored.make(silhouettes)


def by_condition(images: ImageSet) -> dict[str, np.ndarray]:
    """Ink of each condition, exemplars in one order."""
    conditions = images.labels["condition"].to_numpy()
    return {
        name: np.stack([mirrored.ink(image) for image in images.images[conditions == name]])
        for name in dict.fromkeys(conditions)
    }


# --- pixels -----------------------------------------------------------------------------------------


def l_shape() -> np.ndarray:
    drawn = np.zeros((32, 32), np.uint8)
    drawn[4:28, 8:14] = 255
    drawn[22:28, 8:24] = 255
    return drawn


def test_parts_are_mirrored_and_nothing_else():
    drawn = l_shape()
    cut = mirrored.Cut(upright=True, place=12, axis=22 + 27, seam=0, changed=1)
    parts = mirrored.conditions(drawn, cut)
    # The left part is turned upside down and hangs on the foot of the letter.
    whole = np.zeros((60, 32), np.uint8)
    whole[:32, 12:] = drawn[:, 12:]
    for row in range(4, 28):
        whole[49 - row, 8:12] = drawn[row, 8:12]
    rows, columns = np.flatnonzero(whole.any(1)), np.flatnonzero(whole.any(0))
    assert np.array_equal(
        parts["joined"], whole[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    )
    assert np.array_equal(parts["whole"], drawn[4:28, 8:24])
    assert {name: int(part.sum()) for name, part in parts.items()} == dict.fromkeys(
        mirrored.CONDITIONS, int(drawn.sum())
    )
    assert label(parts["joined"], np.ones((3, 3)))[1] == 1
    assert label(parts["apart"], np.ones((3, 3)))[1] == 2


def test_drawn_conditions_keep_their_ink_their_scale_and_their_parts(moved):
    images, cuts = moved
    ink = by_condition(images)
    kept = cuts[cuts["reason"] == ""]
    assert len(ink["whole"]) == len(kept) > 0.8 * len(cuts)
    for name in ("joined", "apart"):  # the same pixels, none larger or smaller
        assert np.array_equal(
            np.sort(ink[name].reshape(len(kept), -1)), np.sort(ink["whole"].reshape(len(kept), -1))
        )
    pieces = {
        name: np.array([label(drawn > 127, np.ones((3, 3)))[1] for drawn in values])
        for name, values in ink.items()
    }
    assert (pieces["whole"] == 1).all()
    assert (pieces["joined"] == 1).mean() > 0.95  # rings and gears may show a new gap
    assert (pieces["apart"] >= 2).all()
    assert kept["seam"].max() <= mirrored.SEAM
    assert kept["changed"].min() >= mirrored.CHANGED
    assert set(cuts["reason"]) <= {"", "mirroring leaves it as it is"}
    # A disc stays a disc; a letter does not.
    shares = (cuts["reason"] == "").groupby(cuts["shape"]).mean()
    assert shares["disc"] < 0.6 < shares["ell"] == 1


def test_what_cannot_be_cut_is_said():
    rows = [["disc1.png", "disc", "na", "disc1", "na", "silhouettes"]]
    labels = pd.DataFrame(rows, columns=LABEL_COLUMNS)
    y, x = np.mgrid[:48, :48] - 23.5
    disc = np.where(np.hypot(y, x) < 16, 0, 255).astype(np.uint8)
    images = np.repeat(disc[None, ..., None], 3, -1)
    with pytest.raises(InputError, match=r"none of 1 silhouettes can be cut \(mirroring"):
        mirrored.make(ImageSet(images, labels))


# --- observers --------------------------------------------------------------------------------------


class Patches(nn.Module):
    """A bag of patches: 9 px wide filters, no difference between a patch and its mirror image."""

    def __init__(self, filters: int = 12) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first = nn.Conv2d(1, filters, 5, bias=False)
        self.second = nn.Conv2d(filters, 2 * filters, 5, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        total = 0
        for turn in ((), (2,), (3,), (2, 3)):
            maps = torch.relu(self.second(torch.relu(self.first(torch.flip(x, turn)))))
            total = total + maps.mean((2, 3))
        return total


def fitted(features, classes, chosen):
    """Ridge classifier fitted on the chosen rows."""
    mean, scale = features[chosen].mean(0), features[chosen].std(0) + 1e-9
    x = (features - mean) / scale
    targets = np.eye(K)[classes] - 1 / K
    penalty = 0.3 * np.eye(x.shape[1])
    weights = np.linalg.solve(x[chosen].T @ x[chosen] + penalty, x[chosen].T @ targets[chosen])
    return x, weights


def decisions(images: ImageSet, observer: str) -> pd.DataFrame:
    """Decisions of an observer that learned from the wholes of half of the exemplars, on the rest."""
    names = np.array(procedural.CLASSES)
    classes = np.searchsorted(np.sort(names), images.labels["shape"])
    exemplars = images.labels["shape_exemplar"].str.extract(r"(\d+)$")[0].astype(int).to_numpy()
    whole = (images.labels["condition"] == "whole").to_numpy()
    learned = whole & (exemplars % 2 == 0)
    ink = np.stack([mirrored.ink(image) for image in images.images]) / 255.0
    if observer == "patches":
        with torch.no_grad():
            x = torch.from_numpy(ink[:, None]).float()
            features = Patches()(x).numpy().astype(float)
        x, weights = fitted(features, classes, learned)
        said = (x @ weights).argmax(1)
    else:  # the nearest remembered whole
        blurred = np.stack([gaussian_filter(image, 2) for image in ink]).reshape(len(ink), -1)
        unit = blurred / np.linalg.norm(blurred, axis=1, keepdims=True)
        said = classes[learned][(unit @ unit[learned].T).argmax(1)]
    frame = images.labels.assign(decision=np.sort(names)[said])
    return frame[exemplars % 2 == 1]


@pytest.fixture(scope="module")
def observed(moved):
    found = {}
    for name in ("patches", "templates"):
        trials = decisions(moved[0], name)
        found[name] = loss.measure(trials, chance=1 / K, resamples=500).set_index("condition")
    return found


def test_patches_lose_nothing_by_mirroring(observed):
    row = observed["patches"].loc["joined"]
    assert observed["patches"].loc["whole", "accuracy"] > 0.6
    assert row["difference_low"] <= 0.02
    assert abs(row["difference"]) < 0.1


def test_templates_of_wholes_lose_by_mirroring(observed):
    assert observed["templates"].loc["whole", "accuracy"] > 0.6
    assert observed["templates"].loc["joined", "difference_low"] > 0.15
    lost = {name: frame.loc["joined", "difference"] for name, frame in observed.items()}
    assert lost["templates"] > 3 * abs(lost["patches"])


def test_features_of_patches_change_only_where_the_cut_is():
    """Twice the height of the same letter dilutes what the cut changes; nothing else changes."""
    network = Patches()
    drawn = l_shape()
    cut = mirrored.Cut(upright=False, place=14, axis=8 + 13, seam=0, changed=1)
    parts = mirrored.conditions(drawn, cut)
    shown = [mirrored.centred(parts[name], 48)[..., 0] for name in ("whole", "joined")]
    with torch.no_grad():
        x = torch.from_numpy(1 - np.stack(shown)[:, None] / 255.0).float()
        whole, joined = network(x).numpy()
    assert np.allclose(whole, joined, rtol=1e-4)  # the stem is its own mirror image


# --- numbers ----------------------------------------------------------------------------------------


def trials(rates: dict[str, float], *, classes: int = 4, exemplars: int = 50, seed: int = 0):
    """Decisions in which an exemplar is right by a number of its own: rates are nested."""
    rng = np.random.default_rng(seed)
    rows = []
    for k in range(classes):
        for e in range(exemplars):
            ease = rng.random()
            for condition, rate in rates.items():
                decision = f"c{k}" if ease < rate else f"c{(k + 1) % classes}"
                rows.append([f"c{k}", f"c{k}x{e}", condition, decision])
    return pd.DataFrame(rows, columns=["shape", "shape_exemplar", "condition", "decision"])


def test_differences_are_those_that_were_put_in_and_paired():
    table = loss.measure(trials({"whole": 0.9, "joined": 0.7, "apart": 0.5}), chance=0.25)
    row = table.set_index("condition")
    assert row.loc["whole", "accuracy"] == pytest.approx(0.9, abs=0.05)
    assert row.loc["joined", "difference"] == pytest.approx(0.2, abs=0.06)
    assert row.loc["apart", "difference"] == pytest.approx(0.4, abs=0.07)
    for name in ("joined", "apart"):
        one = row.loc[name]
        assert one["difference_low"] < one["difference"] < one["difference_high"]
        # Of 200 nested exemplars the difference is a share of its own.
        p = one["difference"]
        width = 2 * 1.96 * np.sqrt(p * (1 - p) / 200)
        assert one["difference_high"] - one["difference_low"] == pytest.approx(width, rel=0.15)
    assert np.isnan(row.loc["whole", "difference"])


def test_intervals_hold_the_loss_that_was_put_in():
    covered = [
        bool(row["difference_low"] <= 0.2 <= row["difference_high"])
        for seed in range(60)
        for row in loss.measure(
            trials({"whole": 0.9, "joined": 0.7}, seed=seed), chance=0.25, resamples=300
        )
        .query("condition == 'joined'")
        .to_dict("records")
    ]
    assert 0.85 <= np.mean(covered) <= 1


def test_a_category_with_many_exemplars_counts_as_one():
    frame = trials({"whole": 1.0, "joined": 1.0}, classes=2, exemplars=10)
    many = trials({"whole": 1.0, "joined": 0.0}, classes=1, exemplars=80)
    many = many.replace({"c0": "c9"}).assign(
        shape_exemplar="c9" + many["shape_exemplar"],
        decision=np.where(many["condition"] == "whole", "c9", "c0"),
    )
    row = loss.measure(pd.concat([frame, many]), chance=1 / 3, resamples=100)
    assert row.set_index("condition").loc["joined", "difference"] == pytest.approx(1 / 3)


def guessing_has_no_difference():
    rates = {"whole": 0.25, "joined": 0.25, "segments-25": 0.25, "dots-25": 0.25}
    table = loss.measure(trials(rates), chance=0.25).set_index("condition")
    assert table["difference"].isna().all()
    assert table.loc["joined", "reason"] == loss.NOT_RECOGNISED
    assert table.loc["segments-25", "reason"]


def test_what_is_not_recognised_has_no_difference():
    guessing_has_no_difference()


def test_bug_chance_is_not_asked(monkeypatch):
    measure = loss.measure
    monkeypatch.setattr(
        loss, "measure", lambda frame, *, chance, **rest: measure(frame, chance=1e-6, **rest)
    )
    with pytest.raises(AssertionError):
        guessing_has_no_difference()


def test_bug_pictures_are_resampled_alone(monkeypatch):
    """Each condition resampled by itself loses the pairing, and the interval is too wide."""
    accuracies = loss._accuracies

    def alone(frame, conditions, resamples, seed):
        right, drawn, n = accuracies(frame, conditions, resamples, seed)
        for i in range(1, drawn.shape[1]):
            drawn[:, i] = accuracies(frame, conditions, resamples, seed + i)[1][:, i]
        return right, drawn, n

    monkeypatch.setattr(loss, "_accuracies", alone)
    with pytest.raises(AssertionError):
        test_differences_are_those_that_were_put_in_and_paired()


def test_bug_each_condition_has_its_own_scale(monkeypatch, silhouettes):
    from PIL import Image

    def filled(drawn, side):
        size = tuple(int(n * side / max(drawn.shape)) for n in drawn.shape[::-1])
        grown = np.asarray(Image.fromarray(drawn).resize(size))
        return centred(grown, side)

    centred = mirrored.centred
    monkeypatch.setattr(mirrored, "centred", filled)
    few = ImageSet(silhouettes.images[:24], silhouettes.labels[:24])
    with pytest.raises(AssertionError):
        test_drawn_conditions_keep_their_ink_their_scale_and_their_parts(mirrored.make(few))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop(columns="decision"), "lack the column 'decision'"),
        (lambda t: t[t["condition"] != "whole"], "condition 'whole' is missing"),
        (lambda t: t.iloc[:-1], "exemplar 'c3x49' is missing as 'joined'"),
        (lambda t: t.assign(condition="upside-down"), "no condition is known"),
        (lambda t: t.assign(shape=t["shape"].where(t.index > 0, "c3")), "is of two classes"),
        (lambda t: t.assign(condition="segments-25"), "condition 'dots-25' is missing"),
    ],
)
def test_trials_that_cannot_be_compared_are_named(change, message):
    with pytest.raises(InputError, match=message):
        loss.measure(change(trials({"whole": 0.9, "joined": 0.7})), chance=0.25)


# --- pieces of an outline ---------------------------------------------------------------------------


def bars() -> ImageSet:
    """Tall and wide bars of many places."""
    rng = np.random.default_rng(0)
    images, rows = [], []
    for name, (height, width) in {"tall": (40, 16), "wide": (16, 40)}.items():
        for i in range(20):
            image = np.full((64, 64, 3), 255, np.uint8)
            y, x = rng.integers(2, 62 - height), rng.integers(2, 62 - width)
            image[y : y + height, x : x + width] = 0
            images.append(image)
            rows.append([f"{name}{i}.png", name, "na", f"{name}{i}", "na", "silhouettes"])
    return ImageSet(np.stack(images), pd.DataFrame(rows, columns=LABEL_COLUMNS))


def test_segments_and_dots_show_the_same_places_with_the_same_ink():
    made = fragments.make(bars(), seed=0)
    ink = np.stack([mirrored.ink(image) for image in made.images]).sum((1, 2))
    table = made.labels.assign(ink=ink).groupby("condition")["ink"].mean()
    for share in fragments.SHARES:
        segments, dots = (table[fragments.name(kind, share)] for kind in ("segments", "dots"))
        assert segments == pytest.approx(dots, rel=0.1)
        assert segments == pytest.approx(table["segments-100"] * share, rel=0.15)


def test_a_larger_share_holds_the_pieces_of_a_smaller_one():
    made = fragments.make(bars(), seed=0)
    conditions = made.labels["condition"].to_numpy()
    drawn = {
        name: np.stack([mirrored.ink(image) for image in made.images[conditions == name]])
        for name in set(conditions)
    }
    for kind in ("segments", "dots"):
        for small, large in zip(fragments.SHARES, fragments.SHARES[1:], strict=False):
            few = drawn[fragments.name(kind, small)]
            assert (drawn[fragments.name(kind, large)] >= few).all()


def test_all_segments_are_the_outline():
    shown = bars()
    made = fragments.make(shown, seed=0, shares=[1.0])
    segments = (made.labels["condition"] == "segments-100").to_numpy()
    for image, whole in zip(made.images[segments], shown.images, strict=True):
        line, body = mirrored.ink(image) > 60, mirrored.ink(whole) > 127
        edge = body & ~(
            np.roll(body, 1, 0) & np.roll(body, -1, 0) & np.roll(body, 1, 1) & np.roll(body, -1, 1)
        )
        near = gaussian_filter(edge.astype(float), 1) > 0.05
        assert near[line].all()  # nothing is drawn elsewhere
        covered = gaussian_filter(line.astype(float), 1) > 0.05
        assert covered[edge].mean() > 0.97


def say(made: ImageSet, rule) -> pd.DataFrame:
    return loss.measure(
        made.labels.assign(decision=[rule(mirrored.ink(image)) for image in made.images]),
        chance=1 / 2,
        resamples=300,
    ).set_index("condition")


def test_an_observer_of_direction_gains_by_segments_and_one_of_places_does_not():
    made = fragments.make(bars(), seed=1, shares=[0.5, 1.0])

    def direction(drawn):
        """Lines that run down have more edges across."""
        across = np.abs(np.diff(drawn.astype(float), axis=1)).sum()
        down = np.abs(np.diff(drawn.astype(float), axis=0)).sum()
        return "tall" if across > 1.06 * down else "wide" if down > 1.06 * across else "neither"

    def extent(drawn):
        """Where the ink lies, whichever way it runs."""
        y, x = np.mgrid[: len(drawn), : len(drawn)]
        spread = [np.cov(axis.ravel(), aweights=drawn.ravel() + 1e-9) for axis in (y, x)]
        return "tall" if spread[0] > spread[1] else "wide"

    by_direction, by_extent = say(made, direction), say(made, extent)
    assert by_direction.loc["segments-100", "accuracy"] == pytest.approx(1)
    assert by_direction.loc["segments-100", "difference_low"] > 0.5
    assert by_extent.loc["segments-100", "difference"] == 0
    assert abs(by_extent.loc["segments-50", "difference"]) <= 0.05


# --- published pictures -----------------------------------------------------------------------------


def test_published_animals_keep_one_scale(mirror, tmp_path):
    folder = next(
        (mirror / "github/ValerioB88/mindset-vision").glob("*/assets/baker_2022/original")
    )
    numbers = {
        animal.name: sorted(int(re.sub(r"\D", "", path.stem)) for path in animal.iterdir())[:2]
        for animal in folder.iterdir()
    }
    shown = animals.stimuli(tmp_path, numbers)
    assert set(shown.labels["shape"]) == set(animals.WORDNET) == set(numbers)
    assert shown.labels["shape_exemplar"].nunique() == 18
    ink = by_condition(shown)
    areas = {name: (values > 127).sum((1, 2)) for name, values in ink.items()}
    # The same parts at the same scale: joining and moving them changes the area by little.
    assert areas["joined"] / areas["whole"] == pytest.approx(1, abs=0.12)
    assert areas["apart"] / areas["whole"] == pytest.approx(1, abs=0.12)


def test_animals_are_classes_of_imagenet_and_share_none():
    wnids = [wnid for own in animals.WORDNET.values() for wnid in own]
    assert len(set(wnids)) == len(wnids)
    assert set(wnids) <= set(imagenet.wordnet_ids())
    names = dict(zip(imagenet.wordnet_ids(), imagenet.labels(), strict=True))
    for animal in ("bear", "frog", "tiger", "elephant", "wolf"):
        assert any(animal in names[wnid].lower() for wnid in animals.WORDNET[animal])


def test_a_network_decides_between_animals_by_the_mean_of_their_classes():
    place = imagenet.wordnet_ids().index("n02129604")  # the one class of tigers
    network = Network("n", "n", nn.Identity(), 8, lambda x: x, outputs=1000)
    chosen = animals.deciding(network)
    logits = torch.zeros(1, 1000)
    logits[0, place] = 1
    assert chosen.classes[int(chosen.decide(logits).argmax())] == "tiger"
    with pytest.raises(InputError, match="has 10 outputs; the animals need the 1,000 classes"):
        animals.deciding(replace(network, outputs=10))


def test_shares_that_are_none_are_named():
    with pytest.raises(InputError, match="share 0; expected more than 0"):
        fragments.make(bars(), seed=0, shares=[0])
