# Photographs in class folders, split and decoded once.
from texshape.data.listing import listing_hash

# No parameter of the rule: another size of a batch reads no photograph anew.
LARGEST_BATCH = max(
    (PLAN.recipe(model).batch_size for model in PLAN.trained), default=0
)


# What it read, and what not, is shown too: one may want to stop here.
rule photographs:
    output:
        LAYOUT.photographs,
        LAYOUT.pictures(BASE, *PLAN.photograph_sets),
    conda:
        "../envs/texshape.yaml"
    threads: config["data"]["folder"]["workers"]
    resources:
        **needs(2000, 240),
    params:
        **step(
            "photographs",
            settings=job_settings.photographs(PLAN),
            seed=config["seed"],
            output_dir=folder,
        ),
        # The names of all files: one that is added or taken away reruns this.
        listing=lambda wc: listing_hash(
            [config["data"]["folder"][key] for key in ("source", "test_source")]
        ),
    shell:
        "texshape run {params.words:q} {params.files:q} --workers {threads} --batch-size {LARGEST_BATCH}"
        " 2>&1 | tee {log:q}"
