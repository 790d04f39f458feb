# Segmentation read-outs from the maps of every stage; ground truth is exact on drawn images.


rule segmentation:
    input:
        checkpoint=lambda wc: (
            LAYOUT.checkpoint(run_of(wc), int(wc.epoch))
            if wc.model in PLAN.trained
            else []
        ),
        images=LAYOUT.set_files(BASE, CONFLICT) if SOURCE.masks else [],
    output:
        table=LAYOUT.measure(WILDCARDS, "segmentation", "{epoch}"),
        pictures=LAYOUT.measure(WILDCARDS, "segmentation", "{epoch}", ".npz"),
    log:
        LAYOUT.log(f"segmentation/{WILDCARDS}-{{epoch}}"),
    benchmark:
        LAYOUT.benchmark(f"segmentation/{WILDCARDS}-{{epoch}}")
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=scaled(2500),
        runtime=scaled(120),
    params:
        network=lambda wc, input: input.get("checkpoint") or PLAN.named[wc.model],
        random=lambda wc: (
            ["--untrained"] if wc.model in PLAN.named and int(wc.epoch) == 0 else []
        ),
        images=lambda wc, input: (
            ["--set", stem(input.images)] if input.images else ["--voc", PLAN.voc]
        ),
        settings=lambda wc: job_settings.segmentation(PLAN, run_of(wc), int(wc.epoch)),
        seed=config["seed"],
        code=step_hash("segmentation"),
    shell:
        "texshape run segmentation --network {params.network:q} {params.random:q} {params.images:q}"
        " --settings {params.settings:q} --seed {params.seed} --threads {threads}"
        " --pictures {output.pictures:q} --output {output.table:q} > {log:q} 2>&1"
