"""`quantum verify` as a process, and something for it to verify."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import redis

from tests.support.flow_process import ROOT, FlowProcess
from tests.support.forked import run
from tests.support.recount import STREAM, wait_until_counted

COMMAND = [sys.executable, "-m", "console", "verify"]
KEPT = {name: os.environ[name] for name in ("PATH", "HOME", "VIRTUAL_ENV", "TMPDIR") if name in os.environ}


def quantum(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """`quantum verify` as a process, without a terminal."""
    return run("console", ["verify", *arguments], ROOT, KEPT | env)


def publish(raw: redis.Redis, rows: list[dict[str, str]], **options: Any) -> None:
    """Add `rows` to the stream of decisions."""
    pipeline = raw.pipeline(transaction=False)
    for row in rows:
        pipeline.xadd(STREAM, row, **options)  # type: ignore[arg-type]
    pipeline.execute()


def count(raw: redis.Redis, flows: FlowProcess.Factory, total: int, **env: str) -> None:
    """Have the flow count what is there, and end."""
    flow = flows(**env)
    wait_until_counted(raw, total)
    assert flow.stop() == 0
