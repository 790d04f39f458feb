# The plan of this experiment, and what rules share. No rules here.
import shlex
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

from texshape import parameters, records
from texshape.core import snakemake_private
from texshape.errors import InputError
from texshape.experiment import job_settings
from texshape.experiment.grain import chained, measured_together
from texshape.experiment.layout import shard_names
from texshape.experiment.networks import BASE
from texshape.experiment.plan import COMPARISON_TABLES, SPLITS, Plan
from texshape.experiment.runs import PIXELS, WILDCARDS, RunId
from texshape.experiment.sources import CONFLICT
from texshape.figures.registry import declaration
from texshape.files import write_text
from texshape.source_code import step_hash, technique_hash
from texshape.techniques import registry

# Snakemake takes braces in a path for the name of something to be put in.
if set("{}") & set(str(workflow.basedir)):
    raise WorkflowError(
        f"the path of the clone must hold no braces, found {str(workflow.basedir)!r}: rename or move it"
    )
try:
    snakemake_private.check()
    PLAN = Plan(config)
    # Results that came from elsewhere (dvc pull, dvc checkout) bring the record of what made them.
    records.adopt(PLAN.layout.results)
except InputError as error:
    raise WorkflowError(str(error)) from None
config["training"] = PLAN.parameters["training"]
LAYOUT, SOURCE = PLAN.layout, PLAN.source

# The commands of this environment, whether or not it is activated; in a folder of any name.
BIN = shlex.quote(str(Path(sys.executable).parent))
shell.prefix(f"export PATH={BIN.replace('{', '{{').replace('}', '}}')}:$PATH; ")

PAPER = sorted(str(path) for path in Path("paper").rglob("*") if path.is_file())
NEVER = "(?!)"  # a wildcard that matches nothing


def any_of(names):
    """A wildcard's constraint: one of these names."""
    return "|".join(map(re.escape, names)) or NEVER


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


def run_of(wildcards):
    """The network that a job is about."""
    return RunId.of_model(wildcards.model, int(wildcards.seed))


def section(name):
    """A section of the parameters as the JSON that a step takes: every key of its model."""
    return job_settings.section(PLAN, name)


def options(option, values):
    """One option of a step for each value."""
    return [word for value in values for word in (option, str(value))]


def stem(files):
    """The stem of an image set, of which these are the files."""
    return str(files[0]).removesuffix(".images.npy")


def parent(path):
    """The folder that a file lies in."""
    return str(Path(path).parent)


def shard_numbers(shard):
    """`00001-of-00002` as options of a step."""
    number, total = map(int, shard.split("-of-"))
    return ["--shard", number, "--shards", total]


def part_options(files):
    """Stems of shards as options of the step that merges them."""
    ending = ".shard.json"
    parts = [file.removesuffix(ending) for file in files if file.endswith(ending)]
    return options("--part", parts)


def feature_parts(epoch):
    """What the step `features` writes for an epoch: the features, or those of one shard."""
    if config["features"]["shards"] == 1:
        return LAYOUT.feature_files(WILDCARDS, epoch)
    return [temp(file) for file in LAYOUT.feature_files(WILDCARDS, epoch, "{shard}")]


def technique_inputs(technique):
    """Files that a technique's jobs depend on, as a function of the wildcards."""

    def files(wildcards):
        run = run_of(wildcards)
        found = {
            "images": [
                file
                for name in PLAN.sets_of(technique, run.model)
                for file in LAYOUT.set_files(
                    BASE, name, masks=SOURCE.masks and name == CONFLICT
                )
            ]
        }
        if technique.features:
            found["features"] = LAYOUT.states(run, PLAN.states(technique, run))
        if technique.network:
            found["network"] = PLAN.network_files(run)
        if technique.untrained and 0 in PLAN.states(technique, run):
            found["untrained"] = PLAN.untrained_files(run)
        return found

    return files


def technique_options(technique):
    """Which network, states and images a technique's step is about: a function of the wildcards."""

    def words(wildcards):
        run = run_of(wildcards)
        roles = PLAN.roles(technique, run.model)
        return [
            *options("--epoch", PLAN.states(technique, run)),
            *options(
                "--network", [PLAN.named[run.model]] if run.model in PLAN.named else []
            ),
            *options(
                "--images",
                [f"{role}={name}" for role, names in roles.items() for name in names],
            ),
        ]

    return words


def technique_outputs(technique, run):
    """What a technique's job writes for a network."""
    files = [f"{LAYOUT.run(run)}/{name}" for name in technique.outputs]
    return files + ([LAYOUT.left_out(run, technique.name)] if technique.applies else [])


def technique_parameters(technique):
    """What a technique's step reads of the parameters: a function of the wildcards."""
    return lambda wildcards: job_settings.technique(PLAN, technique, run_of(wildcards))


def inputs_of_all(techniques):
    """Files that a job of several techniques depends on: a function of the wildcards."""

    def files(wildcards):
        found = {}
        for technique in techniques:
            for name, own in technique_inputs(technique)(wildcards).items():
                found.setdefault(name, {}).update(dict.fromkeys(own))
        return {name: list(own) for name, own in found.items()}

    return files


def steps_of_all(techniques):
    """The steps of several techniques as the words of one: a function of the wildcards."""

    def words(wildcards):
        run = run_of(wildcards)
        return chained(
            [
                [
                    technique.name.replace("_", "-"),
                    *["--results", LAYOUT.results, "--run", str(run)],
                    *map(str, technique_options(technique)(wildcards)),
                    *["--parameters", technique_parameters(technique)(wildcards)],
                    *["--threads", "1"],
                ]
                for technique in techniques
            ]
        )

    return words


def caption(name, text):
    """A caption of the report as a file, which is what Snakemake takes."""
    path = Path(".snakemake") / "captions" / f"{name}.rst"
    if not path.exists() or path.read_text(encoding="utf-8") != f"{text}\n":
        write_text(path, f"{text}\n")
    return str(path.resolve())


def shown(figure, name=None):
    """How the report shows a figure: caption, chapter and label, as its declaration says."""
    about = declaration(figure)
    label = {"figure": (name or figure).replace("_", " ")}
    return {
        "caption": caption(figure, about.caption),
        "category": about.chapter,
        "labels": label,
    }


def results_of(file):
    """The folder of results, of a file in a network's folder."""
    return str(Path(file).parents[2])


def exemplar_options(made, files, whole=True):
    """Where the exemplars of a conflict set come from (and, if whole, how many), as options."""
    if not made.drawn:
        return ["--contents", stem(files.contents), "--textures", stem(files.textures)]
    drawn = job_settings.drawn(PLAN, BASE, CONFLICT)
    words = ["--data", drawn, "--fill", made.entry.fill]
    count = made.entry.shape_exemplars if whole else None
    return [*words, "--shape-exemplars", count] if count else words


def gpus_of(model):
    """GPUs of the training of a network."""
    wanted = PLAN.gpus(model)
    limit = snakemake_private.limit(workflow, "gpu")
    if limit and limit < wanted:  # Snakemake would count fewer than the job takes
        raise WorkflowError(
            f"training.gpus_per_job: expected at most the limit gpu={limit}, found {wanted}"
        )
    return wanted


for trained in PLAN.trained:
    gpus_of(trained)  # says before any job what cannot be


def scaled(value):
    """A resource that grows with each attempt: what ran out of memory or time gets more."""
    return lambda wc, attempt: value * attempt


def note_what_was_made():
    """Write the record of the result files; that it cannot be written loses no result."""
    try:
        records.update(
            LAYOUT.results,
            snakemake_private.records_of(workflow),
            temporary=snakemake_private.temporary_files(workflow),
        )
    except InputError as error:
        logger.warning(f"What made the results was not recorded: {error}")
