# Image sets made by neural style transfer: SPLIT-NAME of each stylization, and cue-conflict sets.
from texshape.experiment.conflict_job import exemplar_options
from texshape.experiment.layout import shard_names
from texshape.experiment.stylizations import RENDERER
from texshape.experiment.words import part_options, shard_numbers
from texshape.figures.report import shown


rule fetch_paintings:
    output:
        LAYOUT.paintings_list,
    log:
        LAYOUT.log("fetch_paintings"),
    benchmark:
        LAYOUT.benchmark("fetch_paintings")
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(500),
        runtime=scaled(30),
    params:
        output_dir=lambda wc, output: parent(output[0]),
        code=step_hash("fetch-paintings"),
    shell:
        "texshape run fetch-paintings --output-dir {params.output_dir:q} > {log:q} 2>&1"


# No style is in two splits.
rule prepare_styles:
    input:
        lambda wc: PLAN.style_files(PLAN.stylizations[wc.stylization]),
    output:
        table=LAYOUT.style_table("{variant}", "{stylization}"),
        images=[
            file
            for split in SPLITS
            for file in LAYOUT.style_files("{variant}", "{stylization}", split)
        ],
    log:
        LAYOUT.log("prepare_styles/{variant}/{stylization}"),
    benchmark:
        LAYOUT.benchmark("prepare_styles/{variant}/{stylization}")
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1500),
        runtime=scaled(120),
    params:
        source=lambda wc: PLAN.style_source(PLAN.stylizations[wc.stylization]),
        settings=lambda wc: job_settings.styles(PLAN.stylizations[wc.stylization]),
        data=lambda wc: (
            ["--data", job_settings.drawn(PLAN, BASE, "styles")]
            if PLAN.stylizations[wc.stylization].styles == RENDERER
            else []
        ),
        seed=config["seed"],
        output_dir=lambda wc, output: parent(output.table),
        code=step_hash("prepare-styles"),
    shell:
        "texshape run prepare-styles --source {params.source:q} --settings {params.settings:q}"
        " {params.data:q} --seed {params.seed} --output-dir {params.output_dir:q} > {log:q} 2>&1"


rule train_decoder:
    input:
        content=lambda wc: PLAN.content_files(
            PLAN.stylizations[wc.stylization], wc.variant, "train"
        ),
        held_out=lambda wc: PLAN.content_files(
            PLAN.stylizations[wc.stylization], wc.variant, "validation"
        ),
        styles=LAYOUT.style_files("{variant}", "{stylization}", "train"),
        held_out_styles=LAYOUT.style_files("{variant}", "{stylization}", "validation"),
        encoder=lambda wc: PLAN.encoder_files(PLAN.stylizations[wc.stylization]),
    output:
        decoder=LAYOUT.decoder("{variant}", "{stylization}"),
        reconstruction=LAYOUT.reconstruction("{variant}", "{stylization}"),
        history=LAYOUT.decoder_history("{variant}", "{stylization}"),
    log:
        LAYOUT.log("train_decoder/{variant}/{stylization}"),
    benchmark:
        LAYOUT.benchmark("train_decoder/{variant}/{stylization}")
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=scaled(2500),
        runtime=scaled(720),
    params:
        content=lambda wc, input: stem(input.content),
        held_out=lambda wc, input: stem(input.held_out),
        styles=lambda wc, input: stem(input.styles),
        held_out_styles=lambda wc, input: stem(input.held_out_styles),
        encoder=lambda wc: options(
            "--encoder", PLAN.encoder_files(PLAN.stylizations[wc.stylization])
        ),
        settings=lambda wc: job_settings.decoder(PLAN.stylizations[wc.stylization]),
        seed=config["seed"],
        code=step_hash("train-decoder"),
    shell:
        "texshape run train-decoder --content {params.content:q} --styles {params.styles:q}"
        " --held-out-content {params.held_out:q} --held-out-styles {params.held_out_styles:q}"
        " {params.encoder:q} --settings {params.settings:q} --seed {params.seed}"
        " --threads {threads} --output {output.decoder:q}"
        " --reconstruction {output.reconstruction:q} --history {output.history:q} > {log:q} 2>&1"


rule stylize:
    input:
        content=lambda wc: PLAN.content_files(
            PLAN.stylizations[wc.stylization], wc.variant, wc.split
        ),
        styles=LAYOUT.style_files("{variant}", "{stylization}", "{split}"),
        encoder=lambda wc: PLAN.encoder_files(PLAN.stylizations[wc.stylization]),
        decoder=lambda wc: PLAN.decoder(wc.variant, PLAN.stylizations[wc.stylization])
        or [],
    output:
        temp(
            LAYOUT.stylized_part(
                "{variant}", "{stylization}", "{split}", "{shard}", masks=SOURCE.masks
            )
        ),
    log:
        LAYOUT.log("stylize/{variant}/{stylization}/{split}-{shard}"),
    benchmark:
        LAYOUT.benchmark("stylize/{variant}/{stylization}/{split}-{shard}")
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=scaled(2500),
        runtime=scaled(720),
    params:
        content=lambda wc, input: stem(input.content),
        styles=lambda wc, input: stem(input.styles),
        encoder=lambda wc: options(
            "--encoder", PLAN.encoder_files(PLAN.stylizations[wc.stylization])
        ),
        decoder=lambda wc, input: (
            ["--decoder", input.decoder] if input.decoder else []
        ),
        settings=lambda wc: job_settings.engine(PLAN.stylizations[wc.stylization]),
        seed=config["seed"],
        shard=lambda wc: shard_numbers(wc.shard),
        stem=lambda wc, output: stem(output),
        code=step_hash("stylize"),
    shell:
        "texshape run stylize --content {params.content:q} --styles {params.styles:q}"
        " {params.encoder:q} {params.decoder:q} --settings {params.settings:q}"
        " --condition {wildcards.split:q}-{wildcards.stylization:q} --seed {params.seed}"
        " {params.shard:q} --threads {threads} --output {params.stem:q} > {log:q} 2>&1"


rule merge_stylized:
    input:
        lambda wc: [
            file
            for shard in shard_names(PLAN.stylizations[wc.stylization].shards)
            for file in LAYOUT.stylized_part(
                wc.variant, wc.stylization, wc.split, shard, masks=SOURCE.masks
            )
        ],
    output:
        LAYOUT.stylized_files("{variant}", "{split}-{stylization}", masks=SOURCE.masks),
    log:
        LAYOUT.log("merge_stylized/{variant}/{split}-{stylization}"),
    benchmark:
        LAYOUT.benchmark("merge_stylized/{variant}/{split}-{stylization}")
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(60),
    params:
        parts=lambda wc, input: part_options(input),
        stem=lambda wc, output: stem(output),
        tolerated=config["stylize"].get("tolerated", 0),
        code=step_hash("merge-shards"),
    shell:
        "texshape run merge-shards {params.parts:q} --tolerated {params.tolerated:q}"
        " --output {params.stem:q} > {log:q} 2>&1"


# The shape of one exemplar, the texture of another.
rule conflict:
    input:
        contents=lambda wc: PLAN.exemplar_files(PLAN.conflicts[wc.conflict], "contents"),
        textures=lambda wc: PLAN.exemplar_files(PLAN.conflicts[wc.conflict], "textures"),
        encoder=lambda wc: PLAN.encoder_files(PLAN.conflicts[wc.conflict]),
        decoder=lambda wc: PLAN.decoder(BASE, PLAN.conflicts[wc.conflict]) or [],
    output:
        temp(LAYOUT.conflict_part("{conflict}", "{shard}", masks=SOURCE.masks)),
    log:
        LAYOUT.log("conflict/{conflict}-{shard}"),
    benchmark:
        LAYOUT.benchmark("conflict/{conflict}-{shard}")
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=scaled(2500),
        runtime=scaled(720),
    params:
        exemplars=lambda wc, input: exemplar_options(
            PLAN, PLAN.conflicts[wc.conflict], input.contents, input.textures
        ),
        encoder=lambda wc: options(
            "--encoder", PLAN.encoder_files(PLAN.conflicts[wc.conflict])
        ),
        decoder=lambda wc, input: (
            ["--decoder", input.decoder] if input.decoder else []
        ),
        engine=lambda wc: PLAN.conflicts[wc.conflict].engine,
        settings=lambda wc: job_settings.engine(PLAN.conflicts[wc.conflict]),
        seed=config["seed"],
        shard=lambda wc: shard_numbers(wc.shard),
        stem=lambda wc, output: stem(output),
        code=step_hash("conflict-by-optimisation"),
    shell:
        "texshape run conflict-by-optimisation {params.exemplars:q} {params.encoder:q}"
        " {params.decoder:q} --engine {params.engine:q} --settings {params.settings:q}"
        " --seed {params.seed} {params.shard:q} --threads {threads} --output {params.stem:q}"
        " > {log:q} 2>&1"


rule merge_conflict:
    input:
        lambda wc: [
            file
            for shard in shard_names(PLAN.conflicts[wc.conflict].shards)
            for file in LAYOUT.conflict_part(wc.conflict, shard, masks=SOURCE.masks)
        ],
    output:
        LAYOUT.stylized_files(BASE, "{conflict}", masks=SOURCE.masks),
    log:
        LAYOUT.log("merge_conflict/{conflict}"),
    benchmark:
        LAYOUT.benchmark("merge_conflict/{conflict}")
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(60),
    params:
        parts=lambda wc, input: part_options(input),
        stem=lambda wc, output: stem(output),
        code=step_hash("merge-shards"),
    shell:
        "texshape run merge-shards {params.parts:q} --output {params.stem:q} > {log:q} 2>&1"


# Networks that train and test on a set: what local patches tell of its classes, and what shape does.
rule stylization_fitness:
    input:
        trials=[
            LAYOUT.trials(run, name)
            for name, roles in PLAN.fitness.items()
            for runs in roles.values()
            for run in runs
        ],
        manifests=[
            f"{LAYOUT.set(BASE, name)}.manifest.csv"
            for name in PLAN.fitness
            if name in PLAN.neural_sets
        ],
    output:
        LAYOUT.table("stylization_fitness"),
    log:
        LAYOUT.log("stylization_fitness"),
    benchmark:
        LAYOUT.benchmark("stylization_fitness")
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(800),
        runtime=scaled(20),
    params:
        results=lambda wc, output: parent(parent(output[0])),
        sets=[
            word
            for name in PLAN.fitness
            for word in (
                "--set",
                name,
                "--manifest",
                (
                    f"{LAYOUT.set(BASE, name)}.manifest.csv"
                    if name in PLAN.neural_sets
                    else ("renderer" if SOURCE.renderer else "photographs")
                ),
            )
        ],
        networks=[
            word
            for name, roles in PLAN.fitness.items()
            for role, runs in roles.items()
            for run in runs
            for word in (f"--{role}", f"{name}={run}")
        ],
        settings=section("bootstrap"),
        seed=config["seed"],
        code=step_hash("stylization-fitness"),
    shell:
        "texshape run stylization-fitness --results {params.results:q} {params.sets:q}"
        " {params.networks:q} --settings {params.settings:q} --seed {params.seed}"
        " --output {output:q} > {log:q} 2>&1"


rule tabulate_reconstruction:
    input:
        [LAYOUT.reconstruction(BASE, name) for name in PLAN.decoders],
    output:
        LAYOUT.table("reconstruction"),
    log:
        LAYOUT.log("tabulate_reconstruction"),
    benchmark:
        LAYOUT.benchmark("tabulate_reconstruction")
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(800),
        runtime=scaled(10),
    params:
        tables=options(
            "--table",
            [f"{name}={LAYOUT.reconstruction(BASE, name)}" for name in PLAN.decoders],
        ),
        code=step_hash("tabulate-reconstruction"),
    shell:
        "texshape run tabulate-reconstruction {params.tables:q} --output {output:q} > {log:q} 2>&1"


# Content, style, result.
rule figure_stylization:
    input:
        content=lambda wc: LAYOUT.set_files(
            BASE, f"test-{PLAN.stylizations[wc.stylization].contents}", masks=False
        ),
        styles=LAYOUT.style_files(BASE, "{stylization}", "test"),
        result=LAYOUT.stylized_files(BASE, "test-{stylization}", masks=False),
    output:
        report(
            LAYOUT.figure("stylization-{stylization}"),
            **shown("stylization", "stylization {stylization}"),
        ),
        LAYOUT.figure("stylization-{stylization}", "png"),
    log:
        LAYOUT.log("figure_stylization/{stylization}"),
    benchmark:
        LAYOUT.benchmark("figure_stylization/{stylization}")
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(800),
        runtime=scaled(10),
    params:
        content=lambda wc, input: stem(input.content),
        styles=lambda wc, input: stem(input.styles),
        result=lambda wc, input: stem(input.result),
        stem=lambda wc, output: output[0].removesuffix(".svg"),
        code=step_hash("stylization-sheet"),
    shell:
        "texshape run stylization-sheet --content {params.content:q} --styles {params.styles:q}"
        " --result {params.result:q} --output-stem {params.stem:q} > {log:q} 2>&1"


rule figure_conflict:
    input:
        contents=lambda wc: PLAN.exemplar_files(PLAN.conflicts[wc.conflict], "contents"),
        textures=lambda wc: PLAN.exemplar_files(PLAN.conflicts[wc.conflict], "textures"),
        result=LAYOUT.set_files(BASE, "{conflict}", masks=False),
        drawn=lambda wc: (
            LAYOUT.set_files(BASE, CONFLICT, masks=False)
            if PLAN.conflicts[wc.conflict].drawn
            else []
        ),
    output:
        report(
            LAYOUT.figure("stylization-{conflict}"),
            **shown("stylization_conflict", "conflict set {conflict}"),
        ),
        LAYOUT.figure("stylization-{conflict}", "png"),
    log:
        LAYOUT.log("figure_conflict/{conflict}"),
    benchmark:
        LAYOUT.benchmark("figure_conflict/{conflict}")
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(800),
        runtime=scaled(10),
    params:
        exemplars=lambda wc, input: exemplar_options(
            PLAN,
            PLAN.conflicts[wc.conflict],
            input.contents,
            input.textures,
            whole=False,
        ),
        result=lambda wc, input: stem(input.result),
        drawn=lambda wc, input: ["--drawn", stem(input.drawn)] if input.drawn else [],
        seed=config["seed"],
        stem=lambda wc, output: output[0].removesuffix(".svg"),
        code=step_hash("conflict-sheet"),
    shell:
        "texshape run conflict-sheet {params.exemplars:q} --seed {params.seed}"
        " --result {params.result:q} {params.drawn:q} --output-stem {params.stem:q} > {log:q} 2>&1"
