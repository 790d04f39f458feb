"""Figures of the comparison from invented tables."""

from __future__ import annotations

import itertools

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
from texshape.figures import at_a_glance, layer_by_epoch, measure_against_measure
from texshape.figures import disagreement as disagreements
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
    assert "no ρ: 6 of 6 networks have both measures, 10 needed" in text.replace("\n", " ")
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


@pytest.mark.parametrize(
    ("arms", "epochs", "numbers"), [(1, 4, True), (5, 4, True), (4, 5, True), (8, 6, False)]
)
def test_numbers_of_heat_maps_keep_apart(arms, epochs, numbers):
    """Four checkpoints of five arms, as in the embedded experiment; narrower cells have none."""
    names = [f"arm-{number}" for number in range(arms)]
    cells = pd.DataFrame(
        [
            {"architecture": "cnn", "arm": arm, "seed": 0, "stage": stage, "epoch": epoch,
             "n_images": 1320, "input": "pooled", "estimator": "mutual_information", "accuracy": 1.0,
             "value": value}
            for arm in names
            for stage in ("stem", "stage1")
            for epoch, value in zip(range(epochs), (0.04, 0.5, 0.1, -0.001, 0.5, 0.5), strict=False)
        ]
    )  # fmt: skip
    tables = {
        "readout": pd.concat([cells.assign(cue=cue) for cue in ("shape", "texture")]),
        "dimensionality": pd.concat([cells.assign(factor=cue) for cue in ("shape", "texture")]),
    }
    with style():
        figure = layer_by_epoch.heat_maps(tables, synthetic_tables.SETTINGS)
        figure.canvas.draw()
    shown = [text for axis in figure.axes for text in axis.texts]
    assert len(shown) == (4 * arms * 2 * epochs if numbers else 0)
    if numbers:
        assert {text.get_text() for text in shown} == {"100", ".04", ".50", ".10", ".00"}
    for axis in figure.axes:
        boxes = sorted(
            (text.get_window_extent() for text in axis.texts), key=lambda box: (box.y0, box.x0)
        )
        for one, other in itertools.pairwise(boxes):
            if abs(one.y0 - other.y0) < 2:
                assert one.x1 < other.x0


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


def test_sheet_of_wordnet_ids_has_english_names_in_their_own_column(tmp_path):
    """Eight columns of images half an inch wide; names of three words stand on three lines above them."""
    rows = disagreement.top_images(_joined(), SETTINGS)
    long = dict(
        zip(world.PROCEDURAL_CLASSES, ["n02099601", "n02099712", "n02504458"] * 9, strict=False)
    )
    rows = rows.replace({"shape": long, "texture": long})
    labels = world.images()
    images = ImageSet(np.zeros((len(labels), 8, 8, 3), np.uint8), labels)
    figure = disagreements.sheet(rows, images)
    figure.canvas.draw()
    titles = [axis.title for axis in figure.axes]
    told = {line for title in titles for line in title.get_text().split("\n")}
    assert told <= {"golden", "Labrador", "retriever", "African", "elephant"}
    boxes = [title.get_window_extent() for title in titles]
    for one, other in itertools.combinations(boxes, 2):
        assert not one.overlaps(other)
    heads = [text.get_window_extent() for text in figure.texts]
    assert not any(head.overlaps(box) for head in heads for box in boxes)


def compared(**values: list[float]) -> pd.DataFrame:
    """A comparison of one trained network with a value of each measure for each seed."""
    return pd.DataFrame(
        [
            {"model": f"{arch}--plain", "architecture": arch, "arm": "plain", "seed": seed,
             "measure": measure, "value": value, "ci_low": value - 0.1, "ci_high": value + 0.05,
             "n": 480}
            for measure, of_seeds in values.items()
            for arch in ("cnn", "rf9")
            for seed, value in enumerate(of_seeds)
            if (arch, measure) != ("rf9", "used_shape")
        ]
    )  # fmt: skip


def read_out(**accuracies: float) -> pd.DataFrame:
    """Read-outs of the last stage of a network before training."""
    return pd.DataFrame(
        [
            {"architecture": "cnn", "arm": "plain", "seed": 0, "epoch": epoch, "stage": stage, "cue": cue,
             "input": "pooled", "accuracy": value if (epoch, stage) == (0, "last") else 0.99}
            for epoch in (0, 2)
            for stage in ("first", "last")
            for cue, value in accuracies.items()
        ]
    )  # fmt: skip


def marks(axis, marker: str) -> list[tuple[float, float]]:
    """Places of the single markers of a kind, in the order in which they were drawn."""
    return [
        (float(line.get_xdata()[0]), float(line.get_ydata()[0]))
        for line in axis.lines
        if line.get_marker() == marker and len(line.get_xdata()) == 1
    ]


def test_at_a_glance_draws_means_over_seeds_with_the_untrained_network_beside_them():
    comparison = compared(
        shape_bias=[0.1, 0.3],
        readout_shape=[0.7, 0.8],
        readout_texture=[0.9, 1.0],
        used_shape=[0.4, 0.6],
    )
    figure = at_a_glance.decides_knows_uses(
        {"comparison": comparison, "readout": read_out(shape=0.2, texture=0.4)}, {}
    )
    decides, knows, uses = figure.axes
    assert [axis.get_title(loc="left") for axis in figure.axes] == ["Decides by", "Knows", "Uses"]
    assert marks(decides, "D") == [(pytest.approx(20), 0), (pytest.approx(20), 1)]
    assert [x for x, _ in marks(knows, "s")] == pytest.approx([75, 75])
    assert [x for x, _ in marks(knows, "o")] == pytest.approx([95, 95])
    assert [x for x, _ in marks(knows, "|")] == pytest.approx([20, 40])  # RF 9 has no such row
    assert [x for x, _ in marks(uses, "s")] == pytest.approx([50])
    # From the lowest end of a seed's interval to the highest.
    spans = [line.get_xdata() for line in decides.lines if len(line.get_xdata()) == 2
             and line.get_linestyle() == "-" and line.get_marker() in ("", "None")]  # fmt: skip
    assert any(np.allclose(span, [0, 35]) for span in spans)


def test_at_a_glance_without_an_erasure_has_two_panels_and_without_a_read_out_says_so():
    known = compared(shape_bias=[0.1], readout_shape=[0.7], readout_texture=[0.9])
    readout = read_out(shape=0.2, texture=0.4)
    figure = at_a_glance.decides_knows_uses({"comparison": known, "readout": readout}, {})
    assert len(figure.axes) == 2
    undefined = at_a_glance.decides_knows_uses(
        {"comparison": compared(shape_bias=[0.1]), "readout": readout}, {}
    )
    assert "no network has a read-out" in words(undefined)


def test_at_a_glance_has_a_line_for_humans():
    known = compared(shape_bias=[0.1], readout_shape=[0.7], readout_texture=[0.9])
    humans = {"model": "humans", "architecture": "humans", "arm": "published", "seed": np.nan,
              "measure": "shape_bias", "value": 0.96, "ci_low": 0.9, "ci_high": 0.99, "n": 9600}  # fmt: skip
    known = pd.concat([known, pd.DataFrame([humans])])
    figure = at_a_glance.decides_knows_uses(
        {"comparison": known, "readout": read_out(shape=0.2, texture=0.4)}, {}
    )
    assert any(np.allclose(line.get_xdata(), 96) for line in figure.axes[0].lines)
    assert "humans" in words(figure)
    assert "n = 480 pictures" in figure.axes[0].get_xlabel()  # of the rows that are shown
