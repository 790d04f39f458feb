# Image sets made by neural style transfer: SPLIT-NAME of each stylization, and cue-conflict sets.


rule fetch_paintings:
    output:
        f"{DATA}/paintings/paintings.csv",
    log:
        f"logs/{config['experiment']}/fetch_paintings.log",
    benchmark:
        f"logs/{config['experiment']}/fetch_paintings.benchmark.tsv"
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
        lambda wc: style_files(STYLIZATIONS[wc.stylization]),
    output:
        table=f"{DATA}/{{variant}}/{{stylization}}/styles.csv",
        images=[
            file
            for split in SPLITS
            for file in set_files(
                "{variant}", f"{{stylization}}/styles-{split}", masks=False
            )
        ],
    log:
        f"logs/{config['experiment']}/prepare_styles/{{variant}}/{{stylization}}.log",
    benchmark:
        f"logs/{config['experiment']}/prepare_styles/{{variant}}/{{stylization}}.benchmark.tsv"
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1500),
        runtime=scaled(120),
    params:
        source=lambda wc: style_source(STYLIZATIONS[wc.stylization]),
        settings=lambda wc: stylize_settings(
            STYLIZATIONS[wc.stylization], "styles", "images", "tolerated"
        ),
        data=lambda wc: (
            ["--data", data_settings("base", "styles")]
            if style_source(STYLIZATIONS[wc.stylization]) == "renderer"
            else []
        ),
        seed=lookup(dpath="seed", within=config),
        output_dir=lambda wc, output: parent(output.table),
        code=step_hash("prepare-styles"),
    shell:
        "texshape run prepare-styles --source {params.source:q} --settings {params.settings:q}"
        " {params.data:q} --seed {params.seed} --output-dir {params.output_dir:q} > {log:q} 2>&1"


rule train_decoder:
    input:
        content=lambda wc: content_files(wc, "train"),
        held_out=lambda wc: content_files(wc, "validation"),
        styles=style_set("train"),
        held_out_styles=style_set("validation"),
        encoder=lambda wc: encoder_files(STYLIZATIONS[wc.stylization]),
    output:
        decoder=f"{DATA}/{{variant}}/{{stylization}}/decoder.pt",
        reconstruction=f"{DATA}/{{variant}}/{{stylization}}/reconstruction.csv",
        history=f"{DATA}/{{variant}}/{{stylization}}/history.csv",
    log:
        f"logs/{config['experiment']}/train_decoder/{{variant}}/{{stylization}}.log",
    benchmark:
        f"logs/{config['experiment']}/train_decoder/{{variant}}/{{stylization}}.benchmark.tsv"
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
        encoder=lambda wc, input: (
            ["--encoder", input.encoder] if input.encoder else []
        ),
        settings=lambda wc: stylize_settings(
            STYLIZATIONS[wc.stylization], "encoder", "content", "decoder"
        ),
        seed=lookup(dpath="seed", within=config),
        code=step_hash("train-decoder"),
    shell:
        "texshape run train-decoder --content {params.content:q} --styles {params.styles:q}"
        " --held-out-content {params.held_out:q} --held-out-styles {params.held_out_styles:q}"
        " {params.encoder:q} --settings {params.settings:q} --seed {params.seed}"
        " --threads {threads} --output {output.decoder:q}"
        " --reconstruction {output.reconstruction:q} --history {output.history:q} > {log:q} 2>&1"


rule stylize:
    input:
        content=lambda wc: content_files(wc, wc.split),
        styles=style_set("{split}"),
        encoder=lambda wc: encoder_files(STYLIZATIONS[wc.stylization]),
        decoder=lambda wc: decoder_file(
            wc.variant, wc.stylization, STYLIZATIONS[wc.stylization]
        ),
    output:
        temp(
            [
                f"{DATA}/{{variant}}/{{stylization}}/{{split}}.shard-{{shard}}.{part}"
                for part in SHARD_PARTS
            ]
        ),
    log:
        f"logs/{config['experiment']}/stylize/{{variant}}/{{stylization}}/{{split}}-{{shard}}.log",
    benchmark:
        f"logs/{config['experiment']}/stylize/{{variant}}/{{stylization}}/{{split}}-{{shard}}.benchmark.tsv"
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
        encoder=lambda wc, input: (
            ["--encoder", input.encoder] if input.encoder else []
        ),
        decoder=lambda wc, input: (
            ["--decoder", input.decoder] if input.decoder else []
        ),
        settings=lambda wc: engine_settings(STYLIZATIONS[wc.stylization]),
        seed=lookup(dpath="seed", within=config),
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
        lambda wc: shard_files(
            f"{DATA}/{wc.variant}/{wc.stylization}/{wc.split}",
            STYLIZATIONS[wc.stylization],
        ),
    output:
        [
            f"{DATA}/{{variant}}/{{split}}-{{stylization}}.{part}"
            for part in STYLIZED_PARTS
        ],
    log:
        f"logs/{config['experiment']}/merge_stylized/{{variant}}/{{split}}-{{stylization}}.log",
    benchmark:
        f"logs/{config['experiment']}/merge_stylized/{{variant}}/{{split}}-{{stylization}}.benchmark.tsv"
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
        contents=lambda wc: exemplar_files(CONFLICTS[wc.conflict], "contents"),
        textures=lambda wc: exemplar_files(CONFLICTS[wc.conflict], "textures"),
        encoder=lambda wc: encoder_files(CONFLICTS[wc.conflict]),
        decoder=lambda wc: decoder_file("base", wc.conflict, CONFLICTS[wc.conflict]),
    output:
        temp(
            [
                f"{DATA}/base/conflicts/{{conflict}}.shard-{{shard}}.{part}"
                for part in SHARD_PARTS
            ]
        ),
    log:
        f"logs/{config['experiment']}/conflict/{{conflict}}-{{shard}}.log",
    benchmark:
        f"logs/{config['experiment']}/conflict/{{conflict}}-{{shard}}.benchmark.tsv"
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=scaled(2500),
        runtime=scaled(720),
    params:
        exemplars=lambda wc, input: exemplar_options(wc.conflict, input),
        encoder=lambda wc, input: (
            ["--encoder", input.encoder] if input.encoder else []
        ),
        decoder=lambda wc, input: (
            ["--decoder", input.decoder] if input.decoder else []
        ),
        engine=lambda wc: engine_of(CONFLICTS[wc.conflict]),
        settings=lambda wc: engine_settings(CONFLICTS[wc.conflict]),
        seed=lookup(dpath="seed", within=config),
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
        lambda wc: shard_files(
            f"{DATA}/base/conflicts/{wc.conflict}", CONFLICTS[wc.conflict]
        ),
    output:
        [f"{DATA}/base/{{conflict}}.{part}" for part in STYLIZED_PARTS],
    log:
        f"logs/{config['experiment']}/merge_conflict/{{conflict}}.log",
    benchmark:
        f"logs/{config['experiment']}/merge_conflict/{{conflict}}.benchmark.tsv"
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
            f"{RESULTS}/{run}/trials/{name}.csv"
            for name, roles in FITNESS.items()
            for runs in roles.values()
            for run in runs
        ],
        manifests=[
            f"{DATA}/base/{name}.manifest.csv"
            for name in FITNESS
            if name in NEURAL_SETS
        ],
    output:
        f"{TABLES}/stylization_fitness.csv",
    log:
        f"logs/{config['experiment']}/stylization_fitness.log",
    benchmark:
        f"logs/{config['experiment']}/stylization_fitness.benchmark.tsv"
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
            for name in FITNESS
            for word in (
                "--set",
                name,
                "--manifest",
                (
                    f"{DATA}/base/{name}.manifest.csv"
                    if name in NEURAL_SETS
                    else ("renderer" if RENDERER else "photographs")
                ),
            )
        ],
        networks=[
            word
            for name, roles in FITNESS.items()
            for role, runs in roles.items()
            for run in runs
            for word in (f"--{role}", f"{name}={run}")
        ],
        settings=section("bootstrap"),
        seed=lookup(dpath="seed", within=config),
        code=step_hash("stylization-fitness"),
    shell:
        "texshape run stylization-fitness --results {params.results:q} {params.sets:q}"
        " {params.networks:q} --settings {params.settings:q} --seed {params.seed}"
        " --output {output:q} > {log:q} 2>&1"


rule tabulate_reconstruction:
    input:
        [f"{DATA}/base/{name}/reconstruction.csv" for name in DECODERS],
    output:
        f"{TABLES}/reconstruction.csv",
    log:
        f"logs/{config['experiment']}/tabulate_reconstruction.log",
    benchmark:
        f"logs/{config['experiment']}/tabulate_reconstruction.benchmark.tsv"
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(800),
        runtime=scaled(10),
    params:
        tables=[
            word
            for name in DECODERS
            for word in ("--table", f"{name}={DATA}/base/{name}/reconstruction.csv")
        ],
        code=step_hash("tabulate-reconstruction"),
    shell:
        "texshape run tabulate-reconstruction {params.tables:q} --output {output:q} > {log:q} 2>&1"


# Content, style, result.
rule figure_stylization:
    input:
        content=lambda wc: set_files(
            "base",
            f"test-{STYLIZATIONS[wc.stylization].get('contents', 'plain')}",
            masks=False,
        ),
        styles=set_files("base", "{stylization}/styles-test", masks=False),
        result=[
            f"{DATA}/base/test-{{stylization}}.{part}"
            for part in ("images.npy", "labels.csv", "manifest.csv")
        ],
    output:
        report(
            f"{FIGURES}/stylization-{{stylization}}.svg",
            caption="../report/stylization.rst",
            category=category("stylization"),
            labels={"figure": "stylization {stylization}"},
        ),
        f"{FIGURES}/stylization-{{stylization}}.png",
    log:
        f"logs/{config['experiment']}/figure_stylization/{{stylization}}.log",
    benchmark:
        f"logs/{config['experiment']}/figure_stylization/{{stylization}}.benchmark.tsv"
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
        contents=lambda wc: exemplar_files(CONFLICTS[wc.conflict], "contents"),
        textures=lambda wc: exemplar_files(CONFLICTS[wc.conflict], "textures"),
        result=[
            f"{DATA}/base/{{conflict}}.{part}" for part in ("images.npy", "labels.csv")
        ],
        drawn=lambda wc: (
            set_files("base", "cue-conflict", masks=False)
            if CONFLICTS[wc.conflict]["contents"] == "renderer"
            else []
        ),
    output:
        report(
            f"{FIGURES}/stylization-{{conflict}}.svg",
            caption="../report/stylization_conflict.rst",
            category=category("stylization_conflict"),
            labels={"figure": "conflict set {conflict}"},
        ),
        f"{FIGURES}/stylization-{{conflict}}.png",
    log:
        f"logs/{config['experiment']}/figure_conflict/{{conflict}}.log",
    benchmark:
        f"logs/{config['experiment']}/figure_conflict/{{conflict}}.benchmark.tsv"
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(800),
        runtime=scaled(10),
    params:
        exemplars=lambda wc, input: exemplar_options(wc.conflict, input, whole=False),
        result=lambda wc, input: stem(input.result),
        drawn=lambda wc, input: ["--drawn", stem(input.drawn)] if input.drawn else [],
        seed=lookup(dpath="seed", within=config),
        stem=lambda wc, output: output[0].removesuffix(".svg"),
        code=step_hash("conflict-sheet"),
    shell:
        "texshape run conflict-sheet {params.exemplars:q} --seed {params.seed}"
        " --result {params.result:q} {params.drawn:q} --output-stem {params.stem:q} > {log:q} 2>&1"
