"""Writing an archive: the same results give the same bytes."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path
from typing import Any

from texshape.deposit import citation, contents, crate, zenodo
from texshape.deposit.contents import Contents, Packed
from texshape.errors import InputError
from texshape.files import atomic_path

_REFERENCES = "paper/references.bib"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first day that a ZIP can name

README = """\
# {title}

{description}

- `{root}/`: tables, figures, the article (`paper.pdf`, `paper.html`), parameters, what made each file
  (`records.json`).
- `ro-crate-metadata.json`: every file with its size, SHA-256, format, and the job that made it; authors,
  licence, inputs.
- `inputs/`: lists of the published files that the results rest on, with paths, sizes and SHA-256. None of these
  is in this archive; `ro-crate-metadata.json` has addresses, licences and citations.
- `{not_included}`: recorded files that are not in this archive, with SHA-256 and the reason.
- `{lock}`: packages and versions. `.zenodo.json`: for Zenodo's form.

Checked by `texshape verify` on the folder that holds this file. Made again from commit {commit} by

    {command}
"""


def write(
    results: str | Path,
    output: str | Path,
    *,
    cited: str | Path | None = None,
    with_pictures: bool = False,
) -> Contents:
    """Write the archive of an experiment, and say what is in it.

    Parameters
    ----------
    results : path
        Folder of the experiment, in the clone that made it.
    output : path
        The ZIP file to write; there must be none.
    cited : path, optional
        CITATION.cff of the archive; the clone's by default.
    with_pictures : bool
        As in `texshape.deposit.contents.collect`.

    Raises
    ------
    InputError
        If the output exists, the experiment is not finished, or a file is not as recorded.
    """
    output = Path(output)
    if output.exists():
        raise InputError(f"{output}: exists; expected the name of a new file")
    if output.suffix != ".zip":
        raise InputError(f"{output}: expected a name that ends in .zip")
    found = contents.collect(results, with_pictures=with_pictures)
    citing = Path(cited) if cited is not None else found.base / contents.CITATION
    about = citation.read(citing)
    works = citation.works(
        contents.at_commit(found.base, found.run["commit"], _REFERENCES).decode("utf-8")
    )
    files = [*found.files, *_beside(found, citing)]
    zenodo_fields = zenodo.metadata(found, about, works)
    files.append(Packed(zenodo.NAME, content=_json(zenodo_fields)))
    data = {file.name: _content(file) for file in files}
    sizes = {
        name: (len(content), hashlib.sha256(content).hexdigest()) for name, content in data.items()
    }
    data[crate.NAME] = crate.metadata(found, sizes, about, works).encode("utf-8")
    with (
        atomic_path(output) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive,
    ):
        for name, content in sorted(data.items()):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, on any machine
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, content)
    return found


def _beside(found: Contents, citing: Path) -> list[Packed]:
    """What lies beside the results: how to read, cite, use and check them."""
    commit = found.run["commit"]
    readme = README.format(
        title=crate.title(found), description=crate.description(found), root=found.root,
        not_included=contents.listing.NAME, lock=contents.LOCK, commit=commit or "(not recorded)",
        command=_command(found),
    )  # fmt: skip
    return [
        Packed("README.md", content=readme.encode("utf-8")),
        Packed(contents.CITATION, citing),
        Packed(contents.LICENCE, content=contents.at_commit(found.base, commit, contents.LICENCE)),
        Packed(contents.LOCK, content=contents.at_commit(found.base, commit, contents.LOCK)),
        contents.not_included_file(found),
        *(Packed(f"inputs/{one.name}.csv", one.sums) for one in found.inputs if one.sums),
    ]


def _command(found: Contents) -> str:
    files = [name for name in found.run["configfiles"] if name != "params.yaml"]
    return " ".join(["snakemake --cores all", *(["--configfile", *files] if files else [])])


def _content(file: Packed) -> bytes:
    """A file's bytes, which are those that were recorded."""
    if file.path is None:
        return file.content
    try:
        content = file.path.read_bytes()
    except OSError as error:
        raise InputError(f"{file.path}: cannot be read ({error.strerror})") from None
    if file.sha256 is not None and hashlib.sha256(content).hexdigest() != file.sha256:
        raise InputError(f"{file.path}: has changed while the archive was made")
    return content


def _json(value: Any) -> bytes:
    import json

    return (json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode("utf-8")
