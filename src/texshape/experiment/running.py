"""What the workflow does beside its rules: before the first is read, once all are, and when a run ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from texshape import parameters
from texshape.core import snakemake_private
from texshape.core.snakemake_private import Storage
from texshape.experiment import staging
from texshape.experiment.plan import Plan
from texshape.experiment.schedulers import SCHEDULER, Asked, words_of
from texshape.records import jobs


def planned(workflow: Any, config: Mapping[str, Any]) -> tuple[Plan, Storage | None]:
    """The plan of an experiment, and the storage that its results lie in, if in one.

    Results that came from elsewhere (dvc pull, dvc checkout, a bucket) bring the record of what made them. It
    is adopted here; jobs need no records, and those on other machines may see none.

    Raises
    ------
    InputError
        If Snakemake lacks what is needed of it, the parameters cannot be, or ask for more GPUs than there are.
    """
    snakemake_private.check()
    snakemake_private.compare_with_any_record()
    plan = Plan(config)
    storage = snakemake_private.storage_of(workflow)
    staging.link(plan.layout.results, storage and storage.copy(plan.layout.results))
    if snakemake_private.is_main(workflow):
        jobs.adopt(plan.layout.results, storage)
    plan.check_gpus(snakemake_private.limit(workflow, "gpu"))
    return plan, storage


def log_each_rule(workflow: Any, plan: Plan) -> None:
    """Give rules the places of what their jobs say and take, once all rules are there; a rule's own stand."""
    layout = plan.layout
    snakemake_private.log_each_rule(workflow, lambda job: (layout.log(job), layout.benchmark(job)))


def ask_in_words_of_the_scheduler(workflow: Any) -> None:
    """Give rules the resources that the profile's scheduler reads; once all rules are there.

    Raises
    ------
    InputError
        If a profile names a scheduler that there is none of.
    """
    scheduler = snakemake_private.given_of_all(workflow, SCHEDULER)
    if scheduler is None:
        return
    words = {
        name: lambda numbers, word=word: word(Asked(**numbers))
        for name, word in words_of(scheduler).items()
    }
    snakemake_private.add_resources(workflow, ["gpu", "mem_mb", "runtime"], words)


def begin(workflow: Any, config: Mapping[str, Any]) -> None:
    """Note that a run begins, and let Snakemake start jobs as soon as cores are free."""
    files, overrides = snakemake_private.configuration(workflow)
    jobs.begin(
        snakemake_private.records_of(workflow),
        configuration=parameters.to_json(config),
        files=files,
        overrides=overrides,
        touch=snakemake_private.only_touches(workflow),
    )
    snakemake_private.start_jobs_at_once(workflow)


def plain(file: Any, storage: Storage | None) -> str:
    """The path of a file as results name it, whatever storage it is staged from."""
    return storage.plain(str(file)) if storage else str(file)


def note_what_was_made(workflow: Any, plan: Plan, storage: Storage | None) -> None:
    """Write the record of the result files.

    Raises
    ------
    InputError
        If the record of an earlier run cannot be read.
    """
    temporary = snakemake_private.temporary_files(workflow)
    jobs.update(
        plan.layout.results,
        snakemake_private.records_of(workflow),
        temporary=[plain(file, storage) for file in temporary],
    )
