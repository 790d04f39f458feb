"""Fixtures that every test may use."""

from __future__ import annotations

import os
from collections.abc import Iterator
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
        used = getattr(item, "fixturenames", ())
        shared = next((name for name in ("smoke", "survey_cache") if name in used), None)
        item.add_marker(pytest.mark.xdist_group(shared or item.path.name))


@pytest.fixture(scope="session")
def mirror() -> Path:
    """Folder of the public data's mirror; the test is skipped where there is none."""
    place = os.environ.get("TEXSHAPE_MIRROR")
    if not place:
        pytest.skip("TEXSHAPE_MIRROR is not set: no public data without a network")
    return Path(place)


@pytest.fixture(scope="session")
def survey_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One folder for what `texshape measure` downloads and packs, for all tests of a session."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEXSHAPE_CACHE", str(folder))
        yield folder
