# How far the units see, in theory and by gradient, and what they answer to.


rule receptive_field:
    input:
        network=lambda wc: PLAN.network_files(run_of(wc)),
        untrained=lambda wc: PLAN.untrained_files(run_of(wc)),
        images=LAYOUT.set_files(BASE, PLAN.field_set, masks=False),
    output:
        table=LAYOUT.measure(WILDCARDS, "receptive_field"),
        maps=LAYOUT.measure(WILDCARDS, "influence", ending=".npz"),
    log:
        LAYOUT.log(f"receptive_field/{WILDCARDS}"),
    benchmark:
        LAYOUT.benchmark(f"receptive_field/{WILDCARDS}")
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=scaled(3000),
        runtime=scaled(60),
    params:
        network=lambda wc: PLAN.network(run_of(wc)),
        untrained=lambda wc: options("--untrained", PLAN.untrained_files(run_of(wc))),
        images=lambda wc, input: stem(input.images),
        settings=section("receptive_field"),
        evaluation=section("evaluation"),
        draw=config["seed"],
        code=step_hash("receptive-field"),
    shell:
        "texshape run receptive-field --network {params.network:q} {params.untrained:q}"
        " --set {params.images:q} --maps {output.maps:q} --settings {params.settings:q}"
        " --evaluation {params.evaluation:q} --seed {wildcards.seed} --draw {params.draw}"
        " --threads {threads} --output {output.table:q} > {log:q} 2>&1"


rule feature_visualization:
    input:
        network=lambda wc: PLAN.network_files(run_of(wc)),
        images=(
            LAYOUT.set_files(BASE, PLAN.field_set, masks=False)
            if config["feature_visualization"]["selection"] == "variance"
            else []
        ),
    output:
        LAYOUT.measure(WILDCARDS, "feature_visualization", ending=".npz"),
    log:
        LAYOUT.log(f"feature_visualization/{WILDCARDS}"),
    benchmark:
        LAYOUT.benchmark(f"feature_visualization/{WILDCARDS}")
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=scaled(3000),
        runtime=scaled(120),
    params:
        network=lambda wc: PLAN.network(run_of(wc)),
        images=lambda wc, input: ["--set", stem(input.images)] if input.images else [],
        settings=section("feature_visualization"),
        evaluation=section("evaluation"),
        seed=config["seed"],
        code=step_hash("feature-visualization"),
    shell:
        "texshape run feature-visualization --network {params.network:q}"
        " {params.images:q} --settings {params.settings:q} --evaluation {params.evaluation:q}"
        " --seed {params.seed} --threads {threads} --output {output:q} > {log:q} 2>&1"


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
