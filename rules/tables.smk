# One table over all networks from the same file of each.


rule concatenate:
    input:
        lambda wc: [
            f"{RESULTS}/{run}/{file}"
            for run, files in PER_RUN[wc.table].items()
            for file in files
        ],
    output:
        f"{TABLES}/{{table}}.csv",
    log:
        f"logs/{config['experiment']}/concatenate/{{table}}.log",
    benchmark:
        f"logs/{config['experiment']}/concatenate/{{table}}.benchmark.tsv"
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(500),
        runtime=scaled(10),
    params:
        results=lambda wc, output: parent(parent(output[0])),
        code=step_hash("concatenate"),
    shell:
        "texshape run concatenate {input:q} --results {params.results:q} --output {output:q}"
        " > {log:q} 2>&1"
