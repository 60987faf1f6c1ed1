"""`make screenshots`: docs/page.png and docs/page-dark.png, of a made-up night, and how long a day takes to draw."""

from __future__ import annotations

import sys

from playwright.sync_api import Browser, Page, expect

from tests.support import night, users
from tests.support.browser import browser
from tests.support.flow_process import ROOT
from tests.support.web import WebServer

WIDTH, HEIGHT = 1_280, 860

DRAWN = """async () => {
    const { fitted, drawCells } = await import("/js/draw.js");
    const canvas = document.createElement("canvas");
    const matrix = { columns: 1440, totals: new Float64Array(1440).fill(240), from: 0, step: 60 };
    const rows = Array.from({ length: 60 }, (_, row) => (
        { name: "g" + row, counts: Float64Array.from({ length: 1440 }, (_, at) => (at * row * 7919) % 240) }));
    const took = [];
    for (let frame = 0; frame < 60; frame++) {
        const began = performance.now();
        const context = fitted(canvas, 1440, 60 * 24);
        drawCells(context, matrix, rows, { rowHeight: 24, by: "share", most: 1, theme: "light" });
        context.getImageData(0, 0, 1, 1);
        took.push(performance.now() - began);
    }
    took.sort((one, other) => one - other);
    return [took[30], took[57]];
}"""
"""Milliseconds to draw 1,440 minutes x 60 gates, until the pixels are there: median, and 95 of 100."""


def look(browser_: Browser, base: str, scheme: str) -> Page:
    """The page, once all of it is there."""
    page = browser_.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(base)
    for part in (".live.live", ".row-labels li", "#detail canvas", "#symbols tbody tr", "#alerts li"):
        expect(page.locator(part).first).to_be_visible(timeout=60_000)
    expect(page.locator(".facts")).to_contain_text("a week before", timeout=60_000)
    return page


def main() -> None:
    """Make both, and print what a frame takes."""
    with users.SecuredRedis() as private, private.client(decode_responses=True) as client:
        night.night(client)
        with WebServer(private.url) as server, browser() as started:
            base = f"http://127.0.0.1:{server.port}/"
            for scheme, name in (("light", "page.png"), ("dark", "page-dark.png")):
                look(started, base, scheme).screenshot(path=ROOT / "docs" / name)
            median, most = look(started, base, "light").evaluate(DRAWN)
    print(f"a day of minutes x 60 gates: {median:.1f} ms a frame, 95 of 100 within {most:.1f} ms", file=sys.stderr)


if __name__ == "__main__":
    main()
