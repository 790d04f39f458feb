# How far the units see, in theory and by gradient, and what they answer to.


rule architectures:
    output:
        LAYOUT.table("architectures"),
    log:
        LAYOUT.log("architectures"),
    benchmark:
        LAYOUT.benchmark("architectures")
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(2000),
        runtime=scaled(20),
    params:
        code=step_hash("architectures"),
    shell:
        "texshape run architectures --output {output:q} > {log:q} 2>&1"
