"""The workflow in another folder: what a run reads of this one, and nothing that a run made."""

from __future__ import annotations

import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PARTS = (
    "Snakefile",
    "rules",
    "schemas",
    "params.yaml",
    "experiments",
    "profiles",
    "paper",
    "envs",
    "dvc.yaml",
    "requirements.lock",
)


def copy_workflow(folder: Path) -> None:
    """Copy the workflow into a folder, which is made if need be; what is there of it is written anew."""
    folder.mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, folder / part, dirs_exist_ok=True)
        else:
            shutil.copy(source, folder / part)
