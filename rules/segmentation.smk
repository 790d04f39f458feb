# Segmentation read-outs from the maps of every stage; ground truth is exact on drawn images.


rule segmentation:
    input:
        checkpoint=lambda wc: (
            f"{RESULTS}/{wc.model}/seed-{wc.seed}/checkpoints/epoch-{wc.epoch}.pt"
            if wc.model in TRAINED
            else []
        ),
        images=set_files("base", "cue-conflict") if MASKS else [],
    output:
        table=f"{RESULTS}/{{model}}/seed-{{seed}}/segmentation/epoch-{{epoch}}.csv",
        pictures=f"{RESULTS}/{{model}}/seed-{{seed}}/segmentation/epoch-{{epoch}}.npz",
    log:
        f"logs/{config['experiment']}/segmentation/{{model}}/seed-{{seed}}-{{epoch}}.log",
    benchmark:
        f"logs/{config['experiment']}/segmentation/{{model}}/seed-{{seed}}-{{epoch}}.benchmark.tsv"
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=scaled(2500),
        runtime=scaled(120),
    params:
        network=lambda wc, input: input.get("checkpoint") or NAMED[wc.model],
        random=lambda wc: (
            ["--untrained"] if wc.model in NAMED and int(wc.epoch) == 0 else []
        ),
        images=lambda wc, input: (
            ["--set", stem(input.images)] if input.images else ["--voc", VOC]
        ),
        settings=lambda wc: segmentation_settings(wc.model, wc.seed, wc.epoch),
        seed=lookup(dpath="seed", within=config),
        code=step_hash("segmentation"),
    shell:
        "texshape run segmentation --network {params.network:q} {params.random:q} {params.images:q}"
        " --settings {params.settings:q} --seed {params.seed} --threads {threads}"
        " --pictures {output.pictures:q} --output {output.table:q} > {log:q} 2>&1"
