"""A network's identity: it changes with all that an output may depend on, and with nothing else."""

from __future__ import annotations

import functools
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torchvision import models, transforms

from texshape.models import user_code
from texshape.models.identity import Unknown, identity, origin
from texshape.models.loading import from_module, load

# A network in three files, none of whose decisions stands in a weight.
FILES = {
    "ident_net.py": """
        from torch import nn
        import ident_rule
        from ident_base import Base

        GAIN = 2.0

        class Net(Base):
            classes = ("cat", "dog")
            input_size = 16

            def __init__(self, side="left"):
                super().__init__()
                self.side = side
                self.scale = nn.Parameter(__import__("torch").ones(1))

            def forward(self, x):
                import ident_late
                return ident_late.order(ident_rule.bright(self.half(x)) * GAIN * self.scale)

        def make():
            return Net()
        """,
    "ident_base.py": """
        from torch import nn

        class Base(nn.Module):
            def half(self, x):
                return x[..., :8] if self.side == "left" else x[..., 8:]
        """,
    "ident_rule.py": """
        LEVEL = {"grey": 0.5}

        def bright(x):
            return x.mean((1, 2, 3)) - LEVEL["grey"]
        """,
    "ident_late.py": """
        import torch

        def order(x):
            return torch.stack([-x, x], 1)
        """,
}


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).write_text(textwrap.dedent(text), encoding="utf-8")


def changed(folder: Path, name: str, old: str, new: str) -> None:
    text = (folder / name).read_text(encoding="utf-8")
    assert old in text
    (folder / name).write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the network's files lie: the working folder."""
    write(tmp_path, FILES)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)  # a module may be imported in the midst of a pass
    return tmp_path


def of_files() -> str:
    return identity(load("python:ident_net:make"))


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("ident_net.py", "GAIN = 2.0", "GAIN = 3.0"),  # a constant
        ("ident_net.py", '("cat", "dog")', '("dog", "cat")'),  # an attribute of the class
        ("ident_net.py", 'side="left"', 'side="right"'),  # an attribute of the object
        ("ident_net.py", "* GAIN", "/ GAIN"),  # code of the network
        ("ident_base.py", "x[..., 8:]", "x[..., 9:]"),  # of a class that it extends
        ("ident_rule.py", "x.mean", "x.sum"),  # of a module that it imports
        ("ident_rule.py", '"grey": 0.5', '"grey": 0.6'),  # data of that module
        ("ident_late.py", "[-x, x]", "[x, -x]"),  # of a module that it imports when it runs
    ],
)
def test_a_change_in_any_file_changes_it(folder: Path, name: str, old: str, new: str) -> None:
    before = of_files()
    assert of_files() == before
    changed(folder, name, old, new)  # in the same second, often of the same length
    after = of_files()
    assert after != before
    changed(folder, name, new, old)
    assert of_files() == before


def test_comments_and_other_processes_do_not(folder: Path) -> None:
    script = (
        "from texshape.models.identity import identity\nfrom texshape.models.loading import load\n"
    )
    script += "print(identity(load('python:ident_net:make')))\n"

    def elsewhere(seed: str) -> str:
        import os

        environment = os.environ | {"PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", script], env=environment, capture_output=True, text=True
        )
        return done.stdout.strip()

    before = of_files()
    assert len(before) == 16
    assert elsewhere("1") == elsewhere("2") == before
    changed(folder, "ident_net.py", "GAIN = 2.0", "# twice as bright\n\nGAIN = 2.0")
    assert of_files() == before


def network() -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        module = models.resnet18(weights=None)
    module.default_cfg = {"input_size": (3, 32, 32)}
    return module


def of_object(change: Callable[[nn.Module], object], pipeline: object = None) -> str:
    module = network()
    change(module)
    return identity(from_module(module, pipeline, name="mine"))


class Doubled:
    """A callable of the user's, with a state of its own."""

    def __init__(self, factor: float) -> None:
        self.state = {"factors": [factor]}

    def __call__(self, _module, _inputs, output):
        return output * self.state["factors"][0]


CHANGES: dict[str, Callable[[nn.Module], object]] = {
    "a weight": lambda m: m.fc.bias.data.__setitem__(0, 1.0),
    "an attribute": lambda m: setattr(m.maxpool, "stride", 1),
    "an attribute that is not used yet": lambda m: setattr(m, "temperature", [1, {"a": 2}]),
    "a buffer that is not saved": lambda m: m.register_buffer("b", torch.ones(1), persistent=False),
    "a hook": lambda m: m.layer1.register_forward_hook(Doubled(2.0)),
    "another state of a hook": lambda m: m.layer1.register_forward_hook(Doubled(3.0)),
    "a method of this object": lambda m: setattr(m, "forward", functools.partial(abs)),
    "a module": lambda m: setattr(m, "relu", nn.GELU()),
}


def test_every_change_of_an_object_changes_it() -> None:
    unchanged = of_object(lambda _: None)
    assert of_object(lambda _: None) == unchanged
    found = {}
    for what, change in CHANGES.items():
        module = network()
        change(module)
        found[what] = identity(module)
    assert len({identity(network()), *found.values()}) == 1 + len(CHANGES)


def test_every_change_of_a_preprocessing_changes_it() -> None:
    def pipeline(side: int, last: object) -> object:
        return transforms.Compose([transforms.Resize(side), transforms.CenterCrop(32), last])

    level = 0.5
    pipelines = {
        "default": None,
        "plain": pipeline(32, transforms.ToTensor()),
        "another size": pipeline(40, transforms.ToTensor()),
        "a function": pipeline(32, lambda image: transforms.ToTensor()(image)),
        "another function": pipeline(32, lambda image: transforms.ToTensor()(image) * 2),
        "a closure": pipeline(32, lambda image: transforms.ToTensor()(image) - level),
    }
    found = [of_object(lambda _: None, each) for each in pipelines.values()]
    level = 0.6
    found.append(of_object(lambda _: None, pipelines["a closure"]))
    assert len(set(found)) == len(pipelines) + 1


def test_the_way_to_decide_belongs_to_it(tmp_path: Path) -> None:
    def mapped(text: str, aggregation: str = "mean") -> str:
        path = tmp_path / "map.yaml"
        path.write_text(text)
        settings = {"class_map": str(path), "aggregation": aggregation}
        return identity(from_module(network(), name="mine", settings=settings))

    found = [mapped("cat: [1]\ndog: [2]\n"), mapped("cat: [1]\ndog: [3]\n"),
             mapped("cat: [1]\ndog: [2]\n", "max"), mapped("cat: [2]\ndog: [1]\n")]  # fmt: skip
    assert len(set(found)) == 4
    assert mapped("cat: [1]\ndog: [2]\n") == found[0]


def test_a_package_by_its_version_and_what_is_put_into_its_classes(monkeypatch) -> None:
    before = identity(network())
    assert origin(
        "torch.nn"
    ) == f"torch {torch.__version__.partition('+')[0]}" or "torch" in origin("torch.nn")
    with monkeypatch.context() as patch:
        patch.setattr(models.ResNet, "_forward_impl", lambda self, x: self.fc(x.mean((2, 3))))
        assert identity(network()) != before
    assert identity(network()) == before
    from texshape.models import identity as module

    real = module.metadata.version
    with monkeypatch.context() as patch:
        patch.setattr(
            module.metadata,
            "version",
            lambda name: real(name) + (".post9" if name == "torchvision" else ""),
        )
        module.origin.cache_clear()
        module._version.cache_clear()
        assert identity(network()) != before
    module.origin.cache_clear()
    module._version.cache_clear()
    assert identity(network()) == before


@pytest.mark.parametrize(
    ("place", "name"),
    [(nn.functional, "relu"), (torch, "sigmoid"), (torch.Tensor, "mean")],
)
def test_a_function_put_in_place_of_torch_s(monkeypatch, place: object, name: str) -> None:
    """Layers of torch call it, so no code of the network's own names it."""
    before = identity(network())
    with monkeypatch.context() as patch:
        patch.setattr(place, name, lambda x, *rest, **more: x)
        first = identity(network())
    with monkeypatch.context() as patch:
        patch.setattr(place, name, lambda x, *rest, **more: -x)
        second = identity(network())
    assert len({before, first, second}) == 3
    assert identity(network()) == before


def test_what_cannot_be_seen_is_never_taken_for_equal(tmp_path: Path) -> None:
    (tmp_path / "threshold.txt").write_text("0.5")

    class Reads(nn.Module):
        def forward(self, x):
            return x - float((tmp_path / "threshold.txt").read_text())

    class Opens(nn.Module):
        def forward(self, x):
            with open(tmp_path / "threshold.txt") as file:
                return x - float(file.read())

    class Asks(nn.Module):
        def forward(self, x):
            import os

            return x - float(os.environ.get("THRESHOLD", 0))

    class Holds(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rows = iter(range(3)).__class__  # a type is seen
            self.generator = (number for number in range(3))  # what it will give is not

    class Loads(nn.Module):
        def forward(self, x):
            return x - torch.load(tmp_path / "threshold.pt")

    class Parses(nn.Module):
        def forward(self, x):
            return x - float(np.loadtxt(tmp_path / "threshold.txt"))

    class Iterates(nn.Module):
        def forward(self, x):
            return x - float(next((tmp_path / "threshold.txt").open()))

    class Looks(nn.Module):
        def forward(self, x):
            return sys.modules["threshold"].bright(x)

    class Registered(nn.Module):
        def forward(self, x):
            return torch.ops.mine.bright(x)

    class Runs(nn.Module):
        def forward(self, x):
            return x - float(subprocess.check_output(["cat", "threshold.txt"]))

    hidden = (Loads, Parses, Iterates, Looks, Registered, Runs)
    for kind in (Reads, Opens, Asks, Holds, *hidden):
        with pytest.raises(Unknown):
            identity(kind())


def test_a_module_of_the_same_name_in_another_folder_is_another(tmp_path: Path) -> None:
    for name, value in (("a", 1), ("b", 2)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "ident_twin.py").write_text(f"VALUE = {value}\n")
        assert value == user_code.import_module("ident_twin", tmp_path / name).VALUE
        assert not (tmp_path / name / "__pycache__").exists()
