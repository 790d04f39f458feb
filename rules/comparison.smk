# Every network by every measure, and what they say together.


rule compare:
    input:
        tables=[
            f"{TABLES}/{name}.csv"
            for name in TABLE_NAMES
            if name not in COMPARISON_TABLES
        ],
        trials=[f"{RESULTS}/{run}/trials/cue-conflict.csv" for run in RUNS],
        readings=[f"{RESULTS}/{run}/{file}" for run, file in LAST_READINGS.items()],
        published=PUBLISHED_TRIALS,
    output:
        [f"{TABLES}/{name}.csv" for name in COMPARISON_TABLES],
    log:
        f"logs/{config['experiment']}/compare.log",
    benchmark:
        f"logs/{config['experiment']}/compare.benchmark.tsv"
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1500),
        runtime=scaled(30),
    params:
        tables=lambda wc, output: parent(output[0]),
        results=lambda wc, output: parent(parent(output[0])),
        networks=[word for run in RUNS for word in ("--network", run)],
        readings=[
            word
            for file in dict.fromkeys(LAST_READINGS.values())
            for word in ("--readings", file)
        ],
        published=lambda wc, input: (
            ["--published", parent(input.published[0])] if input.published else []
        ),
        apart=[word for arm in APART_ARMS for word in ("--without-arm", arm)],
        settings=section("comparison"),
        seed=lookup(dpath="seed", within=config),
        code=step_hash("compare"),
    shell:
        "texshape run compare --tables {params.tables:q} --settings {params.settings:q}"
        " --seed {params.seed} --results {params.results:q} {params.networks:q}"
        " {params.readings:q} {params.published:q} {params.apart:q}"
        " --output-dir {params.tables:q} > {log:q} 2>&1"


rule figure_disagreement_images:
    input:
        table=f"{TABLES}/disagreement_images.csv",
        images=set_files("base", "cue-conflict", masks=False),
    output:
        report(
            f"{FIGURES}/disagreement_images.svg",
            caption="../report/disagreement_images.rst",
            category=category("disagreement_images"),
            labels={"figure": "disagreement images"},
        ),
        f"{FIGURES}/disagreement_images.png",
    log:
        f"logs/{config['experiment']}/figure_disagreement_images.log",
    benchmark:
        f"logs/{config['experiment']}/figure_disagreement_images.benchmark.tsv"
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
