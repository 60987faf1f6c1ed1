"""The command `quantum` as a process, as the user that is delivered for it, and decisions to ask it about."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any

import redis
from typer.testing import CliRunner, Result

from console.app import app
from tests.support import oracle, users
from tests.support.flow_process import ROOT
from tests.support.forked import run
from tests.support.recount import STREAM, samples

COMMAND = [sys.executable, "-m", "console"]
LOGIN = {"REDIS_USERNAME": "quantum-console", "REDIS_PASSWORD": users.password("quantum-console")}
NEWEST = 1769929380
"""Epoch seconds; no sample has a usable timestamp after it."""

_KEPT = ("PATH", "HOME", "VIRTUAL_ENV", "TMPDIR")


def environment(url: str, **more: str) -> dict[str, str]:
    """An environment in which `quantum` finds the Redis at `url`, and nothing of the tester's own settings."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {**kept, "LANG": "C.UTF-8", "REDIS_URL": url, "PYTHONDONTWRITEBYTECODE": "1", **LOGIN, **more}


def quantum(url: str, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """`quantum` without a terminal, to its end."""
    return run("console", arguments, ROOT, environment(url, **env))


def here(url: str, *arguments: str) -> Result:
    """`quantum` in this process: sooner, where nothing depends on its being one of its own."""
    return CliRunner().invoke(app, arguments, prog_name="quantum", env=environment(url))


def answer(url: str, *arguments: str, status: int = 0, **env: str) -> dict[str, Any]:
    """What `quantum ... --json` answers; it must end with `status`."""
    done = quantum(url, *arguments, "--json", **env)
    assert done.returncode == status, done.stderr
    value = json.loads(done.stdout)
    assert isinstance(value, dict)
    return value


def publish_samples(raw: redis.Redis, rows: list[dict[str, str]] | None = None) -> int:
    """Publish the samples (or `rows` of them) as if the last had happened now; how many."""
    shift = int(time.time()) - NEWEST
    published = samples() if rows is None else rows
    pipeline = raw.pipeline(transaction=False)
    for row in published:
        moved: Any = dict(row)
        if row.get("timestamp", "").isdecimal() and len(row["timestamp"]) == 10:
            moved["timestamp"] = str(int(row["timestamp"]) + shift)
        pipeline.xadd(STREAM, moved)
    pipeline.execute()
    return len(published)


def fields_of(window: str, buckets: Mapping[str, Mapping[str, int]], as_of: float) -> dict[str, int]:
    """The fields of all `buckets` in `window`, added up, while `as_of` (epoch seconds) is now."""
    now = int(as_of) // 60
    total: dict[str, int] = {}
    for minute in range(now - oracle.MINUTES_BEFORE[window], now + 1):
        for name, count in buckets.get(oracle.minute_name(minute), {}).items():
            total[name] = total.get(name, 0) + count
    return total
