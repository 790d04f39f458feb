# Stimuli made of test photographs: those brought into conflict, and edge drawings.


rule exemplars:
    input:
        set_files("base", "test-plain", masks=False),
    output:
        [
            file
            for name in ("shape-exemplars", "texture-exemplars")
            for file in set_files("base", name, masks=False)
        ],
    log:
        f"logs/{config['experiment']}/exemplars.log",
    benchmark:
        f"logs/{config['experiment']}/exemplars.benchmark.tsv"
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(800),
        runtime=scaled(20),
    params:
        images=lambda wc, input: stem(input),
        shapes=lookup(dpath="data/shape_exemplars", within=config),
        textures=lookup(dpath="data/texture_exemplars", within=config),
        output_dir=lambda wc, output: parent(output[0]),
        code=step_hash("exemplars"),
    shell:
        "texshape run exemplars --set {params.images:q} --shape-exemplars {params.shapes}"
        " --texture-exemplars {params.textures} --output-dir {params.output_dir:q} > {log:q} 2>&1"


rule edges:
    input:
        set_files("base", "test-plain", masks=False),
    output:
        set_files("base", "edges", masks=False),
    log:
        f"logs/{config['experiment']}/edges.log",
    benchmark:
        f"logs/{config['experiment']}/edges.benchmark.tsv"
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1500),
        runtime=scaled(60),
    params:
        images=lambda wc, input: stem(input),
        stem=lambda wc, output: stem(output),
        code=step_hash("edges"),
    shell:
        "texshape run edges --set {params.images:q} --output {params.stem:q} > {log:q} 2>&1"
