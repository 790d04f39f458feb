"""Arguments of `texshape run TECHNIQUE`, as the workflow would give them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from texshape.survey import parameters
from texshape.techniques import registry

RUN = "cnn--plain/seed-0"


def arguments(
    name: str,
    results: Path,
    sections: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    run: str = RUN,
    network: str | None = None,
    roles: Mapping[str, str] | None = None,
    epochs: Sequence[int] = (1,),
    defaults: bool = True,
    seed: int = 0,
) -> list[str]:
    """The command's words; sections lie over the defaults, unless these are not wanted."""
    technique = registry.get(name.replace("-", "_"))
    packaged = parameters.read() if defaults else {}
    given = {
        key: {**packaged.get(key, {}), **(sections or {}).get(key, {})}
        for key in (technique.parameters, *technique.sections)
        if key in packaged or key in (sections or {})
    }
    return [
        technique.name.replace("_", "-"), "--results", str(results), "--run", run,
        *(word for epoch in epochs for word in ("--epoch", str(epoch))),
        *(["--network", network] if network else []),
        *(word for role, one in (roles or {}).items() for word in ("--images", f"{role}={one}")),
        "--parameters", json.dumps({**given, "seed": seed}),
    ]  # fmt: skip
