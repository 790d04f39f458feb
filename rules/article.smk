# What may be said of the results, and the article: every number in it is read from the files that are its inputs.
from texshape.figures.report import caption
from texshape.gathered import said_hash, text_hash

# Verdicts at other levels, where `texshape levels` was asked for them: no rule makes them, and they are no part of a
# run whose results lie in a storage.
AT_LEVELS = LAYOUT.file("levels.json")
AT_LEVELS = [AT_LEVELS] if STORAGE is None and Path(AT_LEVELS).is_file() else []
PAPER = sorted(str(path) for path in Path("paper").rglob("*") if path.is_file())


use rule step as claims with:
    input:
        list(map(LAYOUT.table, PLAN.tables)),
        LAYOUT.file("parameters.json"),
        AT_LEVELS,
    output:
        output=LAYOUT.file("claims.json"),
    resources:
        **needs(500, 10),
    params:
        **step(
            "claims",
            results=folder,
            # Only what this run made: a table of former parameters must read as 'not run'.
            file=lambda wc, input: map(plain, input),
        ),


use rule step as origins with:
    input:
        list(map(LAYOUT.table, PLAN.tables)),
    output:
        output=LAYOUT.file("origins.json"),
    resources:
        **needs(500, 10),
    params:
        **step("origins", results=folder, table=lambda wc, input: map(plain, input)),


use rule step as figure_origins with:
    input:
        [LAYOUT.figure(name) for name in PLAN.figures + PLAN.image_figures],
    output:
        output=LAYOUT.file("figures.json"),
    resources:
        **needs(500, 10),
    params:
        **step(
            "figure-origins",
            results=folder,
            figure=lambda wc, input: map(plain, input),
        ),


if PLAN.foreign:

    use rule step as describe_techniques with:
        output:
            output=LAYOUT.file("techniques.json"),
        resources:
            **needs(300, 5),
        params:
            **step(
                "describe-techniques", [technique.name for technique in PLAN.foreign]
            ),
            # What they say of themselves is part of their code.
            said=said_hash(PLAN.foreign),


use rule step as article with:
    input:
        LAYOUT.file("techniques.json") if PLAN.foreign else [],
        list(map(LAYOUT.table, PLAN.tables)),
        [
            LAYOUT.figure(name, suffix)
            for name in PLAN.figures + PLAN.image_figures
            for suffix in ("svg", "png")
        ],
        PLAN.undrawn,
        AT_LEVELS,
        LAYOUT.file("claims.json"),
        LAYOUT.file("figures.json"),
        LAYOUT.file("metrics.json"),
        LAYOUT.file("models.csv"),
        LAYOUT.file("origins.json"),
        LAYOUT.file("parameters.json"),
        LAYOUT.file("provenance.json"),
        list(map(local, PAPER)),
        source=local("paper/main.typ"),
    output:
        output=report(
            LAYOUT.file("paper.pdf"),
            caption=caption(
                "article",
                "The article of this experiment. Every number in it is read from the tables of this run.",
            ),
            category="0 Article",
        ),
        html=LAYOUT.file("paper.html"),
    resources:
        **needs(800, 10),
    params:
        **step(
            "article",
            results=folder,
            # Only what this run made: a file of former parameters must read as 'not run'.
            file=lambda wc, input: [
                plain(file) for file in input if str(file) not in PAPER
            ],
        ),
        # The sections in the folders of techniques, which are no files of this folder where texshape is installed.
        sections=text_hash(),
