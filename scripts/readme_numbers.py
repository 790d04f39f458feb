"""Write the README's numbers of the embedded experiment anew, from its kept tables.

    python scripts/readme_numbers.py [tests/reference/procedural] [README.md]

Each is the range over seeds: another seed, or another kind of processor, gives other numbers, and a reader
should see by how much. A test holds the README to what this writes.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

from texshape.files import atomic_path, read_csv

ROOT = Path(__file__).resolve().parents[1]
TRAINED_ON = {
    "plain": "plain images",
    "mixed": "plain and stylized",
    "stylized": "stylized images",
}


def percent(values: pd.Series) -> str:
    """Range of some fractions, as whole percent that claim no more than they hold: 99.7 is not 100."""
    low, high = (
        f"{100 * value:.{1 if value > 0.985 else 0}f}" for value in (min(values), max(values))
    )
    return f"{low} %" if low == high else f"{low} to {high} %"


def columns(reference: Path, arm: str) -> list[str]:
    """One row: plain images right, bias, cue matches, shape and texture read from the last stage."""

    def of(table: str) -> pd.DataFrame:
        frame = read_csv(reference / f"{table}.csv")
        return frame[frame["model"] == f"cnn--{arm}"]

    accuracy, bias, read = of("accuracy"), of("shape_bias"), of("readout")
    read = read[(read["input"] == "pooled") & (read["stage"] == read["stage"].iloc[-1])]
    plain = accuracy[(accuracy["set"] == "test-plain") & (accuracy["cue"] == "shape")]
    cells = [plain["accuracy"], bias["shape_bias"], bias["cue_match_rate"]]
    cells += [read[read["cue"] == cue]["accuracy"] for cue in ("shape", "texture")]
    return [percent(values) for values in cells]


def numbers(reference: Path) -> dict[str, str]:
    """Each passage of the README that holds such numbers, by the words that it begins with."""
    cells = {arm: columns(reference, arm) for arm in TRAINED_ON}
    passages = {
        f"| {name} |": f"| {name} | {' | '.join(cells[arm])} |" for arm, name in TRAINED_ON.items()
    }
    first = (
        "![Four drawn images whose shape and texture disagree; "
        "beside them, for CNNs trained on plain, on both and on "
    )
    by, shape, texture = (", ".join(cells[arm][at] for arm in TRAINED_ON) for at in (1, 3, 4))
    passages[first] = (
        f"{first}stylized images, how often they decide by shape ({by}), how much shape ({shape}) and how much "
        f"texture ({texture}) a read-out finds in them](docs/picture.png)"
    )
    bias = read_csv(reference / "shape_bias.csv")
    turned = bias[bias["model"] == "cnn--plain-orientation-free"]["shape_bias"]
    passages["With freely turned textures"] = (
        "With freely turned textures, in training and in the test, the same recipe gives a bias of "
        f"{percent(turned)}:"
    )
    return passages


def write(reference: Path, readme: Path) -> None:
    """Put the passages in their places; the words that each begins with are looked for."""
    lines = readme.read_text(encoding="utf-8").splitlines()
    for start, passage in numbers(reference).items():
        found = [at for at, line in enumerate(lines) if line.startswith(start)]
        if len(found) != 1:
            sys.exit(f"{readme}: expected one line that begins with '{start}', found {len(found)}")
        lines[found[0]] = passage
    with atomic_path(readme) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    given = [Path(word) for word in sys.argv[1:]]
    write(
        *(given + [ROOT / "tests" / "reference" / "procedural", ROOT / "README.md"][len(given) :])
    )
