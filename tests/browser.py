"""A headless Chromium for pages that people read: where it is, and what it finds wrong."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@contextlib.contextmanager
def open_page(path: Path, *, width: int, dark: bool = False) -> Iterator[tuple[Any, list[str]]]:
    """A page in a window of `width` pixels, and what the browser complained of while loading it."""
    executable = next(filter(None, map(shutil.which, NAMES)), None)
    if executable is None:
        pytest.skip("Chromium is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        page = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
        ).new_page()
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("requestfailed", lambda request: complaints.append(f"failed: {request.url[:80]}"))
        page.goto(path.resolve().as_uri(), timeout=180_000)  # megabytes, on a crowded machine
        yield page, complaints
        browser.close()


def faults(page: Any, complaints: list[str]) -> list[str]:
    """All that is wrong with a page: too wide, what reaches beyond it, missing images, axe, complaints."""
    width = page.evaluate("document.documentElement.scrollWidth")
    too_wide = [f"{width} px wide"] if width > page.viewport_size["width"] else []
    return [
        *too_wide, *overflowing(page), *missing_images(page), *violations(page), *complaints
    ]  # fmt: skip


def overflowing(page: Any) -> list[str]:
    """Elements that reach beyond the window and do not scroll within a frame of their own."""
    return page.evaluate(
        """() => [...document.body.querySelectorAll('*')].filter(element => {
            if (element.closest('.scroll, .formula')) return false;
            return element.getBoundingClientRect().right > document.documentElement.clientWidth + 1;
        }).map(element => element.outerHTML.slice(0, 120))"""
    )


def cut_tables(page: Any) -> list[str]:
    """Tables of which some columns can only be seen by scrolling sideways."""
    return page.evaluate(
        """() => [...document.querySelectorAll('table')].filter(table => {
            const frame = table.parentElement;
            return table.scrollWidth > frame.clientWidth + 1 || frame.scrollWidth > frame.clientWidth + 1;
        }).map(table => table.outerHTML.slice(0, 120))"""
    )


def missing_images(page: Any) -> list[str]:
    """Images that did not load."""
    return page.evaluate(
        """() => [...document.images].filter(image => !image.complete || !image.naturalWidth)
            .map(image => image.alt || image.src.slice(0, 80))"""
    )


def violations(page: Any) -> list[str]:
    """What axe finds wrong: the rule and the first element."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [f"{rule['id']}: {rule['nodes'][0]['html'][:160]}" for rule in found]
