"""The parts of Snakemake that it does not promise to keep: whoever needs one asks here.

Snakemake documents its language, its commands and `snakemake.api`. What made a file, the limits of a run and
the scheduler's habits are behind attributes of its objects that any version may rename. `NEEDED` names each of
them; `check` looks for all of them when the Snakefile is read, so that a Snakemake without one is one line and
not half a run.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib import metadata
from pathlib import Path
from types import MappingProxyType
from typing import Any

from texshape.errors import InputError

#: modules of ours that are imported by name, for `texshape.source_code`: they are all Snakemake's
DYNAMIC_IMPORTS = ()
#: versions in which they were found, as in pyproject.toml
RANGE = ">=9.17,<10"
#: class or module of Snakemake -> what is needed of it
NEEDED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "snakemake.workflow:Workflow": (
            "config_settings", "dag", "global_resources", "persistence", "scheduler",
            "scheduling_settings", "touch",
        ),
        "snakemake.settings.types:ConfigSettings": ("config", "configfiles"),
        "snakemake.settings.types:SchedulingSettings": ("max_jobs_per_timespan",),
        "snakemake.settings.types:MaxJobsPerTimespan": ("max_jobs", "timespan"),
        "snakemake.scheduling.job_scheduler:JobScheduler": ("job_rate_limiter",),
        "snakemake.dag:DAG": ("jobs",),
        "snakemake.jobs:Job": ("temp_output",),
        "snakemake.persistence": ("MetadataRecord", "RECORD_FORMAT_VERSION"),
        "snakemake.persistence:MetadataRecord": (
            "code", "endtime", "incomplete", "input", "input_checksums", "log", "params",
            "record_format_version", "rule", "shellcmd", "software_stack_hash", "starttime",
        ),
        "snakemake.persistence.file:FilePersistence": (
            "_clear_cache", "_read_record", "_write_record", "path",
        ),
    }
)  # fmt: skip
# Snakemake's own default: it never binds, see `start_jobs_at_once`.
_DEFAULT_RATE = (100, 1)


def check(needed: Mapping[str, tuple[str, ...]] = NEEDED) -> None:
    """Look for all that is needed of the Snakemake that is installed.

    Raises
    ------
    InputError
        Names the first part that it does not have, and the versions that have it.
    """
    for place, names in needed.items():
        owner = _owner(place)
        for name in names:
            if not _has(owner, name):
                raise _lacks(place, name)


def _owner(place: str) -> Any:
    module, _, name = place.partition(":")
    try:
        importlib.import_module(
            "snakemake.api"
        )  # its other modules import one another in this order only
        found = importlib.import_module(module)
        return getattr(found, name) if name else found
    except (ImportError, AttributeError):
        raise _lacks(module, name) from None


def _has(owner: Any, name: str) -> bool:
    """Whether a class or its objects have an attribute: declared, or set when an object is made."""
    if hasattr(owner, name) or not isinstance(owner, type):
        return hasattr(owner, name)
    for base in owner.__mro__:
        made = [vars(base).get(method) for method in ("__init__", "__post_init__")]
        code = [method.__code__ for method in made if hasattr(method, "__code__")]
        if name in inspect.get_annotations(base) or any(name in one.co_names for one in code):
            return True
    return name in getattr(owner, "model_fields", ())


def _lacks(place: str, name: str) -> InputError:
    what = ".".join(filter(None, (place.replace(":", "."), name)))
    return InputError(
        f"Snakemake {metadata.version('snakemake')} has no {what}, which texshape needs; install one that "
        f"is {RANGE}, best that of requirements.lock"
    )


def _part(owner: Any, *names: str) -> Any:
    for name in names:
        try:
            owner = getattr(owner, name)
        except AttributeError:
            raise _lacks(type(owner).__name__, name) from None
    return owner


# --- what made each file ---------------------------------------------------------------------------


@dataclass(frozen=True)
class FileRecord:
    """What Snakemake knows of a file that a job made; times in seconds since 1970."""

    rule: str | None = None
    input: list[str] | None = None
    input_checksums: dict[str, str] | None = None
    log: list[str] | None = None
    params: list[str] | None = None
    code: str | None = None
    shellcmd: str | None = None
    software_stack_hash: str | None = None
    starttime: float | None = None
    endtime: float | None = None


class Records:
    """What Snakemake keeps of each file that it made.

    Parameters
    ----------
    persistence : Persistence
        Snakemake's own object.
    """

    def __init__(self, persistence: Any) -> None:
        self._persistence = persistence

    @property
    def folder(self) -> Path:
        """Where they lie."""
        return Path(_part(self._persistence, "path"))

    def read(self, name: str) -> FileRecord | None:
        """What is known of a file; None where nothing is."""
        # Its public methods want its own kind of path.
        found = _part(self._persistence, "_read_record")(name)
        if found is None:
            return None
        return FileRecord(**{each.name: _part(found, each.name) for each in fields(FileRecord)})

    def write(self, name: str, record: FileRecord) -> None:
        """Keep what is known of a file that came from elsewhere."""
        from snakemake.persistence import RECORD_FORMAT_VERSION, MetadataRecord

        known = {"record_format_version": RECORD_FORMAT_VERSION, "incomplete": False}
        _part(self._persistence, "_write_record")(name, MetadataRecord(**known, **vars(record)))

    def forget(self) -> None:
        """Read anew from now on: it remembers that a job had no record before the job had one."""
        _part(self._persistence, "_clear_cache")()


def records_of(workflow: Any) -> Records:
    """The records of a workflow that runs."""
    return Records(_part(workflow, "persistence"))


def records_in(folder: str | Path = ".") -> Records:
    """The records of a working folder, where no workflow is loaded."""
    persistence = _owner("snakemake.persistence.file:FilePersistence")
    return Records(persistence(path=Path(folder) / ".snakemake"))


# --- the run ---------------------------------------------------------------------------------------


def configuration(workflow: Any) -> tuple[list[Path], dict[str, Any]]:
    """The configuration files of the command line, and its single values."""
    settings = _part(workflow, "config_settings")
    return list(_part(settings, "configfiles")), dict(_part(settings, "config"))


def only_touches(workflow: Any) -> bool:
    """Whether a run takes files for its own and makes none (``--touch``)."""
    return bool(_part(workflow, "touch"))


def temporary_files(workflow: Any) -> set[str]:
    """Outputs that are removed when no job needs them any more."""
    jobs = _part(workflow, "dag", "jobs")
    return {str(file) for job in jobs for file in _part(job, "temp_output")}


def limit(workflow: Any, resource: str) -> int | None:
    """How much of a resource all jobs together may take (``--resources``); None where nothing says."""
    found = _part(workflow, "global_resources").get(resource)
    return getattr(found, "value", found)


def start_jobs_at_once(workflow: Any) -> None:
    """Spare the scheduler its limit of jobs a second, unless the user set one.

    For each job that has ended Snakemake 9 looks at all waiting jobs once a second, to see whether its limit
    lets one more start: after 250 jobs that took a quarter of two cores. Its default never binds.
    """
    rate = _part(workflow, "scheduling_settings", "max_jobs_per_timespan")
    scheduler = _part(workflow, "scheduler")
    _part(scheduler, "job_rate_limiter")
    if rate and (_part(rate, "max_jobs"), _part(rate, "timespan")) == _DEFAULT_RATE:
        scheduler.job_rate_limiter = None
