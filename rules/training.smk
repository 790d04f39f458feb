# Training: one job a network and seed, resumable.

# Pictures of the sets that a network is trained or validated on.
pictures_for = lambda split: lambda wc: [
    file
    for one in PLAN.training_sets(wc.model, split)
    for file in LAYOUT.pictures(*one)
]


use rule threaded_step as train with:
    input:
        by_run(PLAN.initial_files),
        train=pictures_for("train"),
        validation=pictures_for("validation"),
    output:
        LAYOUT.history(WILDCARDS),
        LAYOUT.checkpoint(WILDCARDS),
        [LAYOUT.checkpoint(WILDCARDS, epoch) for epoch in PLAN.checkpoint_epochs],
    priority: 2  # what waits for all networks can then run beside other jobs
    threads: lambda wc: PLAN.gpus(wc.model)
    resources:
        gpu=lambda wc: PLAN.gpus(wc.model),
        mem_mb=lambda wc, attempt: 1800 * PLAN.gpus(wc.model) * attempt,
        runtime=scaled(120),
    params:
        **step(
            "train",
            architecture=lambda wc: run_of(wc).architecture,
            settings=lambda wc: PLAN.recipe(wc.model).to_json(),
            seed=lambda wc: wc.seed,
            initial=by_run(PLAN.initial),
            output_dir=folder,
        ),
