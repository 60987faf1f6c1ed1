"""The page as it looks otherwise: dark, on a phone, on a wall, empty, huge, and with names that mean harm."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.console.web.browsing import needs_browser, visiting
from tests.support import night, users
from tests.support.web import WebServer

pytestmark = needs_browser


@pytest.fixture(scope="module")
def private() -> Iterator[users.SecuredRedis]:
    """A world in each database: a night in 0, harmful names in 1, a huge one in 2, and nothing in 3."""
    with users.SecuredRedis() as one:
        for number, plant in enumerate((night.night, night.hostile, night.huge)):
            with one.client(db=number, decode_responses=True) as client:
                plant(client)
        yield one


@pytest.fixture(scope="module")
def bases(private: users.SecuredRedis) -> Iterator[dict[str, str]]:
    """Where each of these worlds is served."""
    names = ("night", "hostile", "huge", "empty")
    servers = [WebServer(f"{private.url.rpartition('/')[0]}/{number}") for number in range(4)]
    try:
        for server in servers:
            server.__enter__()
        yield {name: f"http://127.0.0.1:{server.port}" for name, server in zip(names, servers, strict=True)}
    finally:
        for server in servers:
            server.stop()


def fits(page: Page) -> bool:
    """Whether nothing is wider than the screen."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


@pytest.mark.parametrize(
    ("name", "width", "height", "scheme"),
    [("dark", 1_280, 900, "dark"), ("phone", 390, 844, "light"), ("wall", 3_840, 2_160, "dark")],
)
def test_it_fits_every_screen(
    chromium: Browser, bases: dict[str, str], name: str, width: int, height: int, scheme: str
) -> None:
    viewport = {"width": width, "height": height}
    with visiting(chromium, bases["night"], viewport=viewport, color_scheme=scheme) as visit:
        page = visit.open("/")
        expect(page.locator(".actions li").first).to_be_visible()
        expect(page.locator("#symbols tbody tr").first).to_be_visible()
        assert fits(page)
        assert not visit.violations()
        visit.picture(name)


def test_the_theme_can_be_chosen_and_is_kept(chromium: Browser, bases: dict[str, str]) -> None:
    with visiting(chromium, bases["night"], color_scheme="light") as visit:
        page = visit.open("/")
        page.get_by_role("button", name="dark").click()
        visit.open("/?span=5m")
        expect(page.get_by_role("button", name="light")).to_be_visible()
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(11, 15, 20)"


def test_names_are_text_wherever_they_stand(chromium: Browser, bases: dict[str, str]) -> None:
    with visiting(chromium, bases["hostile"]) as visit:
        page = visit.open("/?span=15m")
        shown = page.locator(".row-labels .row-name")
        expect(shown).to_have_count(12)
        seen = set(shown.all_inner_texts())
        assert {night.HOSTILE[0], night.HOSTILE[1], night.HOSTILE[2], "__proto__", "constructor", "javascript"} <= seen
        assert "\\u202egate\\u202e backwards" in seen, "what turns text around is made visible"
        assert "\\u001b[31mred\\u0007" in seen
        page.locator(".row-labels button").first.click()
        expect(page.locator("#detail h2")).to_have_text(night.HOSTILE[0])
        expect(page.locator("#detail .actions")).to_be_visible()
        expect(page.locator("#alerts")).to_contain_text(night.HOSTILE[0])
        expect(page.locator("#permits")).to_contain_text(night.HOSTILE[0])
        expect(page.locator("#proposals")).to_contain_text(night.HOSTILE[1])
        page.keyboard.press("t")
        expect(page.locator(".cell-table tbody tr")).to_have_count(12)
        page.goto(visit.base + "/?rows=symbols&row=%3Cimg%20src%3Dx%3E&filter=%3Cscript%3Ealert(1)%3C/script%3E")
        expect(page.locator(".heat")).to_contain_text("No symbols match “<script>alert(1)</script>”.")
        expect(page.locator("#detail h2")).to_have_text("<img src=x>")
        foreign = "img, #app svg, iframe, object, script:not([src]), [onerror], [onload]"
        assert page.locator(foreign).count() == 0
        assert "owned" not in page.title()
        assert fits(page)


def test_500_symbols_and_5000_reasons(chromium: Browser, bases: dict[str, str]) -> None:
    with visiting(chromium, bases["huge"]) as visit:
        page = visit.open("/?span=5m&rows=reasons")
        expect(page.locator(".row-labels li")).to_have_count(12)
        page.get_by_role("button", name="Show 188 more rows").click()
        expect(page.locator(".row-labels li")).to_have_count(200)
        page.locator("#filter").fill("gate_007")
        expect(page.locator(".row-labels li").first).to_contain_text("gate_007")
        page.locator("#filter").fill("")
        page.get_by_role("button", name="symbols", exact=True).click()
        expect(page.locator(".row-labels li").first).to_contain_text("SYM")
        expect(page.locator("#symbols")).to_contain_text("490 quieter symbols")
        expect(page.locator("h1")).to_contain_text("none stands out")
        assert page.evaluate("document.querySelectorAll('*').length") < 5_000
        assert fits(page)
        visit.picture("huge")


def test_nothing_yet(chromium: Browser, bases: dict[str, str]) -> None:
    with visiting(chromium, bases["empty"]) as visit:
        page = visit.page
        page.goto(bases["empty"])
        expect(page.locator("h1")).to_contain_text("Unknown: flows.p35 has counted nothing here yet")
        expect(page.locator(".heat")).to_contain_text("No gates in this span.")
        expect(page.locator("#symbols")).to_contain_text("No symbol has decisions.")
        expect(page.locator("#alerts")).to_contain_text("does flows.alerts run?")
        expect(page.locator("#weeks")).to_contain_text("nothing is known of the weeks before")
        assert not visit.violations()
        visit.picture("empty")


def luminance(colour: int) -> float:
    """Of a pixel, as a grey screen shows it (ITU-R BT.709)."""
    parts = [colour >> shift & 255 for shift in (0, 8, 16)]
    linear = [part / 255 / 12.92 if part <= 10 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_the_scale_can_be_read_in_grey(chromium: Browser, bases: dict[str, str]) -> None:
    with visiting(chromium, bases["empty"]) as visit:
        visit.page.goto(bases["empty"])
        for theme, sign in (("light", -1), ("dark", 1)):
            ramp = visit.page.evaluate(f"import('/js/colours.js').then((one) => [...one.rampOf('{theme}')])")
            greys = [luminance(colour) for colour in ramp]
            assert len(greys) == 256
            assert all(sign * (after - before) > -1e-9 for before, after in pairwise(greys))
            assert abs(greys[-1] - greys[0]) > 0.75
            assert len({round(grey, 2) for grey in greys}) > 50


def test_addresses_and_sums(chromium: Browser, bases: dict[str, str]) -> None:
    """What is pure in the page: a view survives its address, and coarser columns hold the same counts."""
    with visiting(chromium, bases["empty"]) as visit:
        visit.page.goto(bases["empty"])
        again = visit.page.evaluate(
            """async () => {
                const { read, write, PLAIN } = await import("/js/address.js");
                const views = [PLAIN, { ...PLAIN, span: "35d", rows: "reasons", by: "count", symbol: "A&B=C %#+",
                    filter: "<x>", row: "a:b:c", at: 1796102400, till: 1796102520, from: 1796100000, to: 1796103600,
                    table: true }];
                return views.map((view) => [JSON.stringify(view), JSON.stringify(read(write(view)))]);
            }"""
        )
        assert [before for before, _ in again] == [after for _, after in again]
        nonsense = "?span=9y&rows=x&by=y&from=2026-02-31T99:99&to=1&at=now&table=2&row=" + "r" * 999
        read = visit.page.evaluate("query => import('/js/address.js').then((one) => one.read(query))", nonsense)
        assert read | {"row": ""} == visit.page.evaluate("import('/js/address.js').then((one) => one.PLAIN)")
        times = [600 + 60 * at for at in range(50)]
        counts = [at * at % 17 for at in range(50)]
        answer = {"times": times, "totals": [20] * 50, "rows": [{"name": "a", "counts": counts}]}
        coarse = visit.page.evaluate(
            """([answer]) => import("/js/matrix.js").then(({ build, coarser }) => {
                const made = coarser(build(answer, { from: 600, to: 3600, step: 60 }), 15);
                return { from: made.from, step: made.step, totals: [...made.totals], counts: [...made.rows[0].counts] };
            })""",
            [answer],
        )
        expected: dict[int, int] = {}
        for time, count in zip(times, counts, strict=True):
            expected[time // 900] = expected.get(time // 900, 0) + count
        assert coarse["counts"] == [expected[at] for at in sorted(expected)]
        assert (coarse["from"], coarse["step"], sum(coarse["totals"])) == (0, 900, 1_000)
