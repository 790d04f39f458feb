"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:
    # Two workers on two cores: threads that spin beside each other cost more than they bring.
    os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long tests first; a file's tests on one worker, and all that share the smoke experiment."""
    items.sort(key=lambda item: "workflow" not in item.keywords)
    for item in items:
        shared = "smoke" in getattr(item, "fixturenames", ())
        item.add_marker(pytest.mark.xdist_group("smoke" if shared else item.path.name))


@pytest.fixture(scope="session")
def mirror() -> Path:
    """Folder of the public data's mirror; the test is skipped where there is none."""
    place = os.environ.get("TEXSHAPE_MIRROR")
    if not place:
        pytest.skip("TEXSHAPE_MIRROR is not set: no public data without a network")
    return Path(place)
