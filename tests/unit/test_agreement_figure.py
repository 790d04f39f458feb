"""The figure of measures by measures: its order, its squares, its names and its panels."""

from __future__ import annotations

import matplotlib.text
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from tests import synthetic_tables

from texshape.figures import agreement, style
from texshape.figures.registry import draw

TABLE = synthetic_tables.procedural()["agreement"]


def texts(figure) -> list[matplotlib.text.Text]:
    return [text for text in figure.findobj(matplotlib.text.Text) if text.get_text()]


def drawn(table):
    return draw("agreement", {"agreement": table})


def test_measures_stand_from_agreement_with_the_bias_to_contrary():
    table = TABLE.copy()
    with_bias = table["measure_x"] == "shape_bias"
    table.loc[with_bias, "rho"] = table.loc[with_bias, "measure_y"].map(
        {"cue_match_rate": 0.3, "readout_shape": -0.4, "information_shape": 0.9}
    )
    names = ["shape_bias", "information_shape", "cue_match_rate", "readout_shape"]
    assert agreement.in_order(table) == names
    table.loc[table["measure_y"] == "information_shape", "rho"] = np.nan
    table.loc[table["measure_x"] == "information_shape", "rho"] = np.nan
    assert agreement.in_order(table) == ["shape_bias", "cue_match_rate", "readout_shape"]
    assert "1 of 4 measures without a coefficient" in "".join(
        text.get_text() for text in texts(drawn(table))
    )


def test_colours_say_the_sign_and_sizes_what_was_decided():
    def square(**cells):
        row = TABLE[TABLE["measure_y"] == "readout_shape"].head(1).assign(**cells)
        axis = drawn(row).axes[0]
        own = [one for one in axis.patches if 0 <= one.get_x() < 1 and 1 <= one.get_y() < 2]
        return own[-1]

    decided = square(rho=1.0, ci_low=0.9, ci_high=1.0, verdict="agree")
    assert decided.get_facecolor()[:3] == pytest.approx(to_rgb(style.GREEN), abs=0.01)
    contrary = square(rho=-1.0, ci_low=-1.0, ci_high=-0.9, verdict="contrary")
    assert contrary.get_facecolor()[:3] == pytest.approx(to_rgb(style.PURPLE), abs=0.01)
    corrected = square(rho=0.6, ci_low=0.1, ci_high=0.9, verdict="undecided")
    zero = square(rho=0.6, ci_low=-0.1, ci_high=0.9, verdict="undecided")
    tied = square(rho=0.6, ci_low=0.1, ci_high=0.9, verdict="tied")
    assert decided.get_width() > corrected.get_width() > zero.get_width() > 0
    assert tied.get_facecolor()[3] == 0


def test_networks_of_others_have_a_panel_of_their_own():
    others = TABLE.assign(measured_by="Somebody 2023", n_networks=86)
    figure = drawn(synthetic_tables.pd.concat([TABLE, others]))
    titles = [axis.get_title(loc="left").replace("\n", " ") for axis in figure.axes]
    assert titles == [
        "Measured here, n = 12 networks",
        "Measured by others (Somebody 2023), n = 86 networks",
    ]


def test_names_are_read_and_lie_inside_however_many_there_are():
    rows = TABLE[TABLE["measure_x"] == "shape_bias"].head(1)
    names = [f"a measure with a long name, {i}" for i in range(38)]
    many = synthetic_tables.pd.concat(
        [rows.assign(measure_y=name, label_y=name, cue_y="texture") for name in names]
    )
    figure = drawn(many)
    figure.draw_without_rendering()
    width = figure.bbox.width
    for text in texts(figure):
        assert text.get_fontsize() >= 6
        assert text.get_window_extent().x1 <= width
    assert sum(text.get_text().startswith("less: a measure") for text in texts(figure)) == 38


def test_panels_of_others_stand_beside_each_other_below_the_first():
    def of(who, count):
        names = [f"measure {i}" for i in range(count)]
        row = TABLE[TABLE["measure_x"] == "shape_bias"].head(1).assign(measured_by=who)
        return [row.assign(measure_y=name, label_y=name) for name in names]

    first = TABLE.assign(measured_by=agreement.HERE)
    figure = drawn(synthetic_tables.pd.concat([first, *of("A 2023", 4), *of("B 2024", 13)]))
    (here, one, other) = [axis.get_position() for axis in figure.axes]
    assert here.y0 > max(one.y1, other.y1)
    assert one.y1 == pytest.approx(other.y1)
    assert one.x1 < other.x0
    beside = figure.get_figheight()
    alone = drawn(synthetic_tables.pd.concat([first, *of("B 2024", 13)])).get_figheight()
    assert beside < alone + 0.2  # a longer title, and no panel more
