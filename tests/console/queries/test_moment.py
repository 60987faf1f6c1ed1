"""Moments in the past, as they are typed, and how far back they may lie."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from console.queries.counting import CountingFlow
from console.queries.moment import MomentError, When, parse_ago, parse_at, parse_bound
from console.queries.nearest import nearest
from console.queries.status import Status
from flows.domain.thresholds import Thresholds
from flows.domain.windows import Minutes

NOW = datetime(2026, 2, 1, 14, 5, 30, tzinfo=UTC).timestamp()


def utc(text: str) -> float:
    return datetime.strptime(text + " +0000", "%Y-%m-%d %H:%M:%S %z").timestamp()


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("14:05", "2026-02-01 14:05:00"),
        ("14:06", "2026-01-31 14:06:00"),
        ("00:00", "2026-02-01 00:00:00"),
        ("9:07", "2026-02-01 09:07:00"),
        ("2026-02-01T14:05", "2026-02-01 14:05:00"),
        ("2026-02-01 14:05", "2026-02-01 14:05:00"),
        ("2026-02-01T14:05:17Z", "2026-02-01 14:05:17"),
        ("2026-02-01T14:05+02:00", "2026-02-01 12:05:00"),
        ("202602011405", "2026-02-01 14:05:00"),
        (" 202602011405 ", "2026-02-01 14:05:00"),
    ],
)
def test_times_are_read_in_utc(typed: str, meant: str) -> None:
    assert parse_at(typed).seconds(NOW) == utc(meant)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("2026-01-31", "2026-01-31 00:00:00"), ("2w", "2026-01-18 14:05:30"), ("14:00", "2026-02-01 14:00:00")],
)
def test_a_span_begins_with_a_day_a_time_or_so_long_ago(typed: str, meant: str) -> None:
    assert parse_bound(typed).seconds(NOW) == utc(meant)


@pytest.mark.parametrize("typed", ["2026-02-30", "yesterday", "", "2026-02"])
def test_where_a_span_begins_must_be_a_time(typed: str) -> None:
    with pytest.raises(ValueError, match="is not a time; write it"):
        parse_bound(typed)


def test_epoch_seconds_are_read() -> None:
    assert parse_at("1769954700").seconds(NOW) == 1769954700 == utc("2026-02-01 14:05:00")
    assert parse_at("1769954700.5").seconds(NOW) == 1769954700.5


NO_CALENDAR = ("0001-01-01T00:00+05:00", "9999-12-31T23:59-05:00")


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "now",
        "24:00",
        "14:60",
        "14:5",
        "2026-02-30T14:05",
        "202613011405",
        "-5",
        "1e9",
        "nan",
        "\x1b[2J",
        "1" * 30,
        *NO_CALENDAR,
    ],
)
def test_what_is_no_time_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match="is not a time"):
        parse_at(typed)


@pytest.mark.parametrize(
    ("typed", "seconds"),
    [
        ("30s", 30),
        ("90m", 5_400),
        ("90min", 5_400),
        ("1h", 3_600),
        ("1d", 86_400),
        ("1d12h", 129_600),
        (" 1H30M ", 5_400),
    ],
)
def test_lengths_are_read(typed: str, seconds: int) -> None:
    assert parse_ago(typed).seconds(NOW) == NOW - seconds


@pytest.mark.parametrize("typed", ["", "1", "h", "-1h", "0h", "1h!", "1 hour", "1.5h", "9" * 20 + "d"])
def test_what_is_no_length_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match="is not a length of time"):
        parse_ago(typed)


def test_a_window_is_told_of_as_long_as_all_of_it_is_kept() -> None:
    """Kept for an hour: at 14:05:30 a bucket of 13:05 may be gone, one of 13:06 is not."""

    def minute(typed: str, span: int) -> int:
        return When(parse_at(typed), 3_600).minute(NOW, span)

    assert minute("13:06", 1) * 60 == utc("2026-02-01 13:06:00")
    assert minute("13:10", 5) * 60 == utc("2026-02-01 13:10:00")
    for typed, span, first in (("13:05", 1, "13:06"), ("13:09", 5, "13:10"), ("2026-01-01T00:00", 15, "13:20")):
        with pytest.raises(MomentError) as caught:
            minute(typed, span)
        assert str(caught.value).endswith(
            f"is too long ago: minutes are kept for 1 h (BUCKET_TTL_SEC), so ask for 2026-02-01 {first} UTC or later"
        )
    with pytest.raises(MomentError) as caught:
        minute("2026-02-01T14:06", 5)
    assert str(caught.value) == "2026-02-01 14:06 UTC is in the future: it is 2026-02-01 14:05 UTC"


def test_a_span_ends_now_or_when_its_last_minute_was_over() -> None:
    running = int(NOW // 60)
    live = Minutes(running, {}, 15).span("5m", NOW)
    assert (live.begin, live.end, live.past) == (utc("2026-02-01 14:01:00"), NOW, False)
    then = Minutes(running - 60, {}, 15, ended=True).span("15m", NOW)
    assert (then.begin, then.end, then.past) == (utc("2026-02-01 12:51:00"), utc("2026-02-01 13:06:00"), True)


def test_the_life_of_the_service_matters_to_the_past_where_it_had_not_counted_that_far() -> None:
    dead = CountingFlow(
        NOW, Status(9, 0, 0, 0, 0, 0, 0, 0, None, None, "1-1", NOW - 600, None, None, None), None, Thresholds()
    )
    assert replace(dead, until=NOW - 601).warnings == ()
    assert replace(dead, until=NOW - 601).blind == ""
    assert replace(dead, until=NOW - 599).warnings == dead.warnings != ()
    assert replace(dead, until=NOW - 599).blind == dead.blind != ""


def test_names_like_one_that_was_typed() -> None:
    known = ["BTCUSDT", "ETHUSDT", "ETHBTC", "SOLUSDT", "T"]
    assert nearest("btcusd", known)[0] == "BTCUSDT"
    assert nearest("xethusdt", known)[0] == "ETHUSDT"
    assert nearest("zzz", known) == []
    assert nearest("", known) == []
    assert len(nearest("usdt", known)) == 3
