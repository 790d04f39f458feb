# From tables to figures, and the experiment in brief. Nothing here computes a measure.


# Drawn in seconds: not worth a job of a cluster.
localrules:
    contact_sheet,
    figure_architectures,
    figure_feature_visualization,
    figure_influence,
    figure_segmentation,
    figures,


rule contact_sheet:
    input:
        [file for name in CONTACT_SETS for file in set_files("base", name, masks=False)],
    output:
        report(
            f"{FIGURES}/contact_sheet.svg",
            caption="../report/contact_sheet.rst",
            category=category("contact_sheet"),
            labels={"figure": "contact sheet"},
        ),
        f"{FIGURES}/contact_sheet.png",
    log:
        f"logs/{config['experiment']}/contact_sheet.log",
    benchmark:
        f"logs/{config['experiment']}/contact_sheet.benchmark.tsv"
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(800),
        runtime=scaled(10),
    params:
        sets=[
            word for name in CONTACT_SETS for word in ("--set", f"{DATA}/base/{name}")
        ],
        stem=lambda wc, output: output[0].removesuffix(".svg"),
        code=step_hash("contact-sheet"),
    shell:
        "texshape run contact-sheet {params.sets:q} --output-stem {params.stem:q} > {log:q} 2>&1"


rule figures:
    input:
        [f"{TABLES}/{name}.csv" for name in TABLE_NAMES],
    output:
        [
            report(
                f"{FIGURES}/{name}.svg",
                caption=f"../report/{name}.rst",
                category=category(name),
                labels={"figure": name.replace("_", " ")},
            )
            for name in FIGURE_NAMES
        ],
        [f"{FIGURES}/{name}.png" for name in FIGURE_NAMES],
    log:
        f"logs/{config['experiment']}/figures.log",
    benchmark:
        f"logs/{config['experiment']}/figures.benchmark.tsv"
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(800),
        runtime=scaled(20),
    params:
        names=FIGURE_NAMES,
        tables=lambda wc, input: parent(input[0]),
        output_dir=lambda wc, output: parent(output[0]),
        settings=figure_settings(),
        code=step_hash("figures"),
    shell:
        "texshape run figures {params.names:q} --tables {params.tables:q}"
        " --output-dir {params.output_dir:q} --settings {params.settings:q} > {log:q} 2>&1"


rule summarize:
    input:
        [f"{TABLES}/{name}.csv" for name in SUMMARIZED],
    output:
        metrics=f"{RESULTS}/metrics.json",
        models=f"{RESULTS}/models.csv",
    log:
        f"logs/{config['experiment']}/summarize.log",
    benchmark:
        f"logs/{config['experiment']}/summarize.benchmark.tsv"
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(500),
        runtime=scaled(10),
    params:
        trained=parameters.to_json(TRAINED),
        named=parameters.to_json(NAMED),
        by_set=["--by-set"] if OTHER_CONFLICTS else [],
        tables=lambda wc, input: parent(input[0]),
        code=step_hash("summarize"),
    shell:
        "texshape run summarize --trained {params.trained:q} --named {params.named:q}"
        " --tables {params.tables:q} {params.by_set:q} --metrics {output.metrics:q} --models {output.models:q}"
        " > {log:q} 2>&1"


rule figure_influence:
    input:
        f"{RESULTS}/{SHOWN_RUNS[0]}/influence.npz",
    output:
        report(
            f"{FIGURES}/influence.svg",
            caption="../report/influence.rst",
            category=category("influence"),
            labels={"figure": "influence"},
        ),
        f"{FIGURES}/influence.png",
    log:
        f"logs/{config['experiment']}/figure_influence.log",
    benchmark:
        f"logs/{config['experiment']}/figure_influence.benchmark.tsv"
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(800),
        runtime=scaled(10),
    params:
        stem=lambda wc, output: output[0].removesuffix(".svg"),
        code=step_hash("figure-influence"),
    shell:
        "texshape run figure-influence --maps {input:q} --output-stem {params.stem:q} > {log:q} 2>&1"


rule figure_feature_visualization:
    input:
        [f"{RESULTS}/{run}/feature_visualization.npz" for run in SHOWN_RUNS],
    output:
        report(
            f"{FIGURES}/feature_visualization.svg",
            caption="../report/feature_visualization.rst",
            category=category("feature_visualization"),
            labels={"figure": "feature visualization"},
        ),
        f"{FIGURES}/feature_visualization.png",
    log:
        f"logs/{config['experiment']}/figure_feature_visualization.log",
    benchmark:
        f"logs/{config['experiment']}/figure_feature_visualization.benchmark.tsv"
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(800),
        runtime=scaled(10),
    params:
        files=lambda wc, input: [word for file in input for word in ("--input", file)],
        stem=lambda wc, output: output[0].removesuffix(".svg"),
        code=step_hash("figure-feature-visualization"),
    shell:
        "texshape run figure-feature-visualization {params.files:q} --output-stem {params.stem:q}"
        " > {log:q} 2>&1"


rule figure_architectures:
    input:
        published=f"{TABLES}/architectures.csv",
        ours=(
            [f"{TABLES}/{name}.csv" for name in ("receptive_field", "accuracy")]
            if TRAINED
            else []
        ),
    output:
        report(
            f"{FIGURES}/architectures.svg",
            caption="../report/architectures.rst",
            category=category("architectures"),
            labels={"figure": "architectures"},
        ),
        f"{FIGURES}/architectures.png",
    log:
        f"logs/{config['experiment']}/figure_architectures.log",
    benchmark:
        f"logs/{config['experiment']}/figure_architectures.benchmark.tsv"
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(800),
        runtime=scaled(10),
    params:
        ours=lambda wc, input: (
            ["--receptive-field", input.ours[0], "--accuracy", input.ours[1]]
            if input.ours
            else []
        ),
        stem=lambda wc, output: output[0].removesuffix(".svg"),
        code=step_hash("figure-architectures"),
    shell:
        "texshape run figure-architectures --table {input.published:q} {params.ours:q}"
        " --output-stem {params.stem:q} > {log:q} 2>&1"


rule figure_segmentation:
    input:
        f"{RESULTS}/{SHOWN_RUNS[0]}/segmentation/epoch-{CHECKPOINT_EPOCHS[-1]:03d}.npz",
    output:
        report(
            f"{FIGURES}/segmentation_pictures.svg",
            caption="../report/segmentation_pictures.rst",
            category=category("segmentation_pictures"),
            labels={"figure": "segmentation pictures"},
        ),
        f"{FIGURES}/segmentation_pictures.png",
    log:
        f"logs/{config['experiment']}/figure_segmentation.log",
    benchmark:
        f"logs/{config['experiment']}/figure_segmentation.benchmark.tsv"
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(800),
        runtime=scaled(10),
    params:
        stem=lambda wc, output: output[0].removesuffix(".svg"),
        target="shape" if MASKS else config["segmentation"]["targets"][-1],
        code=step_hash("figure-segmentation"),
    shell:
        "texshape run figure-segmentation --input {input:q} --target {params.target:q}"
        " --output-stem {params.stem:q} > {log:q} 2>&1"
