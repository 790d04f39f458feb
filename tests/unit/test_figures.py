"""Each figure from invented tables: it draws, says what is undefined, and is the same each time."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests import synthetic_tables

from texshape.errors import InputError
from texshape.figures import controls, style
from texshape.figures.registry import FIGURES, available, declaration, draw, read_tables
from texshape.figures.style import save
from texshape.techniques.base import Figure
from texshape.techniques.readout import figure as readout
from texshape.techniques.triplets import figure as triplets

PROCEDURAL = synthetic_tables.procedural()
PUBLISHED = synthetic_tables.published()
SETTINGS = synthetic_tables.SETTINGS
# Their n differs between points; seeds or columns of the table say it.
WITHOUT_ONE_N = ("receptive_field", "training", "dimensionality", "shape_bias_by_class",
                 "corruption_errors")  # fmt: skip
OPTIONAL = synthetic_tables.optional()
#: drawn by the tests of their techniques
ELSEWHERE = ("frequency_channel", "configural_shape")


def source(figure: Figure) -> dict[str, pd.DataFrame]:
    """The invented tables that a figure is drawn from: the first that has all of them."""
    of_all = [] if figure.needs == "published" else [PROCEDURAL, OPTIONAL]
    return next(each for each in (*of_all, PUBLISHED) if {*figure.tables} <= {*each})


DRAWN_FROM = {
    name: source(figure)
    for name, figure in FIGURES.items()
    if figure.draw and name not in ELSEWHERE
}


def words(figure) -> str:
    """All text in a figure."""
    import matplotlib.text

    return "\n".join(text.get_text() for text in figure.findobj(matplotlib.text.Text))


def tables_of(name: str) -> dict[str, pd.DataFrame]:
    return {table: DRAWN_FROM[name][table] for table in FIGURES[name].tables}


@cache
def drawn(name: str):
    """A figure that several tests look at."""
    return draw(name, tables_of(name), SETTINGS)


@pytest.mark.parametrize("name", DRAWN_FROM)
def test_draws_and_labels_its_axes(name):
    figure = drawn(name)
    text = words(figure)
    assert any(unit in text for unit in ("%", "(px)", "nats", "log scale", "kappa", "ρ"))
    assert "undefined" not in text
    assert any(axis.has_data() for axis in figure.axes)


@pytest.mark.parametrize("name", [name for name in DRAWN_FROM if name not in WITHOUT_ONE_N])
def test_states_its_n(name):
    assert "n = " in words(drawn(name))


@pytest.mark.parametrize("name", DRAWN_FROM)
def test_undefined_values_are_marked(name, tmp_path):
    tables = synthetic_tables.undefined(tables_of(name))
    figure = draw(name, tables, SETTINGS)
    assert "undefined" in words(figure)
    assert save(figure, tmp_path / name)[1].stat().st_size > 1000


def test_the_channel_of_networks_that_recognise_nothing_has_a_figure(tmp_path):
    from texshape.techniques.frequency_channel.tables import BANDS, CHANNEL

    network = {"model": "rf9--plain", "architecture": "rf9", "arm": "plain", "seed": 0}
    reason = "recognises no more than guessing without noise"
    tables = {
        table.name: pd.DataFrame(
            [
                {**dict.fromkeys(table.names, np.nan), **network, "n": 8, "reason": reason} | values
                for values in rows
            ]
        )
        for table, rows in (
            (CHANNEL, [{}]),
            (BANDS, [{"band": band, "frequency": 1.75 * 2**band} for band in range(3)]),
        )
    }
    figure = draw("frequency_channel", tables, SETTINGS)
    assert "undefined" in words(figure)
    assert save(figure, tmp_path / "channel")[1].stat().st_size > 1000


@pytest.mark.parametrize("name", DRAWN_FROM)
def test_empty_tables_are_marked(name):
    tables = {table: frame.iloc[:0] for table, frame in tables_of(name).items()}
    assert "undefined" in words(draw(name, tables, SETTINGS))


@pytest.mark.parametrize("name", ["shape_bias", "readout"])
def test_files_are_the_same_each_time(name, tmp_path):
    for folder in ("first", "second"):
        save(draw(name, tables_of(name), SETTINGS), tmp_path / folder / name)
    for suffix in ("svg", "png"):
        first, second = (tmp_path / f / f"{name}.{suffix}" for f in ("first", "second"))
        assert first.read_bytes() == second.read_bytes()
    text = (tmp_path / "first" / f"{name}.svg").read_text()
    assert "<path" in text
    assert "<image" not in text  # vector through and through
    assert "<dc:date>" not in text


def test_points_lie_where_the_table_says():
    figure = draw("shape_bias", tables_of("shape_bias"), SETTINGS)
    drawn = {
        round(float(x), 6) for line in figure.axes[0].lines for x in np.atleast_1d(line.get_xdata())
    }
    frame = style.trained_on_base(PROCEDURAL["shape_bias"], SETTINGS)
    assert len(frame) == 3 * 14
    assert {round(100 * value, 6) for value in frame["shape_bias"]} <= drawn


@pytest.mark.parametrize("cues", [{"shape"}, {"texture"}, {"shape", "texture"}])
def test_a_legend_names_the_cues_that_were_shown_alone(cues):
    tables = tables_of("shape_bias")
    alone = tables["accuracy"]
    left = alone[alone["cue"].isin(cues) | ~alone["set"].isin(["silhouettes", "textures"])]
    (legend,) = draw("shape_bias", tables | {"accuracy": left}, SETTINGS).legends
    assert {text.get_text() for text in legend.get_texts()} == {*cues, "chance"}


def test_controls_stay_out_of_the_other_figures():
    text = words(draw("shape_bias", tables_of("shape_bias"), SETTINGS))
    assert "CNN · plain" in text
    assert "orientation" not in text


def test_by_class_puts_shape_left():
    frame = pd.DataFrame({"model": "cnn--plain", "architecture": "cnn", "arm": "plain", "seed": 0,
                          "class": ["disc", "star"], "shape_bias": [1.0, 0.25],
                          "n_shape": [8, 2], "n_texture": [0, 6]})  # fmt: skip
    whole = pd.DataFrame({"model": ["cnn--plain"], "architecture": "cnn", "arm": "plain", "seed": 0,
                          "shape_bias": 10 / 16, "ci_low": 0.5, "ci_high": 0.7,
                          "cue_match_rate": 1.0, "n_conflict": 16})  # fmt: skip
    figure = draw("shape_bias_by_class", {"shape_bias": whole, "shape_bias_by_class": frame})
    points, mean = figure.axes[0].lines[:2]
    assert points.get_xdata().tolist() == [100.0, 25.0]
    assert mean.get_xdata()[0] == pytest.approx(62.5)
    left, right = figure.axes[0].get_xlim()
    assert left > 100 > 0 > right


def test_by_class_shows_who_was_measured():
    """Larger, with an edge, above the published networks; alone with others measured, all alike."""
    names = ["humans", "alexnet", "mine"]
    frame = pd.DataFrame({"model": names, "architecture": names,
                          "arm": ["published", "published", "imagenet"], "seed": 0, "class": "disc",
                          "shape_bias": [0.9, 0.4, 0.2], "ci_low": 0.1, "ci_high": 0.95,
                          "cue_match_rate": 1.0, "n_conflict": 16})  # fmt: skip
    tables = {"shape_bias": frame, "shape_bias_by_class": frame}
    axis = draw("shape_bias_by_class", tables).axes[0]
    humans, alexnet, mine = [line for line in axis.lines if line.get_marker() not in (None, "None")]
    for other in (humans, alexnet):
        assert mine.get_markersize() > other.get_markersize()
        assert mine.get_zorder() > other.get_zorder()
        assert mine.get_markeredgecolor() != other.get_markeredgecolor()


def test_ranges_of_the_controls_come_from_the_parameters():
    found = controls.ranges(SETTINGS)
    assert set(found) == {"plain", *synthetic_tables.CONTROLS}  # crops are another recipe
    assert found["plain-orientation-free"] == {"orientation": 3.1416, "tint": 0.12}
    assert found["plain-tint-0.3"] == {"orientation": 0.4, "tint": 0.3}


def test_control_of_an_unknown_variant_is_named():
    settings = {"data": SETTINGS["data"],
                "arms": {"plain": {"sets": ["plain"]},
                         "odd": {"sets": ["plain"], "variant": "purple"}}}  # fmt: skip
    with pytest.raises(InputError, match=r"odd.*purple"):
        controls.ranges(settings)


def test_untrained_networks_are_those_of_epoch_zero_or_of_that_name():
    frame = pd.DataFrame({"architecture": "cnn", "arm": ["plain"] * 3, "seed": 0,
                          "epoch": [0, 4, 10]})  # fmt: skip
    assert readout.untrained(frame)["epoch"].tolist() == [0]
    assert readout.trained_last(frame)["epoch"].tolist() == [10]
    # A network that is measured as it is has only one checkpoint and is not 'untrained'.
    assert readout.untrained(frame.iloc[:1]).empty
    named = pd.concat([frame.iloc[2:], frame.iloc[:1].assign(arm="untrained")])
    assert readout.untrained(named)["arm"].tolist() == ["untrained"]


def test_choices_by_likeness_are_drawn_of_each_seed_at_its_own_end():
    ends = ((0, 0, 0.1), (0, 10, 0.3), (1, 0, 0.2), (1, 8, 0.4))  # seed, epoch, share
    frame = pd.DataFrame([
        {"model": "rf17--plain", "architecture": "rf17", "arm": "plain", "seed": seed,
         "epoch": epoch, "stage": "stem", "match": "class", "centred": True, "shape_share": share,
         "ci_low": share, "ci_high": share, "n_anchors": 9}
        for seed, epoch, share in ends
    ])  # fmt: skip
    figure = triplets.by_stage({"triplets": frame}, SETTINGS)
    shown = [float(y) for line in figure.axes[0].lines if line.get_marker() == "o"
             for y in line.get_ydata()]  # fmt: skip
    assert sorted({round(y, 6) for y in shown} - {35}) == [30, 40]  # 35: their mean


def test_unknown_figure_and_missing_column(tmp_path):
    with pytest.raises(InputError, match=r"shape_bais.*shape_bias"):
        read_tables("shape_bais", tmp_path)
    with pytest.raises(InputError, match=r"accuracy\.csv: no such file"):
        read_tables("accuracy", tmp_path)
    synthetic_tables.write({"accuracy": PROCEDURAL["accuracy"].drop(columns="cue")}, tmp_path)
    with pytest.raises(InputError, match="column 'cue' is missing"):
        read_tables("accuracy", tmp_path)


def test_registry_imports_no_drawing_library_and_figures_no_torch(tmp_path):
    synthetic_tables.write(tables_of("shape_bias"), tmp_path)
    script = (
        "import sys\n"
        "from texshape.figures.registry import FIGURES, draw, read_tables\n"
        "assert not {'matplotlib', 'pandas', 'numpy', 'torch'} & set(sys.modules)\n"
        f"draw('shape_bias', read_tables('shape_bias', {str(tmp_path)!r}), {{}})\n"
        "assert 'torch' not in sys.modules and 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_available_figures_follow_tables_and_kind():
    assert available(["accuracy"], trained=True) == ["accuracy"]
    both = ["shape_bias", "shape_bias_by_class", "accuracy"]
    assert "controls" in available(both, trained=True)
    assert "published_comparison" not in available(both, trained=True)
    assert "controls" not in available(both, trained=False)
    assert "published_comparison" in available(both, trained=False)


def test_every_figure_has_a_caption_and_a_chapter_of_the_report():
    chapters = {figure.chapter for figure in FIGURES.values()}
    assert sorted(chapter[0] for chapter in chapters) == list("01234567")
    for name, figure in FIGURES.items():
        assert len(figure.caption) > 60, name
        assert figure.caption.endswith("."), name
        assert not set("{}") & set(figure.caption), name  # Snakemake takes them for fields
    assert declaration("shape_bias").chapter == "2 What decides"


def test_command_draws_several(tmp_path):
    from typer.testing import CliRunner

    import texshape.cli.figures
    from texshape.cli.run import run

    assert texshape.cli.figures.__doc__
    synthetic_tables.write(PROCEDURAL, tmp_path / "tables")
    result = CliRunner().invoke(
        run,
        ["figures", "controls", "accuracy", "--tables", str(tmp_path / "tables"),
         "--output-dir", str(tmp_path / "figures"), "--settings", json.dumps(SETTINGS)],
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    written = sorted(path.name for path in Path(tmp_path / "figures").iterdir())
    assert written == ["accuracy.png", "accuracy.svg", "controls.png", "controls.svg"]


def test_a_figure_of_some_networks_says_of_how_many() -> None:
    assert style.of_all(6, 6) == ""
    assert style.of_all(6, 13) == ", 6 of 13 networks"


def test_a_long_name_is_parted_behind_an_underscore() -> None:
    label = style.network_label("mobilenet_v1_1.0_224_joined", "imagenet", room=22)
    assert label.replace("\n", "") == "mobilenet_v1_1.0_224_joined · imagenet"
    assert style.network_label("mobilenet_v1_0.25_128", "card-1a2b3c") == "mobilenet_v1_0.25_128"
    assert max(map(len, label.splitlines())) <= 24
    assert "\n" not in style.network_label("cnn", "plain", room=22)
