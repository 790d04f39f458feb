# Provenance, and the copy of all metrics in MLflow.
from texshape.source_code import step_hash


use rule step as provenance with:
    input:
        PLAN.data_files,
    output:
        output=LAYOUT.file("provenance.json"),
        parameters_output=LAYOUT.file("parameters.json"),
    resources:
        **needs(500, 10),
    params:
        **step(
            "provenance",
            settings=parameters.to_json(config),
            data=lambda wc, input: input,
        ),


rule track:
    input:
        LAYOUT.article,
        LAYOUT.file("provenance.json"),
        parameters=LAYOUT.file("parameters.json"),
    output:
        LAYOUT.file("tracking.json"),
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        **needs(1000, 30),
    params:
        results=lambda wc, output: parent(output[0]),
        networks=options("--network", [*PLAN.runs, PIXELS]),
        code=step_hash("track"),
    shell:
        "texshape track {params.results:q} {params.networks:q} > {log:q} 2>&1"
