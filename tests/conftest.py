"""Fixtures that every test may use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:
    # Two workers on two cores: threads that spin beside each other cost more than they bring.
    os.environ.setdefault("OMP_NUM_THREADS", "1")


# Files that share what takes long to make: they run on one worker.
TOGETHER = {
    "smoke": {
        "test_dvc.py",
        "test_levels.py",
        "test_smoke.py",
        "test_overhead.py",
        "test_pages.py",
        "test_same_numbers.py",
    },
    "survey_cache": {"test_documentation.py", "test_readme.py"},
}


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Deal out whole files, and those of `TOGETHER` as one."""
    from xdist.scheduler import LoadFileScheduling

    class Files(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            path = nodeid.split("::", 1)[0]
            name = path.rsplit("/", 1)[-1]
            return next((group for group, files in TOGETHER.items() if name in files), path)

    return Files(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long tests first; what shares a fixture stands in `TOGETHER`."""
    items.sort(key=lambda item: "workflow" not in item.keywords)
    for item in items:
        for name in TOGETHER.keys() & set(getattr(item, "fixturenames", ())):
            if item.path.name not in TOGETHER[name]:
                raise pytest.UsageError(f"{item.path}: uses '{name}'; name it in TOGETHER")


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
