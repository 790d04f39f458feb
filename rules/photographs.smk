# Photographs in class folders, split and decoded once.
from texshape.data.listing import listing_hash

# No parameter of the rule: another size of a batch reads no photograph anew.
LARGEST_BATCH = max(
    (PLAN.recipe(model).batch_size for model in PLAN.trained), default=0
)


# What it read, and what not, is shown too: one may want to stop here.
rule photographs:
    output:
        sets=[
            file
            for name in PLAN.photograph_sets
            for file in LAYOUT.set_files(BASE, name, masks=False)
        ],
        manifest=LAYOUT.photographs,
    log:
        LAYOUT.log("photographs"),
    benchmark:
        LAYOUT.benchmark("photographs")
    conda:
        "../envs/texshape.yaml"
    threads: config["data"]["folder"]["workers"]
    resources:
        mem_mb=scaled(2000),
        runtime=scaled(240),
    params:
        settings=job_settings.photographs(PLAN),
        # The names of all files: one that is added or taken away reruns this.
        files=lambda wc: listing_hash(
            [config["data"]["folder"][key] for key in ("source", "test_source")]
        ),
        seed=config["seed"],
        output_dir=lambda wc, output: parent(output.manifest),
        code=step_hash("photographs"),
    shell:
        "texshape run photographs --settings {params.settings:q} --seed {params.seed}"
        " --workers {threads} --output-dir {params.output_dir:q} --batch-size {LARGEST_BATCH}"
        " 2>&1 | tee {log:q}"
