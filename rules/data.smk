# Image sets drawn by the program.


use rule step as render with:
    output:
        LAYOUT.set_files("{variant}", "{set}"),
    wildcard_constraints:
        # Not what style transfer makes.
        set=rf"(?!(?:{any_of(PLAN.neural_sets)})\.)[A-Za-z0-9._-]+",
    resources:
        **needs(800, 60),
    params:
        **step(
            "render",
            settings=lambda wc: job_settings.drawn(PLAN, wc.variant, wc.set),
            seed=config["seed"],
            variant=lambda wc: wc.variant,
            set=lambda wc: wc.set,
            output_dir=folder,
        ),
