"""The page of the published experiment: its numbers are those of the kept tables."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest
from scripts import published_numbers as numbers

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "tests" / "reference" / "published"
PAGE = (ROOT / "docs" / "published.md").read_text(encoding="utf-8")


def test_numbers_are_those_of_the_kept_tables() -> None:
    assert numbers.written(KEPT, PAGE) == PAGE


def test_other_tables_change_them(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    shutil.copytree(KEPT, kept)
    frame = pd.read_csv(kept / "agreement.csv")
    chosen = (frame["measure_x"] == "shape_bias") & (frame["measured_by"] == "here")
    frame.loc[chosen.idxmax(), ["rho", "ci_low", "ci_high", "verdict"]] = [
        0.123,
        0.01,
        0.34,
        "agree",
    ]
    frame.to_csv(kept / "agreement.csv", index=False)
    old, new = PAGE.splitlines(), numbers.written(kept, PAGE).splitlines()
    (row,) = [line for line in new if line not in old]
    assert "| 0.12 [0.01, 0.34] |" in row
    assert row.endswith("| agree |")


def test_kept_tables_name_no_folder_of_a_machine() -> None:
    files = list(KEPT.glob("*.csv"))
    assert len(files) > 5
    for path in files:
        text = path.read_text(encoding="utf-8")
        assert "/" not in text.replace("texture-vs-shape/", "").replace("model-vs-human/", ""), (
            path.name
        )


@pytest.mark.parametrize(
    ("networks", "tests", "expected"),
    # Student's t of 0.975 with 8 degrees of freedom is 2.306, of 0.975 with 11 it is 2.201.
    [(10, 1, 2.306 / (8 + 2.306**2) ** 0.5), (13, 1, 2.201 / (11 + 2.201**2) ** 0.5)],
)
def test_the_smallest_significant_coefficient(networks: int, tests: int, expected: float) -> None:
    least, found = numbers.needed(networks, tests)
    assert least == pytest.approx(expected, abs=1e-3)
    assert least < found < 1
    assert numbers.needed(networks, 20)[0] > least
    assert numbers.needed(2 * networks, tests)[0] < least
