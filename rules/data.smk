# Image sets drawn by the program.


rule render:
    output:
        LAYOUT.set_files("{variant}", "{set}"),
    log:
        LAYOUT.log("render/{variant}/{set}"),
    benchmark:
        LAYOUT.benchmark("render/{variant}/{set}")
    wildcard_constraints:
        # Not what style transfer makes.
        set=rf"(?!(?:{any_of(PLAN.neural_sets)})\.)[A-Za-z0-9._-]+",
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(800),
        runtime=scaled(60),
    params:
        settings=lambda wc: job_settings.drawn(PLAN, wc.variant, wc.set),
        seed=config["seed"],
        output_dir=lambda wc, output: parent(output[0]),
        code=step_hash("render"),
    shell:
        "texshape run render --settings {params.settings:q} --seed {params.seed}"
        " --variant {wildcards.variant:q} --set {wildcards.set:q} --workers {threads}"
        " --output-dir {params.output_dir:q} > {log:q} 2>&1"
