"""A user who lacks a command or a key: refused before anything is written, and none the worse when it is given back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
import redis

from connectors import closing, group, group_creation, lease, reading, rebuild
from connectors import commit as commit_module
from connectors.closing import WindowState, close
from connectors.commit import commit
from connectors.connection import Script
from connectors.delivery import Delivery, Part, Read
from connectors.effects import (
    Append,
    Cap,
    Count,
    Delete,
    Fold,
    Merge,
    Mirror,
    Put,
    PutIf,
    PutNewest,
    Raise,
    RaiseId,
    Sum,
)
from connectors.errors import RedisDenied
from connectors.members import Estimate, Include, Top
from connectors.private_redis import PrivateRedis
from connectors.windows import CountSession, CountWindows, Windows, session, tumbling
from tests.chaos.conftest import VERSIONS

DELIVERY = Delivery("s", "g", "c", "lease:c", "token", "counters")
IDS = tuple(f"{number}-0".encode() for number in range(1, 7))
RECORDS = ("record", "object", "text", "hash")
EFFECTS = (
    Count("capped", {"a": 2, "b": 1}, 100, Cap(1, (Fold("", "o", "o"),), ("over", "n"))),
    Count("counted", {"a": 2, "old": 1}, mirror=Mirror("mirror", 100)),
    Raise("raised", {"x": "5.5", "y": "7"}, ttl=100, limit=1, dropped=("room", "n")),
    RaiseId("last", "id", IDS[2]),
    Put("put", {"k": "v"}, ttl=100),
    PutNewest("newest", {"k": "v"}, IDS[2], ttl=100),
    Append("out", {"k": "v"}, max_length=10),
    Sum("sums", {"usd": Decimal("0.1")}, ttl=100),
    PutIf("state", "is", "old", "new", ttl=100, missed=("misses", "n")),
    Include("set", {"a"}, ttl=100),
    Include("newset", {"a"}),
    Estimate("estimate", {"a"}, ttl=100),
    Estimate("newestimate", {"a"}),
    Top("top", {"a": 1}, limit=1, ttl=100),
    Delete("gone"),
    CountWindows("windows", 22.5, 15, (10, 20), {"a": 2}),
    CountSession("windows", "ann", 15, 10, {"a": 3}),
    *(Merge(key, {"f": 1}, {"g": 2}, ttl=100, json=key == "object") for key in RECORDS),
)
KEYS = (
    "s",
    "lease:c",
    "counters",
    "capped",
    "counted",
    "mirror",
    "over",
    "raised",
    "room",
    "last",
    "put",
    "newest",
    "out",
    "sums",
    "state",
    "misses",
    "set",
    "newset",
    "estimate",
    "newestimate",
    "top",
    "gone",
    "windows",
    "windows:10",
    "windows:20",
    "windows:open",
    "windows:of:ann",
)
KEYS = (*KEYS, *RECORDS)

Action = Callable[[redis.Redis], Any]
Dump = dict[str, Any]


FINE = [version for version in VERSIONS if version != "6.2"]
"""Versions whose rules can name the keys of a command."""


@pytest.fixture(scope="module", params=VERSIONS)
def version_server(request: pytest.FixtureRequest) -> Iterator[PrivateRedis]:
    with PrivateRedis(VERSIONS[request.param]) as server:
        yield server


def fresh(raw: redis.Redis, delivered: int) -> None:
    """Six entries, of which the first `delivered` are pending for c, who holds its lease."""
    raw.flushall()
    for one in IDS:
        raw.xadd("s", {"f": "v"}, id=one)
    raw.xgroup_create("s", "g", "0")
    raw.set("lease:c", "token")
    if delivered:
        raw.xreadgroup("g", "c", {"s": ">"}, count=delivered)


def prepare_commit(raw: redis.Redis) -> Action:
    fresh(raw, 4)
    raw.hset("counted", mapping={"old": 5, "other": "no number"})
    raw.hset("raised", "x", "1")
    raw.hset("capped", "full", 1)
    raw.xadd("out", {"k": "older"})
    raw.sadd("set", "old")
    raw.pfadd("estimate", "old")
    raw.zadd("top", {"old": 5})
    raw.set("gone", "here")
    raw.hset("windows", "closed", "25")
    raw.hset("windows:of:ann", mapping={"6": "6", "6 a": 1, "24": "24", "24 a": 1})
    raw.zadd("windows:open", {"6 ann": 16, "24 ann": 34})
    raw.set("text", '{"a": 1}')
    raw.hset("hash", "a", 1)
    delivery = DELIVERY._replace(reads=(Read("c", 4, IDS[3]),))
    parts = [Part(delivery, IDS[:2], EFFECTS), Part(delivery, IDS[2:4], EFFECTS, again=IDS[3:4])]
    return lambda client: commit(client, parts)


def prepare_mending(raw: redis.Redis) -> Action:
    fresh(raw, 2)
    raw.hset("counted", mapping={"a": "no number", "old": 5})
    delivery = DELIVERY._replace(reads=(Read("c", 2, IDS[1]),))
    return lambda client: commit(client, [Part(delivery, IDS[:2], (Count("counted", {"old": 1, "a": 2}),))])


def prepare_losing(raw: redis.Redis) -> Action:
    """What failed is found deleted."""
    fresh(raw, 2)
    raw.hset("counters", "last_id", "0-0")
    raw.xdel("s", IDS[1])
    delivery = DELIVERY._replace(reads=(Read("c", 2, IDS[1]),))
    return lambda client: commit(client, [Part(delivery, IDS[:2], (), again=IDS[1:2])])


def prepare_revocation(raw: redis.Redis) -> Action:
    fresh(raw, 4)
    raw.xack("s", "g", IDS[1])
    raw.xreadgroup("g", "d", {"s": ">"}, count=2)
    whole, revoked = DELIVERY._replace(reads=(Read("d", 2, IDS[5]),)), DELIVERY._replace(reads=(Read("c", 4, IDS[3]),))
    parts = [Part(whole, IDS[4:6], EFFECTS), Part(revoked, IDS[:4], EFFECTS)]
    return lambda client: commit(client, parts)


def prepare_takeover(raw: redis.Redis) -> Action:
    fresh(raw, 4)
    raw.xdel("s", IDS[0])
    raw.set("lease:heir", "token")
    keys = ["s", "lease:heir", "gone", "counters"]
    return lambda client: group._recover(client, keys, ["g", "heir", "token", "c", 10, 0])


def prepare_hole(raw: redis.Redis) -> Action:
    fresh(raw, 2)
    raw.xdel("s", *IDS[2:4])
    raw.xdel("s", *IDS[:2])
    return lambda client: reading._before_read(client, ["s", "lease:c", "counters"], ["g", "token"])


def prepare_fencing(raw: redis.Redis) -> Action:
    fresh(raw, 2)
    raw.delete("lease:c")
    return lambda client: lease._acquire(client, ["lease:c", "counters"], ["new", "token", 60_000])


def prepare_creation(raw: redis.Redis) -> Action:
    fresh(raw, 0)
    raw.xgroup_destroy("s", "g")
    return lambda client: group_creation._create_group(client, ["s", "counters"], ["g", "0"])


def prepare_closing(raw: redis.Redis) -> Action:
    fresh(raw, 0)
    raw.hset("windows", mapping={"newest": "30", "closed": "5"})
    raw.zadd("windows:open", {"0": 10, "5": 15})
    raw.hset("windows:0", "a", 1)
    raw.hset("windows:5", "a", 2)
    windows, state = Windows("windows", tumbling(10)), WindowState(30.0, 0, ((b"0", 10.0), (b"5", 15.0)), 0)
    return lambda client: close(windows, client, state)


def prepare_closing_of_sessions(raw: redis.Redis) -> Action:
    fresh(raw, 0)
    raw.hset("sessions", "newest", "30")
    raw.zadd("sessions:open", {"0 ann": 10, "20 ann": 30})
    raw.hset("sessions:of:ann", mapping={"0": "0", "0 a": 1, "20": "20", "20 a": 1})
    windows, state = Windows("sessions", session(10)), WindowState(30.0, 0, ((b"0 ann", 10.0),), 1)
    return lambda client: close(windows, client, state)


def prepare_swap(raw: redis.Redis) -> Action:
    fresh(raw, 2)
    raw.xgroup_create("s", "g:rebuild", "0")
    raw.xreadgroup("g:rebuild", "x:11111111.-.1", {"s": ">"}, count=2)
    raw.set("lock", "token")
    raw.hset("counters:rebuild", mapping={"last_id": IDS[1], "group_start": "0"})
    raw.hset("counters:rebuild:keys", mapping={"put": "100", "sums": "0"})
    raw.hset("put", "k", "old")
    raw.hset("put:rebuild", "k", "new")
    raw.hset("sums", "k", "old")
    for key, one in (("dead", IDS[0]), ("dead", IDS[5]), ("dead:rebuild", IDS[1])):
        raw.xadd(key, {"stream": "s", "group": "g", "id": one})
    keys = ["lock", "s", "counters", "counters:rebuild", "counters:rebuild:keys", "dead", "dead:rebuild"]
    keys += ["put", "put:rebuild", "sums", "sums:rebuild"]
    args = ["token", "SWAP", 2, 1, "g", "g:rebuild", 1, 2, 100, 0]
    return lambda client: rebuild._swap(client, keys, args)


PREPARATIONS: dict[str, tuple[Callable[[redis.Redis], Action], Script]] = {
    "commit": (prepare_commit, commit_module._commit),
    "commit that mends a field": (prepare_mending, commit_module._commit),
    "commit that loses what failed": (prepare_losing, commit_module._commit),
    "commit that revokes a lease": (prepare_revocation, commit_module._commit),
    "takeover": (prepare_takeover, group._recover),
    "hole": (prepare_hole, reading._before_read),
    "fencing": (prepare_fencing, lease._acquire),
    "closing": (prepare_closing, closing._close),
    "closing of sessions": (prepare_closing_of_sessions, closing._close),
    "swap": (prepare_swap, rebuild._swap),
    "creation": (prepare_creation, group_creation._create_group),
}


def dump(raw: redis.Redis) -> Dump:
    """All that counts: not a count of nothing, nor how long something still lives."""
    found: Dump = {}
    for key in sorted(raw.keys()):
        kind = raw.type(key)
        if kind == b"hash":
            fields = {field: value for field, value in raw.hgetall(key).items() if value != b"0"}
            if fields:
                found[key.decode()] = fields
        elif kind == b"stream":
            found[key.decode()] = [fields for _, fields in raw.xrange(key)]
        elif kind == b"set":
            found[key.decode()] = raw.smembers(key)
        elif kind == b"zset":
            found[key.decode()] = raw.zrange(key, 0, -1, withscores=True)
        else:
            found[key.decode()] = raw.get(key)
    for row in raw.xinfo_groups("s"):
        pending = raw.xpending_range("s", row["name"], "-", "+", 100)
        found["group"] = (row["last-delivered-id"], row.get("entries-read"))
        found["pending"] = {one["message_id"]: one["consumer"] for one in pending}
    return found


def commands(raw: redis.Redis, script: Script) -> list[str]:
    """The commands that the script calls, in lower case."""
    known = set(raw.command())
    return sorted(word for word in set(map(str.lower, re.findall(r"'([A-Z]+)'", script.source))) if word in known)


def assert_refused_whole(server: PrivateRedis, prepare: Callable[[redis.Redis], Action], *rules: str) -> bool:
    """Whether a user with `rules` is refused; if so, before anything counts, and with all rights it then succeeds."""
    with server.client() as raw:
        prepare(raw)(raw)
        expected = dump(raw)
        action = prepare(raw)
        before = dump(raw)
        raw.execute_command("ACL", "SETUSER", "limited", "reset", "on", ">pass", *rules)
        with server.client(username="limited", password="pass") as limited:
            try:
                action(limited)
            except RedisDenied:
                refused = True
                assert dump(raw) == before, rules
                raw.execute_command("ACL", "SETUSER", "limited", "reset", "on", ">pass", "~*", "+@all")
                action(limited)
            else:
                refused = False
        assert dump(raw) == expected, rules
        return refused


@pytest.mark.parametrize("what", PREPARATIONS)
def test_without_any_one_command_nothing_is_done_by_halves(version_server: PrivateRedis, what: str) -> None:
    prepare, script = PREPARATIONS[what]
    with version_server.client() as raw:
        names = commands(raw, script)
    refused = [name for name in names if assert_refused_whole(version_server, prepare, "~*", "+@all", f"-{name}")]
    assert refused, names


@pytest.mark.parametrize("missing", KEYS)
def test_without_any_one_key_nothing_is_done_by_halves(version_server: PrivateRedis, missing: str) -> None:
    rules = [f"~{key}" for key in KEYS if key != missing]
    assert assert_refused_whole(version_server, prepare_commit, *rules, "+@all")


@pytest.mark.parametrize("version_server", FINE, indirect=True)
@pytest.mark.parametrize("missing", KEYS)
def test_without_any_one_command_on_any_one_key_nothing_is_done_by_halves(
    version_server: PrivateRedis, missing: str
) -> None:
    rest = " ".join(f"~{key}" for key in KEYS if key != missing)
    needed = 0
    with version_server.client() as raw:
        names = commands(raw, commit_module._commit)
    for name in names:
        needed += assert_refused_whole(version_server, prepare_commit, "~*", "+@all", f"-{name}", f"(+{name} {rest})")
    assert needed
