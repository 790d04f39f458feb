# What may be said of the results, and the article: every number in it is read from the files that are its inputs.
from texshape.figures.report import caption
from texshape.gathered import said_hash, text_hash

# Verdicts at other levels, where `texshape levels` was asked for them: no rule makes them, and they are no part of a
# run whose results lie in a storage.
AT_LEVELS = LAYOUT.file("levels.json")
AT_LEVELS = [AT_LEVELS] if STORAGE is None and Path(AT_LEVELS).is_file() else []
PAPER = sorted(str(path) for path in Path("paper").rglob("*") if path.is_file())


rule claims:
    input:
        list(map(LAYOUT.table, PLAN.tables)),
        LAYOUT.file("parameters.json"),
        AT_LEVELS,
    output:
        LAYOUT.file("claims.json"),
    log:
        LAYOUT.log("claims"),
    benchmark:
        LAYOUT.benchmark("claims")
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(500),
        runtime=scaled(10),
    params:
        results=lambda wc, output: parent(output[0]),
        # Only what this run made: a table of former parameters must read as 'not run'.
        files=lambda wc, input: options("--file", map(plain, input)),
        code=step_hash("claims"),
    shell:
        "texshape run claims --results {params.results:q} --output {output:q} {params.files:q}"
        " > {log:q} 2>&1"


rule origins:
    input:
        list(map(LAYOUT.table, PLAN.tables)),
    output:
        LAYOUT.file("origins.json"),
    log:
        LAYOUT.log("origins"),
    benchmark:
        LAYOUT.benchmark("origins")
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(500),
        runtime=scaled(10),
    params:
        results=lambda wc, output: parent(output[0]),
        tables=lambda wc, input: options("--table", map(plain, input)),
        code=step_hash("origins"),
    shell:
        "texshape run origins --results {params.results:q} --output {output:q} {params.tables:q}"
        " > {log:q} 2>&1"


rule figure_origins:
    input:
        [LAYOUT.figure(name) for name in PLAN.figures + PLAN.image_figures],
    output:
        LAYOUT.file("figures.json"),
    log:
        LAYOUT.log("figure_origins"),
    benchmark:
        LAYOUT.benchmark("figure_origins")
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(500),
        runtime=scaled(10),
    params:
        results=lambda wc, output: parent(output[0]),
        figures=lambda wc, input: options("--figure", map(plain, input)),
        code=step_hash("figure-origins"),
    shell:
        "texshape run figure-origins --results {params.results:q} --output {output:q} {params.figures:q}"
        " > {log:q} 2>&1"


if PLAN.foreign:

    rule describe_techniques:
        output:
            LAYOUT.file("techniques.json"),
        log:
            LAYOUT.log("describe_techniques"),
        benchmark:
            LAYOUT.benchmark("describe_techniques")
        conda:
            "../envs/texshape.yaml"
        threads: 1
        resources:
            mem_mb=scaled(300),
            runtime=scaled(5),
        params:
            names=[technique.name for technique in PLAN.foreign],
            # What they say of themselves is part of their code.
            said=said_hash(PLAN.foreign),
            code=step_hash("describe-techniques"),
        shell:
            "texshape run describe-techniques {params.names:q} --output {output:q} > {log:q} 2>&1"


rule article:
    input:
        LAYOUT.file("techniques.json") if PLAN.foreign else [],
        list(map(LAYOUT.table, PLAN.tables)),
        [
            LAYOUT.figure(name, suffix)
            for name in PLAN.figures + PLAN.image_figures
            for suffix in ("svg", "png")
        ],
        PLAN.undrawn,
        AT_LEVELS,
        LAYOUT.file("claims.json"),
        LAYOUT.file("figures.json"),
        LAYOUT.file("metrics.json"),
        LAYOUT.file("models.csv"),
        LAYOUT.file("origins.json"),
        LAYOUT.file("parameters.json"),
        LAYOUT.file("provenance.json"),
        list(map(local, PAPER)),
        source=local("paper/main.typ"),
    output:
        pdf=report(
            LAYOUT.file("paper.pdf"),
            caption=caption(
                "article",
                "The article of this experiment. Every number in it is read from the tables of this run.",
            ),
            category="0 Article",
        ),
        html=LAYOUT.file("paper.html"),
    log:
        LAYOUT.log("article"),
    benchmark:
        LAYOUT.benchmark("article")
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(800),
        runtime=scaled(10),
    params:
        results=lambda wc, output: parent(output.pdf),
        # Only what this run made: a file of former parameters must read as 'not run'.
        files=lambda wc, input: options(
            "--file", [plain(file) for file in input if str(file) not in PAPER]
        ),
        # The sections in the folders of techniques, which are no files of this folder where texshape is installed.
        sections=text_hash(),
        code=step_hash("article"),
    shell:
        "texshape run article --results {params.results:q} --source {input.source:q}"
        " --output {output.pdf:q} --html {output.html:q} {params.files:q} > {log:q} 2>&1"
