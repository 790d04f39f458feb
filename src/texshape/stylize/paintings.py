"""A few paintings and photographs to try stylization with, brought in by check sum.

For a real study: Painter by Numbers (kaggle.com/c/painter-by-numbers, about 80,000 paintings, 36 GB;
an account and the acceptance of its rules are needed), whose ``train`` folder is what Geirhos et al.
(2019) used. It is never fetched by this program: unpack it and name its folder as the style source.
"""

from __future__ import annotations

import csv
from pathlib import Path

from texshape.data.download import Item, fetch_all

REPOSITORY = "naoto0804/pytorch-AdaIN"
COMMIT = "47950d0e6656a95a80a4b105c4c0f58d38ef785c"
LICENCE = (
    "MIT (the repository's LICENSE, which names its code; the pictures' rights are not stated)"
)
KINDS = ("style", "content")  # 20 paintings, 7 photographs


def items(folder: str | Path) -> list[Item]:
    """The files of the repository: FOLDER/style/NAME and FOLDER/content/NAME."""
    address = f"https://raw.githubusercontent.com/{REPOSITORY}/{COMMIT}"
    with open(Path(__file__).with_name("paintings.csv"), encoding="utf-8", newline="") as lines:
        return [
            Item(
                f"{address}/{row['path']}",
                row["sha256"],
                Path(folder, row["path"].removeprefix("input/")),
                int(row["size"]),
            )
            for row in csv.DictReader(lines)
        ]


def fetch(folder: str | Path) -> list[Item]:
    """Bring them into a folder; those already there are verified and kept."""
    wanted = items(folder)
    fetch_all(wanted, label=f"paintings ({REPOSITORY})")
    return wanted
