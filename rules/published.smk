# Public data: the published stimuli as image sets, and the published trials of humans and networks.


# The nodes of a cluster may lack a network.
localrules:
    published_answers,
    published_measures,
    published_stimuli,
    published_trials,


rule published_stimuli:
    output:
        [
            file
            for name in (CONFLICT, "edges", "silhouettes")
            for file in LAYOUT.set_files(BASE, name, masks=False)
        ],
    log:
        LAYOUT.log("published_stimuli"),
    benchmark:
        LAYOUT.benchmark("published_stimuli")
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1500),
        runtime=scaled(120),
    params:
        output_dir=lambda wc, output: parent(output[0]),
        code=step_hash("published-stimuli"),
    shell:
        "texshape run published-stimuli --output-dir {params.output_dir:q} > {log:q} 2>&1"


rule published_trials:
    output:
        f"{LAYOUT.published}/manifest.csv",
    log:
        LAYOUT.log("published_trials"),
    benchmark:
        LAYOUT.benchmark("published_trials")
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(500),
        runtime=scaled(120),
    params:
        output_dir=lambda wc, output: parent(output[0]),
        code=step_hash("published-trials"),
    shell:
        "texshape run published-trials --output-dir {params.output_dir:q} > {log:q} 2>&1"


rule published_measures:
    output:
        LAYOUT.table("published_measures"),
    log:
        LAYOUT.log("published_measures"),
    benchmark:
        LAYOUT.benchmark("published_measures")
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(500),
        runtime=scaled(120),
    params:
        code=step_hash("published-measures"),
    shell:
        "texshape run published-measures --output {output:q} > {log:q} 2>&1"


rule published_answers:
    input:
        f"{LAYOUT.published}/manifest.csv",
    output:
        LAYOUT.table("published_answers"),
    log:
        LAYOUT.log("published_answers"),
    benchmark:
        LAYOUT.benchmark("published_answers")
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1500),
        runtime=scaled(120),
    params:
        published=lambda wc, input: parent(input[0]),
        settings=section("bootstrap"),
        seed=config["seed"],
        code=step_hash("published-answers"),
    shell:
        "texshape run published-answers --published {params.published:q} --settings {params.settings:q}"
        " --seed {params.seed} --output {output:q} > {log:q} 2>&1"
