"""Count with a cap: a hash that is full counts new fields in others, and says how much."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest
import redis
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.commit import commit
from connectors.delivery import Delivery, Part, Read
from connectors.effects import Cap, Count, Effect, Fold, Mirror
from connectors.private_redis import PrivateRedis
from tests.support.services import prepare

DELIVERY = Delivery("s", "g", "c", "lease:c", "token")

FOLDS = (Fold("w:", "w:other", "w:other"), Fold("s:", "{name}", "s:other:{tail}"), Fold("p:", "p:{head}:x", "p:x"))


@pytest.fixture
def raw(versioned: PrivateRedis) -> Iterator[redis.Redis]:
    with versioned.client() as one:
        prepare(one)
        yield one


def part(raw: redis.Redis, *effects: Effect) -> Part:
    """A new entry that consumer `c` has read, and what it does."""
    raw.xadd("s", {"f": "v"})
    ids = tuple(entry[0] for entry in raw.xreadgroup("g", "c", {"s": ">"})[0][1])
    return Part(DELIVERY._replace(reads=(Read("c", len(ids)),)), ids, effects)


def folded(counted: dict[str, int], new: Mapping[str, int], limit: int) -> int:
    """What the docs say of FOLDS, one field after another; how much was folded."""
    overflow = 0
    # Fields that are there stay, and those that are not come after them.
    for name, count in sorted(new.items(), key=lambda item: item[0] not in counted):
        kind, colon, rest = name.partition(":")
        field = name
        if name not in counted and colon and len(counted) >= limit and kind in ("w", "s", "p"):
            first = {"w": "w:other", "s": name, "p": f"p:{rest.split(':')[0]}:x"}[kind]
            second = {"w": "w:other", "s": f"s:other:{rest.split(':')[-1]}", "p": "p:x"}[kind]
            field = first if len(counted) < 2 * limit or first in counted else second
        overflow += count if field != name else 0
        counted[field] = counted.get(field, 0) + count
    return overflow


NAMES = st.builds(
    ":".join, st.lists(st.sampled_from(["w", "s", "p", "x", "other", "{name}", "%1"]), min_size=1, max_size=4)
)
HASHES = st.lists(
    st.dictionaries(NAMES, st.integers(1, 3_000_000_000), min_size=1, max_size=12), min_size=1, max_size=4
)


@settings(max_examples=60, deadline=None)
@given(hashes=HASHES, limit=st.integers(1, 9))
def test_counts_go_where_the_folds_say(server: PrivateRedis, hashes: list[dict[str, int]], limit: int) -> None:
    with server.client() as raw:
        raw.flushall()
        prepare(raw)
        counted: dict[str, int] = {}
        overflow = 0
        for counts in hashes:
            cap = Cap(limit, FOLDS, ("status", "overflow"))
            done = commit(raw, [part(raw, Count("h", counts, cap=cap, mirror=Mirror("mirror")))]).overflow
            told = folded(counted, counts, limit)
            assert done == told
            overflow += told
            assert raw.hgetall("h") == {name.encode(): str(count).encode() for name, count in counted.items()}
        assert int(raw.hget("status", "overflow") or 0) == overflow
        assert raw.hgetall("mirror") == raw.hgetall("h")


REST = (Fold("", "rest", "rest"),)
"""All to one field."""


def test_a_full_hash_folds_new_fields_and_counts_the_overflow(raw: redis.Redis) -> None:
    def count(names: list[str]) -> int:
        counts = dict.fromkeys(names, 2)
        cap = Cap(4, (Fold("w:", "w:other", "w:other"),), ("status", "overflow"))
        return commit(raw, [part(raw, Count("h", counts, cap=cap, mirror=Mirror("mirror")))]).overflow

    assert count(["d", "w:1", "w:2", "w:3"]) == 0
    assert count(["d", "w:1", "w:4", "w:5"]) == 4
    expected = {b"d": b"4", b"w:1": b"4", b"w:2": b"2", b"w:3": b"2", b"w:other": b"4"}
    assert raw.hgetall("h") == expected
    assert raw.hgetall("mirror") == expected
    assert raw.hgetall("status") == {b"overflow": b"4"}


def test_a_hash_beyond_its_limit_gets_no_new_fields_from_whoever_meets_it_so(raw: redis.Redis) -> None:
    """Another instance, or this one after a restart, has not seen it become full."""
    raw.hset("h", mapping=dict.fromkeys("abcd", 1))
    cap = Cap(3, REST, ("status", "overflow"))
    names = [f"new{number}" for number in range(50)]
    outcome = commit(raw, [part(raw, Count("h", dict.fromkeys(names, 1), cap=cap))])
    assert (raw.hlen("h"), raw.hget("h", "rest"), outcome.overflow) == (5, b"50", 50)
    again = [Count("h", {"one": 1}, cap=cap), Count("h", {"two": 1}, cap=cap)]
    assert commit(raw, [part(raw, *again)]).overflow == 2


def test_effects_on_one_hash_share_its_room(raw: redis.Redis) -> None:
    """Each would fit alone; together they do not, and only one of them tells what it folds."""
    told, silent = (
        Cap(4, REST, ("status", "overflow")),
        Cap(4, REST),
    )
    effects = [Count("h", {"a": 1, "b": 1, "c": 1}, cap=told), Count("h", {"x": 5, "y": 6, "z": 7}, cap=silent)]
    outcome = commit(raw, [part(raw, *effects, Count("h", {"d": 8}, cap=told))])
    assert raw.hgetall("h") == {b"a": b"1", b"b": b"1", b"c": b"1", b"x": b"5", b"rest": b"21"}
    assert (outcome.overflow, raw.hgetall("status")) == (8, {b"overflow": b"8"})


def test_past_twice_the_cap_only_the_last_resort_grows(raw: redis.Redis) -> None:
    names = [f"s{number}:own" for number in range(20)]
    cap = Cap(4, (Fold("", "{name}", "rest"),), ("status", "overflow"))
    outcome = commit(raw, [part(raw, Count("h", dict.fromkeys(names, 1), cap=cap))])
    assert raw.hlen("h") == 9
    assert raw.hget("h", "rest") == b"12"
    assert outcome.overflow == 12


def test_long_names_are_folded_while_redis_answers(versioned: PrivateRedis) -> None:
    """To look for what is behind the last colon from each place anew takes minutes for names like these."""
    cap = Cap(1, (Fold("", "rest:{tail}", "rest:{tail}"),))
    names = [f"{number}{'x' * 200_000}:{'y' * 200_000}" for number in range(3)]
    with versioned.client(socket_timeout=20) as raw:
        prepare(raw)
        commit(raw, [part(raw, Count("h", dict.fromkeys(["first", *names], 1), cap=cap))])
        assert raw.hget("h", f"rest:{'y' * 200_000}") == b"3"


def test_thousands_of_fields_go_where_the_folds_say(raw: redis.Redis) -> None:
    """More than one command takes."""
    counted: dict[str, int] = {}
    for first in (0, 1_000):
        new = {f"p:{number % 900}:{number}": number + 1 for number in range(first, first + 4_000)}
        outcome = commit(raw, [part(raw, Count("h", new, cap=Cap(1_500, FOLDS)))])
        folded(counted, new, 1_500)
        assert {name.decode(): int(count) for name, count in raw.hgetall("h").items()} == counted
    assert outcome.overflow == 0, "nobody asked for it"


def test_a_brace_around_no_piece_stays(raw: redis.Redis) -> None:
    cap = Cap(1, (Fold("n:", "{n{tail}{head}}{", "rest"),))
    commit(raw, [part(raw, Count("h", {"first": 1, "n:ab:cd": 1}, cap=cap))])
    assert raw.hgetall("h") == {b"first": b"1", b"{ncdab}{": b"1"}
