"""What training images make of a network: which cue wins, after which training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from texshape.claims.claim import Claim, cells_of, claim
from texshape.claims.evidence import at_last_stage, before_training, mean
from texshape.claims.experiment import Experiment
from texshape.claims.rules import (
    BIAS_RULE,
    NOT_RUN,
    ORDER_RULE,
    UNDEFINED,
    above,
    compare,
    without_name,
)
from texshape.claims.wording import pct, points


def applies(experiment: Experiment) -> bool:
    """Whether the article has this section."""
    return experiment.trains


def claims(experiment: Experiment, made: Mapping[str, Claim]) -> Iterator[Claim]:
    """The claims of the section, in the order of its text."""
    yield from _plain(experiment)
    yield from _stylized(experiment)
    yield from _mixed(experiment)
    yield from _crop(experiment)
    yield from _texture_named(experiment)


def _plain(e: Experiment) -> Iterator[Claim]:
    plain = e.bias_of("plain")
    yield claim(
        "bias-plain",
        e.verdict_of("plain"),
        {
            "texture-biased": """It is texture-biased: in each seed the interval lies below one half.
            That is the direction found on photographs @geirhos2019.""",
            "shape-biased": """It is shape-biased: in each seed the interval lies above one half.
            That is the opposite of what was found on photographs @geirhos2019.""",
            "neither": """It is neither: at least one seed’s interval reaches one half or the seeds
            disagree, so these data do not repeat the texture bias found on photographs
            @geirhos2019.""",
            **without_name("No name is given"),
        },
        evidence="shape_bias.csv: arm plain, all seeds: verdict",
        rule=BIAS_RULE,
        cells=cells_of(plain, "verdict"),
    )
    test, guess = e.accuracy_of("plain", "test-plain", "shape"), e.guess
    verdict = above(test, guess)
    if verdict == "above" and guess is not None and above(test, (1 + guess) / 2) == "above":
        verdict = "learned"
    right = e.describe(test, "accuracy", n="n")
    yield claim(
        "plain-learned",
        verdict,
        {
            "learned": f"""It has learned its task: on new plain images it is right in {right}, where
            guessing is right in {pct(guess)}.""",
            "above": f"""It has learned part of its task: on new plain images it is right in {right},
            more often than guessing ({pct(guess)}), but it does not get half of the way from guessing to
            perfect.""",
            "not above": f"""It has not learned its task beyond guessing in every seed: on new plain
            images it is right in {right}, where guessing is right in {pct(guess)}, so its bias means
            little.""",
        },
        evidence="accuracy.csv: arm plain, set test-plain, cue shape: ci_low",
        rule="not above: a seed's ci_low reaches 1 / classes; learned: every seed's ci_low lies beyond "
        "the middle between 1 / classes and one; above: otherwise",
        cells=cells_of(test, "ci_low"),
    )
    yield _shape_alone(e) if e.photographs else _cues_alone(e)


def _shape_alone(e: Experiment) -> Claim:
    shown = e.accuracy_of("plain", e.shape_set, "shape")
    named = f"{e.shape_set} are named in {e.describe(shown, 'accuracy', n='n')}"
    return claim(
        "shape-alone-plain",
        above(shown, e.guess),
        {
            "above": f"Shape alone is of some use to it: {named}.",
            "not above": f"""Shape alone is not shown to be of use to it: {named}, which in at least one
            seed is not more than guessing.""",
        },
        evidence="accuracy.csv: arm plain, set silhouettes, or edges where there are none, cue shape: "
        "ci_low",
        rule="above: every seed's ci_low exceeds 1 / classes",
        cells=cells_of(shown, "ci_low"),
    )


def _cues_alone(e: Experiment) -> Claim:
    silhouettes = e.accuracy_of("plain", "silhouettes", "shape")
    patches = e.accuracy_of("plain", "textures", "texture")
    order = compare(patches, silhouettes)
    usable = any(above(rows, e.guess) == "above" for rows in (patches, silhouettes))
    if order == "not separated" and not usable:
        order = "neither usable"
    by_shape, by_texture = (e.describe(rows, "accuracy") for rows in (silhouettes, patches))
    return claim(
        "cue-strength-plain",
        order,
        {
            "neither usable": f"""Neither cue alone is of use to it beyond guessing in every seed:
            silhouettes are named in {by_shape}, texture patches in {by_texture}.""",
            "higher": f"""The two cues are not equally useful to it: texture patches alone are named in
            {by_texture}, silhouettes alone in {by_shape}. Its bias is therefore a preference between
            a strong and a weak cue.""",
            "lower": f"""The two cues are not equally useful to it: silhouettes alone are named in
            {by_shape}, texture patches alone only in {by_texture}.""",
            "not separated": f"""Which cue alone is more useful to it is not separated: silhouettes are
            named in {by_shape}, texture patches in {by_texture}.""",
        },
        evidence="accuracy.csv: arm plain, textures (texture) and silhouettes (shape): ci_low, ci_high",
        rule="higher: every interval on textures lies above every one on silhouettes; lower: below; "
        "neither usable: not separated, and in each set an interval reaches 1 / classes",
        cells=cells_of([*patches, *silhouettes], "ci_low", "ci_high"),
    )


def _stylized(e: Experiment) -> Iterator[Claim]:
    stylized, plain = e.bias_of("stylized"), e.bias_of("plain")
    gain = e.describe_difference(stylized, plain)
    if gain is None:
        high, low = mean(stylized, "shape_bias"), mean(plain, "shape_bias")
        gain = points(high - low if high is not None and low is not None else None)
    yield claim(
        "stylized-against-plain",
        e.bias_order(stylized, plain),
        {
            "higher": f"""Taking the texture’s meaning away from the training images raises the shape
            bias, by {gain}, as stylized training did on ImageNet @geirhos2019.""",
            "lower": """Contrary to what stylized training did on ImageNet @geirhos2019, it has a lower
            shape bias than the network trained on plain images.""",
            "not over seeds": f"""The difference from the network trained on plain images, {gain},
            excludes zero over exemplars and not over trainings ({e.over_seeds(stylized, plain)}): with
            so few of them an effect of stylized training is not shown.""",
            "not separated": """The difference from the network trained on plain images is not separated
            from zero: an effect of stylized training, as found on ImageNet @geirhos2019, is not shown
            here.""",
        },
        evidence="shape_bias_differences.csv: arms stylized and plain: ci_low, ci_high, seed_low, "
        "seed_high (else shape_bias.csv, all seeds)",
        rule=ORDER_RULE,
        cells=e.order_cells(stylized, plain),
    )
    yield claim(
        "bias-stylized",
        e.verdict_of("stylized"),
        {
            "texture-biased": "It is still texture-biased.",
            "shape-biased": "It is shape-biased.",
            "neither": "It is neither texture-biased nor shape-biased.",
            **without_name("No name is given to it"),
        },
        evidence="shape_bias.csv: arm stylized, all seeds: verdict",
        rule=BIAS_RULE,
        cells=cells_of(stylized, "verdict"),
    )


def _mixed(e: Experiment) -> Iterator[Claim]:
    mixed, plain, stylized = map(e.bias_of, ("mixed", "plain", "stylized"))
    if not mixed:
        return
    over, under = e.bias_order(mixed, plain), e.bias_order(mixed, stylized)
    if NOT_RUN in (over, under):
        place = NOT_RUN
    elif UNDEFINED in (over, under):
        place = UNDEFINED
    elif (over, under) == ("higher", "lower"):
        place = "between"
    elif "not over seeds" in (over, under):
        place = "not over seeds"
    elif (over, under) == ("lower", "higher"):
        place = "between, reversed"
    elif under == "not separated" and over in ("higher", "lower"):
        place = "as stylized" if over == "higher" else "as stylized, below plain"
    else:
        place = "as plain" if over == "not separated" else "outside"
    yield claim(
        "bias-mixed",
        place,
        {
            "between": """It lies between the two. That is an order of three numbers; it fits a texture
            cue that plain pictures reward and stylized ones do not, and does not test it.""",
            "not over seeds": """One of its differences from the networks trained on one kind excludes
            zero over exemplars and not over trainings, so that its place is not settled.""",
            "as stylized": """That is above the network trained on plain images, and not separated from
            the one trained on stylized images alone.""",
            "as stylized, below plain": """That is below the network trained on plain images, and not
            separated from the one trained on stylized images alone.""",
            "between, reversed": """It lies between the two, of which the one trained on plain images has the
            larger bias.""",
            "as plain": "It is not separated from that of the network trained on plain images.",
            "outside": "It does not lie between those of the networks trained on one kind.",
        },
        evidence="shape_bias_differences.csv: arms mixed, plain, stylized: ci_low, ci_high, seed_low, "
        "seed_high (else shape_bias.csv, all seeds)",
        rule="between: higher than plain and lower than stylized; between, reversed: lower than plain and "
        "higher than stylized; not over seeds: one of the two orders is; as stylized, as plain: not separated "
        "from it; outside: above both or below both. " + ORDER_RULE,
        cells=[*e.order_cells(mixed, plain), *e.order_cells(mixed, stylized)],
    )


def _crop(e: Experiment) -> Iterator[Claim]:
    crop, plain = e.bias_of("plain-crop"), e.bias_of("plain")
    if not crop:
        return
    yield claim(
        "recipe",
        e.bias_order(crop, plain),
        {
            "higher": """That is more shape than without crops. On ImageNet, crops worked in the other
            direction @hermann2020.""",
            "lower": """That is less shape than without crops, as on ImageNet @hermann2020. A crop cuts
            the outline and leaves the surface; whether that is why was not tested.""",
            "not over seeds": """The interval over exemplars excludes zero, the one over trainings does not, so
            that an effect of cropping is not shown with these few. On ImageNet crops lowered the bias
            @hermann2020.""",
            "not separated": """It is not separated from training without crops, where on ImageNet crops
            lowered the bias @hermann2020.""",
        },
        evidence="shape_bias_differences.csv: arms plain-crop and plain: ci_low, ci_high, seed_low, "
        "seed_high (else shape_bias.csv, all seeds)",
        rule=ORDER_RULE,
        cells=e.order_cells(crop, plain),
    )


def _texture_named(e: Experiment) -> Iterator[Claim]:
    """A network that was trained to name the texture, of pictures in which shape says nothing."""
    arms = [arm for arm in e.texture_arms() if e.bias_of(arm)]
    if not arms:
        return
    pooled = {"cue": "shape", "input": "pooled"}
    control, plain = (e.last("readout", arm, **pooled) for arm in (arms[0], "plain"))
    untrained = at_last_stage(before_training(e.of("readout", arms[0], **pooled)))
    before = pct(mean(untrained, "accuracy"))
    held, usual = (e.describe(rows, "accuracy") for rows in (control, plain))
    yield claim(
        "texture-named",
        NOT_RUN if not control or not plain else compare(control, plain),
        {
            "lower": f"""A linear reader finds the shape in its last stage in {held} (untrained {before}),
            against {usual} after training on plain images. The exemplars, the number of units and the
            ground are the same; so some of what can be read of shape from the plain network stands
            there because shape, too, predicts its labels: it is learned.""",
            "higher": f"""A linear reader finds more shape in its last stage ({held}) than after training
            on plain images ({usual}): to hold as much a network need not name shapes.""",
            "not separated": f"""What a linear reader finds of shape in its last stage ({held}) is not
            separated from what it finds after training on plain images ({usual}), so that what is held
            there need not have been learned for its use.""",
        },
        evidence="readout.csv: the arm trained on texture labels and arm plain, last stage, last epoch, "
        "shape, pooled: ci_low, ci_high",
        rule="lower: every interval of the control lies below every one of plain; higher: above",
        cells=cells_of([*control, *plain], "ci_low", "ci_high"),
    )
