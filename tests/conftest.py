"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def mirror() -> Path:
    """Folder of the public data's mirror; the test is skipped where there is none."""
    place = os.environ.get("TEXSHAPE_MIRROR")
    if not place:
        pytest.skip("TEXSHAPE_MIRROR is not set: no public data without a network")
    return Path(place)
