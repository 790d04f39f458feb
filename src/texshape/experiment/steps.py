"""How a rule runs a step of ``texshape run``: the words that call it, the hash of its code, what it needs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from texshape.experiment.layout import FEATURE_FILES
from texshape.experiment.words import options, parent
from texshape.source_code import step_hash

_PICTURES = ".images.npy"


def step(name: str, *words: Any, **given: Any) -> dict[str, Any]:
    """The parameters of a rule that runs a step: the words that `call` it, and the hash of its code."""
    return {**call(name, *words, **given), "code": step_hash(name)}


def scaled(value: int) -> Callable[..., int]:
    """A resource that grows with each attempt: what ran out of memory or time gets more."""
    return lambda wildcards, attempt: value * attempt


def needs(megabytes: int, minutes: int, **others: Any) -> dict[str, Any]:
    """The resources of a rule: memory and run time, and others as they are (``gpu=1``)."""
    return {"mem_mb": scaled(megabytes), "runtime": scaled(minutes), **others}


def told(files: str | Iterable[str]) -> list[str]:
    """Files as a step is told of them.

    Returns
    -------
    list of str
        Of image sets their stems, of stored activations their folders, and any other files as they are.
    """
    files = [files] if isinstance(files, str) else list(map(str, files))
    sets = [name.removesuffix(_PICTURES) for name in files if name.endswith(_PICTURES)]
    features = [parent(name) for name in files if Path(name).name == FEATURE_FILES[0]]
    return sets or features or files


def call(step: str, *words: Any, **given: Any) -> dict[str, Callable[..., list[str]]]:
    """The words that call a step of ``texshape run``, as parameters of the rule that runs it.

    Each input and output of the rule that has a name is an option of the step: what it is called says which.
    One without a name is only waited for, or made.

    Parameters
    ----------
    step : str
    words : text, list or function
        Words after the step's name.
    given : value, list, bool or function
        Options: once with a value, once for each of a list, alone where it is `True`, and not at all where it
        is `None` or `False`. A function is asked with the wildcards and those of ``input`` and ``output``
        that it names.

    Returns
    -------
    dict
        Two functions, as Snakemake asks them. ``words`` of the wildcards: a job runs anew where these words
        change. ``files`` of wildcards, inputs and outputs: what follows from these is no reason for Snakemake.
    """
    by_files = {name: value for name, value in given.items() if _asked(value)}
    others = {name: value for name, value in given.items() if name not in by_files}

    def of_wildcards(wildcards: Any) -> list[str]:
        said = [step]
        for one in words:
            said += [] if _asked(one) else _listed(_known(one, wildcards))
        return said + _options(others, wildcards)

    def of_files(wildcards: Any, input: Any, output: Any) -> list[str]:
        files, said = {"input": input, "output": output}, []
        for one in filter(_asked, words):
            said += _listed(_known(one, wildcards, files))
        for name, several in (*input.items(), *output.items()):
            said += options(_option(name), told(several))
        return said + _options(by_files, wildcards, files)

    return {"words": of_wildcards, "files": of_files}


def _asked(value: Any) -> list[str]:
    """What a function asks for beside the wildcards: ``input``, ``output``; nothing of what is none."""
    return list(inspect.signature(value).parameters)[1:] if callable(value) else []


def _known(value: Any, wildcards: Any, files: Mapping[str, Any] = MappingProxyType({})) -> Any:
    """A value, or what a function says of a job."""
    if not callable(value):
        return value
    return value(wildcards, **{name: files[name] for name in _asked(value)})


def _listed(words: str | Iterable[object]) -> list[str]:
    return [words] if isinstance(words, str) else list(map(str, words))


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _options(given: Mapping[str, Any], *job: Any) -> list[str]:
    """Options of a job, by their names."""
    said: list[str] = []
    for name, value in given.items():
        known = _known(value, *job)
        if known is None or known is False:
            continue
        if known is True:
            said.append(_option(name))
            continue
        single = isinstance(known, str) or not isinstance(known, Iterable)
        said += options(_option(name), [known] if single else known)
    return said


# --- options that follow from the job --------------------------------------------------------------


def folder(wildcards: Any, output: Sequence[str]) -> str:
    """The folder that a rule's first output lies in."""
    return parent(output[0])


def folder_above(wildcards: Any, output: Sequence[str]) -> str:
    """The folder that this one lies in: that of the results, of a table over all networks."""
    return parent(parent(output[0]))


def figure_stem(wildcards: Any, output: Sequence[str]) -> str:
    """The place of a figure, of which these are the files, without an ending."""
    return output[0].removesuffix(".svg")


def shard(wildcards: Any) -> list[str]:
    """Which part of a whole a job makes, ``00001-of-00002``, as options."""
    number, total = map(int, wildcards.shard.split("-of-"))
    return ["--shard", str(number), "--shards", str(total)]
