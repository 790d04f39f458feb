"""The article as a page: on a telephone and a desk, by day and by night, for everybody."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import browser
from tests.workflow.conftest import Workflow

pytestmark = [pytest.mark.workflow, pytest.mark.timeout(3000)]


@pytest.mark.parametrize(("width", "dark"), [(390, False), (390, True), (1440, False)])
def test_the_article_reads_well(smoke: Workflow, width: int, dark: bool) -> None:
    with browser.open_page(smoke.folder / "results/smoke/paper.html", width=width, dark=dark) as (
        page,
        complaints,
    ):
        assert page.evaluate("document.images.length") > 10
        assert browser.faults(page, complaints) == []


def test_what_is_wrong_is_found(tmp_path: Path) -> None:
    """The checks themselves: a page with one fault of each kind."""
    page_file = tmp_path / "page.html"
    page_file.write_text(
        "<!DOCTYPE html><html><head><title>x</title></head><body><main><h1>x</h1>"
        '<div style="width: 2000px">wide</div><img src="none.png">'
        "<script>console.error('told')</script></main></body></html>",
        encoding="utf-8",
    )
    with browser.open_page(page_file, width=390) as (page, complaints):
        assert any("wide" in element for element in browser.overflowing(page))
        assert len(browser.missing_images(page)) == 1
        found = {violation.split(":")[0] for violation in browser.violations(page)}
        assert {"html-has-lang", "image-alt"} <= found
        assert "told" in complaints
        together = browser.faults(page, complaints)
        assert together[0].endswith("px wide")
        for kind in (browser.overflowing, browser.missing_images, browser.violations):
            assert set(kind(page)) <= set(together)
        assert set(complaints) <= set(together)
