# How much texture and how much shape does a vision network use, and how much of each does it know?
# One experiment from data to article: `snakemake --cores all [--configfile experiments/NAME.yaml]`.
from snakemake.utils import min_version

min_version("9.1")


configfile: "params.yaml"


include: "rules/common.smk"


for name in SOURCE["rules"]:

    include: f"rules/{name}.smk"


include: "rules/stylize.smk"
include: "rules/training.smk"
include: "rules/trials.smk"
include: "rules/features.smk"
include: "rules/receptive_field.smk"
include: "rules/segmentation.smk"
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
    concatenate,
    corruption_errors,
    provenance,
    summarize,
    track,


rule all:
    default_target: True
    input:
        ARTICLE,
        # Named one by one, so that a lost file is made anew even where nothing else needs it.
        KEPT,
        f"{RESULTS}/tracking.json",
