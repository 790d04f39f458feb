# Provenance, and the copy of all metrics in MLflow.


rule provenance:
    input:
        data=DATA_FILES,
    output:
        record=f"{RESULTS}/provenance.json",
        parameters=f"{RESULTS}/parameters.json",
    log:
        f"logs/{config['experiment']}/provenance.log",
    benchmark:
        f"logs/{config['experiment']}/provenance.benchmark.tsv"
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(500),
        runtime=scaled(10),
    params:
        settings=parameters.to_json(config),
        data=lambda wc, input: [
            word for file in input.data for word in ("--data", file)
        ],
        code=step_hash("provenance"),
    shell:
        "texshape run provenance --settings {params.settings:q} {params.data:q}"
        " --output {output.record:q} --parameters-output {output.parameters:q} > {log:q} 2>&1"


rule track:
    input:
        ARTICLE,
        f"{RESULTS}/provenance.json",
        parameters=f"{RESULTS}/parameters.json",
    output:
        f"{RESULTS}/tracking.json",
    log:
        f"logs/{config['experiment']}/track.log",
    benchmark:
        f"logs/{config['experiment']}/track.benchmark.tsv"
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(30),
    params:
        results=lambda wc, output: parent(output[0]),
        networks=[
            word
            for run in [*RUNS, "pixels--baseline/seed-0"]
            for word in ("--network", run)
        ],
        code=step_hash("track"),
    shell:
        "texshape track {params.results:q} {params.networks:q} > {log:q} 2>&1"
