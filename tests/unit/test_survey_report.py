"""The page of `texshape measure`: what it says follows from the rows that it is given."""

from __future__ import annotations

import html
import json
import math
import re
from pathlib import Path

import pandas as pd
import pytest
from tests import browser, synthetic_tables

from texshape.article import compile_article
from texshape.claims import write
from texshape.claims.evidence import read
from texshape.data.published_answers import PREFIX
from texshape.files import write_csv
from texshape.survey import leaderboard
from texshape.survey.claims import claims
from texshape.survey.columns import LEADERBOARD, NOTICES, REASONS
from texshape.survey.printed import print_table
from texshape.survey.survey import REPORT
from texshape.trials import naming

# bias and its interval; what the rule asks for; the sentence that has to come out of it
BASE = {"shape_bias": 0.3, "ci_low": 0.2, "ci_high": 0.4, "match_low": 0.5, "n_classes": 16,
        "congruent_low": 0.4, "congruent_accuracy": 0.6, "n_congruent": 80,
        "response_entropy": 3.9, "label_entropy": 4.0}  # fmt: skip
VERDICTS = {
    "texture-biased": ({}, "decides for texture more often than for shape"),
    "shape-biased": (
        {"shape_bias": 0.7, "ci_low": 0.6, "ci_high": 0.8},
        "decides for shape more often than for texture",
    ),
    "neither": ({"ci_high": 0.6}, "does not clearly prefer either cue"),
    "follows no cue": (
        {"match_low": 0.12},
        "is not shown to follow the cues more often than guessing does",
    ),
    "few answers": ({"response_entropy": 2.9}, "gives few answers to the conflict images"),
    "not recognised": (
        {"congruent_low": 0.05},
        "is not shown to recognise images whose cues agree above guessing",
    ),
    "too few": (
        {"congruent_low": 0.0, "n_congruent": 29},
        "is shown too few images whose cues agree (29) to tell whether it recognises them",
    ),
    "undefined": (
        {"ci_low": math.nan, "ci_high": math.nan},
        "lacks an interval that a name rests on",
    ),
}


def readout(model: str, epoch: int, stage: str, shape: tuple, texture: tuple) -> list[dict]:
    """Rows of `readout.csv`: accuracy and the ends of its interval, by cue."""
    kind = "pixels" if stage == "pixels" else "pooled"
    return [
        {"model": model, "epoch": epoch, "stage": stage, "input": kind, "cue": cue,
         "accuracy": value, "ci_low": low, "ci_high": high, "chance": 0.0625}
        for cue, (value, low, high) in (("shape", shape), ("texture", texture))
    ]  # fmt: skip


PIXELS = readout("pixels--baseline", 0, "pixels", (0.274, 0.16, 0.41), (0.1, 0.05, 0.15))
UNTRAINED = readout("lite", 0, "last", (0.174, 0.1, 0.25), (0.3, 0.2, 0.42))
TRAINED = readout("lite", 1, "last", (0.302, 0.189, 0.425), (0.7, 0.6, 0.8))
EARLIER = readout("lite", 1, "first", (0.9, 0.9, 0.9), (0.9, 0.9, 0.9))


def board(rows: list[dict], read: list[dict]) -> pd.DataFrame:
    tables = {"shape_bias": pd.DataFrame(rows).assign(architecture="network")}
    if read:
        tables["readout"] = pd.DataFrame(read)
    networks = [{"model": row["model"], "name": row["model"]} for row in rows]
    return leaderboard.build(tables, pd.DataFrame(columns=["model"]), networks)


def row(model: str = "lite", **changes: object) -> dict:
    values = BASE | changes
    return values | {"model": model, "verdict": naming.named(values), "cue_match_rate": 0.6,
                     "n_conflict": 1200}  # fmt: skip


def page(folder: Path, table: pd.DataFrame) -> Path:
    """Compile the page about a leaderboard; `report.html`."""
    write_csv(folder / "tables" / "leaderboard.csv", table)
    write_csv(
        folder / "tables" / "reasons.csv", pd.DataFrame(columns=["model", "technique", "reason"])
    )
    stimuli = {"name": "published", "images": {"cue-conflict": 1280}}
    for name, content in (
        ("provenance", {"versions": {"texshape": "0"}, "stimuli": stimuli}),
        ("parameters", {"bootstrap": {"level": 0.95}}),
    ):
        (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    board, reasons = (
        read(folder / "tables" / f"{name}.csv") for name in ("leaderboard", "reasons")
    )
    write(folder / "claims.json", claims(board, reasons, 0.95))
    found = folder / "report.html"
    compile_article(results=folder, source=REPORT, pdf=folder / "report.pdf", html=found)
    return found


def words(path: Path) -> str:
    """The words of a page, one space between them; narrow and hard spaces are spaces too."""
    body = path.read_text(encoding="utf-8").partition("<main>")[2]
    return " ".join(html.unescape(re.sub(r"<[^>]*>", "", body)).split())


def test_each_sentence_on_the_bias_is_reached_by_its_rule(tmp_path: Path) -> None:
    rows = [row(f"net {i}", **changes) for i, (changes, _) in enumerate(VERDICTS.values())]
    expected = ["not recognised" if name == "too few" else name for name in VERDICTS]
    assert [one["verdict"] for one in rows] == expected
    text = words(page(tmp_path, board(rows, [])))
    for i, (_, sentence) in enumerate(VERDICTS.values()):
        assert f"net {i} {sentence}" in text
        assert text.count(sentence) == 1, "said of one network alone"
    assert "Linear read-outs" not in text


@pytest.mark.parametrize(
    ("read", "shape", "texture"),
    [
        # the interval of the shape, 18.9 to 42.5 %, holds what pixels give
        ([*PIXELS, *UNTRAINED, *EARLIER, *TRAINED], False, True),
        ([*PIXELS, *EARLIER, *TRAINED], None, None),  # no untrained version
        ([*UNTRAINED, *EARLIER, *TRAINED], None, None),
        (
            [*PIXELS, *UNTRAINED, *readout("lite", 1, "last", (0.6, 0.42, 0.7), (0.5, 0.41, 0.6))],
            True,
            False,  # 41 %, below the upper end of the untrained network's interval
        ),
        (
            [
                *readout("pixels--baseline", 0, "pixels", (0.01, 0.0, 0.02), (0.01, 0.0, 0.02)),
                *readout("lite", 0, "last", (0.01, 0.0, 0.03), (0.01, 0.0, 0.03)),
                *readout("lite", 1, "last", (0.06, 0.05, 0.08), (0.08, 0.07, 0.09)),
            ],
            False,  # guessing finds 6.25 %
            True,
        ),
    ],
)
def test_knowledge_is_what_pixels_and_the_untrained_network_do_not_give(
    read: list[dict], shape: bool | None, texture: bool | None
) -> None:
    found = board([row()], read).iloc[0]
    assert [found["shape_known"], found["texture_known"]] == [shape, texture]
    assert found["shape_read"] == read[-2]["accuracy"]


def test_the_page_names_what_is_read_without_the_network(tmp_path: Path) -> None:
    text = words(page(tmp_path / "all", board([row()], [*PIXELS, *UNTRAINED, *TRAINED])))
    assert "the shape of 30.2 % [18.9, 42.5] of the images (raw pixels: 27.4 % [16.0, 41.0]" in text
    assert "untrained: 30.0 % [20.0, 42.0]), guessing 6.3 %" in text
    assert "What it knows, whatever it decides: texture, since" in text
    assert "or guessing give: shape." in text
    text = words(page(tmp_path / "pixels", board([row()], [*PIXELS, *TRAINED])))
    assert "untrained: not measured" in text
    assert "Whether it knows shape and texture is not said" in text
    assert "What it knows" not in text


def test_no_number_is_hidden_however_narrow_the_window(tmp_path: Path) -> None:
    """All values of all subjects lie within the window, and stand beside the name of their column."""
    names = [
        "timm:vit_base_patch16_clip_224.openai_ft_in12k_in1k",
        "a network with a long name",
        "x",
    ]
    read = [*PIXELS, *UNTRAINED, *TRAINED]
    table = board([row(name) for name in names], [one | {"model": names[0]}
                  if one["model"] == "lite" else one for one in read])  # fmt: skip
    found = page(tmp_path, table)
    for width in (390, 760, 1440):
        with browser.open_page(found, width=width) as (shown, complaints):
            assert browser.cut_tables(shown) == []
            assert browser.faults(shown, complaints) == []
            cells = shown.evaluate(
                """() => [...document.querySelectorAll('td')].map(cell => {
                    const box = cell.getBoundingClientRect();
                    const label = getComputedStyle(cell, '::before').content;
                    return [cell.innerText.trim(), box.width > 0 && box.left >= 0
                        && box.right <= innerWidth, label];
                })"""
            )
            assert len(cells) == 7 * (len(names) + 1)  # and a row of what guessing gives
            assert all(text and seen for text, seen, _ in cells)
            labels = [label.strip('"') for _, _, label in cells[:7]]
            expected = ["none"] * 7 if width == 1440 else ["none", "shape bias [95 %]", "cue matches",
                "edges", "silhouettes", "shape read", "texture read"]  # fmt: skip
            assert [label.replace("\u00a0", " ") for label in labels] == expected
            assert [text for text, _, _ in cells[-7:]] == [
                "guessing", "–", "12.5", "6.3", "6.3", "6.3", "6.3"
            ]  # fmt: skip


@pytest.mark.parametrize(
    ("share", "expected"),
    [(0.6825, "68.3"), (0.0625, "6.3"), (0.5785, "57.9"), (0.57849, "57.8"), (1.0, "100.0")],
)
def test_console_and_page_round_alike(tmp_path: Path, share: float, expected: str) -> None:
    """Halves go up; 0.5785 times 100 is 57.849999 in binary."""
    from texshape.stats.proportions import percent

    assert percent(share) == expected
    found = page(tmp_path, board([row(shape_bias=share)], []))
    assert f"shape bias {expected} %" in words(found)


def test_a_measured_network_has_the_name_that_people_write(tmp_path: Path) -> None:
    names = {"efficientnet_lite_pytorch:efficientnet-lite0": "EfficientNet-Lite0",
             "efficientnet_lite_pytorch:efficientnet-lite1@a/b.pth":
                 "efficientnet_lite_pytorch:efficientnet-lite1@b.pth",
             "timm:resnet50.a1_in1k": "timm:resnet50.a1_in1k"}  # fmt: skip
    for given, expected in names.items():
        tables = {"shape_bias": pd.DataFrame([row("slug")]).assign(architecture="slug")}
        networks = [{"model": "slug", "name": given}]
        found = leaderboard.build(tables, pd.DataFrame(columns=["model"]), networks)
        assert found["name"].tolist() == [expected]


def test_subjects_whose_answers_others_published_stand_on_board_and_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With how and when each was asked, by one prompt each; humans bring their consistency from there."""
    answers = synthetic_tables.published()["published_answers"]
    answers = answers.assign(verdict=naming.SHAPE, n_classes=16, n_congruent=80)
    published = ("model-vs-human/vgg", "texture-vs-shape/vgg")
    bias = pd.DataFrame([row(), row("humans"), *map(row, published)])
    consistent = {"model": "lite", "datasets": "cue-conflict", "error_consistency": 0.125,
                  "error_consistency_low": 0.1, "error_consistency_high": 0.15}  # fmt: skip
    others = consistent | {"datasets": "edge", "error_consistency": 0.9}
    tables = {"shape_bias": bias.assign(architecture="network"), "published_answers": answers,
              "benchmark_by_dataset": pd.DataFrame([consistent, others])}  # fmt: skip
    networks = [{"model": "lite", "name": "lite", "wording": "", "decides_by": "zero-shot"}]
    found = leaderboard.build(tables, pd.DataFrame(columns=["model"]), networks)
    LEADERBOARD.check(found)
    named = found.set_index("name")
    assert set(named.index) == {
        "lite", "humans", "VGG-16 (trials of 2021)", "VGG-16 (Caffe, trials of 2019)", "Sorter",
        "Asked (asked, 2024-02-05)", "Asked too (asked, 2024-02-06)", "Clip (zero-shot)",
    }  # fmt: skip
    decides = named["decides_by"].to_dict()
    assert decides.pop("humans") == ""
    assert [decides[name] for name in ("lite", "VGG-16 (trials of 2021)", "Sorter")] == [
        "zero-shot", "classes", "classes",
    ]  # fmt: skip
    clip = named.loc["Clip (zero-shot)"]
    assert (clip["wording"], clip["kind"], clip["shape_bias"]) == (
        "a photo of a CLS.", "published", 0.6,
    )  # fmt: skip
    assert named.loc["Asked (asked, 2024-02-05)", "date"] == "2024-02-05"
    kappa = named["error_consistency"]
    assert (kappa["lite"], kappa["humans"], kappa["Sorter"]) == (0.125, 0.4, 0.07)

    write_csv(tmp_path / "tables" / "published_answers.csv", answers)
    shown = words(page(tmp_path, found))
    heading = shown.index("Other kinds of subjects")
    assert shown.index("Asked too (asked, 2024-02-06)") > heading > shown.index("VGG-16")
    assert "0.13 [0.10, 0.15]" in shown[heading:]
    assert shown.count("Clip (zero-shot)") == 1

    found["subject"] = found["subject"].str.replace("a/", PREFIX)
    empty = {table.name: table.frame([]) for table in (REASONS, NOTICES)}
    print_table(found, empty["reasons"])
    printed = capsys.readouterr().out
    assert "VGG-16 (Caffe, trials of 2019)" in printed
    assert "Sorter" not in printed  # the terminal has room for those with trials
    assert "have 4 more subjects" in " ".join(printed.split())
