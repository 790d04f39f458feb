# How much texture and how much shape does a vision network use, and how much of each does it know?
# One experiment from data to article: `snakemake --cores all [--configfile experiments/NAME.yaml]`.
from snakemake.utils import min_version

min_version("9.17")


configfile: "params.yaml"


include: "rules/common.smk"
include: "rules/steps.smk"


for name in SOURCE.rules:

    include: f"rules/{name}.smk"


include: "rules/stylize.smk"
include: "rules/training.smk"
include: "rules/trials.smk"
include: "rules/features.smk"
include: "rules/techniques.smk"
include: "rules/receptive_field.smk"
include: "rules/robustness.smk"
include: "rules/tables.smk"
include: "rules/comparison.smk"
include: "rules/figures.smk"
include: "rules/article.smk"
include: "rules/tracking.smk"


# Seconds each: not worth a job of a cluster.
localrules:
    all,
    article,
    claims,
    concatenate,
    corruption_errors,
    figure_origins,
    origins,
    provenance,
    stylization_fitness,
    summarize,
    tabulate_reconstruction,
    track,


try:
    running.log_each_rule(workflow, PLAN)
    running.ask_in_words_of_the_scheduler(workflow)
except InputError as error:
    raise WorkflowError(str(error)) from None


onstart:  # one block alone: Snakemake runs the last
    running.begin(workflow, config)


rule all:
    default_target: True
    input:
        LAYOUT.article,
        # Named one by one, so that a lost file is made anew even where nothing else needs it.
        PLAN.kept,
        LAYOUT.file("tracking.json"),


# What made each file is noted for `texshape verify`, and for Snakemake itself in another folder.
onsuccess:
    note_what_was_made()


onerror:
    note_what_was_made()
