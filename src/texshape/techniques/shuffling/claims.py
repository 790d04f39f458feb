"""Whether a network needs more than patches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from texshape.claims.claim import Claim, cells_of, claim
from texshape.claims.evidence import Row, Rows, largest, number, select, values
from texshape.claims.experiment import Experiment
from texshape.claims.rules import NOT_RUN, UNDEFINED, above, compare, obstacle

_NOT_LEARNED = (
    "In at least one seed it does not exceed guessing on whole pictures, so that nothing follows."
)


def applies(experiment: Experiment) -> bool:
    """Whether the article claims something here: of networks that were trained in the experiment."""
    return experiment.has("shuffling") and experiment.trains


def claims(experiment: Experiment, made: Mapping[str, Claim]) -> Iterator[Claim]:
    """The claims of the section, in the order of its text."""
    e = experiment
    every = e.rows("shuffling")
    rows = select(every, set="test-plain") or every
    steps = sorted(set(values(rows, "k")))
    cuts = (
        steps[0] if steps else None,
        steps[1] if len(steps) > 1 else None,
        steps[-1] if steps else None,
    )
    plain, stylized = (select(rows, architecture=e.main, arm=arm) for arm in ("plain", "stylized"))
    yield claim(
        "shuffling-plain",
        kind_of(plain, cuts),
        {
            "local": """Even the finest cut leaves it above guessing in each seed: part of its evidence lies
            within patches of that size.""",
            "partly": """It survives the coarsest cut in each seed, but not the finest: its evidence is larger
            than the smallest patches and smaller than the picture.""",
            "whole": "Already the coarsest cut leaves nothing above guessing in at least one seed.",
            "not learned": _NOT_LEARNED,
        },
        evidence="shuffling.csv: arm plain, set test-plain, all seeds, k smallest, next and largest: ci_low, "
        "chance",
        rule="local: every interval at the largest k lies above chance; partly: at the second k only; whole: "
        "neither; not learned: an interval at the smallest k reaches chance",
        cells=cells_of(
            [row for k in dict.fromkeys(cuts) for row in _at(plain, k)], "ci_low", "chance"
        ),
    )
    if stylized:
        own = e.of("shuffling", "stylized", set="test-stylized")
        yield _against_plain(own or stylized, plain, cuts, own_kind=bool(own))


Cuts = tuple[float | None, float | None, float | None]


def _at(rows: Rows, k: float | None) -> list[Row]:
    return [row for row in rows if number(row["k"]) == k]


def kind_of(rows: Rows, cuts: Cuts) -> str:
    """What evidence a network's curve speaks of.

    Parameters
    ----------
    rows : list of Row
        Of one kind of network on one set.
    cuts : tuple of float
        Patches a side: of the whole picture, of the coarsest and of the finest cut.

    Returns
    -------
    str
        ``local``, ``partly``, ``whole`` or ``not learned``.
    """
    chance = largest(rows, "chance")
    states = [above(_at(rows, k), chance) for k in cuts]
    if stop := obstacle(*states):
        return stop
    if states[0] != "above":
        return "not learned"
    if states[2] == "above":
        return "local"
    return "partly" if states[1] == "above" else "whole"


def _against_plain(rows: Rows, plain: Rows, cuts: Cuts, *, own_kind: bool) -> Claim:
    start = kind_of(rows, cuts)
    if start in (NOT_RUN, UNDEFINED, "not learned"):
        verdict = start
    else:
        verdict = compare(_at(rows, cuts[1]), _at(plain, cuts[1]))
    it = "Each on the kind of pictures that it was trained on, it" if own_kind else "It"
    each_on_its_own = ", each on its own kind of pictures," if own_kind else ""
    cells = cells_of([*_at(rows, cuts[1]), *_at(plain, cuts[1])], "ci_low", "ci_high")
    return claim(
        "shuffling-stylized",
        verdict,
        {
            "lower": f"""{it} is right less often at that cut than the network trained on plain images, as a
            network would be that depends more on how the parts are put together.""",
            "higher": f"""{it} is right more often at that cut than the network trained on plain images, against
            the idea that stylized training makes a network depend on the whole outline.""",
            "not separated": f"""At that cut the two networks{each_on_its_own} are not separated, so no
            difference in how much of the whole they need is shown.""",
            "not learned": _NOT_LEARNED,
        },
        evidence="shuffling.csv: arm stylized on set test-stylized (test-plain where that was not shown), arm "
        "plain on set test-plain, second k: ci_low, ci_high",
        rule="lower: every interval of stylized lies below every one of plain; higher: above; not learned: "
        "stylized reaches chance on whole pictures",
        cells=[*cells, *cells_of(_at(rows, cuts[0]), "ci_low", "chance")],
    )
