"""When an entry happened: its own word for it, or its stream ID."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.domain.decisions import LAST_SECOND, event_seconds
from flows.domain.windows import minute_of
from tests.support import oracle, strategies

ID_MS = strategies.BASE_MS
SKEW = 300.0


@pytest.mark.parametrize(
    ("timestamp", "seconds"),
    [
        (b"1769929019", 1_769_929_019.0),
        (b"1769929019.25", 1_769_929_019.25),
        (b" 1769929019 ", 1_769_929_019.0),
        (b"1769929019123", 1_769_929_019.123),
        (b"1769929019123.5", 1_769_929_019.1235),
        (b"1.769929019e9", 1_769_929_019.0),
        (b"1.769929019123e12", 1_769_929_019.123),
        (b"1000000000000", 1_000_000_000.0),
        (b"0.5", 0.5),
        (b"1", 1.0),
        (b"1769929320", 1_769_929_320.0),
    ],
)
def test_a_usable_timestamp_is_taken_at_its_word(timestamp: bytes, seconds: float) -> None:
    assert event_seconds(timestamp, ID_MS, SKEW) == (seconds, False)


@pytest.mark.parametrize(
    "timestamp",
    [
        *(b"", b" ", b"now", b"nan", b"NaN", b"inf", b"-inf", b"Infinity", b"1e400"),
        *(b"0", b"-0.0", b"0.0", b"-1", b"-1769929020"),
        *(b"1769929320.001", b"1769929321", b"1769929320001", b"9999999999999", b"999999999999", b"17699290200000"),
        *(b"1e300", b"0x69", b"1_769_929_020", b"\xff", b"1769929020\x00", b"1769929020,5", b"2026-02-01T06:57:00Z"),
        b"9" * 1_000_000,
    ],
    ids=lambda timestamp: timestamp[:24].decode("utf-8", "replace"),
)
def test_an_unusable_timestamp_yields_to_the_stream_id_and_is_skewed(timestamp: bytes) -> None:
    assert event_seconds(timestamp, ID_MS, SKEW) == (ID_MS / 1000, True)
    assert event_seconds(timestamp, ID_MS - 999, SKEW) == (1_769_929_019.001, True)


@pytest.mark.parametrize("skew", [0.0, 1.0, 300.0, 86_400.0])
def test_the_allowed_skew_is_a_setting_and_its_limit_is_allowed(skew: float) -> None:
    limit = ID_MS // 1000 + int(skew)
    assert event_seconds(str(limit).encode(), ID_MS, skew) == (float(limit), False)
    assert event_seconds(str(limit + 1).encode(), ID_MS, skew) == (ID_MS / 1000, True)


@given(st.integers(1_100_000_000_000, 2_100_000_000_000))
def test_300_seconds_ahead_are_allowed_to_the_millisecond(id_ms: int) -> None:
    for delta, skewed in ((300_000, False), (300_001, True)):
        ahead = id_ms + delta
        timestamp = f"{ahead // 1000}.{ahead % 1000:03}".encode()
        assert event_seconds(timestamp, id_ms, SKEW) == ((id_ms if skewed else ahead) / 1000, skewed)


@pytest.mark.parametrize("id_ms", [0, 1, 10**12, 2**53, 2**63, 2**64 - 1])
@pytest.mark.parametrize("timestamp", [b"", b"1769929020", b"1e18", b"221845392000"])
def test_any_stream_id_gives_a_time_whose_minute_has_a_name(id_ms: int, timestamp: bytes) -> None:
    seconds, _skewed = event_seconds(timestamp, id_ms, SKEW)
    assert 0 <= seconds <= LAST_SECOND
    assert len(oracle.minute_name(minute_of(seconds))) == 12


@given(strategies.fields(ID_MS), st.integers(0, 1_000))
def test_every_timestamp_is_read_as_the_contract_says(pairs: list[tuple[bytes, bytes]], more_ms: int) -> None:
    id_ms = ID_MS + more_ms
    timestamp = dict(pairs).get(b"timestamp", b"")
    expected = oracle.time_of(f"{id_ms}-0", pairs)
    assert event_seconds(timestamp, id_ms, SKEW) == expected
    assert minute_of(expected[0]) == oracle.meaning_of((f"{id_ms}-0", pairs)).minute


@pytest.mark.parametrize("clock", [0.0, 1_769_929_020.0, 4_102_444_800.0])
def test_the_minute_does_not_depend_on_the_wall_clock(monkeypatch: pytest.MonkeyPatch, clock: float) -> None:
    monkeypatch.setattr(time, "time", lambda: clock)
    monkeypatch.setattr(time, "time_ns", lambda: int(clock * 1e9))
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    time.tzset()
    try:
        results = [event_seconds(timestamp, ID_MS, SKEW) for timestamp in (b"", b"nan", b"1769929019.9", b"1769929999")]
    finally:
        monkeypatch.undo()
        time.tzset()
    assert results == [(ID_MS / 1000, True), (ID_MS / 1000, True), (1_769_929_019.9, False), (ID_MS / 1000, True)]
    assert [minute_of(seconds) for seconds, _ in results] == [29_498_817, 29_498_817, 29_498_816, 29_498_817]
