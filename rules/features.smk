# Activations of every stage on the cue-conflict images, once for all techniques that read them.
from texshape.experiment.layout import shard_names
from texshape.experiment.words import shard_numbers

FEATURE_SHARDS = config["features"]["shards"]
SHARD = "{shard}" if FEATURE_SHARDS > 1 else None
SHARD_LOG = "-{shard}" if SHARD else ""
kept = temp if SHARD else str  # what is merged goes


rule features:
    input:
        checkpoints=[
            LAYOUT.checkpoint(WILDCARDS, epoch) for epoch in PLAN.checkpoint_epochs
        ],
        images=LAYOUT.set_files(BASE, CONFLICT, masks=False),
    output:
        [
            kept(file)
            for epoch in PLAN.checkpoint_epochs
            for file in LAYOUT.feature_files(WILDCARDS, epoch, SHARD)
        ],
    log:
        LAYOUT.log(f"features/{WILDCARDS}{SHARD_LOG}"),
    benchmark:
        LAYOUT.benchmark(f"features/{WILDCARDS}{SHARD_LOG}")
    wildcard_constraints:
        model=any_of(PLAN.trained),
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=scaled(1500),
        runtime=scaled(60),
    params:
        networks=lambda wc, input: options("--network", input.checkpoints),
        stem=lambda wc, input: stem(input.images),
        folders=lambda wc, output: options(
            "--output-dir", [parent(file) for file in output if file.endswith(".npy")]
        ),
        shard=lambda wc: shard_numbers(wc.shard) if FEATURE_SHARDS > 1 else [],
        batch_size=config["features"]["batch_size"],
        settings=job_settings.features(PLAN),
        code=step_hash("features"),
    shell:
        "texshape run features {params.networks:q} --set {params.stem:q} {params.folders:q}"
        " {params.shard:q} --batch-size {params.batch_size} --settings {params.settings:q}"
        " --threads {threads} > {log:q} 2>&1"


# A network measured as it is has two states: random weights (epoch 0) and its own (epoch 1).
rule features_named:
    input:
        images=LAYOUT.set_files(BASE, CONFLICT, masks=False),
        network=lambda wc: PLAN.named_files(run_of(wc)),
    output:
        [kept(file) for file in LAYOUT.feature_files(WILDCARDS, "{epoch}", SHARD)],
    log:
        LAYOUT.log(f"features/{WILDCARDS}-{{epoch}}{SHARD_LOG}"),
    benchmark:
        LAYOUT.benchmark(f"features/{WILDCARDS}-{{epoch}}{SHARD_LOG}")
    wildcard_constraints:
        model=any_of(PLAN.named),
        epoch="000|001",
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=scaled(2500),
        runtime=scaled(60),
    params:
        network=lambda wc: PLAN.named[wc.model],
        absent=by_run(absent_option),
        random=lambda wc: ["--random"] if int(wc.epoch) == 0 else [],
        stem=lambda wc, input: stem(input.images),
        folder=lambda wc, output: parent(output[0]),
        shard=lambda wc: shard_numbers(wc.shard) if FEATURE_SHARDS > 1 else [],
        batch_size=config["features"]["batch_size"],
        settings=job_settings.features(PLAN),
        code=step_hash("features"),
    shell:
        "texshape run features --network {params.network:q} {params.random:q}"
        " --seed {wildcards.seed} --set {params.stem:q} --output-dir {params.folder:q}"
        " {params.shard:q} --batch-size {params.batch_size} --settings {params.settings:q}"
        " {params.absent:q} --threads {threads} > {log:q} 2>&1"


if FEATURE_SHARDS > 1:

    rule merge_features:
        input:
            [
                file
                for shard in shard_names(FEATURE_SHARDS)
                for file in LAYOUT.feature_files(WILDCARDS, "{epoch}", shard)
            ],
        output:
            LAYOUT.feature_files(WILDCARDS, "{epoch}"),
        log:
            LAYOUT.log(f"merge_features/{WILDCARDS}-{{epoch}}"),
        benchmark:
            LAYOUT.benchmark(f"merge_features/{WILDCARDS}-{{epoch}}")
        conda:
            "../envs/texshape.yaml"
        threads: 1
        resources:
            mem_mb=scaled(500),
            runtime=scaled(30),
        params:
            parts=lambda wc, input: options(
                "--part", [parent(file) for file in input if file.endswith(".npy")]
            ),
            folder=lambda wc, output: parent(output[0]),
            code=step_hash("merge-features"),
        shell:
            "texshape run merge-features {params.parts:q} --output-dir {params.folder:q}"
            " > {log:q} 2>&1"
