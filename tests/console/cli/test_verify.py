"""`quantum verify` as a command: its statuses, its one line, its bar and its help."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from collections.abc import Iterator

import pytest
import redis

from connectors.private_redis import PrivateRedis, free_port
from tests.support.flow_process import ROOT, FlowProcess
from tests.support.recount import STATUS, STREAM, samples
from tests.support.verifying import COMMAND, KEPT, count, publish, quantum


@pytest.fixture
def raw(server: PrivateRedis, client: redis.Redis) -> Iterator[redis.Redis]:
    with server.client(socket_timeout=20) as one:
        yield one


def test_a_redis_that_is_away_is_one_line_and_status_3() -> None:
    told = quantum(REDIS_PORT=str(free_port()))
    assert (told.returncode, told.stdout) == (3, "")
    assert told.stderr.startswith("quantum: Redis at localhost:")
    assert told.stderr.count("\n") == 1


def test_nothing_to_verify_is_one_line_and_status_3(server: PrivateRedis, raw: redis.Redis) -> None:
    for prepare, said in (
        (lambda: None, f"there is no stream {STREAM}: is this its Redis, and KEY_PREFIX right?"),
        (lambda: raw.xadd(STREAM, {"a": "b"}), f"stream {STREAM} has no group p35_decision_intel"),
        (lambda: raw.set(STATUS, "text"), f"stream {STREAM} has no group p35_decision_intel"),
    ):
        prepare()
        told = quantum(REDIS_URL=server.url)
        assert (told.returncode, told.stdout, told.stderr.count("\n")) == (3, "", 1), told.stderr
        assert said in told.stderr


@pytest.mark.parametrize(("name", "value"), [("MAX_FUTURE_SKEW_SEC", "soon"), ("REDIS_URL", "http://u:secret@h")])
def test_a_wrong_setting_is_one_line_and_status_78(name: str, value: str) -> None:
    told = quantum(**{name: value})
    assert (told.returncode, told.stdout, told.stderr.count("\n")) == (78, "", 1)
    assert name in told.stderr
    assert "secret" not in told.stderr


def test_a_minute_that_is_none_is_wrong_usage() -> None:
    for name in ("yesterday", "202613010000", "2026-02-01"):
        told = quantum("--since", name)
        assert (told.returncode, told.stderr.count("\n")) == (2, 1)


def test_a_bar_is_drawn_on_a_terminal_only_and_not_on_standard_output(
    server: PrivateRedis, raw: redis.Redis, flows: FlowProcess.Factory
) -> None:
    publish(raw, samples())
    count(raw, flows, 400)
    master, slave = pty.openpty()
    with subprocess.Popen(
        [*COMMAND, "--json"],
        cwd=ROOT,
        env=KEPT | {"REDIS_URL": server.url, "TERM": "xterm-256color"},
        stdout=subprocess.PIPE,
        stderr=slave,
    ) as process:
        out, _ = process.communicate(timeout=240)
    os.close(slave)
    drawn = os.read(master, 65_536).decode()
    os.close(master)
    assert "stream" in drawn or "buckets" in drawn
    assert json.loads(out)["exact"] is True


@pytest.mark.parametrize("arguments", [["--help"], ["verify", "--help"]])
def test_help(arguments: list[str]) -> None:
    command = [*COMMAND[:-1], *arguments]
    told = subprocess.run(command, cwd=ROOT, env=KEPT, capture_output=True, text=True, timeout=240, check=True)
    assert told.stdout.startswith("Usage: quantum ")
    assert "exact" in told.stdout or "verify" in told.stdout
