# Image sets made by neural style transfer: SPLIT-NAME of each stylization, and cue-conflict sets.
from texshape.experiment.layout import shard_names
from texshape.experiment.stylization_jobs import drawn_exemplars, judges, set_maker
from texshape.experiment.stylizations import RENDERER

# What a job is about.
stylization = lambda wc: PLAN.stylizations[wc.stylization]
conflict = lambda wc: PLAN.conflicts[wc.conflict]


use rule step as fetch_paintings with:
    output:
        LAYOUT.paintings_list,
    resources:
        **needs(500, 30),
    params:
        **step("fetch-paintings", output_dir=folder),


# No style is in two splits.
use rule step as prepare_styles with:
    input:
        lambda wc: PLAN.style_files(stylization(wc)),
    output:
        LAYOUT.style_table("{variant}", "{stylization}"),
        [
            file
            for split in SPLITS
            for file in LAYOUT.style_files("{variant}", "{stylization}", split)
        ],
    resources:
        **needs(1500, 120),
    params:
        **step(
            "prepare-styles",
            source=lambda wc: PLAN.style_source(stylization(wc)),
            settings=lambda wc: job_settings.styles(stylization(wc)),
            data=lambda wc: (
                job_settings.drawn(PLAN, BASE, "styles")
                if stylization(wc).styles == RENDERER
                else None
            ),
            seed=config["seed"],
            output_dir=folder,
        ),


use rule threaded_step as train_decoder with:
    input:
        content=lambda wc: PLAN.content_files(stylization(wc), wc.variant, "train"),
        held_out_content=lambda wc: PLAN.content_files(
            stylization(wc), wc.variant, "validation"
        ),
        styles=LAYOUT.style_files("{variant}", "{stylization}", "train"),
        held_out_styles=LAYOUT.style_files("{variant}", "{stylization}", "validation"),
        encoder=lambda wc: PLAN.encoder_files(stylization(wc)),
    output:
        output=LAYOUT.decoder("{variant}", "{stylization}"),
        reconstruction=LAYOUT.reconstruction("{variant}", "{stylization}"),
        history=LAYOUT.decoder_history("{variant}", "{stylization}"),
    resources:
        **needs(2500, 720, gpu=1),
    params:
        **step(
            "train-decoder",
            settings=lambda wc: job_settings.decoder(stylization(wc)),
            seed=config["seed"],
        ),


use rule threaded_step as stylize with:
    input:
        content=lambda wc: PLAN.content_files(stylization(wc), wc.variant, wc.split),
        styles=LAYOUT.style_files("{variant}", "{stylization}", "{split}"),
        encoder=lambda wc: PLAN.encoder_files(stylization(wc)),
        decoder=lambda wc: PLAN.decoder(wc.variant, stylization(wc)) or [],
    output:
        output=temp(
            LAYOUT.stylized_part(
                "{variant}", "{stylization}", "{split}", "{shard}", masks=SOURCE.masks
            )
        ),
    resources:
        **needs(2500, 720, gpu=1),
    params:
        **step(
            "stylize",
            shard,
            settings=lambda wc: job_settings.engine(stylization(wc)),
            condition=lambda wc: f"{wc.split}-{wc.stylization}",
            seed=config["seed"],
        ),


use rule step as merge_stylized with:
    input:
        part=lambda wc: [
            file
            for part in shard_names(stylization(wc).shards)
            for file in LAYOUT.stylized_part(
                wc.variant, wc.stylization, wc.split, part, masks=SOURCE.masks
            )
        ],
    output:
        output=LAYOUT.stylized_files(
            "{variant}", "{split}-{stylization}", masks=SOURCE.masks
        ),
    resources:
        **needs(1000, 60),
    params:
        **step("merge-shards", tolerated=config["stylize"].get("tolerated", 0)),


# The shape of one exemplar, the texture of another.
use rule threaded_step as conflict with:
    input:
        contents=lambda wc: PLAN.exemplar_files(conflict(wc), "contents"),
        textures=lambda wc: PLAN.exemplar_files(conflict(wc), "textures"),
        encoder=lambda wc: PLAN.encoder_files(conflict(wc)),
        decoder=lambda wc: PLAN.decoder(BASE, conflict(wc)) or [],
    output:
        output=temp(LAYOUT.conflict_part("{conflict}", "{shard}", masks=SOURCE.masks)),
    resources:
        **needs(2500, 720, gpu=1),
    params:
        **step(
            "conflict-by-optimisation",
            lambda wc: drawn_exemplars(PLAN, conflict(wc)),
            shard,
            engine=lambda wc: conflict(wc).engine,
            settings=lambda wc: job_settings.engine(conflict(wc)),
            seed=config["seed"],
        ),


use rule step as merge_conflict with:
    input:
        part=lambda wc: [
            file
            for part in shard_names(conflict(wc).shards)
            for file in LAYOUT.conflict_part(wc.conflict, part, masks=SOURCE.masks)
        ],
    output:
        output=LAYOUT.stylized_files(BASE, "{conflict}", masks=SOURCE.masks),
    resources:
        **needs(1000, 60),
    params:
        **step("merge-shards"),


# Networks that train and test on a set: what local patches tell of its classes, and what shape does.
use rule step as stylization_fitness with:
    input:
        [
            LAYOUT.trials(run, name)
            for name, roles in PLAN.fitness.items()
            for runs in roles.values()
            for run in runs
        ],
        [set_maker(PLAN, name) for name in PLAN.fitness if name in PLAN.neural_sets],
    output:
        output=LAYOUT.table("stylization_fitness"),
    resources:
        **needs(800, 20),
    params:
        **step(
            "stylization-fitness",
            results=folder_above,
            set=PLAN.fitness,
            manifest=[set_maker(PLAN, name) for name in PLAN.fitness],
            full=judges(PLAN, "full"),
            limited=judges(PLAN, "limited"),
            settings=section("bootstrap"),
            seed=config["seed"],
        ),


use rule step as tabulate_reconstruction with:
    input:
        [LAYOUT.reconstruction(BASE, name) for name in PLAN.decoders],
    output:
        output=LAYOUT.table("reconstruction"),
    resources:
        **needs(800, 10),
    params:
        **step(
            "tabulate-reconstruction",
            table=[
                f"{name}={LAYOUT.reconstruction(BASE, name)}" for name in PLAN.decoders
            ],
        ),


# Content, style, result.
use rule step as figure_stylization with:
    input:
        content=lambda wc: LAYOUT.pictures(BASE, f"test-{stylization(wc).contents}"),
        styles=LAYOUT.style_files(BASE, "{stylization}", "test"),
        result=LAYOUT.stylized_files(BASE, "test-{stylization}", masks=False),
    output:
        drawn("stylization-{stylization}", "stylization", "stylization {stylization}"),
    resources:
        **needs(800, 10),
    params:
        **step("stylization-sheet", output_stem=figure_stem),


use rule step as figure_conflict with:
    input:
        contents=lambda wc: PLAN.exemplar_files(conflict(wc), "contents"),
        textures=lambda wc: PLAN.exemplar_files(conflict(wc), "textures"),
        result=LAYOUT.pictures(BASE, "{conflict}"),
        drawn=lambda wc: (LAYOUT.pictures(BASE, CONFLICT) if conflict(wc).drawn else []),
    output:
        drawn(
            "stylization-{conflict}", "stylization_conflict", "conflict set {conflict}"
        ),
    resources:
        **needs(800, 10),
    params:
        **step(
            "conflict-sheet",
            lambda wc: drawn_exemplars(PLAN, conflict(wc), whole=False),
            seed=config["seed"],
            output_stem=figure_stem,
        ),
