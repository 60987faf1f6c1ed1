"""Hours and days as they lie in Redis: keys, fields, what is read back, and how one takes the place of another."""

from __future__ import annotations

from dataclasses import replace

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from connectors.private_redis import PrivateRedis
from sinks import history
from sinks.values.history import DAY, HOUR, Replacement, RollUp

START = 29_498_760
"""2026-02-01 06:00 UTC, in minutes."""

NAME = st.text(st.sampled_from("aZ:%3Agé"), min_size=1, max_size=8)
COUNT = st.integers(1, 10**9)
ROLL_UPS = st.builds(
    RollUp,
    st.just(START),
    st.just(HOUR),
    st.integers(1, 60),
    st.dictionaries(st.sampled_from(["EXECUTE", "SKIP", "BLOCKED"]), COUNT),
    st.dictionaries(NAME, COUNT),
    st.dictionaries(st.tuples(NAME, st.sampled_from(["EXECUTE", "SKIP"])), COUNT),
    st.dictionaries(st.tuples(NAME, NAME), COUNT),
    st.integers(0, 2**60 - 1),
    st.integers(0, 2**41).map(lambda milliseconds: milliseconds / 1000),
)


@pytest.fixture
def raw(server: PrivateRedis, client: redis.Redis) -> redis.Redis:
    """An empty Redis whose replies are bytes."""
    return server.client()


def as_bytes(fields: dict[str, str | bytes]) -> dict[bytes, bytes]:
    """As Redis gives them back."""
    return {name.encode(): value if isinstance(value, bytes) else value.encode() for name, value in fields.items()}


def test_keys_are_those_of_the_contract_in_utc() -> None:
    assert history.hour_key("quantum", START + 59) == "quantum:p35:hour:2026020106"
    assert history.day_key("{quantum}", START) == "{quantum}:p35:day:20260201"
    assert history.key("q", START, HOUR) == "q:p35:hour:2026020106"
    assert history.key("q", 1_440, DAY) == "q:p35:day:19700102"


def test_fields_are_those_of_the_contract() -> None:
    one = RollUp(START, HOUR, 7, {"SKIP": 3}, {"none": 2, "a": 1}, {("A:B", "SKIP"): 3}, {("A:B", "a"): 1}, 5, 1.25)
    fields = history.encode(one)
    assert fields.pop("symbol_gates")
    assert fields == {
        "decision:SKIP": "3",
        "gate:none": "2",
        "gate:a": "1",
        "symbol_decision:A%3AB:SKIP": "3",
        "minutes": "7",
        "updated_ts": "1.25",
    }


@given(ROLL_UPS)
def test_what_is_written_is_read_back(one: RollUp) -> None:
    assert history.decode(START, HOUR, as_bytes(history.encode(one))) == one


def test_what_is_no_count_is_left_out() -> None:
    found = history.decode(
        START,
        HOUR,
        {
            b"decision:SKIP": b"many",
            b"decision:ERROR": b"9" * 5_000,
            b"gate:\xff": b"2",
            b"minutes": b"-3",
            b"updated_ts": b"nan",
            b"symbol_gates": b"\x01broken",
            b"other": b"1",
        },
    )
    assert found == RollUp(START, HOUR, 0, {}, {"�": 2}, parts=2**60 - 1)
    assert history.decode(START, DAY, {b"gate:a": b"1"}) == RollUp(START, DAY, 0, {}, {"a": 1}, parts=2**24 - 1)
    assert history.decode(START, HOUR, {}) is None


def test_one_is_replaced_whole_and_only_by_who_has_read_it(raw: redis.Redis) -> None:
    first = RollUp(START, HOUR, 2, {"SKIP": 3}, {"a": 3}, {}, {}, 3, 10.0)
    second = RollUp(START, HOUR, 1, {"ERROR": 1}, {"b": 1}, {}, {}, 1, 11.0)
    assert history.replace(raw, "q", Replacement(None, first), 100)
    assert history.read(raw, "q", [START, START + HOUR], HOUR) == {START: first}
    assert 0 < int(raw.ttl("q:p35:hour:2026020106")) <= 100  # type: ignore[arg-type]
    assert history.replace(raw, "q", Replacement(None, first), 100)  # (its reply was lost)
    assert not history.replace(raw, "q", Replacement(None, second), 100)
    assert not history.replace(raw, "q", Replacement(replace(first, updated_ts=9.0), second), 100)
    assert history.replace(raw, "q", Replacement(first, second), 100)
    assert history.read(raw, "q", [START], HOUR) == {START: second}
    assert history.replace(raw, "q", Replacement(second, RollUp(START, HOUR, 0, updated_ts=12.0)), 100)
    assert not raw.exists("q:p35:hour:2026020106")


def test_whoever_is_overtaken_between_looking_and_writing_writes_nothing(
    raw: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = RollUp(START, HOUR, 2, {"SKIP": 3}, {"a": 3}, {}, {}, 3, 10.0)
    other = replace(first, updated_ts=10.5)

    def overtaken(one: RollUp) -> dict[str, str | bytes]:
        monkeypatch.undo()
        assert history.replace(raw, "q", Replacement(None, other), 100)
        return history.encode(one)

    monkeypatch.setattr(history, "encode", overtaken)
    assert not history.replace(raw, "q", Replacement(None, first), 100)
    assert history.read(raw, "q", [START], HOUR) == {START: other}
