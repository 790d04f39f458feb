# What measures a network, made of the techniques' declarations; what is said of one network lies in its folder.
# A rule a technique, or (`jobs.grain`) a rule for networks that the same techniques measure.
from texshape.experiment.grain import measured_together
from texshape.experiment.technique_job import SharedJob, TechniqueJob
from texshape.source_code import technique_hash

# Each once: the rules of all networks carry the hashes of the same techniques.
CODE = {technique.name: technique_hash(technique) for technique in PLAN.techniques}


for technique in PLAN.techniques if PLAN.grain == "technique" else []:
    job = TechniqueJob(PLAN, technique)

    rule:
        name:
            technique.name
        input:
            unpack(by_run(job.inputs)),
        output:
            job.outputs(WILDCARDS),
        log:
            LAYOUT.log(f"{technique.name}/{WILDCARDS}"),
        benchmark:
            LAYOUT.benchmark(f"{technique.name}/{WILDCARDS}")
        wildcard_constraints:
            model=any_of([*PLAN.trained, *PLAN.named]),
        conda:
            "../envs/texshape.yaml"
        threads: 1
        resources:
            gpu=1 if technique.gpu else 0,
            mem_mb=scaled(technique.memory),
            runtime=scaled(technique.minutes),
        params:
            # Here, not in the command: that is put together when the job runs, long after the loop.
            step=technique.name.replace("_", "-"),
            run=by_run(str),
            options=by_run(job.options),
            results=lambda wc, output: results_of(output[0]),
            parameters=by_run(job.parameters),
            code=CODE[technique.name],
        shell:
            "texshape run {params.step:q} --results {params.results:q}"
            " --run {params.run:q} {params.options:q}"
            " --parameters {params.parameters:q} --threads {threads} > {log:q} 2>&1"


for measured in measured_together(PLAN) if PLAN.grain == "network" else []:
    shared = SharedJob(PLAN, measured.techniques)

    rule:
        name:
            measured.name
        input:
            unpack(by_run(shared.inputs)),
        output:
            shared.outputs(WILDCARDS),
        log:
            LAYOUT.log(f"measure/{WILDCARDS}"),
        benchmark:
            LAYOUT.benchmark(f"measure/{WILDCARDS}")
        wildcard_constraints:
            model=any_of([measured.model]),
            seed=any_of(map(str, measured.seeds)),
        # What costs most is measured of the first network alone; last it would run by itself.
        priority: int(measured.holds(PLAN.measured_runs[0]))
        conda:
            "../envs/texshape.yaml"
        threads: 1
        resources:
            gpu=measured.gpu,
            mem_mb=scaled(measured.memory),
            runtime=scaled(measured.minutes),
        params:
            steps=by_run(shared.steps),
            code=[CODE[technique.name] for technique in measured.techniques],
        shell:
            "texshape run several {params.steps:q} > {log:q} 2>&1"


# The baseline that knows no network: the pixels themselves, stored beside the first network's features.
for technique in PLAN.with_pixels:

    rule:
        name:
            f"{technique.name}_pixels"
        input:
            images=LAYOUT.set_files(BASE, CONFLICT, masks=SOURCE.masks),
            features=LAYOUT.feature_files(
                PLAN.measured_runs[0], PLAN.epochs(PLAN.measured_runs[0])[-1]
            ),
        output:
            TechniqueJob(PLAN, technique).outputs(PIXELS),
        log:
            LAYOUT.log(f"{technique.name}_pixels"),
        benchmark:
            LAYOUT.benchmark(f"{technique.name}_pixels")
        conda:
            "../envs/texshape.yaml"
        threads: 1
        resources:
            mem_mb=scaled(2000),
            runtime=scaled(60),
        params:
            step=technique.name.replace("_", "-"),
            folder=lambda wc, input: parent(input.features[0]),
            results=lambda wc, output: results_of(output[0]),
            run=str(PIXELS),
            parameters=job_settings.technique(PLAN, technique, **technique.pixels),
            code=CODE[technique.name],
        shell:
            "texshape run {params.step:q} --results {params.results:q} --run {params.run:q}"
            " --epoch 0 --images conflict=cue-conflict --features {params.folder:q}"
            " --parameters {params.parameters:q} --threads {threads} > {log:q} 2>&1"


# One of another package that cannot be used stops nothing: that it measured no network is a result.
for refused, reason in PLAN.refused.items():
    logger.warning(f"techniques: left out: {reason}")

    rule:
        name:
            f"leave_out_{refused}"
        output:
            LAYOUT.left_out(WILDCARDS, refused),
        log:
            LAYOUT.log(f"leave_out_{refused}/{WILDCARDS}"),
        benchmark:
            LAYOUT.benchmark(f"leave_out_{refused}/{WILDCARDS}")
        conda:
            "../envs/texshape.yaml"
        threads: 1
        resources:
            mem_mb=scaled(300),
            runtime=scaled(5),
        params:
            technique=refused,
            reason=reason,
            code=step_hash("leave-out"),
        shell:
            "texshape run leave-out --technique {params.technique:q} --reason {params.reason:q}"
            " --output {output:q} > {log:q} 2>&1"
