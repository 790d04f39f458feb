# One table over all networks from the same file of each.


rule concatenate:
    input:
        lambda wc: PLAN.per_run[wc.table],
    output:
        LAYOUT.table("{table}"),
    log:
        LAYOUT.log("concatenate/{table}"),
    benchmark:
        LAYOUT.benchmark("concatenate/{table}")
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
