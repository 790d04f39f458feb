# Public data: the published stimuli as image sets, and the published trials of humans and networks.


# The nodes of a cluster may lack a network.
localrules:
    published_stimuli,
    published_trials,


rule published_stimuli:
    output:
        [
            f"{DATA}/base/{name}.{part}"
            for name in ["cue-conflict", "edges", "silhouettes"]
            for part in ["images.npy", "labels.csv"]
        ],
    log:
        f"logs/{config['experiment']}/published_stimuli.log",
    benchmark:
        f"logs/{config['experiment']}/published_stimuli.benchmark.tsv"
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
        f"{DATA}/trials/manifest.csv",
    log:
        f"logs/{config['experiment']}/published_trials.log",
    benchmark:
        f"logs/{config['experiment']}/published_trials.benchmark.tsv"
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
