# Photographs in class folders, split and decoded once.


# No parameter of the rule: another size of a batch reads no photograph anew.
LARGEST_BATCH = max(
    (training_parameters(model)["batch_size"] for model in TRAINED), default=0
)


# What it read, and what not, is shown too: one may want to stop here.
rule photographs:
    output:
        sets=[
            f"{DATA}/base/{split}-plain.{part}"
            for split in SPLITS
            for part in ("images.npy", "labels.csv")
        ],
        manifest=f"{DATA}/base/photographs.csv",
    log:
        f"logs/{config['experiment']}/photographs.log",
    benchmark:
        f"logs/{config['experiment']}/photographs.benchmark.tsv"
    conda:
        "../envs/texshape.yaml"
    threads: config["data"]["folder"]["workers"]
    resources:
        mem_mb=scaled(2000),
        runtime=scaled(240),
    params:
        settings=photograph_settings(),
        # The names of all files: one that is added or taken away reruns this.
        files=lambda wc: folder_listing(),
        seed=lookup(dpath="seed", within=config),
        output_dir=lambda wc, output: parent(output.manifest),
        code=step_hash("photographs"),
    shell:
        "texshape run photographs --settings {params.settings:q} --seed {params.seed}"
        " --workers {threads} --output-dir {params.output_dir:q} --batch-size {LARGEST_BATCH}"
        " 2>&1 | tee {log:q}"
