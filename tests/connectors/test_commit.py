"""The commit on a real Redis: all of a part or nothing, and never twice."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.commit import commit
from connectors.delivery import Delivery, Part, Read
from connectors.effects import Append, Cap, Count, Effect, Mirror, Put, PutNewest, Raise, RaiseId
from connectors.errors import WrongType
from connectors.private_redis import PrivateRedis

STREAM, GROUP, LEASE = "s", "g", "lease:c"
DELIVERY = Delivery(STREAM, GROUP, "c", LEASE, "token")


@pytest.fixture
def raw(server: PrivateRedis, client: redis.Redis) -> Iterator[redis.Redis]:
    """A client as the connectors have it (bytes), on an empty server, with a group and a lease."""
    client.xgroup_create(STREAM, GROUP, "0", mkstream=True)
    client.set(LEASE, "token")
    with server.client() as one:
        yield one


def deliver(raw: redis.Redis, count: int, consumer: str = "c") -> tuple[bytes, ...]:
    """IDs of `count` new entries, delivered to `consumer`."""
    for _ in range(count):
        raw.xadd(STREAM, {"f": "v"})
    return tuple(entry[0] for entry in raw.xreadgroup(GROUP, consumer, {STREAM: ">"}, count=count)[0][1])


def pending(raw: redis.Redis) -> int:
    return int(raw.xpending(STREAM, GROUP)["pending"])


def part(ids: tuple[bytes, ...], *effects: Effect) -> Part:
    """What consumer `c` read at once."""
    return Part(delivery(len(ids)), ids, effects)


def delivery(count: int, name: str = "c", **changes: Any) -> Delivery:
    return DELIVERY._replace(reads=(Read(name, count),), **changes)


def test_effects_and_acknowledgement_are_one_step(raw: redis.Redis) -> None:
    ids = deliver(raw, 3)
    effects = (
        Count("h", {"a": 2, "b": 1}, ttl=100),
        Raise("r", {"x": "5.5"}),
        RaiseId("h2", "last", ids[-1]),
        Put("p", {"k": "v"}, ttl=50),
        Append("out", {"k": "v"}, max_length=10),
    )
    outcome = commit(raw, [part(ids, *effects)])
    assert [one.ids for one in outcome.applied] == [ids]
    assert raw.hgetall("h") == {b"a": b"2", b"b": b"1"}
    assert 0 < raw.ttl("h") <= 100
    assert raw.hget("r", "x") == b"5.5"
    assert raw.hget("h2", "last") == ids[-1]
    assert raw.hgetall("p") == {b"k": b"v"}
    assert 0 < raw.ttl("p") <= 50
    assert [fields for _, fields in raw.xrange("out")] == [{b"k": b"v"}]
    assert pending(raw) == 0


def test_a_group_has_come_as_far_as_the_newest_entry_that_was_committed(raw: redis.Redis) -> None:
    """In whatever order the reads of a delivery, the parts, and the IDs in them come."""
    one, two, three = (deliver(raw, 2, f"c.{number}") for number in range(3))
    reads = tuple(Read(f"c.{number}", 2, ids[-1]) for number, ids in ((1, two), (0, one)))
    both = DELIVERY._replace(counters="counters", reads=reads)
    parts = [Part(both, two[::-1], (Count("h", {"a": 2}),)), Part(both, one[::-1], (Count("h", {"a": 2}),))]
    last = DELIVERY._replace(counters="counters", reads=(Read("c.2", 2, three[-1]),))
    assert commit(raw, parts).applied == parts
    assert raw.hget("counters", "last_id") == two[-1]
    raw.hset("counters", "last_id", "9999999999999-0")
    assert commit(raw, [Part(last, three, ())]).applied
    assert raw.hget("counters", "last_id") == b"9999999999999-0"
    assert (raw.hget("h", "a"), pending(raw)) == (b"4", 0)


def test_a_commit_repeated_after_a_lost_reply_changes_nothing(raw: redis.Redis) -> None:
    one = part(deliver(raw, 5), Count("h", {"a": 5}))
    commit(raw, [one])
    again = commit(raw, [one])
    assert again.gone == [one]
    assert again.applied == []
    assert raw.hget("h", "a") == b"5"


def test_without_its_lease_a_consumer_is_refused(raw: redis.Redis) -> None:
    one = part(deliver(raw, 2), Count("h", {"a": 2}))
    raw.set(LEASE, "another")
    assert commit(raw, [one]).refused == [one]
    raw.delete(LEASE)
    assert commit(raw, [one]).refused == [one]
    assert not raw.exists("h")
    assert pending(raw) == 2


def test_entries_that_another_consumer_claimed_are_not_counted(raw: redis.Redis) -> None:
    ids = deliver(raw, 2)
    raw.xclaim(STREAM, GROUP, "thief", 0, list(ids))
    outcome = commit(raw, [part(ids, Count("h", {"a": 2}))])
    assert len(outcome.gone) == 1
    assert not raw.exists("h")
    assert pending(raw) == 2


def test_a_part_of_which_some_entries_are_gone_is_refused_and_the_lease_revoked(raw: redis.Redis) -> None:
    ids = deliver(raw, 4)
    raw.xack(STREAM, GROUP, ids[1])
    outcome = commit(raw, [part(ids, Count("h", {"a": 4}))])
    assert len(outcome.refused) == 1
    assert not raw.exists("h")
    assert pending(raw) == 3
    assert not raw.exists(LEASE)


@pytest.mark.parametrize("blocked", ["h", "mirror", "overflow", "r", "i", "p", "out"])
def test_a_key_of_the_wrong_type_leaves_everything_untouched(raw: redis.Redis, blocked: str) -> None:
    ids = deliver(raw, 2)
    raw.set(blocked, "in the way")
    effects = (
        Count("h", {"a": 2}, cap=Cap(10, (), ("overflow", "n")), mirror=Mirror("mirror")),
        Raise("r", {"x": "1"}),
        RaiseId("i", "last", ids[-1]),
        Put("p", {"k": "v"}),
        Append("out", {"k": "v"}),
    )
    before = sorted(raw.keys())
    with pytest.raises(WrongType, match=blocked):
        commit(raw, [part(ids, *effects)])
    assert sorted(raw.keys()) == before
    assert pending(raw) == 2


@pytest.mark.parametrize("gone", ["group", "stream"])
def test_what_was_read_from_a_group_that_is_gone_is_counted_unless_it_may_have_been(
    raw: redis.Redis, gone: str
) -> None:
    ids = deliver(raw, 2)
    raw.xgroup_destroy(STREAM, GROUP) if gone == "group" else raw.delete(STREAM)
    one = [part(ids, Count("h", {"a": 2}))]
    assert len(commit(raw, one, repeated=True).gone) == 1
    assert not raw.exists("h")
    assert len(commit(raw, one).applied) == 1
    assert raw.hgetall("h") == {b"a": b"2"}


def test_what_was_read_from_a_group_that_is_gone_is_refused_if_another_came_after_it(raw: redis.Redis) -> None:
    first = delivery(2, counters="counters", generation=1)
    one = Part(first, deliver(raw, 2), (Count("h", {"a": 2}),))
    raw.xgroup_destroy(STREAM, GROUP)
    for generation in (b"2", b"no number", None):
        raw.hset("counters", "group_generation", generation) if generation else raw.delete("counters")
        assert len(commit(raw, [one]).refused) == 1
        assert not raw.exists("h")
    raw.hset("counters", "group_generation", 1)
    assert len(commit(raw, [one]).applied) == 1
    assert raw.hgetall("h") == {b"a": b"2"}


def test_of_a_group_that_was_created_again_nothing_is_counted_that_it_did_not_deliver(raw: redis.Redis) -> None:
    ids = deliver(raw, 2)
    raw.xgroup_destroy(STREAM, GROUP)
    raw.xgroup_create(STREAM, GROUP, "0")
    assert len(commit(raw, [part(ids, Count("h", {"a": 2}))]).gone) == 1
    assert not raw.exists("h")


def test_script_flush_goes_unnoticed(raw: redis.Redis) -> None:
    commit(raw, [part(deliver(raw, 1), Count("h", {"a": 1}))])
    raw.script_flush()
    commit(raw, [part(deliver(raw, 1), Count("h", {"a": 1}))])
    assert raw.hget("h", "a") == b"2"


def test_more_entries_than_lua_can_unpack_at_once(raw: redis.Redis) -> None:
    ids = deliver(raw, 20_000)
    commit(raw, [part(ids, Count("h", {"a": 20_000}))])
    assert raw.hget("h", "a") == b"20000"
    assert pending(raw) == 0


def test_fields_that_hold_no_number_are_replaced_and_reported(raw: redis.Redis) -> None:
    raw.hset("h", "a", "text")
    raw.hset("r", "x", "text")
    outcome = commit(raw, [part(deliver(raw, 1), Count("h", {"a": 1, "b": 1}), Raise("r", {"x": "3"}))])
    assert raw.hgetall("h") == {b"a": b"1", b"b": b"1"}
    assert raw.hget("r", "x") == b"3"
    assert outcome.mended == 2


def test_raised_fields_never_fall(raw: redis.Redis) -> None:
    for value in ("5", "3", "10", "9.5"):
        commit(raw, [part(deliver(raw, 1), Raise("r", {"x": value}))])
    assert raw.hget("r", "x") == b"10"


def test_stream_ids_are_raised_in_their_own_order(raw: redis.Redis) -> None:
    newest = b"0-0"
    steps = [b"9-5", b"10-1", b"9-99", b"10-18446744073709551615", b"10-18446744073709551614"]
    for value, expected in zip(steps, [b"9-5", b"10-1", b"10-1", steps[3], steps[3]], strict=True):
        commit(raw, [part(deliver(raw, 1), RaiseId("i", "last", value))])
        newest = raw.hget("i", "last")
        assert newest == expected


def test_after_a_takeover_an_older_value_does_not_replace_a_newer_one(raw: redis.Redis) -> None:
    """What a consumer had read when it died is committed after what others have read meanwhile."""
    by_the_dead, meanwhile = deliver(raw, 1, "dead"), deliver(raw, 1, "c.1")
    raw.xclaim(STREAM, GROUP, "c.2", 0, list(by_the_dead))
    for ids, name, price in ((meanwhile, "c.1", "2"), (by_the_dead, "c.2", "1")):
        effects = (Put("last", {"p": price}), PutNewest("newest", {"p": price}, ids[0], ttl=100))
        assert commit(raw, [Part(delivery(1, name), ids, effects)]).applied
    assert raw.hgetall("last") == {b"p": b"1"}
    assert raw.hgetall("newest") == {b"p": b"2", b"at": meanwhile[0]}
    assert 0 < raw.ttl("newest") <= 100


def test_the_newest_of_an_entry_and_of_a_read_is_the_last_that_was_made(raw: redis.Redis) -> None:
    one, two = deliver(raw, 2)
    effects = [PutNewest("h", {"a": text}, at, field="id") for text, at in (("1", one), ("2", two), ("3", two))]
    commit(raw, [part((one, two), *effects, PutNewest("h", {"b": "old"}, one, field="id"))])
    assert raw.hgetall("h") == {b"a": b"3", b"id": two}


@settings(max_examples=60, deadline=None)
@given(cuts=st.lists(st.integers(0, 12), max_size=6), order=st.randoms(use_true_random=False), repeat=st.booleans())
def test_any_partition_of_a_batch_gives_the_same_counts(
    server: PrivateRedis, cuts: list[int], order: object, repeat: bool
) -> None:
    with server.client() as raw:
        raw.flushall()
        raw.xgroup_create(STREAM, GROUP, "0", mkstream=True)
        raw.set(LEASE, "token")
        ids = deliver(raw, 12)
        bounds = sorted({0, 12, *cuts})
        pieces = [ids[low:high] for low, high in itertools.pairwise(bounds)]
        order.shuffle(pieces)  # type: ignore[attr-defined]
        parts = [
            Part(delivery(12), piece, (Count("h", dict(Counter(f"f{ids.index(i) % 3}" for i in piece))),))
            for piece in pieces
        ]
        for _ in range(1 + repeat):
            commit(raw, parts)
        assert raw.hgetall("h") == {b"f0": b"4", b"f1": b"4", b"f2": b"4"}
        assert pending(raw) == 0


def test_parts_of_several_consumers_are_judged_each_by_its_own_lease(raw: redis.Redis) -> None:
    mine = part(deliver(raw, 2), Count("h", {"mine": 2}))
    other = delivery(3, "d", consumer="d", lease_key="lease:d", token="t2")
    theirs = Part(other, deliver(raw, 3, "d"), (Count("h", {"theirs": 3}),))
    outcome = commit(raw, [mine, theirs])
    assert (outcome.applied, outcome.refused) == ([mine], [theirs])
    raw.set("lease:d", "t2")
    assert commit(raw, [mine, theirs]).applied == [theirs]
    assert raw.hgetall("h") == {b"mine": b"2", b"theirs": b"3"}
