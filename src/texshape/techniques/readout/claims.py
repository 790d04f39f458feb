"""What a linear reader finds, and whether the network goes by it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from texshape.claims.claim import Cell, Claim, cells_of, claim
from texshape.claims.evidence import Rows, last_epoch, select, values
from texshape.claims.experiment import Experiment
from texshape.claims.rules import NOT_RUN, UNDEFINED, above, bias_verdict, compare, obstacle
from texshape.claims.wording import listed, network_name

UNTRAINED_RULE = (
    "above the untrained network: in every seed the interval of the difference from the same network "
    "before training, on the same pictures, lies above zero; where that is not in the table, every "
    "interval lies above every one of the untrained network"
)
_COLUMNS = ("ci_low", "chance", "permuted", "permuted_high", "gain_low")


def applies(experiment: Experiment) -> bool:
    """Whether the article has this section."""
    return experiment.has("readout")


def claims(experiment: Experiment, made: Mapping[str, Claim]) -> Iterator[Claim]:
    """The claims of the section, in the order of its text."""
    yield from _trained(experiment) if experiment.trains else _known_by_any(experiment)


def guessing(rows: Rows) -> float | None:
    """What a reading has to exceed: chance, and each of the permutations of the labels."""
    columns = ("chance", "permuted", "permuted_high")
    return max((x for column in columns for x in values(rows, column)), default=None)


def known(rows: Rows, untrained: Rows) -> str:
    """What may be said of a reading.

    Returns
    -------
    str
        ``decodable``, ``as untrained`` or ``at chance``.
    """
    over_chance = above(rows, guessing(rows))
    if over_chance in (NOT_RUN, UNDEFINED):
        return over_chance
    if over_chance == "not above":
        return "at chance"
    # Paired with the network's own initialisation where it was read; else against the untrained ones.
    gains = values(rows, "gain_low")
    if len(gains) == len(rows):
        more = all(x > 0 for x in gains)
    else:
        more = not untrained or compare(rows, untrained) == "higher"
    return "decodable" if more else "as untrained"


def _end(e: Experiment, arm: str, cue: str, architecture: str | None = None) -> Rows:
    return e.last("readout", arm, architecture, input="pooled", cue=cue)


def _before(e: Experiment, cue: str, architecture: str | None = None) -> Rows:
    return e.untrained("readout", architecture, input="pooled", cue=cue)


def _known_cells(rows: Rows, untrained: Rows) -> list[Cell]:
    return [*cells_of(rows, *_COLUMNS), *cells_of(untrained, "ci_low", "ci_high")]


def _trained(e: Experiment) -> Iterator[Claim]:
    shape, untrained = _end(e, "plain", "shape"), _before(e, "shape")
    knowledge = known(shape, untrained)
    rule = (
        "decodable: every interval lies above chance and each of the permutations, and above the "
        "untrained network; as untrained: above the former only; " + UNTRAINED_RULE
    )
    yield claim(
        "readout-shape-plain",
        knowledge,
        {
            "decodable": """Shape is decodable from it: more than guessing, permuted labels or an untrained
            network would give.""",
            "as untrained": """That exceeds guessing, but is not separated from an untrained network:
            training on plain images is not shown to have added anything.""",
            "at chance": """That shape is decodable from it is not shown: at least one seed does not exceed
            guessing.""",
        },
        evidence="readout.csv: arm plain, last stage, last epoch, shape, pooled: ci_low, chance, permuted, "
        "permuted_high, gain_low; epoch 0 or arm untrained",
        rule=rule,
        cells=_known_cells(shape, untrained),
    )
    scalars = select(e.rows("readout"), input="scalars", cue="shape")
    beyond = last_epoch(e.of("readout", "plain", cue="shape", input="beyond-scalars"))
    if scalars and beyond:
        yield claim(
            "readout-scalars",
            above(beyond, guessing([*shape, *beyond])),
            {
                "above": """So what is held is more than a linear echo of these numbers, which is not to say
                that it is an outline: it is something that tells the shapes apart.""",
                "not above": """So that the stage holds more of shape than these four numbers do is not
                shown.""",
            },
            evidence="readout.csv: arm plain, last stage, last epoch, shape, beyond-scalars: ci_low; "
            "chance, permuted and permuted_high of pooled",
            rule="above: every interval lies above chance and each of the permutations",
            cells=[*cells_of(beyond, *_COLUMNS[:4]), *cells_of(shape, *_COLUMNS[1:4])],
        )
    controls = {arm: _end(e, arm, "shape") for arm in e.texture_arms()}
    for arm, control in controls.items():
        if control:
            yield _control(f"readout-control-{arm}", shape, control, arm)
    use = e.verdict_of("plain")
    yield claim(
        "known-not-used",
        obstacle(knowledge)
        or obstacle(use)
        or ("no conflict" if use != "texture-biased" else None)
        or ("known, not used" if knowledge == "decodable" else "neither known nor used"),
        {
            "known, not used": """Yet this is a network that decides by texture. Its bias does not mean that
            it is blind to shape: it holds something that tells the shapes apart, and goes by the texture,
            as was found on ImageNet @hermann2020.""",
            "neither known nor used": """Here the read-out does not contradict the texture bias: the network
            decides by texture, and no shape knowledge beyond the baselines is shown.""",
            "no conflict": """Since this network is not texture-biased by the rule of @bias, the read-out
            does not contradict its decisions.""",
        },
        evidence="shape_bias.csv and readout.csv: arm plain: the verdicts bias-plain and "
        "readout-shape-plain",
        rule="known, not used: texture-biased and decodable",
        cells=[*cells_of(e.bias_of("plain"), "verdict"), *_known_cells(shape, untrained)],
    )
    texture, first = _end(e, "stylized", "texture"), _before(e, "texture")
    yield claim(
        "readout-texture-stylized",
        known(texture, first),
        {
            "decodable": "Texture, useless for its task, is still there to be read.",
            "as untrained": """The texture that can still be read is in at least one seed not separated from
            what could be read from the same network before training.""",
            "at chance": """That texture can be read from it is not shown: at least one seed does not exceed
            guessing.""",
        },
        evidence="readout.csv: arm stylized, last stage, last epoch, texture, pooled: ci_low, chance, "
        "permuted, permuted_high, gain_low; epoch 0 or arm untrained",
        rule="as for readout-shape-plain",
        cells=_known_cells(texture, first),
    )
    stylized = _end(e, "stylized", "shape")
    yield claim(
        "readout-shape-gain",
        compare(stylized, shape),
        {
            "higher": "It holds more shape than the network trained on plain images.",
            "lower": "It holds less shape than the network trained on plain images.",
            "not separated": """In how much shape they hold the two networks are not separated, whatever
            their biases are.""",
        },
        evidence="readout.csv: arms stylized and plain, last stage, last epoch, shape, pooled: ci_low, "
        "ci_high",
        rule="higher: every interval of stylized lies above every one of plain; lower: below",
        cells=cells_of([*stylized, *shape], "ci_low", "ci_high"),
    )


def _control(id: str, shape: Rows, control: Rows, arm: str) -> Claim:
    return claim(
        id,
        compare(shape, control),
        {
            "higher": """Trained on plain images, where shape predicts the label as well as texture does, it
            holds more: the shape was learned.""",
            "lower": "Trained on plain images it holds less.",
            "not separated": """The two are not separated, so that what is read after training on plain
            images may be there without any reward for shape.""",
        },
        evidence=f"readout.csv: arms plain and {arm}, last stage, last epoch, shape, pooled: ci_low, ci_high",
        rule="higher: every interval of plain lies above every one of the control; lower: below",
        cells=cells_of([*shape, *control], "ci_low", "ci_high"),
    )


def _known_by_any(e: Experiment) -> Iterator[Claim]:
    """Networks that were not trained here."""
    rows = select(e.rows("readout"), input="pooled")
    pairs = dict.fromkeys((r["architecture"], r["arm"]) for r in rows if r["arm"] != "untrained")
    cells: list[Cell] = []
    verdicts, biased, holding = [], [], []
    for architecture, arm in pairs:
        bias = e.bias_of(arm, architecture)
        shape, untrained = _end(e, arm, "shape", architecture), _before(e, "shape", architecture)
        use, knowledge = bias_verdict(bias), known(shape, untrained)
        cells += [*cells_of(bias, "verdict"), *_known_cells(shape, untrained)]
        verdicts.append((use, knowledge))
        if use == "texture-biased":
            biased.append(architecture)
            if knowledge == "decodable":
                holding.append(network_name(architecture))
    if not verdicts:
        verdict = NOT_RUN
    elif all(obstacle(*both) for both in verdicts):
        verdict = UNDEFINED
    elif holding:
        verdict = "known, not used"
    else:
        verdict = "neither known nor used" if biased else "no conflict"
    one = len(holding) == 1
    yield claim(
        "known-not-used",
        verdict,
        {
            "known, not used": f"""{listed(holding)} {"decides" if one else "decide"} by texture by the rule of
            @bias, and yet shape is decodable from {"its" if one else "their"} last stage, above guessing,
            permuted labels and the same architecture untrained: something that tells the shapes apart is
            held and not followed, as was found before @hermann2020.""",
            "neither known nor used": """Of the networks that decide by texture, none is shown to hold the
            shape beyond the baselines.""",
            "no conflict": """None of them is texture-biased by the rule of @bias, so that the read-out
            contradicts no decision.""",
        },
        evidence="shape_bias.csv: verdict; readout.csv: every network, last stage, last epoch, shape, pooled: "
        "ci_low, chance, permuted, permuted_high, gain_low; epoch 0 or arm untrained: ci_low, ci_high",
        rule="known, not used: a network is texture-biased, and every interval of its read-out lies above "
        "chance, each of the permutations and the untrained network; " + UNTRAINED_RULE,
        cells=cells,
    )
