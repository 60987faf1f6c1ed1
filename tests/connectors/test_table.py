"""Passes over a table of hashes on a real Redis."""

from __future__ import annotations

import time
from collections.abc import Mapping

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from connectors.private_redis import PrivateRedis
from connectors.table import HashTable, InvalidRow, glob_escape


def parse(_name: str, fields: Mapping[bytes, bytes]) -> int:
    try:
        return int(fields[b"n"])
    except (KeyError, ValueError):
        raise InvalidRow("n is no number") from None


def table(prefix: str = "t:") -> HashTable[int]:
    return HashTable(prefix, (b"n",), parse, excluded="out:")


@pytest.fixture
def raw(server: PrivateRedis, client: redis.Redis) -> redis.Redis:
    """A client as the connectors have it."""
    return server.client()


def test_a_pass_reads_every_row_once_and_nothing_else(raw: redis.Redis) -> None:
    for number in range(2_500):
        raw.hset(f"t:{number:04}", "n", number)
    raw.hset("t:out:1", "n", 1)
    raw.hset("u:1", "n", 1)
    raw.hset("xt:1", "n", 1)
    before = time.time()
    found = table().read(raw)
    assert list(found.rows.items()) == [(f"{number:04}", number) for number in range(2_500)]
    assert found.invalid == 0
    assert before <= found.at <= time.time()


@pytest.mark.parametrize("prefix", ["{t}:", "[t]:", "t*:", "t?:", "t\\:", "t^-:"])
def test_a_prefix_means_itself(raw: redis.Redis, prefix: str) -> None:
    raw.hset(f"{prefix}a", "n", 1)
    raw.hset(f"{prefix}out:a", "n", 2)
    for other in ("t:b", "tt:b", "txx:b", "ta:b"):
        raw.hset(other, "n", 3)
    assert table(prefix).read(raw).rows == {"a": 1}


@given(st.text(st.characters(codec="ascii", categories=["L", "P", "S"]), min_size=1, max_size=8))
def test_an_escaped_text_matches_itself_and_no_other(server: PrivateRedis, text: str) -> None:
    with server.client(decode_responses=True) as one:
        one.flushall()
        one.set(text, "")
        one.set(f"{text}x", "")
        one.set("other", "")
        assert set(one.scan_iter(match=glob_escape(text))) == {text}


def test_rows_that_cannot_be_used_are_skipped_counted_and_named_until_they_are_mended(raw: redis.Redis) -> None:
    one = table()
    raw.hset("t:fine", "n", 1)
    raw.hset("t:nan", "n", "x")
    raw.hset("t:none", "other", "x")
    raw.set("t:text", "x")
    with capture_logs() as logs:
        for _ in range(2):
            found = one.read(raw)
            assert (found.rows, found.invalid) == ({"fine": 1}, 3)
        (line,) = logs
        assert (line["log_level"], line["count"]) == ("warning", 3)
        assert [part.partition(":")[0] for part in line["which"].split("; ")] == ["nan", "none", "text"]
        raw.hset("t:nan", "n", 2)
        raw.delete("t:text")
        found = one.read(raw)
        assert (found.rows, found.invalid) == ({"fine": 1, "nan": 2}, 1)
        assert (logs[1]["log_level"], logs[1]["which"]) == ("info", "nan, text")
        raw.hset("t:nan", "n", "y")
        assert one.read(raw).invalid == 2
        assert logs[2]["which"].startswith("nan: ")
    assert len(logs) == 3


def test_a_line_names_a_few_and_counts_the_rest(raw: redis.Redis) -> None:
    for number in range(30):
        raw.set(f"t:{number:02}\n", "x")
    with capture_logs() as logs:
        assert table().read(raw).invalid == 30
    assert logs[0]["count"] == 30
    assert logs[0]["which"].count("WRONGTYPE") == 5
    assert logs[0]["which"].isprintable()


def test_a_row_that_vanishes_during_a_pass_is_no_fault(raw: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    raw.hset("t:a", "n", 1)
    raw.hset("t:b", "n", 2)
    one = table()
    keys = one._keys

    def vanish(client: redis.Redis) -> list[bytes]:
        found = keys(client)
        raw.delete("t:b")
        return found

    monkeypatch.setattr(one, "_keys", vanish)
    with capture_logs() as logs:
        found = one.read(raw)
    assert (found.rows, found.invalid, logs) == ({"a": 1}, 0, [])


def test_nothing_blocks_redis_with_keys(raw: redis.Redis) -> None:
    raw.hset("t:a", "n", 1)
    raw.config_resetstat()
    table().read(raw)
    assert "cmdstat_keys" not in raw.info("commandstats")
