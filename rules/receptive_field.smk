# How far the units of published architectures see, in theory.


use rule step as architectures with:
    output:
        output=LAYOUT.table("architectures"),
    resources:
        **needs(2000, 20),
    params:
        **step("architectures"),
