"""Write what is made from the models of the parameters: the schemas for editors, and the reference page.

    python scripts/write_parameters.py [--check]

``schemas/params.schema.json`` is of a whole file of parameters, ``schemas/experiment.schema.json`` of one that
overlays it. With ``--check`` nothing is written; the status is 1 where a file is not as it would be.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from texshape import parameters
from texshape.config import whole
from texshape.config.base import expected, resolve
from texshape.files import atomic_path
from texshape.techniques import registry

ROOT = Path(__file__).resolve().parents[1]
PAGE = Path("docs", "reference", "parameters.md")
INTRODUCTION = """\
# Parameters

Every key of `params.yaml`, its value there, what it may be and what it means. A file in `experiments/`
overlays `params.yaml`: mappings merge key by key, all else is replaced. `python scripts/write_parameters.py`
makes this page from the models in `src/texshape/config/` and in the folders of the techniques. The section of
a technique that has to be named may stand only where `techniques` names it.
"""


def rows(
    node: dict[str, Any], values: Any, schema: dict[str, Any], name: str = ""
) -> Iterator[str]:
    """A row a key: its name, value, what it may be, and its meaning; of entries by name one for all."""
    for key, inner in node["properties"].items():
        found = resolve(inner, schema)
        path = f"{name}.{key}" if name else key
        given = isinstance(values, dict) and key in values
        entries = [*(found.get("patternProperties") or {}).values(), found.get("items") or {}]
        entry, inside = (
            resolve(entries[0], schema),
            f"{path}[]" if "items" in found else f"{path}.NAME",
        )
        if inner.get("$ref", "").endswith("Changes"):
            yield _row(path, "", "some keys of that section", inner.get("description", ""))
        elif "properties" in found:
            yield from rows(found, values[key] if given else None, schema, path)
        elif "properties" in entry:
            yield _row(path, "", expected(found), inner.get("description", ""))
            yield from rows(entry, None, schema, inside)
        else:
            known = given or "default" in inner
            value = json.dumps(values[key] if given else inner.get("default")) if known else ""
            yield _row(path, value, expected(found), inner.get("description", ""))


def _row(key: str, value: str, kind: str, about: str) -> str:
    cells = [f"`{key}`", f"`{value}`" if value else "", kind, about]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def sections() -> dict[str, Any]:
    """Models of the sections of all techniques of texshape, those that have to be named last."""
    return whole.techniques() | registry.optional_sections()


def page() -> str:
    """The reference page, in Markdown."""
    values, schema = parameters.read_yaml(ROOT / "params.yaml"), whole.json_schema(sections())
    head = ["| key | value | may be | meaning |", "|---|---|---|---|"]
    lines = [INTRODUCTION, *head]
    for key, inner in schema["properties"].items():
        found = resolve(inner, schema)
        section = {"properties": {key: inner}}
        if "properties" in found or "patternProperties" in found:
            lines += [
                "",
                f"## {key}",
                "",
                inner.get("description") or found["description"],
                "",
                *head,
            ]
        elif key == "trained":
            lines += ["", f"## {key}", "", *head]
        lines += rows(section, values, schema)
    return "\n".join(lines) + "\n"


def files() -> dict[Path, str]:
    """What is written, by its path within the repository."""
    of = sections()
    schemas = {"params": whole.json_schema(of), "experiment": whole.overlay_schema(of)}
    return {PAGE: page()} | {
        Path("schemas", f"{name}.schema.json"): json.dumps(schema, indent=1) + "\n"
        for name, schema in schemas.items()
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--check", action="store_true", help="write nothing; 1 where a file differs"
    )
    check = parser.parse_args().check
    other = []
    for path, text in files().items():
        place = ROOT / path
        if place.exists() and place.read_text(encoding="utf-8") == text:
            continue
        other.append(str(path))
        if not check:
            place.parent.mkdir(parents=True, exist_ok=True)
            with atomic_path(place) as temporary:
                Path(temporary).write_text(text, encoding="utf-8")
    if other and check:
        print(f"not as the models say: {', '.join(other)}; run python scripts/write_parameters.py")
    return int(bool(other and check))


if __name__ == "__main__":
    sys.exit(main())
