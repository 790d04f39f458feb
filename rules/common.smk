# Configuration, helpers and wildcard constraints. No rules here.
import hashlib
import os
import shlex
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

from texshape import parameters, records
from texshape.config import whole
from texshape.errors import InputError
from texshape.figures.registry import available, category
from texshape.models.names import slug as network_slug
from texshape.source_code import step_hash

# Snakemake takes braces in a path for the name of something to be put in.
if set("{}") & set(str(workflow.basedir)):
    raise WorkflowError(
        f"the path of the clone must hold no braces, found {str(workflow.basedir)!r}: rename or move it"
    )
try:
    whole.check(config)
    # Networks measured as they are: slug -> name.
    NAMED = {network_slug(name): name for name in config["networks"]}
except InputError as error:
    raise WorkflowError(str(error)) from None
# The last epoch that is measured is the end of the training, so that all measures are of one network.
config["training"]["checkpoint_epochs"] = parameters.measured_epochs(config["training"])

# The commands of this environment, whether or not it is activated; in a folder of any name.
BIN = shlex.quote(str(Path(sys.executable).parent))
shell.prefix(f"export PATH={BIN.replace('{', '{{').replace('}', '}}')}:$PATH; ")

RESULTS = f"results/{config['experiment']}"
# Results that came from elsewhere (dvc pull, dvc checkout) bring the record of what made them.
try:
    records.adopt(RESULTS)
except InputError as error:
    raise WorkflowError(str(error)) from None
DATA = f"{RESULTS}/data"
TABLES = f"{RESULTS}/tables"
FIGURES = f"{RESULTS}/figures"
ARTICLE = [f"{RESULTS}/paper.pdf", f"{RESULTS}/paper.html"]

PUBLISHED_SETS = ["cue-conflict", "edges", "silhouettes"]
# What each kind of data has: the rules that bring it, the sets that networks are shown, plain test
# images, exact masks (drawn with the images), stimuli whose texture the renderer fades.
SOURCES = {
    "procedural": {
        "rules": ["data"],
        "sets": [
            "test-plain",
            "test-stylized",
            "silhouettes",
            "textures",
            "cue-conflict",
        ],
        "has": {"plain", "masks", "renderer"},
    },
    "folder": {
        "rules": ["photographs", "exemplars"],
        "sets": ["test-plain", "edges"],
        "has": {"plain"},
    },
    # Class folders to train on, and the published stimuli beside humans.
    "folder-published": {
        "rules": ["photographs", "published"],
        "sets": ["test-plain", *PUBLISHED_SETS],
        "has": {"plain", "published", "silhouettes"},
    },
    "published": {
        "rules": ["published"],
        "sets": PUBLISHED_SETS,
        "has": {"published", "silhouettes"},
    },
}
SOURCE = SOURCES[config["data"]["kind"]]
TEST_SETS = SOURCE["sets"]
PLAIN, MASKS, RENDERER, PUBLISHED, SILHOUETTES = (
    name in SOURCE["has"]
    for name in ("plain", "masks", "renderer", "published", "silhouettes")
)
# Masks to read out: of the images themselves, or of PASCAL VOC.
VOC = None if MASKS else config["data"].get("voc")
SEGMENTED = MASKS or VOC is not None

SPLITS = ["train", "validation", "test"]
STYLIZED_PARTS = ["images.npy", "labels.csv", "manifest.csv"] + (
    ["masks.npy"] if MASKS else []
)
SHARD_PARTS = [*STYLIZED_PARTS, "shard.json"]

# Sets made by style transfer: those that a trained network's arm names, and conflict sets.
USED_SETS = {
    name
    for entry in config["trained"]
    for arm in entry["arms"]
    for name in config["arms"][arm]["sets"]
}
STYLIZATIONS = {
    name: entry for name, entry in config["stylizations"].items() if name in USED_SETS
}
CONFLICTS = {
    name: entry
    for name, entry in config["conflicts"].items()
    if entry and (RENDERER or entry["contents"] != "renderer")
}
for name, entry in {**STYLIZATIONS, **CONFLICTS}.items():
    for key in ("styles", "decoder"):  # inputs of rules
        if set("{}") & set(str(entry.get(key) or "")):
            raise WorkflowError(
                f"{name}.{key}: expected a path without braces, found {entry[key]!r}"
            )
# Shown to networks of the base variant, beside `TEST_SETS`.
NEURAL_TEST_SETS = [
    name
    for name in [*[f"test-{name}" for name in STYLIZATIONS], *CONFLICTS]
    if name not in TEST_SETS
]

NEURAL_SETS = [
    *[f"{split}-{name}" for name in STYLIZATIONS for split in SPLITS],
    *CONFLICTS,
]

# Networks trained here: slug -> architecture, arm, seeds.
TRAINED = {}
for entry in config["trained"]:
    for arm in entry["arms"]:
        trained = TRAINED.setdefault(
            f"{entry['architecture']}--{arm}",
            {"architecture": entry["architecture"], "arm": arm, "seeds": []},
        )
        trained["seeds"] = sorted({*trained["seeds"], *entry["seeds"]})

# Those that an entry with every measurement names.
FULL_RUNS = {
    f"{entry['architecture']}--{arm}/seed-{seed}"
    for entry in config["trained"]
    if not entry.get("trials_only")
    for arm in entry["arms"]
    for seed in entry["seeds"]
}
TRAINED_RUNS = [
    f"{model}/seed-{seed}" for model, t in TRAINED.items() for seed in t["seeds"]
]
RUNS = TRAINED_RUNS + [f"{model}/seed-0" for model in NAMED]


def model_of(run):
    """The slug of the network in ``SLUG/seed-S``."""
    return Path(run).parts[0]


def arm_of(model):
    """The arm that a trained network was trained on."""
    return config["arms"][TRAINED[model]["arm"]]


def variant_of(model):
    """The data variant that a network is trained and tested on."""
    return arm_of(model).get("variant", "base") if model in TRAINED else "base"


def is_read(run):
    """Whether the read-out looks at it: controls have data of their own, some runs trials alone."""
    model = model_of(run)
    if model in TRAINED and (arm_of(model).get("trials_only") or run not in FULL_RUNS):
        return False
    return variant_of(model) == "base"


def is_measured(run):
    """Whether every technique measures it."""
    model = model_of(run)
    return is_read(run) and not (model in TRAINED and arm_of(model).get("readout_only"))


def test_sets(model):
    """The sets that a network is shown."""
    return TEST_SETS + (NEURAL_TEST_SETS if variant_of(model) == "base" else [])


def shuffled_sets(model):
    """The sets whose patches are shuffled: plain pictures, and those of the kinds it was trained on."""
    if not PLAIN:
        return []
    trained_on = arm_of(model)["sets"] if model in TRAINED else []
    own = [f"test-{name}" for name in trained_on]
    return list(
        dict.fromkeys(
            ["test-plain", *[name for name in own if name in test_sets(model)]]
        )
    )


CHECKPOINT_EPOCHS = config["training"]["checkpoint_epochs"]

MEASURED_RUNS = [run for run in RUNS if is_measured(run)]
READ_RUNS = [run for run in RUNS if is_read(run)]
# Paired differences need the same images; published networks are compared with each other too.
COMPARED = (
    list(
        dict.fromkeys(
            model_of(run) for run in RUNS if variant_of(model_of(run)) == "base"
        )
    )
    if not PUBLISHED
    else []
)
TRIALS = {
    run: [f"{RESULTS}/{run}/trials/{name}.csv" for name in test_sets(model_of(run))]
    for run in RUNS
}


def crossed_cells():
    """Training by test: (trained on, tested on, seed, trial file) of the controls' architecture.

    The base network is the one whose arm differs from the controls' in nothing but the variant.
    """
    kinds = {}
    for model in TRAINED:
        arm = {key: value for key, value in arm_of(model).items() if key != "variant"}
        kind = (TRAINED[model]["architecture"], parameters.to_json(arm))
        kinds.setdefault(kind, {})[variant_of(model)] = model
    kind = next((k for k in kinds.values() if len(k) > 1 and "base" in k), {})
    return [
        (
            trained,
            tested,
            seed,
            f"{RESULTS}/{model}/seed-{seed}/{'trials' if trained == tested else f'across/{tested}'}/cue-conflict.csv",
        )
        for trained, model in kind.items()
        for tested in kind
        for seed in TRAINED[model]["seeds"]
    ]


CROSSED = crossed_cells()


def state_epochs(run):
    """Epochs of a network that are measured; of one that is not trained here 0 (random) and 1."""
    return CHECKPOINT_EPOCHS if model_of(run) in TRAINED else [0, 1]


def states(runs, pattern):
    """The files of the measured epochs, by run."""
    return {run: [pattern.format(epoch) for epoch in state_epochs(run)] for run in runs}


# Tables made of the same files of each network: table -> run -> files in the run's folder.
PER_RUN = {
    "readout": {
        **states(READ_RUNS, "readout/epoch-{:03d}.csv"),
        "pixels--baseline/seed-0": ["readout/epoch-000.csv"],
    },
    "dimensionality": states(MEASURED_RUNS, "dimensionality/epoch-{:03d}.csv"),
    "erasure": {run: ["erasure.csv"] for run in MEASURED_RUNS},
    "receptive_field": {
        run: ["receptive_field.csv"]
        for run in MEASURED_RUNS
        if Path(run).name == "seed-0"
    },
}
# A ratio of accuracies on plain images needs plain images, and exact masks are known where we drew them.
PROBE_TABLES = [
    *(["shuffling"] if PLAIN else []),
    *(["cue_strength"] if MASKS or SILHOUETTES else []),
]
PER_RUN |= {
    name: {run: [f"{name}.csv"] for run in MEASURED_RUNS} for name in PROBE_TABLES
}
DRAWN_STRENGTHS = (
    [s for s in config["probes"]["strengths"] if s != 1] if RENDERER else []
)
if PLAIN:
    PER_RUN["corruptions"] = {run: ["corruptions.csv"] for run in MEASURED_RUNS}
CORRUPTION_PICTURES = [
    f"{RESULTS}/{run}/corruption_pictures.csv" for run in MEASURED_RUNS
]
# Networks of the main architecture that were trained on stylized images alone, shown their kind.
OWN_PICTURES = [
    run
    for run in MEASURED_RUNS
    if config["corruptions"]["own_pictures"]
    and model_of(run) in TRAINED
    and arm_of(model_of(run))["sets"] == ["stylized"]
    and run.split("--")[0] == config["trained"][0]["architecture"]
    and "test-stylized" in TEST_SETS
]
if SEGMENTED:
    # Before training all arms of an architecture are the same network.
    UNTRAINED_RUNS = list(
        {run.split("--")[0]: run for run in reversed(MEASURED_RUNS)}.values()
    )
    PER_RUN["segmentation"] = {
        run: [
            f"segmentation/epoch-{epoch:03d}.csv"
            for epoch in ([0] if run in UNTRAINED_RUNS else []) + state_epochs(run)[-1:]
        ]
        for run in MEASURED_RUNS
    }
if TRAINED:
    PER_RUN["training"] = {run: ["history.csv"] for run in TRAINED_RUNS}
if NAMED:
    PER_RUN["sensitivity"] = {f"{model}/seed-0": ["sensitivity.csv"] for model in NAMED}


def stylize_parameters(entry):
    """The section `stylize` with what a stylization or a conflict set changes in it."""
    return parameters.overlay(config["stylize"], entry.get("stylize") or {})


def engine_of(entry):
    """Name of the engine that makes a stylization or a conflict set."""
    return stylize_parameters(entry)["engine"]


# What each engine reads of the section, so that a change elsewhere reruns nothing.
ENGINE_KEYS = {
    "adain": ["content", "decoder", "decoder_sha256"],
    "optimisation": ["optimisation"],
}


def engine_settings(entry):
    """The section `stylize` as an engine's step needs it, as JSON."""
    others = {key for name in ENGINE_KEYS for key in ENGINE_KEYS[name]}
    others -= set(ENGINE_KEYS[engine_of(entry)])
    unread = {
        "styles",
        "images",
        *others,
    }  # read where styles are prepared; by other engines
    return stylize_settings(entry, *(stylize_parameters(entry).keys() - unread))


# Fitness of the training images: set -> role -> runs that train and test on that set alone.
FITNESS = {}
for run in TRAINED_RUNS if config["fitness"] else []:
    arm = arm_of(model_of(run))
    if len(arm["sets"]) > 1 or variant_of(model_of(run)) != "base" or "training" in arm:
        continue
    for role, architectures in config["fitness"].items():
        if TRAINED[model_of(run)]["architecture"] in architectures:
            roles = FITNESS.setdefault(f"test-{arm['sets'][0]}", {})
            roles.setdefault(role, []).append(run)
# Of interest where something is stylized by a network, and both kinds of network train on it.
FITNESS = {name: roles for name, roles in FITNESS.items() if len(roles) == 2}
if not any(f"test-{name}" in FITNESS for name in STYLIZATIONS):
    FITNESS = {}
DECODERS = [
    name
    for name, entry in STYLIZATIONS.items()
    if engine_of(entry) == "adain" and entry.get("decoder", "train") == "train"
]
OTHER_CONFLICTS = [name for name in CONFLICTS if name != "cue-conflict"]

COMPARISON_TABLES = [
    "comparison",
    "comparison_wide",
    "correlations",
    "equivalent_pair",
    "disagreement",
    "disagreement_images",
]
# In the comparison's table alone: other images, or nothing but trials.
APART_ARMS = sorted(
    {
        arm
        for arm, entry in config["arms"].items()
        if entry.get("variant", "base") != "base"
        or entry.get("trials_only")
        or entry.get("readout_only")
    }
)
LAST_READINGS = {
    run: f"readout/epoch-{state_epochs(run)[-1]:03d}-images.csv"
    for run in MEASURED_RUNS
}

# What this experiment measures, and which figures its tables allow.
TABLE_NAMES = [
    "shape_bias",
    "shape_bias_by_class",
    "shape_bias_differences",
    "accuracy",
    "accuracy_differences",
    "architectures",
    *(["corruption_errors"] if PLAIN else []),
    *(["benchmark", "benchmark_by_dataset"] if PUBLISHED else []),
    *(["shape_bias_by_set"] if OTHER_CONFLICTS else []),
    *(["controls"] if CROSSED else []),
    *(["stylization_fitness"] if FITNESS else []),
    *(["reconstruction"] if DECODERS else []),
    *PER_RUN,
    *COMPARISON_TABLES,
]
SUMMARIZED = ["shape_bias", "accuracy"] + (
    ["shape_bias_by_set"] if OTHER_CONFLICTS else []
)
FIGURE_NAMES = available(
    TABLE_NAMES,
    trained=bool(TRAINED),
    published=PUBLISHED,
    controls=any(variant_of(model) != "base" for model in TRAINED),
    named=bool(NAMED),
)
FIELD_SET = "test-plain" if PLAIN else "cue-conflict"
CONTACT_SETS = [
    *(["train-plain"] if PLAIN else []),
    *(["train-stylized"] if RENDERER or "stylized" in STYLIZATIONS else []),
    *TEST_SETS,
    *([] if RENDERER else NEURAL_TEST_SETS),
]
# Drawn from images or maps, or by a step of their own.
IMAGE_FIGURES = [
    "contact_sheet",
    "influence",
    "feature_visualization",
    "architectures",
    "disagreement_images",
]
IMAGE_FIGURES += ["segmentation_pictures"] if SEGMENTED else []
IMAGE_FIGURES += [f"stylization-{name}" for name in [*STYLIZATIONS, *CONFLICTS]]
# The first seed of the first two networks.
SHOWN_RUNS = [
    next(run for run in MEASURED_RUNS if model_of(run) == model)
    for model in dict.fromkeys(map(model_of, MEASURED_RUNS))
][:2]
PUBLISHED_TRIALS = [f"{DATA}/trials/manifest.csv"] if PUBLISHED else []

DATA_FILES = [
    f"{DATA}/{variant}/{name}.{part}"
    for variant in sorted({variant_of(model_of(run)) for run in RUNS})
    for name in TEST_SETS
    for part in ("images.npy", "labels.csv")
] + [
    f"{DATA}/base/{name}.{part}"
    for name in NEURAL_TEST_SETS
    for part in ("images.npy", "labels.csv", "manifest.csv")
]
# Features of a network at one epoch; where a set is cut into shards they are joined from these.
FEATURES = f"{RESULTS}/{{model}}/seed-{{seed}}/features/epoch-{{epoch}}"
FEATURE_FILES = ["activations.npy", "stages.csv"]
FEATURE_SHARDS = config["features"]["shards"]
# What a finished experiment keeps beside its article.
KEPT = [
    *DATA_FILES,
    *[
        f"{RESULTS}/{run}/features/epoch-{epoch:03d}/{file}"
        for run in MEASURED_RUNS
        for epoch in state_epochs(run)
        for file in FEATURE_FILES
    ],
    *[f"{TABLES}/{name}.csv" for name in TABLE_NAMES],
    *[file for files in TRIALS.values() for file in files],
    *[f"{RESULTS}/{run}/checkpoints/final.pt" for run in TRAINED_RUNS],
    *[
        f"{RESULTS}/{run}/{file}"
        for table in PER_RUN.values()
        for run, files in table.items()
        for file in files
    ],
]
PAPER = sorted(str(path) for path in Path("paper").rglob("*") if path.is_file())

NEVER = "(?!)"  # a wildcard that matches nothing


wildcard_constraints:
    model="[A-Za-z0-9._-]+",
    seed=r"\d+",
    epoch=r"\d+",
    table="|".join(PER_RUN),
    variant="|".join(map(re.escape, config["data"]["variants"])),
    split="train|validation|test",
    stylization="|".join(map(re.escape, STYLIZATIONS)) or NEVER,
    conflict="|".join(map(re.escape, CONFLICTS)) or NEVER,
    shard=r"\d{5}-of-\d{5}",


def stylize_settings(entry, *keys):
    """What a stylization's or a conflict set's step is given, as JSON.

    An encoder that is trained here is named by the step's option `--encoder`. Given `keys`, only these.
    """
    settings = stylize_parameters(entry)
    if settings.get("encoder", {}).get("name") in TRAINED_RUNS:
        settings = {**settings, "encoder": {"name": "a-network-of-this-experiment"}}
    return parameters.to_json(
        {key: settings[key] for key in keys if key in settings} if keys else settings
    )


def encoder_run(entry):
    """The network of this experiment that is the encoder, if one is."""
    name = stylize_parameters(entry).get("encoder", {}).get("name")
    return name if name in TRAINED_RUNS else None


def encoder_files(entry):
    """Its checkpoint."""
    run = encoder_run(entry)
    return network_files(run) if run else []


def decoder_file(variant, name, entry):
    """The decoder of AdaIN: trained here on a stylization's own images, or a file."""
    if engine_of(entry) != "adain":
        return []
    decoder = entry.get("decoder") or "train"
    if decoder in STYLIZATIONS:
        name, decoder = decoder, STYLIZATIONS[decoder].get("decoder", "train")
    return f"{DATA}/{variant}/{name}/decoder.pt" if decoder == "train" else decoder


def style_source(entry):
    """Where the styles of a stylization come from: the renderer, or a folder."""
    source = entry.get("styles", "renderer")
    return f"{DATA}/paintings/style" if source == "paintings" else source


def style_files(entry):
    """What must be there before styles are read."""
    source = entry.get("styles", "renderer")
    if source == "paintings":
        return f"{DATA}/paintings/paintings.csv"
    return [] if source == "renderer" else source


def style_set(split):
    """Files of the styles of one split of a stylization."""
    return set_files("{variant}", f"{{stylization}}/styles-{split}", masks=False)


def content_files(wildcards, split):
    """Files of the set that is stylized."""
    contents = STYLIZATIONS[wildcards.stylization].get("contents", "plain")
    return set_files(wildcards.variant, f"{split}-{contents}", masks=MASKS)


def exemplar_files(entry, kind):
    """Files of the exemplars of a conflict set; the renderer draws its own."""
    if entry[kind] == "renderer":
        return []
    return set_files("base", entry[kind], masks=False)


def exemplar_options(conflict, files, whole=True):
    """Where the exemplars of a conflict set come from (and, if whole, how many), as options."""
    entry = CONFLICTS[conflict]
    if entry["contents"] == "renderer":
        return [
            "--data",
            data_settings("base", "cue-conflict"),
            "--fill",
            entry.get("fill", "flat"),
            *(
                ["--shape-exemplars", entry["shape_exemplars"]]
                if whole and entry.get("shape_exemplars")
                else []
            ),
        ]
    return ["--contents", stem(files.contents), "--textures", stem(files.textures)]


def shard_files(start, entry):
    """Files of all shards of a set."""
    total = entry.get("shards", 1)
    return [
        f"{start}.shard-{number:05d}-of-{total:05d}.{part}"
        for number in range(total)
        for part in SHARD_PARTS
    ]


def shard_numbers(shard):
    """`00001-of-00002` as options of a step."""
    number, total = map(int, shard.split("-of-"))
    return ["--shard", number, "--shards", total]


def part_options(files):
    """Stems of shards as options of the step that merges them."""
    ending = ".shard.json"
    return [
        word
        for file in files
        if file.endswith(ending)
        for word in ("--part", file.removesuffix(ending))
    ]


def stem(files):
    """The stem of an image set, of which these are the files."""
    return str(files[0]).removesuffix(".images.npy")


def feature_parts(epoch):
    """What the step `features` writes for an epoch: the features, or those of one shard."""
    folder = FEATURES.replace("{epoch}", epoch)
    if FEATURE_SHARDS == 1:
        return [f"{folder}/{file}" for file in FEATURE_FILES]
    return [
        temp(f"{folder}/shard-{{shard}}/{file}")
        for file in [*FEATURE_FILES, "shard.json"]
    ]


def feature_files(epochs):
    """Features of a network at several epochs."""
    return [
        f"{FEATURES.replace('{epoch}', f'{epoch:03d}')}/{file}"
        for epoch in epochs
        for file in FEATURE_FILES
    ]


def state_files(measure, epochs, ending=""):
    """What a read-out writes for several epochs of a network."""
    return [
        f"{RESULTS}/{{model}}/seed-{{seed}}/{measure}/epoch-{epoch:03d}{ending}.csv"
        for epoch in epochs
    ]


def state_options(features, outputs):
    """Features and what is made of them, epoch by epoch, as options of a step."""
    folders = [parent(file) for file in features if file.endswith(".npy")]
    return [
        word
        for folder, output in zip(folders, outputs, strict=True)
        for word in ("--features", folder, "--output", output)
    ]


def figure_settings():
    """What figures know of the experiment, as JSON; one architecture stands for all, as in the article's text."""
    first = next((entry["architecture"] for entry in config["trained"]), None)
    return parameters.to_json(
        {"arms": config["arms"], "data": config["data"], "architecture": first}
    )


def feature_settings():
    """What of the section `evaluation` features depend on, as JSON."""
    # No decision is made, and the section `features` has a batch size of its own.
    unread = ("aggregation", "batch_size", "channels_last", "class_map", "precision")
    return parameters.to_json(
        {k: value for k, value in config["evaluation"].items() if k not in unread}
    )


def parent(path):
    """The folder that a file lies in."""
    return str(Path(path).parent)


def section(dpath):
    """A section of the configuration as JSON: what a rule passes to its step."""
    return parameters.to_json(lookup(dpath=dpath, within=config))


def training_parameters(model):
    """The recipe of a trained network: the shared one and what its arm changes."""
    return parameters.overlay(config["training"], arm_of(model).get("training", {}))


def initial_network(model, seed):
    """What a training starts from: a network's name or checkpoint, or None for random weights."""
    initial = training_parameters(model).get("initial")
    if initial and initial.startswith("arm:"):
        other = f"{TRAINED[model]['architecture']}--{initial.removeprefix('arm:')}"
        return f"{RESULTS}/{other}/seed-{seed}/checkpoints/final.pt"
    return initial


def initial_files(model, seed):
    """Its checkpoint, where it is trained here."""
    initial = initial_network(model, seed)
    return initial if initial and initial.startswith(RESULTS) else []


def photograph_settings():
    """What the step that reads class folders needs, as JSON."""
    folder = {k: v for k, v in config["data"]["folder"].items() if k != "workers"}
    return parameters.to_json({**folder, "image_size": config["data"]["image_size"]})


def folder_listing():
    """A hash of the names of all files of the class folders; of a data set by name its name."""
    folder = config["data"]["folder"]
    digest = hashlib.sha256()
    for place in (folder["source"], folder["test_source"]):
        digest.update(f"{place}\n".encode())
        for inside, _, names in sorted(os.walk(place or "")):
            seen = sorted(name for name in names if not name.startswith("."))
            digest.update(os.fsencode("\n".join([inside, *seen])))
    return digest.hexdigest()


def gpus_of(model):
    """GPUs of the training of a network."""
    wanted = training_parameters(model).get("gpus_per_job", 1)
    limit = workflow.global_resources.get("gpu")
    limit = getattr(limit, "value", limit)
    if limit and limit < wanted:  # Snakemake would count fewer than the job takes
        raise WorkflowError(
            f"training.gpus_per_job: expected at most the limit gpu={limit}, found {wanted}"
        )
    return wanted


for trained in TRAINED:
    gpus_of(trained)  # says before any job what cannot be


def data_settings(variant, name):
    """What the renderer needs to draw one set of a variant, as JSON.

    Other variants are left out, and sizes that the set does not depend on stand at their least:
    changing them reruns nothing.
    """
    data = config["data"]
    split = (
        name.split("-")[0] if name.split("-")[0] in ("train", "validation") else "test"
    )
    sizes = {"train": 12, "validation": 12, "test": 12, split: data[split]}
    if name.startswith(("cue-conflict", "styles")):
        sizes = {"train": 12, "validation": 12, "test": 12}
    if not name.startswith("cue-conflict"):
        sizes |= {"shape_exemplars": 2, "texture_exemplars": 2}
    return parameters.to_json(
        {**data, **sizes, "variants": {variant: data["variants"][variant]}}
    )


def segmentation_settings(model, seed, epoch):
    """The section; further heads and the upper bound (end to end) for one network, as they cost most."""
    run = f"{model}/seed-{seed}"
    settings = config["segmentation"]
    if run != MEASURED_RUNS[0] or int(epoch) != state_epochs(run)[-1]:
        settings = {**settings, "end_to_end": [], "heads": settings["heads"][:1]}
    return parameters.to_json(settings)


def corruption_settings(*keys):
    """Some keys of the section, as JSON."""
    return parameters.to_json({key: config["corruptions"][key] for key in keys})


def set_files(variant, name, *, masks=True):
    """The files of one image set."""
    parts = ["images.npy", "labels.csv"] + (["masks.npy"] if masks else [])
    return [f"{DATA}/{variant}/{name}.{part}" for part in parts]


def network_name(run):
    """What a step loads for a run: the final checkpoint of a trained network, or a name."""
    model = model_of(run)
    return f"{RESULTS}/{run}/checkpoints/final.pt" if model in TRAINED else NAMED[model]


def untrained_files(model, seed):
    """The network before training, where its training is ours."""
    return (
        f"{RESULTS}/{model}/seed-{seed}/checkpoints/epoch-000.pt"
        if model in TRAINED
        else []
    )


def network_files(run):
    """The files that `network_name` refers to."""
    return network_name(run) if model_of(run) in TRAINED else []


def scaled(value):
    """A resource that grows with each attempt: what ran out of memory or time gets more."""
    return lambda wc, attempt: value * attempt


def note_what_was_made():
    """Write the record of the result files; that it cannot be written loses no result."""
    try:
        records.update(
            RESULTS,
            workflow.persistence,
            temporary={file for job in workflow.dag.jobs for file in job.temp_output},
        )
    except InputError as error:
        logger.warning(f"What made the results was not recorded: {error}")
