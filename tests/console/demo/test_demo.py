"""The whole demo as a process: with a terminal and without, and nothing of it left however it ends."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import shlex
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.cells import cell_len

from tests.support.flow_process import ROOT
from tests.support.waiting import wait_for

COMMAND = [sys.executable, "-m", "console.demo"]


def environment(**more: str) -> dict[str, str]:
    """An environment without what could change the demo, but with settings that must not reach its flow."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "VIRTUAL_ENV", "TMPDIR") if name in os.environ}
    foreign = {"REDIS_URL": "redis://127.0.0.1:1/0", "KEY_PREFIX": "production"}
    return {**kept, **foreign, "LANG": "C.UTF-8", "TERM": "xterm-256color", **more}


def piped(env: dict[str, str]) -> subprocess.Popen[str]:
    """The demo without a terminal."""
    return subprocess.Popen(COMMAND, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def alive(pid: int) -> bool:
    """Whether the process runs; one that nobody has buried yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def children(pid: int) -> set[int]:
    """The children of all threads of a process."""
    found = set()
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found |= {int(child) for child in path.read_text().split()}
        except OSError:
            continue
    return found


def both_children(pid: int) -> Callable[[], set[int]]:
    """Redis, the flow, the page and the others, once these three are there."""

    def look() -> set[int]:
        found = children(pid)
        lines = [Path(f"/proc/{child}/cmdline").read_bytes() for child in found if alive(child)]
        ready = all(any(named in line for line in lines) for named in (b"redis-server", b"flows.p35", b"serve"))
        return found if ready else set()

    return look


def test_without_a_terminal_it_answers_and_leaves_nothing() -> None:
    env = environment(SECONDS="4", RATE="200")
    with piped(env) as demo:
        started = wait_for(both_children(demo.pid), "Redis and the flow")
        out, errors = demo.communicate(timeout=240)
    assert (demo.returncode, errors) == (0, "")
    processed = re.search(r"^Processed +([\d,]+) of ([\d,]+) published: exact$", out, re.M)
    assert processed is not None, out
    assert processed[1] == processed[2] != "0"
    # (The running minute may have begun in between.)
    assert re.search(rf"^  all +[\d,]+( +{processed[1]}){{3}}$", out, re.M), out
    assert re.search(r"^(Trading|Not trading): ", out, re.M)
    assert re.search(r"^  mark_price_unavailable +rose: 1\.\d % before, [3-6]\.\d % now, ", out, re.M), out
    assert re.search(r"^    env -u KEY_PREFIX \S+/quantum watch --redis-url redis://127\.0\.0\.1:\d+/0$", out, re.M)
    assert re.search(r"^Or look, in a browser, while this runs: http://127\.0\.0\.1:\d+/$", out, re.M)
    nowhere = out.rpartition("Try next")[2].splitlines()
    assert [line.split("/")[-1] for line in nowhere[1:]] == ["quantum watch", f"quantum explain {top_gate(out)}"], (
        "its Redis is gone"
    )
    assert "\x1b" not in out
    wait_for(lambda: not any(map(alive, started)), "the end of all that it started")


def top_gate(out: str) -> str:
    """The first of the top gates."""
    return out.partition("Top gates, 5 minutes\n")[2].split()[0]


def test_within_its_first_seconds_it_does_not_trade_any_more_and_an_alert_says_why() -> None:
    with piped(environment(SECONDS="22", RATE="100")) as demo:
        out, errors = demo.communicate(timeout=240)
    assert (demo.returncode, errors) == (0, "")
    assert re.search(r"^Not trading: p33_permit_denied blocks \d\d % of decisions, \d+ % executed$", out, re.M), out
    alerts = out.partition("Latest alerts\n")[2].partition("\n\n")[0].splitlines()
    assert re.match(r"  ALERT MEDIUM gate_explosion: p33_permit_denied ", alerts[0]), out


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_the_answer(number: signal.Signals) -> None:
    env = environment(SECONDS="600")
    with piped(env) as demo:
        started = wait_for(both_children(demo.pid), "Redis and the flow")
        demo.send_signal(number)
        out, errors = demo.communicate(timeout=240)
    assert (demo.returncode, errors) == (0, "")
    assert "published: exact" in out
    wait_for(lambda: not any(map(alive, started)), "the end of all that it started")


def test_nothing_outlives_it_even_when_it_is_killed(tmp_path: Path) -> None:
    # (Its files do, when it is killed: hence a folder of their own.)
    env = environment(TMPDIR=str(tmp_path))
    with subprocess.Popen(COMMAND, cwd=ROOT, env=env, stdout=subprocess.DEVNULL) as demo:
        started = wait_for(both_children(demo.pid), "Redis and the flow")
        demo.kill()
    wait_for(lambda: not any(map(alive, started)), "the end of all that it started")


def test_a_flow_that_dies_is_reported_with_the_end_of_its_log() -> None:
    env = environment(SECONDS="600")
    with piped(env) as demo:
        started = wait_for(both_children(demo.pid), "Redis and the flow")
        for pid in started:
            if b"flows.p35" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)
        _out, errors = demo.communicate(timeout=240)
    assert demo.returncode == 1
    assert errors.startswith("The demo has ended: flows.p35 ended with status -9")
    wait_for(lambda: not any(map(alive, started)), "the end of all that it started")


def test_a_wrong_setting_is_one_line() -> None:
    demo = subprocess.run(
        COMMAND, cwd=ROOT, env=environment(RATE="fast"), capture_output=True, text=True, timeout=240, check=False
    )
    assert (demo.returncode, demo.stdout) == (78, "")
    assert demo.stderr.startswith("setting RATE='fast' is wrong: ")
    assert demo.stderr.count("\n") == 1


@pytest.mark.parametrize("end", [b"\n", b"\x03"], ids=["enter", "ctrl-c"])
def test_the_live_view_fits_80x24_and_ends_with_ctrl_c_and_what_to_try_next(end: bytes) -> None:
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    env = environment(NO_COLOR="1", RATE="200")
    screen = ""
    with subprocess.Popen(
        COMMAND,
        cwd=ROOT,
        env=env,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    ) as demo:
        os.close(slave)
        try:
            screen = read_until(master, r"EXECUTE +[1-9]")
            os.write(master, b"what is typed now is no answer\n\x03")
            after = read_until(
                master, "published: exact.*\n.*\n.*(Trading|Not trading):(.*\n){4}.*quantum explain .*\n"
            )
            for line in after.split("Try next, in another terminal")[-1].splitlines()[1:3]:
                tried = subprocess.run(
                    shlex.split(line),
                    cwd=ROOT,
                    env=environment(),
                    capture_output=True,
                    text=True,
                    timeout=60,
                    check=False,
                )
                assert (tried.returncode, tried.stderr) == (0, ""), "its Redis and its flows are still there"
                assert re.search("^[1-9][0-9,]* decisions; by minute|Now: stops [1-9]", tried.stdout, re.M), (
                    tried.stdout
                )
            started = both_children(demo.pid)()
            assert started
            os.write(master, end)
            assert demo.wait(120) == 0
            wait_for(lambda: not any(map(alive, started)), "the end of all that it started")
        finally:
            demo.kill()
            os.close(master)
    live = screen.partition("\x1b[?1049h")[2]
    assert live, "it shows on a screen of its own"
    assert "\x1b[?1049l" in after, "and gives the old one back"
    assert not re.search(r"\x1b\[[0-9;]*[349][0-7]\b", live), "no colour with NO_COLOR"
    frames = re.split(r"\x1b\[H", live)
    assert len(frames) > 2
    for frame in frames:
        lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", frame).replace("\r", "").split("\n")
        assert len(lines) <= 24
        assert max(map(cell_len, lines)) <= 80


def read_until(terminal: int, pattern: str, seconds: float = 120.0) -> str:
    """What the terminal shows until `pattern` is in it."""
    seen = b""
    deadline = time.monotonic() + seconds
    while not re.search(pattern, seen.decode("utf-8", "replace")):
        ready, _, _ = select.select([terminal], [], [], max(deadline - time.monotonic(), 0))
        assert ready, f"waited in vain for {pattern!r} in {seen.decode('utf-8', 'replace')!r}"
        seen += os.read(terminal, 65536)
    return seen.decode("utf-8", "replace")
