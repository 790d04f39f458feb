# Decisions on changed images: shuffled patches, faded cues, corruptions.


# One job for all networks: each corrupted image is made once.
use rule threaded_step as corruptions with:
    input:
        [file for run in PLAN.measured_runs for file in PLAN.network_files(run)],
        set=LAYOUT.pictures(BASE, "test-plain"),
        own_set=LAYOUT.pictures(BASE, "test-stylized") if PLAN.own_pictures else [],
    output:
        output=[LAYOUT.measure(run, "corruptions") for run in PLAN.measured_runs],
        pictures=PLAN.corruption_pictures,
    priority: 1  # the longest job after the trainings: last it would run alone
    resources:
        **needs(2500, 240, gpu=1),
    params:
        **step(
            "corruptions",
            network=[PLAN.network(run) for run in PLAN.measured_runs],
            own=[PLAN.network(run) for run in PLAN.own_pictures],
            absent=[
                f"{PLAN.network(run)}={LAYOUT.unavailable(run)}"
                for run in map(RunId.of_model, PLAN.fetched)
            ],
            settings=job_settings.corruptions(PLAN),
            evaluation=section("evaluation"),
            seed=config["seed"],
        ),


use rule step as corruption_errors with:
    input:
        table=LAYOUT.table("corruptions"),
        pictures=PLAN.corruption_pictures,
    output:
        output=LAYOUT.table("corruption_errors"),
    resources:
        **needs(500, 10),
    params:
        **step(
            "corruption-errors",
            results=folder_above,
            settings=job_settings.corruption_errors(PLAN),
            seed=config["seed"],
        ),
