"""The page: data, script and pictures in a folder that opens without a server.

The data are a script (``data.js``), since a page that is opened as a file may read no other. A decision is a
byte: 0 not shown, 1 for no class, 2 + i for class i; subject by subject, in base64.
"""

from __future__ import annotations

import base64
import html
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from string import Template
from typing import Any

from texshape import __version__
from texshape.errors import InputError
from texshape.files import naming
from texshape.gallery import pictures
from texshape.gallery.credits import STIMULI, credits
from texshape.gallery.subjects import HUMAN, Gathered
from texshape.models.imagenet import class_name
from texshape.trials.names import ABSENT

FORMAT = 1  # of the data; the script reads no other
NOT_SHOWN, NO_CLASS, FIRST_CLASS = 0, 1, 2
MOST_CLASSES = 256 - FIRST_CLASS
DATA, SCRIPT, STYLE, PAGE, PICTURES = (
    "data.js",
    "gallery.js",
    "gallery.css",
    "index.html",
    "pictures",
)
_OWN = {DATA, SCRIPT, PAGE, PICTURES}
_HERE = Path(__file__).parent / "static"


def data(gathered: Gathered, files: Mapping[str, str]) -> dict[str, Any]:
    """Everything that the script shows.

    Parameters
    ----------
    gathered : Gathered
    files : mapping of str to str
        Picture to the name of its file.

    Returns
    -------
    dict
        ``format``; ``classes``; ``pictures``, an object of lists (``name``, ``shape`` and ``texture``, which
        are places in ``classes``, ``file`` or null); ``subjects``, a list of ``name``, ``human`` and
        ``source``; ``decisions`` and ``readings``: base64 of a byte each, subject by subject. A reading is two
        digits of base 3, shape's the lower: 0 not read, 1 wrong, 2 right; no readings are an empty text.

    Raises
    ------
    InputError
        If there are more classes than a byte tells apart.
    """
    shown = [name for one in gathered.pictures.values() for name in (one.shape, one.texture)]
    answered = (answer for one in gathered.subjects for answer in one.decisions.values())
    classes = sorted({*shown, *answered} - {ABSENT}, key=class_name)
    if len(classes) > MOST_CLASSES:
        raise InputError(
            f"the trials name {len(classes)} classes; the gallery tells at most {MOST_CLASSES} apart"
        )
    place = {name: number for number, name in enumerate(classes)}
    code = {name: number + FIRST_CLASS for name, number in place.items()} | {ABSENT: NO_CLASS}
    decisions = bytes(
        code[one.decisions[name]] if name in one.decisions else NOT_SHOWN
        for one in gathered.subjects
        for name in gathered.pictures
    )
    digit = {None: 0, False: 1, True: 2}
    readings = bytes(
        digit[shape] + 3 * digit[texture]
        for one in gathered.subjects
        for shape, texture in (one.readings.get(name, (None, None)) for name in gathered.pictures)
    )
    every = gathered.pictures.values()
    return {
        "format": FORMAT,
        "classes": [class_name(name) for name in classes],
        "pictures": {
            "name": [one.name for one in every],
            "shape": [place[one.shape] for one in every],
            "texture": [place[one.texture] for one in every],
            "file": [files.get(one.name) for one in every],
        },
        "subjects": [
            {"name": one.name, "human": one.kind == HUMAN, "source": one.source}
            for one in gathered.subjects
        ],
        "decisions": base64.b64encode(decisions).decode(),
        "readings": base64.b64encode(readings).decode() if any(readings) else "",
    }


def write(
    output: Path, gathered: Gathered, found: Mapping[str, pictures.Found], title: str = ""
) -> None:
    """Write the page's folder, whole or not at all.

    Parameters
    ----------
    output : path
        A new or empty folder, or an earlier gallery, which is replaced.
    gathered : Gathered
    found : mapping of str to Found
        The pictures that are there.
    title : str
        Of the page; by default how much it shows.

    Raises
    ------
    InputError
        If the folder holds anything else, or cannot be written.
    """
    with _replacing(output) as folder:
        files = pictures.write(found, gathered.pictures, folder / PICTURES) if found else {}
        made = data(gathered, files)
        text = json.dumps(made, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
        (folder / DATA).write_text(f"const GALLERY = {text};\n", encoding="utf-8")
        shutil.copyfile(_HERE / SCRIPT, folder / SCRIPT)
        page = Template((_HERE / PAGE).read_text(encoding="utf-8"))
        (folder / PAGE).write_text(
            page.substitute(_texts(gathered, found, title)), encoding="utf-8"
        )


def _texts(gathered: Gathered, found: Mapping[str, pictures.Found], title: str) -> dict[str, str]:
    subjects, shown = len(gathered.subjects), len(gathered.pictures)
    counts = f"{shown:,} picture{'s' * (shown != 1)}, {subjects} subject{'s' * (subjects != 1)}"
    lacking = shown - len(found)
    if not found:
        place = (
            "The pictures were not at hand, so their names stand for them. <code>--stimuli FOLDER</code> of "
            "<code>texshape gallery</code> adds them; <code>--stimuli published</code> downloads the published "
            "ones."
        )
    elif lacking:
        place = f"{lacking:,} of the pictures were not at hand; their names stand for them."
    else:
        place = ""
    return {
        "title": html.escape(title or f"Every picture, every decision: {counts}"),
        "heading": html.escape(title or "Every picture, every decision"),
        "style": (_HERE / STYLE).read_text(encoding="utf-8"),
        "counts": counts,
        "place": f"<p>{place}</p>" if place else "",
        "sources": _sources(gathered, found),
        "version": html.escape(__version__),
    }


def _sources(gathered: Gathered, found: Mapping[str, pictures.Found]) -> str:
    """Where pictures and decisions come from, as a list for the page."""
    of_pictures = {one.credit for one in found.values()}
    of_subjects = {name for one in gathered.subjects for name in one.credits}
    lines = []
    for entry in credits({STIMULI} & of_pictures | of_subjects):
        text = {key: html.escape(value) for key, value in entry.items()}
        lines.append(
            f'<li>{text["what"]}: <a href="{text["address"]}">{text["repository"]}</a> at '
            f"<code>{text['commit'][:12]}</code>. Licence: {text['licence']}. "
            f'Cite <a href="{text["paper"]}">{text["citation"]}</a>.</li>'
        )
    if STIMULI in of_pictures:
        lines.append(
            f"<li>The published pictures are shown as JPEG of quality {pictures.QUALITY}, not as they were "
            "published.</li>"
        )
    if found and of_pictures - {STIMULI}:
        lines.append("<li>Pictures of no source that texshape knows keep their owners' terms.</li>")
    if any(not one.credits for one in gathered.subjects):
        lines.append("<li>Other decisions are of the trial files that were named.</li>")
    return "\n".join(lines)


def check_output(output: Path) -> None:
    """Refuse a place where a gallery would take away something else.

    Raises
    ------
    InputError
        If it is a file, or a folder that holds anything but an earlier gallery.
    """
    if output.exists():
        there = {entry.name for entry in output.iterdir()} if output.is_dir() else None
        if there is None or (there and not ({PAGE, DATA, SCRIPT} <= there <= _OWN)):
            raise InputError(
                f"--output {output}: exists and is no gallery; expected a new or empty folder, or an earlier "
                "gallery to be replaced"
            )


@contextmanager
def _replacing(output: Path) -> Iterator[Path]:
    """A hidden folder beside the final one, which takes its place when the block succeeds."""
    check_output(output)
    with naming(output):
        output.parent.mkdir(parents=True, exist_ok=True)
        hidden = Path(
            tempfile.mkdtemp(prefix=f".{output.name}.", suffix=".partial", dir=output.parent)
        )
        try:
            folder, former = hidden / "new", hidden / "former"
            folder.mkdir()
            yield folder
            if output.exists():
                os.rename(output, former)
            try:
                os.rename(folder, output)
            except OSError:
                with suppress(OSError):
                    os.rename(former, output)
                raise
        finally:
            shutil.rmtree(hidden, ignore_errors=True)
