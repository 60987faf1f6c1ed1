"""The page in a real browser: what a night operator does with it. One server, one browser."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import redis
from playwright.sync_api import Browser, Page, expect

from tests.console.web.browsing import Visit, facts, needs_browser, visiting
from tests.support import night, users
from tests.support.history_world import minute_name
from tests.support.web import WebServer

pytestmark = needs_browser


@pytest.fixture(scope="module")
def redis_of_night() -> Iterator[users.SecuredRedis]:
    with users.SecuredRedis() as private, private.client(decode_responses=True) as client:
        night.night(client)
        yield private


@pytest.fixture(scope="module")
def client(redis_of_night: users.SecuredRedis) -> Iterator[redis.Redis]:
    with redis_of_night.client(decode_responses=True) as one:
        yield one


@pytest.fixture(scope="module")
def server(redis_of_night: users.SecuredRedis) -> Iterator[WebServer]:
    with WebServer(redis_of_night.url) as one:
        yield one


@pytest.fixture
def visit(chromium: Browser, server: WebServer) -> Iterator[Visit]:
    with visiting(chromium, f"http://127.0.0.1:{server.port}") as one:
        yield one


def query(page: Page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def cell(page: Page) -> str:
    """What a screen reader says of the cell that the keyboard is at."""
    return page.locator("#heat-cell").inner_text().replace("\u00a0", " ")


def pick(page: Page, row: int, share: float) -> None:
    """Click into a row (0: the first) of the heatmap, at a part of its width."""
    box = page.locator(".cursor-grid").bounding_box()
    label = page.locator(".row-labels li").nth(row).bounding_box()
    assert box is not None
    assert label is not None
    page.mouse.click(box["x"] + share * box["width"], label["y"] + label["height"] / 2)


def test_the_six_questions_are_answered_at_once(visit: Visit, client: redis.Redis) -> None:
    page = visit.open()
    expect(page.locator("h1")).to_contain_text(f"Not trading: {night.EXPLODES} blocks")
    expect(page.locator(".facts")).to_contain_text("restart the publisher of P3.3 permits (2 min)")
    expect(page.locator(".facts")).to_contain_text("UTC, for")
    expect(page.locator(".facts")).to_contain_text("symbols without an execution")
    expect(page.locator(".facts")).to_contain_text("at this hour a week before")
    told = facts(page)
    assert re.match(rf"{night.EXPLODES} 6\d %: stale \d\d %", told["What blocks"])
    began = int(re.sub(r"\D", "", told["Since"].split()[0]))
    counts = {minute: _share(client, minute) for minute in range(int(time.time()) // 60 - 40, int(time.time()) // 60)}
    first = max(minute for minute, share in counts.items() if share < 0.4) + 1
    assert began == int(time.strftime("%H%M", time.gmtime(first * 60)))
    assert told["For whom"] == "3 of 9 symbols without an execution: BTCUSDT, ETHUSDT, SOLUSDT"
    assert re.match(r"no: \d\.\d % at this hour a week before \(\+(5\d|6\d) points", told["Usual?"])
    expect(page.locator("#alerts")).to_contain_text("gate_explosion")
    expect(page.locator("#symbols tbody tr").first).to_contain_text("BTCUSDT stuck")
    expect(page.locator("#flows")).to_contain_text("apply.result")
    expect(page.locator("#permits")).to_contain_text("DOWNSIZE")
    expect(page.locator("#proposals")).to_contain_text("stale_eff")
    expect(page.locator("#weeks")).to_contain_text("4 weeks before")
    expect(page.locator("#detail canvas")).to_be_visible()
    assert not visit.violations()
    visit.picture("light")


def _share(client: redis.Redis, minute: int) -> float:
    """How much of a minute (since the epoch) the gate stopped, by the fields of its bucket."""
    fields = {
        name: int(count) for name, count in client.hgetall(f"quantum:p35:bucket:{minute_name(minute * 60)}").items()
    }
    total = sum(count for name, count in fields.items() if name.startswith("decision:"))
    return sum(count for name, count in fields.items() if name.startswith(f"reason:{night.EXPLODES}")) / total


def test_what_is_counted_is_there_without_being_asked_for(visit: Visit, client: redis.Redis) -> None:
    page = visit.open("/?span=5m")
    expect(page.locator(".row-labels")).not_to_contain_text("brand_new_gate")
    now = int(client.time()[0])
    for ahead in range(2):
        for kind in ("bucket", "summary"):
            key = f"quantum:p35:{kind}:{minute_name(now + 60 * ahead)}"
            client.hincrby(key, "decision:BLOCKED", 500)
            client.hincrby(key, "reason:brand_new_gate:at last", 500)
    expect(page.locator(".row-labels")).to_contain_text("brand_new_gate")
    for ahead in range(2):
        night.write(client, now // 60 + ahead, night.exploding_minute(now + ahead))


def test_a_cell_opens_what_is_behind_it_and_back_goes_back(visit: Visit) -> None:
    page = visit.open("/?span=5m")
    expect(page.locator(".row-labels li").first).to_contain_text(night.EXPLODES)
    pick(page, 0, 0.5)
    detail = page.locator("#detail")
    expect(detail).to_contain_text("cell picked")
    expect(detail).to_contain_text(f"{night.EXPLODES}:stale")
    expect(detail.locator(".list").nth(1)).to_contain_text("BTCUSDT")
    expect(detail).to_contain_text("What to do")
    expect(detail.locator(".entries tbody tr").first).to_contain_text("plan-")
    assert query(page).keys() == {"span", "row", "at", "till"}
    visit.picture("cell")
    detail.locator(".list").nth(1).get_by_role("button", name="BTCUSDT").click()
    expect(page.locator("#symbol")).to_have_value("BTCUSDT")
    page.go_back()
    page.go_back()
    expect(detail).to_contain_text("blocks most now")
    assert query(page) == {"span": "5m"}


def test_all_of_it_by_keyboard(visit: Visit) -> None:
    page = visit.open("/")
    page.keyboard.press("h")
    expect(page.locator("#heat-cell")).to_contain_text(night.EXPLODES)
    newest = cell(page)
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#heat-cell")).to_contain_text("no_position")
    assert cell(page) != newest
    assert re.match(r"no_position, \d\d:\d\d; \d+(\.\d)? %: \d+ of \d+ decisions; ", cell(page))
    page.keyboard.press("Enter")
    expect(page.locator("#detail h2")).to_have_text("no_position")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    assert query(page) == {}
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(page.locator("#heat-cell")).to_contain_text("EXECUTE")
    for _ in range(3):
        page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("Enter")
    begins, ends = (time.strptime(query(page)[name], "%Y-%m-%dT%H:%M") for name in ("from", "to"))
    assert time.mktime(ends) - time.mktime(begins) == 4 * 60
    expect(page.locator(".heat .back")).to_contain_text("back to now")
    page.keyboard.press("4")
    assert query(page) == {"span": "6h"}
    page.keyboard.press("/")
    page.keyboard.type("alloW")
    expect(page.locator(".row-labels li")).to_have_count(1)
    expect(page.locator(".row-labels li")).to_contain_text("symbol_not_in_allowlist")
    page.keyboard.press("Escape")
    page.keyboard.press("t")
    expect(page.locator(".cell-table tbody tr").first).to_contain_text(night.EXPLODES)
    page.keyboard.press("?")
    expect(page.locator("dialog[open]")).to_contain_text("All times are UTC")
    page.keyboard.press("Escape")
    expect(page.locator("dialog[open]")).to_have_count(0)


def test_a_link_opens_what_its_sender_saw(visit: Visit) -> None:
    address = "/?span=15m&rows=reasons&by=count&filter=stale&row=p33_permit_denied%3Astale&table=1&symbol=ETHUSDT"
    page = visit.open(address)
    expect(page.locator("#detail h2")).to_have_text("p33_permit_denied:stale")
    expect(page.locator(".cell-table tbody tr")).to_have_count(1)
    expect(page.locator("#symbol")).to_have_value("ETHUSDT")
    expect(page.locator("#filter")).to_have_value("stale")
    for pressed in ("15m", "reasons", "count", "table"):
        expect(page.get_by_role("button", name=pressed, exact=True)).to_have_attribute("aria-pressed", "true")
    assert not visit.violations()


def test_dragging_zooms_in(visit: Visit) -> None:
    page = visit.open("/")
    box = page.locator(".cursor-grid").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 80)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.75 * box["width"], box["y"] + 90, steps=4)
    page.mouse.up()
    expect(page.locator(".heat .back")).to_be_visible()
    begins, ends = (time.strptime(query(page)[name], "%Y-%m-%dT%H:%M") for name in ("from", "to"))
    assert time.mktime(ends) - time.mktime(begins) == pytest.approx(16 * 60, abs=60)
    page.locator(".heat .back").click()
    assert query(page) == {}


def test_it_says_that_it_is_stale_and_comes_back(visit: Visit, client: redis.Redis) -> None:
    page = visit.open("/")
    expect(page.locator(".live", has_text="UTC")).to_be_visible()
    client.execute_command("CLIENT", "PAUSE", "5000", "ALL")
    expect(page.locator(".live.stale")).to_contain_text("STALE", timeout=4_500)
    assert page.title().startswith("STALE")
    visit.picture("stale")
    expect(page.locator(".live.live")).to_be_visible()
    expect(page).to_have_title(re.compile("^Not trading"))
    # (What was asked of Redis for too long was answered by 503, which a browser complains about.)
    visit.complaints[:] = [one for one in visit.complaints if "503" not in one]


def test_a_hidden_page_asks_nothing(visit: Visit, server: WebServer) -> None:
    page = visit.open("/")
    page.evaluate("""() => {
        Object.defineProperty(document, "hidden", { configurable: true, get: () => true });
        document.dispatchEvent(new Event("visibilitychange"));
    }""")
    page.wait_for_function("() => performance.getEntriesByType('resource').length > 0")
    deadline = time.monotonic() + 30
    while server.viewers and time.monotonic() < deadline:
        page.wait_for_timeout(50)
    assert server.viewers == 0
    page.wait_for_timeout(500)  # (what was under way)
    asked = len(visit.requests)
    page.wait_for_timeout(2_500)
    assert visit.requests[asked:] == []
    page.evaluate("""() => {
        delete document.hidden;
        document.dispatchEvent(new Event("visibilitychange"));
    }""")
    expect(page.locator(".live.live")).to_be_visible()


def test_who_has_no_session_is_asked_for_the_token(
    chromium: Browser, redis_of_night: users.SecuredRedis, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text("a token of the tests, of 39 letters".replace(" ", "-"))
    with (
        WebServer(redis_of_night.url, api_token_file=token) as guarded,
        visiting(chromium, f"http://127.0.0.1:{guarded.port}") as visit,
    ):
        page = visit.page
        page.goto(visit.base + "/?span=15m")
        page.get_by_label("Token").fill(token.read_text())
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator(".live.live")).to_be_visible()
        assert query(page) == {"span": "15m"}
        page.context.clear_cookies()
        page.keyboard.press("3")
        form = page.locator("dialog[open]")
        expect(form).to_contain_text("Sign in")
        form.get_by_label("Token").fill("not the token, but long enough")
        form.get_by_role("button", name="Sign in").click()
        expect(form.get_by_role("alert")).to_have_text("That is not the token.")
        form.get_by_label("Token").fill(token.read_text())
        form.get_by_role("button", name="Sign in").click()
        expect(page.locator("dialog[open]")).to_have_count(0)
        expect(page.locator(".live.live")).to_be_visible()
        # (A browser tells of each answer of 401 by itself.)
        visit.complaints = [said for said in visit.complaints if "401" not in said]
