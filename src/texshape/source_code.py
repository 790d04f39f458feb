"""Which code of ours a step runs: the closure of its imports, and a hash of what that code does.

A rule that carries `step_hash` as a parameter reruns when any module changes that its step can import, and
not when another one does. The closure starts at the function that the step's command runs. A module that it
imports, at its head or inside a function, belongs to it whole, with the data files that it names; so do
the modules that those import, and so on. Modules that hold many steps side by side (`CUT`) are taken apart:
of them only the definitions count that the step uses.

Nothing is imported for it. What a module imports by a name that is put together while it runs cannot be
seen in its text: it says so itself, in a constant `DYNAMIC_IMPORTS` (see `_dynamic`).
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from texshape.errors import InputError, nearest
from texshape.files import cache_folder
from texshape.techniques.inputs import DECISIONS, STATES

if TYPE_CHECKING:
    from texshape.techniques.base import Technique

PACKAGE = Path(__file__).parent
#: steps side by side, of which each is hashed by itself; below these names
CUT = ("texshape.cli", "texshape.survey.survey", "texshape.survey.inputs")
DYNAMIC = "DYNAMIC_IMPORTS"
#: calls whose argument at this place is only read by people (`texshape.tables`)
_WORDS = {"Column": 2, "Table": 1}
_WORDY = {
    "help",
    "description",
}  # the like by name: of an option, of a parameter (`texshape.config`)
_IMPORTERS = {"import_module", "__import__", "spec_from_file_location", "run_module", "run_path"}
# An entry younger than this when it is stored may be of a file that changes once more within the same tick.
_TICK = 2.0  # seconds

#: the module whose function `step` is every technique's command
STEP_OF_TECHNIQUES = "texshape.cli.technique"

File = dict[str, Any]


@cache
def step_hash(step: str) -> str:
    """Hash what the code does that ``texshape run STEP`` (or ``texshape STEP``) runs.

    Returns
    -------
    str
        Twelve hexadecimal digits. Comments, docstrings, help texts, meanings of columns and formatting do
        not matter to them.

    Raises
    ------
    InputError
        If there is no such step.
    """
    return _shared().step_hash(step)


@cache
def function_hash(*functions: Callable[..., Any]) -> str:
    """Hash what the code does that some functions of the package run, as `step_hash` does."""
    return _shared().hash([(f.__module__, f.__qualname__.split(".")[0]) for f in functions])


def technique_hash(technique: Technique) -> str:
    """Hash what the code does that measures a network by a technique.

    Of a technique of another package all Python and data files of that package count, and the modules of
    ours that they import.
    """
    roots, others = technique_roots(technique)
    digest = _shared().hash(roots)
    return _digest("\n".join([digest, *others]).encode())[:12] if others else digest


def technique_roots(technique: Technique) -> tuple[list[tuple[str, str | None]], list[str]]:
    """Where the code of ours begins that measures by a technique, and hashes of other packages' files."""
    places = [technique.run, *filter(None, [technique.settings, technique.applies])]
    if technique.network:
        places += [STATES, DECISIONS]
    modules = list(dict.fromkeys(place.partition(":")[0] for place in places))
    ours = [module for module in modules if module.split(".")[0] == PACKAGE.name]
    others = sorted({module.split(".")[0] for module in modules} - {PACKAGE.name})
    found = [_foreign(name) for name in others]
    roots: list[tuple[str, str | None]] = [(STEP_OF_TECHNIQUES, "step")]
    roots += [(module, None) for module in ours]
    roots += [(module, None) for _, imported in found for module in imported]
    return roots, [own for own, _ in found]


def _foreign(name: str) -> tuple[str, list[str]]:
    """Hash of another package's files, and the modules of ours that they import."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise InputError(f"{name}: no such package, or one without files")
    origin = Path(spec.origin)
    whole = origin.parent.rglob("*") if origin.name == "__init__.py" else [origin]
    files = sorted(path for path in whole if path.is_file() and path.suffix != ".pyc")
    ours: set[str] = set()
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path.relative_to(origin.parent).as_posix()}\n".encode())
        if path.suffix != ".py":
            digest.update(path.read_bytes())
            continue
        try:
            tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
        except (SyntaxError, ValueError):  # said where it is imported, if anything imports it
            digest.update(path.read_bytes())
            continue
        digest.update(_meaning([tree]).encode())
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                ours |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                ours |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    known = set(_shared().modules)
    return digest.hexdigest(), sorted(ours & known)


@cache
def _shared() -> SourceCode:
    # A store each, so that two clones in use do not each forget what the other has found.
    which = _digest(str(PACKAGE).encode())[:8]
    return SourceCode(PACKAGE, store=cache_folder() / f"source_code-{which}.json")


class SourceCode:
    """The modules of a package, as their files say.

    Parameters
    ----------
    package : Path
        The package's folder; its name is the package's.
    store : Path, optional
        File that keeps what was found, by each file's path, size and times; where it cannot be written
        each file is read anew.
    """

    def __init__(self, package: Path, store: Path | None = None) -> None:
        self.package = package
        self.store = store
        self._kept: dict[str, Any] = {}
        self._known: dict[str, File | None] = {}
        self._hashes: dict[str, str] = {}
        self._stale = False
        # What a module names among the files beside it depends on which there are.
        files = sorted(
            os.path.join(folder, name)
            for folder, _, names in os.walk(package)
            for name in names
            if not name.endswith(".pyc")
        )
        self._modules = {
            self._name(Path(name)): Path(name) for name in files if name.endswith(".py")
        }
        about = [str(sys.version_info[:2]), Path(__file__).read_text(encoding="utf-8"), *files]
        self._version = _digest("\0".join(about).encode())
        if store:
            with suppress(OSError, ValueError, KeyError, TypeError):  # none, or a damaged one
                kept = json.loads(store.read_text(encoding="utf-8"))
                if kept["version"] == self._version:
                    self._kept = kept["files"]

    @cached_property
    def steps(self) -> dict[str, tuple[str, str]]:
        """The module and the function of each command, by the command's name."""
        return {
            command: (module, function)
            for module in self.modules
            if module.startswith(f"{self.package.name}.cli.")
            for command, function in self._known_file(module)["commands"].items()
        }

    def step_hash(self, step: str) -> str:
        """Hash the code that a command runs."""
        if step not in self.steps:
            raise InputError(f"no step '{step}' in texshape{nearest(step, self.steps)}")
        return self.hash([self.steps[step]])

    def hash(self, roots: Iterable[tuple[str, str | None]]) -> str:
        """Hash the closure of some functions, or of modules (where the function is None)."""
        digest = hashlib.sha256()
        for module, names in sorted(self.closure(roots).items()):
            file = self._known_file(module)
            if names is None:
                digest.update(f"{module}\n{file['hash']}\n".encode())
            else:
                hashes = [file["parts"][name]["hash"] for name in sorted(names)]
                digest.update(f"{module}\n{sorted(names)}\n{hashes}\n".encode())
            for name in file["data"]:
                digest.update(f"{name}\n{self._data(name)}\n".encode())
        self._keep()
        return digest.hexdigest()[:12]

    def closure(self, roots: Iterable[tuple[str, str | None]]) -> dict[str, set[str] | None]:
        """All modules that some functions can import, each with the definitions that count; None is all."""
        found: dict[str, set[str] | None] = {}
        waiting = list(roots)
        seen: set[tuple[str, str | None]] = set()
        while waiting:
            module, name = place = waiting.pop()
            if place in seen:
                continue
            seen.add(place)
            file = self._file(module)
            if file is None:
                continue
            for parent in _parents(module):
                if parent not in found and self._file(parent) is not None:
                    waiting.append((parent, ""))
            if name is None or not file["cut"]:
                if module not in found or found[module] is not None:
                    found[module] = None
                    waiting += self._targets(file["imports"])
                continue
            names = found.setdefault(module, set())
            # The nameless part is what runs at any import of the module.
            if name not in file["parts"] and name in file["bound"]:  # imported there, and passed on
                waiting += self._targets([file["bound"][name]])
            lazy = name not in file["parts"] and name not in file["bound"]
            for part in ("", "__getattr__" if lazy else name):
                if names is None or part in names or part not in file["parts"]:
                    continue
                names.add(part)
                waiting += self._targets(file["parts"][part]["imports"])
                waiting += [(module, used) for used in file["parts"][part]["names"]]
        return found

    @property
    def modules(self) -> list[str]:
        """All modules of the package."""
        return sorted(self._modules)

    def data_files(self, module: str) -> list[str]:
        """Data files that a module names, relative to the package."""
        return list(self._known_file(module)["data"])

    def _targets(self, imports: Iterable[Iterable[str | None]]) -> Iterator[tuple[str, str | None]]:
        """What ``from A import b`` brings: the module A.b, or the name b of the module A."""
        for module, name in imports:
            assert module is not None
            if name and f"{module}.{name}" in self._modules:
                yield f"{module}.{name}", None
            else:
                yield module, name

    def _is_cut(self, module: str) -> bool:
        root = self.package.name  # the package's own module holds names that nothing else needs
        cut = [name.replace("texshape", root, 1) for name in CUT]
        return module == root or any(
            module == name or module.startswith(f"{name}.") for name in cut
        )

    def _name(self, path: Path) -> str:
        parts = path.relative_to(self.package.parent).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def _file(self, module: str) -> File | None:
        """What one module's file says; None where it is no module of ours."""
        if module not in self._known:
            path = self._modules.get(module)
            self._known[module] = (
                self._remember(
                    path, lambda: _analyse(path, module, self.package, self._is_cut(module))
                )
                if path
                else None
            )
        return self._known[module]

    def _known_file(self, module: str) -> File:
        file = self._file(module)
        assert file is not None, module
        return file

    def _data(self, name: str) -> str:
        if name not in self._hashes:
            path = self.package / name
            self._hashes[name] = self._remember(path, lambda: _digest(path.read_bytes()))
        return self._hashes[name]

    def _remember(self, path: Path, make: Callable[[], Any]) -> Any:
        """What was found in a file, unless it changed since."""
        status = path.stat()
        key = [status.st_size, status.st_mtime_ns, status.st_ctime_ns]
        kept = self._kept.get(str(path))
        if kept is not None and kept["key"] == key:
            return kept["found"]
        self._kept[str(path)] = {"key": key, "found": make()}
        self._stale = True
        return self._kept[str(path)]["found"]

    def _keep(self) -> None:
        """Store what was found, if anything is new."""
        if not self._stale or self.store is None:
            return
        self._stale = False
        limit = (time.time() - _TICK) * 1e9
        files = {path: entry for path, entry in self._kept.items() if max(entry["key"][1:]) < limit}
        with suppress(OSError):
            self.store.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=self.store.parent, prefix=".source_code.")
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(json.dumps({"version": self._version, "files": files}))
            os.replace(temporary, self.store)


def _analyse(path: Path, module: str, package: Path, cut: bool) -> File:
    """What one file does, imports, defines and names; everything in it can be written as JSON."""
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    tree.body = [node for node in tree.body if not _is_for_types(node)]
    is_package = path.name == "__init__.py"
    whole = {*_imports(tree, module, is_package), *_dynamic(tree, path, package)}
    return {
        "cut": cut,
        "hash": _meaning([tree]),
        "imports": sorted(whole, key=str),
        "data": _data_files(tree, path, package),
        **(_parts(tree, module, is_package) if cut else {"commands": {}}),
    }


def _parts(tree: ast.Module, module: str, is_package: bool) -> File:
    """The definitions of a module one by one; what defines no name stands under the empty one."""
    parts: dict[str, list[ast.stmt]] = {"": []}
    commands = {}
    bound: dict[str, tuple[str, str | None]] = {}
    for node in tree.body[1:] if _is_docstring(tree.body[:1]) else tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            bound |= _bound(node, module, is_package)
            continue
        if isinstance(node, ast.FunctionDef) and (command := _command(node)):
            commands[command] = node.name
            node.decorator_list = [d for d in node.decorator_list if not _is_command(d)]
        for name in _defined(node) or [""]:
            parts.setdefault(name, []).append(node)
    described = {}
    for name, nodes in parts.items():
        used = {n.id for node in nodes for n in ast.walk(node) if isinstance(n, ast.Name)}
        imports = {i for node in nodes for i in _imports(node, module, is_package)}
        imports |= {bound[u] for u in used if u in bound}
        described[name] = {
            "hash": _meaning(nodes),
            "names": sorted((used & parts.keys()) - {name}),
            "imports": sorted(imports, key=str),
        }
    return {"parts": described, "bound": bound, "commands": commands}


@cache
def _parents(module: str) -> tuple[str, ...]:
    parts = module.split(".")
    return tuple(".".join(parts[:number]) for number in range(1, len(parts)))


def _imports(tree: ast.AST, module: str, is_package: bool) -> Iterator[tuple[str, str | None]]:
    """Imports of our own modules, anywhere but where only a type checker looks."""
    if _is_for_types(tree):
        return
    if isinstance(tree, ast.Import | ast.ImportFrom):
        yield from _bound(tree, module, is_package).values()
    for node in ast.iter_child_nodes(tree):
        yield from _imports(node, module, is_package)


def _bound(
    node: ast.Import | ast.ImportFrom, module: str, is_package: bool
) -> dict[str, tuple[str, str | None]]:
    """The names that an import brings, and where each comes from; only of our own package."""
    root = module.split(".")[0]
    if isinstance(node, ast.Import):
        found: dict[str, tuple[str, str | None]] = {
            alias.asname or alias.name: (alias.name, None) for alias in node.names
        }
    else:
        start = node.module or ""
        if node.level:
            base = module.split(".")
            base = base[: len(base) - node.level + (1 if is_package else 0)]
            start = ".".join([*base, *([node.module] if node.module else [])])
        found = {
            alias.asname or alias.name: (start, None if alias.name == "*" else alias.name)
            for alias in node.names
        }
    return {name: target for name, target in found.items() if target[0].split(".")[0] == root}


def _dynamic(tree: ast.Module, path: Path, package: Path) -> list[tuple[str, str | None]]:
    """Modules that a file imports by a name made while it runs, as its `DYNAMIC_IMPORTS` says.

    It is a tuple of names: of a module; of modules, where ``*`` stands for any name; or of a package
    followed by ``.MODULE:`` for those below it that the file names in texts such as
    ``"texshape.figures.training:curves"``. An empty one says that what is imported so is never ours.

    Raises
    ------
    InputError
        If the file imports so and does not say what.
    """
    declared = None
    for node in tree.body:
        if isinstance(node, ast.Assign) and _defined(node) == [DYNAMIC]:
            declared = ast.literal_eval(node.value)
    called = {
        name
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and (name := getattr(node.func, "attr", None) or getattr(node.func, "id", None))
        in _IMPORTERS
    }
    if called and declared is None:
        raise InputError(
            f"{path}: calls {sorted(called)[0]}; expected a constant {DYNAMIC} that names the modules of "
            "ours that it imports so, or () for none"
        )
    found = []
    for name in declared or ():
        if name.endswith(".MODULE:"):
            start = name.removesuffix("MODULE:")
            texts = {text.partition(":")[0] for text in _texts(tree) if ":" in text}
            places = {
                text: package.parent.joinpath(*text.split(".")).with_suffix(".py")
                for text in sorted(texts)
                if text.startswith(start)
            }
            found += [(text, None) for text, path in places.items() if path.is_file()]
        elif "*" in name:
            files = package.parent.glob(f"{name.replace('.', '/')}.py")
            below = sorted(file.relative_to(package.parent).with_suffix("") for file in files)
            found += [(".".join(at.parts), None) for at in below if at.name != "__init__"]
        else:
            found.append((name, None))
    return found


def _data_files(tree: ast.Module, path: Path, package: Path) -> list[str]:
    """Files beside a module, or in a folder beside it, that it names: the file or the folder."""
    texts = _texts(tree)
    found = []
    for file in sorted(path.parent.rglob("*")):
        if file.suffix in (".py", ".pyc") or not file.is_file() or file.name.startswith("."):
            continue
        beside = file.relative_to(path.parent)
        # A folder with modules of its own is another package, whose modules name its files.
        inner = [path.parent.joinpath(*beside.parts[:n]) for n in range(1, len(beside.parts))]
        if not any((folder / "__init__.py").exists() for folder in inner) and texts & {
            *beside.parts
        }:
            found.append(file.relative_to(package).as_posix())
    return found


def _texts(tree: ast.AST) -> set[str]:
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def _defined(node: ast.stmt) -> list[str]:
    """Names that a statement of a module defines."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return [
            inner.id
            for target in targets
            for inner in ast.walk(target)
            if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store)
        ]
    return []


def _is_command(node: ast.expr) -> bool:
    """Whether a decorator registers a command: ``@run.command("train")`` or ``@app.command()``."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "command"
    )


def _command(node: ast.FunctionDef) -> str | None:
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call) and _is_command(decorator):
            if decorator.args and isinstance(decorator.args[0], ast.Constant):
                return str(decorator.args[0].value)
            return node.name.replace("_", "-")
    return None


def _is_for_types(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.If)
        and isinstance(node.test, ast.Name | ast.Attribute)
        and (getattr(node.test, "id", None) or getattr(node.test, "attr", "")) == "TYPE_CHECKING"
    )


def _is_docstring(first: list[ast.stmt]) -> bool:
    return (
        bool(first)
        and isinstance(first[0], ast.Expr)
        and isinstance(first[0].value, ast.Constant)
        and isinstance(first[0].value.value, str)
    )


def _meaning(nodes: Iterable[ast.AST]) -> str:
    """Hash of syntax trees without what means nothing to a computer."""
    parts: list[str] = []
    for node in nodes:
        _flatten(node, parts)
    return _digest("\0".join(parts).encode())


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:24]


def _flatten(node: ast.AST, parts: list[str]) -> None:
    """What `ast.dump` tells but for docstrings and texts that explain, a few times as fast."""
    documented = isinstance(
        node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    )
    parts.append(type(node).__name__)
    for name in node._fields:
        value = getattr(node, name, None)
        if value is None or value == []:  # as in a version of Python without the field
            continue
        parts.append(name)
        if isinstance(value, ast.AST):
            _flatten(value, parts)
        elif isinstance(value, list):
            if documented and name == "body" and _is_docstring(value[:1]):
                value = value[1:]
            if isinstance(node, ast.Call) and name == "args":
                words = _WORDS.get(getattr(node.func, "id", ""), len(value))
                value = value[:words] + value[words + 1 :]
            parts.append("[")
            for item in value:
                if isinstance(item, ast.keyword) and item.arg in _WORDY:
                    continue
                if isinstance(item, ast.AST):
                    _flatten(item, parts)
                else:
                    parts.append(repr(item))
            parts.append("]")
        else:
            parts.append(repr(value))
