"""Names on the command line that are no UTF-8 name what the flow has made of them."""

from __future__ import annotations

import subprocess

import pytest
import redis

from connectors.private_redis import PrivateRedis
from tests.support.quantum import COMMAND, environment
from tests.support.recount import STREAM

ODD = b"odd\xff\xc3name"
"""As the flow reads it: U+FFFD for each byte that is wrong."""


def said(server: PrivateRedis, *arguments: bytes | str) -> str:
    """What it prints, on both ways, where it ends well."""
    done = subprocess.run([*COMMAND, *arguments], env=environment(server.url), capture_output=True, timeout=240)
    assert done.returncode == 0, done.stderr
    return (done.stdout + done.stderr).decode()


@pytest.mark.parametrize("option", ["--symbol", "--reason"])
def test_tail_finds_an_entry_by_the_bytes_that_are_in_it(
    server: PrivateRedis, client: redis.Redis, option: str
) -> None:
    client.xadd(STREAM, {"decision": "SKIP", "symbol": ODD, "error": ODD})
    client.xadd(STREAM, {"decision": "SKIP", "symbol": "other", "error": "other"})
    lines = said(server, "tail", "--no-follow", option, ODD).splitlines()
    assert [line.split()[1:] for line in lines] == [["SKIP", "odd��name", "odd��name"]]


def test_symbols_knows_one_by_its_bytes(server: PrivateRedis, client: redis.Redis) -> None:
    client.hset("quantum:p35:symbol:last_seen", "odd��name", "1")
    assert "odd��name: no decisions in 5m\n" in said(server, "symbols", ODD)
    assert "no known symbol; the nearest: odd��name" in said(server, "symbols", ODD + b"s")


def test_explain_takes_any_bytes_for_a_gate_and_a_symbol(server: PrivateRedis) -> None:
    assert "odd��name is not in the guide" in said(server, "explain", ODD)
    assert "odd��name" in said(server, "explain", "action_hold", "--live", "--symbol", ODD)
