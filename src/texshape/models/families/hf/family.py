"""Networks of transformers: ``hf:OWNER/NAME`` of the hub, or ``hf:FOLDER`` as `save_pretrained` writes it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from texshape.models.families.base import LIBRARY, Family, ModelName, joined


class Transformers(Family):
    """Their names are an owner's and a network's, or a folder of files."""

    def slug(self, name: ModelName, weights: bool) -> str:
        """``hf-NAME--OWNER``; a folder, and weights of a file, get a hash."""
        owner, _, short = name.architecture.rpartition("/")
        of_hub = bool(re.fullmatch(r"[\w-][\w.-]*/[\w.-]+", name.architecture))
        hashed = None if of_hub and weights and not name.weights else name.text
        if not weights:
            owner = "random"
        elif name.weights:
            owner = name.weights.stem
        elif not of_hub:
            owner, short = "folder", Path(name.architecture).name
        return joined(f"hf-{short}", owner, hashed)

    def files(self, name: ModelName) -> list[str]:
        folder = Path(name.architecture)
        if not folder.is_dir():
            return super().files(name)
        kinds = (".json", ".safetensors", ".bin")
        here = sorted(str(path) for path in folder.iterdir() if path.suffix in kinds)
        return [*here, *([str(name.weights)] if name.weights else [])]

    def is_fetched(self, name: ModelName) -> bool:
        return super().is_fetched(name) and not Path(name.architecture).is_dir()

    def placed(self, name: ModelName, folder: Path) -> str:
        if (folder / name.architecture).is_dir():
            at = f"@{name.weights}" if name.weights else ""
            place = str(folder / name.architecture)
            name = replace(name, text=f"{self.name}:{place}{at}", architecture=place)
        return super().placed(name, folder)


FAMILY = Transformers(
    name="hf",
    form="OWNER/NAME",
    about="transformers, from the hub or a folder",
    example="`hf:OWNER/NAME`, `hf:FOLDER` ([below](#transformers))",
    kind=LIBRARY,
)
