"""A symbol that holds a colon is told from another one and its reason, by all that the console asks of buckets."""

from __future__ import annotations

from collections import Counter

import pytest
import redis

from connectors.private_redis import PrivateRedis
from console.audit.bounds import Bounds, compare
from console.queries.minutes import read_minutes
from console.queries.symbols import Symbol, busiest, read_most_stopped, read_symbols, read_totals
from flows.domain.windows import Minutes
from sinks.buckets import bucket_counts, bucket_key
from sinks.values.counts import Kind

MINUTE = 29_498_817
COUNTS = {
    Kind("SKIP", "B:c", "A", ""): 2,
    Kind("BLOCKED", "c", "A:B", ""): 3,
    Kind("SKIP", "c:late", "A:B", ""): 4,
}
LOOKS_ESCAPED = {Kind("EXECUTE", "none", "A%3AB", ""): 50}
BEFORE = {
    "decision:SKIP": 6,
    "decision:BLOCKED": 3,
    "reason:B:c": 2,
    "reason:c": 3,
    "reason:c:late": 4,
    "symbol_decision:A:SKIP": 2,
    "symbol_decision:A:B:BLOCKED": 3,
    "symbol_decision:A:B:SKIP": 4,
    "symbol_reason:A:B:c": 2 + 3,
    "symbol_reason:A:B:c:late": 4,
}
"""COUNTS as a flow wrote them that did not escape colons."""
AFTER = bucket_counts(COUNTS, True)


@pytest.fixture
def raw(server: PrivateRedis, client: redis.Redis) -> redis.Redis:
    """An empty server, as the console sees it."""
    return server.client()


def read(raw: redis.Redis, *names: str) -> list[Symbol]:
    minutes: Minutes = read_minutes(raw, "quantum", MINUTE, 5)
    return list(read_symbols(raw, "quantum", minutes, "5m", names))


def counted(symbol: Symbol) -> tuple[int, dict[str, int]]:
    return symbol.window.total, {one.name: one.count for one in symbol.window.reasons}


def test_each_reason_is_at_its_own_symbol(raw: redis.Redis) -> None:
    raw.hset(bucket_key("quantum", MINUTE), mapping=dict(bucket_counts({**COUNTS, **LOOKS_ESCAPED}, True)))
    totals = read_totals(raw, "quantum", [MINUTE])
    assert totals == {"A": Counter(SKIP=2), "A:B": Counter(BLOCKED=3, SKIP=4), "A%3AB": Counter(EXECUTE=50)}
    assert busiest(totals, 2) == ["A%3AB", "A:B"]
    assert [counted(one) for one in read(raw, "A", "A:B", "A%3AB")] == [
        (2, {"B:c": 2}),
        (7, {"c": 3, "c:late": 4}),
        (50, {"none": 50}),
    ]
    assert read_most_stopped(raw, "quantum", [MINUTE], "c", 5) == ["A:B"]
    assert read_most_stopped(raw, "quantum", [MINUTE], "B", 5) == ["A"]


def test_a_reason_that_comes_in_while_one_looks_is_at_its_own_symbol(raw: redis.Redis) -> None:
    raw.hset(bucket_key("quantum", MINUTE), mapping=dict(AFTER))
    minutes = read_minutes(raw, "quantum", MINUTE, 5)
    late = bucket_counts({Kind("SKIP", "B:new", "A", ""): 1, Kind("SKIP", "new", "A:B", ""): 8}, True)
    for field, count in late.items():
        raw.hincrby(bucket_key("quantum", MINUTE), field, count)
    one, other = read_symbols(raw, "quantum", minutes, "5m", ["A", "A:B"])
    assert counted(one) == (3, {"B:c": 2, "B:new": 1})
    assert counted(other) == (15, {"c": 3, "c:late": 4, "new": 8})


def test_a_bucket_of_before_colons_were_escaped_adds_to_one_of_after(raw: redis.Redis) -> None:
    """Decisions are told apart; of what reads the same, all is at both."""
    raw.hset(bucket_key("quantum", MINUTE - 1), mapping=dict(BEFORE))
    raw.hset(bucket_key("quantum", MINUTE), mapping=dict(AFTER))
    assert read_totals(raw, "quantum", [MINUTE - 1, MINUTE])["A:B"] == {"BLOCKED": 6, "SKIP": 8}
    (found,) = read(raw, "A:B")
    assert {name: count for name, count in found.window.decisions.items() if count} == {"BLOCKED": 6, "SKIP": 8}
    assert counted(found)[1] == {"c": 2 + 3 + 3, "c:late": 8}


def test_the_audit_takes_a_bucket_of_before_for_what_it_was(raw: redis.Redis) -> None:
    exact = Bounds(AFTER, AFTER)
    assert compare("k", "m", BEFORE, exact) == []
    assert compare("k", "m", AFTER, exact) == []
    both = {name: BEFORE.get(name, 0) + AFTER.get(name, 0) for name in {*BEFORE, *AFTER}}
    twice = {name: 2 * count for name, count in AFTER.items()}
    assert compare("k", "m", both, Bounds(twice, twice)) == [], "two versions side by side"
    for name in BEFORE:
        assert compare("k", "m", {**BEFORE, name: BEFORE[name] + 1}, exact), name
        assert compare("k", "m", {**BEFORE, name: "text"}, exact), name
    moved = {**AFTER, "symbol_reason:A:B:c": 3, "symbol_reason:A%3AB:c": 2}
    assert {one.field for one in compare("k", "m", moved, exact)} == {"symbol_reason:A:B:c", "symbol_reason:A%3AB:c"}
