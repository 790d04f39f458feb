# From tables to figures, and the experiment in brief. Nothing here computes a measure.
from dataclasses import asdict

from texshape.figures.report import shown


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
        [
            file
            for name in PLAN.sets_on_contact_sheet
            for file in LAYOUT.set_files(BASE, name, masks=False)
        ],
    output:
        report(
            LAYOUT.figure("contact_sheet"),
            **shown("contact_sheet"),
        ),
        LAYOUT.figure("contact_sheet", "png"),
    log:
        LAYOUT.log("contact_sheet"),
    benchmark:
        LAYOUT.benchmark("contact_sheet")
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(800),
        runtime=scaled(10),
    params:
        sets=options(
            "--set", [LAYOUT.set(BASE, name) for name in PLAN.sets_on_contact_sheet]
        ),
        stem=lambda wc, output: output[0].removesuffix(".svg"),
        code=step_hash("contact-sheet"),
    shell:
        "texshape run contact-sheet {params.sets:q} --output-stem {params.stem:q} > {log:q} 2>&1"


rule figures:
    input:
        list(map(LAYOUT.table, PLAN.tables)),
    output:
        [
            report(
                LAYOUT.figure(name),
                **shown(name),
            )
            for name in PLAN.figures
        ],
        [LAYOUT.figure(name, "png") for name in PLAN.figures],
        PLAN.undrawn,
    log:
        LAYOUT.log("figures"),
    benchmark:
        LAYOUT.benchmark("figures")
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(800),
        runtime=scaled(20),
    params:
        names=PLAN.figures,
        tables=lambda wc, input: parent(input[0]),
        output_dir=lambda wc, output: parent(output[0]),
        settings=job_settings.figures(PLAN),
        left_out=options("--left-out", PLAN.undrawn),
        code=step_hash("figures"),
    shell:
        "texshape run figures {params.names:q} --tables {params.tables:q} {params.left_out:q}"
        " --output-dir {params.output_dir:q} --settings {params.settings:q} > {log:q} 2>&1"


rule summarize:
    input:
        list(map(LAYOUT.table, PLAN.summarized)),
    output:
        metrics=LAYOUT.file("metrics.json"),
        models=LAYOUT.file("models.csv"),
    log:
        LAYOUT.log("summarize"),
    benchmark:
        LAYOUT.benchmark("summarize")
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(500),
        runtime=scaled(10),
    params:
        trained=parameters.to_json(
            {model: asdict(trained) for model, trained in PLAN.trained.items()}
        ),
        named=parameters.to_json(PLAN.named),
        by_set=["--by-set"] if PLAN.other_conflicts else [],
        tables=lambda wc, input: parent(input[0]),
        code=step_hash("summarize"),
    shell:
        "texshape run summarize --trained {params.trained:q} --named {params.named:q}"
        " --tables {params.tables:q} {params.by_set:q} --metrics {output.metrics:q} --models {output.models:q}"
        " > {log:q} 2>&1"


rule figure_influence:
    input:
        LAYOUT.measure(PLAN.shown_runs[0], "influence", ending=".npz"),
    output:
        report(
            LAYOUT.figure("influence"),
            **shown("influence"),
        ),
        LAYOUT.figure("influence", "png"),
    log:
        LAYOUT.log("figure_influence"),
    benchmark:
        LAYOUT.benchmark("figure_influence")
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(800),
        runtime=scaled(10),
    params:
        stem=lambda wc, output: output[0].removesuffix(".svg"),
        mass=config["receptive_field"]["mass"],
        code=step_hash("figure-influence"),
    shell:
        "texshape run figure-influence --maps {input:q} --mass {params.mass} --output-stem {params.stem:q}"
        " > {log:q} 2>&1"


rule figure_feature_visualization:
    input:
        [
            LAYOUT.measure(run, "feature_visualization", ending=".npz")
            for run in PLAN.shown_runs
        ],
    output:
        report(
            LAYOUT.figure("feature_visualization"),
            **shown("feature_visualization"),
        ),
        LAYOUT.figure("feature_visualization", "png"),
    log:
        LAYOUT.log("figure_feature_visualization"),
    benchmark:
        LAYOUT.benchmark("figure_feature_visualization")
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(800),
        runtime=scaled(10),
    params:
        files=lambda wc, input: options("--input", input),
        stem=lambda wc, output: output[0].removesuffix(".svg"),
        code=step_hash("figure-feature-visualization"),
    shell:
        "texshape run figure-feature-visualization {params.files:q} --output-stem {params.stem:q}"
        " > {log:q} 2>&1"


rule figure_architectures:
    input:
        published=LAYOUT.table("architectures"),
        ours=(
            [LAYOUT.table(name) for name in ("receptive_field", "accuracy")]
            if PLAN.trained
            else []
        ),
    output:
        report(
            LAYOUT.figure("architectures"),
            **shown("architectures"),
        ),
        LAYOUT.figure("architectures", "png"),
    log:
        LAYOUT.log("figure_architectures"),
    benchmark:
        LAYOUT.benchmark("figure_architectures")
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
        LAYOUT.measure(PLAN.shown_runs[0], "segmentation", ending=".npz"),
    output:
        report(
            LAYOUT.figure("segmentation_pictures"),
            **shown("segmentation_pictures"),
        ),
        LAYOUT.figure("segmentation_pictures", "png"),
    log:
        LAYOUT.log("figure_segmentation"),
    benchmark:
        LAYOUT.benchmark("figure_segmentation")
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(800),
        runtime=scaled(10),
    params:
        stem=lambda wc, output: output[0].removesuffix(".svg"),
        target="shape" if SOURCE.masks else config["segmentation"]["targets"][-1],
        code=step_hash("figure-segmentation"),
    shell:
        "texshape run figure-segmentation --input {input:q} --target {params.target:q}"
        " --output-stem {params.stem:q} > {log:q} 2>&1"
