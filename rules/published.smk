# Public data: the published stimuli as image sets, and the published trials of humans and networks.


# The nodes of a cluster may lack a network.
localrules:
    published_answers,
    published_measures,
    published_stimuli,
    published_trials,


use rule step as published_stimuli with:
    output:
        LAYOUT.pictures(BASE, CONFLICT, "edges", "silhouettes"),
    resources:
        **needs(1500, 120),
    params:
        **step("published-stimuli", output_dir=folder),


use rule step as published_trials with:
    output:
        LAYOUT.published_list,
    resources:
        **needs(500, 120),
    params:
        **step("published-trials", output_dir=folder),


use rule step as published_measures with:
    output:
        output=LAYOUT.table("published_measures"),
    resources:
        **needs(500, 120),
    params:
        **step("published-measures"),


use rule step as published_answers with:
    input:
        LAYOUT.published_list,
    output:
        output=LAYOUT.table("published_answers"),
    resources:
        **needs(1500, 120),
    params:
        **step(
            "published-answers",
            published=LAYOUT.published,
            settings=section("bootstrap"),
            seed=config["seed"],
        ),
