"""Merge on real Redis servers: what another has written stays to the last digit, and nothing stops the commit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from connectors.commit import CommitOutcome, commit
from connectors.delivery import Delivery, Part, Read
from connectors.effects import Merge, Scalar
from connectors.private_redis import PrivateRedis
from tests.support.services import prepare

DELIVERY = Delivery("s", "g", "c", "lease:c", "token")
FIELDS: dict[str, Scalar] = {"eff": Decimal("0.20"), "why": 'a "b"\n', "none": None, "yes": True, "n": 12}
BESIDE: dict[str, Scalar] = {"made": "here", "no": False}
IN_HASH = {b"eff": b"0.20", b"why": b'a "b"\n', b"none": b"", b"yes": b"1", b"n": b"12"}
IN_JSON = [("eff", "0.20"), ("why", 'a "b"\n'), ("none", None), ("yes", True), ("n", "12")]


@pytest.fixture
def raw(versioned: PrivateRedis) -> Iterator[redis.Redis]:
    with versioned.client() as one:
        prepare(one)
        yield one


def read(entries: int) -> Delivery:
    return DELIVERY._replace(reads=(Read("c", entries),))


def merge(raw: redis.Redis, *, made_json: bool = False, key: str = "k") -> CommitOutcome:
    """Commit one entry that merges FIELDS into `key`."""
    raw.xadd("s", {"f": "v"})
    ((_, entries),) = raw.xreadgroup("g", "c", {"s": ">"})
    outcome = commit(raw, [Part(read(1), (entries[0][0],), (Merge(key, FIELDS, BESIDE, 60, made_json),))])
    assert len(outcome.applied) == 1
    assert raw.xpending("s", "g")["pending"] == 0
    return outcome


def members(text: bytes | str) -> list[tuple[str, Any]]:
    """The members of a JSON object in their order, repeated ones too, and numbers as they are written."""
    found: Any = json.loads(text, object_pairs_hook=list, parse_float=str, parse_int=str)
    return [tuple(pair) for pair in found]


@pytest.mark.parametrize("made_json", [False, True])
def test_a_record_that_is_missing_is_made(raw: redis.Redis, made_json: bool) -> None:
    assert merge(raw, made_json=made_json).unmerged == []
    assert 0 < raw.ttl("k") <= 60
    if made_json:
        assert members(raw.get("k")) == [*IN_JSON, ("made", "here"), ("no", False)]
    else:
        assert raw.hgetall("k") == {**IN_HASH, b"made": b"here", b"no": b"0"}


@pytest.mark.parametrize("ttl", [1_000, None])
def test_a_hash_keeps_its_other_fields_and_its_time_to_live(raw: redis.Redis, ttl: int | None) -> None:
    raw.hset("k", mapping={"made": "elsewhere", "eff": "old", "\udcff".encode("utf-8", "surrogateescape"): "x"})
    if ttl:
        raw.expire("k", ttl)
    merge(raw, made_json=True)
    assert raw.hgetall("k") == {b"made": b"elsewhere", b"\xff": b"x", **IN_HASH}
    assert raw.ttl("k") == (pytest.approx(ttl, abs=2) if ttl else -1)


@pytest.mark.parametrize("ttl", [1_000, None])
def test_an_object_keeps_its_other_members_and_its_time_to_live(raw: redis.Redis, ttl: int | None) -> None:
    theirs = '{"granted": true, "made": "elsewhere", "list": [], "big": 12345678901234567890, "x": 1.10, "e": 1E+2}'
    raw.set("k", theirs, ex=ttl)
    merge(raw)
    text = raw.get("k").decode()
    assert text.startswith(theirs[:-1])
    assert members(text) == [*members(theirs), *IN_JSON]
    assert raw.ttl("k") == (pytest.approx(ttl, abs=2) if ttl else -1)


@pytest.mark.parametrize(
    "theirs",
    [
        '{"eff":1,"a":2}',
        '{"a":2,"eff":{"eff":1},"eff":[3]}',
        '{"a":2,"e\\u0066f":1}',
        '\n{ "eff" : "}" , "a" : 2 } ',
        '{"why":"\\\\","a":2,"n":"\\""}',
    ],
)
def test_members_that_are_there_already_are_replaced(raw: redis.Redis, theirs: str) -> None:
    raw.set("k", theirs)
    merge(raw)
    assert members(raw.get("k")) == [("a", "2"), *IN_JSON]


def test_what_python_writes_that_is_not_quite_json_is_merged_too(raw: redis.Redis) -> None:
    raw.set("k", json.dumps({"a": float("nan"), "b": -float("inf")}))
    merge(raw)
    assert raw.get("k").startswith(b'{"a": NaN, "b": -Infinity,"eff":0.20,')


NO_OBJECTS = [
    "",
    "text",
    "[1]",
    "[]",
    '"a"',
    "1",
    "null",
    "{",
    '{"a":1',
    '{"a":1}x',
    '{"a"}',
    "{'a':1}",
    '{"a":1,}',
    "}",
]


@pytest.mark.parametrize("theirs", NO_OBJECTS)
def test_a_text_that_is_no_object_is_left_as_it_is_and_told_of(raw: redis.Redis, theirs: str) -> None:
    raw.set("k", theirs, ex=1_000)
    assert merge(raw).unmerged == ["k"]
    assert raw.get("k") == theirs.encode()
    assert raw.ttl("k") > 900


def test_a_key_of_another_type_is_left_as_it_is_and_told_of(raw: redis.Redis) -> None:
    raw.rpush("k\x1b", "a")
    assert merge(raw, key="k\x1b").unmerged == ["k�"]
    assert raw.lrange("k\x1b", 0, -1) == [b"a"]


@pytest.mark.parametrize("made_json", [False, True])
def test_a_record_made_in_the_same_commit_is_merged_into(raw: redis.Redis, made_json: bool) -> None:
    for _ in range(2):
        raw.xadd("s", {"f": "v"})
    ((_, entries),) = raw.xreadgroup("g", "c", {"s": ">"})
    first, second = (Merge("k", {"a": number}, {"b": number}, 60, made_json) for number in (1, 2))
    commit(raw, [Part(read(2), (entries[0][0],), (first,)), Part(read(2), (entries[1][0],), (second,))])
    if made_json:
        assert dict(members(raw.get("k"))) == {"a": "2", "b": "1"}
    else:
        assert raw.hgetall("k") == {b"a": b"2", b"b": b"1"}
    assert 0 < raw.ttl("k") <= 60


def test_bytes_that_are_no_text_come_out_as_they_went_in(raw: redis.Redis) -> None:
    merge(raw, key=b"k:\xff\xc3\xa9".decode("utf-8", "surrogateescape"))
    assert raw.hget(b"k:\xff\xc3\xa9", "eff") == b"0.20"


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)
OBJECTS = st.dictionaries(st.sampled_from(["eff", "why", "n"]) | st.text(max_size=4), JSON_VALUES, max_size=5)


@given(OBJECTS, st.sampled_from([None, 0, 2]), st.booleans(), st.sampled_from(["", " ", "\n\t"]))
def test_any_object_keeps_what_is_its_own(
    versioned: PrivateRedis, theirs: dict[str, Any], indent: int | None, ascii_only: bool, around: str
) -> None:
    text = around + json.dumps(theirs, indent=indent, ensure_ascii=ascii_only) + around
    with versioned.client() as raw:
        prepare(raw)
        raw.set("k", text.encode())
        assert merge(raw).unmerged == []
        kept = [(name, value) for name, value in members(text) if name not in FIELDS]
        assert members(raw.get("k")) == [*kept, *IN_JSON]
