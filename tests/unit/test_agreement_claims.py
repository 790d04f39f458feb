"""Verdicts on critics: each is reached on purpose, and set by the article once."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from tests import synthetic_tables
from tests.article_world import claims_of, page_of, plain, project, results_of, words_of

from texshape.claims.sections import agreement
from texshape.cli.technique import describe_techniques

CRITICS = {
    "cue_rank_shape": ("rank score, shape alone", "shape"),
    "cue_rank_texture": ("rank score, texture alone", "texture"),
    "triplet_shape_share": ("choices for shape", "shape"),
    "channel_bandwidth": ("channel's bandwidth", "texture"),
}
TABLES = synthetic_tables.procedural()


def row_of(measure: str, verdict: str) -> dict:
    """A row with shape bias of one verdict."""
    label, cue = CRITICS.get(measure, (measure.replace("_", " "), ""))
    row = TABLES["agreement"].iloc[0].to_dict()
    numbers = {
        "agree": (0.7, 0.4, 0.9, ""),
        "contrary": (-0.7, -0.9, -0.4, ""),
        "undecided": (0.1, -0.4, 0.5, "the interval holds zero"),
        "tied": (0.9, 0.8, 1.0, "the same decisions"),
        "too few": (np.nan, np.nan, np.nan, "3 networks have both measures, 10 needed"),
    }
    rho, low, high, reason = numbers[verdict]
    verdict = "undecided" if verdict == "too few" else verdict
    return {**row, "measure_y": measure, "label_y": label, "cue_y": cue, "rho": rho, "ci_low": low,
            "ci_high": high, "verdict": verdict, "reason": reason}  # fmt: skip


def found(folder, **given: str) -> dict:
    """Claims on measures with these verdicts."""
    rows = [row_of(measure, verdict) for measure, verdict in given.items()]
    arguments = results_of(folder, TABLES | {"agreement": pd.DataFrame(rows)})
    return {one.id: one for one in claims_of(arguments) if one.section == "agreement"}


@pytest.mark.parametrize(
    ("shape", "texture", "expected"),
    [
        ("agree", "agree", "agree"),
        ("agree", "tied", "agree"),
        ("agree", "undecided", "partly"),
        ("contrary", "undecided", "contrary"),
        ("contrary", "agree", "both"),
        ("undecided", "too few", "undecided"),
        ("tied", "tied", "tied"),
    ],
)
def test_every_verdict_on_a_critic_is_reached(tmp_path, shape, texture, expected):
    claims = found(tmp_path, cue_rank_shape=shape, cue_rank_texture=texture, plain_accuracy="agree")
    own = claims["agreement-cue_rank"]
    assert own.verdict == expected
    assert set(own.alternatives) == {"agree", "partly", "contrary", "both", "undecided", "tied"}
    assert {cell.row["measure_y"] for cell in own.cells} == {"cue_rank_shape", "cue_rank_texture"}
    text = plain(own)
    assert "rank score (texture alone) (turned round)" in text
    assert ("n = 12" in text) == (expected != "none")
    assert ("3 networks have both measures, 10 needed" in text) == (texture == "too few")
    assert "agreement-triplets" not in claims


@pytest.mark.parametrize(
    ("verdicts", "whole", "instead", "two"),
    [
        (("agree", "agree"), "agree", "all agree", "nothing against"),
        (("agree", "tied"), "agree", "all agree", "nothing against"),
        (("agree", "undecided"), "agree", "some undecided", "nothing against"),
        (("agree", "contrary"), "both", "contrary", "contrary"),
        (("undecided", "contrary"), "contrary", "contrary", "contrary"),
        (("undecided", "too few"), "undecided", "undecided", "nothing against"),
    ],
)
def test_what_to_report_follows_from_the_verdicts(tmp_path, verdicts, whole, instead, two):
    given = dict(zip(("triplet_shape_share", "channel_bandwidth"), verdicts, strict=True))
    both = dict.fromkeys(agreement.FIRST, "tied")
    claims = found(tmp_path, **given, **both)
    assert claims["agreement"].verdict == whole
    assert claims["report-instead"].verdict == instead
    assert claims["report-two"].verdict == two
    if "contrary" in verdicts:
        assert "channel's bandwidth (turned round) belongs beside" in plain(
            claims["report-instead"]
        )
        assert "should report channel's bandwidth (turned round) and" in plain(claims["report-two"])


def test_what_follows_from_the_bias_is_not_recommended_beside_it(tmp_path):
    claims = found(tmp_path / "one", cue_match_rate="agree", balance_point="undecided")
    assert claims["report-two"].verdict == "follows"
    assert "the number to add first is balance point" in plain(claims["report-two"])
    claims = found(tmp_path / "none", plain_accuracy="agree")
    assert claims["report-two"].verdict == "none"


def test_networks_that_others_measured_are_no_evidence_of_these(tmp_path):
    other = {**row_of("plain_accuracy", "contrary"), "measured_by": "Somebody 2023"}
    rows = pd.DataFrame([row_of("plain_accuracy", "agree"), other])
    arguments = results_of(tmp_path, TABLES | {"agreement": rows})
    claims = {one.id: one for one in claims_of(arguments)}
    assert claims["agreement"].verdict == "agree"
    assert claims["agreement-by-somebody-2023"].verdict == "contrary"


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        (("agree", "undecided"), "agree"),
        (("contrary", "tied"), "contrary"),
        (("agree", "contrary"), "both"),
        (("undecided", "too few"), "undecided"),
    ],
)
def test_every_verdict_on_networks_of_others_is_reached(tmp_path, verdicts, expected):
    names = ("plain_accuracy", "channel_bandwidth")
    rows = [{**row_of(name, verdict), "measured_by": "Somebody 2023"}
            for name, verdict in zip(names, verdicts, strict=True)]  # fmt: skip
    arguments = results_of(tmp_path, TABLES | {"agreement": pd.DataFrame(rows)})
    claims = {one.id: one for one in claims_of(arguments)}
    own = claims["agreement-by-somebody-2023"]
    assert own.verdict == expected
    assert "Of 12 networks that Somebody 2023 measured" in plain(own)
    assert claims["agreement"].verdict == "not run"  # none was measured here


def test_the_article_sets_each_verdict_once(tmp_path):
    rows = [row_of("cue_rank_shape", "agree"), row_of("cue_rank_texture", "undecided"),
            row_of("triplet_shape_share", "contrary"), row_of("plain_accuracy", "agree"),
            {**row_of("masked_accuracy", "agree"), "measured_by": "Somebody 2023"}]  # fmt: skip
    arguments = project(tmp_path, TABLES | {"agreement": pd.DataFrame(rows)})
    describe_techniques(["cue_rank", "triplets"], arguments["results"] / "techniques.json")
    assert json.loads((arguments["results"] / "techniques.json").read_text())["techniques"]
    text = words_of(page_of(arguments))
    own = [one for one in claims_of(arguments) if one.section == "agreement"]
    assert {"agreement-cue_rank", "agreement-triplets", "agreement-by-somebody-2023"} <= {
        one.id for one in own
    }
    for one in own:
        assert text.count(plain(one)) == 1
