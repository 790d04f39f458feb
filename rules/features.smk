# Activations of every stage on the cue-conflict images, once for all techniques that read them.
from texshape.experiment.layout import shard_names

FEATURE_SHARDS = config["features"]["shards"]
SHARD = "{shard}" if FEATURE_SHARDS > 1 else None
kept = temp if SHARD else str  # what is merged goes


use rule threaded_step as features with:
    input:
        network=[
            LAYOUT.checkpoint(WILDCARDS, epoch) for epoch in PLAN.checkpoint_epochs
        ],
        set=LAYOUT.pictures(BASE, CONFLICT),
    output:
        output_dir=[
            kept(file)
            for epoch in PLAN.checkpoint_epochs
            for file in LAYOUT.feature_files(WILDCARDS, epoch, SHARD)
        ],
    wildcard_constraints:
        model=any_of(PLAN.trained),
    resources:
        **needs(1500, 60, gpu=1),
    params:
        **step(
            "features",
            shard if SHARD else [],
            batch_size=config["features"]["batch_size"],
            settings=job_settings.features(PLAN),
        ),


# A network measured as it is has two states: random weights (epoch 0) and its own (epoch 1).
use rule threaded_step as features_named with:
    input:
        by_run(PLAN.named_files),
        set=LAYOUT.pictures(BASE, CONFLICT),
    output:
        output_dir=[
            kept(file) for file in LAYOUT.feature_files(WILDCARDS, "{epoch}", SHARD)
        ],
    wildcard_constraints:
        model=any_of(PLAN.named),
        epoch="000|001",
    resources:
        **needs(2500, 60, gpu=1),
    params:
        **step(
            "features",
            shard if SHARD else [],
            network=lambda wc: PLAN.named[wc.model],
            absent=by_run(absent),
            random=lambda wc: int(wc.epoch) == 0,
            seed=lambda wc: wc.seed,
            batch_size=config["features"]["batch_size"],
            settings=job_settings.features(PLAN),
        ),


if SHARD:

    use rule step as merge_features with:
        input:
            part=[
                file
                for shard in shard_names(FEATURE_SHARDS)
                for file in LAYOUT.feature_files(WILDCARDS, "{epoch}", shard)
            ],
        output:
            output_dir=LAYOUT.feature_files(WILDCARDS, "{epoch}"),
        resources:
            **needs(500, 30),
        params:
            **step("merge-features"),
