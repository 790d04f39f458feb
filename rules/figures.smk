# From tables to figures, and the experiment in brief. Nothing here computes a measure.
from dataclasses import asdict


# Drawn in seconds: not worth a job of a cluster.
localrules:
    contact_sheet,
    figure_architectures,
    figure_feature_visualization,
    figure_influence,
    figure_segmentation,
    figures,


use rule step as contact_sheet with:
    input:
        set=LAYOUT.pictures(BASE, *PLAN.sets_on_contact_sheet),
    output:
        drawn("contact_sheet"),
    resources:
        **needs(800, 10),
    params:
        **step("contact-sheet", output_stem=figure_stem),


use rule step as figures with:
    input:
        list(map(LAYOUT.table, PLAN.tables)),
    output:
        [file for name in PLAN.figures for file in drawn(name)],
        left_out=PLAN.undrawn,
    resources:
        **needs(800, 20),
    params:
        **step(
            "figures",
            PLAN.figures,
            tables=lambda wc, input: parent(input[0]),
            output_dir=folder,
            settings=job_settings.figures(PLAN),
        ),


use rule step as summarize with:
    input:
        list(map(LAYOUT.table, PLAN.summarized)),
    output:
        metrics=LAYOUT.file("metrics.json"),
        models=LAYOUT.file("models.csv"),
    resources:
        **needs(500, 10),
    params:
        **step(
            "summarize",
            trained=parameters.to_json(
                {model: asdict(trained) for model, trained in PLAN.trained.items()}
            ),
            named=parameters.to_json(PLAN.named),
            tables=lambda wc, input: parent(input[0]),
            by_set=bool(PLAN.other_conflicts),
        ),


use rule step as figure_influence with:
    input:
        maps=LAYOUT.measure(PLAN.shown_runs[0], "influence", ending=".npz"),
    output:
        drawn("influence"),
    resources:
        **needs(800, 10),
    params:
        **step(
            "figure-influence",
            mass=config["receptive_field"]["mass"],
            output_stem=figure_stem,
        ),


use rule step as figure_feature_visualization with:
    input:
        [
            LAYOUT.measure(run, "feature_visualization", ending=".npz")
            for run in PLAN.shown_runs
        ],
    output:
        drawn("feature_visualization"),
    resources:
        **needs(800, 10),
    params:
        **step(
            "figure-feature-visualization",
            input=lambda wc, input: input,
            output_stem=figure_stem,
        ),


use rule step as figure_architectures with:
    input:
        table=LAYOUT.table("architectures"),
        receptive_field=LAYOUT.table("receptive_field") if PLAN.trained else [],
        accuracy=LAYOUT.table("accuracy") if PLAN.trained else [],
    output:
        drawn("architectures"),
    resources:
        **needs(800, 10),
    params:
        **step("figure-architectures", output_stem=figure_stem),


use rule step as figure_segmentation with:
    input:
        LAYOUT.measure(PLAN.shown_runs[0], "segmentation", ending=".npz"),
    output:
        drawn("segmentation_pictures"),
    resources:
        **needs(800, 10),
    params:
        **step(
            "figure-segmentation",
            input=lambda wc, input: input,
            target="shape" if SOURCE.masks else config["segmentation"]["targets"][-1],
            output_stem=figure_stem,
        ),
