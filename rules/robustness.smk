# Decisions on changed images: shuffled patches, faded cues, corruptions.


rule probes:
    input:
        network=lambda wc: network_files(f"{wc.model}/seed-{wc.seed}"),
        shuffled=lambda wc: [
            file
            for name in shuffled_sets(wc.model)
            for file in set_files("base", name, masks=False)
        ],
        conflict=(
            set_files("base", "cue-conflict", masks=False)
            if "cue_strength" in PROBE_TABLES
            else []
        ),
        silhouettes=(
            set_files("base", "silhouettes", masks=False) if SILHOUETTES else []
        ),
        faded=[
            file
            for strength in DRAWN_STRENGTHS
            for file in set_files(
                "base", f"cue-conflict-strength-{strength}", masks=False
            )
        ],
    output:
        [f"{RESULTS}/{{model}}/seed-{{seed}}/{name}.csv" for name in PROBE_TABLES],
    log:
        f"logs/{config['experiment']}/probes/{{model}}/seed-{{seed}}.log",
    benchmark:
        f"logs/{config['experiment']}/probes/{{model}}/seed-{{seed}}.benchmark.tsv"
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=scaled(2500),
        runtime=scaled(120),
    params:
        network=lambda wc: network_name(f"{wc.model}/seed-{wc.seed}"),
        plain=lambda wc, input: [
            word
            for file in input.shuffled
            if file.endswith(".images.npy")
            for word in ("--plain", stem([file]))
        ],
        conflict=lambda wc, input: (
            ["--conflict", stem(input.conflict)] if input.conflict else []
        ),
        silhouettes=lambda wc, input: (
            ["--silhouettes", stem(input.silhouettes)] if input.silhouettes else []
        ),
        faded=lambda wc, input: [
            word
            for file in input.faded
            if file.endswith(".images.npy")
            for word in ("--strength-set", stem([file]))
        ],
        settings=section("probes"),
        evaluation=section("evaluation"),
        seed=lookup(dpath="seed", within=config),
        output_dir=lambda wc, output: parent(output[0]),
        code=step_hash("probes"),
    shell:
        "texshape run probes --network {params.network:q} {params.plain:q}"
        " {params.conflict:q} {params.silhouettes:q} {params.faded:q}"
        " --settings {params.settings:q} --evaluation {params.evaluation:q}"
        " --seed {params.seed} --threads {threads} --output-dir {params.output_dir:q} > {log:q} 2>&1"


# One job for all networks: each corrupted image is made once.
rule corruptions:
    input:
        networks=[
            file for run in MEASURED_RUNS for file in [network_files(run)] if file
        ],
        images=set_files("base", "test-plain", masks=False),
        own=set_files("base", "test-stylized", masks=False) if OWN_PICTURES else [],
    output:
        tables=[f"{RESULTS}/{run}/corruptions.csv" for run in MEASURED_RUNS],
        pictures=CORRUPTION_PICTURES,
    log:
        f"logs/{config['experiment']}/corruptions.log",
    benchmark:
        f"logs/{config['experiment']}/corruptions.benchmark.tsv"
    priority: 1  # the longest job after the trainings: last it would run alone
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=scaled(2500),
        runtime=scaled(240),
    params:
        networks=[
            word for run in MEASURED_RUNS for word in ("--network", network_name(run))
        ],
        outputs=lambda wc, output: [
            word
            for option, files in (
                ("--output", output.tables),
                ("--pictures", output.pictures),
            )
            for file in files
            for word in (option, file)
        ],
        images=lambda wc, input: stem(input.images),
        own=lambda wc, input: (
            ["--own-set", stem(input.own)]
            + [word for run in OWN_PICTURES for word in ("--own", network_name(run))]
            if input.own
            else []
        ),
        settings=corruption_settings("types", "severities", "images", "constants"),
        evaluation=section("evaluation"),
        seed=lookup(dpath="seed", within=config),
        code=step_hash("corruptions"),
    shell:
        "texshape run corruptions {params.networks:q} {params.outputs:q} --set {params.images:q}"
        " {params.own:q} --settings {params.settings:q} --evaluation {params.evaluation:q}"
        " --seed {params.seed} --threads {threads} > {log:q} 2>&1"


rule corruption_errors:
    input:
        table=f"{TABLES}/corruptions.csv",
        pictures=CORRUPTION_PICTURES,
    output:
        f"{TABLES}/corruption_errors.csv",
    log:
        f"logs/{config['experiment']}/corruption_errors.log",
    benchmark:
        f"logs/{config['experiment']}/corruption_errors.benchmark.tsv"
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(500),
        runtime=scaled(10),
    params:
        pictures=lambda wc, input: [
            word for file in input.pictures for word in ("--pictures", file)
        ],
        results=lambda wc, output: parent(parent(output[0])),
        settings=corruption_settings(
            "baseline_arm", "least_error", "resamples", "level"
        ),
        seed=lookup(dpath="seed", within=config),
        code=step_hash("corruption-errors"),
    shell:
        "texshape run corruption-errors --table {input.table:q} {params.pictures:q}"
        " --results {params.results:q} --settings {params.settings:q} --seed {params.seed}"
        " --output {output:q} > {log:q} 2>&1"
