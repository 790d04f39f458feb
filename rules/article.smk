# What may be said of the results, and the article: every number in it is read from the files that are its inputs.


rule claims:
    input:
        [f"{TABLES}/{name}.csv" for name in TABLE_NAMES],
        f"{RESULTS}/parameters.json",
    output:
        f"{RESULTS}/claims.json",
    log:
        f"logs/{config['experiment']}/claims.log",
    benchmark:
        f"logs/{config['experiment']}/claims.benchmark.tsv"
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(500),
        runtime=scaled(10),
    params:
        results=lambda wc, output: parent(output[0]),
        # Only what this run made: a table of former parameters must read as 'not run'.
        files=lambda wc, input: [word for file in input for word in ("--file", file)],
        code=step_hash("claims"),
    shell:
        "texshape run claims --results {params.results:q} --output {output:q} {params.files:q}"
        " > {log:q} 2>&1"


rule article:
    input:
        [f"{TABLES}/{name}.csv" for name in TABLE_NAMES],
        [
            f"{FIGURES}/{name}.{suffix}"
            for name in FIGURE_NAMES + IMAGE_FIGURES
            for suffix in ("svg", "png")
        ],
        f"{RESULTS}/claims.json",
        f"{RESULTS}/metrics.json",
        f"{RESULTS}/models.csv",
        f"{RESULTS}/parameters.json",
        f"{RESULTS}/provenance.json",
        PAPER,
        source="paper/main.typ",
    output:
        pdf=report(
            f"{RESULTS}/paper.pdf",
            caption="../report/article.rst",
            category="0 Article",
        ),
        html=f"{RESULTS}/paper.html",
    log:
        f"logs/{config['experiment']}/article.log",
    benchmark:
        f"logs/{config['experiment']}/article.benchmark.tsv"
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(800),
        runtime=scaled(10),
    params:
        results=lambda wc, output: parent(output.pdf),
        # Only what this run made: a file of former parameters must read as 'not run'.
        files=lambda wc, input: [
            word
            for file in input
            if file.startswith(RESULTS)
            for word in ("--file", file)
        ],
        code=step_hash("article"),
    shell:
        "texshape run article --results {params.results:q} --source {input.source:q}"
        " --output {output.pdf:q} --html {output.html:q} {params.files:q} > {log:q} 2>&1"
