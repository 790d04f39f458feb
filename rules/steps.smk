# How a rule runs a step of `texshape run`: `use rule step as NAME with` what it reads, makes and needs.
#
# What an input or output is called is the option by which the step is told of it (`--content STEM`); one without a
# name is only waited for, or made. Other options are named in `**step(...)`. What a job says, and the time and memory
# that it takes, lie in `logs/EXPERIMENT/NAME/` (`running.log_each_rule`).


rule step:
    conda:
        "../envs/texshape.yaml"
    threads: 1
    params:
        words="--help",
        files=[],
    shell:
        "texshape run {params.words:q} {params.files:q} > {log:q} 2>&1"


# The same of a step that computes with threads.
rule threaded_step:
    conda:
        "../envs/texshape.yaml"
    threads: 1
    params:
        words="--help",
        files=[],
    shell:
        "texshape run {params.words:q} {params.files:q} --threads {threads} > {log:q} 2>&1"
