# Stimuli made of test photographs: those brought into conflict, and edge drawings.


rule exemplars:
    input:
        LAYOUT.set_files(BASE, "test-plain", masks=False),
    output:
        [
            file
            for name in ("shape-exemplars", "texture-exemplars")
            for file in LAYOUT.set_files(BASE, name, masks=False)
        ],
    log:
        LAYOUT.log("exemplars"),
    benchmark:
        LAYOUT.benchmark("exemplars")
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(800),
        runtime=scaled(20),
    params:
        images=lambda wc, input: stem(input),
        shapes=config["data"]["shape_exemplars"],
        textures=config["data"]["texture_exemplars"],
        output_dir=lambda wc, output: parent(output[0]),
        code=step_hash("exemplars"),
    shell:
        "texshape run exemplars --set {params.images:q} --shape-exemplars {params.shapes}"
        " --texture-exemplars {params.textures} --output-dir {params.output_dir:q} > {log:q} 2>&1"


rule edges:
    input:
        LAYOUT.set_files(BASE, "test-plain", masks=False),
    output:
        LAYOUT.set_files(BASE, "edges", masks=False),
    log:
        LAYOUT.log("edges"),
    benchmark:
        LAYOUT.benchmark("edges")
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
