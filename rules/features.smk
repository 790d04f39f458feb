# Activations of every stage on the cue-conflict images, once, and the read-outs that use them.

# Where the renderer draws the masks too, four numbers of them are a baseline of the shape's read-out.
CONFLICT_MASKS = [f"{DATA}/base/cue-conflict.masks.npy"] if MASKS else []
SHARD_LOG = "-{shard}" if FEATURE_SHARDS > 1 else ""


rule features:
    input:
        checkpoints=[
            f"{RESULTS}/{{model}}/seed-{{seed}}/checkpoints/epoch-{epoch:03d}.pt"
            for epoch in CHECKPOINT_EPOCHS
        ],
        images=set_files("base", "cue-conflict", masks=False),
    output:
        [file for epoch in CHECKPOINT_EPOCHS for file in feature_parts(f"{epoch:03d}")],
    log:
        f"logs/{config['experiment']}/features/{{model}}/seed-{{seed}}{SHARD_LOG}.log",
    benchmark:
        f"logs/{config['experiment']}/features/{{model}}/seed-{{seed}}{SHARD_LOG}.benchmark.tsv"
    wildcard_constraints:
        model="|".join(map(re.escape, TRAINED)) or NEVER,
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=scaled(1500),
        runtime=scaled(60),
    params:
        networks=lambda wc, input: [
            word for file in input.checkpoints for word in ("--network", file)
        ],
        stem=lambda wc, input: stem(input.images),
        folders=lambda wc, output: [
            word
            for file in output
            if file.endswith(".npy")
            for word in ("--output-dir", parent(file))
        ],
        shard=lambda wc: shard_numbers(wc.shard) if FEATURE_SHARDS > 1 else [],
        batch_size=lookup(dpath="features/batch_size", within=config),
        settings=feature_settings(),
        code=step_hash("features"),
    shell:
        "texshape run features {params.networks:q} --set {params.stem:q} {params.folders:q}"
        " {params.shard:q} --batch-size {params.batch_size} --settings {params.settings:q}"
        " --threads {threads} > {log:q} 2>&1"


# A network measured as it is has two states: random weights (epoch 0) and its own (epoch 1).
rule features_named:
    input:
        set_files("base", "cue-conflict", masks=False),
    output:
        feature_parts("{epoch}"),
    log:
        f"logs/{config['experiment']}/features/{{model}}/seed-{{seed}}-{{epoch}}{SHARD_LOG}.log",
    benchmark:
        f"logs/{config['experiment']}/features/{{model}}/seed-{{seed}}-{{epoch}}{SHARD_LOG}.benchmark.tsv"
    wildcard_constraints:
        model="|".join(map(re.escape, NAMED)) or NEVER,
        epoch="000|001",
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=scaled(2500),
        runtime=scaled(60),
    params:
        network=lambda wc: NAMED[wc.model],
        random=lambda wc: ["--random"] if int(wc.epoch) == 0 else [],
        stem=lambda wc, input: stem(input),
        folder=lambda wc, output: parent(output[0]),
        shard=lambda wc: shard_numbers(wc.shard) if FEATURE_SHARDS > 1 else [],
        batch_size=lookup(dpath="features/batch_size", within=config),
        settings=feature_settings(),
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
                f"{FEATURES}/shard-{number:05d}-of-{FEATURE_SHARDS:05d}/{file}"
                for number in range(FEATURE_SHARDS)
                for file in [*FEATURE_FILES, "shard.json"]
            ],
        output:
            [f"{FEATURES}/{file}" for file in FEATURE_FILES],
        log:
            f"logs/{config['experiment']}/merge_features/{{model}}/seed-{{seed}}-{{epoch}}.log",
        benchmark:
            f"logs/{config['experiment']}/merge_features/{{model}}/seed-{{seed}}-{{epoch}}.benchmark.tsv"
        conda:
            "../envs/texshape.yaml"
        threads: 1
        resources:
            mem_mb=scaled(500),
            runtime=scaled(30),
        params:
            parts=lambda wc, input: [
                word
                for file in input
                if file.endswith(".npy")
                for word in ("--part", parent(file))
            ],
            folder=lambda wc, output: parent(output[0]),
            code=step_hash("merge-features"),
        shell:
            "texshape run merge-features {params.parts:q} --output-dir {params.folder:q}"
            " > {log:q} 2>&1"


# All states of a network in one process: starting one costs as much as reading a state.
rule readout:
    input:
        features=feature_files(CHECKPOINT_EPOCHS),
        labels=f"{DATA}/base/cue-conflict.labels.csv",
        masks=CONFLICT_MASKS,
    output:
        tables=state_files("readout", CHECKPOINT_EPOCHS),
        images=state_files("readout", CHECKPOINT_EPOCHS[-1:], "-images"),
    log:
        f"logs/{config['experiment']}/readout/{{model}}/seed-{{seed}}.log",
    benchmark:
        f"logs/{config['experiment']}/readout/{{model}}/seed-{{seed}}.benchmark.tsv"
    wildcard_constraints:
        model="|".join(map(re.escape, TRAINED)) or NEVER,
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1500),
        runtime=scaled(60),
    params:
        pairs=lambda wc, input, output: state_options(input.features, output.tables),
        initial=lambda wc: (
            ["--initial"] if state_epochs(f"{wc.model}/seed-{wc.seed}")[0] == 0 else []
        ),
        masks=lambda wc, input: ["--masks", str(input.masks)] if input.masks else [],
        settings=section("readout"),
        seed=lookup(dpath="seed", within=config),
        code=step_hash("readout"),
    shell:
        "texshape run readout {params.pairs:q} {params.initial:q} {params.masks:q}"
        " --labels {input.labels:q} --settings {params.settings:q} --seed {params.seed}"
        " --images-output {output.images:q} > {log:q} 2>&1"


use rule readout as readout_named with:
    input:
        features=feature_files([0, 1]),
        labels=f"{DATA}/base/cue-conflict.labels.csv",
        masks=CONFLICT_MASKS,
    output:
        tables=state_files("readout", [0, 1]),
        images=state_files("readout", [1], "-images"),
    wildcard_constraints:
        model="|".join(map(re.escape, NAMED)) or NEVER,


rule dimensionality:
    input:
        features=feature_files(CHECKPOINT_EPOCHS),
        labels=f"{DATA}/base/cue-conflict.labels.csv",
    output:
        state_files("dimensionality", CHECKPOINT_EPOCHS),
    log:
        f"logs/{config['experiment']}/dimensionality/{{model}}/seed-{{seed}}.log",
    benchmark:
        f"logs/{config['experiment']}/dimensionality/{{model}}/seed-{{seed}}.benchmark.tsv"
    wildcard_constraints:
        model="|".join(map(re.escape, TRAINED)) or NEVER,
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1500),
        runtime=scaled(60),
    params:
        pairs=lambda wc, input, output: state_options(input.features, output),
        settings=section("dimensionality"),
        seed=lookup(dpath="seed", within=config),
        code=step_hash("dimensionality"),
    shell:
        "texshape run dimensionality {params.pairs:q} --labels {input.labels:q}"
        " --settings {params.settings:q} --seed {params.seed} > {log:q} 2>&1"


use rule dimensionality as dimensionality_named with:
    input:
        features=feature_files([0, 1]),
        labels=f"{DATA}/base/cue-conflict.labels.csv",
    output:
        state_files("dimensionality", [0, 1]),
    wildcard_constraints:
        model="|".join(map(re.escape, NAMED)) or NEVER,


# The baseline that knows no network: the pixels themselves, stored beside the first network's features.
rule readout_pixels:
    input:
        features=[
            f"{RESULTS}/{MEASURED_RUNS[0]}/features/epoch-{state_epochs(MEASURED_RUNS[0])[-1]:03d}/{file}"
            for file in FEATURE_FILES
        ],
        labels=f"{DATA}/base/cue-conflict.labels.csv",
        masks=CONFLICT_MASKS,
    output:
        f"{RESULTS}/pixels--baseline/seed-0/readout/epoch-000.csv",
    log:
        f"logs/{config['experiment']}/readout_pixels.log",
    benchmark:
        f"logs/{config['experiment']}/readout_pixels.benchmark.tsv"
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(2000),
        runtime=scaled(60),
    params:
        folder=lambda wc, input: parent(input.features[0]),
        masks=lambda wc, input: ["--masks", str(input.masks)] if input.masks else [],
        settings=parameters.to_json({**config["readout"], "inputs": ["pixels"]}),
        seed=lookup(dpath="seed", within=config),
        code=step_hash("readout"),
    shell:
        "texshape run readout --features {params.folder:q} {params.masks:q}"
        " --labels {input.labels:q} --settings {params.settings:q} --seed {params.seed} --output {output:q} > {log:q} 2>&1"


rule erasure:
    input:
        network=lambda wc: network_files(f"{wc.model}/seed-{wc.seed}"),
        conflict=set_files("base", "cue-conflict", masks=False),
        plain=(
            set_files("base", "test-plain", masks=False)
            if PLAIN and not PUBLISHED
            else []
        ),
    output:
        f"{RESULTS}/{{model}}/seed-{{seed}}/erasure.csv",
    log:
        f"logs/{config['experiment']}/erasure/{{model}}/seed-{{seed}}.log",
    benchmark:
        f"logs/{config['experiment']}/erasure/{{model}}/seed-{{seed}}.benchmark.tsv"
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=scaled(2500),
        runtime=scaled(120),
    params:
        network=lambda wc: network_name(f"{wc.model}/seed-{wc.seed}"),
        conflict=lambda wc, input: stem(input.conflict),
        plain=lambda wc, input: ["--plain", stem(input.plain)] if input.plain else [],
        settings=section("erasure"),
        evaluation=section("evaluation"),
        seed=lookup(dpath="seed", within=config),
        code=step_hash("erasure"),
    shell:
        "texshape run erasure --network {params.network:q} --set {params.conflict:q}"
        " {params.plain:q} --settings {params.settings:q} --evaluation {params.evaluation:q}"
        " --seed {params.seed}"
        " --threads {threads} --output {output:q} > {log:q} 2>&1"
