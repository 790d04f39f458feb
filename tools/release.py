"""All of a release but the upload: `make release`.

In this order, and the first that fails ends it: one version stands everywhere; the tree is clean and the tag
free; `python -m build` makes both archives; `twine check` reads their descriptions; the wheel is installed with
what it asks for, at the pinned versions, into an empty environment, which imports and starts it; the
documentation builds strictly. What is left to a person is printed at the end.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tomllib
import venv
from datetime import datetime
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
_PACKAGE = re.compile(r'^__version__ = "([^"]+)"$', re.MULTILINE)
_HEADING = re.compile(r"^## (\S+)(?: \((.+)\))?$", re.MULTILINE)
_ATTRIBUTE = {"attr": "texshape.__version__"}


def version_of(root: Path) -> str:
    """The version that the package says of itself, read without importing it."""
    found = _PACKAGE.search((root / "src/texshape/__init__.py").read_text(encoding="utf-8"))
    if found is None:
        raise ValueError('src/texshape/__init__.py: no line __version__ = "..."')
    return found[1]


def disagreements(root: Path) -> list[str]:
    """What says another version or another day than the package and its citation, a line each.

    Parameters
    ----------
    root : Path
        Folder of the project. Compared are ``__version__``, ``pyproject.toml`` (which must take it from there),
        ``CITATION.cff`` and the first heading of ``CHANGELOG.md``, ``## VERSION (DAY MONTH YEAR)``.
    """
    version = version_of(root)
    wrong = []
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    dynamic = project["tool"]["setuptools"].get("dynamic", {}).get("version")
    if "version" in project["project"] or dynamic != _ATTRIBUTE:
        found = project["project"].get("version", dynamic)
        wrong.append(f"pyproject.toml: expected the version of texshape.__version__, found {found}")
    citation = yaml.safe_load((root / "CITATION.cff").read_text(encoding="utf-8"))
    if citation["version"] != version:
        wrong.append(f"CITATION.cff: expected version {version}, found {citation['version']}")
    heading = _HEADING.search((root / "CHANGELOG.md").read_text(encoding="utf-8"))
    named, day = (heading[1], heading[2]) if heading else (None, None)
    if named != version:
        wrong.append(f"CHANGELOG.md: expected ## {version} first, found {named}")
    if _date(day) != str(citation["date-released"]):
        wrong.append(
            f"CHANGELOG.md: expected the day of CITATION.cff, {citation['date-released']}, found {day}"
        )
    return wrong


def _date(day: str | None) -> str | None:
    try:
        return datetime.strptime(day or "", "%d %B %Y").date().isoformat()
    except ValueError:
        return None


def unready(root: Path, version: str) -> list[str]:
    """Why git would not let this tree be told from another one of the same version, a line each."""
    changed = _git(root, "status", "--porcelain").splitlines()
    wrong = [f"not committed: {line}" for line in changed]
    if _git(root, "tag", "--list", f"v{version}").strip():
        wrong.append(f"tag v{version} is there already: raise __version__ first")
    return wrong


def head_of(root: Path) -> str:
    """The commit that is checked out."""
    return _git(root, "rev-parse", "HEAD").strip()


def moved(root: Path, commit: str) -> list[str]:
    """What is no longer as it was when the archives were built of `commit`, a line each."""
    now = head_of(root)
    wrong = [f"built of commit {commit}, but {now} is checked out now"] if now != commit else []
    return wrong + [
        f"changed meanwhile: {line}" for line in _git(root, "status", "--porcelain").splitlines()
    ]


def _git(root: Path, *words: str) -> str:
    return subprocess.run(
        ["git", "-C", str(root), *words], capture_output=True, text=True, check=True
    ).stdout


def _stop(lines: list[str]) -> None:
    if lines:
        sys.exit("\n".join(f"release: {line}" for line in lines))


def _run(*words: object, folder: Path) -> str:
    print("release:", *words, flush=True)
    done = subprocess.run(
        list(map(str, words)), cwd=folder, text=True, stdout=subprocess.PIPE, check=False
    )
    if done.returncode != 0:
        print(done.stdout, end="")
        _stop([f"status {done.returncode}: {' '.join(map(str, words))}"])
    return done.stdout


def built(root: Path, tools: Path, output: Path) -> list[Path]:
    """Both archives, made by `python -m build` and passed by `twine check`.

    Parameters
    ----------
    root : Path
        Folder of the project.
    tools : Path
        A Python that has `build` and `twine`.
    output : Path
        Folder that is emptied for them.
    """
    shutil.rmtree(output, ignore_errors=True)
    _run(tools, "-m", "build", "--outdir", output, root, folder=root)
    archives = sorted(output.iterdir())
    _run(tools, "-m", "twine", "check", "--strict", *archives, folder=root)
    return archives


def started(root: Path, wheel: Path, version: str, place: Path) -> None:
    """Install the wheel into an empty environment, from an empty folder, and start it."""
    shutil.rmtree(place, ignore_errors=True)
    venv.create(place / "env", with_pip=True)
    (place / "empty").mkdir()
    python, program = place / "env/bin/python", place / "env/bin/texshape"
    quiet = ("--quiet", "--disable-pip-version-check")
    pins = ("--constraint", root / "requirements.lock")
    _run(python, "-I", "-m", "pip", "install", *quiet, *pins, wheel, folder=place / "empty")
    code = "import texshape; print(texshape.__version__, texshape.__file__)"
    said, where = _run(python, "-I", "-c", code, folder=place / "empty").split(maxsplit=1)
    told = _run(python, "-I", program, "--version", folder=place / "empty").strip()
    if (said, told) != (version, f"texshape {version}"):
        _stop([f"expected texshape {version} of the wheel, found {said} and '{told}'"])
    if not Path(where.strip()).is_relative_to(place.resolve()):
        _stop([f"expected the package of the wheel, found {where.strip()}"])
    shutil.rmtree(place)


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tools", type=Path, required=True, help="Python with build and twine.")
    tools = Path(parser.parse_args().tools).absolute()
    version = version_of(ROOT)
    _stop(disagreements(ROOT))
    _stop(unready(ROOT, version))
    commit = head_of(ROOT)
    archives = built(ROOT, tools, ROOT / "dist")
    wheel = next(path for path in archives if path.suffix == ".whl")
    started(ROOT, wheel, version, ROOT / "build" / "release")
    site = ROOT / "build" / "site"
    _run(
        sys.executable,
        "-m",
        "mkdocs",
        "build",
        "--strict",
        "--quiet",
        "--site-dir",
        site,
        folder=ROOT,
    )
    _stop(moved(ROOT, commit))
    print(
        f"\ntexshape {version} of commit {commit} is ready. Nothing has been uploaded. Left to do:"
    )
    print(
        f"  git tag -a v{version} -m 'texshape {version}' {commit[:12]} && git push origin v{version}"
    )
    print(
        "  .release/bin/twine upload " + " ".join(str(path.relative_to(ROOT)) for path in archives)
    )
    print(f"  the documentation, {site.relative_to(ROOT)}, to where it is served")


if __name__ == "__main__":
    main()
