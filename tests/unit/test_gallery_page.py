"""The page in a browser: what it counts is what Python counts, for the keyboard and the screen reader too."""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from tests import browser
from tests import gallery_world as world
from typer.testing import CliRunner

import texshape.cli.gallery  # noqa: F401 (registers the command)
from texshape.cli.main import app

#: what each field may be set to; all pairs of values of two fields are tried
VALUES: dict[str, list[str]] = {
    "search": ["", "cat10", "Bear, truck"],
    "shape": ["", "clock"],
    "texture": ["", "bear"],
    "cues": ["", "conflict", "alike"],
    "decided": ["", "shape", "texture", "neither", "texture-known", "shape-known"],
    "by": ["", "most", "all"],
    "measure": ["", "entropy", "humans"],
    "least": ["0", "1.3", "45"],
    "sort": ["", "disagreement", "agreement", "shape", "texture", "neither"],
}


class Expected:
    """The same filters, written for one picture and one subject at a time."""

    def __init__(self, folder: Path) -> None:
        self._measured: dict[tuple, float] = {}
        self.readings = world.write_readings(folder / "cnn--plain" / "seed-1" / "readings.csv")
        self.cells = {one: world.answers(one) for one in (*world.HUMANS, *world.NETWORKS)}
        self.cells |= {
            "cnn--plain, seed 0": world.answers("net-a"),
            "cnn--plain, seed 1": world.answers("net-b"),
        }

    def outcome(self, subject: str, name: str) -> str:
        shape, texture = classes(name)
        answer = self.cells[subject].get(name)
        if answer is None:
            return ""
        if answer == shape == texture:
            return "both"
        return {shape: "shape", texture: "texture"}.get(answer, "neither")

    def measure(self, which: str, subjects: list[str], name: str) -> float:
        key = which, tuple(subjects), name
        if key not in self._measured:
            self._measured[key] = self._measure(*key)
        return self._measured[key]

    def _measure(self, which: str, subjects: tuple[str, ...], name: str) -> float:
        given = [self.cells[one][name] for one in subjects if name in self.cells[one]]
        shares = [count / len(given) for count in Counter(given).values()]
        if which == "":
            return 100 * (len(given) - max(Counter(given).values())) / len(given)
        if which == "entropy":
            return math.fsum(-share * math.log2(share) for share in shares)
        groups = [
            Counter(self.cells[one][name] for one in subjects
                    if (one in world.HUMANS) == human and name in self.cells[one])
            for human in (True, False)
        ]  # fmt: skip
        if not all(group.total() for group in groups):
            return math.nan
        return 50 * math.fsum(
            abs(groups[0][one] / groups[0].total() - groups[1][one] / groups[1].total())
            for one in set(given)
        )

    def shown(self, subjects: list[str], want: dict[str, str]) -> list[str]:
        kept = [name for name in ordered() if self.passes(subjects, want, name)]
        if want["sort"] in ("disagreement", "agreement"):
            sign = -1 if want["sort"] == "disagreement" else 1
            values = {name: self.measure(want["measure"], subjects, name) for name in kept}
            return sorted(
                kept, key=lambda name: (math.isnan(values[name]), sign * round(values[name], 9)
                                        if not math.isnan(values[name]) else 0)
            )  # fmt: skip
        if want["sort"]:
            return sorted(kept, key=lambda name: -self.share(subjects, want["sort"], name))
        return kept

    def share(self, subjects: list[str], outcome: str, name: str) -> float:
        found = [self.outcome(one, name) for one in subjects]
        return found.count(outcome) / (len(found) - found.count(""))

    def passes(self, subjects: list[str], want: dict[str, str], name: str) -> bool:
        shape, texture = classes(name)
        saw = [one for one in subjects if self.outcome(one, name)]
        terms = [term.strip().lower() for term in want["search"].split(",")]
        if (
            not saw
            or not all(term in name for term in terms)
            or want["shape"] not in ("", shape)
            or want["texture"] not in ("", texture)
            or (want["cues"] and (want["cues"] == "alike") != (shape == texture))
        ):
            return False
        least = float(want["least"])
        if least and not self.measure(want["measure"], subjects, name) >= least:
            return False
        if not want["decided"]:
            return True
        cue, _, known = want["decided"].partition("-")
        if known:
            other = 0 if cue == "texture" else 1  # the cue that is read
            saw = [one for one in saw if one == "cnn--plain, seed 1" and name in self.readings]
            so = [
                one for one in saw if self.outcome(one, name) == cue and self.readings[name][other]
            ]
        else:
            so = [one for one in saw if self.outcome(one, name) == cue]
        return {
            "": len(so) > 0,
            "most": 2 * len(so) > len(saw),
            "all": bool(saw) and len(so) == len(saw),
        }[want["by"]]


def classes(name: str) -> tuple[str, str]:
    first, second = (part.rstrip("0123456789") for part in name.split("-"))
    return first, second


def ordered() -> list[str]:
    """Names in the order of the page."""
    split = re.compile(r"\D+|\d+")
    return sorted(
        world.names(),
        key=lambda name: [int(part) if part.isdigit() else part for part in split.findall(name)],
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Expected]:
    folder = tmp_path_factory.mktemp("gallery")
    results = world.experiment(folder / "results", {"plain": {}})
    expected = Expected(results)
    trials = world.write_all(folder / "trials")
    words = ["gallery", str(trials), str(results), "-o", str(folder / "page")]
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert done.exit_code == 0
    return folder / "page", expected


@pytest.fixture
def opened(made: tuple[Path, Expected]) -> Iterator[tuple[Any, list[str]]]:
    with browser.open_page(made[0] / "index.html", width=1440) as opened:
        yield opened


def at(page: Any, hash: str) -> None:
    """Go to the page with these filters."""
    page.evaluate("hash => { location.hash = hash; }", hash)
    page.wait_for_function("hash => location.hash.slice(1) === hash", arg=hash)


def set_fields(page: Any, wants: list[dict[str, str]]) -> list[tuple[list[str], str]]:
    """Set filters one after the other; which pictures are shown each time, and what is said of them."""
    return page.evaluate(
        """wants => wants.map(want => {
            for (const [id, value] of Object.entries(want)) document.getElementById(id).value = value;
            document.getElementById('shape').dispatchEvent(new Event('input', {bubbles: true}));
            return [[...document.querySelectorAll('#pictures .name')].map(one => one.textContent),
                    document.getElementById('count').textContent];
        })""",
        wants,
    )


def names_shown(page: Any) -> list[str]:
    return page.evaluate(
        "[...document.querySelectorAll('#pictures .name')].map(one => one.textContent)"
    )


def combinations() -> list[dict[str, str]]:
    """All pairs of values of any two fields, the others unset."""
    empty = {name: values[0] for name, values in VALUES.items()}
    found = {tuple(empty.items()): empty}
    for first, second in itertools.combinations(VALUES, 2):
        for one, two in itertools.product(VALUES[first], VALUES[second]):
            want = empty | {first: one, second: two}
            found[tuple(want.items())] = want
    return list(found.values())


def test_filters_and_orders_are_those_of_python(made, opened) -> None:
    page, complaints = opened
    _, expected = made
    groups = {"all": list(expected.cells), "humans": list(world.HUMANS),
              "networks": [one for one in expected.cells if one not in world.HUMANS]}  # fmt: skip
    sizes = Counter()
    for group, subjects in groups.items():
        page.click(f"[data-choose={group}]")
        wants = combinations()[:: 1 if group == "all" else 7]
        for want, (names, said) in zip(wants, set_fields(page, wants), strict=True):
            assert names == expected.shown(subjects, want), (group, want)
            assert said == (
                f"{len(names)} of 32 pictures shown, decisions of {len(subjects)} of 9 subjects counted."
            )
            sizes[len(names)] += 1
    assert len(sizes) > 15  # filters that let all or nothing pass would show nothing
    page.click("[data-choose=none]")
    assert names_shown(page) == []
    page.click("button[type=reset]")
    assert names_shown(page) == ordered()
    assert complaints == []


def test_counts_of_each_picture_and_subject(made, opened) -> None:
    page, _ = opened
    _, expected = made
    page.click("button[type=reset]")
    cards = page.evaluate(
        "[...document.querySelectorAll('.card')].map(one => one.getAttribute('aria-label'))"
    )
    for name, label in zip(ordered(), cards, strict=True):
        found = Counter(expected.outcome(one, name) for one in expected.cells)
        kinds = (
            ("both", "neither") if len(set(classes(name))) == 1 else ("shape", "texture", "neither")
        )
        told = ", ".join(f"{found[kind]}\u00a0{kind}" for kind in kinds)
        assert label == f"{name}: {told}"
        assert sum(found[kind] for kind in kinds) == found.total() - found[""]
    rows = page.evaluate(
        """[...document.querySelectorAll('#subjects tr')]
            .map(row => [...row.children].map(one => one.textContent))"""
    )
    assert [row[0] for row in rows] == list(expected.cells)
    for name, *counts in rows:
        found = Counter(
            expected.outcome(name, one) for one in ordered() if len(set(classes(one))) == 2
        )
        bias = 100 * found["shape"] / (found["shape"] + found["texture"])
        assert counts[:3] == [str(found[kind]) for kind in ("shape", "texture", "neither")]
        assert counts[3] == f"{bias:.0f} %"


def test_a_picture_opens_to_every_decision_and_reading(made, opened) -> None:
    page, _ = opened
    _, expected = made
    page.click("button[type=reset]")
    for name in ordered()[::4]:
        at(page, f"picture={name}")
        assert page.inner_text("#detail-title") == name
        rows = page.evaluate(
            """[...document.querySelectorAll('#answers tbody')].flatMap(body =>
                [...body.rows].slice(1).map(row =>
                    [body.className, ...[...row.cells].map(one => one.textContent)]))"""
        )
        found = {row[1]: row for row in rows}
        assert len(found) == len(rows)
        read = expected.readings.get(name)
        for subject in expected.cells:
            outcome = expected.outcome(subject, name)
            if not outcome:
                assert subject not in found
                continue
            answer = expected.cells[subject][name]
            cells = [outcome, subject, "no class" if answer == "na" else answer]
            if read is not None:
                own = read if subject == "cnn--plain, seed 1" else (None, None)
                cells += [{None: "–", True: "right", False: "wrong"}[one] for one in own]
            assert found[subject] == cells
        image = page.evaluate("document.querySelector('#large img').alt")
        assert name in image
    at(page, "")
    assert not page.evaluate("document.getElementById('detail').open")


def test_the_keyboard_alone(opened) -> None:
    page, _ = opened
    page.click("button[type=reset]")
    names = ordered()
    focused = "document.activeElement.querySelector('.name')?.textContent"
    columns = page.evaluate(
        "getComputedStyle(document.getElementById('pictures')).gridTemplateColumns.split(' ').length"
    )
    assert 1 < columns < 16
    page.focus("button[type=reset]")
    page.keyboard.press("Tab")  # one stop for all pictures
    assert page.evaluate(focused) == names[0]
    for key, place in (("ArrowRight", 1), ("ArrowDown", 1 + columns), ("ArrowLeft", columns),
                       ("ArrowUp", 0), ("ArrowUp", 0), ("End", 31), ("ArrowRight", 31), ("Home", 0),
                       ("ArrowRight", 1)):  # fmt: skip
        page.keyboard.press(key)
        assert page.evaluate(focused) == names[place], key
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    page.keyboard.press("Enter")
    assert page.inner_text("#detail-title") == names[1]
    assert page.evaluate("document.activeElement.id") == "detail-title"
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#detail-title") == names[2]
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert page.inner_text("#detail-title") == names[0]
    assert page.is_disabled("#previous")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Escape")
    assert not page.evaluate("document.getElementById('detail').open")
    assert page.evaluate(focused) == names[1]
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('#pictures')") is None


def test_the_address_keeps_the_filters(made, opened) -> None:
    page, complaints = opened
    _, expected = made
    page.click("button[type=reset]")
    page.click("[data-choose=humans]")
    want = {name: values[0] for name, values in VALUES.items()}
    want |= {"shape": "clock", "measure": "entropy", "least": "0.5", "sort": "disagreement"}
    ((names, _),) = set_fields(page, [want])
    assert names == expected.shown(list(world.HUMANS), want)
    assert 0 < len(names) < 8
    page.locator(".card").first.click()
    hash = urlsplit(page.url).fragment
    kept = parse_qs(hash)
    assert kept == {"shape": ["clock"], "measure": ["entropy"], "least": ["0.5"],
                    "sort": ["disagreement"], "only": list(world.HUMANS), "picture": names[:1]}  # fmt: skip
    other = page.context.new_page()
    other.goto(f"{(made[0] / 'index.html').resolve().as_uri()}#{hash}")
    assert names_shown(other) == names
    assert other.inner_text("#detail-title") == names[0]
    other.close()
    page.keyboard.press("Escape")
    # What this gallery lacks is passed over.
    at(page, "shape=zebra&by=never&least=x&only=nobody&picture=none")
    assert page.inner_text("#count").startswith("0 of 32")
    at(page, "shape=zebra&by=never&least=x&without=net-a&without=nobody")
    assert (
        page.inner_text("#count")
        == "32 of 32 pictures shown, decisions of 8 of 9 subjects counted."
    )
    at(page, "")
    assert names_shown(page) == ordered()
    assert complaints == []


@pytest.mark.parametrize(("width", "dark"), [(390, False), (1440, True)])
def test_it_reads_well(made, width: int, dark: bool) -> None:
    with browser.open_page(made[0] / "index.html", width=width, dark=dark) as (page, complaints):
        assert page.get_attribute("#count", "role") == "status"
        page.evaluate("document.getElementById('fold').open = true")
        page.evaluate("for (const one of document.images) one.loading = 'eager'")
        page.wait_for_function("[...document.images].every(one => one.complete)")
        assert page.evaluate("document.images.length") == 32
        assert browser.faults(page, complaints) == []
        page.locator(".card").nth(3).click()
        assert page.evaluate("document.getElementById('detail').open")
        assert browser.faults(page, complaints) == []


def test_nothing_is_asked_of_another_place(made) -> None:
    """A page without pictures too; and names of subjects are text, whatever they hold."""
    folder = made[0].parent
    hostile = "<img src=x onerror=alert(1)></script>"
    trials = world.write_trials(
        folder / "hostile.csv", hostile, **{hostile: world.answers("net-a")}
    )
    words = ["gallery", str(trials), "-o", str(folder / "bare"), "--title", hostile]
    assert CliRunner().invoke(app, words, catch_exceptions=False).exit_code == 0
    for name, stand_ins in (("page", 0), ("bare", 32)):
        index = folder / name / "index.html"
        with browser.open_page(index, width=390) as (page, complaints):
            asked: list[str] = []
            page.on("request", lambda request, asked=asked: asked.append(request.url))
            page.wait_for_load_state("networkidle")  # else pictures on their way are broken off
            page.reload()
            page.wait_for_load_state("networkidle")
            place = (folder / name).resolve().as_uri()
            assert asked
            assert all(url.startswith((place, "data:")) for url in asked)
            assert len(page.query_selector_all(".stand-in")) == stand_ins
            assert complaints == []
            if name == "bare":
                assert page.inner_text("h1") == hostile
                assert (
                    page.evaluate("document.querySelector('#subjects label').textContent")
                    == hostile
                )
                assert browser.overflowing(page) == []
