"""What the measurements were made on. No name of a host, no path."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

from connectors.private_redis import PrivateRedis
from tests.bench.processes import ROOT


def describe() -> dict[str, str]:
    """Processor, memory, system and versions, and how busy the machine was."""
    with PrivateRedis() as server, server.client() as client:
        redis_version = client.info("server")["redis_version"]
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "Redis": f"{redis_version}, on the same machine, without persistence",
        "bytewax": version("bytewax"),
        "redis-py": f"{version('redis')}, hiredis {version('hiredis')}",
        "load before": f"{os.getloadavg()[0]:.2f}",
        "tree": _tree(),
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _tree() -> str:
    """The commit, and whether the code was changed since."""

    def git(*arguments: str) -> str:
        return subprocess.run(("git", *arguments), cwd=ROOT, capture_output=True, text=True).stdout.strip()

    changed = git("status", "--porcelain", "--", "connectors", "flows", "sinks", "tests/bench", "requirements.lock")
    return git("rev-parse", "--short=12", "HEAD") + (" and changes" if changed else "")
