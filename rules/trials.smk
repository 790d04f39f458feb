# Decisions of every network on every test set, and what they say about cues.


rule trials:
    input:
        network=lambda wc: network_files(f"{wc.model}/seed-{wc.seed}"),
        sets=lambda wc: [
            file
            for name in test_sets(wc.model)
            for file in set_files(variant_of(wc.model), name, masks=False)
        ],
    output:
        [
            f"{RESULTS}/{{model}}/seed-{{seed}}/trials/{name}.csv"
            for name in TEST_SETS + NEURAL_TEST_SETS
        ],
    log:
        f"logs/{config['experiment']}/trials/{{model}}/seed-{{seed}}.log",
    benchmark:
        f"logs/{config['experiment']}/trials/{{model}}/seed-{{seed}}.benchmark.tsv"
    wildcard_constraints:
        model="|".join(
            re.escape(model_of(run))
            for run in RUNS
            if variant_of(model_of(run)) == "base"
        )
        or NEVER,
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=scaled(2000),
        runtime=scaled(60),
    params:
        network=lambda wc: network_name(f"{wc.model}/seed-{wc.seed}"),
        settings=section("evaluation"),
        sets=lambda wc: [
            word
            for name in test_sets(wc.model)
            for word in ("--set", f"{DATA}/{variant_of(wc.model)}/{name}")
        ],
        output_dir=lambda wc, output: parent(output[0]),
        code=step_hash("trials"),
    shell:
        "texshape run trials --network {params.network:q} --model {wildcards.model:q}"
        " --settings {params.settings:q} {params.sets:q} --output-dir {params.output_dir:q}"
        " --threads {threads} > {log:q} 2>&1"


# The controls' variants of the data have no sets made by style transfer.
use rule trials as trials_controls with:
    output:
        [f"{RESULTS}/{{model}}/seed-{{seed}}/trials/{name}.csv" for name in TEST_SETS],
    log:
        f"logs/{config['experiment']}/trials_controls/{{model}}/seed-{{seed}}.log",
    benchmark:
        f"logs/{config['experiment']}/trials_controls/{{model}}/seed-{{seed}}.benchmark.tsv"
    wildcard_constraints:
        model="|".join(
            re.escape(model_of(run))
            for run in RUNS
            if variant_of(model_of(run)) != "base"
        )
        or NEVER,


rule tabulate_trials:
    input:
        trials=[file for files in TRIALS.values() for file in files],
        published=PUBLISHED_TRIALS,
    output:
        [
            f"{TABLES}/{name}.csv"
            for name in [
                "shape_bias",
                "shape_bias_by_class",
                "shape_bias_differences",
                "accuracy",
                "accuracy_differences",
                *(["shape_bias_by_set"] if OTHER_CONFLICTS else []),
            ]
        ],
    log:
        f"logs/{config['experiment']}/tabulate_trials.log",
    benchmark:
        f"logs/{config['experiment']}/tabulate_trials.benchmark.tsv"
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1500),
        runtime=scaled(30),
    params:
        results=lambda wc, output: parent(parent(output[0])),
        networks=[word for run in RUNS for word in ("--network", run)],
        compared=[word for model in COMPARED for word in ("--compare", model)],
        settings=section("bootstrap"),
        seed=lookup(dpath="seed", within=config),
        published=["--published", f"{DATA}/trials"] if PUBLISHED_TRIALS else [],
        output_dir=lambda wc, output: parent(output[0]),
        code=step_hash("tabulate-trials"),
    shell:
        "texshape run tabulate-trials --results {params.results:q} {params.networks:q}"
        " {params.compared:q} --settings {params.settings:q} --seed {params.seed} {params.published:q}"
        " --output-dir {params.output_dir:q} > {log:q} 2>&1"


rule sensitivity:
    input:
        set_files("base", "cue-conflict", masks=False),
    output:
        f"{RESULTS}/{{model}}/seed-{{seed}}/sensitivity.csv",
    log:
        f"logs/{config['experiment']}/sensitivity/{{model}}/seed-{{seed}}.log",
    benchmark:
        f"logs/{config['experiment']}/sensitivity/{{model}}/seed-{{seed}}.benchmark.tsv"
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=scaled(2000),
        runtime=scaled(120),
    params:
        network=lambda wc: NAMED[wc.model],
        stem=lambda wc, input: input[0].removesuffix(".images.npy"),
        settings=section("sensitivity"),
        evaluation=section("evaluation"),
        bootstrap=section("bootstrap"),
        seed=lookup(dpath="seed", within=config),
        code=step_hash("sensitivity"),
    shell:
        "texshape run sensitivity --network {params.network:q} --set {params.stem:q}"
        " --settings {params.settings:q} --evaluation {params.evaluation:q}"
        " --bootstrap {params.bootstrap:q} --seed {params.seed} --threads {threads}"
        " --output {output:q} > {log:q} 2>&1"


rule benchmark:
    input:
        trials=[file for files in TRIALS.values() for file in files],
        published=f"{DATA}/trials/manifest.csv",
    output:
        table=f"{TABLES}/benchmark.csv",
        by_dataset=f"{TABLES}/benchmark_by_dataset.csv",
    log:
        f"logs/{config['experiment']}/benchmark.log",
    benchmark:
        f"logs/{config['experiment']}/benchmark.benchmark.tsv"
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1500),
        runtime=scaled(30),
    params:
        results=lambda wc, output: parent(parent(output.table)),
        networks=[word for run in RUNS for word in ("--network", run)],
        published=lambda wc, input: parent(input.published),
        settings=section("bootstrap"),
        seed=lookup(dpath="seed", within=config),
        code=step_hash("benchmark-networks"),
    shell:
        "texshape run benchmark-networks --results {params.results:q} {params.networks:q}"
        " --published {params.published:q} --settings {params.settings:q} --seed {params.seed}"
        " --output {output.table:q} --output-by-dataset {output.by_dataset:q} > {log:q} 2>&1"


# A control's network on the pictures of the other variants, and the base network on its: what training
# does and what the test pictures do.
rule trials_across:
    input:
        network=lambda wc: network_files(f"{wc.model}/seed-{wc.seed}"),
        set=lambda wc: set_files(wc.variant, "cue-conflict", masks=False),
    output:
        f"{RESULTS}/{{model}}/seed-{{seed}}/across/{{variant}}/cue-conflict.csv",
    log:
        f"logs/{config['experiment']}/trials_across/{{model}}/seed-{{seed}}-{{variant}}.log",
    benchmark:
        f"logs/{config['experiment']}/trials_across/{{model}}/seed-{{seed}}-{{variant}}.benchmark.tsv"
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=scaled(2000),
        runtime=scaled(60),
    params:
        network=lambda wc: network_name(f"{wc.model}/seed-{wc.seed}"),
        settings=section("evaluation"),
        set=lambda wc, input: stem(input.set),
        output_dir=lambda wc, output: parent(output[0]),
        code=step_hash("trials"),
    shell:
        "texshape run trials --network {params.network:q} --model {wildcards.model:q}"
        " --settings {params.settings:q} --set {params.set:q} --output-dir {params.output_dir:q}"
        " --threads {threads} > {log:q} 2>&1"


rule cross_variants:
    input:
        [file for *_, file in CROSSED],
    output:
        f"{TABLES}/controls.csv",
    log:
        f"logs/{config['experiment']}/cross_variants.log",
    benchmark:
        f"logs/{config['experiment']}/cross_variants.benchmark.tsv"
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1500),
        runtime=scaled(30),
    params:
        cells=[
            word
            for trained, tested, seed, file in CROSSED
            for word in ("--cell", f"{trained}:{tested}:{seed}:{file}")
        ],
        settings=section("bootstrap"),
        seed=lookup(dpath="seed", within=config),
        code=step_hash("cross-variants"),
    shell:
        "texshape run cross-variants {params.cells:q} --settings {params.settings:q}"
        " --seed {params.seed} --output {output:q} > {log:q} 2>&1"
