"""Verdicts of the techniques that have to be named: each is reached on purpose, and set by the article once."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from tests import synthetic_tables
from tests.article_world import (
    claims_of,
    page_of,
    plain,
    project,
    results_of,
    said,
    verdicts,
    words_of,
)

from texshape.article import list_files
from texshape.cli.technique import describe_techniques
from texshape.comparison import measures
from texshape.config.comparison import ComparisonSettings
from texshape.techniques import registry

NAMED = ("suppression",)


@pytest.fixture(scope="module")
def world():
    return synthetic_tables.optional()


def found(folder, tables) -> dict[str, str]:
    return verdicts(results_of(folder, tables))


NORMAL = {
    "suppression-plain-shape": "as the control",
    "suppression-plain-texture": "relied on",
    "suppression-stylized-shape": "relied on",
    "suppression-stylized-texture": "as the control",
    "suppression-shape": "differ",
    "suppression-texture": "differ",
}


def of_these(verdicts: dict[str, str]) -> dict[str, str]:
    return {id: verdict for id, verdict in verdicts.items() if id in NORMAL}


def test_normal_and_reversed_results(tmp_path, world):
    assert of_these(found(tmp_path / "normal", world)) == NORMAL
    turned = of_these(found(tmp_path / "reversed", synthetic_tables.optional(reverse=True)))
    swapped = {"plain": "stylized", "stylized": "plain"}

    def other(id: str) -> str:
        return "-".join(swapped.get(part, part) for part in id.split("-"))

    assert turned == {id: NORMAL[other(id)] for id in NORMAL}


def test_undefined_and_missing_results(tmp_path, world):
    assert not of_these(verdicts(results_of(tmp_path / "none", synthetic_tables.procedural())))
    empty = {name: frame.iloc[:0] for name, frame in world.items()}
    assert set(of_these(found(tmp_path / "empty", empty)).values()) == {"not run"}


# --- suppression ---------------------------------------------------------------------------------


def kept(tables, arm, shows, suppression, values, seeds=(0, 1, 2), reason=""):
    """The tables with what is kept by one arm of the CNN replaced: value, lower and upper limit."""
    frame = tables["suppression"].copy()
    rows = (frame["architecture"] == "cnn") & (frame["arm"] == arm) & (frame["shows"] == shows)
    rows &= (frame["suppression"] == suppression) & frame["seed"].isin(seeds)
    assert rows.any()
    frame.loc[rows, ["kept", "kept_low", "kept_high"]] = values
    frame.loc[rows, "reason"] = reason
    return tables | {"suppression": frame}


def test_a_loss_counts_only_beyond_that_of_pictures_without_the_cue(tmp_path, world):
    """The null: what the filter costs without a texture, the network loses with one as well."""
    id = "suppression-plain-texture"
    lost = [0.55, 0.51, 0.59]
    null = kept(world, "plain", "shape", "bilateral", lost)
    assert found(tmp_path / "null", null)[id] == "as the control"
    one = kept(world, "plain", "shape", "bilateral", lost, seeds=(1,))
    assert found(tmp_path / "one", one)[id] == "as the control"
    # A filter that helps where there is no texture makes no loss of what stays as it is.
    helped = kept(world, "plain", "shape", "bilateral", [1.4, 1.3, 1.5])
    helped = kept(helped, "plain", "both", "bilateral", [1.02, 0.98, 1.06])
    assert found(tmp_path / "helped", helped)[id] == "as the control"


def test_a_loss_without_control_or_accuracy_says_its_reason(tmp_path, world):
    nothing = [np.nan] * 3
    reason = "intact images are recognised no better than by guessing"
    none = kept(world, "plain", "shape", "bilateral", nothing, (2,), reason)
    arguments = results_of(tmp_path / "none", none)
    assert verdicts(arguments)["suppression-plain-texture"] == "no control"
    assert reason in said(arguments)
    frame = world["suppression"]
    away = world | {"suppression": frame[frame["shows"] == "both"]}
    arguments = results_of(tmp_path / "away", away)
    assert set(of_these(verdicts(arguments)).values()) == {"no control"}
    assert "such pictures were not shown" in said(arguments)
    guess = kept(world, "plain", "both", "bilateral", nothing, (2,), reason)
    arguments = results_of(tmp_path / "guess", guess)
    assert verdicts(arguments)["suppression-plain-texture"] == "not recognised"
    assert reason in said(arguments)


# --- the article and the comparison --------------------------------------------------------------


def test_the_article_has_question_method_result_numbers_and_limit(tmp_path, world):
    for technique in map(registry.get, NAMED):
        measures.add(technique)
    compared = measures.collect(world, ComparisonSettings.of())
    shape = compared[compared["measure"] == "kept_without_shape"]
    # At 4 x 4 patches, the second degree.
    assert set(shape["value"].round(6)) == {0.7, 0.98}
    assert shape[["ci_low", "ci_high", "n"]].notna().all(axis=None)
    one = shape.index[shape["model"] == "cnn--plain"][0]
    compared.loc[compared.index == one, ["value", "ci_low", "ci_high"]] = np.nan
    compared.loc[one, "reason"] = "a reason of its own"
    frames = synthetic_tables.procedural() | world
    frames["comparison"] = pd.concat([frames["comparison"], compared])
    arguments = project(tmp_path, frames)
    describe_techniques(list(NAMED), arguments["results"] / "techniques.json")
    text = words_of(page_of(arguments))
    for claim in claims_of(arguments):
        if claim.section in NAMED:
            assert plain(claim) in text, claim.id
    for technique in map(registry.get, NAMED):
        for part in ("question", "method", "limits"):
            assert getattr(technique.section, part) in text
        for measure in technique.measures:
            assert measure.label in text
    assert "Undefined, since a reason of its own: CNN · plain" in text
    import typst

    listed = list_files(arguments["results"])
    set_claims = typst.query(
        str(arguments["source"]), "<claim>", field="value", root=str(tmp_path),
        sys_inputs={"experiment": "procedural", "results": "/results/procedural",
                    "files": json.dumps(listed)},
        ignore_system_fonts=True,
    )  # fmt: skip
    assert sorted(json.loads(set_claims)) == sorted(claim.id for claim in claims_of(arguments))
