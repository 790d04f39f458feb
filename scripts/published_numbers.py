"""Write the numbers of docs/published.md anew, from the kept tables of thirteen networks.

    python -m scripts.published_numbers [tests/reference/published] [docs/published.md]

They stand between comments, as what `scripts/reference_pages.py` writes does. A test holds the page to this.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
from scipy import stats
from scripts.reference_pages import filled

from texshape.comparison.agreement import AGREE, CONTRARY, TIED, UNDECIDED, in_words
from texshape.comparison.columns import HERE, REFERENCE
from texshape.files import read_csv, write_text
from texshape.techniques import registry

ROOT = Path(__file__).resolve().parents[1]
ALPHA, POWER = 0.05, 0.8
#: heading of a column, measure
SHOWN = {
    "shape bias": "shape_bias",
    "cue matches": "cue_match_rate",
    "edges": "edge_accuracy",
    "silhouettes": "silhouette_accuracy",
    "shape read": "readout_shape",
    "texture read": "readout_texture",
    "consistency with humans": "error_consistency",
}
LABELS = {
    measure.name: in_words(measure.label)
    for name in registry.OURS
    for measure in registry.get(name).measures
}


def label(measure: str) -> str:
    """A measure in words."""
    return LABELS.get(measure, measure.replace("_", " "))


def number(value: float, low: float = math.nan, high: float = math.nan) -> str:
    """A coefficient with its interval, or a dash."""
    if math.isnan(value):
        return "-"
    return f"{value:.2f}" if math.isnan(low) else f"{value:.2f} [{low:.2f}, {high:.2f}]"


def probability(value: float) -> str:
    """A p-value with two digits, none of which claims more than there is."""
    return "-" if math.isnan(value) else "< 0.001" if value < 0.001 else f"{value:.2g}"


def networks(kept: Path) -> str:
    """A row a network, from the smallest shape bias on."""
    frame = read_csv(kept / "comparison.csv")
    frame = frame[frame["seed"].notna()]
    wide = frame.pivot_table(
        index="model", columns="measure", values=["value", "ci_low", "ci_high"]
    )
    wide = wide.sort_values(("value", "shape_bias"))
    lines = ["| network | " + " | ".join(SHOWN) + " |", "|---" * (len(SHOWN) + 1) + "|"]
    for model, row in wide.iterrows():
        cells = [str(model).partition("--")[0]]
        for measure in SHOWN.values():
            value = row.get(("value", measure), math.nan)
            ends = [row.get((end, measure), math.nan) for end in ("ci_low", "ci_high")]
            cells.append(number(value, *(ends if measure == "shape_bias" else ())))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def agreement(kept: Path) -> pd.DataFrame:
    """Pairs of measures of the networks that were measured here."""
    frame = read_csv(kept / "agreement.csv")
    return frame[frame["measured_by"] == HERE]


def with_bias(kept: Path) -> str:
    """How each measure orders the networks, against the shape bias."""
    frame = agreement(kept)
    frame = frame[frame["measure_x"] == REFERENCE].sort_values(
        "rho", ascending=False, kind="stable"
    )
    lines = [
        "| measure | rank correlation | corrected p | networks | verdict |",
        "|---|---|---|---|---|",
    ]
    for row in frame.itertuples():
        lines.append(
            f"| {label(row.measure_y)} | {number(row.rho, row.ci_low, row.ci_high)} | "
            f"{probability(row.p_holm)} | {row.n_networks} | {row.verdict} |"
        )
    return "\n".join(lines)


def others(kept: Path) -> str:
    """What the other pairs say: how many of each verdict, and those that were decided."""
    frame = agreement(kept)
    frame = frame[frame["measure_x"] != REFERENCE]
    count = (
        frame["verdict"].value_counts().reindex([AGREE, CONTRARY, UNDECIDED, TIED], fill_value=0)
    )
    lines = [
        f"Of {len(frame)} other pairs {count[AGREE]} agree, {count[CONTRARY]} are contrary, "
        f"{count[UNDECIDED]} are undecided and {count[TIED]} are tied to each other by definition."
    ]
    decided = frame[frame["verdict"].isin([AGREE, CONTRARY])]
    decided = decided.reindex(
        decided["rho"].abs().sort_values(ascending=False, kind="stable").index
    )
    if len(decided):
        lines += [
            "",
            "| measures | rank correlation | corrected p | networks |",
            "|---|---|---|---|",
        ]
    lines += [
        f"| {label(row.measure_x)}, {label(row.measure_y)} | {number(row.rho, row.ci_low, row.ci_high)} | "
        f"{probability(row.p_holm)} | {row.n_networks} |"
        for row in decided.itertuples()
    ]
    return "\n".join(lines)


def needed(networks: int, tests: int) -> tuple[float, float]:
    """Smallest coefficient that is significant first of so many tests; the true one that four in five find.

    Spearman's coefficient by Student's t with n - 2 degrees of freedom, its power by Fisher's transformation
    with variance 1.06 / (n - 3) (Fieller, Hartley and Pearson 1957, Biometrika 44, 470-481).
    """
    t = stats.t.ppf(1 - ALPHA / (2 * tests), networks - 2)
    critical = t / math.sqrt(networks - 2 + t**2)
    beyond = stats.norm.ppf(POWER) * math.sqrt(1.06 / (networks - 3))
    return critical, math.tanh(math.atanh(critical) + beyond)


def power(kept: Path) -> str:
    """What so few networks can show at all."""
    frame = agreement(kept)
    lines = [
        "| tests corrected together | networks | significant from | found four times in five |",
        "|---|---|---|---|",
    ]
    for words, own in (
        ("pairs with shape bias", frame[frame["measure_x"] == REFERENCE]),
        ("all other pairs", frame[frame["measure_x"] != REFERENCE]),
    ):
        tested = own[own["p_value"].notna()]
        if len(tested):
            n, tests = int(tested["n_networks"].median()), len(tested)
            least, found = needed(n, tests)
            lines.append(f"| {words}: {tests} | {n} | {least:.2f} | {found:.2f} |")
    return "\n".join(lines)


PARTS: dict[str, Callable[[Path], str]] = {
    "networks of published": networks,
    "agreement with shape bias": with_bias,
    "agreement of the others": others,
    "power": power,
}


def written(kept: Path, page: str) -> str:
    """The page with the numbers of kept tables."""
    for name, make in PARTS.items():
        page = filled(page, name, make(kept))
    return page


if __name__ == "__main__":
    given = [Path(word) for word in sys.argv[1:]]
    kept, page = (
        given
        + [ROOT / "tests" / "reference" / "published", ROOT / "docs" / "published.md"][len(given) :]
    )
    write_text(page, written(kept, page.read_text(encoding="utf-8")))
