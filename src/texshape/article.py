"""The article of one experiment: Typst's source and result files become a PDF and an HTML page.

Typst reads tables and figures itself but cannot ask whether a file exists, so the list of existing
files goes in as an input, and so does the list of the sections that techniques bring (`texshape.gathered`):
their Typst is laid beside the source while it is compiled. The clock and the machine's fonts stay out: the
same results give the same bytes.

Of the page two things are changed that Typst does not write: a sentence that opens stays within its paragraph,
and its links stand below it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from texshape.errors import InputError
from texshape.experiment.filled_tables import filled
from texshape.files import atomic_path
from texshape.gathered import Gathered, gather
from texshape.notices import warn

FOLDERS = ("tables", "figures")
_TAGS = re.compile(r'<p(?: [^>]*)?>|</p>|<details class="claim"')
_SUMMARY = re.compile(
    r'(<details class="claim"[^>]*><summary>)(.*?)(</summary><section class="grounds">)', re.DOTALL
)
_LINK, _A = re.compile(r"<a [^>]*>.*?</a>", re.DOTALL), re.compile(r"</?a\b[^>]*>")
#: where a technique's section lies while it is compiled: beside the source
_AT = "techniques"
_FAILS = "the article does not compile: "
SUFFIXES = {".csv", ".json", ".svg", ".png"}


def list_files(results: Path) -> list[str]:
    """Result files that the article may show: those beside it, its tables and its figures.

    Files of single networks, and everything that has another suffix, are not listed.
    """
    places = [results, *(results / folder for folder in FOLDERS)]
    return sorted(
        path.relative_to(results).as_posix()
        for place in places
        if place.is_dir()
        for path in place.iterdir()
        if path.suffix in SUFFIXES and path.is_file() and not path.name.startswith(".")
    )


def compilation(results: Path, source: Path, files: Iterable[str] | None = None) -> dict[str, Any]:
    """Arguments by which ``typst.compile`` and ``typst.query`` read the article.

    Parameters are those of `compile_article`.

    Raises
    ------
    InputError
        If the source or the results are missing.
    """
    return _arguments(*_given(results, source, files))


def _given(
    results: Path, source: Path, files: Iterable[str] | None
) -> tuple[Path, Path, list[str], list[Gathered]]:
    """Results, source, files that may be read, and the sections of techniques."""
    results, source = Path(results).resolve(), Path(source).resolve()
    if not source.is_file():
        raise InputError(f"{source}: the article's source is missing")
    if not results.is_dir():
        raise InputError(f"{results}: no such folder of results")
    listed = sorted(filled(results, list_files(results) if files is None else files))
    return results, source, listed, gather(results, listed)


def _arguments(
    results: Path,
    source: Path,
    listed: list[str],
    sections: Iterable[Gathered],
    unset: Iterable[str] = (),
) -> dict[str, Any]:
    root = Path(os.path.commonpath([results, source.parent]))
    beside = source.parent.relative_to(root)
    places = [(one, (beside / _AT / f"{one.name}.typ").as_posix()) for one in sections]
    named = [
        {"name": one.name, "part": one.part, "tells": one.tells, "file": f"/{place}"}
        for one, place in places
    ]
    start = json.dumps(f"/{source.relative_to(root).as_posix()}", ensure_ascii=False)
    return {
        # The entry has to be of the texts; all that is not among them is read from the root.
        "input": {
            "main": f"#include {start}".encode(),
            **{place: one.text.encode() for one, place in places},
        },
        "root": str(root),
        "ignore_system_fonts": True,  # the fonts that come with Typst, on every machine
        "sys_inputs": {
            "experiment": results.name,
            "results": f"/{results.relative_to(root).as_posix()}",
            "files": json.dumps(listed),
            "sections": json.dumps(named),
            "unset": json.dumps(list(unset)),
        },
    }  # fmt: skip


def compile_article(
    *, results: Path, source: Path, pdf: Path, html: Path, files: Iterable[str] | None = None
) -> None:
    """Compile the article to a tagged PDF (PDF/UA-1) and to one self-contained HTML page.

    Both are compiled before either is written, so an error leaves the former pair in place.

    Parameters
    ----------
    results : Path
        Folder of one experiment; its name is the experiment's name.
    source : Path
        The main Typst file.
    pdf, html : Path
        Where the two are written, atomically.
    files : iterable of str, optional
        Result files that the article may read, relative to `results`; by default all that exist.

    Raises
    ------
    InputError
        If the source or the results are missing, or Typst reports an error: its place and message. An error
        that comes with a section of another package leaves that section out, with a line on it.
    """
    given = _given(results, source, files)
    printed, page = _compiled(*given)
    page = paragraphs_that_open(links_below(page.decode("utf-8"))).encode("utf-8")
    for path, content in ((pdf, printed), (html, page)):
        with atomic_path(path) as temporary:
            temporary.write_bytes(content)


def _compiled(
    results: Path, source: Path, listed: list[str], sections: list[Gathered]
) -> tuple[bytes, bytes]:
    """The PDF and the page; a section of another package with which neither can be is left out, and named."""
    try:
        return _both(results, source, listed, sections)
    except InputError:
        if not any(one.package for one in sections):
            raise
    kept, unset = [one for one in sections if not one.package], []
    found = _both(results, source, listed, kept)  # what fails here is ours
    for one in sections:
        if not one.package:
            continue
        tried = sorted([*kept, one], key=sections.index)
        try:
            found = _both(results, source, listed, tried)
            kept = tried
        except InputError as error:
            said = str(error).removeprefix(_FAILS)
            line = f"technique '{one.name}' of {one.package}: its section cannot be set: {said}"
            warn(results.name, line)
            unset.append(line)
    return _both(results, source, listed, kept, unset) if unset else found


def _both(
    results: Path,
    source: Path,
    listed: list[str],
    sections: list[Gathered],
    unset: Iterable[str] = (),
) -> tuple[bytes, bytes]:
    import typst

    arguments = _arguments(results, source, listed, sections, unset)
    try:
        # PDF/UA refuses a figure or formula without alternative text. The time keeps out the clock.
        printed = typst.compile(**arguments, format="pdf", pdf_standards=["ua-1"], timestamp=0)
        page = typst.compile(**arguments, format="html")
    except typst.TypstError as error:
        raise InputError(_message(error, {one.name: one.place for one in sections})) from None
    return printed, page


def links_below(page: str) -> str:
    """Move the links of each sentence that opens to the first line below it.

    A summary is a button to whoever does not see the page, and no button holds a link. The words stay.

    Parameters
    ----------
    page : str
        HTML as Typst writes it.
    """

    def moved(found: re.Match[str]) -> str:
        links = _LINK.findall(found[2])
        see = f"<p><strong>See:</strong> {', '.join(links)}.</p>" if links else ""
        return found[1] + _LINK.sub(lambda link: _A.sub("", link[0]), found[2]) + found[3] + see

    return _SUMMARY.sub(moved, page)


def paragraphs_that_open(page: str) -> str:
    """Make each paragraph that holds a claim a `div`: a browser ends a `p` where `details` begins.

    Parameters
    ----------
    page : str
        HTML as Typst writes it, in which every ``<p>`` has its ``</p>``.
    """
    ends: list[
        tuple[int, int, str]
    ] = []  # where a tag begins and ends, and what comes in its place
    paragraphs: list[list[Any]] = []  # those around a place: their tag, and whether a claim was met
    for tag in _TAGS.finditer(page):
        if tag[0].startswith("<details"):
            for around in paragraphs:
                around[1] = True
        elif tag[0] != "</p>":
            paragraphs.append([tag, False])
        else:
            opening, holds = paragraphs.pop()
            if holds and opening[0] == "<p>":
                ends.append((*opening.span(), '<div class="p" role="paragraph">'))
                ends.append((*tag.span(), "</div>"))
    parts, place = [], 0
    for start, end, text in sorted(ends):
        parts += [page[place:start], text]
        place = end
    return "".join([*parts, page[place:]])


def _message(error: Exception, places: Mapping[str, str]) -> str:
    """Typst's error in one line: the first error, and the place in the source.

    A technique's section is named by its place and not by where it was laid.
    """
    text = getattr(error, "diagnostic", "") or str(error)
    lines = [line.strip() for line in text.splitlines()]
    what = next((line for line in lines if line.startswith("error:")), str(error))
    place = next((line.lstrip("┌─ ") for line in lines if line.startswith("┌─")), "")
    place = re.sub(
        rf"^.*\b{_AT}/(\w+)\.typ(?=:)", lambda found: places.get(found[1], found[0]), place
    )
    return f"{_FAILS}{what.removeprefix('error:').strip()}" + (f" ({place})" if place else "")
