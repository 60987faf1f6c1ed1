"""Sums, members, ranks, conditions and deletions on real Redis servers: as exact as what they are compared with."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, localcontext

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from connectors.commit import CommitOutcome, commit
from connectors.delivery import Delivery, Part, Read
from connectors.effects import Append, Count, Delete, Effect, Merge, Mirror, Put, PutIf, PutNewest, Raise, Sum
from connectors.errors import WrongType
from connectors.members import Estimate, Include, Top
from connectors.private_redis import PrivateRedis
from tests.support.services import prepare

DELIVERY = Delivery("s", "g", "c", "lease:c", "token", reads=(Read("c", 1),))
AMOUNTS = st.one_of(
    st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-1000, max_value=1000),
    st.builds(
        lambda sign, digits, places: Decimal((sign, digits, -places)),
        st.integers(0, 1),
        st.lists(st.sampled_from([0, 1, 5, 9]), min_size=1, max_size=60).map(tuple),
        st.integers(0, 60),
    ),
    st.integers(-(10**20), 10**20),
)


@pytest.fixture
def raw(versioned: PrivateRedis) -> Iterator[redis.Redis]:
    with versioned.client() as one:
        prepare(one)
        yield one


def apply(raw: redis.Redis, *effects: Effect) -> CommitOutcome:
    """Commit one entry with `effects`, twice: the second time nothing may happen."""
    raw.xadd("s", {"f": "v"})
    ((_, entries),) = raw.xreadgroup("g", "c", {"s": ">"})
    part = Part(DELIVERY, (entries[0][0],), effects)
    outcome = commit(raw, [part])
    assert outcome.applied == [part]
    assert commit(raw, [part], repeated=True).gone == [part]
    return outcome


@given(amounts=st.lists(AMOUNTS, min_size=1, max_size=8))
def test_sums_are_exact_to_the_last_digit(versioned: PrivateRedis, amounts: list[Decimal | int]) -> None:
    with versioned.client() as raw, localcontext(prec=500):
        raw.delete("k")
        if not raw.exists("s"):
            prepare(raw)
        apply(raw, *(Sum("k", {"n": amount, "twice": amount}) for amount in amounts), Sum("k", {"twice": amounts[0]}))
        total = sum(map(Decimal, amounts), start=Decimal(0))
        held = raw.hget("k", "n").decode()
        assert held == format(total if total else abs(total), "f")
        assert Decimal(raw.hget("k", "twice").decode()) == total + amounts[0]


def test_ten_times_a_tenth_is_one(raw: redis.Redis) -> None:
    apply(raw, *(Sum("k", {"n": Decimal("0.1")}, ttl=100) for _ in range(10)))
    assert raw.hget("k", "n") == b"1.0"
    assert 0 < raw.ttl("k") <= 100


def test_nothing_has_no_sign(raw: redis.Redis) -> None:
    apply(raw, *(Sum("k", {"n": Decimal(amount)}) for amount in ("-0.0", "-1.5", "1.5")), Sum("k", {"m": 2}))
    apply(raw, Sum("k", {"m": -2}))
    assert raw.hgetall("k") == {b"n": b"0.0", b"m": b"0"}


@pytest.mark.parametrize("held", ["text", "", "1e5", "0x10", "nan", "1,5", "9" * 1001, "1.5 "])
def test_what_is_no_decimal_number_is_replaced_and_reported(raw: redis.Redis, held: str) -> None:
    raw.hset("k", mapping={"n": held, "other": "-3.50"})
    assert apply(raw, Sum("k", {"n": Decimal("2.50"), "other": 3})).mended == 1
    assert raw.hgetall("k") == {b"n": b"2.50", b"other": b"-0.50"}


def test_thousands_of_fields_and_members_at_once(raw: redis.Redis) -> None:
    names = [f"n{number}" for number in range(9_000)]
    every = dict.fromkeys(names, 2)
    for _ in range(2):
        apply(raw, Sum("sums", every), Include("set", names), Estimate("estimate", names), Top("top", every))
    assert raw.hgetall("sums") == {name.encode(): b"4" for name in names}
    assert raw.smembers("set") == {name.encode() for name in names}
    assert raw.pfcount("estimate") == pytest.approx(9_000, rel=0.05)
    assert raw.zrange("top", 0, -1, withscores=True) == [(name.encode(), 4.0) for name in sorted(names)]


def test_a_set_has_each_member_once_and_what_counts_them_is_near(raw: redis.Redis) -> None:
    apply(raw, Include("set", ["a", "b", "a"], ttl=100), Estimate("estimate", ["a", "b", "a"], ttl=50))
    apply(raw, Include("set", ["b", "c"]), Estimate("estimate", ["b", "c"]), Include("empty", []), Estimate("none", []))
    assert raw.smembers("set") == {b"a", b"b", b"c"}
    assert raw.pfcount("estimate") == 3
    assert 50 < raw.ttl("set") <= 100
    assert 0 < raw.ttl("estimate") <= 50
    assert not raw.exists("empty", "none")


def test_of_a_rank_only_the_highest_stay(raw: redis.Redis) -> None:
    apply(raw, Top("top", {"a": 5, "b": 3, "c": 1}, limit=2, ttl=100))
    assert raw.zrange("top", 0, -1, withscores=True) == [(b"b", 3.0), (b"a", 5.0)]
    apply(raw, Top("top", {"c": 4, "b": -2}, limit=2))
    assert raw.zrange("top", 0, -1, withscores=True) == [(b"c", 4.0), (b"a", 5.0)]
    assert 0 < raw.ttl("top") <= 100


def test_a_field_is_set_only_if_it_holds_what_is_expected(raw: redis.Redis) -> None:
    def put_if(expected: str | None, value: str) -> int:
        return apply(raw, PutIf("k", "state", expected, value, 100, ("misses", "state"))).unmet

    assert put_if("", "empty is not missing") == 1
    assert put_if(None, "new") == 0
    assert put_if("old", "paid") == 1
    assert put_if("new", "paid") == 0
    assert put_if(None, "again") == 1
    assert raw.hgetall("k") == {b"state": b"paid"}
    assert raw.hgetall("misses") == {b"state": b"3"}
    assert 0 < raw.ttl("k") <= 100
    assert apply(raw, PutIf("k", "state", "paid", "sent"), PutIf("k", "state", "paid", "lost")).unmet == 1
    assert raw.hget("k", "state") == b"sent"


UNCHANGED: dict[str, tuple[str, Effect]] = {
    "condition": ("hash", PutIf("k", "a", "another", "b", ttl=60)),
    "older": ("hash", PutNewest("k", {"a": "b"}, b"1-0", ttl=60)),
    "no counts": ("hash", Count("k", {}, ttl=60, mirror=Mirror("mirror", ttl=60))),
    "no sums": ("hash", Sum("k", {}, ttl=60)),
    "nothing to raise": ("hash", Raise("k", {}, ttl=60)),
    "no fields": ("hash", Put("k", {}, ttl=60)),
    "no members": ("set", Include("k", (), ttl=60)),
    "nothing to estimate": ("estimate", Estimate("k", (), ttl=60)),
    "no ranks": ("rank", Top("k", {}, ttl=60)),
}


@pytest.mark.parametrize("what", UNCHANGED)
def test_what_changes_nothing_gives_no_time_to_live(raw: redis.Redis, what: str) -> None:
    kind, effect = UNCHANGED[what]
    hold(raw, kind)
    apply(raw, effect)
    assert (raw.ttl("k"), raw.ttl("mirror")) == (-1, -1)


def hold(raw: redis.Redis, kind: str) -> None:
    """Let `k` hold something of a kind, for ever."""
    raw.hset("mirror", "a", 1)
    if kind == "hash":
        raw.hset("k", mapping={"a": 1, "at": "2-0"})
    elif kind == "set":
        raw.sadd("k", "a")
    elif kind == "estimate":
        raw.pfadd("k", "a")
    else:
        raw.zadd("k", {"a": 1})


@pytest.mark.parametrize("kind", ["hash", "set", "estimate", "rank"])
def test_a_commit_that_is_refused_gives_no_time_to_live(raw: redis.Redis, kind: str) -> None:
    effects: dict[str, Effect] = {
        "hash": Count("k", {"a": 1}, ttl=60),
        "set": Include("k", ["a"], ttl=60),
        "estimate": Estimate("k", ["a"], ttl=60),
        "rank": Top("k", {"a": 1}, ttl=60),
    }
    hold(raw, kind)
    raw.set("text", "no estimate")
    raw.xadd("s", {"f": "v"})
    ((_, entries),) = raw.xreadgroup("g", "c", {"s": ">"})
    with pytest.raises(WrongType, match="key text is a string and must be a HyperLogLog"):
        commit(raw, [Part(DELIVERY, (entries[0][0],), (effects[kind], Estimate("text", ["a"])))])
    assert raw.ttl("k") == -1


def test_a_key_is_deleted_whatever_it_holds(raw: redis.Redis) -> None:
    raw.set("text", "a")
    raw.xadd("stream", {"f": "v"})
    raw.zadd("rank", {"a": 1})
    apply(raw, *(Delete(key) for key in ("text", "stream", "rank", "missing")), Put("kept", {"a": "b"}))
    assert sorted(raw.keys()) == [b"kept", b"lease:c", b"s"]
    apply(raw, Delete("kept"), Put("kept", {"c": "d"}))
    assert raw.hgetall("kept") == {b"c": b"d"}


EACH: dict[str, Effect] = {
    "sum": Sum("k", {"a": 1}),
    "if": PutIf("k", "a", None, "b"),
    "set": Include("k", ["a"]),
    "estimate": Estimate("k", ["a"]),
    "top": Top("k", {"a": 1}),
    "append": Append("k", {"a": "b"}),
    "json": Merge("k", {"a": 1}, {}, 5, json=True),
}
AS_HASH = {"sum", "if"}


def refused(raw: redis.Redis, *effects: Effect) -> str:
    """What is said when they are committed; nothing may be done of them."""
    raw.xadd("s", {"f": "v"})
    ((_, entries),) = raw.xreadgroup("g", "c", {"s": ">"})
    before = {key: raw.dump(key) for key in raw.scan_iter() if key != b"s"}
    part = Part(DELIVERY, (entries[0][0],), (Put("first", {"a": "b"}), *effects))
    with pytest.raises(WrongType) as error:
        commit(raw, [part])
    assert {key: raw.dump(key) for key in raw.scan_iter() if key != b"s"} == before
    assert raw.xpending("s", "g")["pending"] == 1
    return str(error.value)


@pytest.mark.parametrize("what", [one for one in EACH if one != "json"])
def test_a_key_of_another_type_refuses_all(raw: redis.Redis, what: str) -> None:
    raw.set("k", "HYLL is how one begins")
    assert "key k " in refused(raw, EACH[what])


@pytest.mark.parametrize("one", EACH)
@pytest.mark.parametrize("other", EACH)
def test_two_effects_that_would_make_a_key_two_things_are_refused_before_either(
    raw: redis.Redis, one: str, other: str
) -> None:
    if one == other or {one, other} == AS_HASH or (other == "json" and one in AS_HASH):
        apply(raw, EACH[one], EACH[other])
    elif {one, other} == {"json", "estimate"} or other == "json":
        pass  # (a record that is none is left as it is: see the tests of Merge)
    else:
        assert "key k " in refused(raw, EACH[one], EACH[other])


def test_an_estimate_that_was_damaged_is_left_and_reported(raw: redis.Redis) -> None:
    raw.pfadd("k", *range(10))
    damaged = raw.get("k")[:16] + b"\xff" * 3
    raw.set("k", damaged)
    outcome = apply(raw, Estimate("k", ["a"]), Count("n", {"a": 1}))
    assert outcome.unmerged == ["k"]
    assert (raw.get("k"), raw.hget("n", "a")) == (damaged, b"1")
