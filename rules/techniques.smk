# What measures a network, made of the techniques' declarations; what is said of one network lies in its folder.
from texshape.experiment.grain import measured_together
from texshape.experiment.technique_job import SharedJob, TechniqueJob
from texshape.source_code import technique_hash

# Each once: the rules of all networks carry the hashes of the same techniques.
CODE = {technique.name: technique_hash(technique) for technique in PLAN.techniques}


# A rule a technique, or for networks that the same techniques measure.
for measured in measured_together(PLAN):
    shared = SharedJob(PLAN, measured.techniques)

    rule:
        name:
            measured.name
        input:
            unpack(by_run(shared.inputs)),
        output:
            shared.outputs(WILDCARDS),
        log:
            LAYOUT.log(f"{measured.logs}/{WILDCARDS}"),
        benchmark:
            LAYOUT.benchmark(f"{measured.logs}/{WILDCARDS}")
        wildcard_constraints:
            model=any_of(measured.models),
            seed=any_of(map(str, measured.seeds)),
        priority: measured.priority
        conda:
            "../envs/texshape.yaml"
        threads: 1
        resources:
            **needs(measured.memory, measured.minutes, gpu=measured.gpu),
        params:
            words=by_run(shared.steps),
            code=[CODE[technique.name] for technique in measured.techniques],
        shell:
            "texshape run several {params.words:q} > {log:q} 2>&1"


# The baseline that knows no network: the pixels themselves, stored beside the first network's features.
for technique in PLAN.with_pixels:

    rule:
        name:
            f"{technique.name}_pixels"
        input:
            LAYOUT.set_files(BASE, CONFLICT, masks=SOURCE.masks),
            features=LAYOUT.feature_files(
                PLAN.measured_runs[0], PLAN.epochs(PLAN.measured_runs[0])[-1]
            ),
        output:
            TechniqueJob(PLAN, technique).outputs(PIXELS),
        conda:
            "../envs/texshape.yaml"
        threads: 1
        resources:
            **needs(2000, 60),
        params:
            **call(
                technique.name.replace("_", "-"),
                results=LAYOUT.results,
                run=PIXELS,
                epoch=0,
                images=f"conflict={CONFLICT}",
                parameters=job_settings.technique(PLAN, technique, **technique.pixels),
            ),
            code=CODE[technique.name],
        shell:
            "texshape run {params.words:q} {params.files:q} --threads {threads} > {log:q} 2>&1"


# One of another package that cannot be used stops nothing: that it measured no network is a result.
for refused, reason in PLAN.refused.items():
    logger.warning(f"techniques: left out: {reason}")

    rule:
        name:
            f"leave_out_{refused}"
        output:
            output=LAYOUT.left_out(WILDCARDS, refused),
        conda:
            "../envs/texshape.yaml"
        threads: 1
        resources:
            **needs(300, 5),
        params:
            **step("leave-out", technique=refused, reason=reason),
        shell:
            "texshape run {params.words:q} {params.files:q} > {log:q} 2>&1"
