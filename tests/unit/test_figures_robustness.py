"""Figures of segmentation, corruptions, cue strength and shuffling, from small tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from texshape.figures import style
from texshape.techniques.corruptions import figure as corruptions
from texshape.techniques.cue_strength import figure as cue_strength
from texshape.techniques.segmentation import figure as segmentation
from texshape.techniques.shuffling import figure as shuffling


def networks(rows: list[dict]) -> pd.DataFrame:
    frames = []
    for arm, shift in (("plain", 0.0), ("stylized", 0.1), ("untrained", -0.1)):
        for seed in (0, 1):
            one = pd.DataFrame(rows).assign(
                model=f"cnn--{arm}", architecture="cnn", arm=arm, seed=seed, epoch=10
            )
            for column in ("miou", "accuracy", "shape_share"):
                if column in one:
                    one[column] += shift + 0.01 * seed
            frames.append(one)
    return pd.concat(frames, ignore_index=True)


@pytest.fixture(scope="module")
def tables():
    readouts = [
        {"stage": s, "head": "conv1", "target": t, "miou": 0.3, "ci_low": 0.2, "ci_high": 0.4,
         "miou_foreground": 0.2, "mean_mask_miou": 0.1, "n_train": 30, "n_test": 20,
         "n_classes": 13, "bound": b, "reason": ""}
        for s in ("stem", "stage1") for t in ("binary", "shape")
        for b in ("readout", "end_to_end") if (s, b) != ("stem", "end_to_end")
    ]  # fmt: skip
    seg = networks(readouts)
    seg.loc[(seg["stage"] == "stem") & (seg["arm"] == "untrained"), "miou"] = np.nan
    cells = [("none", 0), *[(c, s) for c in ("fog", "frost_like") for s in (1, 5)]]
    corrupted = networks(
        [{"set": "test-plain", "corruption": c, "severity": s, "accuracy": 0.5, "n": 60}
         for c, s in cells]
    )  # fmt: skip
    from texshape.techniques.corruptions.errors import against_plain

    return {
        "segmentation": seg,
        "corruptions": corrupted,
        "corruption_errors": against_plain(corrupted),
        "cue_strength": networks(
            [{"strength": a, "shape_share": 0.6 - a / 4, "cue_match_rate": 0.7, "n_conflict": 40,
              "balance_point": 0.4} for a in (0, 0.5, 1)]
        ),
        "shuffling": networks(
            [{"k": k, "set": "test-plain", "accuracy": 0.8 / k, "ci_low": 0.1, "ci_high": 0.9,
              "n": 60, "chance": 1 / 12} for k in (1, 2, 4)]
        ),
    }  # fmt: skip


DRAWN = {
    "segmentation": segmentation.by_stage,
    "corruptions": corruptions.by_type,
    "corruption_errors": corruptions.relative,
    "cue_strength": cue_strength.curves,
    "shuffling": shuffling.by_patches,
}


def texts(figure) -> str:
    from matplotlib.text import Text

    return " | ".join(text.get_text() for text in figure.findobj(Text))


@pytest.mark.parametrize("name", DRAWN)
def test_figures_are_written_and_name_their_counts(tables, tmp_path, name):
    with style.style():
        figure = DRAWN[name](tables, {})
    written = style.save(figure, tmp_path / name)
    assert all(path.stat().st_size > 2000 for path in written)
    shown = texts(figure)
    assert "2 seeds" in shown
    if name != "corruption_errors":
        assert any(count in shown for count in ("20 test images", "60 images", "40 conflict"))
    if name in ("segmentation", "shuffling"):
        assert "%" in shown
    if name == "segmentation":
        assert "no map" in shown


@pytest.mark.parametrize("name", DRAWN)
def test_empty_tables_say_so(tables, name):
    with style.style():
        figure = DRAWN[name]({name: tables[name].iloc[:0]}, {})
    assert "undefined" in texts(figure)


def test_shuffling_draws_each_network_on_its_own_kind_of_picture_too(tables):
    plain = tables["shuffling"]
    own = plain[plain["arm"] == "stylized"].assign(set="test-stylized", accuracy=0.9)
    assert len(own)
    with style.style():
        alone = shuffling.by_patches({"shuffling": plain}, {})
        both = shuffling.by_patches({"shuffling": pd.concat([own, plain])}, {})

    def curves(figure):
        labels = figure.legends[0].get_texts()
        found = [line for line in figure.axes[0].lines if len(line.get_ydata()) == 3]
        return [text.get_text() for text in labels], {
            (line.get_color(), line.get_linestyle()): list(line.get_ydata()) for line in found
        }

    labels, before = curves(alone)
    assert {"plain", "stylized", "chance"} <= {*labels}
    labels, after = curves(both)
    assert {"plain on plain", "stylized on plain", "stylized on stylized"} <= {*labels}
    assert "plain on stylized" not in labels
    assert {style_ for _, style_ in before} == {"-"}
    ((color, values),) = [(c, y) for (c, style_), y in after.items() if style_ == "--"]
    assert values == [90, 90, 90]
    assert (color, "-") in before
    assert {key: y for key, y in after.items() if key[1] == "-"} == before  # sets are not mixed


def test_segmentation_before_training_is_a_line_of_its_own(tables):
    seg = tables["segmentation"].query("arm == 'plain'")
    early = seg[(seg["seed"] == 0) & (seg["bound"] == "readout")].assign(epoch=0, miou=0.02)
    with style.style():
        figure = segmentation.by_stage({"segmentation": pd.concat([early, seg])}, {})
    means = {
        line.get_linestyle(): line.get_ydata()
        for line in figure.axes[0].lines
        if len(line.get_ydata()) == 2 and line.get_linestyle() in ("-", "--")
    }
    assert np.allclose(means["-"], 100 * 0.305)  # both seeds of the last epoch, nothing else
    assert np.allclose(means["--"], 2)
    assert "1 seed" not in texts(figure)


def test_predictions_stand_beside_the_truth(tmp_path):
    rng = np.random.default_rng(0)
    mask = rng.integers(0, 13, (4, 16, 16)).astype(np.uint8)
    mask[0, 0] = 255
    pictures = {
        "images": rng.integers(0, 256, (4, 16, 16, 3), dtype=np.uint8),
        "shape/truth": mask,
        "shape/stem": mask % 13,
    }
    with style.style():
        figure = segmentation.predictions(pictures, target="shape", most=3)
    assert len(figure.axes) == 9
    assert "truth" in texts(figure)
    assert all(path.stat().st_size > 1000 for path in style.save(figure, tmp_path / "p"))
    with style.style():
        assert "no predictions" in texts(segmentation.predictions(pictures, target="binary"))
