# Training: one job a network and seed, resumable.


rule train:
    input:
        train=lambda wc: [
            file
            for one in PLAN.training_sets(wc.model, "train")
            for file in LAYOUT.set_files(*one, masks=False)
        ],
        validation=lambda wc: [
            file
            for one in PLAN.training_sets(wc.model, "validation")
            for file in LAYOUT.set_files(*one, masks=False)
        ],
        initial=lambda wc: PLAN.initial_files(run_of(wc)),
    output:
        final=LAYOUT.checkpoint(WILDCARDS),
        epochs=[LAYOUT.checkpoint(WILDCARDS, epoch) for epoch in PLAN.checkpoint_epochs],
        history=LAYOUT.history(WILDCARDS),
    log:
        LAYOUT.log(f"train/{WILDCARDS}"),
    benchmark:
        LAYOUT.benchmark(f"train/{WILDCARDS}")
    priority: 2  # what waits for all networks can then run beside other jobs
    conda:
        "../envs/texshape.yaml"
    threads: lambda wc: PLAN.gpus(wc.model)
    resources:
        gpu=lambda wc: PLAN.gpus(wc.model),
        mem_mb=lambda wc, attempt: 1800 * PLAN.gpus(wc.model) * attempt,
        runtime=scaled(120),
    params:
        architecture=lambda wc: run_of(wc).architecture,
        settings=lambda wc: PLAN.recipe(wc.model).to_json(),
        train=lambda wc: options(
            "--train",
            [LAYOUT.set(*one) for one in PLAN.training_sets(wc.model, "train")],
        ),
        validation=lambda wc: options(
            "--validation",
            [LAYOUT.set(*one) for one in PLAN.training_sets(wc.model, "validation")],
        ),
        initial=lambda wc: (
            ["--initial", PLAN.initial(run_of(wc))] if PLAN.initial(run_of(wc)) else []
        ),
        output_dir=lambda wc, output: parent(output.history),
        code=step_hash("train"),
    shell:
        "texshape run train --architecture {params.architecture:q} --settings {params.settings:q}"
        " --seed {wildcards.seed} {params.train:q} {params.validation:q}"
        " {params.initial:q} --output-dir {params.output_dir:q} --threads {threads} > {log:q} 2>&1"
