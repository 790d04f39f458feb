"""Figures of the comparison from invented tables."""

from __future__ import annotations

import matplotlib.text
import numpy as np
import pandas as pd
import pytest
from tests import comparison_world as world
from tests import synthetic_tables

from texshape.comparison import correlation, disagreement, measures
from texshape.config.comparison import ComparisonSettings
from texshape.data.imageset import ImageSet
from texshape.errors import InputError
from texshape.figures import disagreement as disagreements
from texshape.figures import layer_by_epoch, measure_against_measure
from texshape.figures.style import save, style
from texshape.trials.files import Trials

SETTINGS = ComparisonSettings.of(resamples=100, permutations=100)
PROCEDURAL = synthetic_tables.procedural()


def words(figure) -> str:
    return "\n".join(text.get_text() for text in figure.findobj(matplotlib.text.Text))


def tables(networks: dict) -> dict[str, pd.DataFrame]:
    comparison = measures.collect(world.tables(networks), SETTINGS)
    return {
        "comparison": comparison,
        "correlations": correlation.correlations(comparison, SETTINGS),
    }


@pytest.fixture(autouse=True)
def _style():
    with style():
        yield


def test_scatter_without_coefficient_below_ten():
    figure = measure_against_measure.scatter(tables(world.NETWORKS), {})
    text = words(figure)
    assert "n = 6" in text
    assert "no ρ: 6 of 6 networks have both measures, 10 needed" in text
    assert "ρ =" not in text
    assert "undefined" not in text
    assert "shape bias (%)" in text
    assert "(nats a unit)" in text


def test_scatter_with_coefficient():
    networks = {f"net{i}--plain": (0.1 + 0.05 * i, 0.8 - 0.05 * i, 0.3 + 0.05 * i)
                for i in range(12)}  # fmt: skip
    text = words(measure_against_measure.scatter(tables(networks), {}))
    assert "ρ = 1.00 [" in text
    assert "(Holm of " in text
    assert "n = 12" in text


def test_scatter_shows_means_over_the_seeds_that_have_both_measures():
    """A bias of another kind in the seed without activations moves no point."""
    given = tables({name: world.NETWORKS[name] for name in ("cnn--plain", "cnn--stylized")})
    frame = given["comparison"]
    third = frame["seed"] == 2
    given["comparison"] = frame[~(third & (frame["measure"] == "readout_shape"))].copy()
    points = []
    for value in (0.5, 1.0):
        changed = given["comparison"]
        changed.loc[third & (changed["measure"] == "shape_bias"), "value"] = value
        axis = measure_against_measure.scatter(
            given, {"panels": [("shape_bias", "readout_shape")]}
        ).axes[0]
        points.append(sorted(tuple(map(tuple, line.get_xydata())) for line in axis.lines))
    assert points[0] == points[1]
    assert len(points[0]) > 4


def test_scatter_leaves_control_arms_out():
    settings = {"arms": {"plain": {}, "stylized": {"variant": "tint"}, "mixed": {}}}
    figure = measure_against_measure.scatter(tables(world.NETWORKS), settings)
    assert "n = 4" in words(figure)
    assert "stylized" not in [text.get_text() for text in figure.legends[0].get_texts()]


def test_scatter_of_undefined_and_absent_measures():
    given = tables(world.NETWORKS)
    given["comparison"]["value"] = np.nan
    assert "undefined" in words(measure_against_measure.scatter(given, {}))
    given["comparison"] = given["comparison"].iloc[:0]
    assert "undefined" in words(measure_against_measure.scatter(given, {}))


def test_heat_maps_print_the_mean_of_seeds():
    figure = layer_by_epoch.heat_maps(PROCEDURAL, synthetic_tables.SETTINGS)
    frame = PROCEDURAL["readout"]
    frame = frame[(frame["architecture"] == "cnn") & (frame["arm"] == "stylized")]
    frame = frame[(frame["epoch"] == 10) & (frame["stage"] == "stage3")]
    frame = frame[frame["input"] == "pooled"]
    mean = 100 * frame[frame["cue"] == "shape"]["accuracy"].mean()
    panel = next(axis for axis in figure.axes if "stylized" in axis.get_title(loc="left"))
    cells = {(text.get_position()): text.get_text() for text in panel.texts}
    assert cells[1.5, 3.5] == f"{mean:.0f}"
    assert len(cells) == 4 * 2  # stages x checkpoints
    assert "undefined" not in words(figure)
    assert "n = 1,100" in words(figure)


def test_heat_maps_of_undefined_and_empty_tables():
    given = {name: PROCEDURAL[name] for name in ("readout", "dimensionality")}
    assert "undefined" in words(layer_by_epoch.heat_maps(synthetic_tables.undefined(given), {}))
    given = {name: frame.iloc[:0] for name, frame in given.items()}
    assert "undefined" in words(layer_by_epoch.heat_maps(given, {}))


def _joined() -> dict:
    joined = {}
    for model in ("cnn--plain", "cnn--stylized"):
        shape, texture, known = world.NETWORKS[model]
        frame = world.trials(model, 0, (shape, texture))
        columns = {name: [str(v) for v in frame[name]] for name in frame.columns}
        trials = Trials("invented", world.PROCEDURAL_CLASSES, columns)
        key = (model, *model.split("--"), 0)
        joined[key] = disagreement.join(
            trials, world.readings(frame, known), input="pooled", name="readings"
        )
    return joined


def test_bars_sum_to_all_images():
    counts = disagreement.count(_joined(), SETTINGS)
    figure = disagreements.by_network({"disagreement": counts}, {})
    shape = figure.axes[0]
    widths = [patch.get_width() for patch in shape.patches]
    assert sum(widths) == pytest.approx(200)  # two networks
    assert "n = 1,056" in words(figure)
    empty = disagreements.by_network({"disagreement": counts.iloc[:0]}, {})
    assert "undefined" in words(empty)
    nothing = counts.assign(share=np.nan, expected_share=np.nan)
    assert "undefined" in words(disagreements.by_network({"disagreement": nothing}, {}))


def test_sheet_shows_the_listed_images(tmp_path):
    rows = disagreement.top_images(_joined(), SETTINGS)
    labels = world.images()
    pixels = np.random.default_rng(0).integers(0, 255, (len(labels), 8, 8, 3)).astype(np.uint8)
    images = ImageSet(pixels, labels)
    figure = disagreements.sheet(rows, images, models=["cnn--plain"], columns=3)
    shown = [np.asarray(image.get_array()) for axis in figure.axes for image in axis.get_images()]
    assert len(shown) == 3 * rows.loc[rows["model"] == "cnn--plain", "kind"].nunique()
    first = rows[rows["model"] == "cnn--plain"].iloc[0]
    place = int(np.flatnonzero(labels["imagename"] == first["imagename"])[0])
    assert (shown[0] == pixels[place]).all()
    assert "decided for texture, shape read rightly" in words(figure)
    assert [path.exists() for path in save(figure, tmp_path / "sheet")] == [True, True]
    with pytest.raises(InputError, match=r"no network 'cnn--plan'.*'cnn--plain'"):
        disagreements.sheet(rows, images, models=["cnn--plan"])
    with pytest.raises(InputError, match="is not in the image set"):
        disagreements.sheet(rows, ImageSet(pixels[:1], labels.iloc[:1]))
    assert "undefined" in words(disagreements.sheet(rows.iloc[:0], images))
