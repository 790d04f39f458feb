"""Words in figures: large enough, inside, beside each other, and names that a reader knows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import matplotlib.text
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.transforms import Bbox
from tests import synthetic_tables

from texshape.figures import style, words
from texshape.figures.registry import FIGURES, draw

TRAINED = {**synthetic_tables.procedural(), **synthetic_tables.optional()}
#: networks that were measured as they are, each by a card of its own
AS_THEY_ARE = {
    **synthetic_tables.published(),
    **synthetic_tables.published_techniques(),
    **synthetic_tables.published_optional(),
}
LONG = {
    "cnn": "mobilenet_v1_1.0_224_joined",
    "rf9": "tf2_mobilenet_v2_1.0_224_ptq",
    "rf17": "mobilenet_v2_0.35_128_tt",
    "rf33": "proxylessnas_w0.3_128",
    "rf9-wide": "vit_large_patch14_reg4_dinov2",
    "efficientnet-lite0": "tf2_mobilenet_v2_1.0_224_ptq",
    "efficientnet-lite1": "mobilenet_v1_1.0_224_joined",
    "efficientnet-lite2": "proxylessnas_w0.3_128",
}
CARDS = {name: f"card-{place:06x}" for place, name in enumerate(dict.fromkeys(LONG.values()))}
NAMES = ("model", "model_a", "model_b", "subject", "subject_a", "subject_b")
DRAWN = [
    (name, kind)
    for kind, tables in (("trained", TRAINED), ("as they are", AS_THEY_ARE))
    for name, figure in FIGURES.items()
    if figure.draw and all(table in tables for table in figure.tables)
    if kind == "trained" or figure.needs not in ("trained", "controls")
]


def with_long_names(frame: pd.DataFrame, cards: bool) -> pd.DataFrame:
    """A table of networks whose names are as long as those of real ones."""
    frame = frame.copy()
    if cards and {"architecture", "arm"} <= set(frame):
        own = frame["arm"] == "imagenet"
        names = frame.loc[own, "architecture"].map(lambda name: LONG.get(name, name))
        frame.loc[own, "arm"] = names.map(lambda name: CARDS.get(name, "imagenet"))
    if "architecture" in frame:
        frame["architecture"] = frame["architecture"].map(lambda name: LONG.get(name, name))
    for column in (column for column in NAMES if column in frame):
        frame[column] = [renamed(one, cards) if isinstance(one, str) else one
                         for one in frame[column]]  # fmt: skip
    return frame


def renamed(model: str, cards: bool) -> str:
    name, joint, arm = model.partition("--")
    name = LONG.get(name, name)
    if cards and name in CARDS:
        arm = arm.replace("imagenet", CARDS[name])
    return name + joint + arm


def written(figure: Figure) -> Iterator[tuple[matplotlib.text.Text, Bbox]]:
    """Every text that is drawn, and where, once the figure is laid out as it is when it is saved."""
    found: dict[matplotlib.text.Text, None] = {}
    plain = matplotlib.text.Text.draw

    def noted(text: matplotlib.text.Text, *given: object, **named: object) -> None:
        found[text] = None
        plain(text, *given, **named)

    with style.style(), pytest.MonkeyPatch.context() as patch:
        renderer = FigureCanvasAgg(figure).get_renderer()
        style.settle(figure)
        patch.setattr(matplotlib.text.Text, "draw", noted)
        figure.draw(renderer)
        for text in found:
            if text.get_visible() and text.get_text().strip():
                yield text, matplotlib.text.Text.get_window_extent(text, renderer)


def covered(one: Bbox, other: Bbox) -> bool:
    """Whether two texts overlap by more than the air about their letters."""
    wide = min(one.x1, other.x1) - max(one.x0, other.x0)
    high = min(one.y1, other.y1) - max(one.y0, other.y0)
    return wide > 3 and high > 6


def faults(figure: Figure) -> list[str]:
    """What is wrong with the words of a figure."""
    found, level = [], []
    for text, box in written(figure):
        said = text.get_text()
        if text.get_fontsize() < words.SMALLEST:
            found.append(f"{text.get_fontsize()} points: {said!r}")
        if (
            min(box.x0, box.y0) < -2
            or box.x1 > figure.bbox.width + 2
            or box.y1 > figure.bbox.height + 2
        ):
            found.append(f"outside: {said!r}")
        if re.search(r"card-[0-9a-f]{6}", said):
            found.append(f"no reader knows it: {said!r}")
        if text.get_rotation() % 90 == 0:  # boxes of slanted words overlap where the words do not
            level.append((said, box))
    found += [
        f"{said!r} on {other!r}"
        for (said, box), (other, second) in combinations(level, 2)
        if covered(box, second)
    ]
    return found


def of_other_colours(figure: Figure) -> list[str]:
    """Entries of legends that name one of the two cues first and are not of its colour."""
    legends = [*figure.legends, *(axis.get_legend() for axis in figure.axes if axis.get_legend())]
    found = []
    for legend in legends:
        for text, handle in zip(legend.get_texts(), legend.legend_handles, strict=True):
            if cue := re.match(
                r"(?:decided for |decisions for )?(shape|texture)\b(?! bias)", text.get_text()
            ):
                colour = (
                    handle.get_color() if isinstance(handle, Line2D) else handle.get_facecolor()
                )
                if to_hex(colour) != to_hex(style.CUES[cue[1]][0]):
                    found.append(f"{text.get_text()}: {to_hex(colour)}")
    return found


@pytest.mark.parametrize(("name", "kind"), DRAWN)
def test_words_are_large_enough_inside_and_beside_each_other(name, kind):
    cards = kind == "as they are"
    tables = AS_THEY_ARE if cards else TRAINED
    own = {table: with_long_names(tables[table], cards) for table in FIGURES[name].tables}
    settings = {} if cards else synthetic_tables.SETTINGS
    figure = draw(name, own, settings)
    assert faults(figure) + of_other_colours(figure) == []


def test_faults_are_found():
    with style.style():
        figure = style.make(height=1.5)
        axis = figure.add_subplot()
        axis.text(0.2, 0.5, "covered", fontsize=8)
        axis.text(0.2, 0.5, "card-0a1b2c", fontsize=5)
        axis.text(0.9, 0.2, "far to the right of the figure", in_layout=False)
    assert sorted(fault.partition(":")[0] for fault in faults(figure)) == [
        "'covered' on 'card-0a1b2c'", "5.0 points", "no reader knows it", "outside"
    ]  # fmt: skip


def test_a_cue_of_another_colour_is_found():
    figure = Figure()
    axis = figure.add_subplot()
    axis.plot([], [], color=style.GREEN, label="shape, untrained")
    axis.plot([], [], color=style.TEXTURE, label="texture")
    figure.legend()
    assert of_other_colours(figure) == ["shape, untrained: #009e73"]


def test_a_text_is_parted_at_spaces_and_behind_underscores():
    assert words.broken("mobilenet_v2_1.0 · plain", 14) == "mobilenet_v2_\n1.0 · plain"
    assert words.broken("short", 14) == "short"
    assert words.broken("a\nb", 14) == "a\nb"
    with style.style():
        text = "Error consistency and its uncertainty of many networks"
        half = words.inches(text, 8.5) / 2
        assert len(words.fitted(text, 1.1 * half, 8.5).splitlines()) == 2
        assert words.fitted(text, 2.1 * half, 8.5) == text


@pytest.mark.parametrize("networks", [6, 10])
def test_the_read_out_of_many_networks_keeps_room_for_its_lines(networks):
    one = TRAINED["readout"]
    one = one[(one["architecture"] == "cnn") & (one["arm"] == "plain") & (one["seed"] == 0)]
    frame = pd.concat([
        one.assign(architecture=f"network_{i}", arm=f"card-{i:06x}", model=f"network_{i}--card-{i:06x}")
        for i in range(networks)
    ])  # fmt: skip
    figure = draw("readout", {"readout": frame}, {})
    with style.style():
        style.settle(figure)
    shown = [axis for axis in figure.axes if axis.has_data()]
    assert len(shown) == networks
    inches = [axis.get_position().height * figure.get_figheight() for axis in shown]
    assert min(inches) > 0.6
    colours = {line.get_color() for line in shown[0].lines if line.get_marker() in ("s", "o")}
    assert colours == {style.SHAPE, style.TEXTURE}


def test_the_colours_of_the_cues_are_used_for_nothing_else():
    """Only `style` says what else has them: networks that are trained to go by one cue."""
    package = Path(style.__file__).parents[1]
    modules = [path for path in package.rglob("*.py") if path != Path(style.__file__)]
    named = [path.name for path in modules if re.search(r"\b(BLUE|VERMILION)\b", path.read_text())]
    assert named == []
    assert len(modules) > 100
