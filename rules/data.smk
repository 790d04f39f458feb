# Image sets drawn by the program.


rule render:
    output:
        images=f"{DATA}/{{variant}}/{{set}}.images.npy",
        labels=f"{DATA}/{{variant}}/{{set}}.labels.csv",
        masks=f"{DATA}/{{variant}}/{{set}}.masks.npy",
    log:
        f"logs/{config['experiment']}/render/{{variant}}/{{set}}.log",
    benchmark:
        f"logs/{config['experiment']}/render/{{variant}}/{{set}}.benchmark.tsv"
    wildcard_constraints:
        # Not what style transfer makes.
        set=rf"(?!(?:{'|'.join(map(re.escape, NEURAL_SETS))})\.)[A-Za-z0-9._-]+",
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(800),
        runtime=scaled(60),
    params:
        settings=lambda wc: data_settings(wc.variant, wc.set),
        seed=lookup(dpath="seed", within=config),
        output_dir=lambda wc, output: parent(output[0]),
        code=step_hash("render"),
    shell:
        "texshape run render --settings {params.settings:q} --seed {params.seed}"
        " --variant {wildcards.variant:q} --set {wildcards.set:q} --workers {threads}"
        " --output-dir {params.output_dir:q} > {log:q} 2>&1"
