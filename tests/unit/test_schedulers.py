"""What a rule asks for, in the words of each scheduler."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from snakemake.resources import Resource, Resources
from tests.unit.test_pins import ROOT

from texshape.core import snakemake_private
from texshape.errors import InputError
from texshape.experiment.schedulers import WORDS, Asked, words_of

FOUR = Asked(threads=4, gpu=4, mem_mb=7202, runtime=120)
NONE = Asked(threads=1, mem_mb=500, runtime=10)


def said(scheduler: str, asked: Asked) -> dict[str, object]:
    return {name: word(asked) for name, word in words_of(scheduler).items()}


@pytest.mark.parametrize(
    ("scheduler", "of_four", "of_none"),
    [
        (
            "htcondor",
            {"request_gpus": 4, "htcondor_request_mem_mb": 7202, "allowed_execute_duration": 7200},
            {"request_gpus": None, "htcondor_request_mem_mb": 500, "allowed_execute_duration": 600},
        ),
        ("kubernetes", {"gpu": 4}, {"gpu": None}),
        ("lsf", {"lsf_extra": "-gpu num=4"}, {"lsf_extra": None}),
        ("sge", {"slot_mb": 1801, "seconds": 7200}, {"slot_mb": 500, "seconds": 600}),
    ],
)
def test_words(scheduler: str, of_four: dict, of_none: dict) -> None:
    assert said(scheduler, FOUR) == of_four
    assert said(scheduler, NONE) == of_none


def test_what_is_not_known_is_left_away() -> None:
    unknown = Asked(threads=2)
    assert all(value is None for name in WORDS for value in said(name, unknown).values())


def test_a_scheduler_that_is_not_known() -> None:
    with pytest.raises(InputError, match="scheduler: unknown 'slrum'"):
        words_of("slrum")


def test_each_profile_names_its_own_scheduler() -> None:
    for name in WORDS:
        text = (ROOT / "profiles" / name / "config.v9+.yaml").read_text(encoding="utf-8")
        assert yaml.safe_load(text)["default-resources"]["scheduler"] == name


@pytest.mark.parametrize(
    ("qstat", "qacct", "word"),
    [
        ("echo 'job_number: 7'", "exit 1", "running"),
        ("echo 'error reason 1: no such folder'", "exit 1", "failed"),
        ("exit 1", "printf 'failed 0\\nexit_status 0\\n'", "success"),
        ("exit 1", "printf 'failed 0\\nexit_status 75\\n'", "failed"),
        ("exit 1", "printf 'failed 100 : assumedly after job\\nexit_status 0\\n'", "failed"),
        ("exit 1", "exit 1", "failed"),
    ],
)
def test_what_became_of_a_job_of_grid_engine(
    qstat: str, qacct: str, word: str, tmp_path: Path
) -> None:
    for name, text in {"qstat": qstat, "qacct": qacct, "qdel": "exit 0"}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "TEXSHAPE_SGE_WAIT": "0"}
    command = [ROOT / "profiles" / "sge" / "status.sh", "7"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == f"{word}\n"


def evaluated(rule: SimpleNamespace, name: str, threads: int = 1, attempt: int = 1) -> object:
    more = {"rulename": "train", "async_run": None}
    return rule.resources[name].evaluate(
        None, input=[], attempt=attempt, threads=threads, **more
    ).value  # fmt: skip


def test_further_resources_follow_from_the_last_word_on_the_others() -> None:
    """The attempt, and the limit of `resources`; what the profile sets itself stands."""
    rule = SimpleNamespace(
        resources=Resources.from_mapping(
            {"runtime": lambda wildcards, attempt: 100 * attempt, "fixed": 7, "text": "theirs"}
        )
    )
    workflow = SimpleNamespace(rules=[rule], global_resources={"runtime": Resource("runtime", 150)})
    snakemake_private.add_resources(
        workflow,
        ["runtime", "gpu"],
        {
            "seconds": lambda known: 60 * known["runtime"],
            "cores": lambda known: known["threads"],
            "fixed": lambda known: 1,
            "text": lambda known: "ours",
            "absent": lambda known: known.get("gpu"),
        },
    )
    assert evaluated(rule, "seconds") == 6000
    assert evaluated(rule, "seconds", attempt=2) == 9000
    assert evaluated(rule, "cores", threads=3) == 3
    assert evaluated(rule, "fixed") == 7
    assert evaluated(rule, "text") == "ours theirs"
    assert evaluated(rule, "absent") is None
