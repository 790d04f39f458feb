# Every network by every measure, and what they say together.
from texshape.comparison.replication import tables_read
from texshape.experiment.plan import COMPARISON_TABLES


use rule step as compare with:
    input:
        [LAYOUT.table(name) for name in PLAN.tables if name not in COMPARISON_TABLES],
        [LAYOUT.trials(run, CONFLICT) for run in PLAN.runs],
        PLAN.last_readings,
        LAYOUT.published_list if SOURCE.published else [],
    output:
        list(map(LAYOUT.table, COMPARISON_TABLES)),
    resources:
        **needs(1500, 30),
    params:
        **step(
            "compare",
            tables=folder,
            settings=section("comparison"),
            seed=config["seed"],
            results=folder_above,
            network=PLAN.runs,
            readings=PLAN.last_readings,
            published=LAYOUT.published if SOURCE.published else None,
            without_arm=PLAN.arms_apart,
            without_model=PLAN.models_apart,
            technique=[technique.name for technique in PLAN.foreign],
            output_dir=folder,
        ),


use rule step as replication with:
    input:
        [LAYOUT.table(name) for name in tables_read()],
    output:
        output=LAYOUT.table("replication"),
    resources:
        **needs(500, 10),
    params:
        **step("replication", tables=folder),


use rule step as figure_disagreement_images with:
    input:
        LAYOUT.table("disagreement_images"),
        set=LAYOUT.pictures(BASE, CONFLICT),
    output:
        drawn("disagreement_images"),
    resources:
        **needs(800, 10),
    params:
        **step(
            "disagreement-sheet",
            tables=lambda wc, input: parent(input[0]),
            output_stem=figure_stem,
        ),
