"""Import a user's modules as their files are now.

Python keeps what it has imported for as long as the process lives, and its compiled files count as current when
size and second of the last change agree. In a notebook, or after two changes within a second, a network would
be what it was before the change.
"""

from __future__ import annotations

import hashlib
import importlib
import inspect
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

from texshape.errors import InputError, first_line, nearest

DYNAMIC_IMPORTS = ()  # never a module of ours (`texshape.source_code`)

#: Modules that were imported here, and the hash of each file at that time.
_imported: dict[str, tuple[Path, str]] = {}


def import_module(name: str, folder: Path) -> ModuleType:
    """Import a module, found from a folder or wherever Python looks.

    Parameters
    ----------
    name : str
        Full name.
    folder : path
        Looked into first, unless the module was imported before in another way.

    Raises
    ------
    ImportError
        And whatever else the module's code raises.
    """
    _forget_changed(name, folder)
    known = set(sys.modules)
    place, wrote = str(folder), sys.dont_write_bytecode
    sys.path.insert(0, place)
    sys.dont_write_bytecode = True
    importlib.invalidate_caches()
    try:
        return importlib.import_module(name)
    finally:
        sys.dont_write_bytecode = wrote
        if place in sys.path:
            sys.path.remove(place)
        _remember(set(sys.modules) - known)


def named(text: str, place: str) -> tuple[Any, str]:
    """What ``MODULE:CALLABLE`` names, looked for from the working folder.

    Parameters
    ----------
    text : str
        Full name of the model, for messages.
    place : str
        ``MODULE:CALLABLE``.

    Returns
    -------
    tuple
        What can be called, and its name in the module.

    Raises
    ------
    InputError
        If the module cannot be imported, has nothing of that name, or it cannot be called.
    """
    module_name, _, attribute = place.partition(":")
    try:
        source = import_module(module_name, Path.cwd())
    except ModuleNotFoundError as error:
        raise InputError(f"model '{text}': cannot import {module_name} ({error})") from None
    except Exception as error:  # whatever the user's module does when it is imported
        raise InputError(
            f"model '{text}': {module_name} fails when it is imported ({raised(error)})"
        ) from None
    found = source
    for part in attribute.split("."):
        if not hasattr(found, part):
            hint = nearest(part, _callables(found)) or nearest(part, vars(found), 1)
            raise InputError(f"model '{text}': {module_name} has no '{attribute}'{hint}")
        found = getattr(found, part)
    if not callable(found):
        raise InputError(f"model '{text}': {attribute} cannot be called")
    return found, attribute


def _callables(source: Any) -> list[str]:
    """What a module or a class has of its own that can be called."""
    package = getattr(source, "__name__", "").partition(".")[0]
    return [
        name
        for name, value in vars(source).items()
        if not name.startswith("_")
        and callable(value)
        and (
            isinstance(value, nn.Module)
            or inspect.isclass(source)
            or str(getattr(value, "__module__", "")).partition(".")[0] == package
        )
    ]


def raised(error: Exception) -> str:
    """An exception of a user's code, with its place, in a line."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"; {Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}: {first_line(error)}{place}"


def remember() -> None:
    """Take note of modules beside the imported ones that these have imported since, when they ran."""
    if _imported:
        folders = {path.parent for path, _ in _imported.values()}
        _remember(set(sys.modules) - _imported.keys(), folders)


def _remember(names: set[str], folders: set[Path] | None = None) -> None:
    from texshape.models.identity import origin

    for name in names:
        file = getattr(sys.modules.get(name), "__file__", None)
        if not file or (folders is not None and Path(file).parent not in folders):
            continue
        if Path(file).is_file() and not origin(name):
            _imported[name] = (Path(file), _digest(Path(file)))


def _forget_changed(name: str, folder: Path) -> None:
    """Import all of them anew once one has changed: they hold parts of each other."""
    changed = any(not path.is_file() or _digest(path) != then for path, then in _imported.values())
    if name in _imported:  # of another folder, where the working folder has one of this name
        start = folder.joinpath(*name.split("."))
        here = [
            place for place in (start.with_suffix(".py"), start / "__init__.py") if place.is_file()
        ]
        changed |= bool(here) and not any(place.samefile(_imported[name][0]) for place in here)
    if changed:
        for one in _imported:
            sys.modules.pop(one, None)
        _imported.clear()


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
