"""How firm a claim is: each is decided again with each seed left out."""

from __future__ import annotations

import json
import re

import pandas as pd
import pytest
from tests import synthetic_tables
from tests.article_world import at, page_of, project, results_of, verdicts, words_of

from texshape.article import list_files
from texshape.claims import Claim, compute, compute_firm, write
from texshape.claims.difference import load


def firm(arguments: dict) -> dict[str, Claim]:
    results = arguments["results"]
    return {claim.id: claim for claim in compute_firm(results, list_files(results))}


def one_seed_differs(seed: int) -> dict[str, pd.DataFrame]:
    """Results in which pictures are not recognised in one of three seeds, so that the bias has no name."""
    tables = synthetic_tables.procedural()
    bias = synthetic_tables.named(tables["shape_bias"], 12).drop(columns="verdict")
    bias.loc[at({"shape_bias": bias}, "shape_bias", seed=seed), "congruent_low"] = 0.08
    return tables | {"shape_bias": bias}


def test_a_claim_on_which_all_seeds_agree_does_not_turn(tmp_path):
    arguments = results_of(tmp_path, synthetic_tables.procedural())
    found = firm(arguments)
    assert found["bias-plain"].without == dict.fromkeys("012", "texture-biased")
    assert {claim.id: claim.verdict for claim in found.values()} == verdicts(arguments)
    turning = {
        id: one.without for id, one in found.items()
        if set((one.without or {}).values()) - {one.verdict, "not run"}
    }  # fmt: skip
    # The one that invented noise of one seed decides.
    assert turning == {"control-orientation-name": {"0": "changes", "1": "stays", "2": "changes"}}


@pytest.mark.parametrize("seed", [0, 2])
def test_a_claim_that_one_seed_decides_turns_without_it(tmp_path, seed):
    found = firm(results_of(tmp_path, one_seed_differs(seed)))
    others = {str(other): "not recognised" for other in range(3) if other != seed}
    assert found["bias-plain"].verdict == "not recognised"
    assert found["bias-plain"].without == {**others, str(seed): "texture-biased"}
    assert found["known-not-used"].without[str(seed)] == "known, not used"  # what is built on it
    assert set(found["bias-stylized"].without.values()) == {"shape-biased"}


def test_what_pools_seeds_is_not_decided_again(tmp_path):
    found = firm(results_of(tmp_path, synthetic_tables.procedural()))
    assert found["stylized-against-plain"].without is None  # a row a pair of networks
    assert found["correlations"].without is None


def test_where_a_network_has_one_seed_there_is_nothing_to_leave_out(tmp_path):
    tables = {
        name: frame[frame["seed"] == 0] if "seed" in frame else frame
        for name, frame in synthetic_tables.procedural().items()
    }
    found = firm(results_of(tmp_path, tables))
    assert found["bias-plain"].without == {}
    assert {str(claim.without) for claim in found.values()} == {"{}", "None"}


def test_what_only_one_of_the_seeds_was_measured_for_is_not_run_without_it(tmp_path):
    tables = synthetic_tables.procedural()
    readout = tables["readout"]
    plain = readout["model"] == "cnn--plain"
    tables["readout"] = readout[~plain | (readout["seed"] == 1)]
    found = firm(results_of(tmp_path, tables))["readout-shape-plain"]
    assert found.verdict == "decodable"
    assert found.without["1"] == "not run"


@pytest.mark.parametrize(
    ("kind", "tables"),
    [
        ("procedural", synthetic_tables.procedural() | synthetic_tables.optional()),
        ("procedural", synthetic_tables.procedural(reverse=True)),
        ("procedural", synthetic_tables.undefined(synthetic_tables.procedural())),
        ("published", synthetic_tables.published() | synthetic_tables.published_techniques()),
    ],
)
def test_every_section_can_be_decided_with_a_seed_less(tmp_path, kind, tables):
    """What is said of all seeds is the same as ever; without one each claim has a verdict of its own."""
    arguments = results_of(tmp_path, tables, kind=kind)
    results = arguments["results"]
    found = firm(arguments)
    plain = compute(results, list_files(results))
    assert [(one.id, one.verdict, one.sentence) for one in plain] == [
        (one.id, one.verdict, one.sentence) for one in found.values()
    ]
    for claim in found.values():
        known = {*claim.alternatives, "not run", "undefined"}
        assert set((claim.without or {}).values()) <= known, claim.id


def test_verdicts_without_a_seed_are_kept_and_older_files_lack_them(tmp_path):
    found = firm(results_of(tmp_path / "a", synthetic_tables.procedural()))
    write(tmp_path / "claims.json", found.values())
    assert load(tmp_path) == list(found.values())
    kept = json.loads((tmp_path / "claims.json").read_text(encoding="utf-8"))
    for one in kept["claims"]:
        del one["without"]
    (tmp_path / "claims.json").write_text(json.dumps(kept), encoding="utf-8")
    assert {str(claim.without) for claim in load(tmp_path)} == {"{}"}


def test_the_article_marks_and_lists_what_turns(tmp_path):
    arguments = project(tmp_path, one_seed_differs(2))
    page = page_of(arguments)
    text = words_of(page)
    assert "(without seed 2: texture-biased)" in text
    assert "bias-plain: not recognised, without seed 2: texture-biased" in text
    found = firm(arguments)
    turning = {
        one.id
        for one in found.values()
        if set((one.without or {}).values()) - {one.verdict, "not run"}
    }
    again = [
        one for one in found.values() if one.without and one.verdict not in ("not run", "undefined")
    ]
    assert f"{len(again)} are decided again with each seed left out" in text
    listed = page[page.index("How firm they are") :]
    assert {"bias-plain", "known-not-used", "brief-known-not-used"} <= turning
    linked = set(re.findall(r'href="#claim-([^"]+)"', listed))
    assert linked == turning - {"brief-known-not-used"}  # of that verdict there is nothing to say
