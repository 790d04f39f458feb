"""Invented results as an experiment's folder, beside the article's sources, and what is said of them."""

from __future__ import annotations

import html as html_entities
import json
import re
import shutil
from pathlib import Path

import pandas as pd

from tests import synthetic_tables
from texshape.article import compile_article, list_files
from texshape.claims import Claim, compute, compute_firm, write
from texshape.claims.wording import unmarked
from texshape.figures.registry import FIGURES
from texshape.figures.style import empty, save, style

PAPER = Path(__file__).parents[1] / "paper"


IMAGE_FIGURES = ["contact_sheet", "feature_visualization", "influence", "architectures",
                 "segmentation_pictures", "disagreement_images", "stylization-neural",
                 "stylization-cue-conflict-optimised"]  # fmt: skip


DRAWINGS: dict[str, bytes] = {}


def results_of(folder: Path, tables: dict[str, pd.DataFrame], kind: str = "procedural") -> dict:
    """Invented results without figures: all that claims read; to be asked by `claims_of`."""
    results = folder / "results" / kind
    synthetic_tables.write(tables, results / "tables")
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
    return {"results": results}


def project(folder: Path, tables: dict[str, pd.DataFrame], kind: str = "procedural") -> dict:
    """The same with figures, beside a copy of the sources; returns the arguments of the compiler."""
    shutil.copytree(PAPER, folder / "paper")
    results = results_of(folder, tables, kind)["results"]
    if not DRAWINGS:
        with style():
            for path in save(empty("drawn by a test"), folder / "drawing"):
                DRAWINGS[path.suffix] = path.read_bytes()
    (results / "figures").mkdir()
    for name in [*FIGURES, *IMAGE_FIGURES]:
        for suffix, content in DRAWINGS.items():
            (results / "figures" / f"{name}{suffix}").write_bytes(content)
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
        write(results / "claims.json", compute_firm(results, listed))
        listed = [*listed, "claims.json"]
    pdf, html = results / "paper.pdf", results / "paper.html"
    compile_article(**arguments, pdf=pdf, html=html, files=listed)
    assert pdf.read_bytes().startswith(b"%PDF")
    return html.read_text(encoding="utf-8")


def words_of(page: str) -> str:
    """Text of a page as it is read before anything is opened, spaces made plain."""
    body = re.sub(
        r'<style>.*?</style>|<section class="grounds">.*?</section>', "", page, flags=re.S
    )
    text = html_entities.unescape(re.sub(r"<[^>]+>", "", body))
    return re.sub(r"[\s\u00a0\u202f]+", " ", text)


def said(arguments: dict) -> str:
    """The words of all claims, without their markup, spaces made plain."""
    return " ".join(plain(claim) for claim in claims_of(arguments))


def plain(claim: Claim) -> str:
    """The words of a claim."""
    return re.sub(r"[\s\u00a0\u202f]+", " ", unmarked(claim.sentence))


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
    "agreement": "agree",
    "report-instead": "some undecided",
    "report-two": "nothing against",
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
    "bias-mixed": "between, reversed",
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
    "agreement": "contrary",
    "report-instead": "contrary",
    "report-two": "contrary",
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
    "agreement": "undecided",
    "report-instead": "undecided",
    "report-two": "nothing against",
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
    "comparison": "correlations|(brief-)?pair|disagreement|agreement|report",
    "agreement": "agreement|report",
}


def at(tables, table, architecture="cnn", arm="plain", **wanted):
    """Rows of a table of one kind of network, as a mask."""
    frame = tables[table]
    chosen = (frame["architecture"] == architecture) & (frame["arm"] == arm)
    for column, value in wanted.items():
        chosen &= frame[column] == value
    assert chosen.any()
    return chosen
