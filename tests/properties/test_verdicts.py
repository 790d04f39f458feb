"""Every claim of the article can come out otherwise: results of many invented worlds reach other sentences."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest
from tests import synthetic_tables, worlds
from tests.article_world import claims_of, page_of, plain, project, results_of, words_of

from texshape.article import list_files

# Sentences of which the tests of the article make each result on purpose: it takes more than moved numbers.
ON_PURPOSE = {
    *("correlations", "pair-readout_shape", "pair-information_shape", "limits-counts"),
    *("pair-matches-readout_shape", "pair-matches-information_shape", "limits-procedure"),
}


@pytest.mark.timeout(1800)
def test_every_claim_can_come_out_otherwise(tmp_path: Path) -> None:
    """In some forty worlds no claim fails, and none has one verdict alone."""
    reached, alternatives = defaultdict(set), {}
    bases = [synthetic_tables.procedural(), synthetic_tables.procedural(reverse=True)]
    for seed in range(40):
        tables = worlds.moved(bases[seed % 2], seed)
        for claim in claims_of(results_of(tmp_path / str(seed), tables)):
            reached[claim.id].add(claim.verdict)
            alternatives[claim.id] = set(claim.alternatives)
            assert claim.verdict in alternatives[claim.id] | {"undefined", "not run"}
    assert len(alternatives) > 50
    sentences = {(name, verdict) for name, found in alternatives.items() for verdict in found}
    met = {pair for pair in sentences if pair[1] in reached[pair[0]]}
    stuck = {name: found for name, found in reached.items() if len(found & alternatives[name]) < 2}
    assert set(stuck) <= ON_PURPOSE, stuck
    assert len(met) > 0.7 * len(sentences), sorted(sentences - met)


def test_the_article_of_another_world_says_its_verdicts(tmp_path: Path) -> None:
    tables = worlds.moved(synthetic_tables.procedural(), 38)
    arguments = project(tmp_path, tables)
    files = [n for n in list_files(arguments["results"]) if not n.startswith("figures/")]
    text = words_of(page_of(arguments, files))
    sentences = {plain(claim) for claim in claims_of(arguments)}
    # References to sections and sources become numbers and names.
    checked = [sentence for sentence in sentences if sentence and "@" not in sentence]
    assert len(checked) > 40
    assert [sentence for sentence in checked if sentence not in text] == []


def test_a_claim_with_one_verdict_would_be_found(tmp_path: Path) -> None:
    """The worlds do move what a rule reads: numbers change, keys and counts do not."""
    tables = synthetic_tables.procedural()
    for seed in range(3):
        other = worlds.moved(tables, seed)
        assert set(other) == set(tables)
        for name, frame in tables.items():
            assert list(other[name].columns) == list(frame.columns)
            for column in frame.columns.intersection(["model", "seed", "stage", "n_conflict"]):
                assert other[name][column].equals(frame[column])
        bias, moved = (t["shape_bias"]["shape_bias"] for t in (tables, other))
        assert (bias != moved).mean() > 0.1
