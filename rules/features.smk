# Activations of every stage on the cue-conflict images, once, and the read-outs that use them.

# Where the renderer draws the masks too, four numbers of them are a baseline of the shape's read-out.
CONFLICT_MASKS = LAYOUT.set_files(BASE, CONFLICT)[2:] if SOURCE.masks else []
CONFLICT_LABELS = LAYOUT.set_files(BASE, CONFLICT)[1]
FEATURE_SHARDS = config["features"]["shards"]
SHARD_LOG = "-{shard}" if FEATURE_SHARDS > 1 else ""


rule features:
    input:
        checkpoints=[
            LAYOUT.checkpoint(WILDCARDS, epoch) for epoch in PLAN.checkpoint_epochs
        ],
        images=LAYOUT.set_files(BASE, CONFLICT, masks=False),
    output:
        [file for epoch in PLAN.checkpoint_epochs for file in feature_parts(epoch)],
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
        LAYOUT.set_files(BASE, CONFLICT, masks=False),
    output:
        feature_parts("{epoch}"),
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
        random=lambda wc: ["--random"] if int(wc.epoch) == 0 else [],
        stem=lambda wc, input: stem(input),
        folder=lambda wc, output: parent(output[0]),
        shard=lambda wc: shard_numbers(wc.shard) if FEATURE_SHARDS > 1 else [],
        batch_size=config["features"]["batch_size"],
        settings=job_settings.features(PLAN),
        code=step_hash("features"),
    shell:
        "texshape run features --network {params.network:q} {params.random:q}"
        " --seed {wildcards.seed} --set {params.stem:q} --output-dir {params.folder:q}"
        " {params.shard:q} --batch-size {params.batch_size} --settings {params.settings:q}"
        " --threads {threads} > {log:q} 2>&1"


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


# All states of a network in one process: starting one costs as much as reading a state.
rule readout:
    input:
        features=LAYOUT.states(WILDCARDS, PLAN.checkpoint_epochs),
        labels=CONFLICT_LABELS,
        masks=CONFLICT_MASKS,
    output:
        tables=LAYOUT.measures(WILDCARDS, "readout", PLAN.checkpoint_epochs),
        images=LAYOUT.measures(
            WILDCARDS, "readout", PLAN.checkpoint_epochs[-1:], "-images.csv"
        ),
    log:
        LAYOUT.log(f"readout/{WILDCARDS}"),
    benchmark:
        LAYOUT.benchmark(f"readout/{WILDCARDS}")
    wildcard_constraints:
        model=any_of(PLAN.trained),
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1500),
        runtime=scaled(60),
    params:
        pairs=lambda wc, input, output: state_options(input.features, output.tables),
        initial=lambda wc: (["--initial"] if PLAN.epochs(run_of(wc))[0] == 0 else []),
        masks=lambda wc, input: ["--masks", str(input.masks)] if input.masks else [],
        settings=section("readout"),
        seed=config["seed"],
        code=step_hash("readout"),
    shell:
        "texshape run readout {params.pairs:q} {params.initial:q} {params.masks:q}"
        " --labels {input.labels:q} --settings {params.settings:q} --seed {params.seed}"
        " --images-output {output.images:q} > {log:q} 2>&1"


use rule readout as readout_named with:
    input:
        features=LAYOUT.states(WILDCARDS, NAMED_EPOCHS),
        labels=CONFLICT_LABELS,
        masks=CONFLICT_MASKS,
    output:
        tables=LAYOUT.measures(WILDCARDS, "readout", NAMED_EPOCHS),
        images=LAYOUT.measures(WILDCARDS, "readout", NAMED_EPOCHS[-1:], "-images.csv"),
    wildcard_constraints:
        model=any_of(PLAN.named),


rule dimensionality:
    input:
        features=LAYOUT.states(WILDCARDS, PLAN.checkpoint_epochs),
        labels=CONFLICT_LABELS,
    output:
        LAYOUT.measures(WILDCARDS, "dimensionality", PLAN.checkpoint_epochs),
    log:
        LAYOUT.log(f"dimensionality/{WILDCARDS}"),
    benchmark:
        LAYOUT.benchmark(f"dimensionality/{WILDCARDS}")
    wildcard_constraints:
        model=any_of(PLAN.trained),
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1500),
        runtime=scaled(60),
    params:
        pairs=lambda wc, input, output: state_options(input.features, output),
        settings=section("dimensionality"),
        seed=config["seed"],
        code=step_hash("dimensionality"),
    shell:
        "texshape run dimensionality {params.pairs:q} --labels {input.labels:q}"
        " --settings {params.settings:q} --seed {params.seed} > {log:q} 2>&1"


use rule dimensionality as dimensionality_named with:
    input:
        features=LAYOUT.states(WILDCARDS, NAMED_EPOCHS),
        labels=CONFLICT_LABELS,
    output:
        LAYOUT.measures(WILDCARDS, "dimensionality", NAMED_EPOCHS),
    wildcard_constraints:
        model=any_of(PLAN.named),


# The baseline that knows no network: the pixels themselves, stored beside the first network's features.
rule readout_pixels:
    input:
        features=LAYOUT.feature_files(
            PLAN.measured_runs[0], PLAN.epochs(PLAN.measured_runs[0])[-1]
        ),
        labels=CONFLICT_LABELS,
        masks=CONFLICT_MASKS,
    output:
        LAYOUT.measure(PIXELS, "readout", 0),
    log:
        LAYOUT.log("readout_pixels"),
    benchmark:
        LAYOUT.benchmark("readout_pixels")
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(2000),
        runtime=scaled(60),
    params:
        folder=lambda wc, input: parent(input.features[0]),
        masks=lambda wc, input: ["--masks", str(input.masks)] if input.masks else [],
        settings=job_settings.pixel_readout(PLAN),
        seed=config["seed"],
        code=step_hash("readout"),
    shell:
        "texshape run readout --features {params.folder:q} {params.masks:q}"
        " --labels {input.labels:q} --settings {params.settings:q} --seed {params.seed} --output {output:q} > {log:q} 2>&1"


rule erasure:
    input:
        network=lambda wc: PLAN.network_files(run_of(wc)),
        conflict=LAYOUT.set_files(BASE, CONFLICT, masks=False),
        plain=(
            LAYOUT.set_files(BASE, "test-plain", masks=False)
            if SOURCE.plain and not SOURCE.published
            else []
        ),
    output:
        LAYOUT.measure(WILDCARDS, "erasure"),
    log:
        LAYOUT.log(f"erasure/{WILDCARDS}"),
    benchmark:
        LAYOUT.benchmark(f"erasure/{WILDCARDS}")
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=scaled(2500),
        runtime=scaled(120),
    params:
        network=lambda wc: PLAN.network(run_of(wc)),
        conflict=lambda wc, input: stem(input.conflict),
        plain=lambda wc, input: ["--plain", stem(input.plain)] if input.plain else [],
        settings=section("erasure"),
        evaluation=section("evaluation"),
        seed=config["seed"],
        code=step_hash("erasure"),
    shell:
        "texshape run erasure --network {params.network:q} --set {params.conflict:q}"
        " {params.plain:q} --settings {params.settings:q} --evaluation {params.evaluation:q}"
        " --seed {params.seed}"
        " --threads {threads} --output {output:q} > {log:q} 2>&1"
