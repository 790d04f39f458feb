"""A leaderboard as it is printed: a table with ranks, or rows for JSON."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def subjects(
    board: pd.DataFrame, reasons: pd.DataFrame, notices: pd.DataFrame
) -> list[dict[str, Any]]:
    """The rows of a leaderboard for JSON, each with its reasons and notices."""
    rows = []
    for row in board.to_dict("records"):
        clean = {key: None if _undefined(value) else value for key, value in row.items()}
        own = reasons[reasons["model"] == row["subject"]]
        clean["not_measured"] = dict(zip(own["technique"], own["reason"], strict=True))
        said = notices[notices["model"] == row["subject"]]
        clean["notices"] = said.drop(columns="model").to_dict("records")
        rows.append(clean)
    return rows


def _undefined(value: object) -> bool:
    import pandas as pd

    return value is pd.NA or (isinstance(value, float) and math.isnan(value))


HEADINGS = (
    ("shape bias", "shape_bias"),
    ("cue matches", "cue_match_rate"),
    ("edges", "edges"),
    ("silhouettes", "silhouettes"),
    ("shape read", "shape_read"),
    ("texture read", "texture_read"),
)
# Names that a bias gets where decisions follow the cues at all; only these networks have a rank.
NAMED = ("shape-biased", "texture-biased", "neither")
GUESSES = {
    "follows no cue": " (follows no cue)",
    "not recognised": " (not surely above guessing)",
    "few answers": " (few answers)",
}
# Which technique gives a column, and so the reason for its empty cell.
TECHNIQUE = {"shape_read": "readout", "texture_read": "readout"}


def print_table(
    board: pd.DataFrame,
    reasons: pd.DataFrame,
    elsewhere: str = "tables/leaderboard.csv and the report have",
) -> None:
    """Print a leaderboard with ranks, and the reasons of empty cells.

    Parameters
    ----------
    board, reasons : DataFrame
        `LEADERBOARD` and `REASONS` of `texshape.survey.columns`.
    elsewhere : str
        What has the subjects that are counted alone, with its verb.
    """
    from rich.console import Console
    from rich.table import Table

    from texshape.data.published_answers import PREFIX

    console = Console()
    if not console.is_terminal:  # whole lines into files and pipes
        console = Console(width=160)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("", justify="right")
    table.add_column("network", overflow="fold")
    for heading, _ in HEADINGS:
        table.add_column(heading, justify="right", no_wrap=heading == "shape bias")
    notes: dict[str, int] = {}
    place = 0
    answering = 0  # the terminal shows who was shown the pictures here, and who has trials
    for row in board.to_dict("records"):
        if row["subject"].startswith(PREFIX):
            answering += 1
            continue
        known = row["verdict"] in NAMED
        place += known
        why = "" if known or _undefined(row["shape_bias"]) else GUESSES.get(row["verdict"], "")
        if row["few_congruent"] is True:
            why = " (too few congruent images to tell)"
        cells = [_cell(reasons, row, column, notes) for _, column in HEADINGS]
        mark = {"measured": "bold cyan", "humans": "bold"}.get(row["kind"], "")
        table.add_row(str(place) if known else "", row["name"] + why, *cells, style=mark)
    table.add_row("", "guessing", *_guessing(board), style="dim")
    console.print(table)
    console.print()
    console.print(
        "All in %. Shape bias: decisions for the shape among decisions for shape or texture, with its "
        "interval; cue matches: decisions for either; edges, silhouettes: right; read: what a linear read-out "
        "of the last stage knows.",
        style="dim",
    )
    if answering:
        console.print(
            f"{elsewhere} {answering} more subjects, whose answers others published: models that were "
            "asked, CLIP, classifiers.",
            style="dim",
        )
    for text, number in notes.items():
        console.print(f"[{number}] {text}", style="dim", markup=False)


def _guessing(board: pd.DataFrame) -> list[str]:
    """What guessing gives in each column: no bias, one of the K classes, either of two."""
    from texshape.stats.proportions import percent

    classes = board["n_classes"].max()
    right = "-" if _undefined(float(classes)) else percent(1 / classes)
    match = "-" if right == "-" else percent(2 / classes)
    known = board["chance"].dropna()
    read = percent(known.iloc[0]) if len(known) else "-"
    return ["-", match, right, right, read, read]


def _cell(reasons: pd.DataFrame, row: dict[str, Any], column: str, notes: dict[str, int]) -> str:
    from texshape.stats.proportions import percent

    value = row[column]
    if not _undefined(value):
        text = percent(value)
        if column == "shape_bias" and not _undefined(row["ci_low"]):
            text += f" [{percent(row['ci_low'])}, {percent(row['ci_high'])}]"
        return text
    if row["kind"] != "measured":
        return "-"
    own = reasons[reasons["model"] == row["subject"]]
    found = own[own["technique"] == TECHNIQUE.get(column, "trials")]["reason"]
    if found.empty:
        return "-"
    number = notes.setdefault(str(found.iloc[0]), len(notes) + 1)
    return f"- [{number}]"
