"""One look for all figures, and the way they are written.

Colours are those of Okabe and Ito (2008), told apart with any colour vision; a marker always says
the same as the colour. Sizes are for a column 13 cm wide, in points as printed.
"""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from texshape.figures.words import broken, part_titles
from texshape.files import atomic_path
from texshape.models.printed_names import ARCHITECTURES, printed
from texshape.trials.names import HUMANS, is_human

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

WIDTH = 5.1  # inches, the width of the article's text block on A4
INK, GREY, FAINT = "#1a1a1a", "#767676", "#d9d9d9"
BLUE, VERMILION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
ORANGE, SKY, YELLOW = "#E69F00", "#56B4E9", "#F0E442"

# The two cues, in every figure; of others only what is trained on one.
SHAPE, TEXTURE = BLUE, VERMILION
CUES = {"shape": (SHAPE, "s"), "texture": (TEXTURE, "o")}

# What a network was trained on; arms that are not listed take the remaining colours in turn.
ARMS = {
    "plain": (VERMILION, "o"),
    "plain-crop": (ORANGE, "v"),
    "mixed": (GREEN, "D"),
    "stylized": (BLUE, "s"),
    "neural": (PURPLE, "P"),
    "textures-named": (INK, "*"),
    "untrained": (GREY, "x"),
    "imagenet": (GREEN, "s"),
    "published": (GREY, "^"),
}
OTHERS = [(SKY, "X"), (YELLOW, "h"), (PURPLE, "<"), (INK, "p"), (GREEN, ">"), (BLUE, "d")]

_STYLE: dict[str, Any] = {
    "font.family": ["DejaVu Sans"],  # comes with matplotlib: the same on every machine
    "font.size": 8,
    "axes.titlesize": 8.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 8,
    "axes.labelcolor": INK,
    "axes.edgecolor": GREY,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#e8e8e8",
    "grid.linewidth": 0.6,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "lines.linewidth": 1.4,
    "lines.markersize": 4.5,
    "legend.fontsize": 7.5,
    "legend.frameon": False,
    "legend.handlelength": 1.4,
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.w_pad": 0.07,
    "figure.constrained_layout.h_pad": 0.06,
    "figure.dpi": 220,  # laid out as finely as it is written: text is narrower when hinted
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "savefig.dpi": 220,
    "svg.fonttype": "path",  # glyphs as curves: a browser without the font moves nothing
    "svg.hashsalt": "texshape",  # element ids, and so the file, are the same each time
    "path.simplify": True,
    "text.color": INK,
    "text.usetex": False,
}


def style() -> AbstractContextManager[None]:
    """Context in which figures are made and written; nothing global is left changed."""
    plain = {
        key: value for key, value in matplotlib.rcParamsDefault.items() if "backend" not in key
    }
    return matplotlib.rc_context({**plain, **_STYLE})  # a user's matplotlibrc changes nothing


def save(figure: Figure, stem: str | Path) -> list[Path]:
    """Write a figure as ``stem.svg`` and ``stem.png``, atomically, the same bytes each time.

    Returns
    -------
    list of Path
        The two files.
    """
    metadata = {"svg": {"Date": None, "Creator": None}, "png": {"Software": None}}
    written = []
    with style(), _missing_signs(stem):
        settle(figure)
        for suffix, entries in metadata.items():
            path = Path(f"{stem}.{suffix}")
            with atomic_path(path) as temporary:
                figure.savefig(temporary, format=suffix, metadata=entries)
            written.append(path)
    return written


@contextmanager
def _missing_signs(stem: str | Path) -> Iterator[None]:
    """Say in one line which letters of names the figures' font lacks, where matplotlib takes many."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    missing = set()
    for given in caught:
        if found := re.match(r"Glyph (\d+) ", str(given.message)):
            missing.add(chr(int(found[1])))
        else:
            warnings.warn_explicit(given.message, given.category, given.filename, given.lineno)
    if missing:
        print(
            f"texshape: warning: {stem}: the figures' font lacks {' '.join(sorted(missing))}; boxes "
            "stand for them",
            file=sys.stderr,
        )


def settle(figure: Figure) -> None:
    """Lay the figure out once and round where its axes are.

    The layout's solver differs in the last bits from run to run, and matplotlib hashes exact
    coordinates into the names of clip paths: without rounding the SVG would differ.
    """
    if figure.get_layout_engine() is None:
        return
    figure.draw_without_rendering()
    if part_titles(figure):  # a line more changes the room of all
        figure.draw_without_rendering()
        part_titles(figure)
    figure.draw_without_rendering()  # tick labels change with the size that the first pass gives the axes
    figure.set_layout_engine("none")
    for axis in figure.axes:
        axis.set_position([round(float(edge), 5) for edge in axis.get_position().bounds])


def make(width: float = WIDTH, height: float = 2.6) -> Figure:
    """Start an empty figure; width and height in inches."""
    return Figure(figsize=(width, height), layout="constrained")


def arm_look(arm: str, arms: Iterable[str]) -> tuple[str, str]:
    """Colour and marker of a training arm, among all arms of the figure."""
    if _OF_CARD.fullmatch(arm):
        arm = AS_THEY_ARE
    if arm in ARMS:
        return ARMS[arm]
    unknown = [name for name in dict.fromkeys(arms) if name not in ARMS]
    return OTHERS[unknown.index(arm) % len(OTHERS)]


def network_label(architecture: str, arm: str = "", *, room: float = np.inf) -> str:
    """Name of a network as figures print it; on two lines where it is longer than `room`."""
    name = printed(architecture)
    if arm and arm != "published" and not _OF_CARD.fullmatch(arm):
        name = f"{name}{_HARD}· {arm}"
    return broken(name, room).replace(_HARD, " ")


#: what stands for the weights of a network card (`texshape.models.names.slug`): no reader knows it
_OF_CARD = re.compile(r"card-[0-9a-f]{6}")
_HARD = "\u00a0"
AS_THEY_ARE = "imagenet"


def arm_name(arm: str) -> str:
    """What a legend calls an arm: networks that were measured as they are have one name and look."""
    return "measured as they are" if arm == AS_THEY_ARE or _OF_CARD.fullmatch(arm) else arm


def of_all(shown: int, total: int) -> str:
    """What a title says where a figure shows a part of the networks: ``, 6 of 8 networks``."""
    return "" if shown == total else f", {shown} of {total} networks"


def panel_title(first: str, second: str, joint: str, room: float) -> str:
    """Two parts of a panel's title: on one line, or on two where they are longer than `room`."""
    one_line = f"{first}{joint}{second}"
    return one_line if len(one_line) <= room else f"{first}{joint.rstrip()}\n{second}"


def position(value: str, order: Iterable[str]) -> tuple[int, str]:
    """Sorting key: the place in a fixed order, then the alphabet."""
    order = list(order)
    return (order.index(value) if value in order else len(order), value)


def in_order(frame: pd.DataFrame) -> list[tuple[str, str]]:
    """All pairs (architecture, arm) of a table in the order of figures, humans first."""
    pairs = {(str(a), str(b)) for a, b in zip(frame["architecture"], frame["arm"], strict=True)}
    return sorted(
        pairs,
        key=lambda pair: (
            position(pair[0], [HUMANS, *ARCHITECTURES]),
            position(pair[1], ARMS),
        ),
    )


def main_architecture(frame: pd.DataFrame, settings: dict[str, Any]) -> str:
    """The architecture that stands for all where one is shown: the experiment's first, if it is there."""
    given = settings.get("architecture")
    names = [name for name, _ in in_order(frame) if name != HUMANS]
    return given if given in names else next(iter(names), "")


def control_arms(settings: dict[str, Any]) -> set[str]:
    """Arms trained on a variant of the data: they belong to the controls' figure alone."""
    return {
        name for name, arm in (settings.get("arms") or {}).items() if (arm or {}).get("variant")
    }


def without_observers(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows without single human observers, who stand together as ``humans``."""
    return frame[~frame["architecture"].astype(str).map(is_human).astype(bool)]


def trained_on_base(frame: pd.DataFrame, settings: dict[str, Any]) -> pd.DataFrame:
    """Rows of the networks that were trained on the base variant of the data."""
    return frame[~frame["arm"].isin(control_arms(settings))]


def percent(values: object) -> np.ndarray:
    """Fractions as percent, float64, NaN where undefined."""
    return 100.0 * np.asarray(values, dtype=float)


def percent_axis(axis: Axes, which: str = "x", label: str = "") -> None:
    """Give an axis the range 0 to 100 % with a little room for markers at the ends."""
    if which == "x":
        axis.set_xlim(-3, 103)
        axis.set_xticks([0, 25, 50, 75, 100])
        axis.set_xlabel(label)
    else:
        axis.set_ylim(-3, 103)
        axis.set_yticks([0, 25, 50, 75, 100])
        axis.set_ylabel(label)


def interval(axis: Axes, low: float, high: float, y: float, color: str, *, width: float = 1.2,
             vertical: bool = False) -> None:  # fmt: skip
    """Draw a confidence interval as a line; nothing if an end is undefined."""
    if np.isfinite(low) and np.isfinite(high):
        ends = ([y, y], [low, high]) if vertical else ([low, high], [y, y])
        axis.plot(*ends, color=color, linewidth=width, alpha=0.6, solid_capstyle="butt", zorder=2)


def undefined(axis: Axes, y: float, x: float = 50.0, text: str = "undefined") -> None:
    """Mark a value that cannot be given, in words, at the place where it would stand."""
    axis.text(x, y, text, color=GREY, fontsize=6.5, style="italic", ha="center", va="center",
              gid="undefined", zorder=5, clip_on=True)  # fmt: skip


def empty(title: str, reason: str = "undefined: the table has no rows") -> Figure:
    """A figure that says why it shows nothing."""
    figure = make(height=1.2)
    axis = figure.add_subplot()
    axis.set_axis_off()
    axis.set_title(title)
    axis.text(0.5, 0.4, reason, color=GREY, style="italic", ha="center", transform=axis.transAxes,
              gid="undefined")  # fmt: skip
    return figure


def counts(values: Iterable[float]) -> str:
    """Write a count, or the range of counts, over seeds: ``540`` or ``530 to 540``."""
    numbers = sorted({int(v) for v in values if np.isfinite(float(v))})
    if not numbers:
        return "undefined"
    return f"{numbers[0]:,}" if len(numbers) == 1 else f"{numbers[0]:,} to {numbers[-1]:,}"


def mean(values: object) -> float:
    """Mean of the defined values; NaN if there is none."""
    array = np.asarray(values, dtype=float)
    array = array[np.isfinite(array)]
    return float(array.mean()) if len(array) else float("nan")


def seeds(count: int) -> str:
    """``1 seed``, ``3 seeds``."""
    return f"{count} seed" if count == 1 else f"{count} seeds"


def seeds_of(frame: pd.DataFrame) -> str:
    """How many trainings there are of each network of a table: ``3 seeds``, ``1 to 3 seeds``.

    Parameters
    ----------
    frame : DataFrame
        With ``architecture``, ``arm`` and ``seed``.
    """
    found = frame.groupby(["architecture", "arm"])["seed"].nunique()
    least, most = (found.min(), found.max()) if len(found) else (1, 1)
    return seeds(most) if least == most else f"{least} to {seeds(most)}"
