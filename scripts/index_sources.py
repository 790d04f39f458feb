"""Write the lists of published files (path, size, SHA-256) from a folder that holds them.

    python scripts/index_sources.py DIR

DIR is laid out as a mirror (``github/OWNER/REPO/COMMIT/PATH``); a clone of each repository at its
commit will do. What is listed, from where and on which terms stands in
src/texshape/data/sources/sources.yaml.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

from texshape.data.download import file_sha256
from texshape.data.published import index_path, sources
from texshape.files import atomic_path


def write_index(mirror: Path, name: str) -> int:
    """List the files of one source; returns their number."""
    source = sources()[name]
    root = mirror / "github" / source.repository / source.commit
    paths = sorted(path for pattern in source.files for path in root.glob(pattern))
    if not paths:
        raise SystemExit(f"{root}: holds no file like {' or '.join(source.files)}")
    with atomic_path(index_path(name)) as temporary, open(temporary, "w", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["path", "size", "sha256"])
        for path in paths:
            row = (path.relative_to(root).as_posix(), path.stat().st_size, file_sha256(path))
            writer.writerow(row)
    return len(paths)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mirror", type=Path)
    folder = parser.parse_args().mirror
    for source_name in sources():
        print(f"{source_name}: {write_index(folder, source_name)} files")
