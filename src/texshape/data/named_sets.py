"""Data sets of class folders that an experiment may name in place of a folder, and which are downloaded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from texshape.data import archives, tiny_imagenet
from texshape.data.photographs import Source


def is_named(name: str | None) -> bool:
    """Whether it is the name of such a data set."""
    return name == tiny_imagenet.NAME or name in archives.archives()


def sources(
    name: str, classes: Sequence[str] | None, cache: str | Path
) -> tuple[list[Source], list[Source]]:
    """Its photographs: those to train on, and those to test on.

    Parameters
    ----------
    name : str
    classes : sequence of str, optional
        Those that are wanted; others may be among the photographs.
    cache : path
        Folder that keeps what is downloaded.

    Raises
    ------
    InputError
        If it cannot be had, or does not hold what it should.
    """
    if name == tiny_imagenet.NAME:
        return tiny_imagenet.sources(classes, cache)
    return archives.sources(name, cache)
