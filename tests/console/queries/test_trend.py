"""`quantum trend`, over five weeks that were planted in Redis; what it must say is worked out by hand."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from connectors.private_redis import PrivateRedis
from console.cli.trend_text import as_text
from console.queries.trend import TrendAnswer, as_json, ask_trend, parse_against, parse_over
from console.terminal.viewport import Viewport
from tests.support.quantum import here
from tests.support.rollups import DAY, HOUR, plant

END = 1_770_195_600
"""2026-02-04 09:00 UTC, a Wednesday."""
NOW = END + 1_234.5
TODAY = 1_770_163_200
"""When that day began."""

BEFORE = {"steady": 50, "over\x1b": 20}
NOW_GATES = {"steady": 70, "fresh": 10}


@pytest.fixture
def raw(server: PrivateRedis) -> Iterator[redis.Redis]:
    """An empty Redis, as the console sees it: replies are bytes."""
    with server.client(socket_timeout=10) as one:
        one.flushall()
        yield one


def hours(raw: redis.Redis, weeks: int) -> None:
    """A day, and all hours of some weeks before: 100 decisions in each; two symbols, one of which has a colon."""
    with raw.pipeline(transaction=False) as batch:
        for ago in [*range(1, 25), *range(169, 169 + weeks * 168)]:
            gates = NOW_GATES if ago < 25 else BEFORE
            symbols = {"A%3AB": {"SKIP": 50, "EXECUTE": 10}, "C": {"SKIP": 30}, "__other__": {"SKIP": 10}}
            plant(batch, END - ago * HOUR, {"EXECUTE": 10, "SKIP": 90}, gates, symbols=symbols)
        batch.execute()


def asked(raw: redis.Redis, over: int = 24, against: int = 4) -> TrendAnswer:
    return ask_trend(raw, "quantum", over, against, NOW)


def test_rows_have_shares_and_verdicts(raw: redis.Redis) -> None:
    hours(raw, 4)
    answer = asked(raw)
    said = as_json(answer)
    assert said["over"] == {"from": END - DAY, "to": END, "total": 2_400}
    assert said["against"] == {"weeks": 4, "total": 9_600}
    assert said["warnings"] == []
    rows = {(row["kind"], row["name"]): row for row in said["rows"]}
    assert {key: row["verdict"] for key, row in rows.items()} == {
        ("decision", "EXECUTE"): "no clear change",
        ("decision", "SKIP"): "no clear change",
        ("gate", "fresh"): "new",
        ("gate", "over\x1b"): "gone",
        ("gate", "steady"): "rose",
        ("symbol", "A:B"): "no clear change",
        ("symbol", "C"): "no clear change",
    }
    steady = rows["gate", "steady"]
    assert steady["now"] == {"count": 1_680, "share": pytest.approx(0.7)}
    assert steady["then"] == {"count": 4_800, "share": pytest.approx(0.5)}
    assert (steady["difference"], steady["ratio"]) == (pytest.approx(0.2), pytest.approx(1.4))
    assert 0.15 < steady["low"] < 0.2 < steady["high"] < 0.25
    assert steady["q"] < 0.001
    assert rows["gate", "fresh"]["ratio"] is None
    assert rows["symbol", "A:B"]["now"] == {"count": 1_440, "share": pytest.approx(0.6)}

    plain = [line.plain for line in as_text(answer, Viewport(None, None))]
    assert plain[0] == (
        "Tue 2026-02-03 09:00 to Wed 2026-02-04 09:00 UTC (24 hours) against the same hours of the 4 weeks before: "
        "1 rose, 1 new, 1 gone"
    )
    (line,) = (line for line in plain if line.startswith("steady"))
    cells = line.split()
    assert (cells[:5], cells[5], cells[8:]) == (["steady", "70", "%", "50", "%"], "+20.0", ["1.40", "rose"])
    assert 15 < float(cells[6]) < 20 < float(cells[7]) < 25
    assert all(line.isprintable() for line in plain)
    for width, columns in ((80, 6), (50, 3)):
        lines = as_text(answer, Viewport(width, None))
        assert max(line.cell_len for line in lines) <= width
        (row,) = (line.plain.replace(" %", "%") for line in lines if line.plain.startswith("steady"))
        assert (len(row.split()), row.split()[-1]) == (columns + 2, "rose")


def test_what_is_not_known_is_said(raw: redis.Redis) -> None:
    hours(raw, 2)
    raw.delete("quantum:p35:hour:2026020408")
    raw.hset("quantum:p35:hour:2026020407", "gate:steady", 71)  # (with the others 101 of 100 decisions)
    answer = asked(raw)
    assert (answer.trend.weeks, answer.trend.hours, answer.trend.total, answer.hours) == (2, 22, 2_200, 22)
    assert answer.warnings == (
        "1 hour left out (of 2026-02-04 07:00:00 UTC): the counts do not add up; see quantum verify --history",
        "of the 4 weeks before, 2 are known",
        "22 of 24 hours are compared: the others are not known on both sides",
    )
    raw.flushall()
    hours(raw, 0)
    answer = asked(raw)
    assert (as_json(answer)["rows"], answer.hours) == ([], 24)
    assert answer.warnings == (
        "nothing is known of these hours in the weeks before, so there is nothing to compare with",
    )
    assert "nothing to compare" in as_text(answer, Viewport(None, None))[0].plain


def test_the_week_is_reviewed(raw: redis.Redis) -> None:
    for ago in range(1, 36):
        week = (ago - 1) // 7
        gates = {"always": 40, "often": 20, "third": 15, "grows": 10 - 2 * week}
        plant(raw, TODAY - ago * DAY, {"SKIP": 100}, gates | ({"anew": 3} if ago < 3 else {}), length=DAY)
    plant(raw, TODAY, {"SKIP": 100}, {"not over": 100}, length=DAY)
    hours(raw, 0)
    answer = asked(raw)
    said = as_json(answer)
    assert (said["persistent"], said["new"], said["growing"]) == (["always", "often", "third"], ["anew"], ["grows"])
    plain = [line.plain for line in as_text(answer, Viewport(None, None))]
    assert "The 7 days up to Tue 2026-02-03" in plain
    assert "in the top 3 on each of the 7 days: always, often, third" in plain
    assert "not seen in the 4 weeks before: anew (6)" in plain
    assert any(line.startswith("grew in each of the last 3 weeks: grows (4 %, 6 %, 8 %, 10 %") for line in plain)


def test_lengths_are_whole_hours_and_weeks() -> None:
    assert [parse_over(text) for text in ("1h", "24h", "1d12h", "7d")] == [1, 24, 36, 168]
    assert [parse_against(text) for text in ("1w", "14d", "4w")] == [1, 2, 4]
    for parse, texts in ((parse_over, ("90min", "8d", "", "yesterday")), (parse_against, ("5w", "8d", "1h", "4"))):
        for text in texts:
            with pytest.raises(ValueError, match=r"must be|is not a length"):
                parse(text)


def test_the_command_says_what_is_wrong_and_that_nothing_is_known(server: PrivateRedis, client: redis.Redis) -> None:
    done = here(server.url, "trend", "--against", "5w")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == "quantum: --against '5w' must be 1w, 2w, 3w or 4w\n"
    assert here(server.url, "trend", "--over", "\x1b8d").stderr[:-1].isprintable()
    done = here(server.url, "trend")
    assert (done.exit_code, done.stdout) == (3, "")
    assert done.stderr.splitlines()[-1].startswith("quantum: nothing is known of the last hours")
