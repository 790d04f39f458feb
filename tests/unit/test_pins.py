"""pyproject.toml names ranges, requirements.lock the pins, envs/texshape.yaml the same pins for conda."""

from __future__ import annotations

import re
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]


def lock(name: str = "requirements.lock") -> list[Requirement]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def declared() -> list[Requirement]:
    groups = [project()["dependencies"], *project()["optional-dependencies"].values()]
    return [Requirement(line) for group in groups for line in group]


def test_every_declared_range_admits_its_pin() -> None:
    pins: dict[str, list[str]] = {}
    for pin in lock() + lock("envs/clusters.lock"):
        assert [specifier.operator for specifier in pin.specifier] == ["=="], str(pin)
        pins.setdefault(canonicalize_name(pin.name), []).append(next(iter(pin.specifier)).version)
    assert len(declared()) > 20
    for requirement in declared():
        versions = pins[canonicalize_name(requirement.name)]
        assert all(requirement.specifier.contains(version) for version in versions), requirement


def test_torch_is_pinned_as_tested() -> None:
    pins = {pin.name: str(pin.specifier) for pin in lock()}
    assert pins["torch"] == "==2.14.1"
    assert pins["torchvision"] == "==0.29.1"
    assert project()["requires-python"] == ">=3.11,<3.14"


def test_conda_has_the_same_pins() -> None:
    environment = yaml.safe_load((ROOT / "envs" / "texshape.yaml").read_text(encoding="utf-8"))
    pip = next(item["pip"] for item in environment["dependencies"] if isinstance(item, dict))
    assert [str(Requirement(line)) for line in pip] == [str(pin) for pin in lock()]


def test_files_of_the_environment_name_no_address() -> None:
    for name in (
        "requirements.lock",
        "envs/clusters.lock",
        "envs/texshape.yaml",
        "pyproject.toml",
        "Makefile",
    ):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert not re.search(r"https?://|--index|--find-links", text), name


@pytest.mark.skipif(
    sys.version_info[:2] != (3, 11) or sys.platform != "linux",
    reason="the lock is installed as tested",
)
def test_this_environment_is_the_locked_one() -> None:
    for pin in lock():
        if pin.marker is None or pin.marker.evaluate():
            assert version(pin.name) == next(iter(pin.specifier)).version, pin.name
