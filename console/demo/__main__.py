"""`python -m console.demo`: everything set up, the live view until Ctrl-C, and the final answer.

    RATE=50       decisions a second, on average over two minutes
    SEED=35       equal seeds give equal decisions
    SECONDS=20    end by itself; without a terminal it does so anyway, after 20 seconds

After Ctrl-C on a terminal its Redis and flows stay up, to be asked, until Enter or another Ctrl-C.

Exit status: 0; 1 when something failed, or not all was counted in time; 78 when a setting is wrong.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import termios
import time
from types import FrameType

from rich.console import Console, Group
from rich.live import Live

from connectors.errors import ConnectorError, SettingsError
from connectors.settings import EXIT_SETTINGS, load
from connectors.text import one_line
from console.demo import commands, past
from console.demo.answer import WINDOW, answer
from console.demo.observation import Observation
from console.demo.settings import DemoSettings
from console.demo.simulator import Simulator
from console.demo.stage import DemoError, Stage
from console.demo.view import screen

DEFAULT_SECONDS = 20.0
"""Without a terminal nobody presses Ctrl-C."""

_FRAME = 0.25
"""Seconds between two pictures."""

_PROGRESS = 5.0
"""Seconds between two lines of progress where there is no terminal."""

_SETTLE = 60.0
"""Seconds to wait until all is counted."""


class Interrupts:
    """Counts signals to stop: SIGINT, SIGTERM, and SIGHUP when the terminal goes away. One a process."""

    def __init__(self) -> None:
        self.count = 0
        self.by_hand = True
        """Whether nothing but Ctrl-C was among them."""

    def install(self) -> None:
        """Take the signals. Main thread only."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self.count += 1
        self.by_hand = self.by_hand and number == signal.SIGINT


def main() -> int:
    """Run the demo; its exit status."""
    try:
        settings = load(DemoSettings)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return EXIT_SETTINGS
    interrupts = Interrupts()
    interrupts.install()
    sys.stdout.reconfigure(errors="replace", line_buffering=True)  # type: ignore[union-attr]
    try:
        with Stage(Simulator(settings.seed, settings.rate)) as stage:
            return _run(stage, settings, interrupts)
    except BrokenPipeError:
        # Whoever read our output has seen enough; Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (DemoError, ConnectorError) as error:
        print(f"The demo has ended: {error}", file=sys.stderr)
        return 1


def _run(stage: Stage, settings: DemoSettings, interrupts: Interrupts) -> int:
    console = Console(highlight=False, markup=False, emoji=False)
    ascii_only = not console.encoding.startswith("utf")
    live = sys.stdout.isatty() and not console.is_dumb_terminal
    print(f"{settings.rate:g} decisions a second, counted by flows.p35 on a private Redis.")
    print("The five weeks before them are made up, as flows.history would have kept them;")
    print(f"in the last {past.HOURS} hours {past.CHANGED} blocks {past.TIMES:g} times as often.")
    here = commands.watch(stage.url), commands.explain(commands.FIRST_GATE, stage.url), commands.trend(stage.url)
    _try("in another terminal", *here)
    _page(stage)
    if live:
        _watch(stage, settings.seconds, interrupts, console, ascii_only)
    else:
        _report(stage, settings.seconds or DEFAULT_SECONDS, interrupts)
    stage.stop_publishing()
    settled = _settle(stage, interrupts)
    last = stage.observe()
    print("\n" + answer(last, stage.trend(), ascii_only=ascii_only))
    gates = last.windows[WINDOW].gates
    gate = one_line(gates[0].name) if gates else commands.FIRST_GATE
    if live and interrupts.by_hand and interrupts.count == 1 and sys.stdin.isatty():
        here = commands.watch(stage.url), commands.explain(gate, stage.url), commands.trend(stage.url)
        _try("in another terminal; Enter here ends it all", *here)
        _page(stage)
        _linger(stage, interrupts)
    else:
        _try("the first where a Redis of yours is at REDIS_URL", commands.watch(), commands.explain(gate))
    stage.stop_flows()
    return 0 if settled or interrupts.count > 1 else 1


def _try(where: str, *tried: str) -> None:
    print("\n    ".join((f"Try next, {where}:", *tried)))


def _page(stage: Stage) -> None:
    if stage.page is not None:
        print(f"Or look, in a browser, while this runs: {stage.page}")


def _linger(stage: Stage, interrupts: Interrupts) -> None:
    """Keep all running until Enter, an interrupt, or the end of the terminal."""
    before = interrupts.count
    termios.tcflush(sys.stdin, termios.TCIFLUSH)  # what was typed before is no answer
    while interrupts.count == before:
        if select.select([sys.stdin], [], [], _FRAME)[0]:
            sys.stdin.readline()
            return
        stage.observe()  # raises when something has ended


def _watch(stage: Stage, seconds: float | None, interrupts: Interrupts, console: Console, ascii_only: bool) -> None:
    """The live view, until it is interrupted or `seconds` are over."""

    def picture() -> Group:
        width, height = console.size
        return Group(*screen(stage.observe(), width, height, ascii_only=ascii_only))

    with Live(picture(), console=console, screen=True, auto_refresh=False, vertical_overflow="crop") as live:
        while not interrupts.count and (seconds is None or stage.elapsed < seconds):
            live.update(picture(), refresh=True)
            time.sleep(_FRAME)


def _report(stage: Stage, seconds: float, interrupts: Interrupts) -> None:
    """A line of progress now and then, until it is interrupted or `seconds` are over."""
    due = _PROGRESS
    while not interrupts.count and stage.elapsed < seconds:
        now = stage.observe()
        if stage.elapsed >= due:
            due += _PROGRESS
            print(_progress(now))
        time.sleep(min(_FRAME, max(seconds - stage.elapsed, 0.0)))


def _progress(seen: Observation) -> str:
    return f"{seen.elapsed:5.0f} s  {seen.phase:<15} published {seen.published:>9,}  processed {seen.processed:>9,}"


def _settle(stage: Stage, interrupts: Interrupts) -> bool:
    """Wait until all is counted; whether it is. One more interrupt ends the wait."""
    interrupted = interrupts.count
    deadline = time.monotonic() + _SETTLE
    while time.monotonic() < deadline and interrupts.count <= max(interrupted, 1):
        if stage.settled():
            return True
        time.sleep(0.05)
    return False


if __name__ == "__main__":
    sys.exit(main())
