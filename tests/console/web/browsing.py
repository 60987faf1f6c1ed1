"""What the tests of the page share: a visit in a browser, and what the page complained about."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from tests.support.browser import HOW, find
from tests.support.flow_process import ROOT

needs_browser = pytest.mark.skipif(find() is None, reason=f"THE PAGE IS NOT TESTED: {HOW}")

ARTEFACTS = ROOT / "build" / "page"
"""Where the tests leave pictures of what they saw."""

PATIENCE_MS = 30_000
"""For what comes at once on a machine that is idle."""

AXE = (ROOT / "tests" / "support" / "axe" / "axe.min.js").read_text("utf-8")


expect.set_options(timeout=PATIENCE_MS)


class Visit:
    """A page that somebody looks at, and what it asked for and complained about."""

    def __init__(self, page: Page, base: str) -> None:
        self.page, self.base = page, base
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.set_default_timeout(PATIENCE_MS)
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: self.complaints.append(f"dialog: {dialog.message}"))

    def _said(self, said: ConsoleMessage) -> None:
        if said.type == "error":
            self.complaints.append(f"{said.text} {said.location['url']}")

    def open(self, address: str = "/") -> Page:
        """Go there, and wait until it is live and has rows."""
        self.page.goto(self.base + address, wait_until="commit")
        expect(self.page.locator(".live.live")).to_be_visible()
        expect(self.page.locator(".row-labels li, .cell-table tbody tr").first).to_be_visible()
        return self.page

    def picture(self, name: str) -> None:
        """Leave a picture behind."""
        ARTEFACTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=ARTEFACTS / f"{name}.png")

    def violations(self) -> list[str]:
        """What axe-core has against the page as it is now."""
        self.page.evaluate(AXE)
        found: dict[str, Any] = self.page.evaluate("axe.run()")
        return [f"{one['id']}: {node['html'][:200]}" for one in found["violations"] for node in one["nodes"]]


@contextmanager
def visiting(browser: Browser, base: str, **options: Any) -> Iterator[Visit]:
    """A visit by somebody new. What the page complained about, or asked of others, fails the test."""
    context = browser.new_context(**{"viewport": {"width": 1_280, "height": 900}, **options})
    visit = Visit(context.new_page(), base)
    try:
        yield visit
        elsewhere = [one for one in visit.requests if not one.startswith((base, "blob:", "data:"))]
        assert elsewhere == [], elsewhere
        assert visit.complaints == [], visit.complaints
    finally:
        context.close()


def facts(page: Page) -> dict[str, str]:
    """What stands below the verdict: question -> answer."""
    asked = page.locator(".facts dt").all_inner_texts()
    answered = page.locator(".facts dd").all_inner_texts()
    return dict(zip(asked, (text.replace("\u00a0", " ") for text in answered), strict=True))
