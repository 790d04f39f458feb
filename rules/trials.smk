# Decisions of every network on every test set, and what they say about cues.
from texshape.data.listing import listing_hash

# A network that is to decide by a read-out of photographs gets it once, for all that its decisions rest on.
if PLAN.read_out_runs:

    rule decision_readout:
        input:
            network=lambda wc: PLAN.named_files(run_of(wc)),
            sets=[
                file
                for name in PLAN.test_sets
                for file in LAYOUT.set_files(BASE, name, masks=False)
            ],
        output:
            fitted=LAYOUT.decision_readout(WILDCARDS),
            table=LAYOUT.measure(WILDCARDS, "decision_readout"),
        log:
            LAYOUT.log(f"decision_readout/{WILDCARDS}"),
        benchmark:
            LAYOUT.benchmark(f"decision_readout/{WILDCARDS}")
        wildcard_constraints:
            model=any_of([run.model for run in PLAN.read_out_runs]),
        conda:
            "../envs/texshape.yaml"
        threads: 1
        resources:
            gpu=1,
            mem_mb=scaled(3000),
            runtime=scaled(60),
        params:
            network=lambda wc: PLAN.named[wc.model],
            settings=section("decision_readout"),
            evaluation=section("evaluation"),
            absent=by_run(absent_option),
            sets=options("--set", [LAYOUT.set(BASE, name) for name in PLAN.test_sets]),
            # The names of all files: one that is added or taken away reruns this.
            files=listing_hash([PLAN.checked.decision_readout.photographs]),
            code=step_hash("decision-readout"),
        shell:
            "texshape run decision-readout --network {params.network:q} --settings {params.settings:q}"
            " --evaluation {params.evaluation:q} {params.sets:q}"
            " --output {output.fitted:q} --table {output.table:q} {params.absent:q} --threads {threads} > {log:q} 2>&1"


# A network that others publish is looked for once, before any other job asks for it: one whose weights cannot be had is
# left out of all with the reason, and jobs cannot disagree about it. Its folder deleted, it is looked for again.
rule fetch_network:
    input:
        lambda wc: local_files(PLAN.named[wc.model]),
    output:
        LAYOUT.unavailable(WILDCARDS),
    log:
        LAYOUT.log(f"fetch_network/{WILDCARDS}"),
    benchmark:
        LAYOUT.benchmark(f"fetch_network/{WILDCARDS}")
    wildcard_constraints:
        model=any_of(PLAN.fetched),
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(2000),
        runtime=scaled(60),
    params:
        network=lambda wc: PLAN.named[wc.model],
        code=step_hash("fetch-network"),
    shell:
        "texshape run fetch-network --network {params.network:q} --output {output:q} > {log:q} 2>&1"


rule trials:
    input:
        network=lambda wc: PLAN.network_files(run_of(wc)),
        sets=lambda wc: [
            file
            for name in PLAN.sets_shown(wc.model)
            for file in LAYOUT.set_files(PLAN.variant(wc.model), name, masks=False)
        ],
    output:
        [LAYOUT.trials(WILDCARDS, name) for name in PLAN.test_sets],
    log:
        LAYOUT.log(f"trials/{WILDCARDS}"),
    benchmark:
        LAYOUT.benchmark(f"trials/{WILDCARDS}")
    wildcard_constraints:
        model=any_of(PLAN.base_models),
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=scaled(2000),
        runtime=scaled(60),
    params:
        network=lambda wc: PLAN.network(run_of(wc)),
        settings=section("evaluation"),
        sets=lambda wc: options(
            "--set",
            [
                LAYOUT.set(PLAN.variant(wc.model), name)
                for name in PLAN.sets_shown(wc.model)
            ],
        ),
        output_dir=lambda wc, output: parent(output[0]),
        absent=by_run(absent_option),
        code=step_hash("trials"),
    shell:
        "texshape run trials --network {params.network:q} --model {wildcards.model:q}"
        " --settings {params.settings:q} {params.sets:q} --output-dir {params.output_dir:q}"
        " {params.absent:q} --threads {threads} > {log:q} 2>&1"


# The controls' variants of the data have no sets made by style transfer.
use rule trials as trials_controls with:
    output:
        [LAYOUT.trials(WILDCARDS, name) for name in SOURCE.shown],
    log:
        LAYOUT.log(f"trials_controls/{WILDCARDS}"),
    benchmark:
        LAYOUT.benchmark(f"trials_controls/{WILDCARDS}")
    wildcard_constraints:
        model=any_of(PLAN.control_models),


# Before a stylization is chosen no test image is stylized: what it was made for is judged on validation images.
if PLAN.checked.fitness.split != "test":

    use rule trials as trials_of_validation with:
        input:
            network=lambda wc: PLAN.network_files(run_of(wc)),
            sets=LAYOUT.set_files(BASE, "validation-{set}", masks=False),
        output:
            LAYOUT.trials(WILDCARDS, "validation-{set}"),
        log:
            LAYOUT.log(f"trials_of_validation/{WILDCARDS}-{{set}}"),
        benchmark:
            LAYOUT.benchmark(f"trials_of_validation/{WILDCARDS}-{{set}}")
        params:
            network=lambda wc: PLAN.network(run_of(wc)),
            settings=section("evaluation"),
            sets=lambda wc: ["--set", LAYOUT.set(BASE, f"validation-{wc.set}")],
            output_dir=lambda wc, output: parent(output[0]),
            absent=by_run(absent_option),
            code=step_hash("trials"),


rule tabulate_trials:
    input:
        trials=[file for files in PLAN.trials.values() for file in files],
        published=f"{LAYOUT.published}/manifest.csv" if SOURCE.published else [],
    output:
        list(map(LAYOUT.table, PLAN.trial_tables)),
    log:
        LAYOUT.log("tabulate_trials"),
    benchmark:
        LAYOUT.benchmark("tabulate_trials")
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1500),
        runtime=scaled(30),
    params:
        results=lambda wc, output: parent(parent(output[0])),
        networks=options("--network", PLAN.runs),
        compared=options("--compare", PLAN.compared),
        settings=section("bootstrap"),
        seed=config["seed"],
        published=["--published", LAYOUT.published] if SOURCE.published else [],
        output_dir=lambda wc, output: parent(output[0]),
        code=step_hash("tabulate-trials"),
    shell:
        "texshape run tabulate-trials --results {params.results:q} {params.networks:q}"
        " {params.compared:q} --settings {params.settings:q} --seed {params.seed} {params.published:q}"
        " --output-dir {params.output_dir:q} > {log:q} 2>&1"


rule benchmark:
    input:
        trials=[file for files in PLAN.trials.values() for file in files],
        published=f"{LAYOUT.published}/manifest.csv",
    output:
        table=LAYOUT.table("benchmark"),
        by_dataset=LAYOUT.table("benchmark_by_dataset"),
    log:
        LAYOUT.log("benchmark"),
    benchmark:
        LAYOUT.benchmark("benchmark")
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1500),
        runtime=scaled(30),
    params:
        results=lambda wc, output: parent(parent(output.table)),
        networks=options("--network", PLAN.runs),
        published=lambda wc, input: parent(input.published),
        settings=section("bootstrap"),
        seed=config["seed"],
        code=step_hash("benchmark-networks"),
    shell:
        "texshape run benchmark-networks --results {params.results:q} {params.networks:q}"
        " --published {params.published:q} --settings {params.settings:q} --seed {params.seed}"
        " --output {output.table:q} --output-by-dataset {output.by_dataset:q} > {log:q} 2>&1"


rule consistency_power:
    input:
        trials=[file for files in PLAN.trials.values() for file in files],
        published=f"{LAYOUT.published}/manifest.csv",
    output:
        table=LAYOUT.table("consistency_power"),
        differences=LAYOUT.table("consistency_differences"),
    log:
        LAYOUT.log("consistency_power"),
    benchmark:
        LAYOUT.benchmark("consistency_power")
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(60),
    params:
        results=lambda wc, output: parent(parent(output.table)),
        networks=options("--network", PLAN.runs),
        published=lambda wc, input: parent(input.published),
        settings=section("bootstrap"),
        seed=config["seed"],
        code=step_hash("consistency-power"),
    shell:
        "texshape run consistency-power --results {params.results:q} {params.networks:q}"
        " --published {params.published:q} --settings {params.settings:q} --seed {params.seed}"
        " --output {output.table:q} --output-differences {output.differences:q} > {log:q} 2>&1"


# A control's network on the pictures of the other variants, and the base network on its: what training
# does and what the test pictures do.
rule trials_across:
    input:
        network=lambda wc: PLAN.network_files(run_of(wc)),
        set=lambda wc: LAYOUT.set_files(wc.variant, CONFLICT, masks=False),
    output:
        LAYOUT.across(WILDCARDS, "{variant}"),
    log:
        LAYOUT.log(f"trials_across/{WILDCARDS}-{{variant}}"),
    benchmark:
        LAYOUT.benchmark(f"trials_across/{WILDCARDS}-{{variant}}")
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=scaled(2000),
        runtime=scaled(60),
    params:
        network=lambda wc: PLAN.network(run_of(wc)),
        settings=section("evaluation"),
        set=lambda wc, input: stem(input.set),
        output_dir=lambda wc, output: parent(output[0]),
        code=step_hash("trials"),
    shell:
        "texshape run trials --network {params.network:q} --model {wildcards.model:q}"
        " --settings {params.settings:q} --set {params.set:q} --output-dir {params.output_dir:q}"
        " --threads {threads} > {log:q} 2>&1"


rule cross_variants:
    input:
        [cell.file for cell in PLAN.crossed],
    output:
        LAYOUT.table("controls"),
    log:
        LAYOUT.log("cross_variants"),
    benchmark:
        LAYOUT.benchmark("cross_variants")
    conda:
        "../envs/texshape.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1500),
        runtime=scaled(30),
    params:
        cells=options("--cell", [":".join(map(str, cell)) for cell in PLAN.crossed]),
        settings=section("bootstrap"),
        seed=config["seed"],
        code=step_hash("cross-variants"),
    shell:
        "texshape run cross-variants {params.cells:q} --settings {params.settings:q}"
        " --seed {params.seed} --output {output:q} > {log:q} 2>&1"
