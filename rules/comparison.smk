# Every network by every measure, and what they say together.
from texshape.comparison.replication import tables_read
from texshape.experiment.plan import COMPARISON_TABLES
from texshape.figures.report import shown


rule compare:
    input:
        tables=[
            LAYOUT.table(name) for name in PLAN.tables if name not in COMPARISON_TABLES
        ],
        trials=[LAYOUT.trials(run, CONFLICT) for run in PLAN.runs],
        readings=PLAN.last_readings,
        published=f"{LAYOUT.published}/manifest.csv" if SOURCE.published else [],
    output:
        list(map(LAYOUT.table, COMPARISON_TABLES)),
    log:
        LAYOUT.log("compare"),
    benchmark:
        LAYOUT.benchmark("compare")
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1500),
        runtime=scaled(30),
    params:
        tables=lambda wc, output: parent(output[0]),
        results=lambda wc, output: parent(parent(output[0])),
        networks=options("--network", PLAN.runs),
        readings=options("--readings", PLAN.last_readings),
        published=lambda wc, input: (
            ["--published", parent(input.published)] if input.published else []
        ),
        apart=options("--without-arm", PLAN.arms_apart)
        + options("--without-model", PLAN.models_apart),
        techniques=options("--technique", [one.name for one in PLAN.foreign]),
        settings=section("comparison"),
        seed=config["seed"],
        code=step_hash("compare"),
    shell:
        "texshape run compare --tables {params.tables:q} --settings {params.settings:q}"
        " --seed {params.seed} --results {params.results:q} {params.networks:q}"
        " {params.readings:q} {params.published:q} {params.apart:q}"
        " {params.techniques:q} --output-dir {params.tables:q} > {log:q} 2>&1"


rule replication:
    input:
        [LAYOUT.table(name) for name in tables_read()],
    output:
        LAYOUT.table("replication"),
    log:
        LAYOUT.log("replication"),
    benchmark:
        LAYOUT.benchmark("replication")
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(500),
        runtime=scaled(10),
    params:
        tables=lambda wc, output: parent(output[0]),
        code=step_hash("replication"),
    shell:
        "texshape run replication --tables {params.tables:q} --output {output:q} > {log:q} 2>&1"


rule figure_disagreement_images:
    input:
        table=LAYOUT.table("disagreement_images"),
        images=LAYOUT.set_files(BASE, CONFLICT, masks=False),
    output:
        report(
            LAYOUT.figure("disagreement_images"),
            **shown("disagreement_images"),
        ),
        LAYOUT.figure("disagreement_images", "png"),
    log:
        LAYOUT.log("figure_disagreement_images"),
    benchmark:
        LAYOUT.benchmark("figure_disagreement_images")
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(800),
        runtime=scaled(10),
    params:
        tables=lambda wc, input: parent(input.table),
        images=lambda wc, input: stem(input.images),
        stem=lambda wc, output: output[0].removesuffix(".svg"),
        code=step_hash("disagreement-sheet"),
    shell:
        "texshape run disagreement-sheet --tables {params.tables:q} --set {params.images:q}"
        " --output-stem {params.stem:q} > {log:q} 2>&1"
