"""docs/tiny-imagenet.md says what the kept tables of its experiment say."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "tests" / "reference" / "tiny-imagenet"
PAGE = (ROOT / "docs" / "tiny-imagenet.md").read_text(encoding="utf-8")
NAMES = {"cnn": "`cnn`", "rf17": "17 px field", "rf9": "9 px field"}
MODELS = pd.read_csv(KEPT / "shape_bias.csv")["model"].unique()


def kept(table: str, **wanted: object) -> pd.DataFrame:
    rows = pd.read_csv(KEPT / f"{table}.csv")
    for column, value in wanted.items():
        rows = rows[rows[column] == value]
    return rows


def mean(rows: pd.DataFrame, column: str) -> str:
    return f"{100 * rows[column].mean():.1f}"


def line_of(model: str) -> list[str]:
    architecture, arm = model.split("--")
    start = f"| {NAMES[architecture]} | {arm} |"
    (line,) = [line for line in PAGE.splitlines() if line.startswith(start)]
    return [cell.strip() for cell in line.strip("|").split("|")]


@pytest.mark.parametrize("model", MODELS)
def test_each_row_of_the_results(model: str) -> None:
    _, _, right, bias, matches, read, _ = line_of(model)
    accuracy = kept("accuracy", model=model, cue="shape")
    assert right == ", ".join(
        mean(accuracy[accuracy["set"] == name], "accuracy")
        for name in ("test-plain", "test-stylized")
    )
    own = kept("shape_bias", model=model)
    seeds = (100 * own["shape_bias"]).sort_values()
    spread = f" ({seeds.iloc[0]:.1f} to {seeds.iloc[-1]:.1f})" if len(own) > 1 else ""
    assert bias.startswith(f"{mean(own, 'shape_bias')}{spread} [")
    assert matches == mean(own, "cue_match_rate")
    last = kept("readout", model=model, stage="stage3", epoch=8, input="pooled")
    found = ", ".join(mean(last[last["cue"] == cue], "accuracy") for cue in ("shape", "texture"))
    assert read == ("" if last.empty else found)


@pytest.mark.parametrize(
    ("pair", "words"),
    [
        (("cnn--plain", "cnn--stylized"), "Plain minus stylized is {}"),
        (("cnn--plain", "cnn--mixed"), "plain minus mixed {}"),
        (("rf9--plain", "rf9--stylized"), "plain minus stylized is {}"),
    ],
)
def test_differences(pair: tuple[str, str], words: str) -> None:
    (row,) = kept("shape_bias_differences", model_a=pair[0], model_b=pair[1]).itertuples()
    low, value, high = (
        f"{100 * cell:.1f}".replace("-", "−") for cell in (row.ci_low, row.difference, row.ci_high)
    )
    assert words.format(f"{value} points [{low}, {high}]").replace(" points", "") in PAGE.replace(
        " points", ""
    )


def test_corruptions_and_fitness() -> None:
    errors = kept("corruption_errors", corruption="sum", measure="corruption error ratio")
    for model, said in (("cnn--stylized", "1.09 to 1.11"), ("cnn--mixed", "1.00 to 1.02")):
        ratios = errors[errors["model"] == model]["error_ratio"]
        assert f"{ratios.min():.2f} to {ratios.max():.2f}" == said
        assert said in PAGE
    fit = kept("stylization_fitness")
    differences = fit[fit["model"].isna()].set_index("set")
    for name in ("test-plain", "test-stylized"):
        low, value, high = (
            100 * differences.loc[name, column] for column in ("ci_low", "accuracy", "ci_high")
        )
        assert f"{value:.1f}" in PAGE
        assert f"[{low:.1f}, {high:.1f}]" in PAGE
