"""Hashes of code: a step's hash changes with every module that it can import, and with no other."""

from __future__ import annotations

import ast
import dis
import importlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import CodeType

import pytest
from tests import synthetic_tables

from texshape import source_code
from texshape.config import whole
from texshape.errors import InputError
from texshape.files import write_csv
from texshape.source_code import PACKAGE, SourceCode, technique_roots
from texshape.techniques import registry
from texshape.training.columns import TRAINING

ROOT = Path(__file__).parents[2]
HOLDS_STEPS = ("texshape.cli.", "texshape.survey.survey", "texshape.survey.inputs")


# --- a small package -----------------------------------------------------------------------------

FILES = {
    "__init__.py": '__version__ = "1"\n',
    "cli/__init__.py": "",
    "cli/run.py": "run = object()\n",
    "cli/steps.py": '''
"""Steps."""
from small.cli.run import run
from small import devices

LIMIT = 3

@run.command("train")
def train(epochs: int = LIMIT):
    """Train."""
    from small.training import loop
    return loop.fit(epochs)

@run.command("draw")
def draw(name: Annotated[str, typer.Option(help="Its name.")]):
    return _drawn(name)

@run.command("count")
def count():
    from small.cli.other import shared
    return shared(devices)

@run.command("list")
def listed():
    from small.catalogue import every
    return every("small.figures.columns")

def _drawn(name):
    from small.figures.registry import draw
    return draw(name)
''',
    "cli/other.py": "from small.tables import total as counted\ndef shared(x):\n    return counted(x)\n",
    "devices.py": "def claim():\n    import small.files\n",
    "files.py": "x = 1\n",
    "catalogue.py": """
DYNAMIC_IMPORTS = ("small.*.columns",)
def every(name):
    return __import__(name)
""",
    "training/columns.py": "LOSS = 1\n",
    "figures/columns.py": "WIDTH = 1\n",
    "tables.py": """
READING = Table("reading", "a stage", (Column("stage", "text", "where it is", ""),))
def total(x):
    return x
""",
    "training/__init__.py": "",
    "training/settings.py": '''
class Settings(Section):
    """A recipe."""
    epochs: int = Field(ge=1, description="Passes.")
''',
    "training/loop.py": """
from typing import TYPE_CHECKING
from . import recipe, settings
if TYPE_CHECKING:
    from small.figures.registry import draw
def fit(epochs):
    from ..files import x
    return recipe.rate("rates.csv")
""",
    "training/recipe.py": "def rate(name):\n    return name\n",
    "training/rates.csv": "rate\n1\n",
    "training/unused.csv": "rate\n1\n",
    "figures/__init__.py": "",
    "figures/registry.py": """
import importlib
DYNAMIC_IMPORTS = ("small.figures.MODULE:",)
FIGURES = {"bias": "small.figures.bars:by_class"}
def draw(name):
    return importlib.import_module(FIGURES[name])
""",
    "figures/bars.py": "def by_class():\n    return 1\n",
    "figures/sheet.py": "def sheet():\n    return 1\n",
}


@pytest.fixture
def small(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / "small" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "small"


def hashes(package: Path, store: Path | None = None) -> dict[str, str]:
    code = SourceCode(package, store)
    return {step: code.step_hash(step) for step in code.steps}


def changed(package: Path, file: str, old: str, new: str) -> set[str]:
    """The steps whose hash changes with one file's text."""
    before = hashes(package)
    path = package / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    after = hashes(package)
    path.write_text(text)
    return {step for step in before if before[step] != after[step]}


@pytest.mark.parametrize(
    ("file", "old", "new", "steps"),
    [
        ("training/loop.py", "rates.csv", "recipe.py", {"train"}),  # imported in the function
        ("training/recipe.py", "return name", "return 2", {"train"}),  # by what that imports
        ("files.py", "x = 1", "x = 2", {"train", "count"}),  # relative; by a function never called
        ("training/rates.csv", "1", "2", {"train"}),  # a data file that the code names
        ("training/unused.csv", "1", "2", set()),  # and one that it does not
        ("devices.py", "claim", "claims", {"count"}),  # at the head, and used by one step alone
        (
            "tables.py",
            "return x",
            "return 0",
            {"count"},
        ),  # by the function of another command's module
        ("tables.py", '"text"', '"number"', {"count"}),  # the kind of a column
        ("training/settings.py", "ge=1", "ge=2", {"train"}),  # the bound of a parameter
        ("tables.py", '"reading"', '"seen"', {"count"}),
        ("cli/steps.py", "LIMIT = 3", "LIMIT = 4", {"train"}),  # a constant of one step
        ("cli/steps.py", "return draw(name)", "return draw('')", {"draw"}),  # a helper of one step
        ("figures/registry.py", "by_class", "by_arm", {"draw"}),
        ("figures/columns.py", "WIDTH = 1", "WIDTH = 2", {"list"}),  # by a pattern of names
        ("figures/bars.py", "return 1", "return 2", {"draw"}),  # by a name in a table
        ("figures/sheet.py", "return 1", "return 2", set()),  # a neighbour that no table names
        ("cli/run.py", "object()", "print()", set()),  # the dispatcher
        ("__init__.py", '"1"', '"2"', set()),  # the version of the program
    ],
)
def test_a_changed_file_changes_the_steps_that_import_it(
    small: Path, file: str, old: str, new: str, steps: set[str]
) -> None:
    assert changed(small, file, old, new) == steps


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("training/loop.py", "def fit", "# why\n\ndef fit"),
        (
            "training/loop.py",
            'recipe.rate("rates.csv")',
            "(  # here\n        recipe.rate('rates.csv'))",
        ),
        ("cli/steps.py", '"""Train."""', '"""Train a network."""'),
        ("cli/steps.py", '"""Steps."""', ""),
        ("cli/steps.py", "Its name.", "The name of a figure."),  # a help text
        ("tables.py", "where it is", "the stage"),  # the meaning of a column
        ("training/settings.py", "Passes.", "Passes over the images."),  # of a parameter
        ("tables.py", "a stage", "a stage and cue"),
        ("training/recipe.py", "def rate(name):", 'def rate( name ):\n    """Rate."""'),
    ],
)
def test_what_means_nothing_changes_no_step(small: Path, file: str, old: str, new: str) -> None:
    assert changed(small, file, old, new) == set()


def test_an_import_by_name_must_be_declared(small: Path) -> None:
    path = small / "training" / "recipe.py"
    for call in ("importlib.import_module(n)", "__import__(n)", "runpy.run_path(n)"):
        path.write_text(f"def rate(n):\n    return {call}\n")
        with pytest.raises(InputError, match=r"recipe\.py: calls .*DYNAMIC_IMPORTS"):
            hashes(small)
    path.write_text("DYNAMIC_IMPORTS = ()\ndef rate(n):\n    return __import__(n)\n")
    assert "train" in hashes(small)


def test_an_unknown_step_is_named(small: Path) -> None:
    with pytest.raises(InputError, match="no step 'trian' in texshape; did you mean 'train'"):
        SourceCode(small).step_hash("trian")


# --- what is kept between calls ------------------------------------------------------------------


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that were read and taken apart."""
    names: list[str] = []
    analyse = source_code._analyse

    def counted(path: Path, *rest: object) -> object:
        names.append(path.name)
        return analyse(path, *rest)

    monkeypatch.setattr(source_code, "_analyse", counted)
    return names


def test_a_file_is_read_again_only_where_it_changed(
    small: Path, tmp_path: Path, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_code, "_TICK", -3600)
    store = tmp_path / "cache" / "store.json"
    first = hashes(small, store)
    assert {"recipe.py", "loop.py", "bars.py", "steps.py"} < set(read)
    read.clear()
    assert hashes(small, store) == first
    assert read == []
    # The same length, and the time put back: the file is another one all the same.
    path = small / "training" / "recipe.py"
    times = path.stat()
    path.write_text(path.read_text().replace("name", "nome"))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert path.stat().st_size == times.st_size
    second = hashes(small, store)
    assert read == ["recipe.py"]
    assert {step for step in first if first[step] != second[step]} == {"train"}
    read.clear()
    (small / "figures" / "more.py").write_text("")  # which files there are may matter to any
    assert hashes(small, store) == second
    assert len(read) >= 8


def test_what_was_just_written_is_not_kept(small: Path, tmp_path: Path, read: list[str]) -> None:
    store = tmp_path / "store.json"
    hashes(
        small, store
    )  # written less than two seconds ago: the clock may not tell the next change
    assert json.loads(store.read_text())["files"] == {}


@pytest.mark.parametrize("content", ["", "{", "[]", '{"version": "other", "files": {}}', "null"])
def test_a_damaged_store_is_as_none(small: Path, tmp_path: Path, content: str) -> None:
    store = tmp_path / "store.json"
    store.write_text(content)
    assert hashes(small, store) == hashes(small)


def test_a_place_that_cannot_be_written_costs_nothing_but_time(small: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert hashes(small, tmp_path / "file" / "store.json") == hashes(small)


# --- our own package, against imports found otherwise: in compiled code --------------------------


@cache
def compiled(module: str) -> CodeType:
    text = location(module).read_text(encoding="utf-8")
    return compile(text.replace("if TYPE_CHECKING:", "if False:"), module, "exec")


def location(module: str) -> Path:
    place = PACKAGE.parent.joinpath(*module.split("."))
    return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")


def is_module(name: str) -> bool:
    return location(name).is_file()


def nested(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from nested(constant)


def imported(code: CodeType) -> Iterator[tuple[str, str | None]]:
    """Modules of ours that compiled code imports, and the names that it takes from them."""
    start = ""
    for step in dis.get_instructions(code):
        if step.opname == "IMPORT_NAME":
            start = step.argval
            if start.split(".")[0] == "texshape":
                yield start, None
        elif step.opname == "IMPORT_FROM" and start.split(".")[0] == "texshape":
            full = f"{start}.{step.argval}"
            yield (full, None) if is_module(full) else (start, step.argval)


@cache
def imported_by(module: str) -> tuple[str, ...]:
    """Modules of ours that a module names anywhere in its code."""
    return tuple(target for code in nested(compiled(module)) for target, _ in imported(code))


@cache
def reached_from(module: str) -> frozenset[str]:
    """Everything that a module can import, itself included."""
    found: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        waiting += [name.rpartition(".")[0]] if "." in name else []
        if name == "texshape":
            continue
        waiting += imported_by(name)
        if name == "texshape.figures.registry":
            for own in importlib.import_module(name).FIGURES.values():
                waiting += [own.draw.split(":")[0]] if own.draw else []
            waiting += [
                f"texshape.techniques.{path.parent.name}.{path.stem}"
                for kind in ("technique", "figure", "figures")
                for path in PACKAGE.glob(f"techniques/*/{kind}.py")
            ]
        if name == "texshape.claims.order":  # every section's claims, and where it stands
            waiting += [
                f"texshape.techniques.{path.parent.name}.{path.stem}"
                for kind in ("technique", "claims")
                for path in PACKAGE.glob(f"techniques/*/{kind}.py")
            ]
            waiting += [f"texshape.claims.sections.{path.stem}"
                        for path in PACKAGE.glob("claims/sections/[a-z]*.py")]  # fmt: skip
        kind = {"registry": "family", "loaded": "load"}.get(name.rpartition(".")[2])
        if name.startswith("texshape.models.families.") and kind:  # every family of networks
            waiting += [f"texshape.models.families.{path.parent.name}.{kind}"
                        for path in PACKAGE.glob(f"models/families/*/{kind}.py")]  # fmt: skip
        if name == "texshape.catalogue":  # every declaration of a table
            waiting += importlib.import_module(name).modules()
        if name == "texshape.comparison.measures":  # what every technique adds to the comparison
            waiting += [
                ".".join(("texshape", *path.relative_to(PACKAGE).with_suffix("").parts))
                for path in PACKAGE.rglob("measures.py")
                if path.parent.name != "comparison"
            ]
        if name == "texshape.config.whole":  # every model of a section, also of optional techniques
            waiting += [
                f"texshape.techniques.{path.parent.name}.settings"
                for path in PACKAGE.glob("techniques/*/settings.py")
            ]
    return frozenset(found)


def reached_by(module: str, function: str) -> tuple[set[str], set[str]]:
    """Modules that a function surely can import, and those that loading its module brings besides."""
    sure: set[str] = set()
    beside: set[str] = set()
    seen = set()
    waiting = [(module, function)]
    while waiting:
        place, name = waiting.pop()
        if (place, name) in seen:
            continue
        seen.add((place, name))
        top = compiled(place)
        heads = {}  # what the head of the module imports, by name
        for target, taken in imported(top):
            heads[taken or target.rpartition(".")[2]] = (target, taken)
            beside |= set() if target.startswith(HOLDS_STEPS) else reached_from(target)
        bodies = [c for c in top.co_consts if isinstance(c, CodeType) and c.co_name == name]
        for code in [inner for body in bodies for inner in nested(body)]:
            globals_ = [i.argval for i in dis.get_instructions(code) if i.opname == "LOAD_GLOBAL"]
            used = [heads[n] for n in globals_ if n in heads]
            for target, taken in [*imported(code), *used]:
                if target.startswith(HOLDS_STEPS) and taken:
                    waiting.append((target, taken))
                elif target != "texshape":
                    sure |= reached_from(target)
            waiting += [(place, n) for n in globals_ if n not in heads]
    return sure, beside


@pytest.fixture
def ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """A copy of the package, and a store of what is in it."""
    monkeypatch.setattr(source_code, "_TICK", -3600)
    package = tmp_path / "texshape"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    return package, tmp_path / "store.json"


def all_hashes(package: Path, store: Path) -> dict[str, str]:
    code = SourceCode(package, store)
    found = {
        f"technique {name}": code.hash(technique_roots(technique)[0])
        for name, technique in registry.built_in().items()
    }
    return {name: code.step_hash(name) for name in code.steps} | found


def test_each_module_in_turn_changes_the_steps_that_can_import_it(ours: tuple[Path, Path]) -> None:
    package, store = ours
    before = all_hashes(package, store)
    steps = SourceCode(package, store).steps
    assert len(steps) > 40
    graph = {step: reached_by(*root) for step, root in steps.items()}
    for name, technique in registry.built_in().items():
        sure, beside = reached_by("texshape.cli.technique", "step")
        for module, function in technique_roots(technique)[0]:
            sure = sure if function else sure | reached_from(module)
        graph[f"technique {name}"] = (sure, beside)
    modules = [m for m in SourceCode(package, store).modules if not m.startswith(HOLDS_STEPS)]
    assert len(modules) > 130
    for module in modules:
        if module in ("texshape", "texshape.cli"):  # what every command passes through
            continue
        path = package.parent / location(module).relative_to(PACKAGE.parent)
        text = path.read_text()
        path.write_text(f"{text}\n_changed = 1\n")
        after = all_hashes(package, store)
        path.write_text(text)
        found = {step for step in before if before[step] != after[step]}
        must = {step for step, (sure, _) in graph.items() if module in sure}
        may = {step for step, (sure, beside) in graph.items() if module in sure | beside}
        assert must <= found, f"{module}: {sorted(must - found)} would be stale"
        assert found <= may, f"{module}: {sorted(found - may)} would run for nothing"


def test_each_command_in_turn_changes_itself(ours: tuple[Path, Path]) -> None:
    package, store = ours
    before = hashes(package, store)
    for step, (module, function) in SourceCode(package, store).steps.items():
        path = package.parent / location(module).relative_to(PACKAGE.parent)
        text = path.read_text()
        tree = ast.parse(text)
        body = next(n for n in tree.body if getattr(n, "name", None) == function).body
        body.append(ast.parse("_changed = 1").body[0])
        path.write_text(ast.unparse(tree))
        after = hashes(package, store)
        path.write_text(text)
        assert {name for name in before if before[name] != after[name]} == {step}


@pytest.mark.parametrize(
    ("module", "steps"),
    [
        ("stats.bootstrap", {"tabulate-trials"}),
        ("models.cifar_resnet", {"train", "features", "trials"}),
        ("models.bagnet", {"train", "features", "trials"}),
        ("trials.names", {"trials", "features"}),
    ],
)
def test_steps_that_a_list_by_hand_forgot(module: str, steps: set[str]) -> None:
    code = SourceCode(PACKAGE)
    for step in steps:
        assert f"texshape.{module}" in code.closure([code.steps[step]]), step


@pytest.mark.parametrize(
    ("module", "techniques"),
    [
        (
            "stats.bootstrap",
            {
                "dimensionality",
                "erasure",
                "cue_strength",
                "readout",
                "segmentation",
                "sensitivity",
            },
        ),
        ("stats.exemplars", {"dimensionality", "erasure", "readout"}),
        ("models.bagnet", {"erasure", "receptive_field", "shuffling", "feature_visualization"}),
    ],
)
def test_techniques_depend_on_what_they_import(module: str, techniques: set[str]) -> None:
    code = SourceCode(PACKAGE)
    for name, technique in registry.built_in().items():
        used = code.closure(technique_roots(technique)[0])
        assert f"texshape.{module}" in used or name not in techniques, name
        if technique.features and not technique.network:  # it loads no network
            assert "texshape.models.loading" not in used, name
        late = ("figures", "comparison", "survey", "article", "tracking", "techniques.registry")
        assert not [m for m in used if m.startswith(tuple(f"texshape.{one}" for one in late))], name
        others = {f"texshape.techniques.{other}.technique" for other in registry.BUILT_IN}
        assert not others & set(used), name  # a caption that changes runs nothing again


def test_drawing_and_comparing_rerun_no_training() -> None:
    code = SourceCode(PACKAGE)
    for step in ("train", "features", "trials", "corruptions", "render"):
        used = code.closure([code.steps[step]])
        late = (
            "figures",
            "comparison",
            "survey",
            "article",
            "tracking",
            "records",
            "summary",
        )
        assert not [m for m in used if m.startswith(tuple(f"texshape.{name}" for name in late))], (
            step
        )
        assert {m for m in used if m.startswith("texshape.cli.")} <= {
            code.steps[step][0],
            "texshape.cli.evaluate",  # `load_network`
        }


def test_every_data_file_belongs_to_a_module() -> None:
    code = SourceCode(PACKAGE)
    found = {name for module in code.modules for name in code.data_files(module)}
    there = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc")
        if path.name != "article.typ"  # sections are hashed by themselves (`gathered.text_hash`)
    }
    assert found == there
    assert "trials/imagenet16.csv" in code.data_files("texshape.trials.imagenet16")
    assert "stylize/paintings.csv" not in code.data_files("texshape.stylize.weights")


def test_every_rule_carries_the_hash_of_its_own_step() -> None:
    seen = techniques = 0
    hashes = "CODE = {technique.name: technique_hash(technique) for technique in PLAN.techniques}\n"
    assert hashes in (ROOT / "rules" / "techniques.smk").read_text(encoding="utf-8")
    for path in sorted((ROOT / "rules").glob("*.smk")):
        text = path.read_text(encoding="utf-8")
        for block in re.split(r"^ *(?=(?:use )?rule[ :])", text, flags=re.MULTILINE)[1:]:
            if path.name == "steps.smk" or re.match(r"use rule trials as", block):
                continue  # what the rules of steps share, and rules that run the step of another
            if "CODE[technique.name]" in block:  # of techniques, `test_techniques_depend_on_...`
                techniques += 1
                continue
            commands = re.findall(r'\*\*step\(\s*"([a-z0-9-]+)"', block)
            commands += re.findall(r'step_hash\("([a-z]+)"\).*"texshape track ', block, re.DOTALL)
            assert len(commands) == 1, block[:60]
            assert source_code.step_hash(commands[0])
            seen += 1
    assert seen > 30
    assert techniques == 2  # made of the declarations, and the pixels


RUN = """
import json, sys
from texshape.cli import main
sys.argv[:] = ["texshape", *json.loads(sys.argv[1])]
try:
    main.main()
except SystemExit as end:
    assert not end.code, end.code
print(json.dumps(sorted(m for m in sys.modules if m.split(".")[0] == "texshape")))
"""


def loaded(*words: str) -> set[str]:
    """The modules of ours that a command loads when it is really run."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, json.dumps(words)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_what_a_run_loads_is_in_the_closure(tmp_path: Path) -> None:
    code = SourceCode(PACKAGE)
    dispatcher = loaded("run", "concatenate", "--help")
    for name, table in synthetic_tables.procedural().items():
        write_csv(tmp_path / "tables" / f"{name}.csv", table)
    history = tmp_path / "results" / "cnn--plain" / "seed-0" / "history.csv"
    write_csv(history, TRAINING.frame([{"epoch": 0, "train_loss": 1.0}]))
    about = whole.read([ROOT / "params.yaml", ROOT / "experiments" / "smoke.yaml"])["data"]
    settings = json.dumps(about | {"test": 12})
    runs = {
        "render": ["--settings", settings, "--variant", "base", "--set", "test-plain",
                   "--seed", "0", "--output-dir", str(tmp_path / "images")],
        "concatenate": [str(history), "--results", str(tmp_path / "results"),
                        "--output", str(tmp_path / "training.csv")],
        "figure": ["shape_bias", "--tables", str(tmp_path / "tables"),
                   "--output-stem", str(tmp_path / "shape_bias")],
        "architectures": ["--output", str(tmp_path / "architectures.csv")],
    }  # fmt: skip
    for step, words in runs.items():
        found = loaded("run", step, *words) - dispatcher
        assert found, step
        missing = found - code.closure([code.steps[step]]).keys()
        assert not missing, f"{step}: {sorted(missing)}"
