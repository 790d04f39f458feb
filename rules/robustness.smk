# Decisions on changed images: shuffled patches, faded cues, corruptions.


rule probes:
    input:
        network=lambda wc: PLAN.network_files(run_of(wc)),
        shuffled=lambda wc: [
            file
            for name in PLAN.sets_shuffled(wc.model)
            for file in LAYOUT.set_files(BASE, name, masks=False)
        ],
        conflict=(
            LAYOUT.set_files(BASE, CONFLICT, masks=False)
            if "cue_strength" in PLAN.probe_tables
            else []
        ),
        silhouettes=(
            LAYOUT.set_files(BASE, "silhouettes", masks=False)
            if SOURCE.silhouettes
            else []
        ),
        faded=[
            file
            for strength in PLAN.drawn_strengths
            for file in LAYOUT.set_files(
                BASE, f"cue-conflict-strength-{strength}", masks=False
            )
        ],
    output:
        [LAYOUT.measure(WILDCARDS, name) for name in PLAN.probe_tables],
    log:
        LAYOUT.log(f"probes/{WILDCARDS}"),
    benchmark:
        LAYOUT.benchmark(f"probes/{WILDCARDS}")
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=scaled(2500),
        runtime=scaled(120),
    params:
        network=lambda wc: PLAN.network(run_of(wc)),
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
        seed=config["seed"],
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
            file for run in PLAN.measured_runs for file in PLAN.network_files(run)
        ],
        images=LAYOUT.set_files(BASE, "test-plain", masks=False),
        own=(
            LAYOUT.set_files(BASE, "test-stylized", masks=False)
            if PLAN.own_pictures
            else []
        ),
    output:
        tables=[LAYOUT.measure(run, "corruptions") for run in PLAN.measured_runs],
        pictures=PLAN.corruption_pictures,
    log:
        LAYOUT.log("corruptions"),
    benchmark:
        LAYOUT.benchmark("corruptions")
    priority: 1  # the longest job after the trainings: last it would run alone
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=scaled(2500),
        runtime=scaled(240),
    params:
        networks=options("--network", map(PLAN.network, PLAN.measured_runs)),
        outputs=lambda wc, output: (
            options("--output", output.tables) + options("--pictures", output.pictures)
        ),
        images=lambda wc, input: stem(input.images),
        own=lambda wc, input: (
            ["--own-set", stem(input.own)]
            + options("--own", map(PLAN.network, PLAN.own_pictures))
            if input.own
            else []
        ),
        settings=job_settings.corruptions(PLAN),
        evaluation=section("evaluation"),
        seed=config["seed"],
        code=step_hash("corruptions"),
    shell:
        "texshape run corruptions {params.networks:q} {params.outputs:q} --set {params.images:q}"
        " {params.own:q} --settings {params.settings:q} --evaluation {params.evaluation:q}"
        " --seed {params.seed} --threads {threads} > {log:q} 2>&1"


rule corruption_errors:
    input:
        table=LAYOUT.table("corruptions"),
        pictures=PLAN.corruption_pictures,
    output:
        LAYOUT.table("corruption_errors"),
    log:
        LAYOUT.log("corruption_errors"),
    benchmark:
        LAYOUT.benchmark("corruption_errors")
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(500),
        runtime=scaled(10),
    params:
        pictures=lambda wc, input: options("--pictures", input.pictures),
        results=lambda wc, output: parent(parent(output[0])),
        settings=job_settings.corruption_errors(PLAN),
        seed=config["seed"],
        code=step_hash("corruption-errors"),
    shell:
        "texshape run corruption-errors --table {input.table:q} {params.pictures:q}"
        " --results {params.results:q} --settings {params.settings:q} --seed {params.seed}"
        " --output {output:q} > {log:q} 2>&1"
