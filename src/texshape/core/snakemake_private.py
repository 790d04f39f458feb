"""The parts of Snakemake that it does not promise to keep: whoever needs one asks here.

Snakemake documents its language, its commands and `snakemake.api`. What made a file, the limits of a run and
the scheduler's habits are behind attributes of its objects that any version may rename. `NEEDED` names each of
them; `check` looks for all of them when the Snakefile is read, so that a Snakemake without one is one line and
not half a run.
"""

from __future__ import annotations

import importlib
import inspect
import re
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
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
            "config_settings", "dag", "global_resources", "is_main_process", "modifier", "persistence", "rules",
            "scheduler", "scheduling_settings", "storage_registry", "storage_settings", "touch",
        ),
        "snakemake.settings.types:StorageSettings": (
            "default_storage_prefix", "default_storage_provider",
        ),
        "snakemake.rules:Rule": (
            "benchmark", "benchmark_modifier", "log", "log_modifier", "name", "output", "resources", "set_log",
            "shellcmd",
        ),
        "snakemake.modules:WorkflowModifier": ("path_modifier",),
        "snakemake.io": ("strip_wildcard_constraints",),
        "snakemake.resources:Resource": ("constrain", "evaluate", "raw", "value"),
        "snakemake.settings.types:ConfigSettings": ("config", "configfiles"),
        "snakemake.settings.types:SchedulingSettings": ("max_jobs_per_timespan",),
        "snakemake.settings.types:MaxJobsPerTimespan": ("max_jobs", "timespan"),
        "snakemake.scheduling.job_scheduler:JobScheduler": ("job_rate_limiter",),
        "snakemake.dag:DAG": ("jobs",),
        "snakemake.jobs:Job": ("temp_output",),
        "snakemake.persistence": ("MetadataRecord", "RECORD_FORMAT_VERSION"),
        "snakemake.persistence:PersistenceBase": ("has_metadata",),
        "snakemake.persistence:MetadataRecord": (
            "code", "endtime", "incomplete", "input", "input_checksums", "log", "params",
            "record_format_version", "rule", "shellcmd", "software_stack_hash", "starttime",
        ),
        "snakemake.persistence.file:FilePersistence": (
            "_clear_cache", "_read_record", "_write_record", "path",
        ),
    }
)  # fmt: skip
#: folder of a project in which Snakemake keeps what it knows of it
FOLDER = ".snakemake"
# What it writes there in place, folder by folder; and its environments, which are only read.
_RECORDS, _ENVIRONMENTS = ("metadata", "incomplete"), ("conda", "singularity")
# What it prints before it starts: a line a rule, between a rule of dashes and the sum.
_JOBS = re.compile(r"^job +count\n-+ +-+\n(.*?)^total +(\d+)", re.S | re.M)
_JOB = re.compile(r"^(\S+) +(\d+) *$", re.M)
_NO_JOB = "Nothing to be done"
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


class Storage:
    """Where a workflow's files lie that are named by nothing but their path (`default-storage-provider`).

    Parameters
    ----------
    provider : StorageProvider
        A plugin's object.
    prefix : str
        Goes before a path: ``s3://BUCKET/FOLDER/``.
    """

    def __init__(self, provider: Any, prefix: str) -> None:
        self._provider = provider
        self.prefix = prefix
        #: goes before a path to make that of its local copy
        self.copies = str(self.copy("-"))[:-1]

    def _object(self, path: str) -> Any:
        return _part(self._provider, "object")(f"{self.prefix}{path}")

    def copy(self, path: str) -> Path:
        """The local copy of a file."""
        return Path(_part(self._object(path), "local_path")())

    def fetch(self, path: str) -> bool:
        """Make the local copy of a file; whether the storage has it."""
        found = self._object(path)
        if not found.exists():
            return False
        self.copy(path).parent.mkdir(parents=True, exist_ok=True)
        found.retrieve_object()
        return True

    def store(self, path: str) -> None:
        """Put the local copy of a file into the storage."""
        self._object(path).store_object()

    def plain(self, name: str) -> str:
        """The path of a file that is called by its place in the storage, or by its copy's."""
        return name.removeprefix(self.prefix).removeprefix(self.copies)


class Records:
    """What Snakemake keeps of each file that it made.

    Parameters
    ----------
    persistence : Persistence
        Snakemake's own object.
    storage : Storage, optional
        That the files lie in. Paths here have no part of it.
    """

    def __init__(self, persistence: Any, storage: Storage | None = None) -> None:
        self._persistence = persistence
        self.storage = storage

    @property
    def folder(self) -> Path:
        """Where they lie."""
        return Path(_part(self._persistence, "path"))

    def read(self, name: str) -> FileRecord | None:
        """What is known of a file; None where nothing is."""
        # Its public methods want its own kind of path.
        storage = self.storage
        key = name if storage is None else f"{storage.prefix}{name}"
        found = _part(self._persistence, "_read_record")(key)
        if found is None:
            return None
        record = FileRecord(**{each.name: _part(found, each.name) for each in fields(FileRecord)})
        if storage is None:
            return record
        return replace(
            record,
            input=[storage.plain(file) for file in record.input or []],
            log=[storage.plain(file) for file in record.log or []],
            input_checksums={
                storage.plain(file): value for file, value in (record.input_checksums or {}).items()
            },
        )

    def write(self, name: str, record: FileRecord) -> None:
        """Keep what is known of a file that came from elsewhere."""
        from snakemake.persistence import RECORD_FORMAT_VERSION, MetadataRecord

        known = {"record_format_version": RECORD_FORMAT_VERSION, "incomplete": False}
        if (storage := self.storage) is not None:
            top = f"{Path(name).parts[0]}/"  # what lies beside the results is in no storage

            def named(before: str, file: str) -> str:
                return f"{before}{file}" if file.startswith(top) else file

            record = replace(
                record,
                input=sorted(named(storage.prefix, file) for file in record.input or []),
                input_checksums={
                    named(storage.copies, file): value
                    for file, value in (record.input_checksums or {}).items()
                },
            )
            name = f"{storage.prefix}{name}"
        _part(self._persistence, "_write_record")(name, MetadataRecord(**known, **vars(record)))

    def forget(self) -> None:
        """Read anew from now on: it remembers that a job had no record before the job had one."""
        _part(self._persistence, "_clear_cache")()


def records_of(workflow: Any) -> Records:
    """The records of a workflow that runs."""
    return Records(_part(workflow, "persistence"), storage_of(workflow))


def records_in(folder: str | Path = ".", storage: Storage | None = None) -> Records:
    """The records of a working folder, where no workflow is loaded."""
    persistence = _owner("snakemake.persistence.file:FilePersistence")
    return Records(persistence(path=Path(folder) / FOLDER), storage)


def copy_records(project: Path, other: Path) -> None:
    """Give another folder the records of a project, so that what is up to date there is so here.

    They are copied, since Snakemake writes them in place; its environments are led to.
    """
    source, target = project / FOLDER, other / FOLDER
    target.mkdir()
    if not source.is_dir():
        return
    for entry in source.iterdir():
        if entry.name in _RECORDS:
            shutil.copytree(entry, target / entry.name)
        elif entry.name in _ENVIRONMENTS:
            target.joinpath(entry.name).symlink_to(entry.resolve(), target_is_directory=True)
        elif entry.is_file():
            shutil.copy2(entry, target / entry.name)


def is_locked(project: Path) -> bool:
    """Whether a run goes on in a project, or was killed there."""
    return any((project / FOLDER / "locks").glob("*.lock"))


def listed_jobs(printed: str) -> Counter[str] | None:
    """How many jobs of each rule a run has, from what Snakemake prints before it starts.

    Returns
    -------
    Counter or None
        None where it prints neither a table of jobs nor that there are none.

    Raises
    ------
    ValueError
        If the lines of the table do not add up to its sum.
    """
    table = _JOBS.search(printed)
    if table is None:
        return Counter() if _NO_JOB in printed else None
    found = Counter({rule: int(count) for rule, count in _JOB.findall(table[1])})
    if found.total() != int(table[2]):
        raise ValueError(f"jobs: {found.total()} are listed, and {table[2]} counted")
    return found


def storage_of(workflow: Any) -> Storage | None:
    """Where the files of a workflow lie, if not in the working folder.

    Raises
    ------
    InputError
        Where the storage's folder would be the working folder itself.
    """
    settings = _part(workflow, "storage_settings")
    name = _part(settings, "default_storage_provider")
    if name is None:
        return None
    prefix = _part(settings, "default_storage_prefix") or ""
    if not (prefix.startswith("/") or "://" in prefix):
        raise InputError(
            f"--default-storage-prefix: expected an address or an absolute path, where the provider {name!r} "
            f"keeps the results; found {prefix!r}"
        )
    prefix = prefix if prefix.endswith("/") else f"{prefix}/"
    return Storage(_part(workflow, "storage_registry", "default_storage_provider"), prefix)


def compare_with_any_record() -> None:
    """Let a job be compared with what made any of its outputs.

    Snakemake looks at parameters, code and inputs only where each output has a record. A parameter that gives
    a job a further output (an epoch more, a file more) would so hide itself and all other changes from whoever
    asks for the outputs that were there before.
    """

    def has_metadata(self: Any, job: Any) -> bool:
        known = _part(self, "metadata")
        return any(known(path) is not None for path in job.output)

    persistence = _owner("snakemake.persistence:PersistenceBase")
    persistence.has_metadata = has_metadata


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


def is_main(workflow: Any) -> bool:
    """Whether this process plans and submits jobs; else it is one of them, perhaps on another machine."""
    return bool(_part(workflow, "is_main_process"))


def log_each_rule(workflow: Any, place: Callable[[str], tuple[str, str]]) -> None:
    """Give each rule that names no log its log and the file of its time and memory.

    They lie in a folder by the rule's name, and in it as the rule's first output lies below the results: each
    part of its path that holds a wildcard is a part of theirs.

    Parameters
    ----------
    workflow : Workflow
        With all its rules.
    place : function
        From the name of a job to the places of its log and of its benchmark.
    """
    plain = _owner("snakemake.io:strip_wildcard_constraints")
    modifier = _part(workflow, "modifier", "path_modifier")
    for rule in _part(workflow, "rules"):
        if _part(rule, "log") or not _part(rule, "shellcmd"):
            continue
        outputs = _part(rule, "output")
        first = plain(str(outputs[0])) if outputs else ""
        parts = [part[: part.rindex("}") + 1] for part in first.split("/") if "}" in part]
        log, benchmark = place("/".join([rule.name, *parts]))
        # Set where a rule says so itself: a storage takes what is said in too.
        rule.log_modifier = rule.benchmark_modifier = modifier
        _part(rule, "set_log")(log)
        rule.benchmark = benchmark


def given_of_all(workflow: Any, name: str) -> str | None:
    """The value of a resource that the profile gives to all rules (`default-resources`), as it stands there."""
    for rule in _part(workflow, "rules"):
        resources = _part(rule, "resources")
        if name in resources:
            return str(_part(resources[name], "raw"))
    return None


def add_resources(
    workflow: Any, known: Sequence[str], words: Mapping[str, Callable[[dict[str, int]], Any]]
) -> None:
    """Give each rule further resources that follow from those that it has.

    They are worked out for each job, when `set-resources`, the attempt and the limits of `resources` have made
    theirs of what the rule asks for. Where the profile itself sets a further one, that stands; a text is put
    behind ours.

    Parameters
    ----------
    workflow : Workflow
        With all its rules.
    known : sequence of str
        Resources that the further ones may follow from.
    words : mapping
        Name of a further resource to its value, of the numbers that are known of the job, threads among them;
        None leaves it away.
    """
    limits = _part(workflow, "global_resources")
    for rule in _part(workflow, "rules"):
        resources = _part(rule, "resources")
        asked = {name: resources[name] for name in known if name in resources}
        for name, word in words.items():
            own = resources[name] if name in resources and name not in asked else None
            resources[name] = _following(asked, limits, word, own)


def _following(
    asked: Mapping[str, Any],
    limits: Mapping[str, Any],
    word: Callable[[dict[str, int]], Any],
    own: Any,
) -> Callable[..., Any]:
    # Snakemake gives these by their names.
    def value(
        wildcards: Any, input: Any, attempt: int, threads: int, rulename: str, async_run: Any
    ) -> Any:
        def found(resource: Any, limit: Any = None) -> Any:
            each = _part(resource, "evaluate")(
                wildcards, input=input, attempt=attempt, threads=threads, rulename=rulename,
                async_run=async_run,
            )  # fmt: skip
            return _part(_part(each, "constrain")(limit), "value")

        every = {name: found(resource, limits.get(name)) for name, resource in asked.items()}
        # What follows from an input is no number before that is there.
        numbers = {name: number for name, number in every.items() if isinstance(number, int)}
        ours, theirs = word(numbers | {"threads": threads}), own and found(own)
        if isinstance(ours, str) and isinstance(theirs, str):
            return f"{ours} {theirs}"
        return ours if theirs is None else theirs

    return value


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
