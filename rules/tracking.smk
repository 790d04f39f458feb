# Provenance, and the copy of all metrics in MLflow.


rule provenance:
    input:
        data=PLAN.data_files,
    output:
        record=LAYOUT.file("provenance.json"),
        parameters=LAYOUT.file("parameters.json"),
    log:
        LAYOUT.log("provenance"),
    benchmark:
        LAYOUT.benchmark("provenance")
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(500),
        runtime=scaled(10),
    params:
        settings=parameters.to_json(config),
        data=lambda wc, input: options("--data", input.data),
        code=step_hash("provenance"),
    shell:
        "texshape run provenance --settings {params.settings:q} {params.data:q}"
        " --output {output.record:q} --parameters-output {output.parameters:q} > {log:q} 2>&1"


rule track:
    input:
        LAYOUT.article,
        LAYOUT.file("provenance.json"),
        parameters=LAYOUT.file("parameters.json"),
    output:
        LAYOUT.file("tracking.json"),
    log:
        LAYOUT.log("track"),
    benchmark:
        LAYOUT.benchmark("track")
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(30),
    params:
        results=lambda wc, output: parent(output[0]),
        networks=options("--network", [*PLAN.runs, PIXELS]),
        code=step_hash("track"),
    shell:
        "texshape track {params.results:q} {params.networks:q} > {log:q} 2>&1"
