"""`python -m console.demo.picture`: an SVG of what `quantum why` shows on a terminal of 80 columns, on standard output.

Nothing is drawn by hand: flows.p35 counts four minutes of simulated decisions on a private Redis, and `quantum` runs on
a pseudo-terminal. Equal seeds give equal pictures, except for times. The picture loads nothing from elsewhere.

Exit status: 0; 1 when something failed.
"""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path
from typing import Any

import redis
from rich.console import Console
from rich.text import Text

from connectors.errors import ConnectorError
from connectors.private_redis import PrivateRedis, die_with_parent
from console.demo.flow import Flow
from console.demo.simulator import TICK, Fields, Simulator
from console.demo.stage import PREFIX, DemoError
from console.queries.counting import read_now
from console.queries.status import read_status
from flows.domain.windows import minute_of
from sinks import decisions

COLUMNS, LINES = 80, 24

MINUTES = 4
"""Full minutes with decisions; with the running one, the window of five."""

SIMULATED_SECONDS = 32.0
"""Simulated time that is spread over MINUTES: up to the end of the first explosion."""

_COUNTED_SECONDS = 60.0

_LEFT_SECONDS = 20.0
"""Of the running minute: enough to count and to ask before the window moves on."""

_ATTEMPTS = 3

SVG = """\
<svg viewBox="0 0 {width} {height}" role="img" aria-label="A terminal that shows the answer of quantum why"
  xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{
  font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: {char_height}px;
  line-height: {line_height}px;
}}
.{unique_id}-title {{ font: bold 18px sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
    <rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/>
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix" xml:space="preserve">
{matrix}
</g>
</g>
</svg>
"""
"""The frame that rich fills. (Its own one asks a server for a font.)"""


def main() -> int:
    """Write the picture; the exit status."""
    try:
        sys.stdout.write(drawn(answer(Simulator(seed=35, rate=50))))
    except (ConnectorError, DemoError, FileNotFoundError, RuntimeError) as error:
        print(f"There is no picture: {error}", file=sys.stderr)
        return 1
    return 0


def made_up(simulator: Simulator, begin: int) -> list[Fields]:
    """The decisions of the MINUTES from `begin` (epoch seconds) on, in their order."""
    slower = MINUTES * 60 / SIMULATED_SECONDS
    found: list[Fields] = []
    for tick in range(round(SIMULATED_SECONDS / TICK)):
        elapsed = tick * TICK
        # (The simulator adds its own elapsed time.)
        found += simulator.entries(tick, begin + elapsed * slower - elapsed)
    return found


def answer(simulator: Simulator) -> str:
    """What `quantum why` writes to a terminal, control sequences included. Blocks until the flow has counted.

    :raises DemoError: the flow or the command failed.
    :raises FileNotFoundError, RuntimeError: there is no Redis, or it does not start.
    """
    for _attempt in range(_ATTEMPTS):
        said = _within_a_minute(simulator)
        if said is not None:
            return said
    raise DemoError("counting and asking takes longer than a minute")


def _within_a_minute(simulator: Simulator) -> str | None:
    """What it writes; None where the window moved on meanwhile, and so did the answer."""
    with (
        tempfile.TemporaryDirectory(prefix="picture-") as folder,
        PrivateRedis() as server,
        server.client(socket_timeout=10) as client,
        Flow("flows.p35", server.url, PREFIX, Path(folder)) as flow,
    ):
        if (left := 60 - read_now(client) % 60) < _LEFT_SECONDS:
            time.sleep(left)
        minute = minute_of(read_now(client))
        published = _publish(client, made_up(simulator, (minute - MINUTES) * 60))
        _wait(client, flow, published)
        said = _asked(server.url)
        return said if minute_of(read_now(client)) == minute else None


def _publish(client: redis.Redis, entries: list[Fields]) -> int:
    pipeline = client.pipeline(transaction=False)
    for entry in entries:
        fields: dict[Any, Any] = dict(entry)  # (a dict of text alone is not what redis-py declares)
        pipeline.xadd(decisions.stream_key(PREFIX), fields)
    return len(pipeline.execute())


def _wait(client: redis.Redis, flow: Flow, published: int) -> None:
    deadline = time.monotonic() + _COUNTED_SECONDS
    while time.monotonic() < deadline:
        if flow.failure:
            raise DemoError(flow.failure)
        status = read_status(client, PREFIX)
        if status.processed_total == published and status.lag == status.pending == 0:
            return
        time.sleep(0.05)
    raise DemoError(f"flows.p35 has not counted {published} decisions within {_COUNTED_SECONDS:g} s")


def _asked(url: str) -> str:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    env = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "VIRTUAL_ENV", "HOME") if name in os.environ}
    env |= {"REDIS_URL": url, "KEY_PREFIX": PREFIX, "TERM": "xterm-256color", "LANG": "C.UTF-8"}
    command = [sys.executable, "-m", "console", "why"]
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        with subprocess.Popen(
            command,
            cwd=Path(__file__).resolve().parents[2],
            env=env,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            preexec_fn=die_with_parent(),
        ) as asking:
            os.close(theirs)
            said = b"".join(iter(lambda: _read(terminal.fileno()), b"")).decode("utf-8", "replace")
        if asking.returncode not in (0, 1):  # (1: the answer is one to act upon)
            raise DemoError(f"quantum why ended with status {asking.returncode}: {said}")
    return said


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # how Linux reports that all writers are gone
        return b""


def drawn(said: str) -> str:
    """An SVG of a terminal in which `quantum why` was typed and `said` this, in its colours. Pure."""
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        console = Console(width=COLUMNS, record=True, file=nowhere, force_terminal=True, color_system="256")
        console.print(Text("$ quantum why", "bold"))
        console.print(Text.from_ansi(said.replace("\r\n", "\n").rstrip("\n")))
        console.print(Text("$ ", "bold"))
        svg = console.export_svg(title="quantum", code_format=SVG, unique_id="answer")
    return "\n".join(line.rstrip() for line in svg.splitlines()) + "\n"


if __name__ == "__main__":
    sys.exit(main())
