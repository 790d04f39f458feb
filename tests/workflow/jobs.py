"""The jobs of a workflow as Snakemake sees them, with the shell command of each; nothing runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def planned(folder: Path, configfiles: Sequence[str] = ()) -> Iterator[list[Any]]:
    """Snakemake's job objects, one for each file set that the whole workflow makes.

    Changes the working folder of this process while it is open.
    """
    from snakemake.api import SnakemakeApi
    from snakemake.settings.types import (
        ConfigSettings,
        DAGSettings,
        OutputSettings,
        Quietness,
        ResourceSettings,
    )

    with SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
        opened = api.workflow(
            resource_settings=ResourceSettings(cores=1),
            config_settings=ConfigSettings(configfiles=[folder / name for name in configfiles]),
            snakefile=folder / "Snakefile",
            workdir=folder,
        )
        opened.dag(DAGSettings(forceall=True))
        workflow = opened._workflow  # what `snakemake --dag` goes through
        workflow._prepare_dag(forceall=True, ignore_incomplete=True, lock_warn_only=True)
        workflow._build_dag()
        jobs = [job for job in workflow.dag.jobs if job.rule.shellcmd]
        yield sorted(jobs, key=lambda job: (job.rule.name, *map(str, job.output)))
