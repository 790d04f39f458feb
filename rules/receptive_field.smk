# How far the units see, in theory and by gradient, and what they answer to.


rule receptive_field:
    input:
        network=lambda wc: network_files(f"{wc.model}/seed-{wc.seed}"),
        untrained=lambda wc: untrained_files(wc.model, wc.seed),
        images=set_files("base", FIELD_SET, masks=False),
    output:
        table=f"{RESULTS}/{{model}}/seed-{{seed}}/receptive_field.csv",
        maps=f"{RESULTS}/{{model}}/seed-{{seed}}/influence.npz",
    log:
        f"logs/{config['experiment']}/receptive_field/{{model}}/seed-{{seed}}.log",
    benchmark:
        f"logs/{config['experiment']}/receptive_field/{{model}}/seed-{{seed}}.benchmark.tsv"
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=scaled(3000),
        runtime=scaled(60),
    params:
        network=lambda wc: network_name(f"{wc.model}/seed-{wc.seed}"),
        untrained=lambda wc, input: (
            ["--untrained", input.untrained] if input.untrained else []
        ),
        images=lambda wc, input: stem(input.images),
        settings=section("receptive_field"),
        evaluation=section("evaluation"),
        draw=lookup(dpath="seed", within=config),
        code=step_hash("receptive-field"),
    shell:
        "texshape run receptive-field --network {params.network:q} {params.untrained:q}"
        " --set {params.images:q} --maps {output.maps:q} --settings {params.settings:q}"
        " --evaluation {params.evaluation:q} --seed {wildcards.seed} --draw {params.draw}"
        " --threads {threads} --output {output.table:q} > {log:q} 2>&1"


rule feature_visualization:
    input:
        network=lambda wc: network_files(f"{wc.model}/seed-{wc.seed}"),
        images=(
            set_files("base", FIELD_SET, masks=False)
            if config["feature_visualization"]["selection"] == "variance"
            else []
        ),
    output:
        f"{RESULTS}/{{model}}/seed-{{seed}}/feature_visualization.npz",
    log:
        f"logs/{config['experiment']}/feature_visualization/{{model}}/seed-{{seed}}.log",
    benchmark:
        f"logs/{config['experiment']}/feature_visualization/{{model}}/seed-{{seed}}.benchmark.tsv"
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=scaled(3000),
        runtime=scaled(120),
    params:
        network=lambda wc: network_name(f"{wc.model}/seed-{wc.seed}"),
        images=lambda wc, input: ["--set", stem(input.images)] if input.images else [],
        settings=section("feature_visualization"),
        evaluation=section("evaluation"),
        seed=lookup(dpath="seed", within=config),
        code=step_hash("feature-visualization"),
    shell:
        "texshape run feature-visualization --network {params.network:q}"
        " {params.images:q} --settings {params.settings:q} --evaluation {params.evaluation:q}"
        " --seed {params.seed} --threads {threads} --output {output:q} > {log:q} 2>&1"


rule architectures:
    output:
        f"{TABLES}/architectures.csv",
    log:
        f"logs/{config['experiment']}/architectures.log",
    benchmark:
        f"logs/{config['experiment']}/architectures.benchmark.tsv"
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
