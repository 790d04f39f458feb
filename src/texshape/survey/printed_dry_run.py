"""A dry run as text for a terminal, and as plain values for programs."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from texshape import FORMAT_VERSION, __version__
from texshape.survey.downloads import Files
from texshape.survey.dry_run import DryRun, Line, Outlook
from texshape.survey.trial import Trial

HOW = """\
How it is estimated: each network is loaded by itself and shown one batch of {pictures} pictures a few times,
without and with a gradient; seconds a picture are multiplied with the pictures that each step shows, and peak
memory is continued to the steps' batches along a straight line. Left out: fitting read-outs, resampling,
filtering pictures, figures and report, downloading, loading, hashing, and whatever else the machine does. A
pass that ends early, or whose beginning is played back, counts as a whole one. What a network lacks may show
only while it is measured, and steps that an earlier run has left in the folder will be kept."""


def text(found: DryRun) -> str:
    """The whole of it, a line a step."""
    lines = ["Nothing is measured and nothing is written."]
    if found.downloads:
        missing = sum(one.missing_bytes for one in found.downloads)
        lines += ["", f"downloads: {size(missing)} to come"]
        lines += [f"  {_files(one)}" for one in found.downloads]
    for network in found.networks:
        lines += ["", *_network(network)]
    for one in found.lost:
        lines += ["", f"{one.line}"]
    trials = [one.trial for one in found.networks if one.trial is not None]
    if trials:
        several = f", {found.jobs} at a time" if found.jobs > 1 else ""
        lines += ["", f"in all{several}: about {duration(found.seconds)}, {size(found.bytes)} of memory", "",
                  HOW.format(pictures=trials[0].pictures)]  # fmt: skip
    return "\n".join(lines)


def values(found: DryRun) -> dict[str, Any]:
    """The same as plain values: seconds and bytes as numbers, null where not known."""
    return {
        "format_version": FORMAT_VERSION,
        "texshape_version": __version__,
        "seconds": found.seconds,
        "bytes": found.bytes,
        "jobs": found.jobs,
        "downloads": [asdict(one) for one in found.downloads],
        "networks": [
            {
                "name": one.name,
                "subject": one.slug,
                "weights": one.weights,
                "parameters": one.parameters,
                "seconds": one.seconds,
                "bytes": one.bytes,
                "requests": one.requests,
                "steps": [_step(line, one.trial) for line in one.lines],
                "left_out": {row["technique"]: row["reason"] for row in one.left_out},
            }
            for one in found.networks
        ],
        "lost": [one.line for one in found.lost],
        "left_out_of_the_estimate": " ".join(HOW.partition("Left out: ")[2].split()),
    }


def _step(line: Line, trial: Trial | None) -> dict[str, Any]:
    ahead = line.ahead
    return {
        "technique": line.technique,
        "shown": None if ahead is None else ahead.shown,
        "followed": None if ahead is None else ahead.followed,
        "gradients": None if ahead is None else ahead.gradients,
        "seconds": None if ahead is None or trial is None else trial.seconds(ahead),
    }


def _files(one: Files) -> str:
    if one.missing and not one.bytes:
        return (
            f"{one.name} ({one.where}): {one.files:,} file, its size is not known, to be downloaded"
        )
    what = f"{one.name} ({one.where}): {one.files:,} files, {size(one.bytes)}"
    if not one.missing:
        return f"{what}: there"
    if one.missing == one.files:
        return f"{what}: to be downloaded"
    return f"{what}: {one.missing:,} of them, {size(one.missing_bytes)}, to be downloaded"


def _network(one: Outlook) -> list[str]:
    lines = [one.name]
    if one.weights:
        lines.append(
            f"  weights: to be downloaded by its library, about {size(4 * one.parameters)} "
            f"({one.parameters:,} numbers); random ones are tried here"
        )
    if one.requests or one.trial is None:
        total = sum(one.requests.values())
        lines.append(
            f"  {total:,} requests to come; none is sent now, so time and cost are not known"
        )
    width = max((len(line.title) for line in one.lines), default=0)
    for line in one.lines:
        if line.ahead is None:
            lines.append(f"  {line.title:{width}}  not known beforehand")
            continue
        number = line.ahead.shown + line.ahead.followed
        cells = [f"{number:>9,} pictures" if number else f"{'no further':>9} pictures"]
        if line.ahead.gradients:
            cells.append(f"{line.ahead.gradients:,} gradients")
        if one.trial is not None and number:
            cells.append(f"about {duration(one.trial.seconds(line.ahead))}")
        lines.append(f"  {line.title:{width}}  {', '.join(cells)}")
    if one.seconds is not None and one.bytes is not None:
        lines.append(
            f"  {'in all':{width}}  about {duration(one.seconds)}, {size(one.bytes)} of memory"
        )
    lines += [f"  left out: {row['technique']}: {row['reason']}" for row in one.left_out]
    return lines


def duration(seconds: float) -> str:
    """In words, rounded up: an estimate has no decimals."""
    if seconds < 90:
        return f"{math.ceil(seconds)} s"
    return f"{math.ceil(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def size(count: int) -> str:
    """Bytes in words."""
    if count < 10**9:
        return f"{count / 1e6:,.1f} MB"
    return f"{count / 1e9:,.1f} GB"
