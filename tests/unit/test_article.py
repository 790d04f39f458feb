"""The article says what the results say: verdicts, missing results, no typed number."""

from __future__ import annotations

import html as html_entities
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests import browser, synthetic_tables

from texshape.article import compile_article, list_files
from texshape.claims import Claim, compute, write
from texshape.config.whole import read
from texshape.errors import InputError
from texshape.figures.registry import FIGURES
from texshape.figures.style import empty, save, style

PAPER = Path(__file__).parents[2] / "paper"
IMAGE_FIGURES = ["contact_sheet", "feature_visualization", "influence", "architectures",
                 "segmentation_pictures", "disagreement_images", "stylization-neural",
                 "stylization-cue-conflict-optimised"]  # fmt: skip
DRAWINGS: dict[str, bytes] = {}


def project(folder: Path, tables: dict[str, pd.DataFrame], kind: str = "procedural") -> dict:
    """A copy of the sources beside invented results; returns the arguments of the compiler."""
    shutil.copytree(PAPER, folder / "paper")
    results = folder / "results" / kind
    synthetic_tables.write(tables, results / "tables")
    if not DRAWINGS:
        with style():
            for path in save(empty("drawn by a test"), folder / "drawing"):
                DRAWINGS[path.suffix] = path.read_bytes()
    (results / "figures").mkdir()
    for name in [*FIGURES, *IMAGE_FIGURES]:
        for suffix, content in DRAWINGS.items():
            (results / "figures" / f"{name}{suffix}").write_bytes(content)
    trained = [{"architecture": a, "arms": arms, "seeds": [0, 1, 2]}
               for a, arms in synthetic_tables.TRAINED.items()]  # fmt: skip
    parameters = {
        "data": {
            "kind": kind,
            **(synthetic_tables.SETTINGS["data"] if kind == "procedural" else {}),
        },
        "arms": synthetic_tables.SETTINGS["arms"],
        "stylizations": {"neural": {"contents": "plain"}} if kind == "procedural" else {},
        "trained": trained if kind == "procedural" else [],
        "networks": [] if kind == "procedural" else ["a", "b", "c"],
        "bootstrap": {"level": 0.9, "resamples": 4321},
        "comparison": {"level": 0.9, "margin": 0.05, "least_networks": 10},
        "erasure": {"fit": "pooled"},
        "feature_visualization": {
            "steps": 321,
            "learning_rate": 0.05,
            "jitter": 0.07,
            "scale": 0.1,
            "rotation": 5.0,
            "objective": "channel",
            "selection": "seed",
        },
        "evaluation": {"aggregation": "mean", "interpolation": "bicubic"},
    }
    (results / "parameters.json").write_text(json.dumps(parameters))
    (results / "provenance.json").write_text(json.dumps({"git": {"commit": None, "dirty": None}}))
    return {"results": results, "source": folder / "paper" / "main.typ"}


def claims_of(arguments: dict, files: list[str] | None = None) -> list[Claim]:
    """What may be said of the results."""
    listed = list_files(arguments["results"]) if files is None else files
    return compute(arguments["results"], listed)


def page_of(arguments: dict, files: list[str] | None = None) -> str:
    """Make the claims where there are tables, compile, and return the HTML page."""
    results = arguments["results"]
    listed = list_files(results) if files is None else files
    if listed:
        write(results / "claims.json", claims_of(arguments, listed))
        listed = [*listed, "claims.json"]
    pdf, html = results / "paper.pdf", results / "paper.html"
    compile_article(**arguments, pdf=pdf, html=html, files=listed)
    assert pdf.read_bytes().startswith(b"%PDF")
    return html.read_text(encoding="utf-8")


def words_of(page: str) -> str:
    """Text of a page, spaces made plain."""
    body = re.sub(r"<style>.*?</style>", "", page, flags=re.S)
    text = html_entities.unescape(re.sub(r"<[^>]+>", "", body))
    return re.sub(r"[\s\u00a0\u202f]+", " ", text)


def verdicts(arguments: dict, files: list[str] | None = None) -> dict[str, str]:
    return {claim.id: claim.verdict for claim in claims_of(arguments, files)}


NORMAL = {
    "bias-plain": "texture-biased",
    "plain-learned": "learned",
    "cue-strength-plain": "higher",
    "stylized-against-plain": "higher",
    "bias-stylized": "shape-biased",
    "bias-mixed": "between",
    "recipe": "higher",  # the paired difference is narrower than the intervals, which overlap
    "control-orientation": "higher",
    "control-orientation-crossed": "both",
    "control-orientation-name": "changes",
    "control-tint": "higher",
    "control-tint-crossed": "both",
    "control-tint-name": "changes",
    "decoder": "above",
    "fitness": "apart",
    "neural-against-plain": "higher",
    "neural-against-stylized": "lower",
    "conflict-readable": "readable",
    "conflict-ways": "same",
    "conflict-matches": "above",
    "patches-plain": "near",
    "patches-stylized": "contour",
    "patches-width": "field",
    "readout-shape-plain": "decodable",
    "readout-scalars": "above",
    "known-not-used": "known, not used",
    "readout-texture-stylized": "decodable",
    "readout-shape-gain": "higher",
    "dimensionality-plain": "lower",
    "dimensionality-stylized": "higher",
    "dimensionality-gain": "higher",
    "strength-name": "turns",
    "balance-plain": "inside",
    "balance-fit": "fits",
    "balance-stylized": "no balance",
    "field-effective": "above",
    "field-training": "above",
    "tracer-agrees": "agrees",
    "field-accuracy": "with",
    "shuffling-plain": "local",
    "shuffling-stylized": "lower",
    "segmentation-shape-plain": "known",
    "segmentation-gain": "higher",
    "segmentation-cue": "higher",
    "erasure-texture-plain-removed": "removed",
    "erasure-texture-plain": "used",
    "erasure-shape-plain-removed": "removed",
    "erasure-shape-plain": "used",
    "erasure-shape-plain-null-space": "most",
    "erasure-bias": "freed",
    "erasure-shape-stylized-removed": "removed",
    "erasure-shape-stylized": "used",
    "erasure-shape-stylized-null-space": "most",
    "corruptions-stylized": "above",
    "corruptions-own": "above",
    "corruptions-mixed": "mixed",
    "correlations": "some",
    "correlations-within": "all",
    "pair-readout_shape": "confirmed",
    "pair-matches-readout_shape": "differ",
    "pair-matches-information_shape": "no pair",
    "pair-information_shape": "no pair",
    "disagreement": "less",
    "disagreement-read": "more often",
    "limits-counts": "alike",
    "limits-known": "hides",
    "limits-used": "used",
    "limits-procedure": "moves",
    "limits-freed": "freed",
    "corruptions-stylized-types": "mostly less",
    "corruptions-mixed-types": "as many",
    **{
        f"conflict-{arm}-{which}": "texture-biased" if arm == "plain" else "shape-biased"
        for arm in ("plain", "stylized", "mixed", "neural")
        for which in ("rendered", "other")
    },
    **{f"conflict-{arm}-difference": "named" for arm in ("plain", "stylized", "mixed", "neural")},
    "brief-plain": "texture-biased",
    "brief-stylized": "shape-biased",
    "brief-known-not-used": "known, not used",
    "brief-erasure-shape-plain": "used",
    "brief-corruptions-stylized": "above",
    "brief-pair-readout_shape": "confirmed",
}
REVERSED = {
    "decoder": "below",
    "fitness": "not above",
    "neural-against-plain": "lower",
    "neural-against-stylized": "higher",
    "conflict-ways": "changes",
    "conflict-matches": "below",
    "bias-plain": "shape-biased",
    "stylized-against-plain": "lower",
    "bias-stylized": "texture-biased",
    "bias-mixed": "outside",
    "control-orientation": "lower",
    "control-tint": "lower",
    "patches-stylized": "local suffices",
    "patches-width": "no gap",
    "readout-shape-plain": "at chance",
    "readout-scalars": "not above",
    "known-not-used": "no conflict",
    "dimensionality-plain": "higher",
    "dimensionality-stylized": "lower",
    "dimensionality-gain": "lower",
    "recipe": "lower",
    "strength-name": "stays",
    "balance-plain": "none",
    "balance-stylized": "no comparison",
    "tracer-agrees": "differs",
    "field-accuracy": "against",
    "shuffling-plain": "partly",
    "shuffling-stylized": "higher",
    "segmentation-shape-plain": "as the mean mask",
    "segmentation-gain": "lower",
    "segmentation-cue": "not separated",
    "erasure-texture-plain-removed": "left",
    "erasure-texture-plain": "not shown",
    "erasure-shape-plain": "not shown",
    "erasure-shape-plain-null-space": "nothing there",
    "erasure-bias": "not freed",
    "corruptions-stylized": "below",
    "corruptions-own": "below",
    "correlations": "none",
    "correlations-within": "nothing to hold",
    "pair-readout_shape": "not confirmed",
    "pair-matches-readout_shape": "no pair",
    "disagreement": "more",
    "disagreement-read": "less often",
    "limits-known": "not shown",
    "limits-used": "not shown",
    "limits-freed": "not freed",
    "corruptions-stylized-types": "mostly more",
    "conflict-stylized-other": "neither",
    "brief-plain": "shape-biased",
    "brief-known-not-used": "no conflict",
    "brief-corruptions-stylized": "below",
}
# Claims whose verdict says why there is nothing to say, where every value is undefined.
NOTHING = {
    "correlations": "too few",
    "correlations-within": "nothing to hold",
    "pair-readout_shape": "no pair",
    "pair-information_shape": "no pair",
    "pair-matches-readout_shape": "no pair",
    "pair-matches-information_shape": "no pair",
    "limits-known": "not shown",
    "brief-pair-readout_shape": "no pair",
    "corruptions-stylized-types": "nothing",
    "corruptions-mixed-types": "nothing",
}
# Sections that stand and fall with a table, and the claims in them.
SECTIONS = {
    "reconstruction": "decoder",
    "stylization_fitness": "fitness",
    "shape_bias_by_set": "conflict",
    "readout": "readout|(brief-)?known-not-used",
    "dimensionality": "dimensionality",
    "segmentation": "segmentation",
    "erasure": "(brief-)?erasure|limits-(used|freed)",
    "corruption_errors": "(brief-)?corruptions",
    "cue_strength": "strength-name|balance",
    "shuffling": "shuffling",
    "architectures": "tracer|field-accuracy",
    "receptive_field": "field-(effective|training)",
    "comparison": "correlations|(brief-)?pair|disagreement",
}


def test_normal_results(tmp_path):
    arguments = project(tmp_path, synthetic_tables.procedural())
    assert verdicts(arguments) == NORMAL
    text = words_of(page_of(arguments))
    assert "Trained on plain images the CNN is texture-biased" in text
    assert "Not run" not in text
    assert "90 % intervals" in text  # the level is read from the parameters
    assert "4 321 resamples" in text
    assert "321 steps of Adam" in text
    assert "a difference of 4.4 percentage points" in text.replace("4.5", "4.4")  # the paired one


def test_reversed_results(tmp_path):
    arguments = project(tmp_path, synthetic_tables.procedural(reverse=True))
    found = verdicts(arguments)
    assert {name: found[name] for name in REVERSED} == REVERSED
    text = words_of(page_of(arguments))
    assert "Trained on plain images the CNN is shape-biased" in text
    assert "the CNN is texture-biased" not in text
    assert "It is texture-biased: in each seed" not in text


def test_undefined_results(tmp_path):
    arguments = project(tmp_path, synthetic_tables.undefined(synthetic_tables.procedural()))
    found = verdicts(arguments)
    assert set(found) == set(NORMAL)
    assert {k: v for k, v in found.items() if v != "undefined"} == NOTHING
    text = words_of(page_of(arguments))
    assert "its shape bias is undefined" in text
    assert not re.search(r"\b(is|are) (texture|shape)-biased\b(?! here)", text)
    assert "nan" not in re.findall(r"[a-z]+", text.lower())


def test_missing_results(tmp_path):
    arguments = project(tmp_path, synthetic_tables.procedural())
    found = verdicts(arguments, files=[])
    assert set(found.values()) == {"not run"}
    for claims_in in SECTIONS.values():  # a technique without a table has no section
        assert not [name for name in found if re.match(claims_in, name)]
    text = words_of(page_of(arguments, files=[]))
    assert text.count("Not run.") >= 6
    assert "tables/" not in found
    assert not re.search(r"\d %", text)  # no old number


@pytest.mark.parametrize("table", SECTIONS)
def test_a_section_stands_and_falls_with_its_table(tmp_path, table):
    arguments = project(tmp_path, synthetic_tables.procedural())
    kept = [name for name in list_files(arguments["results"]) if name != f"tables/{table}.csv"]
    found = verdicts(arguments, files=kept)
    gone = {name for name in NORMAL if re.match(SECTIONS[table], name)}
    assert gone
    assert set(found) == set(NORMAL) - gone
    rest = {name: verdict for name, verdict in found.items() if not name.startswith("limits")}
    # Without fields or known classes nothing else changes; the closing section reads what is left.
    assert rest == {name: NORMAL[name] for name in rest}


def test_orders_follow_paired_differences_where_there_are_any(tmp_path):
    tables = synthetic_tables.procedural()
    arguments = project(tmp_path / "paired", tables)
    assert verdicts(arguments)["recipe"] == "higher"
    kept = [name for name in list_files(arguments["results"]) if "differences" not in name]
    assert verdicts(arguments, files=kept)["recipe"] == "not separated"  # the intervals overlap
    pairs = tables["shape_bias_differences"]
    wide = pairs["model_b"].eq("cnn--plain-crop") & pairs["model_a"].eq("cnn--plain")
    assert wide.sum() == 1
    pairs.loc[wide, ["ci_low", "ci_high"]] = [-0.2, 0.01]
    assert verdicts(project(tmp_path / "wide", tables))["recipe"] == "not separated"


def test_the_recommended_row_says_where_a_cell_rests_on_fewer_seeds(tmp_path):
    tables = synthetic_tables.procedural()
    assert "of 3 seeds" not in words_of(page_of(project(tmp_path / "same", tables)))
    readout = tables["readout"]
    shape = (readout["model"] == "cnn--plain") & (readout["cue"] == "shape")
    tables["readout"] = readout[~(shape & (readout["seed"] == 2))]
    text = words_of(page_of(project(tmp_path / "fewer", tables)))
    assert text.count("; 2 of 3 seeds") == 1


def test_what_is_read_is_held_against_the_networks_own_initialisation(tmp_path):
    tables = synthetic_tables.procedural()
    rows = tables["readout"]
    chosen = (rows["arm"] == "plain") & (rows["cue"] == "shape") & (rows["seed"] == 1)
    chosen &= (rows["input"] == "pooled") & rows["gain"].notna()
    assert chosen.sum() > 0
    rows.loc[chosen, "gain_low"] = -0.01  # in one seed, whatever the intervals of the two say
    found = verdicts(project(tmp_path / "paired", tables))
    assert found["readout-shape-plain"] == "as untrained"
    rows.loc[chosen, "gain_low"] = 0.01
    rows.loc[chosen, "permuted_high"] = 0.9  # one of the permutations does as well
    found = verdicts(project(tmp_path / "permuted", tables))
    assert found["readout-shape-plain"] == "at chance"
    assert found["readout-scalars"] == "not above"
    tables["readout"] = rows[~rows["input"].isin(["beyond-scalars", "scalars"])]
    assert "readout-scalars" not in verdicts(project(tmp_path / "no-masks", tables))


def test_a_network_trained_on_texture_labels_is_a_control_of_the_read_out(tmp_path):
    for value, verdict in ((0.2, "higher"), (0.95, "lower"), (0.75, "not separated")):
        tables = synthetic_tables.procedural()
        rows = tables["readout"]
        control = rows[(rows["arm"] == "plain") & (rows["architecture"] == "cnn")].assign(
            arm="textures-named", model="cnn--textures-named"
        )
        shape = control["cue"] == "shape"
        control.loc[shape, ["accuracy", "ci_low", "ci_high"]] = [value, value - 0.03, value + 0.03]
        tables["readout"] = pd.concat([rows, control])
        arguments = project(tmp_path / verdict.replace(" ", "-"), tables)
        path = arguments["results"] / "parameters.json"
        parameters = json.loads(path.read_text())
        parameters["arms"]["textures-named"] = {
            "sets": ["unpaired"],
            "training": {"label": "texture"},
        }
        path.write_text(json.dumps(parameters))
        assert verdicts(arguments)["readout-control-textures-named"] == verdict


def test_every_verdict_on_erasure_is_reached(tmp_path):
    """Each change of one network's rows, and the verdicts that it must bring."""

    def change(name, erased, columns, values, cue="shape"):
        tables = synthetic_tables.procedural()
        rows = tables["erasure"]
        chosen = (rows["arm"] == "plain") & (rows["cue"] == cue) & (rows["erased"] == erased)
        chosen &= (rows["seed"] == 1) | (name != "one seed")
        rows.loc[chosen, columns] = values
        return verdicts(project(tmp_path / name.replace(" ", "-"), tables))

    beyond = ["beyond", "beyond_low", "beyond_high"]
    taken = ["taken", "taken_low", "taken_high"]
    read = ["readout_shape", "readout_shape_low", "readout_shape_high"]
    found = change("one seed", "cue", beyond, [0.1, -0.01, 0.2])
    assert found["erasure-shape-plain"] == "no more than groups"
    assert found["limits-used"] == "not shown"
    found = change("nothing taken", "cue", [*beyond, *taken], [-0.2, -0.3, -0.1, 0.1, -0.1, 0.3])
    assert found["erasure-shape-plain"] == "not shown"
    found = change("no decisions", "cue", [*beyond, *taken], [None] * 6)
    assert found["erasure-shape-plain"] == "no decisions"
    assert found["limits-used"] == "not shown"
    # Half of the lead of 0.75 over 1 / 12 is kept from 0.417 on.
    assert change("left", "cue", read, [0.42, 0.4, 0.44])["erasure-shape-plain-removed"] == "left"
    found = change("removed", "cue", read, [0.41, 0.4, 0.44])
    assert found["erasure-shape-plain-removed"] == "removed"
    found = change("nothing to erase", "nothing", read, [0.1, 0.08, 0.12])
    assert found["erasure-shape-plain-removed"] == "nothing to erase"
    assert found["erasure-shape-plain"] == "used"  # decisions are another matter
    id = "erasure-shape-plain-null-space"
    assert change("some", "head", read, [0.41, 0.38, 0.44])[id] == "some"
    found = change("nothing there", "head", read, [0.1, 0.08, 0.12])
    assert found[id] == "nothing there"
    tables = synthetic_tables.procedural()
    rows = tables["erasure"]
    tables["erasure"] = rows[~rows["erased"].isin(["head", "null_space"])]
    arguments = project(tmp_path / "no-layer", tables)
    assert verdicts(arguments)[id] == "no layer"
    assert "all but the null space" not in words_of(page_of(arguments)).split("Table")[0]
    change_columns = ["bias_change", "bias_change_low", "bias_change_high"]
    found = change("as controls", "groups", change_columns, [0.7, 0.6, 0.8], "texture")
    assert found["erasure-bias"] == "as controls"


@pytest.mark.parametrize(
    ("sums", "logs", "verdict"),
    [
        ([(0.5, 0.9)] * 3, [(0.4, 0.99)] * 3, "above"),
        ([(1.1, 1.9)] * 3, [(1.01, 1.2)] * 3, "below"),
        ([(1.3, 1.5)] * 3, [(0.7, 0.9)] * 3, "mixed"),  # the two summaries disagree
        ([(0.5, 0.9), (0.5, 0.9), (0.5, 1.1)], [(0.5, 0.9)] * 3, "mixed"),
        ([(0.5, 0.9), (0.5, 0.9), (np.nan, np.nan)], [(0.5, 0.9)] * 3, "undefined"),
    ],
)
def test_corruptions_are_judged_by_both_summaries_and_their_intervals(
    tmp_path, sums, logs, verdict
):
    tables = synthetic_tables.procedural()
    frame = tables["corruption_errors"]
    for arm in ("stylized", "mixed"):
        chosen = (frame["arm"] == arm) & (frame["set"] == frame["baseline_set"])
        for name, limits in (("sum", sums), ("log_mean", logs)):
            here = chosen & (frame["corruption"] == name)
            frame.loc[here, ["ci_low", "ci_high"]] = limits
    # One type has no quotient in one seed: it counts neither as less nor as more.
    fog = (frame["arm"] == "stylized") & (frame["corruption"] == "fog") & (frame["seed"] == 1)
    frame.loc[fog, ["error_ratio", "ci_low", "ci_high"]] = np.nan
    arguments = project(tmp_path, tables)
    found = verdicts(arguments)
    assert found["corruptions-stylized"] == found["corruptions-mixed"] == verdict
    text = words_of(page_of(arguments))
    assert "one type is marked or undefined in at least one seed" in text
    assert "errors summed over 4 of 4 types" in text


def test_bias_of_networks_with_few_matches_is_named(tmp_path):
    tables = synthetic_tables.procedural()
    bias = tables["shape_bias"]
    one = (bias["architecture"] == "rf9") & (bias["arm"] == "plain") & (bias["seed"] == 1)
    bias.loc[one, "cue_match_rate"] = 0.3
    tables["shape_bias_differences"][["ci_low", "ci_high"]] = [-0.03, 0.07]
    arguments = project(tmp_path / "near", tables)
    assert verdicts(arguments)["limits-counts"] == "hides, near"
    text = words_of(page_of(arguments))
    assert "RF 9 trained on plain (seed 1)" in text
    assert "that the biases are the same is not shown" in text
    # Equivalent only by the interval of the paired difference.
    tables["shape_bias_differences"][["ci_low", "ci_high"]] = [-0.03, 0.04]
    arguments = project(tmp_path / "equivalent", tables)
    assert verdicts(arguments)["limits-counts"] == "hides"
    assert "equivalent biases speak for very different shares" in words_of(page_of(arguments))


@pytest.mark.parametrize(
    ("low", "high", "verdict", "said"),
    [
        (-0.14, -0.06, "differ", "does tell them apart"),
        (-0.04, 0.03, "equivalent", "nobody who saw both numbers could tell them apart"),
        (-0.04, -0.01, "equivalent", "nobody who saw both numbers could tell them apart"),
        (-0.09, 0.03, "open", "is open"),
    ],
)
def test_equal_biases_are_told_apart_by_their_cue_matches(tmp_path, low, high, verdict, said):
    tables = synthetic_tables.procedural()
    tables["equivalent_pair"]["confirm_cue_match_low"] = low
    tables["equivalent_pair"]["confirm_cue_match_high"] = high
    arguments = project(tmp_path, tables)
    assert verdicts(arguments)["pair-matches-readout_shape"] == verdict
    assert said in words_of(page_of(arguments))


@pytest.mark.parametrize(
    ("excess", "read", "found"),
    [
        ((-0.1, -0.01), (0.1, 0.3), ("less", "more often")),
        ((0.01, 0.1), (-0.3, -0.1), ("more", "less often")),
        ((-0.1, 0.01), (-0.1, 0.3), ("as independent", "not separated")),
    ],
)
def test_every_verdict_on_disagreement_is_reached(tmp_path, excess, read, found):
    tables = synthetic_tables.procedural()
    one = tables["disagreement"]["seed"] == 1  # a single seed decides
    for columns, limits in (
        (["excess_low", "excess_high"], excess),
        (["read_low", "read_high"], read),
    ):
        tables["disagreement"].loc[:, columns] = excess if columns[0] == "excess_low" else read
        if found[0] == "as independent":
            tables["disagreement"].loc[~one, columns] = [0.01, 0.1]
            tables["disagreement"].loc[one, columns] = limits
    arguments = project(tmp_path, tables)
    verdict = verdicts(arguments)
    assert (verdict["disagreement"], verdict["disagreement-read"]) == found


def test_too_few_networks_get_no_coefficient(tmp_path):
    tables = synthetic_tables.procedural()
    tables["correlations"] = tables["correlations"].assign(
        rho=float("nan"), p_holm=float("nan"), n_tests=0, n_networks=4, reason="4 networks"
    )
    arguments = project(tmp_path, tables)
    assert verdicts(arguments)["correlations"] == "too few"
    assert "the charts stand without a coefficient" in words_of(page_of(arguments))


def test_every_verdict_on_correlations_is_reached(tmp_path):
    """Two pairs, both significant over all networks."""

    def found(name, **changes):
        tables = synthetic_tables.procedural()
        for column, values in changes.items():
            tables["correlations"][column] = values
        arguments = project(tmp_path / name, tables)
        both = verdicts(arguments)
        return both["correlations"], both["correlations-within"], words_of(page_of(arguments))

    assert found("some", within_holm=[0.02, 0.4])[:2] == ("some", "some")
    assert found("none", within_holm=[0.3, 0.4])[:2] == ("some", "none")
    # A tied pair is no finding, however strong.
    *both, text = found("tied", coupled=["at most that", "at most that"])
    assert both == ["none", "nothing to hold"]
    assert "at most that" in text
    assert "None of the 0 tests" in text


def test_one_missing_figure_leaves_a_box_and_the_rest(tmp_path):
    arguments = project(tmp_path, synthetic_tables.procedural())
    kept = [name for name in list_files(arguments["results"]) if "figures/controls" not in name]
    text = words_of(page_of(arguments, files=kept))
    assert text.count("Not run.") == 1
    assert "figures/controls.svg" in text
    assert verdicts(arguments, files=kept) == NORMAL


@pytest.mark.parametrize(
    ("low", "high", "match", "verdict"),
    [
        ([0.1, 0.2, 0.1], [0.3, 0.4, 0.2], 0.9, "texture-biased"),
        ([0.1, 0.2, 0.1], [0.3, 0.5, 0.2], 0.9, "neither"),  # one seed reaches one half
        ([0.6, 0.7, 0.51], [0.8, 0.9, 0.9], 0.9, "shape-biased"),
        ([0.1, 0.2, 0.1], [0.3, 0.4, 0.2], 2 / 12, "follows no cue"),  # no more than guessing
        ([float("nan"), 0.2, 0.1], [0.3, 0.4, 0.2], 0.9, "undefined"),
    ],
)
def test_bias_is_named_by_the_rule(tmp_path, low, high, match, verdict):
    tables = synthetic_tables.procedural()
    bias = tables["shape_bias"]
    plain = (bias["architecture"] == "cnn") & (bias["arm"] == "plain")
    bias.loc[plain, "ci_low"] = low
    bias.loc[plain, "ci_high"] = high
    bias.loc[plain, "cue_match_rate"] = match
    assert verdicts(project(tmp_path, tables))["bias-plain"] == verdict


def test_networks_that_learned_nothing(tmp_path):
    tables = synthetic_tables.procedural()
    tables["accuracy"] = tables["accuracy"].assign(accuracy=0.09, ci_low=0.05, ci_high=0.12)
    tables["shape_bias"] = tables["shape_bias"].assign(cue_match_rate=0.16)
    found = verdicts(project(tmp_path, tables))
    expected = {
        "bias-plain": "follows no cue",
        "plain-learned": "not above",
        "cue-strength-plain": "neither usable",
        "patches-plain": "not learned",
        "patches-stylized": "not learned",
        "patches-width": "no gap",
    }
    assert {name: found[name] for name in expected} == expected


def test_published_experiment(tmp_path):
    arguments = project(tmp_path, synthetic_tables.published(), kind="published")
    assert verdicts(arguments) == {
        "bias-humans": "shape-biased",
        "humans-against-networks": "higher",
        "networks-names": "divided",
        "sensitivity": "keeps",
        "humans-ceiling": "higher",
        "humans-own": "not separated",
        "humans-by-bias": "with",
        "brief-humans": "shape-biased",
        "brief-measured": "some",
        "brief-humans-ceiling": "higher",
        "limits-counts": "alike",
        "limits-known": "not run",
        "limits-procedure": "stable",
    }
    text = words_of(page_of(arguments))
    assert "n = 12 000" in text
    assert text.count("Not run") == 1  # what the networks know
    assert "silhouettes filled with a texture" not in text  # the other experiment's data


def test_techniques_on_networks_that_were_not_trained_here(tmp_path):
    tables = synthetic_tables.published() | synthetic_tables.published_techniques()
    arguments = project(tmp_path / "normal", tables, kind="published")
    text = words_of(page_of(arguments))
    for caption in ("Read-out from the last stage of each network",
                    "Information a unit above null pairs", "Erasing a cue at the last stage",
                    "Share of shape decisions at both ends", "Accuracy without and under corruption",
                    "Accuracy on whole pictures and on pictures cut", "from the last stage with a map",
                    "What to report beside a shape bias"):  # fmt: skip
        assert caption in text, caption
    assert "Not run" not in text
    found = verdicts(arguments)
    assert not {name for name in found if "plain" in name}
    assert found["known-not-used"] == "known, not used"
    assert found["strength-name"] == "turns"
    assert found["erasure-texture"] == "all"
    assert found["limits-known"] == "hides"
    tables = synthetic_tables.published(True) | synthetic_tables.published_techniques(True)
    found = verdicts(project(tmp_path / "reversed", tables, kind="published"))
    assert found["known-not-used"] == "no conflict"
    assert found["strength-name"] == "keeps"
    assert found["erasure-texture"] == "none"
    tables = synthetic_tables.undefined(tables)
    found = verdicts(project(tmp_path / "undefined", tables, kind="published"))
    assert set(found.values()) == {"undefined"}


@pytest.mark.parametrize("source", ["cifar10", "photographs"])
def test_photographs(tmp_path, source):
    """Sets and techniques that photographs have; no sentence that is true of drawn images alone."""
    tables = synthetic_tables.procedural()
    for name in ("segmentation", "cue_strength", "controls"):
        tables.pop(name, None)
    for name, table in tables.items():
        if "arm" in table:
            table = table[~table["arm"].isin(["plain-crop", *synthetic_tables.CONTROLS])]
        if name == "accuracy":
            table = table[table["set"] != "textures"].replace({"set": {"silhouettes": "edges"}})
        tables[name] = table
    arguments = project(tmp_path, tables, "folder")
    path = arguments["results"] / "parameters.json"
    parameters = json.loads(path.read_text())
    chosen = read([PAPER.parent / "params.yaml", PAPER.parent / "experiments" / "cifar10.yaml"])
    chosen["data"]["folder"]["source"] = source
    chosen["trained"] = [
        {"architecture": "cnn", "arms": ["plain", "stylized", "mixed"], "seeds": [0]}
    ]
    path.write_text(json.dumps(parameters | chosen))
    words = words_of(page_of(arguments))
    for wrong in ("drawn by the program", "perfect predictors", "both known", "controls stand beside",
                  "silhouettes are named", "Pictures drawn by a program", "exact mask"):  # fmt: skip
        assert wrong not in words, wrong
    assert ("CIFAR-10" in words) == (source == "cifar10")
    assert "edges are named in" in words
    assert "Canny" in words
    found = verdicts(arguments)
    assert found["shape-alone-plain"] in ("above", "not above")
    assert "cue-strength-plain" not in found
    missing = {name for name, verdict in found.items() if verdict == "not run"}
    assert missing <= {"limits-procedure"}  # none of those choices is tried here


def test_published_experiment_reversed_and_undefined(tmp_path):
    tables = synthetic_tables.published(reverse=True)
    found = verdicts(project(tmp_path / "reversed", tables, kind="published"))
    assert found["bias-humans"] == "texture-biased"
    assert found["humans-against-networks"] == "lower"
    assert found["humans-ceiling"] == "lower"
    tables = synthetic_tables.undefined(tables)
    found = verdicts(project(tmp_path / "undefined", tables, kind="published"))
    assert set(found.values()) == {"undefined", "not run"}  # no read-out: nothing known


@pytest.mark.parametrize(
    ("kind", "tables"),
    [
        ("procedural", synthetic_tables.procedural()),
        ("published", synthetic_tables.published() | synthetic_tables.published_techniques()),
    ],
)
def test_every_claim_names_its_rule_and_cells_that_are_there(tmp_path, kind, tables):
    arguments = project(tmp_path, tables, kind=kind)
    folder = arguments["results"] / "tables"
    rows: dict[str, pd.DataFrame] = {}
    for claim in claims_of(arguments):
        assert len(claim.rule) > 10, claim
        assert re.search(r"\w+\.csv", claim.evidence), claim
        assert claim.cells or claim.verdict == "not run", claim
        for cell in claim.cells:
            if cell.table not in rows:
                rows[cell.table] = (
                    pd.read_csv(folder / f"{cell.table}.csv", dtype=str, keep_default_na=False)
                    .set_index([*cell.row], drop=False)
                    .sort_index()
                )
            found = rows[cell.table].loc[[tuple(cell.row.values())]]
            assert len(found) == 1, (claim.id, cell)
            text = found[cell.column].iloc[0]
            assert (float(text) if isinstance(cell.value, float) else text or None) == cell.value


def test_claims_are_kept_as_json(tmp_path):
    arguments = project(tmp_path, synthetic_tables.procedural())
    found = claims_of(arguments)
    write(tmp_path / "claims.json", found)
    kept = json.loads((tmp_path / "claims.json").read_text(encoding="utf-8"))
    assert [one["id"] for one in kept["claims"]] == [claim.id for claim in found]
    one = next(one for one in kept["claims"] if one["id"] == "bias-plain")
    assert one["cells"][0] == {
        "table": "shape_bias",
        "row": {"model": "cnn--plain", "architecture": "cnn", "arm": "plain", "seed": "0"},
        "column": "verdict",
        "value": "texture-biased",
    }
    assert one["section"] == "trained"
    assert one["verdict"] in one["alternatives"]
    assert kept["names"]["networks"]["cnn"] == "CNN"


@pytest.mark.parametrize(
    ("kind", "tables"),
    [
        ("procedural", synthetic_tables.procedural()),
        ("published", synthetic_tables.published() | synthetic_tables.published_techniques()),
        ("published", synthetic_tables.published()),
    ],
)
def test_the_article_sets_every_claim_once(tmp_path, kind, tables):
    import typst

    arguments = project(tmp_path, tables, kind=kind)
    page_of(arguments)
    results = arguments["results"]
    inputs = {"experiment": kind, "results": f"/results/{kind}",
              "files": json.dumps(list_files(results))}  # fmt: skip
    found = typst.query(str(arguments["source"]), "<claim>", field="value", root=str(tmp_path),
                        sys_inputs=inputs, ignore_system_fonts=True)  # fmt: skip
    assert sorted(json.loads(found)) == sorted(claim.id for claim in claims_of(arguments))


def test_tables_without_claims_are_one_line(tmp_path):
    arguments = project(tmp_path, synthetic_tables.published(), kind="published")
    with pytest.raises(
        InputError, match=r"no claims\.json: make it with texshape run claims"
    ) as caught:
        compile_article(**arguments, pdf=tmp_path / "a.pdf", html=tmp_path / "a.html")
    assert "\n" not in str(caught.value)
    # Claims of other results lack those that these tables ask for.
    write(arguments["results"] / "claims.json", [])
    with pytest.raises(InputError, match=r"claims\.json has no claim brief-humans: make it anew"):
        compile_article(**arguments, pdf=tmp_path / "a.pdf", html=tmp_path / "a.html")


@pytest.mark.parametrize(
    ("table", "text", "message"),
    [
        ("shape_bias", "of,former\n1,2\n", r"shape_bias\.csv: column 'architecture' is missing"),
        ("shape_bias", "model,arm\na\n", r"shape_bias\.csv: row 1 has not as many cells"),
        ("readout", b"\xff\xfe\x00", r"readout\.csv: not a readable table"),
    ],
)
def test_a_damaged_table_is_one_line(tmp_path, table, text, message):
    arguments = project(tmp_path, synthetic_tables.procedural())
    path = arguments["results"] / "tables" / f"{table}.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError, match=message) as caught:
        claims_of(arguments)
    assert "\n" not in str(caught.value)


def test_sources_hold_no_typed_number():
    """Text between the code: no percentage, no decimal, no count beside a word for results."""
    for path in sorted((PAPER / "sections").glob("*.typ")):
        text = re.sub(r"//[^\n]*", "", path.read_text(encoding="utf-8"))
        assert not re.search(r"\d\s*%", text), f"{path.name}: a typed percentage"
        prose = " ".join(re.findall(r"\[([^\[\]#\"]{12,})\]", text))  # pieces of plain text
        prose += " ".join(line for line in text.splitlines() if re.match(r"[A-Z][a-z]", line))
        prose = re.sub(r"#[\w.-]+(\([^)]*\))?|@\w+", "", prose)
        assert not re.search(r"\d+\.\d+", prose), f"{path.name}: a typed decimal"
        near = r"(bias|accuracy|seeds?|images|pictures|points|nats|networks)"
        assert not re.search(rf"\b\d+\s+{near}\b", prose), f"{path.name}: a typed count"


# In running text Typst takes a semicolon behind `#call(...)` for the end of the call, and prints none.
CALL = r"#[\w.-]+\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)(?:\[[^\[\]]*\])?;"


def test_no_semicolon_is_swallowed():
    assert re.search(CALL, 'is in #raw("records.json"); the rest')
    assert re.search(CALL, 'style #raw(p("a.b")); its')
    assert not re.search(CALL, "it is #pct(x) (all; none)")
    for path in sorted(PAPER.rglob("*.typ")):
        found = re.search(CALL, path.read_text(encoding="utf-8"))
        assert not found, f"{path.name}: {found[0]}"


def test_page_is_self_contained_and_accessible(tmp_path):
    page = page_of(project(tmp_path, synthetic_tables.procedural()))
    assert page.startswith('<!DOCTYPE html><html lang="en">')
    assert page.count("<title>") == 1
    assert page.count("<h1>") == 1
    assert "<script" not in page
    assert "prefers-color-scheme: dark" in page
    for image in re.findall(r"<img [^>]+>", page):
        assert re.search(r'src="data:image/', image)
        assert re.search(r'alt="[^"]{40,}"', image)
    assert not re.search(r'(src|href)="(?!data:|#|https://)', page)
    targets = set(re.findall(r'id="([^"]+)"', page))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= targets


def test_every_section_and_table_passes_axe(tmp_path):
    arguments = project(tmp_path, synthetic_tables.procedural())
    page_of(arguments)
    with browser.open_page(arguments["results"] / "paper.html", width=390) as (page, complaints):
        assert browser.faults(page, complaints) == []


@pytest.mark.parametrize("width", [390, 768, 1440])
def test_no_column_of_a_table_is_hidden(tmp_path, width):
    """On a telephone each row is a block in which every value stands beside its column's name."""
    arguments = project(tmp_path, synthetic_tables.procedural())
    page_of(arguments)
    with browser.open_page(arguments["results"] / "paper.html", width=width) as (page, _):
        assert page.evaluate("document.querySelectorAll('table').length") > 5
        assert browser.cut_tables(page) == []
        stacked = page.evaluate(
            "[...document.querySelectorAll('td + td')].map(x => getComputedStyle(x).display == 'flex')"
        )
        assert {390: all, 768: any, 1440: lambda found: not any(found)}[width](stacked)
        labels = page.evaluate("[...document.querySelectorAll('td')].map(x => x.dataset.label)")
        heads = page.evaluate("[...document.querySelectorAll('th')].map(x => x.textContent)")
        assert set(labels) == set(heads)  # an empty label would leave a value unnamed
        # A table that reaches beyond its place is found.
        page.evaluate("document.querySelector('table').style.width = '3000px'")
        assert len(browser.cut_tables(page)) == 1


def test_same_results_same_bytes(tmp_path):
    arguments = project(tmp_path, synthetic_tables.published(), kind="published")
    page_of(arguments)  # makes the claims
    first = tmp_path / "first.pdf", tmp_path / "first.html"
    second = tmp_path / "second.pdf", tmp_path / "second.html"
    for pdf, html in (first, second):
        compile_article(**arguments, pdf=pdf, html=html)
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes()


def test_errors_are_one_line_and_leave_the_old_article(tmp_path):
    arguments = project(tmp_path, synthetic_tables.published(), kind="published")
    old = tmp_path / "paper.pdf"
    old.write_bytes(b"old")
    section = tmp_path / "paper" / "sections" / "limits.typ"
    section.write_text("#let x = (\n")
    with pytest.raises(InputError, match=r"does not compile: .*limits\.typ:1") as caught:
        compile_article(**arguments, pdf=old, html=tmp_path / "paper.html")
    assert "\n" not in str(caught.value)
    assert old.read_bytes() == b"old"
    assert not (tmp_path / "paper.html").exists()
    to = {"pdf": old, "html": tmp_path / "paper.html"}
    with pytest.raises(InputError, match="no such folder of results"):
        compile_article(results=tmp_path / "nowhere", source=arguments["source"], **to)
    with pytest.raises(InputError, match="source is missing"):
        compile_article(results=arguments["results"], source=tmp_path / "main.typ", **to)


def test_references_are_complete_and_used_keys_exist():
    entries = (PAPER / "references.bib").read_text(encoding="utf-8")
    keys = set(re.findall(r"^@\w+\{([\w-]+),", entries, flags=re.M))
    for block in entries.split("\n\n"):
        for field in ("author", "title", "year"):
            assert re.search(rf"^\s+{field} = \{{", block, flags=re.M), block[:60]
        assert "doi" in block or "url" in block, block[:60]
    for path in PAPER.rglob("*.typ"):
        text = path.read_text(encoding="utf-8")
        found = re.findall(r"cite\(<([\w-]+)>|@([a-z]+20\d\d\w*)", text)
        cited = {one or other for one, other in found}
        assert cited <= keys, path.name


def test_the_steps_read_only_the_files_that_they_are_given(tmp_path):
    from typer.testing import CliRunner

    from texshape.cli import figures as commands
    from texshape.cli.run import run

    assert commands  # registers `claims` and `article`
    results = tmp_path / "results" / "old"
    (results / "tables").mkdir(parents=True)
    (results / "tables" / "shape_bias.csv").write_text("of,former,parameters\n1,2,3\n")
    (results / "tables" / "other.csv").write_text("a\n1\n")
    main = Path(__file__).parents[2] / "paper" / "main.typ"

    def step(*arguments: str | Path) -> bool:
        return CliRunner().invoke(run, [*map(str, arguments)]).exit_code == 0

    claims, html, other = results / "claims.json", tmp_path / "a.html", results / "tables/other.csv"
    # The stale table has no column that the claims read.
    assert not step("claims", "--results", results, "--output", claims)
    assert not claims.exists()
    assert step("claims", "--results", results, "--output", claims, "--file", other)
    article = ("article", "--results", results, "--source", main, "--output", tmp_path / "a.pdf",
               "--html", html)  # fmt: skip
    assert not step(*article)  # the stale table has no column that the article reads
    assert step(*article, "--file", other, "--file", claims)
    assert "Not run" in html.read_text(encoding="utf-8")


def at(tables, table, architecture="cnn", arm="plain", **wanted):
    """Rows of a table of one kind of network, as a mask."""
    frame = tables[table]
    chosen = (frame["architecture"] == architecture) & (frame["arm"] == arm)
    for column, value in wanted.items():
        chosen &= frame[column] == value
    assert chosen.any()
    return chosen


@pytest.mark.parametrize(
    ("changed", "verdict", "words"),
    [
        (
            {"congruent_low": 0.08},
            "not recognised",
            "not even the pictures whose shape and texture",
        ),
        ({"match_low": 0.16}, "follows no cue", "match a cue no more often than guessing would"),
        ({"response_entropy": 2.5}, "few answers", "decisions collapse onto a few classes"),
    ],
)
def test_a_bias_without_ground_has_no_name(tmp_path, changed, verdict, words):
    """One seed of three suffices, and the value of the bias does not matter."""
    tables = synthetic_tables.procedural()
    bias = synthetic_tables.named(tables["shape_bias"], 12).drop(columns="verdict")
    tables["shape_bias"] = bias
    for column, value in changed.items():
        bias.loc[at(tables, "shape_bias", seed=1), column] = value
    arguments = project(tmp_path, tables)
    assert verdicts(arguments)["bias-plain"] == verdict
    text = words_of(page_of(arguments))
    assert words in text
    assert "It is texture-biased" not in text


@pytest.mark.parametrize(
    ("arms", "readable", "ways"),
    [
        (["stylized"], "in part", "same"),
        (["plain", "stylized", "mixed", "neural"], "unreadable", "none"),
    ],
)
def test_conflict_pictures_are_validated_before_a_bias_is_read_from_them(
    tmp_path, arms, readable, ways
):
    tables = synthetic_tables.procedural()
    tables["shape_bias_by_set"] = synthetic_tables.named(tables["shape_bias_by_set"], 12)
    tables["shape_bias_by_set"] = tables["shape_bias_by_set"].drop(columns="verdict")
    for arm in arms:
        rows = at(tables, "shape_bias_by_set", arm=arm, set="cue-conflict-optimised")
        tables["shape_bias_by_set"].loc[rows, ["congruent_accuracy", "congruent_low"]] = 0.05, 0.01
    arguments = project(tmp_path, tables)
    found = verdicts(arguments)
    assert (found["conflict-readable"], found["conflict-ways"]) == (readable, ways)
    text = words_of(page_of(arguments))
    assert "congruent pictures are not recognised" in text or readable == "unreadable"
    assert "not recognised" in text


def test_a_name_that_changes_with_the_pictures_is_said_where_both_sets_give_one(tmp_path):
    tables = synthetic_tables.procedural()
    rows = at(tables, "shape_bias_by_set", arm="stylized", set="cue-conflict-optimised")
    tables["shape_bias_by_set"].loc[rows, ["ci_low", "ci_high"]] = 0.1, 0.2
    arguments = project(tmp_path, tables)
    assert verdicts(arguments)["conflict-ways"] == "changes"
    assert "shape-biased, then texture-biased" in words_of(page_of(arguments))


def test_an_order_needs_exemplars_and_seeds(tmp_path):
    tables = synthetic_tables.procedural()
    pairs = tables["shape_bias_differences"]
    one = pairs["model_a"].eq("cnn--plain") & pairs["model_b"].eq("cnn--plain-crop")
    assert one.sum() == 1
    pairs.loc[one, ["seed_low", "seed_high", "seed_p"]] = [-0.12, 0.01, 0.09]
    tables["accuracy_differences"] = pd.DataFrame(
        [{"model_a": "cnn--plain", "model_b": "cnn--plain-crop", "set": "test-plain",
          "cue": "shape", "seeds_a": 3, "seeds_b": 3, "seed_difference": 0.023, "seed_low": 0.01,
          "seed_high": 0.036, "seed_p": 0.01}]
    )  # fmt: skip
    arguments = project(tmp_path, tables)
    found = verdicts(arguments)
    assert found["recipe"] == "not over seeds"
    assert found["limits-procedure"] == "moves"
    text = words_of(page_of(arguments))
    assert "over seeds −1.0 to 12.0 percentage points, Welch’s p = 0.090, 3 and 3 trainings" in text
    # the pair stands the other way round in the table
    assert "accuracy on new plain images changes by −2.3 percentage points" in text
    assert "over seeds −3.6 to −1.0 percentage points" in text
    assert "whether training pictures were cropped" not in text


@pytest.mark.parametrize(
    ("accuracies", "verdict"),
    [
        ({"rf9": 0.29, "rf17": 0.72, "rf33": 0.89}, "contour"),
        ({"rf9": 0.2, "rf17": 0.3, "rf33": 0.45}, "wide view"),
        ({"rf9": 0.92, "rf17": 0.93, "rf33": 0.95}, "local suffices"),
    ],
)
def test_every_field_counts_for_what_stylized_images_ask(tmp_path, accuracies, verdict):
    tables = synthetic_tables.procedural()
    frame = tables["accuracy"]
    for architecture, value in accuracies.items():
        rows = at(tables, "accuracy", architecture, "stylized", set="test-stylized")
        frame.loc[rows, ["accuracy", "ci_low", "ci_high"]] = value, value - 0.02, value + 0.02
    arguments = project(tmp_path, tables)
    assert verdicts(arguments)["patches-stylized"] == verdict
    text = words_of(page_of(arguments))
    # (0.72 - 1/12) / (0.95 - 1/12) = 73 %, (0.89 - 1/12) / (0.95 - 1/12) = 93 %
    assert ("the RF 17 gets 73 % of the way" in text) == (verdict == "contour")
    assert "whole outline is lost" not in text


@pytest.mark.parametrize(
    ("reason", "crossing", "verdict"),
    [
        ("shape decisions do not become fewer with texture strength", "above", "no balance"),
        ("balance point outside the strengths shown", "above", "beyond"),
        ("balance point outside the strengths shown", "guessed", "no comparison"),
        ("", 0.8, "higher"),
        ("", 0.1, "lower"),
        ("", 0.42, "not separated"),
    ],
)
def test_what_is_said_of_a_balance_reads_the_reason(tmp_path, reason, crossing, verdict):
    from texshape.techniques.cue_strength import curve as cue_strength

    tables = synthetic_tables.procedural()
    frame, rows = tables["cue_strength"], at(tables, "cue_strength", arm="stylized")
    frame.loc[rows, "reason"] = reason
    why = {"above": cue_strength.ABOVE, "guessed": cue_strength.GUESSED}.get(crossing, "")
    frame.loc[rows, "crossing_reason"] = why
    if not why:
        frame.loc[rows, ["crossing", "crossing_low", "crossing_high"]] = (
            crossing, crossing - 0.05, crossing + 0.05,
        )  # fmt: skip
    assert verdicts(project(tmp_path, tables))["balance-stylized"] == verdict


def test_the_crossing_is_the_number_to_go_by_where_the_curve_does_not_fit(tmp_path):
    tables = synthetic_tables.procedural()
    frame, rows = tables["cue_strength"], at(tables, "cue_strength", strength=0.7)
    frame.loc[rows, "fitted_share"] = 0.4  # 20 % observed
    arguments = project(tmp_path / "misses", tables)
    assert verdicts(arguments)["balance-fit"] == "misses"
    assert "3 of 15 fitted shares" in words_of(page_of(arguments))
    frame.loc[at(tables, "cue_strength"), "fitted_share"] = float("nan")
    assert verdicts(project(tmp_path / "none", tables))["balance-fit"] == "no fit"
    one = at(tables, "cue_strength", seed=1)
    frame.loc[one, "crossing"] = float("nan")
    frame.loc[one, "crossing_reason"] = "fewer than half"
    assert verdicts(project(tmp_path / "one", tables))["balance-fit"] == "no crossing"


def test_a_name_along_the_curve_needs_matches(tmp_path):
    """Between the names of the two ends stands a strength at which matches are guesses."""
    tables = synthetic_tables.procedural()
    frame = tables["cue_strength"]
    frame["match_low"] = frame["cue_match_rate"] - 0.03
    weak = at(tables, "cue_strength") & (frame["strength"] > 0) & (frame["shape_share"] > 0.5)
    frame.loc[weak, "match_low"] = 0.16
    assert verdicts(project(tmp_path, tables))["strength-name"] == "moves"


@pytest.mark.parametrize(
    ("accuracy", "verdict"), [(0.589, "above"), (0.97, "learned"), (0.1, "not above")]
)
def test_a_task_is_learned_beyond_half_of_what_guessing_leaves(tmp_path, accuracy, verdict):
    tables = synthetic_tables.procedural()
    rows = at(tables, "accuracy", set="test-plain")
    interval = [accuracy, accuracy - 0.1, min(accuracy + 0.1, 1)]
    tables["accuracy"].loc[rows, ["accuracy", "ci_low", "ci_high"]] = interval
    arguments = project(tmp_path, tables)
    assert verdicts(arguments)["plain-learned"] == verdict
    assert "guessing is right in 8.3 %" in words_of(page_of(arguments)) or verdict == "above"


def test_humans_are_spoken_of_only_where_there_are_any(tmp_path):
    text = words_of(page_of(project(tmp_path, synthetic_tables.procedural())))
    assert "whether it fails where humans fail" not in text
    assert "how it stands corrupted pictures" in text


@pytest.mark.parametrize(
    ("level", "verdict"), [(0.2, "lower"), (0.77, "not separated"), (0.95, "higher")]
)
def test_a_network_that_names_textures_says_what_shape_is_learned_for(tmp_path, level, verdict):
    tables = synthetic_tables.procedural()
    for name in ("shape_bias", "accuracy", "readout"):
        frame = tables[name]
        row = frame[at(tables, name, arm="plain")].assign(
            arm="textures-named", model="cnn--textures-named"
        )
        if name == "readout":
            row = row.assign(accuracy=level, ci_low=level - 0.03, ci_high=level + 0.03)
        tables[name] = pd.concat([frame, row], ignore_index=True)
    arguments = project(tmp_path, tables)
    path = arguments["results"] / "parameters.json"
    parameters = json.loads(path.read_text())
    parameters["arms"]["textures-named"] = {"sets": ["unpaired"], "training": {"label": "texture"}}
    path.write_text(json.dumps(parameters))
    assert verdicts(arguments)["texture-named"] == verdict


@pytest.mark.parametrize(
    ("training", "pictures", "verdict"),
    [(0.2, 0.0, "training"), (0.0, 0.2, "pictures"), (0.2, 0.2, "both"), (0.0, 0.0, "neither")],
)
def test_training_and_test_pictures_are_crossed(tmp_path, training, pictures, verdict):
    tables = synthetic_tables.procedural()
    frame = tables["controls"]
    for effect, value in (("training, base pictures", training), ("pictures, base network", pictures),
                          ("both", training + pictures)):  # fmt: skip
        rows = (frame["effect"] == effect) & (frame["variant"] == "orientation-free")
        assert rows.sum() == 1
        frame.loc[rows, ["difference", "ci_low", "ci_high"]] = value, value - 0.05, value + 0.05
    found = verdicts(project(tmp_path, tables))
    assert found["control-orientation-crossed"] == verdict
    total = "higher" if training + pictures else "not separated"
    assert found["control-orientation"] == total
