# Decisions of every network on every test set, and what they say about cues.
from texshape.data.listing import listing_hash

# Decisions of all networks, on all sets that they were shown.
TRIALS = [file for files in PLAN.trials.values() for file in files]


# A network that is to decide by a read-out of photographs gets it once, for all that its decisions rest on.
if PLAN.read_out_runs:

    use rule threaded_step as decision_readout with:
        input:
            by_run(PLAN.named_files),
            set=LAYOUT.pictures(BASE, *PLAN.test_sets),
        output:
            output=LAYOUT.decision_readout(WILDCARDS),
            table=LAYOUT.measure(WILDCARDS, "decision_readout"),
        wildcard_constraints:
            model=any_of([run.model for run in PLAN.read_out_runs]),
        resources:
            **needs(3000, 60, gpu=1),
        params:
            **step(
                "decision-readout",
                network=lambda wc: PLAN.named[wc.model],
                settings=section("decision_readout"),
                evaluation=section("evaluation"),
                absent=by_run(absent),
            ),
            # The names of all files: one that is added or taken away reruns this.
            listing=listing_hash([PLAN.checked.decision_readout.photographs]),


# A network that others publish is looked for once, before any other job asks for it: one whose weights cannot be had is
# left out of all with the reason, and jobs cannot disagree about it. Its folder deleted, it is looked for again.
use rule step as fetch_network with:
    input:
        lambda wc: local_files(PLAN.named[wc.model]),
    output:
        output=LAYOUT.unavailable(WILDCARDS),
    wildcard_constraints:
        model=any_of(PLAN.fetched),
    resources:
        **needs(2000, 60),
    params:
        **step("fetch-network", network=lambda wc: PLAN.named[wc.model]),


use rule threaded_step as trials with:
    input:
        by_run(PLAN.network_files),
        set=lambda wc: LAYOUT.pictures(
            PLAN.variant(wc.model), *PLAN.sets_shown(wc.model)
        ),
    output:
        [LAYOUT.trials(WILDCARDS, name) for name in PLAN.test_sets],
    wildcard_constraints:
        model=any_of(PLAN.base_models),
    resources:
        **needs(2000, 60, gpu=1),
    params:
        **step(
            "trials",
            network=by_run(PLAN.network),
            model=lambda wc: wc.model,
            settings=section("evaluation"),
            absent=by_run(absent),
            output_dir=folder,
        ),


# The controls' variants of the data have no sets made by style transfer.
use rule trials as trials_controls with:
    output:
        [LAYOUT.trials(WILDCARDS, name) for name in SOURCE.shown],
    wildcard_constraints:
        model=any_of(PLAN.control_models),


# Before a stylization is chosen no test image is stylized: what it was made for is judged on validation images.
if PLAN.checked.fitness.split != "test":

    use rule trials as trials_of_validation with:
        input:
            by_run(PLAN.network_files),
            set=LAYOUT.pictures(BASE, "validation-{set}"),
        output:
            LAYOUT.trials(WILDCARDS, "validation-{set}"),


# A control's network on the pictures of the other variants, and the base network on its: what training
# does and what the test pictures do.
use rule trials as trials_across with:
    input:
        by_run(PLAN.network_files),
        set=lambda wc: LAYOUT.pictures(wc.variant, CONFLICT),
    output:
        LAYOUT.across(WILDCARDS, "{variant}"),
    wildcard_constraints:
        model=any_of(PLAN.trained),


use rule step as tabulate_trials with:
    input:
        TRIALS,
        LAYOUT.published_list if SOURCE.published else [],
    output:
        list(map(LAYOUT.table, PLAN.trial_tables)),
    resources:
        **needs(1500, 30),
    params:
        **step(
            "tabulate-trials",
            results=folder_above,
            network=PLAN.runs,
            compare=PLAN.compared,
            published=LAYOUT.published if SOURCE.published else None,
            settings=section("bootstrap"),
            seed=config["seed"],
            output_dir=folder,
        ),


use rule step as benchmark with:
    input:
        TRIALS,
        LAYOUT.published_list,
    output:
        output=LAYOUT.table("benchmark"),
        output_by_dataset=LAYOUT.table("benchmark_by_dataset"),
    resources:
        **needs(1500, 30),
    params:
        **step(
            "benchmark-networks",
            results=folder_above,
            network=PLAN.runs,
            published=LAYOUT.published,
            settings=section("bootstrap"),
            seed=config["seed"],
        ),


use rule step as consistency_power with:
    input:
        TRIALS,
        LAYOUT.published_list,
    output:
        output=LAYOUT.table("consistency_power"),
        output_differences=LAYOUT.table("consistency_differences"),
    resources:
        **needs(4000, 60),
    params:
        **step(
            "consistency-power",
            results=folder_above,
            network=PLAN.runs,
            published=LAYOUT.published,
            settings=section("bootstrap"),
            seed=config["seed"],
        ),


use rule step as cross_variants with:
    input:
        [cell.file for cell in PLAN.crossed],
    output:
        output=LAYOUT.table("controls"),
    resources:
        **needs(1500, 30),
    params:
        **step(
            "cross-variants",
            cell=[":".join(map(str, cell)) for cell in PLAN.crossed],
            settings=section("bootstrap"),
            seed=config["seed"],
        ),
