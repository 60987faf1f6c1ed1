"""Commands to try beside the demo, ready to be typed."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

_FOREIGN = ("KEY_PREFIX", "REDIS_USERNAME", "REDIS_PASSWORD", "REDIS_PASSWORD_FILE")
"""Settings that are meant for another Redis, and would apply beside a URL."""

FIRST_GATE = "p33_permit_denied"
"""The gate to ask about before anything is counted: the first that explodes."""


def watch(url: str | None = None) -> str:
    """`quantum watch` on the Redis at `url`; None: on that of the environment."""
    return _command("watch", url)


def explain(gate: str, url: str | None = None) -> str:
    """`quantum explain` for `gate`; with the Redis at `url` also what it stops there now."""
    return _command(f"explain {shlex.quote(gate)}" + (" --live" if url else ""), url)


def trend(url: str) -> str:
    """`quantum trend` on the Redis at `url`."""
    return _command("trend", url)


def _command(arguments: str, url: str | None) -> str:
    """A call of `quantum`, by the shortest path to the one that is installed with this interpreter."""
    program = Path(sys.executable).with_name("quantum")
    if program.exists():
        relative = os.path.relpath(program)
        called = shlex.quote(min(str(program), relative, key=len))
    else:
        called = f"{shlex.quote(sys.executable)} -m console"
    if url is None:
        return f"{called} {arguments}"
    without = "".join(f" -u {name}" for name in _FOREIGN if name in os.environ)
    return f"{'env' + without + ' ' if without else ''}{called} {arguments} --redis-url {url}"
