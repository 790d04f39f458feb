"""What a network is, as a hash: its code, its state, and the versions of the packages that it is made of.

Results of an earlier run may be kept only where nothing has changed that they depend on. Weights are not all:
a constant in a module that the network's code imports, an attribute, a hook, a function that a preprocessing
calls, decide as well. So the objects themselves are walked, as they are in memory: instances with all their
attributes; functions and classes of the user's by their bytecode, with the global values, closures and modules
that they refer to; those of installed packages by the package's version, which users change by installing
another one. What cannot be seen so is never taken for equal (`Unknown`): code that reads files or the
environment when it runs, that executes text, or objects of compiled extensions that do not tell their state.
"""

from __future__ import annotations

import builtins
import dis
import enum
import functools
import hashlib
import importlib.util
import io
import logging
import re
import site
import sys
import sysconfig
import threading
import types
import weakref
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import metadata
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

_PLAIN = (bool, int, float, complex, str, bytes, type(None), type(...), type(NotImplemented), range)
_BY_TEXT = (
    torch.dtype, torch.device, torch.layout, torch.memory_format, torch.Size, np.dtype, re.Pattern,
    PurePath, slice, types.GenericAlias, types.UnionType, types.WrapperDescriptorType,
    types.MethodDescriptorType, types.GetSetDescriptorType, types.MemberDescriptorType,
    types.ClassMethodDescriptorType,
)  # fmt: skip
# They carry nothing that an output depends on.
_IGNORED = (logging.Logger, logging.Handler, type(threading.Lock()), type(threading.RLock()),
            threading.local, weakref.ref, weakref.WeakSet, weakref.WeakKeyDictionary)  # fmt: skip
# Members of a class that say how it is written or made, not what an instance does: what a constructor did
# stands in the instance.
_SILENT = {
    "__dict__", "__weakref__", "__doc__", "__module__", "__init__", "__new__", "__post_init__",
    "__qualname__", "__annotations__", "__abstractmethods__", "_abc_impl", "__firstlineno__",
    "__static_attributes__", "__orig_bases__", "__parameters__", "__dataclass_fields__",
    "__dataclass_params__", "__match_args__", "__repr__", "__str__", "__getstate__", "__setstate__",
    "__reduce__", "__reduce_ex__", "__copy__", "__deepcopy__", "extra_repr", "__annotate__",
    "__annotate_func__", "__annotations_cache__", "__classdictcell__",
}  # fmt: skip
# What a function may ask while it runs, and nobody can see in it.
_ASKING = {"open", "exec", "eval", "__import__", "globals", "input", "getenv", "import_module"}
_ASKING_METHODS = {
    "environ", "getenv", "read_text", "read_bytes", "import_module", "open", "load", "loadtxt",
    "genfromtxt", "fromfile", "memmap", "load_file", "read_csv", "imread", "check_output", "Popen",
    "urlopen", "urlretrieve",
}  # fmt: skip


class Unknown(Exception):
    """Something may have changed, and nothing can tell; the message says what."""


def identity(*values: Any) -> str:
    """Hash objects with all that they do.

    Returns
    -------
    str
        Sixteen hexadecimal digits, the same in each process as long as code, state and packages are.

    Raises
    ------
    Unknown
        If some part cannot be seen.
    """
    walk = _Walk()
    try:
        walk.value(list(values))
        walk.value(_put_into_torch())
    except RecursionError:
        raise Unknown("its objects are nested too deeply") from None
    return walk.digest.hexdigest()[:16]


def _put_into_torch() -> dict[str, Any]:
    """Functions of a user's own that stand in place of torch's, which all layers call."""
    found = {}
    for place in (torch, nn.functional, torch.Tensor):
        for name, member in vars(place).items():
            if isinstance(member, types.FunctionType) and not _of_a_package(
                member.__code__.co_filename, generated=True
            ):
                found[f"{place.__name__}.{name}"] = member
    return found


class _Walk:
    """Feeds a hash with objects, each once."""

    def __init__(self) -> None:
        self.digest = hashlib.sha256()
        self.seen: dict[int, int] = {}
        self.held: list[Any] = []  # an address must not be used again while it counts as seen

    def add(self, *texts: object) -> None:
        for text in texts:
            data = text if isinstance(text, bytes) else str(text).encode("utf-8", "surrogatepass")
            self.digest.update(b"%d:" % len(data) + data)

    def value(self, value: Any) -> None:
        kind = type(value)
        if kind in _PLAIN:
            self.add(kind.__name__, repr(value))
            return
        if id(value) in self.seen:
            self.add("seen", self.seen[id(value)])
            return
        self.seen[id(value)] = len(self.seen)
        self.held.append(value)
        self._other(value, kind)

    def _other(self, value: Any, kind: type) -> None:
        if isinstance(value, types.ModuleType):
            self._module(value)
        elif isinstance(value, type):
            self._class(value)
        elif isinstance(value, _IGNORED):
            self.add(kind.__qualname__)
        elif isinstance(value, _BY_TEXT):
            self.add(kind.__qualname__, str(value))
        elif isinstance(value, types.FunctionType):
            self._function(value)
        elif isinstance(value, types.CodeType):
            self._code(value)
        elif isinstance(value, types.MethodType):
            self.add("method")
            self.value(value.__func__)
            self.value(value.__self__)
        elif isinstance(value, types.BuiltinFunctionType | types.MethodWrapperType | np.ufunc):
            self._builtin(value)
        elif isinstance(value, Tensor):
            self._tensor(value)
        elif isinstance(value, np.ndarray):
            self._array(value)
        elif isinstance(value, torch.jit.ScriptModule | torch.jit.ScriptFunction):
            self._script(value)
        elif isinstance(value, property):
            self.value([value.fget, value.fset])
        elif isinstance(value, staticmethod | classmethod):
            self.add(kind.__name__)
            self.value(value.__func__)
        elif isinstance(value, functools.partial):
            self.add("partial")
            self.value([value.func, value.args, value.keywords])
        elif isinstance(value, enum.Enum):
            self.value([kind, value.name, value.value])
        elif isinstance(value, io.IOBase):
            raise Unknown("it holds an open file")
        elif kind.__module__ == "torch._ops" or kind.__module__ == "typing":
            self.add(str(value))
        else:
            self._instance(value, kind)

    # --- code --------------------------------------------------------------------------------------

    def _function(self, function: types.FunctionType) -> None:
        self.add("function", function.__qualname__)
        for cell in function.__closure__ or ():
            try:
                self.value(cell.cell_contents)
            except ValueError:  # not filled yet
                self.add("empty")
        self.value([function.__defaults__, function.__kwdefaults__])
        where = origin(str(function.__globals__.get("__name__")))
        if where and _of_a_package(function.__code__.co_filename, generated=True):
            self.add(where)
            return
        self._code(function.__code__)
        self.value(dict(vars(function)))
        for name in sorted(set(_loaded(function.__code__))):
            if name in function.__globals__:
                self.add("global", name)
                self.value(function.__globals__[name])
            elif name in _ASKING and hasattr(builtins, name):
                raise Unknown(f"{function.__qualname__} calls {name}")
        for name in _imported(function.__code__, function.__globals__):
            self.add("import", name)
            self._by_name(name, function.__qualname__)

    def _code(self, code: types.CodeType) -> None:
        self.add("code", code.co_name, code.co_code, code.co_names, code.co_varnames,
                 code.co_freevars, code.co_cellvars, code.co_argcount, code.co_posonlyargcount,
                 code.co_kwonlyargcount, code.co_flags, code.co_exceptiontable)  # fmt: skip
        for constant in code.co_consts:
            self._constant(constant)
        asked = _ASKING_METHODS & set(code.co_names)
        if {"sys", "modules"} <= set(code.co_names):
            asked.add("sys.modules")
        if {"torch", "ops"} <= set(code.co_names):  # whatever was registered under that name
            asked.add("torch.ops")
        if asked:
            raise Unknown(f"{code.co_name} uses {min(asked)}")

    def _constant(self, constant: Any) -> None:
        """Constants of code; never by address, which the compiler shares as it likes."""
        if isinstance(constant, types.CodeType):
            self._code(constant)
        elif isinstance(constant, tuple):
            self.add("(")
            for item in constant:
                self._constant(item)
            self.add(")")
        elif isinstance(constant, frozenset):  # in the order of hashes, which differs by process
            self.add("frozenset", sorted(map(repr, constant)))
        else:
            self.add(type(constant).__name__, repr(constant))

    def _class(self, kind: type) -> None:
        self.add("class", kind.__module__, kind.__qualname__)
        where = origin(kind.__module__)
        if where:
            self.add(where)
            if kind is object or where == "python":
                return
            for base in kind.__mro__:  # methods that a user has put into a package's class
                for name, member in sorted(vars(base).items()):
                    member = getattr(member, "__func__", member)
                    if isinstance(member, types.FunctionType) and not _of_a_package(
                        member.__code__.co_filename, generated=True
                    ):
                        self.add(name)
                        self.value(member)
            return
        for base in kind.__bases__:
            self.value(base)
        for name, member in sorted(vars(kind).items()):
            if name not in _SILENT:
                self.add(name)
                self.value(member)

    def _module(self, module: types.ModuleType) -> None:
        name = module.__name__
        self.add("module", name)
        where = origin(name)
        if where:
            self.add(where)
            return
        if (
            name == "__main__"
        ):  # a notebook's holds everything; what is used of it is seen elsewhere
            return
        for key, value in sorted(vars(module).items()):
            if not (key.startswith("__") and key.endswith("__")):
                self.add(key)
                self.value(value)

    def _by_name(self, name: str, where: str) -> None:
        """A module that a function imports when it runs."""
        if name in sys.modules:
            self.value(sys.modules[name])
            return
        try:
            found = importlib.util.find_spec(name)
        except (ImportError, ValueError):
            found = None
        if found is None:
            self.add("absent")
        elif found.origin and _of_a_package(found.origin):
            self.add(_version(name.partition(".")[0], found.origin))
        else:
            raise Unknown(f"{where} imports {name}, which was not needed yet")

    def _builtin(self, value: Any) -> None:
        self.add(str(getattr(value, "__module__", "")), value.__name__)
        holder = getattr(value, "__self__", None)
        if holder is not None and not isinstance(holder, types.ModuleType):
            self.value(holder)

    def _script(self, value: Any) -> None:
        graph = getattr(value, "inlined_graph", None)
        self.add("script", re.sub(r" # .*", "", str(graph)))  # without places in files
        if isinstance(value, nn.Module):
            self.value({**value.state_dict()})
            self.value(dict(value.named_buffers()))

    # --- state -------------------------------------------------------------------------------------

    def _tensor(self, value: Tensor) -> None:
        self.add("tensor", value.dtype, tuple(value.shape))
        try:
            data = value.detach().cpu().contiguous().reshape(-1)
            self.digest.update(data.view(torch.uint8).numpy().data)  # NumPy knows no bfloat16
        except (RuntimeError, NotImplementedError, TypeError) as error:
            raise Unknown(f"a tensor of {value.layout} on {value.device} ({error})") from None

    def _array(self, value: np.ndarray) -> None:
        self.add("array", value.dtype.str, value.shape)
        if value.dtype.hasobject:
            self.value(value.reshape(-1).tolist())
        else:
            self.digest.update(np.ascontiguousarray(value).data)

    def _mapping(self, value: Mapping[Any, Any]) -> None:
        self.add("{", len(value))
        items = list(value.items())
        if all(isinstance(key, str) for key, _ in items):  # as they are asked for, in any order
            items.sort(key=lambda item: item[0])
        for key, item in items:
            self.value(key)
            self.value(item)

    def _set(self, value: Any) -> None:
        self.add("set")
        for one in sorted(identity(item) for item in value):
            self.add(one)

    def _instance(self, value: Any, kind: type) -> None:
        self.add("instance")
        self.value(kind)
        known = False
        if isinstance(value, dict | types.MappingProxyType):
            self._mapping(value)
            known = True
        elif isinstance(value, list | tuple):
            self.add("[", len(value))
            for item in value:
                self.value(item)
            known = True
        elif isinstance(value, set | frozenset):
            self._set(value)
            known = True
        elif isinstance(value, str | bytes | int | float | complex):
            self.add(repr(value))
            known = True
        elif isinstance(value, np.generic):
            self.add(str(value.dtype), value.tobytes())
            known = True
        state = {name: getattr(value, name) for name in _slots(kind) if hasattr(value, name)}
        held = getattr(value, "__dict__", None)
        if isinstance(held, Mapping):
            known = True
            state |= held
            if isinstance(value, nn.Module):
                # Hooks are numbered by a counter of the process.
                state = {
                    name: list(item.values())
                    if name.endswith(("hooks", "hooks_with_kwargs", "hooks_always_called"))
                    and isinstance(item, Mapping)
                    else item
                    for name, item in state.items()
                }
                if isinstance(getattr(value, "graph", None), torch.fx.Graph):
                    state = {name: v for name, v in state.items() if name != "_graph"}
                    self.add(str(getattr(value, "code", "")))
        known = known or bool(state)
        if state:
            self._mapping(state)
        if not known:
            self._reduced(value, kind)

    def _reduced(self, value: Any, kind: type) -> None:
        """What pickle would store."""
        try:
            parts = value.__reduce_ex__(4)
        except Exception as error:  # whatever an extension raises
            name = f"{kind.__module__}.{kind.__qualname__}"
            raise Unknown(f"it holds a {name}, whose state cannot be seen ({error})") from None
        if isinstance(parts, str):
            self.add(parts)
            return
        function, arguments, *rest = parts
        self.value([function, arguments, *map(_listed, rest)])


def _listed(part: Any) -> Any:
    return list(part) if isinstance(part, Iterator) else part


def _slots(kind: type) -> list[str]:
    names: list[str] = []
    for base in kind.__mro__:
        own = vars(base).get("__slots__", ())
        names += [own] if isinstance(own, str) else list(own)
    return sorted(set(names) - {"__dict__", "__weakref__"})


# --- whose code it is ------------------------------------------------------------------------------


@cache
def origin(module: str) -> str:
    """``NAME VERSION`` of the installed package that a module belongs to; empty for a user's own code."""
    top = module.partition(".")[0]
    if top == "texshape":  # its code is hashed by what each technique imports
        return "texshape"
    loaded = sys.modules.get(module) or sys.modules.get(top)
    file = getattr(loaded, "__file__", None) or getattr(
        getattr(loaded, "__spec__", None), "origin", None
    )
    if not file or file in ("built-in", "frozen"):
        return "python" if top in sys.stdlib_module_names else ""
    if _inside(file, _standard()) and not _inside(file, _installed()):
        return "python"
    return _version(top, file) if _inside(file, _installed()) else ""


def _of_a_package(filename: str, *, generated: bool = False) -> bool:
    """Whether code lies in an installed package, in Python or in texshape, or was generated there."""
    if filename.startswith("<"):
        return generated
    return _inside(filename, (*_installed(), *_standard(), _OURS))


@cache
def _version(top: str, file: str) -> str:
    names = _distributions().get(top)
    if names:
        return " ".join(f"{name} {metadata.version(name)}" for name in sorted(set(names)))
    path = Path(file)  # a file that no package installed
    return f"{top} {hashlib.sha256(path.read_bytes()).hexdigest()[:16]}" if path.is_file() else top


@cache
def _distributions() -> Mapping[str, list[str]]:
    return metadata.packages_distributions()


_OURS = str(Path(__file__).resolve().parents[1])


@cache
def _installed() -> tuple[str, ...]:
    places = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), *site.getsitepackages()}
    if site.ENABLE_USER_SITE:
        places.add(site.getusersitepackages())
    return tuple(places | {str(Path(place).resolve()) for place in places})


@cache
def _standard() -> tuple[str, ...]:
    places = {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")}
    return tuple(places | {str(Path(place).resolve()) for place in places})


def _inside(file: str, places: tuple[str, ...]) -> bool:
    return any(file == place or file.startswith(place.rstrip("/\\") + "/") for place in places)


# --- what code refers to ---------------------------------------------------------------------------


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _codes(constant)


def _loaded(code: types.CodeType) -> Iterator[str]:
    """Names of global values that code reads."""
    for one in _codes(code):
        for step in dis.get_instructions(one):
            if step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
                yield str(step.argval)


def _imported(code: types.CodeType, scope: Mapping[str, Any]) -> list[str]:
    """Full names of the modules that code imports when it runs."""
    found = set()
    for one in _codes(code):
        constants: list[Any] = []
        for step in dis.get_instructions(one):
            if step.opname.startswith(("LOAD_CONST", "LOAD_SMALL_INT")):
                constants.append(step.argval)
            elif step.opname == "IMPORT_NAME":
                level, names = constants[-2:]
                name = str(step.argval)
                if level:
                    package = str(scope.get("__package__") or "")
                    name = importlib.util.resolve_name("." * level + name, package)
                found.add(name)
                # from package import module
                found |= {
                    f"{name}.{part}" for part in names or () if f"{name}.{part}" in sys.modules
                }
    return sorted(found)
