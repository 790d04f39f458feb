"""Write envs/texshape.yaml from requirements.lock, so that conda users get the same pins.

Run by `make lock`; tests/unit/test_pins.py holds both files and pyproject.toml together.
"""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEADER = """\
# Written by tools/write_conda_environment.py from requirements.lock; do not edit.
name: texshape
channels:
  - conda-forge
dependencies:
  - python=3.11
  - pip
  - pip:
"""


def conda_environment(lock: str) -> str:
    """Text of the conda environment with one pip line for each line of the lock."""
    pins = [line.strip() for line in lock.splitlines() if line.strip() and line[0] != "#"]
    return HEADER + "".join(f'      - "{pin}"\n' for pin in pins)


if __name__ == "__main__":
    text = conda_environment((ROOT / "requirements.lock").read_text(encoding="utf-8"))
    (ROOT / "envs" / "texshape.yaml").write_text(text, encoding="utf-8")
