"""The decisions of a minute, from a stream that was written by hand."""

from __future__ import annotations

import json
from typing import Any

import pytest
import redis

from connectors.private_redis import PrivateRedis
from console.queries import entries
from console.queries.entries import LATEST_SEC, Filter, ask_entries
from tests.support.quantum import here

STREAM = "quantum:stream:apply.result"
MINUTE = 29_400_000
BEGIN = MINUTE * 60
ALL = Filter()


def add(client: redis.Redis, published: float, decided: float | None = None, gate: str = "g", symbol: str = "S") -> str:
    """An entry; its ID."""
    fields: dict[Any, Any] = {"decision": "BLOCKED", "symbol": symbol, "error": gate}
    at = fields if decided is None else fields | {"timestamp": decided}
    return str(client.xadd(STREAM, at, id=f"{int(published * 1_000)}-*"))


def asked(server: PrivateRedis, wanted: Filter = ALL, limit: int = 100) -> dict[str, Any]:
    with server.client() as raw:
        return entries.as_json(ask_entries(raw, "quantum", MINUTE, wanted, limit, 10.0))


def test_a_decision_belongs_to_the_minute_in_which_it_was_made(client: redis.Redis, server: PrivateRedis) -> None:
    add(client, BEGIN - 20)
    early = add(client, BEGIN - 5, BEGIN + 2)
    inside = add(client, BEGIN + 30)
    add(client, BEGIN + 40, BEGIN - 1)
    late = add(client, BEGIN + 60 + LATEST_SEC - 1, BEGIN + 59.5)
    add(client, BEGIN + 60 + LATEST_SEC + 1, BEGIN + 59.5)
    said = asked(server)
    assert [one["id"] for one in said["entries"]] == [early, inside, late]
    assert [one["time"] for one in said["entries"]] == [BEGIN + 2, BEGIN + 30, BEGIN + 59.5]
    assert (said["complete"], said["trimmed"], said["looked_at"]) == (True, False, 4)
    assert said["entries"][0]["fields"] == {
        "decision": "BLOCKED",
        "symbol": "S",
        "error": "g",
        "timestamp": str(BEGIN + 2),
    }


def test_a_gate_and_a_symbol_narrow_and_a_limit_says_that_there_are_more(
    client: redis.Redis, server: PrivateRedis
) -> None:
    for number in range(4):
        add(client, BEGIN + number, gate="a:detail" if number % 2 else "b", symbol=f"S{number}")
    wanted = Filter(reasons=frozenset(["a"]))
    assert [one["symbol"] for one in asked(server, wanted)["entries"]] == ["S1", "S3"]
    both = Filter(frozenset(["S3"]), frozenset(["a"]))
    assert [one["reason"] for one in asked(server, both)["entries"]] == ["a:detail"]
    first = asked(server, wanted, limit=1)
    assert ([one["symbol"] for one in first["entries"]], first["complete"]) == (["S1"], False)
    client.xtrim(STREAM, maxlen=2, approximate=False)
    assert asked(server, wanted)["trimmed"]


def test_it_reads_page_by_page_and_not_for_ever(
    client: redis.Redis, server: PrivateRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entries, "PAGE", 3)
    monkeypatch.setattr(entries, "MOST_LOOKED_AT", 8)
    for number in range(7):
        add(client, BEGIN + number // 5)
    assert (asked(server)["looked_at"], asked(server)["complete"]) == (7, True)
    for _ in range(5):
        add(client, BEGIN + 9)
    said = asked(server)
    assert (said["looked_at"], len(said["entries"]), said["complete"]) == (8, 8, False)


def test_tail_shows_what_was_published_in_a_span(client: redis.Redis, server: PrivateRedis) -> None:
    for second in (-1, 0, 59.999, 60):
        add(client, BEGIN + second, symbol=f"S{second}")

    def tail(*arguments: str) -> list[str]:
        done = here(server.url, "tail", "--json", *arguments)
        assert done.exit_code == 0, done.stderr
        return [json.loads(line)["symbol"] for line in done.stdout.splitlines()]

    assert tail("--since", str(BEGIN), "--until", str(BEGIN + 60)) == ["S0", "S59.999"]
    assert tail("--since", str(BEGIN), "--no-follow") == ["S0", "S59.999", "S60"]
    for wrong, said in (
        (("--until", "1h"), "--until needs --since"),
        (("--since", "2h", "-n", "3"), "--since and --lines: one of them is enough"),
        (("--since", "1h", "--until", "2h"), "--until must be later than --since"),
    ):
        done = here(server.url, "tail", *wrong)
        assert (done.exit_code, done.stdout, done.stderr) == (2, "", f"quantum: {said}\n")
