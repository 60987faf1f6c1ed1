"""`quantum report` of days whose minutes are gone, and beside the weeks before: on hours and days planted by hand."""

from __future__ import annotations

import time
from typing import Any

import pytest
import redis

from connectors.private_redis import PrivateRedis
from console.cli.report_text import as_markdown
from console.queries.report import DayReport, as_json, read_report
from console.queries.trend import as_json as trend_as_json
from console.queries.trend import ask_trend
from tests.support.history_world import count
from tests.support.quantum import answer, here
from tests.support.rollups import DAY, HOUR, plant

NOW = 1_770_219_000.0
"""2026-02-04 15:30 UTC, a Wednesday."""

TODAY = 1_770_163_200
TTL = 172_800


def report(server: PrivateRedis, ago: int, *, now: float = NOW, full: bool = False) -> DayReport:
    """That of so many days ago."""
    with server.client() as raw:
        first = (TODAY - ago * DAY) // 60
        return read_report(raw, "quantum", first, now, TTL, lambda *_: None, full=full)


def said(server: PrivateRedis, ago: int, **options: Any) -> dict[str, Any]:
    return as_json(report(server, ago, **options))


def begin(ago: int) -> int:
    """When the day so many days ago began."""
    return TODAY - ago * DAY


def test_a_day_whose_minutes_are_gone_is_the_sum_of_its_hours_and_a_hole_stays_one(
    server: PrivateRedis, client: redis.Redis
) -> None:
    known = [hour for hour in range(24) if hour not in (3, 4, 23)]
    for hour in known:
        symbols = {"A%3AB": {"EXECUTE": 10 + hour, "SKIP": 4}, "C": {"SKIP": 1}, "__other__": {"SKIP": 1}}
        gates = {"spread": 5, f"only_{hour}": 1}
        plant(client, begin(9) + hour * HOUR, {"EXECUTE": 10 + hour, "SKIP": 6}, gates, symbols=symbols)
    found = said(server, 9)
    executed = sum(10 + hour for hour in known)
    assert (found["total"], found["decisions"]["EXECUTE"]) == (executed + 6 * 21, executed)
    assert (found["sources"], found["minutes"], found["minutes_that_may_be_gone"]) == (["hours"], 21 * 60, 180)
    assert found["gates"][0] == {"gate": "spread", "count": 105, "share": 105 / found["total"]}
    assert [(one["symbol"], one["total"]) for one in found["symbols"]] == [("A:B", executed + 4 * 21), ("C", 21)]
    hole = {"source": None, "total": None, "decisions": None, "minutes": None}
    assert [one["hour"] for one in found["hours"] if one == {"hour": one["hour"], **hole}] == [3, 4, 23]
    assert [one["total"] for one in found["hours"] if one["source"] == "hours"] == [16 + hour for hour in known]
    assert found["warnings"][0] == "nothing is known of 03:00 to 05:00, 23:00 to 24:00: that is not zero"
    text = as_markdown(report(server, 9), None)
    assert "From hours that flows.history keeps." in text
    assert "nothing is known of 03:00 to 05:00, 23:00 to 24:00" in " ".join(text.split())
    assert [line for line in text.splitlines() if line.startswith("| 02 |")] == [
        "| 02 | 18 | 67 % | 33 % | 0 % | 0 % | 0 % | spread 28 % |"
    ]
    assert max(map(len, text.splitlines())) <= 80


def test_where_hours_are_gone_the_sum_of_the_day_has_them(server: PrivateRedis, client: redis.Redis) -> None:
    """Each hour once: those in the sum, and the one that came after it was written."""
    plant(client, begin(36), {"EXECUTE": 600, "SKIP": 400}, {"spread": 300}, length=DAY, parts=(1 << 22) - 1)
    for hour in (20, 21, 22):
        plant(client, begin(36) + hour * HOUR, {"SKIP": 10}, {"spread": 10})
    found = said(server, 36)
    assert (found["total"], found["gates"]) == (1010, [{"gate": "spread", "count": 310, "share": 310 / 1010}])
    assert (found["sources"], found["minutes"]) == (["hours", "day"], 1440 + 60)
    assert [one["source"] for one in found["hours"]] == ["day"] * 20 + ["hours"] * 3 + [None]
    assert found["hours"][0]["total"] is None
    assert found["minutes_that_may_be_gone"] == 60
    text = as_markdown(report(server, 36), None)
    assert "the sum of the day that flows.history keeps" in " ".join(text.split())
    assert text.count("| 10 |") == 3
    plant(client, begin(100), {"SKIP": 7}, {}, length=DAY, parts=(1 << 24) - 1)
    only = report(server, 100)
    assert as_json(only)["total"] == 7
    assert "By hour" not in as_markdown(only, None)


def test_a_day_between_is_from_both_and_counts_no_hour_twice(server: PrivateRedis, client: redis.Redis) -> None:
    """Of two days ago the minutes up to 15:30 may be gone; some are not."""
    for hour in range(16):
        plant(client, begin(2) + hour * HOUR, {"SKIP": 60}, {"p33_permit_denied": 60})
    for minute in range(15 * 60 + 20, 24 * 60):
        count(client, begin(2) + minute * 60, "BLOCKED", "p33_permit_denied:stale", "X", 2)
    found = said(server, 2, full=True)
    assert found["decisions"] | {"SKIP": 960, "BLOCKED": 8 * 60 * 2} == found["decisions"]
    assert [one["source"] for one in found["hours"]] == ["hours"] * 16 + ["minutes"] * 8
    assert (found["sources"], found["minutes_that_may_be_gone"]) == (["minutes", "hours"], 0)
    assert [one["gate"] for one in found["gates"]] == ["p33_permit_denied"]
    assert "history keeps gates, and not whole reasons: these are gates" in found["warnings"]
    plant(client, begin(2) + 20 * HOUR, {"SKIP": 999}, {})
    assert said(server, 2)["total"] == found["total"], "minutes come first, as long as they are there"
    client.delete("quantum:p35:bucket:202602022030")
    assert said(server, 2)["hours"][20]["source"] == "hours", "and history where they are not"
    client.delete("quantum:p35:hour:2026020215")
    partly = said(server, 2)
    assert (partly["hours"][15]["total"], partly["minutes_that_may_be_gone"]) == (80, 31)
    assert partly["warnings"][0].startswith("minutes from 15:00 to 15:31 may have expired, wholly or in part")


WORDS = {"rose", "fell", "new", "gone"}


def mix(day: int, hour: int) -> dict[str, int]:
    """Gates of an hour: something else each day, but never by much; and other three days ago."""
    gates = {"usual": 300 + day * 7 % 11 + hour, "changed": 100 + day * 5 % 13, "old": 40 + day % 3, "fresh": 0}
    return gates | {"changed": 220, "old": 0, "fresh": 50} if day == 3 else gates


def plant_weeks(client: redis.Redis, days: range, length: int = HOUR) -> None:
    for day in days:
        for hour in range(24) if length == HOUR else [0]:
            gates = {name: one for name, one in mix(day, hour).items() if one}
            blocked = sum(gates.values())
            decisions = {"EXECUTE": 1_000 - blocked, "BLOCKED": blocked}
            place = {"length": length, "parts": (1 << (60 if length == HOUR else 24)) - 1}
            plant(client, begin(day) + hour * HOUR, decisions, gates, symbols={"S": decisions}, **place)


def test_what_rose_fell_is_new_or_gone_is_told_as_trend_tells_it(server: PrivateRedis, client: redis.Redis) -> None:
    plant_weeks(client, range(3, 38))
    found = said(server, 3)
    assert {row["name"]: row["verdict"] for row in found["trend"]["rows"] if row["kind"] == "gate"} == {
        "usual": "no clear change",
        "changed": "rose",
        "fresh": "new",
        "old": "gone",
    }
    (changed,) = (row for row in found["trend"]["rows"] if row["name"] == "changed")
    before = sum(mix(day, hour)["changed"] for day in (10, 17, 24, 31) for hour in range(24))
    assert changed["now"] == {"count": 220 * 24, "share": 0.22}
    assert (changed["then"]["count"], changed["then"]["share"]) == (before, pytest.approx(before / 96_000))
    assert found["trend"]["by"] == "hour"
    with server.client() as raw:
        asked = trend_as_json(ask_trend(raw, "quantum", 24, 4, TODAY - 2 * DAY))
    assert {name: asked[name] for name in ("over", "against", "rows")} | {"by": "hour"} == found["trend"]
    lines = as_markdown(report(server, 3), None).splitlines()
    assert "## Against the same day of the 4 weeks before" in lines
    table = [line.strip("| ").split(" | ") for line in lines if line.startswith("| gate | ") and len(line) > 40]
    assert [(row[1], row[2], row[-1]) for row in table] == [
        ("changed", "22 %", "rose"),
        ("fresh", "5 %", "new"),
        ("old", "0 %", "gone"),
    ]
    assert max(map(len, lines)) <= 80


def test_of_a_day_that_is_not_over_the_whole_hours_are_compared(server: PrivateRedis, client: redis.Redis) -> None:
    plant_weeks(client, range(7, 36))
    for minute in range(15 * 60 + 30):
        gates = {"usual": 6, "changed": 4}
        for gate, number in gates.items():
            count(client, TODAY + minute * 60, "BLOCKED", gate, "S", number)
        count(client, TODAY + minute * 60, "EXECUTE", "none", "S", 10)
    found = said(server, 0)
    assert (found["total"], found["sources"]) == (20 * 930, ["minutes"])
    assert found["trend"]["over"] == {"from": TODAY, "to": TODAY + 15 * HOUR, "total": 20 * 900}
    assert found["trend"]["against"] == {"weeks": 4, "total": 4 * 15 * 1_000}
    assert {row["name"]: row["verdict"] for row in found["trend"]["rows"]}["changed"] == "rose"
    text = as_markdown(report(server, 0), None)
    assert "## Against the same hours of the 4 weeks before" in text
    assert "\n00:00 to 15:00: " in text
    early = said(server, 0, now=TODAY + 600.0)
    assert (early["trend"]["rows"], early["warnings"]) == ([], [])


def test_weeks_of_which_only_days_are_known_are_compared_by_the_day(server: PrivateRedis, client: redis.Redis) -> None:
    plant_weeks(client, range(2, 30))
    plant_weeks(client, range(2, 60), DAY)
    assert said(server, 2)["trend"]["by"] == "day", "four weeks rather than three"
    found = said(server, 9)
    assert (found["sources"], found["trend"]["by"]) == (["hours"], "day")
    assert found["trend"]["against"] == {"weeks": 4, "total": 4_000}
    assert found["trend"]["over"]["total"] == found["total"]
    client.delete(*client.keys("quantum:p35:day:*"))
    fewer = said(server, 9)
    assert (fewer["trend"]["by"], fewer["trend"]["against"]["weeks"]) == ("hour", 2)
    assert fewer["warnings"] == ["of the 4 weeks before, 2 are known"]


def test_a_day_without_weeks_before_says_so(server: PrivateRedis, client: redis.Redis) -> None:
    count(client, begin(1) + HOUR, "SKIP", "x")
    found = said(server, 1)
    assert (found["trend"]["against"], found["trend"]["rows"]) == ({"weeks": 0, "total": 0}, [])
    assert found["warnings"][-1].startswith("nothing is known of these hours in the weeks before")
    assert "Against" not in as_markdown(report(server, 1), None)


def test_alerts_that_are_no_longer_kept_are_not_denied(server: PrivateRedis, client: redis.Redis) -> None:
    client.xadd("quantum:p35:alerts", {"kind": "k"}, id=f"{begin(3)}000-0")
    assert said(server, 9)["alerts_since"] == begin(3)
    assert "Kept are those since 2026-02-01 00:00:00 UTC.\n\nNone." in as_markdown(report(server, 9), None)
    assert "Kept are those" not in as_markdown(report(server, 2), None)


def test_the_command_asks_history_as_its_user(server: PrivateRedis, client: redis.Redis) -> None:
    at = time.time() - 10 * DAY
    plant(client, at, {"SKIP": 3}, {"a": 2})
    name = time.strftime("%Y-%m-%d", time.gmtime(at))
    assert answer(server.url, "report", "--day", name)["sources"] == ["hours"]
    shown = here(server.url, "report", "--day", name)
    assert (shown.exit_code, shown.stderr) == (0, "")
    assert "3 decisions, 100 % skipped." in shown.stdout
    assert here(server.url, "report", "--day", "1969-12-31").exit_code == 2
    assert here(server.url, "report", "--day", "1970-01-01").exit_code == 0


def test_hours_that_do_not_add_up_are_left_out_of_the_comparison(server: PrivateRedis, client: redis.Redis) -> None:
    plant_weeks(client, range(3, 38))
    client.hset("quantum:p35:hour:2026020105", "gate:usual", 10_000)
    found = said(server, 3)
    assert found["trend"]["over"]["total"] == 23_000
    assert found["warnings"] == [
        "1 hour left out (of 2026-02-01 05:00:00 UTC): the counts do not add up; see quantum verify --history",
        "23 of 24 hours are compared: the others are not known on both sides",
    ]
