# Stimuli made of test photographs: those brought into conflict, and edge drawings.


use rule step as exemplars with:
    input:
        set=LAYOUT.pictures(BASE, "test-plain"),
    output:
        LAYOUT.pictures(BASE, "shape-exemplars", "texture-exemplars"),
    resources:
        **needs(800, 20),
    params:
        **step(
            "exemplars",
            shape_exemplars=config["data"]["shape_exemplars"],
            texture_exemplars=config["data"]["texture_exemplars"],
            output_dir=folder,
        ),


use rule step as edges with:
    input:
        set=LAYOUT.pictures(BASE, "test-plain"),
    output:
        output=LAYOUT.pictures(BASE, "edges"),
    resources:
        **needs(1500, 60),
    params:
        **step("edges"),
