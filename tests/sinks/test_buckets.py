"""Buckets: which fields and keys counts become, and what is read back."""

from __future__ import annotations

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from connectors.commit import commit
from connectors.delivery import Delivery, Part, Read
from connectors.effects import Count
from connectors.private_redis import PrivateRedis
from sinks import buckets
from sinks.times import minute_name
from sinks.values.counts import Counts, Kind
from tests.support import oracle
from tests.support.ledger import Ledger

MINUTE = 29_498_817

KINDS = st.builds(
    Kind,
    st.sampled_from(["EXECUTE", "SKIP", "BLOCKED", "ERROR", "UNKNOWN"]),
    st.sampled_from(["none", "a", "a:x", "b", ":"]),
    st.sampled_from(["", "BTCUSDT", "ETHUSDT", "A:B"]),
    st.sampled_from(["", "HOLD", "WAIT"]),
)
COUNTS = st.dictionaries(KINDS, st.integers(1, 1000), max_size=12)


def effects_of(counts: dict[Kind, int], *, symbol_breakdown: bool = True) -> list[Count]:
    """The effects, each of which is a count."""
    made = buckets.effects("quantum", MINUTE, counts, ttl=172_800, max_fields=5_000, symbol_breakdown=symbol_breakdown)
    counted = [effect for effect in made if isinstance(effect, Count)]
    assert len(counted) == len(made)
    return counted


@pytest.fixture
def raw(server: PrivateRedis, client: redis.Redis) -> redis.Redis:
    """An empty Redis whose replies are bytes, as the flow sees them."""
    return server.client()


def test_keys_are_those_of_the_contract_in_utc() -> None:
    assert buckets.bucket_key("quantum", MINUTE) == "quantum:p35:bucket:202602010657"
    assert buckets.summary_key("{quantum}", 0) == "{quantum}:p35:summary:197001010000"
    assert buckets.unknown_key("q", MINUTE) == "q:p35:unknown_decision:minute:202602010657"


@given(COUNTS, st.booleans())
def test_fields_are_the_contracts_and_add_up(counts: dict[Kind, int], symbol_breakdown: bool) -> None:
    expected: dict[str, int] = {}
    for (decision, reason, symbol, _unknown), count in counts.items():
        for name in (f"decision:{decision}", f"reason:{reason}"):
            expected[name] = expected.get(name, 0) + count
        if symbol and symbol_breakdown:
            escaped = symbol.replace(":", "%3A")
            for name in (f"symbol_decision:{escaped}:{decision}", f"symbol_reason:{escaped}:{reason}"):
                expected[name] = expected.get(name, 0) + count
    assert buckets.bucket_counts(counts, symbol_breakdown) == expected


@given(COUNTS)
def test_decisions_and_reasons_each_add_up_to_all_entries(counts: dict[Kind, int]) -> None:
    fields = buckets.bucket_counts(counts, True)
    for start in ("decision:", "reason:"):
        assert sum(count for name, count in fields.items() if name.startswith(start)) == sum(counts.values())


@given(COUNTS, st.data())
def test_counts_are_additive_over_any_split(counts: dict[Kind, int], data: st.DataObject) -> None:
    left = {kind: data.draw(st.integers(0, count)) for kind, count in counts.items()}
    ledger = Ledger()
    for half in (left, {kind: count - left[kind] for kind, count in counts.items()}):
        ledger.apply(effects_of({kind: count for kind, count in half.items() if count}))
    whole = Ledger()
    whole.apply(effects_of(counts))
    assert ledger.counts("quantum") == whole.counts("quantum")


@given(COUNTS)
def test_the_summary_is_the_bucket_without_symbols(counts: dict[Kind, int]) -> None:
    ledger = Ledger()
    ledger.apply(effects_of(counts))
    bucket = ledger.counts("quantum:p35:bucket:").get("202602010657", {})
    summary = ledger.counts("quantum:p35:summary:").get("202602010657", {})
    assert summary == {name: count for name, count in bucket.items() if not name.startswith("symbol_")}


def test_lifetimes_are_48_hours_for_the_bucket_and_longer_than_an_hour_for_the_rest() -> None:
    bucket, *symbols, unknown = effects_of({Kind("UNKNOWN", "none", "S", "HOLD"): 1})
    assert {one.ttl for one in (bucket, *symbols)} == {172_800}
    assert bucket.mirror is not None
    assert bucket.mirror.ttl == unknown.ttl == 7_200


def test_raw_unknown_decisions_are_counted_together_whatever_else_differs() -> None:
    counts = {
        Kind("UNKNOWN", "none", "A", "HOLD"): 2,
        Kind("UNKNOWN", "x", "B", "HOLD"): 3,
        Kind("UNKNOWN", "x", "B", ""): 5,
        Kind("SKIP", "x", "B", ""): 7,
    }
    *_bucket, unknown = effects_of(counts)
    assert (unknown.key, unknown.counts) == ("quantum:p35:unknown_decision:minute:202602010657", {"HOLD": 5})
    assert {one.key for one in effects_of({Kind("SKIP", "x", "B", ""): 7})} == {"quantum:p35:bucket:202602010657"}


def test_past_the_bound_new_reasons_go_to_other_and_decisions_stay(raw: redis.Redis) -> None:
    counts = {Kind("SKIP", "a:x", "S:T", ""): 1, Kind("SKIP", "b", "U", ""): 2}
    effects = buckets.effects("quantum", 1, counts, ttl=172_800, max_fields=1, symbol_breakdown=True)
    raw.xgroup_create("s", "g", mkstream=True)
    entry_id = raw.xadd("s", {"f": "v"})
    raw.xreadgroup("g", "r", {"s": ">"})
    raw.set("lease", "token")
    delivery = Delivery("s", "g", "c", "lease", "token", reads=(Read("r", 1, entry_id),))
    commit(raw, [Part(delivery, (entry_id,), tuple(effects))])
    assert raw.hgetall(buckets.bucket_key("quantum", 1)) == {
        b"decision:SKIP": b"3",
        b"reason:__other__": b"3",
        b"symbol_decision:__other__:SKIP": b"3",
        b"symbol_reason:__other__:__other__": b"3",
    }
    # Each entry once for its reason, and once for its symbol.
    assert raw.hget("quantum:p35:status", "overflow_total") == b"6"


SYMBOLS = st.text(alphabet="A:%235a", max_size=8) | st.text(max_size=8)


@given(SYMBOLS, st.text(max_size=8), st.sampled_from(["EXECUTE", "SKIP", "BLOCKED", "ERROR", "UNKNOWN"]))
def test_any_symbol_can_be_told_from_its_reason_and_its_decision(symbol: str, reason: str, decision: str) -> None:
    field = buckets.escaped(symbol)
    assert field == oracle.symbol_in_field(symbol)
    assert ":" not in field
    assert buckets.symbol_field(f"symbol_reason:{field}:{reason}") == (symbol, reason)
    assert buckets.symbol_field(f"symbol_decision:{field}:{decision}") == (symbol, decision)


@pytest.mark.parametrize("symbol", ["BTCUSDT", "5%", "%", "%2", "%3a", "1000SHIB", "é", "__other__"])
def test_a_symbol_without_a_colon_is_written_as_it_is(symbol: str) -> None:
    assert buckets.escaped(symbol) == symbol


def test_minutes_are_read_back_with_each_reason_at_its_own_symbol(client: redis.Redis, raw: redis.Redis) -> None:
    counts = {Kind("SKIP", "B:c", "A", ""): 2, Kind("BLOCKED", "c", "A:B", ""): 3, Kind("SKIP", "x", "A%3AB", ""): 5}
    fields = buckets.bucket_counts(counts, True)
    assert set(fields) >= {"symbol_reason:A:B:c", "symbol_reason:A%3AB:c", "symbol_reason:A%253AB:x"}
    client.hset(buckets.bucket_key("quantum", MINUTE), mapping=dict(fields))
    minute = buckets.read_minutes(raw, "quantum", range(MINUTE, MINUTE + 1))[MINUTE]
    assert minute.symbol_reasons == {("A", "B:c"): 2, ("A:B", "c"): 3, ("A%3AB", "x"): 5}
    assert minute.symbol_decisions == {("A", "SKIP"): 2, ("A:B", "BLOCKED"): 3, ("A%3AB", "SKIP"): 5}


def test_of_a_bucket_with_colons_as_they_are_decisions_are_told_apart(client: redis.Redis, raw: redis.Redis) -> None:
    fields = {"symbol_decision:A:B:SKIP": 2, "symbol_decision:A%3AB:SKIP": 1, "symbol_reason:A:B:c": 2}
    client.hset(buckets.bucket_key("quantum", MINUTE), mapping=dict(fields))
    minute = buckets.read_minutes(raw, "quantum", range(MINUTE, MINUTE + 1))[MINUTE]
    assert (minute.symbol_decisions, minute.symbol_reasons) == ({("A:B", "SKIP"): 3}, {("A", "B:c"): 2})


def test_summaries_are_read_back_as_they_were_counted(client: redis.Redis, raw: redis.Redis) -> None:
    counts = {Kind("SKIP", "a:é", "S", ""): 2, Kind("UNKNOWN", "none", "", "HOLD"): 3}
    ledger = Ledger()
    ledger.apply(effects_of(counts))
    for key, fields in ledger.hashes.items():
        client.hset(key, mapping=dict(fields))
    summary = Counts({"SKIP": 2, "UNKNOWN": 3}, {"a:é": 2, "none": 3}, {"HOLD": 3})
    assert buckets.read_summaries(raw, "quantum", range(MINUTE - 3, MINUTE + 2)) == {MINUTE: summary}


def test_reading_costs_the_same_however_many_symbols_a_bucket_holds(client: redis.Redis, raw: redis.Redis) -> None:
    client.hset(buckets.bucket_key("quantum", MINUTE), mapping={f"symbol_reason:S{n}:a": "1" for n in range(100)})
    assert buckets.read_summaries(raw, "quantum", range(MINUTE, MINUTE + 1)) == {}


def test_what_is_no_count_is_passed_over_in_buckets_as_in_summaries(client: redis.Redis, raw: redis.Redis) -> None:
    fields = {"decision:SKIP": "1", "decision:EXECUTE": "many", "reason:a": "1.5", "reason:b": "", "reason:c": "-5"}
    for key in (buckets.summary_key("quantum", MINUTE), buckets.bucket_key("quantum", MINUTE)):
        client.hset(key, mapping=dict(fields))
    minutes = range(MINUTE, MINUTE + 1)
    for read in (buckets.read_summaries, buckets.read_minutes):
        assert read(raw, "quantum", minutes) == {MINUTE: Counts({"SKIP": 1}, {}, {})}


def test_names_of_minutes_are_the_oracles() -> None:
    assert minute_name(MINUTE) == oracle.minute_name(MINUTE) == "202602010657"
