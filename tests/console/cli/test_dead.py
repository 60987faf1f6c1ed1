"""`quantum dead`: what it shows of dead letters, and that each is put back once, whoever asks and however often."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
import redis
from typer.testing import Result

from connectors.commit import commit
from connectors.dead_letters import MOST_FIELDS, parse, replay
from connectors.delivery import Batch, Delivery, Entry, Read
from connectors.errors import RedisFailure
from connectors.per_entry import Message, each
from connectors.private_redis import PrivateRedis
from console.queries import dead as dead_module
from console.queries import fetch
from tests.support.quantum import here

KEY = "quantum:stream:dead"
HOSTILE = [b"name\x1b[2J", b"\xff\x00value\n", "é".encode(), b""]


def as_admin(server: PrivateRedis, *arguments: str) -> Result:
    """`quantum dead`, as whoever may do anything."""
    return here(server.url, "dead", *arguments, "--redis-url", server.url.replace("redis://", "redis://writer:pass@"))


@pytest.fixture
def raw(server: PrivateRedis, client: redis.Redis) -> Any:
    client.execute_command("ACL", "SETUSER", "writer", "reset", "on", ">pass", "~*", "+@all")
    with server.client() as one:
        yield one
    client.execute_command("ACL", "DELUSER", "writer")


def fail(raw: redis.Redis, *entries: list[bytes], stream: str = "orders", error: str = "no") -> list[bytes]:
    """Let a flow fail on entries of these fields; the IDs of the dead letters."""

    def function(_entry: Message) -> Any:
        raise RuntimeError(error)

    before = raw.xlen(KEY)
    raw.xgroup_create(stream, "g", "$", mkstream=True)
    raw.set("lease:c", "token")
    ids = [raw.execute_command("XADD", stream, "*", *fields) for fields in entries]
    raw.xreadgroup("g", "c", {stream: ">"})
    delivery = Delivery(stream, "g", "c", "lease:c", "token", reads=(Read("c", len(ids)),), failures=2)
    batch = Batch(delivery, [Entry(*pair) for pair in zip(ids, entries, strict=True)])
    assert commit(raw, [each(function, KEY)(batch)]).applied
    raw.xgroup_destroy(stream, "g")
    return [one for one, _fields in raw.xrange(KEY)][before:]


def entries(raw: redis.Redis, stream: str = "orders") -> list[list[bytes]]:
    """The fields of each entry, as they are."""
    return [fields for _id, fields in raw.eval("return redis.call('XRANGE', KEYS[1], '-', '+')", 1, stream)]


def test_they_are_listed_newest_first_and_shown_whole(server: PrivateRedis, raw: redis.Redis) -> None:
    first, second = fail(raw, [b"n", b"1"], HOSTILE)
    raw.xadd(KEY, {"some": "thing else"})
    done = here(server.url, "dead", "list", KEY)
    lines = done.stdout.splitlines()
    assert [line.split()[0].encode() for line in lines[:2]] == [second, first]
    assert "of orders, tried 3 x: RuntimeError: no" in lines[0]
    assert lines[2] == "2 shown; the stream has 3, and of 3 looked at 1 are no dead letters"
    shown = here(server.url, "dead", "show", KEY, second.decode())
    assert "\x1b" not in shown.stdout
    assert "error: RuntimeError: no" in shown.stdout.splitlines()
    assert [line for line in shown.stdout.split("\n") if line.startswith("  ")] == [
        "  name\ufffd[2J: \ufffd\ufffdvalue\ufffd",
        "  é: ",
    ]
    told = json.loads(here(server.url, "dead", "show", KEY, second.decode(), "--json").stdout)
    assert told["fields"] == [["name\x1b[2J", "\ufffd\x00value\n"], ["é", ""]]
    assert (told["group"], told["attempts"], told["stream"]) == ("g", 3, "orders")


def test_what_is_hostile_in_a_dead_letter_is_printable(server: PrivateRedis, raw: redis.Redis) -> None:
    raw.xadd(KEY, {"stream": b"s\x1b]0;x\xff", "id": "\x07", "error": "\r\n\x1b[1m", "fields": '["a", "\\u001b"]'})
    (letter,) = [one for one, _fields in raw.xrange(KEY)]
    for arguments in (["list", KEY], ["show", KEY, letter.decode()], ["replay", KEY]):
        done = here(server.url, "dead", *arguments)
        assert done.exit_code == 0
        assert not [one for one in done.stdout if not one.isprintable() and one != "\n"]
        assert here(server.url, "dead", *arguments, "--json").stdout.isascii()


def test_filters_narrow_and_limits_hold(
    server: PrivateRedis, raw: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dead_module, "PAGE", 2)
    orders = fail(raw, *([b"n", b"%d" % number] for number in range(5)))
    others = fail(raw, [b"n", b"9"], stream="others", error="KeyError of mine")

    def listed(*arguments: str) -> list[bytes]:
        told = json.loads(here(server.url, "dead", "list", KEY, "--json", *arguments).stdout)
        return [one["id"].encode() for one in told["letters"]]

    assert listed() == others + orders[::-1]
    assert listed("--stream", "others") == listed("--error", "KeyError") == others
    assert listed("--stream", "orders", "-n", "2") == orders[:2:-1]
    assert listed("--stream", "none") == []
    monkeypatch.setattr(dead_module, "MOST_LOOKED_AT", 3)
    assert listed() == [*others, *orders[:2:-1]]


def test_an_entry_is_put_back_byte_by_byte_and_its_dead_letter_is_gone(server: PrivateRedis, raw: redis.Redis) -> None:
    strange = [*HOSTILE, b"name\x1b[2J", b"again"]
    fail(raw, [b"n", b"1"], strange)
    before = raw.xlen("orders")
    dry = as_admin(server, "replay", KEY)
    assert (dry.exit_code, "nothing was done: add --yes" in dry.stderr) == (0, True)
    assert (raw.xlen("orders"), raw.xlen(KEY)) == (before, 2)
    done = as_admin(server, "replay", KEY, "--yes")
    assert done.exit_code == 0, done.stderr
    assert entries(raw)[before:] == [[b"n", b"1"], strange]
    assert raw.xlen(KEY) == 0
    assert done.stdout.count("put back: ") == 2
    again = as_admin(server, "replay", KEY, "--yes")
    assert (again.exit_code, raw.xlen("orders")) == (0, before + 2)


def test_named_ones_are_put_back_and_those_that_are_gone_are_told(server: PrivateRedis, raw: redis.Redis) -> None:
    first, second = (one.decode() for one in fail(raw, [b"n", b"1"], [b"n", b"2"]))
    told = json.loads(as_admin(server, "replay", KEY, second, "1-1", second, "--yes", "--json").stdout)
    assert [(one["id"], one["outcome"]) for one in told["letters"]] == [(second, "put back"), ("1-1", "gone")]
    assert told["letters"][0]["new_id"].encode() == raw.xrevrange("orders", count=1)[0][0]
    assert [one for one, _fields in raw.xrange(KEY)] == [first.encode()]


def test_all_that_are_named_are_put_back_however_many(
    server: PrivateRedis, raw: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dead_module, "PAGE", 2)
    ids = [one.decode() for one in fail(raw, *([b"n", b"%d" % number] for number in range(5)))]
    done = as_admin(server, "replay", KEY, *ids, "--limit", "1", "--yes")
    assert [line.split()[0] for line in done.stdout.splitlines()] == ids
    assert raw.xlen(KEY) == 0


def test_no_more_is_read_than_is_asked_for_and_no_fields_are_kept(
    raw: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dead_module, "PAGE", 3)
    fail(raw, *([b"n", b"%d" % number] for number in range(8)))
    asked: list[int] = []

    def ask_all(client: redis.Redis, commands: list[tuple[Any, ...]]) -> Any:
        asked.extend(command[-1] for command in commands if "COUNT" in command)
        return fetch.ask_all(client, commands)

    monkeypatch.setattr(dead_module, "ask_all", ask_all)
    found = [dead_module.read_dead(raw, KEY, dead_module.Wanted(), limit) for limit in (2, 5)]
    assert [len(one.letters) for one in found if one] == [2, 5]
    assert asked == [2, 3, 3]
    assert {letter.fields for one in found if one for letter in one.letters} == {()}


def test_two_operators_at_once_put_each_back_once(server: PrivateRedis, raw: redis.Redis) -> None:
    fail(raw, *([b"n", b"%d" % number] for number in range(200)))
    letters = [parse(one, fields) for one, fields in raw.xrange(KEY)]
    before, start = raw.xlen("orders"), threading.Barrier(4)
    new: list[bytes | None] = []

    def operator() -> None:
        with server.client() as own:
            start.wait()
            new.extend(replay(own, KEY, one) for one in letters if one)

    threads = [threading.Thread(target=operator) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(map(str, entries(raw)[before:])) == sorted(str([b"n", b"%d" % number]) for number in range(200))
    assert (len(new), len([one for one in new if one])) == (800, 200)


def test_a_stream_that_is_none_refuses_that_one_alone(server: PrivateRedis, raw: redis.Redis) -> None:
    (bad,) = fail(raw, [b"n", b"1"], stream="others")
    (good,) = fail(raw, [b"n", b"2"])
    raw.delete("others")
    raw.set("others", "text")
    done = as_admin(server, "replay", KEY, "--yes")
    assert done.exit_code == 1
    assert "key others is a string and must be a stream" in done.stdout
    assert [one for one, _fields in raw.xrange(KEY)] == [bad]
    assert good
    raw.delete("others")
    assert as_admin(server, "replay", KEY, "--yes").exit_code == 0
    assert entries(raw, "others") == [[b"n", b"1"]]


def test_an_entry_that_lua_cannot_take_is_refused_before_anything_is_done(raw: redis.Redis) -> None:
    (one,) = fail(raw, [b"n"] * (2 * MOST_FIELDS + 2))
    letter = parse(*raw.xrange(KEY)[0])
    assert letter
    with pytest.raises(ValueError, match="cannot be put back"):
        replay(raw, KEY, letter)
    assert raw.xrange(KEY)[0][0] == one
    (most,) = fail(raw, [b"n"] * (2 * MOST_FIELDS), stream="others")
    letter = parse(*raw.xrange(KEY, min=most)[0])
    assert letter
    assert replay(raw, KEY, letter)


def test_a_stream_that_takes_no_more_entries_leaves_the_dead_letter(raw: redis.Redis) -> None:
    (one,) = fail(raw, [b"n", b"1"])
    letter = parse(*raw.xrange(KEY)[0])
    raw.execute_command("XSETID", "orders", f"{2**64 - 1}-{2**64 - 1}")
    assert letter
    with pytest.raises(RedisFailure, match="exhausted"):
        replay(raw, KEY, letter)
    assert raw.xrange(KEY)[0][0] == one


@pytest.mark.parametrize("lacks", ["-xadd", "-xdel", "-type", "-evalsha -eval"])
def test_without_a_right_nothing_is_done_by_halves(server: PrivateRedis, raw: redis.Redis, lacks: str) -> None:
    fail(raw, [b"n", b"1"])
    before = raw.xlen("orders")
    raw.execute_command("ACL", "SETUSER", "writer", *lacks.split())
    done = as_admin(server, "replay", KEY, "--yes")
    assert done.exit_code == 3
    assert (raw.xlen("orders"), raw.xlen(KEY)) == (before, 1)
    assert "this Redis user may not put entries back" in done.stderr


def test_who_only_reads_is_told_so(server: PrivateRedis, raw: redis.Redis) -> None:
    fail(raw, [b"n", b"1"], stream="quantum:stream:orders")
    assert here(server.url, "dead", "replay", KEY).exit_code == 0
    done = here(server.url, "dead", "replay", KEY, "--yes")
    assert done.exit_code == 3
    assert len(done.stderr.splitlines()) == 1
    assert f"needs XADD on quantum:stream:orders and XDEL on {KEY}" in done.stderr
    assert raw.xlen(KEY) == 1


def test_what_cannot_be_asked_is_said(server: PrivateRedis, raw: redis.Redis) -> None:
    for arguments in (["list", KEY], ["replay", KEY], ["show", KEY, "1-0"]):
        assert here(server.url, "dead", *arguments).exit_code == 3
    for arguments in (["show", KEY, "x"], ["replay", KEY, "5"], ["replay", KEY, "1-0", "--stream", "s"]):
        assert here(server.url, "dead", *arguments).exit_code == 2
    raw.set(KEY, "text")
    done = here(server.url, "dead", "list", KEY)
    assert (done.exit_code, KEY in done.stderr) == (3, True)


GOOD = {b"stream": b"s", b"id": b"1-0", b"fields": b'["a", "b"]'}


@pytest.mark.parametrize(
    "change",
    [
        {b"stream": b""},
        *(
            {b"fields": one}
            for one in (b"", b"[]", b"{", b'["a"]', b'"ab"', b"[1, 2]", b'["\\ud800", ""]', b"[" * 9_999)
        ),
    ],
)
def test_what_is_no_dead_letter_is_none(change: dict[bytes, bytes]) -> None:
    assert parse(b"1-0", GOOD)
    assert parse(b"1-0", GOOD | change) is None
    assert parse(b"1-0", {}) is None


def test_numbers_of_a_dead_letter_that_are_none_are_unknown() -> None:
    letter = parse(b"1-0", GOOD | {b"failed_at": b"inf", b"attempts": b"9" * 5_000})
    assert letter
    assert (letter.failed_at, letter.attempts) == (None, None)
