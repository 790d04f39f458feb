"""Write the parts of the reference pages that the code declares: `python scripts/reference_pages.py`.

Such a part stands between two comments, ``<!-- generated: NAME -->`` and ``<!-- end -->``. With ``--check``
nothing is written, and the exit status is 1 where a page is not what the code says.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from texshape.catalogue import catalogue
from texshape.files import write_text
from texshape.models.families.registry import families
from texshape.tables import KINDS, PATH_COLUMNS, Column, Logged, Table
from texshape.techniques import registry
from texshape.techniques.base import HEADINGS, Technique

ROOT = Path(__file__).resolve().parents[1]
LOWER, UPPER = "lower end of", "upper end of"


def tables() -> str:
    """A heading and a list of columns for each result table."""
    front = "\n".join(_lines(list(PATH_COLUMNS)))
    return "\n\n".join([front, *map(_table, catalogue().values())])


def _table(table: Table) -> str:
    about = f"A row: {table.about}."
    if table.front:
        about += f" Begins with `{', '.join(table.front)}`."
    if table.keys:
        about += f" Told apart by `{', '.join(table.keys)}`."
    if table.logged:
        about += f" {_logged(table.logged)}"
    columns = [*table.columns, *([table.more] if table.more else [])]
    return "\n".join([f"### {table.name}.csv", "", about, "", *_lines(columns)])


def _logged(logged: Logged) -> str:
    if not logged.columns:
        return "None of it is in MLflow."
    where = " and ".join(f"`{column}` is `{value}`" for column, value in logged.rows)
    return f"In MLflow: `{', '.join(logged.columns)}`{f', where {where}' if where else ''}."


def _lines(columns: list[Column]) -> Iterator[str]:
    yield "| column | holds | meaning |"
    yield "|---|---|---|"
    columns = list(columns)
    while columns:
        column = columns.pop(0)
        names, meaning = f"`{column.name}`", column.meaning
        # The two ends of an interval in one line.
        if columns and (column.meaning, columns[0].meaning) == (
            f"{LOWER}{meaning.removeprefix(LOWER)}",
            f"{UPPER}{meaning.removeprefix(LOWER)}",
        ):
            names += f", `{columns.pop(0).name}`"
            meaning = f"ends of{meaning.removeprefix(LOWER)}"
        kind = KINDS[column.kind].removeprefix("a ").removeprefix("any ")
        holds = kind + (f", {column.unit}" if column.unit else "")
        yield f"| {names} | {holds} | {meaning} |"


def techniques() -> str:
    """A row for each technique of texshape's own, a star behind those that the parameters have to name."""
    lines = ["| technique | asks | after | step | files |", "|---|---|---|---|---|"]
    for name in (*registry.BUILT_IN, *registry.OPTIONAL):
        each = registry.get(name)
        star = "*" if name in registry.OPTIONAL else ""
        files = ", ".join(f"`{file}`" for file in each.outputs)
        step = name.replace("_", "-")
        title = f"[{each.title}](docs/explanation/{each.explanation}.md){star}"
        lines.append(f"| {title} | {each.question} | {each.paper} | `{step}` | {files} |")
    return "\n".join(lines)


def networks() -> str:
    """A row for each family of networks, and for a network that decides by a read-out."""
    rows = [(one.about, one.example) for one in families().values()]
    rows.append(
        (
            "any of these that is to decide by a read-out (except `decide:` and `vlm:`)",
            "`readout:` before its name ([below](#a-network-without-classes))",
        )
    )
    lines = ["| what | how |", "|---|---|"]
    return "\n".join([*lines, *(f"| {about} | {example} |" for about, example in rows)])


#: in the order of the page that chooses a measure: what every experiment runs, over all networks first
ALL = (*registry.TOGETHER, *registry.BUILT_IN, *registry.OPTIONAL)


def choices(heading: str) -> str:
    """A row for each technique that tells this: question, where its answer stands, first of its limits."""
    lines = ["| question | technique | read | keep in mind |", "|---|---|---|---|"]
    for name in ALL:
        each = registry.get(name)
        if each.heading != heading:
            continue
        star = "*" if name in registry.OPTIONAL else ""
        page = f"explanation/{each.explanation}.md"
        limit = _first_limit((ROOT / "docs" / page).read_text(encoding="utf-8"))
        lines.append(
            f"| {each.question} | [{each.title}]({page}){star} | {_answers(each)} | {limit} |"
        )
    return "\n".join(lines)


def _answers(technique: Technique) -> str:
    """Where the numbers stand that are compared over networks; else what is written."""
    found: dict[str, list[str]] = {}
    tables = catalogue()
    for measure in technique.measures:
        columns = found.setdefault(measure.table, [])
        # Some follow from several rows, and are no column themselves.
        if measure.value in tables[measure.table].names and measure.value not in columns:
            columns.append(measure.value)
    if not found:
        found = {table.name: [] for table in technique.tables}
    places = [
        f"`{table}.csv`" + (f": {', '.join(f'`{one}`' for one in columns)}" if columns else "")
        for table, columns in found.items()
    ]
    return "; ".join(places or [f"`{file.name}`" for file in technique.files])


def _first_limit(page: str) -> str:
    """The first sentence of a page's paragraph on limits."""
    paragraph = page.partition("**Limits.** ")[2].partition("\n\n")[0].replace("\n", " ")
    sentence = re.sub(r"\]\((?!https?:)", "](explanation/", paragraph).partition(". ")[0]
    return sentence.removesuffix(".") + "."


#: page, name of the part, what writes it
PARTS: list[tuple[str, str, Callable[[], str]]] = [
    ("docs/reference/files.md", "tables", tables),
    ("README.md", "techniques", techniques),
    ("docs/how-to/network.md", "networks", networks),
    *(("docs/which-measure.md", heading, partial(choices, heading)) for heading in HEADINGS),
]


def filled(page: str, name: str, text: str) -> str:
    """A page with one part written anew.

    Raises
    ------
    ValueError
        If the page has no such part.
    """
    start, end = f"<!-- generated: {name} -->", "<!-- end -->"
    before, found, rest = page.partition(start)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"no part between {start} and {end}")
    return f"{before}{start}\n\n{text}\n\n{end}{after}"


def stale(root: Path = ROOT, write: bool = False) -> list[str]:
    """Pages below a folder that are not what the code says; they are written anew if asked."""
    found = []
    for page, name, make in PARTS:
        path = root / page
        text = path.read_text(encoding="utf-8")
        new = filled(text, name, make())
        if new != text:
            if page not in found:
                found.append(page)
            if write:
                write_text(path, new)
    return found


if __name__ == "__main__":
    check = "--check" in sys.argv[1:]
    pages = stale(write=not check)
    for page in pages:
        print(f"{page}: {'not what the code says' if check else 'written'}")
    sys.exit(bool(check and pages))
