"""Whether a network errs less than its plain-trained twin under corruption."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from texshape.claims.claim import Claim, cells_of, claim
from texshape.claims.evidence import Row, Rows, each, number, select, values
from texshape.claims.experiment import Experiment
from texshape.claims.rules import UNDEFINED, obstacle, side
from texshape.claims.wording import count, escape, listed, num, plural

_FOUND = {
    "stylized": {
        "above": "Over these types it errs less than its plain-trained twin, as claimed.",
        "below": """Over these types it errs _more_ than its plain-trained twin, which contradicts the claim for
        these pictures and networks.""",
        "mixed": """That it errs less than its plain-trained twin, or more, is not shown by both summaries in
        every seed; the claim is neither confirmed nor contradicted.""",
    },
    "mixed": {
        "above": "That network errs less than its plain-trained twin.",
        "below": "That network errs more than its plain-trained twin.",
        "mixed": """That this network errs less, or more, is not shown by both summaries in every seed; a sum
        is dominated by the types with many errors, a geometric mean weighs each type alike.""",
    },
}


def applies(experiment: Experiment) -> bool:
    """Whether the article claims something here: of a network that was trained otherwise than its baseline."""
    rows = select(experiment.rows("corruption_errors"), architecture=experiment.main)
    return experiment.trains and any(row["model"] != row["baseline"] for row in rows)


def claims(experiment: Experiment, made: Mapping[str, Claim]) -> Iterator[Claim]:
    """The claims of the section, in the order of its text."""
    e = experiment
    yield _against_twin(e, "stylized")
    yield _by_type(e, "stylized")
    own = [row for row in e.of("corruption_errors", "stylized") if not _same(row)]
    if select(own, corruption="sum"):
        yield _on_own_pictures(e, *(select(own, corruption=kind) for kind in ("sum", "log_mean")))
    if _summary(e, "mixed", "sum"):
        yield _against_twin(e, "mixed")
        yield _by_type(e, "mixed")


def _same(row: Row) -> bool:
    """Whether network and baseline saw the same pictures."""
    return row.get("set", "") == row.get("baseline_set", "")


def _summary(e: Experiment, arm: str, kind: str) -> list[Row]:
    return [row for row in e.of("corruption_errors", arm, corruption=kind) if _same(row)]


def against_one(rows: Rows, low: str = "ci_low", high: str = "ci_high") -> str:
    """Which way intervals of a ratio of errors lie.

    Returns
    -------
    str
        ``above``: the network errs less, as the interval of every seed says; ``below``: more; else
        ``mixed``.
    """
    limits = [(number(row.get(low)), number(row.get(high))) for row in rows]
    return side(limits, ("below", "above", "mixed"), than=1)


def _called(corruption: str) -> str:
    """A type of corruption in words."""
    return escape(corruption.replace("_like", "-like").replace("_", " "))


def _against_twin(e: Experiment, arm: str) -> Claim:
    sums, logs = (_summary(e, arm, kind) for kind in ("sum", "log_mean"))
    verdicts = [against_one(sums), against_one(logs)]
    agreed = verdicts[0] if len(set(verdicts)) == 1 else "mixed"
    return claim(
        f"corruptions-{arm}",
        obstacle(*verdicts) or agreed,
        _FOUND[arm],
        evidence=f"corruption_errors.csv: main architecture, arm {arm}, corruption sum and log_mean, all "
        "seeds: ci_low, ci_high",
        rule="above: the intervals of both summaries lie below one in every seed (more robust); below: above "
        "one in every seed; mixed otherwise",
        cells=cells_of([*sums, *logs], "ci_low", "ci_high"),
    )


def _on_own_pictures(e: Experiment, sums: Rows, logs: Rows) -> Claim:
    limits = {"low": "relative_low", "high": "relative_high"}
    verdicts = [against_one(rows, **limits) for rows in (sums, logs)]
    agreed = verdicts[0] if len(set(verdicts)) == 1 else "mixed"
    mean = e.describe(logs, "relative_error_ratio", show=num, **limits)
    beside = f"By the geometric mean over types the relative ratio is {mean}."
    return claim(
        "corruptions-own",
        obstacle(*verdicts) or agreed,
        {
            "above": f"""{beside} So corruption costs each network something on its own kind of pictures, and
            the stylized one less.""",
            "below": f"""{beside} So corruption costs the stylized network more even on its own kind of
            pictures: unfamiliar pictures are not the reason.""",
            UNDEFINED: f"""{beside} In at least one seed a relative ratio has no interval, since in too many
            resamples some type makes no more errors than uncorrupted pictures do: whether corruption costs
            the stylized network less on its own kind of pictures, or more, is not decided.""",
            "mixed": f"""{beside} So on its own kind of pictures it is not shown by both summaries in every seed
            that corruption costs the stylized network less, or more.""",
        },
        evidence="corruption_errors.csv: main architecture, arm stylized, set other than baseline_set, "
        "corruption sum and log_mean, all seeds: relative_low, relative_high",
        rule="above: the intervals of the relative ratio lie below one in every seed, by both summaries; "
        "below: above one; mixed otherwise; the two networks see different pictures, resampled apart",
        cells=cells_of([*sums, *logs], "relative_low", "relative_high"),
    )


def _by_type(e: Experiment, arm: str) -> Claim:
    rows = e.of("corruption_errors", arm)
    rows = [row for row in rows if row["corruption"] not in ("sum", "log_mean") and _same(row)]
    better, worse, left_out = [], [], []
    for name in each(rows, "corruption"):
        own = select(rows, corruption=name)
        if not all(row["marked"].lower() != "true" and values([row], "error_ratio") for row in own):
            left_out.append(name)
            continue
        lies = against_one(own)
        better += [name] if lies == "above" else []
        worse += [name] if lies == "below" else []
    text = f"""Type by type its interval lies below one in every seed for {count(len(better))}, and above one
    in every seed for {count(len(worse))}"""
    if left_out:
        types = plural(len(left_out), "type is", "types are")
        text += f"; {types} marked or undefined in at least one seed and counted for neither"
    text += "."
    for names, how in ((better, "less"), (worse, "more")):
        if names:
            text += f" It errs {how} under {listed(map(_called, names))}."
    if not values(_summary(e, arm, "sum"), "error_ratio"):
        verdict = "nothing"
    elif len(better) == len(worse):
        verdict = "as many"
    else:
        verdict = "mostly less" if len(better) > len(worse) else "mostly more"
    return claim(
        f"corruptions-{arm}-types",
        verdict,
        {"mostly less": text, "mostly more": text, "as many": text, "nothing": ""},
        evidence=f"corruption_errors.csv: main architecture, arm {arm}, each type, all seeds: ci_low, "
        "ci_high, marked",
        rule="mostly less: the intervals of more types lie below one in every seed than above; mostly more: "
        "of fewer; types that are marked or undefined in a seed do not count; nothing: no summary is "
        "defined",
        cells=cells_of(rows, "error_ratio", "ci_low", "ci_high", "marked"),
    )
