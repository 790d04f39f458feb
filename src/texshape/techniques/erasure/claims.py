"""Whether decisions need what is erased, and whether what a reader finds lies where a decision can see it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from texshape.claims.claim import Claim, cells_of, claim
from texshape.claims.evidence import Row, Rows, largest, networks_in, number, select, values
from texshape.claims.experiment import Experiment
from texshape.claims.rules import NOT_RUN, UNDEFINED, compare, obstacle
from texshape.claims.wording import UNDEFINED as UNDEFINED_WORD
from texshape.claims.wording import listed, network_name
from texshape.experiment.runs import model_name

NEED_RULE = (
    "used: in every seed the interval of the share of decisions beyond chance that erasing the cue takes, "
    "minus the mean share that erasing meaningless groupings takes, lies above zero (bootstrap of the "
    "difference on the same pictures, groupings drawn anew); no more than groups: only that of the former "
    "does; no decisions: in a seed the decisions for the cue do not exceed chance, so that there is nothing "
    "to take; not shown: otherwise"
)
NULL_RULE = (
    "most: in every seed the interval of what is read from the null space lies above guessing, and its lead "
    "over guessing is more than half of that of all units; some: only the former; nothing there: not that "
    "either; nothing to read: not even what is read from all units; no layer: no linear layer turns the "
    "stage's average into the network's outputs"
)
_NEEDS = {
    ("plain", "texture"): {
        "used": """Decisions for texture need that subspace beyond what such a cut takes anyway.""",
        "no more than groups": """That this very subspace is used, more than what tells any groups of these
        exemplars apart, is not shown.""",
        "not shown": """The share does not fall beyond chance: that its texture decisions need that subspace
        is not shown.""",
        "no decisions": """In at least one seed its decisions for texture do not exceed chance, so that
        nothing could be taken.""",
    },
    ("plain", "shape"): {
        "used": """The decisions for shape that this network makes do need what codes shape, beyond what such
        a cut takes anyway. At this stage that is as much as to say that there are such decisions.""",
        "no more than groups": """That this very subspace is used, more than what tells any groups of these
        exemplars apart, is not shown: what is known of shape may be known and unused.""",
        "not shown": """The share does not fall separably: what can be read of shape may be known and unused,
        and this test finds no use of it.""",
        "no decisions": """In at least one seed its decisions for shape do not exceed chance: no use of shape
        is there to be taken.""",
    },
    ("stylized", "shape"): {
        "used": "There the decisions for shape do rest on it, beyond what such a cut takes anyway.",
        "no more than groups": "There meaningless groupings are not separated from it.",
        "not shown": "There, use of it is not shown.",
        "no decisions": "There, in at least one seed, decisions for shape do not exceed chance.",
    },
}


def applies(experiment: Experiment) -> bool:
    """Whether the article has this section."""
    return experiment.has("erasure")


def claims(experiment: Experiment, made: Mapping[str, Claim]) -> Iterator[Claim]:
    """The claims of the section, in the order of its text."""
    if not experiment.trains:
        yield from _needed_by_each(experiment)
        yield _needed_by_any(experiment)
        return
    yield from _erased(experiment, "plain", "texture")
    yield from _erased(experiment, "plain", "shape")
    yield _freed(experiment)
    if experiment.last("erasure", "stylized"):
        yield from _erased(experiment, "stylized", "shape")


def _at(rows: Rows, cue: str, erased: str) -> list[Row]:
    return select(rows, cue=cue, erased=erased)


def _sure(rows: Rows, column: str, least: float) -> bool:
    """Whether every row has a value and its lower limit lies above a number."""
    low = values(rows, f"{column}_low")
    return len(low) == len(rows) and all(x > least for x in low)


def need(rows: Rows, cue: str) -> str:
    """Whether decisions for a cue need what is erased, beyond what meaningless groupings take.

    Parameters
    ----------
    rows : list of Row
        One kind of network, last stage.
    cue : str

    Returns
    -------
    str
        ``used``, ``no more than groups``, ``not shown`` or ``no decisions`` (`NEED_RULE`).
    """
    cut, whole = _at(rows, cue, "cue"), _at(rows, cue, "nothing")
    if not cut or not whole:
        return NOT_RUN
    if len(values([*cut, *whole], f"{cue}_share")) < len(cut) + len(whole):
        return UNDEFINED
    if len(values(cut, "taken")) < len(cut):
        return "no decisions"
    if _sure(cut, "beyond", 0):
        return "used"
    return "no more than groups" if _sure(cut, "taken", 0) else "not shown"


def _kept(rows: Rows, whole: Rows, cue: str) -> list[float | None]:
    """Lead of a read-out over guessing, seed by seed, as a share of the lead that all units give."""
    column, kept = f"readout_{cue}", []
    for row in rows:
        same = (other for other in whole if all(other[k] == row[k] for k in ("model", "seed")))
        before = next(same, None)
        a, chance = number(row[column]), number(row["readout_chance"])
        b = number(before[column]) if before else None
        known = a is not None and b is not None and chance is not None and b > chance
        kept.append((a - chance) / (b - chance) if known else None)
    return kept


def removed(rows: Rows, cue: str) -> str:
    """Whether erasing took what could be read: ``removed``, ``left`` or ``nothing to erase``."""
    whole, cut, column = _at(rows, cue, "nothing"), _at(rows, cue, "cue"), f"readout_{cue}"
    chance = largest(whole, "readout_chance")
    if not cut or not whole:
        return NOT_RUN
    if len(values([*cut, *whole], column)) < len(cut) + len(whole) or chance is None:
        return UNDEFINED
    if not _sure(whole, column, chance):
        return "nothing to erase"
    gone = all(x is not None and x < 0.5 for x in _kept(cut, whole, cue))
    return "removed" if gone else "left"


def null_space(rows: Rows, cue: str) -> str:
    """What is read where no decision sees it.

    Returns
    -------
    str
        ``most``, ``some``, ``nothing there``, ``nothing to read`` or ``no layer`` (`NULL_RULE`).
    """
    whole, blind, column = _at(rows, cue, "nothing"), _at(rows, cue, "head"), f"readout_{cue}"
    chance = largest(whole, "readout_chance")
    if not whole:
        return NOT_RUN
    if not blind:
        return "no layer"
    if len(values([*blind, *whole], column)) < len(blind) + len(whole) or chance is None:
        return UNDEFINED
    if not _sure(blind, column, chance):
        return "nothing there" if _sure(whole, column, chance) else "nothing to read"
    most = all(x is not None and x > 0.5 for x in _kept(blind, whole, cue))
    return "most" if most else "some"


def _erased(e: Experiment, arm: str, cue: str) -> Iterator[Claim]:
    rows, id = e.last("erasure", arm), f"erasure-{cue}-{arm}"
    cut, whole, blind = (_at(rows, cue, erased) for erased in ("cue", "nothing", "head"))
    read = (f"readout_{cue}", f"readout_{cue}_low", f"readout_{cue}_high", "readout_chance")
    where = f"erasure.csv: arm {arm}, last stage, cue {cue}"
    yield claim(
        f"{id}-removed",
        removed(rows, cue),
        {
            "removed": """Less than half of its lead over guessing is kept, so that it counts as removed,
            though not completely: what is fitted on some exemplars does not fit others exactly.""",
            "left": """On exemplars that it was not fitted on, half or more of what could be read is still
            there in at least one seed: the intervention is incomplete, and what follows is to be read with
            that in mind.""",
            "nothing to erase": """But before it, no more than guessing could be read in at least one seed,
            so there was nothing to erase.""",
        },
        evidence=f"{where}, erased nothing and cue: readout_{cue}, its limits and readout_chance",
        rule="removed: in every seed the read-out keeps less than half of its lead over 1 / classes; left: "
        "in a seed it does not; nothing to erase: in a seed the interval of the read-out before reaches "
        "1 / classes",
        cells=cells_of([*whole, *cut], *read),
    )
    yield claim(
        id,
        need(rows, cue),
        _NEEDS[arm, cue],
        evidence=f"{where}, erased cue, all seeds: taken_low, beyond_low",
        rule=NEED_RULE,
        cells=cells_of(cut, "taken", "taken_low", "beyond_low"),
    )
    if cue != "shape":
        return
    yield claim(
        f"{id}-null-space",
        null_space(rows, cue),
        {
            "most": f"""So most of what a read-out finds of the {cue} is found again where no decision can
            see it. That it can be read does not tell that the network goes by it.""",
            "some": f"""So part of what a read-out finds of the {cue} is found again where no decision can
            see it, and in at least one seed no more than half of it.""",
            "nothing there": """That more than guessing is read where no decision can see it is not shown in
            at least one seed, so that what a read-out finds may all lie where the layer looks.""",
            "nothing to read": """So in at least one seed no more than guessing is read from all units, and in
            at least one no more from the null space: where it lies cannot be said.""",
            "no layer": """(No linear layer turns this stage’s average into decisions, so that there is no
            such null space.)""",
        },
        evidence=f"{where}, erased nothing and head: readout_{cue}, its limits and readout_chance",
        rule=NULL_RULE,
        cells=cells_of([*whole, *blind], *read),
    )


def _freed(e: Experiment) -> Claim:
    rows = e.last("erasure", "plain")
    cut, groups, random = (_at(rows, "texture", erased) for erased in ("cue", "groups", "random"))
    limits = {"low": "bias_change_low", "high": "bias_change_high"}
    states = [compare(cut, control, **limits) for control in (groups, random)]
    verdict = obstacle(*states)
    if verdict is None and not _sure(cut, "bias_change", 0):
        verdict = "not freed"
    elif verdict is None:
        verdict = "freed" if states == ["higher", "higher"] else "as controls"
    return claim(
        "erasure-bias",
        verdict,
        {
            "freed": """With texture out of the way the same weights decide more by shape, beyond what either
            control does: the knowledge was there, and it was outvoted.""",
            "as controls": "It rises, but not separably from what the controls do.",
            "not freed": """That the network turns to shape once texture is out of the way is not shown: that
            shape can be read does not mean that the decision layer is ready to use it.""",
        },
        evidence="erasure.csv: arm plain, last stage, cue texture, erased cue, groups and random: "
        "bias_change_low, bias_change_high",
        rule="freed: in every seed the interval of the paired change of the shape bias lies above zero, and "
        "above every one of groupings and of random subspaces; as controls: above zero only",
        cells=cells_of([*cut, *groups, *random], *limits.values()),
    )


def _needed_by_each(e: Experiment) -> Iterator[Claim]:
    """Networks that were not trained here, a cell of the section's table each."""
    words = ("used", "no more than groups", "not shown", "no decisions", NOT_RUN)
    for architecture, arm in networks_in(e.rows("erasure")):
        rows = e.last("erasure", arm, architecture)
        for cue in ("shape", "texture"):
            yield claim(
                f"erasure-need-{model_name(architecture, arm)}-{cue}",
                need(rows, cue),
                {**{word: word for word in words}, UNDEFINED: UNDEFINED_WORD},
                evidence=f"erasure.csv: {architecture}, {arm}, last stage, cue {cue}, erased cue, all seeds: "
                "taken_low, beyond_low",
                rule=NEED_RULE,
                cells=cells_of(_at(rows, cue, "cue"), "taken", "taken_low", "beyond_low"),
            )


def _needed_by_any(e: Experiment) -> Claim:
    """Networks that were not trained here, all together."""
    networks = networks_in(e.rows("erasure"))
    rows = [e.last("erasure", arm, architecture) for architecture, arm in networks]
    states = [need(chosen, "texture") for chosen in rows]
    both = zip(networks, states, strict=True)
    users = [network_name(architecture) for (architecture, _), state in both if state == "used"]
    if not states:
        verdict = NOT_RUN
    elif all(state == UNDEFINED for state in states):
        verdict = UNDEFINED
    else:
        verdict = "all" if len(users) == len(states) else "some" if users else "none"
    need_it = "decisions for texture need the subspace from which texture can be read"
    return claim(
        "erasure-texture",
        verdict,
        {
            "all": f"In each of them, {need_it}, beyond what meaningless groupings take.",
            "some": f"""In {listed(users)}, {need_it}, beyond what meaningless groupings take; in the others
            this is not shown.""",
            "none": f"""In none of them is it shown that {need_it} more than what tells meaningless groupings
            apart.""",
        },
        evidence="erasure.csv: every network, last stage, cue texture, erased cue: taken_low, beyond_low",
        rule=NEED_RULE + "; counted over networks",
        cells=cells_of(
            [row for chosen in rows for row in _at(chosen, "texture", "cue")],
            *("taken", "taken_low", "beyond_low"),
        ),
    )
