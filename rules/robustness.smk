# Decisions on changed images: shuffled patches, faded cues, corruptions.


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
        absent=options(
            "--absent",
            [
                f"{PLAN.network(run)}={LAYOUT.unavailable(run)}"
                for run in map(RunId.of_model, PLAN.fetched)
            ],
        ),
        settings=job_settings.corruptions(PLAN),
        evaluation=section("evaluation"),
        seed=config["seed"],
        code=step_hash("corruptions"),
    shell:
        "texshape run corruptions {params.networks:q} {params.outputs:q} --set {params.images:q}"
        " {params.own:q} {params.absent:q} --settings {params.settings:q} --evaluation {params.evaluation:q}"
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
