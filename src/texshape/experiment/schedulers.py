"""What a rule asks for, in the words of schedulers whose plugin of Snakemake takes other ones.

Rules name ``gpu``, ``mem_mb`` (all threads together), ``runtime`` (minutes) and ``threads``. The Slurm plugin
makes options of all four; others know some, or by other names. A profile that says which scheduler it is for
(``default-resources: scheduler: lsf``) gets the missing words here, after `set-resources` and limits have had
their say.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from texshape.errors import InputError, nearest

#: the resource by which a profile names its scheduler
SCHEDULER = "scheduler"


@dataclass(frozen=True)
class Asked:
    """What one job asks for.

    Attributes
    ----------
    threads : int
    gpu : int
    mem_mb : int, optional
        Of all threads together.
    runtime : int, optional
        Minutes.
    """

    threads: int
    gpu: int = 0
    mem_mb: int | None = None
    runtime: int | None = None

    @property
    def seconds(self) -> int | None:
        """`runtime` in seconds."""
        return None if self.runtime is None else 60 * self.runtime

    @property
    def slot_mb(self) -> int | None:
        """`mem_mb` of one thread, rounded up."""
        return None if self.mem_mb is None else math.ceil(self.mem_mb / self.threads)


Words = Mapping[str, Callable[[Asked], "int | str | None"]]

#: scheduler -> resource that its profile or plugin reads -> its value; None leaves the resource away
WORDS: Mapping[str, Words] = MappingProxyType(
    {
        # The plugin takes threads alone from the rule.
        "htcondor": {
            "request_gpus": lambda asked: asked.gpu or None,
            "htcondor_request_mem_mb": lambda asked: asked.mem_mb,
            "allowed_execute_duration": lambda asked: asked.seconds,
        },
        # A pod without a GPU names none: the plugin would have it tolerate nodes that are kept for GPUs.
        "kubernetes": {"gpu": lambda asked: asked.gpu or None},
        # `num` counts on each host; the plugin keeps a job on one.
        "lsf": {"lsf_extra": lambda asked: f"-gpu num={asked.gpu}" if asked.gpu else None},
        # For the profile's own line of `qsub`: Grid Engine limits each slot, in seconds.
        "sge": {
            "slot_mb": lambda asked: asked.slot_mb,
            "seconds": lambda asked: asked.seconds,
        },
    }
)


def words_of(scheduler: str) -> Words:
    """The words of a scheduler.

    Raises
    ------
    InputError
        Where it is none of `WORDS`.
    """
    if scheduler not in WORDS:
        raise InputError(
            f"default-resources of the profile: {SCHEDULER}: unknown {scheduler!r}{nearest(scheduler, WORDS)}"
        )
    return WORDS[scheduler]
