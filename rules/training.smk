# Training: one job a network and seed, resumable.


rule train:
    input:
        train=lambda wc: [
            file
            for name in arm_of(wc.model)["sets"]
            for file in set_files(variant_of(wc.model), f"train-{name}", masks=False)
        ],
        validation=lambda wc: [
            file
            for name in arm_of(wc.model)["sets"]
            for file in set_files(
                variant_of(wc.model), f"validation-{name}", masks=False
            )
        ],
        initial=lambda wc: initial_files(wc.model, wc.seed),
    output:
        final=f"{RESULTS}/{{model}}/seed-{{seed}}/checkpoints/final.pt",
        epochs=[
            f"{RESULTS}/{{model}}/seed-{{seed}}/checkpoints/epoch-{epoch:03d}.pt"
            for epoch in config["training"]["checkpoint_epochs"]
        ],
        history=f"{RESULTS}/{{model}}/seed-{{seed}}/history.csv",
    log:
        f"logs/{config['experiment']}/train/{{model}}/seed-{{seed}}.log",
    benchmark:
        f"logs/{config['experiment']}/train/{{model}}/seed-{{seed}}.benchmark.tsv"
    priority: 2  # what waits for all networks can then run beside other jobs
    conda:
        "../envs/texshape.yaml"
    threads: lambda wc: gpus_of(wc.model)
    resources:
        gpu=lambda wc: gpus_of(wc.model),
        mem_mb=lambda wc, attempt: 1800 * gpus_of(wc.model) * attempt,
        runtime=scaled(120),
    params:
        architecture=lambda wc: TRAINED[wc.model]["architecture"],
        settings=lambda wc: parameters.to_json(training_parameters(wc.model)),
        train=lambda wc: [
            word
            for name in arm_of(wc.model)["sets"]
            for word in ("--train", f"{DATA}/{variant_of(wc.model)}/train-{name}")
        ],
        validation=lambda wc: [
            word
            for name in arm_of(wc.model)["sets"]
            for word in (
                "--validation",
                f"{DATA}/{variant_of(wc.model)}/validation-{name}",
            )
        ],
        initial=lambda wc: (
            ["--initial", initial_network(wc.model, wc.seed)]
            if initial_network(wc.model, wc.seed)
            else []
        ),
        output_dir=lambda wc, output: parent(output.history),
        code=step_hash("train"),
    shell:
        "texshape run train --architecture {params.architecture:q} --settings {params.settings:q}"
        " --seed {wildcards.seed} {params.train:q} {params.validation:q}"
        " {params.initial:q} --output-dir {params.output_dir:q} --threads {threads} > {log:q} 2>&1"
