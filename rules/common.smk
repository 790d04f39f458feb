# The plan of this experiment, and what rules ask it. No rules here.
import os
import shlex
import sys
from functools import partial
from pathlib import Path

from snakemake.exceptions import WorkflowError

from texshape import parameters
from texshape.errors import InputError
from texshape.experiment import job_settings, running
from texshape.experiment.image_sets import SPLITS
from texshape.experiment.networks import BASE
from texshape.experiment.runs import PIXELS, WILDCARDS, RunId
from texshape.experiment.sources import CONFLICT
from texshape.experiment.steps import (
    call,
    figure_stem,
    folder,
    folder_above,
    needs,
    scaled,
    shard,
    step,
)
from texshape.experiment.words import any_of, options, parent
from texshape.figures.report import shown
from texshape.models.cards import local_files

# Snakemake takes braces in a path for the name of something to be put in.
if set("{}") & set(str(workflow.basedir)):
    raise WorkflowError(
        f"the path of the clone must hold no braces, found {str(workflow.basedir)!r}: rename or move it"
    )
try:
    PLAN, STORAGE = running.planned(workflow, config)
except InputError as error:
    raise WorkflowError(str(error)) from None
config["training"] = PLAN.parameters["training"]
LAYOUT, SOURCE = PLAN.layout, PLAN.source


# Where asked (`--sdm apptainer`), every rule runs in this image, made of envs/Dockerfile.
container: os.environ.get("TEXSHAPE_CONTAINER", "envs/texshape.sif")


# The commands of this environment, whether or not it is activated, in a folder of any name; a container has its own.
BIN = shlex.quote(str(Path(sys.executable).parent))
shell.prefix(
    '[ -n "${{APPTAINER_CONTAINER:-}}${{SINGULARITY_CONTAINER:-}}" ] || '
    f"export PATH={BIN.replace('{', '{{').replace('}', '}}')}:$PATH; "
)


wildcard_constraints:
    model="[A-Za-z0-9._-]+",
    seed=r"\d+",
    epoch=r"\d+",
    table=any_of(PLAN.per_run),
    variant=any_of(config["data"]["variants"]),
    split=any_of(SPLITS),
    stylization=any_of(PLAN.stylizations),
    conflict=any_of(PLAN.conflicts),
    shard=r"\d{5}-of-\d{5}",


section = partial(job_settings.section, PLAN)


def run_of(wildcards):
    """The network that a job is about."""
    return RunId.of_model(wildcards.model, int(wildcards.seed))


def by_run(ask):
    """What is asked of a network, as a function of the wildcards."""
    return lambda wildcards: ask(run_of(wildcards))


def absent(run):
    """What says whether a network that others publish can be had; none of a network of our own."""
    return LAYOUT.unavailable(run) if run.model in PLAN.fetched else None


def plain(file):
    """The path of a file as results name it, whatever storage it is staged from."""
    return running.plain(file, STORAGE)


def drawn(place, *said):
    """A figure as SVG, which Snakemake's report shows, and as PNG."""
    files = [LAYOUT.figure(place, kind) for kind in ("svg", "png")]
    return [report(files[0], **shown(*said or [place])), files[1]]


def note_what_was_made():
    """Write the record of the result files; that it cannot be written loses no result."""
    try:
        running.note_what_was_made(workflow, PLAN, STORAGE)
    except InputError as error:
        logger.warning(f"What made the results was not recorded: {error}")
