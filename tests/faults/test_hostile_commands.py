"""Values that hold spaces, quotes, `$(...)`, newlines or unicode reach every rule's command as they are.

Each rule's own command is formatted by Snakemake with hostile text in place of every parameter, file,
wildcard and log, and run by the shell that Snakemake uses, with a `texshape` that only prints its arguments.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from snakemake.iocontainers import Namedlist
from tests.workflow.conftest import copy_workflow, jobs
from tests.workflow.jobs import planned
from tools.workflow_copy import ROOT

from texshape.config.whole import check
from texshape.errors import InputError
from texshape.models import names
from texshape.parameters import from_json, overlay, read_yaml, to_json

HOSTILE = [
    "two words", "'", '"', "it's", 'a"b', "$(touch canary)", "`touch canary`", "; touch canary;",
    "| touch canary", "&& touch canary", "\ntouch canary\n", "'; touch canary; '", '"; touch canary; "',
    "> canary", "2>canary", "*", "?", "~", "$HOME", "${IFS}", "{1,2}", "{threads}", "{params.x}", "!!",
    "#", "\\", "\\'", "%s", "-rf", "--output", "=", "\t", "naïve ☃ 漢字", "\u202e", "\x07", "é" * 50,
    "results/$(touch canary)", "<(touch canary)", "a\\\nb",
]  # fmt: skip


@pytest.fixture(scope="module", params=[[], ["experiments/published.yaml"]])
def rules(request, tmp_path_factory) -> Iterator[dict[str, Any]]:
    """One job of every rule of an experiment."""
    folder = copy_workflow(tmp_path_factory.mktemp("rules") / "project").folder
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        with planned(folder, request.param) as jobs:
            yield {job.rule.name: job for job in jobs}


def poisoned(value: Any, texts: Iterator[str]) -> Any:
    """The same structure with hostile text in place of every text."""
    if isinstance(value, Namedlist):
        return Namedlist(toclone=value, custom_map=lambda one: poisoned(one, texts))
    if isinstance(value, list | tuple):
        return [poisoned(one, texts) for one in value]
    return next(texts) if isinstance(value, str) else value


def expected(command: str, variables: dict[str, Any]) -> list[str]:
    """The arguments that a command means: every value one word, or a word for each in a list."""

    def value_of(name: str, quoted: str | None) -> Any:
        first, *rest = name.split(".")
        value = variables[first]
        for part in rest:
            value = getattr(value, part)
        # A number by the schema or by Snakemake, and the digits of the one wildcard; all else is quoted.
        plain = isinstance(value, int | float) or name == "wildcards.seed"
        assert quoted or plain, f"{{{name}}} reaches the shell unquoted"
        return value

    field = re.compile(r"\{([\w.]+)(:q)?\}")
    words = []
    for word in command.split():
        assert not re.search(r"[{}'\"$`\\]", field.sub("", word)), f"'{word}': more than values"
        whole = field.fullmatch(word)
        value = value_of(*whole.groups()) if whole else None
        if isinstance(value, Namedlist | list | tuple):
            words += [str(one) for one in value]
        else:
            words.append(field.sub(lambda found: str(value_of(*found.groups())), word))
    return words


def run(jobs: dict[str, Any], texts: Iterator[str], folder: Path) -> int:
    """Run the command of every job with hostile values; returns how many values were driven through."""
    script, wanted, driven = [], {}, 0
    for number, (rule, job) in enumerate(jobs.items()):
        given = []

        def counted(texts: Iterator[str] = texts, given: list[str] = given) -> Iterator[str]:
            for text in texts:
                given.append(text)
                yield text

        source = counted()
        variables = {
            name: poisoned(getattr(job, name), source) for name in ("input", "output", "params")
        }
        # Digits, by the rule's own constraint; every other wildcard is free text here.
        wildcards = poisoned(job._format_wildcards, source)
        if hasattr(wildcards, "seed"):
            wildcards.seed = "7"
        variables["wildcards"] = wildcards
        variables["log"] = Namedlist([f"log {number} $(touch canary) '"])
        command = job.format_wildcards(job.rule.shellcmd, **variables)
        words = expected(job.rule.shellcmd, variables | {"threads": job.threads})
        cut = words.index(">")
        assert words[cut + 2 :] == ["2>&1"]
        wanted[rule] = (folder / words[cut + 1], words[1:cut])
        script.append(command)
        driven += len(given)
    stub = 'texshape() { printf "%s\\0" "$@"; }\n'
    (folder / "script").write_text(stub + "\n".join(script) + "\n", encoding="utf-8")
    for options in (["-n"], ["-euo", "pipefail"]):  # that it parses, then as Snakemake runs it
        done = subprocess.run(
            ["bash", *options, "script"], cwd=folder, capture_output=True, text=True
        )
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
    for rule, (log, words) in wanted.items():
        assert log.read_text(encoding="utf-8").split("\0")[:-1] == words, rule
    assert {path.name for path in folder.iterdir()} == {
        "script",
        *(p.name for p, _ in wanted.values()),
    }
    return driven


def test_every_rule_takes_every_hostile_value_as_one_word(rules, tmp_path: Path) -> None:
    texts = cycle(HOSTILE)
    driven = 0
    for number in range(3):
        folder = tmp_path / str(number)
        folder.mkdir()
        driven += run(rules, texts, folder)
    assert driven > 5 * len(HOSTILE)  # so that each stood in many places


def test_every_rule_takes_any_text_as_one_word(rules, tmp_path: Path) -> None:
    count = [0]
    characters = st.characters(exclude_categories=["Cs"], exclude_characters="\0\r")
    text = st.text(st.sampled_from(" '\"$`();|&<>*?~#!\\\n\t{}[]-=%") | characters, min_size=1)

    @settings(
        max_examples=4, derandomize=True, deadline=None, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(st.lists(text, min_size=5, max_size=20))
    def check_all(texts: list[str]) -> None:
        folder = tmp_path / str(count[0])
        folder.mkdir()
        count[0] += 1
        run(rules, cycle(texts), folder)

    check_all()


def test_a_seed_is_digits_for_every_rule(rules) -> None:
    """The one wildcard that is not quoted."""
    for job in rules.values():
        if "{wildcards.seed}" not in job.rule.shellcmd:
            continue
        wanted, made = str(job.output[0]), job.rule.output[0]
        assert "/seed-0" in wanted
        assert made.match(wanted)
        assert not any(made.match(wanted.replace("/seed-0", f"/seed-{text}")) for text in HOSTILE)


def test_an_environment_whose_folder_has_any_name(tmp_path: Path, monkeypatch) -> None:
    """Snakemake puts the environment's folder before every command."""
    name = "a b's $(touch canary) {x}"
    from snakemake.shell import shell

    folder = copy_workflow(tmp_path / "project").folder
    monkeypatch.chdir(folder)
    monkeypatch.setattr("sys.executable", f"{tmp_path}/{name}/bin/python")
    before = shell._process_prefix
    try:
        with planned(folder):
            prefix = shell._process_prefix
    finally:
        shell._process_prefix = before
    done = subprocess.run(
        ["bash", "-euc", prefix + 'printf %s "$PATH"'], cwd=folder, capture_output=True, text=True,
        env={"PATH": "/usr/bin"},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{tmp_path}/{name}/bin:/usr/bin"
    assert not (folder / "canary").exists()


@pytest.mark.parametrize("name", ["a{b}c", "a{b", "a}b", "{}"])
def test_a_clone_whose_path_holds_braces(name: str, tmp_path: Path) -> None:
    """Snakemake formats paths of files of the workflow: one line says so, before anything else."""
    done = copy_workflow(tmp_path / name / "clone").snakemake("-n", check=False)
    text = done.stdout + done.stderr
    assert done.returncode != 0
    assert f"the path of the clone must hold no braces, found '{tmp_path / name / 'clone'}'" in text
    assert "NameError" not in text
    assert "Traceback" not in text


def test_folders_of_photographs_and_paintings_of_any_name(tmp_path: Path) -> None:
    """Braces, spaces and bytes that are no UTF-8 where the user's own folders and files are named."""
    workflow = copy_workflow(tmp_path / "it's 100 % ours $x é")
    source, styles = tmp_path / "ph{o} tos", tmp_path / "st yles"
    for place in (source / "cup", source / "plant", styles):
        place.mkdir(parents=True)
        for number in range(34):
            (place / f"{number}.png").write_bytes(b"")
    (source / "cup" / "0.png").rename(os.fsdecode(os.fsencode(source) + b"/cup/\xe9.png"))
    mine = {
        "data": {"folder": {"source": str(source)}},
        "stylizations": {"stylized": {"styles": str(styles)}},
    }
    (workflow.folder / "mine.yaml").write_text(yaml.safe_dump(mine), encoding="utf-8")
    done = workflow.snakemake("-n", "--configfile", "experiments/folder.yaml", "mine.yaml")
    assert jobs(done.stdout)["photographs"] == 1
    for key in ("styles", "decoder"):
        mine["stylizations"]["stylized"] = {"styles": str(styles), key: "st{y}les"}
        (workflow.folder / "mine.yaml").write_text(yaml.safe_dump(mine), encoding="utf-8")
        done = workflow.snakemake(
            "-n", "--configfile", "experiments/folder.yaml", "mine.yaml", check=False
        )
        line = f"stylized.{key}: expected a path without braces, found 'st{{y}}les'"
        assert line in done.stdout + done.stderr


# --- what comes from parameters ------------------------------------------------------------------


def places() -> list[Callable[[str], dict[str, Any]]]:
    """Parameters that become names of files and folders."""
    return [
        lambda text: {"experiment": text},
        lambda text: {"arms": {text: {"sets": ["plain"]}}},
        lambda text: {"data": {"variants": {text: {}}}},
        lambda text: {"trained": [{"architecture": text, "arms": ["plain"], "seeds": [0]}]},
        lambda text: {"trained": [{"architecture": "cnn", "arms": ["plain"], "seeds": [text]}]},
        lambda text: {"seed": text},
        lambda text: {"training": {"epochs": text}},
        lambda text: {"features": {"batch_size": text}},
    ]


@pytest.mark.parametrize("place", range(8))
def test_hostile_text_where_a_name_belongs_is_refused(place: int) -> None:
    defaults = read_yaml(ROOT / "params.yaml")
    for text in [*HOSTILE, "../up", "/etc/passwd", "a/b", ".", ".."]:
        values = overlay(defaults, places()[place](text))
        with pytest.raises(InputError) as error:
            check(values)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", [*HOSTILE, "../../up", "/etc/passwd", "a/b"])
def test_the_folder_of_a_network_is_safe_whatever_its_name(text: str) -> None:
    for name in (f"timm:x{text}", f"torchvision:resnet18@{text}", f"{text}.pt"):
        try:
            slug = names.slug(name)
        except InputError as error:
            slug = "--"
            assert "\n" not in str(error)  # noqa: PT017 (either outcome is right)
        assert re.fullmatch(r"[A-Za-z0-9._-]+", slug)
        assert slug not in (".", "..")
        assert not slug.startswith(".")


@settings(max_examples=40, derandomize=True, deadline=None, database=None)
@given(
    st.dictionaries(
        st.text(), st.text() | st.integers() | st.floats(allow_nan=False) | st.lists(st.text())
    )
)
def test_parameters_survive_their_way_through_the_shell(values: dict[str, Any]) -> None:
    text = to_json(values)
    assert text.isascii()
    assert "\n" not in text
    assert not re.search(r"\{\s*[A-Za-z_]", text)  # no wildcard for Snakemake
    assert from_json(shlex.split(shlex.quote(text))[0]) == values
