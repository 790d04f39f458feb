# One table over all networks from the same file of each.


use rule step as concatenate with:
    input:
        lambda wc: PLAN.per_run[wc.table],
    output:
        output=LAYOUT.table("{table}"),
    resources:
        **needs(500, 10),
    params:
        **step("concatenate", lambda wc, input: input, results=folder_above),
