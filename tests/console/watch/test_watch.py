"""`quantum watch` in a real terminal: keys are sent, and the screen is read. And what it shows of a scene."""

from __future__ import annotations

import json
import re
import signal
import time

import pytest
import redis

from connectors.private_redis import PrivateRedis, free_port
from console.terminal.keyboard import split_keys
from console.watch.scene import Stuck, stuck_symbols
from console.watch.view import ScreenState, press
from sinks.alert_state import encode
from sinks.values.alerts import AlertState, Key, Tracked
from tests.support import oracle, users
from tests.support.quantum import COMMAND, environment, quantum
from tests.support.recount import GROUP, STREAM
from tests.support.terminal import Terminal

VERDICT = "Not trading: p33_permit_denied blocks 62 % of decisions for [678] min"
WATCH = [*COMMAND, "watch", "--every", "0.2"]


def fires(client: redis.Redis, kind: str, severity: str, since: float, reason: str) -> None:
    """The alert "a" of this kind fires since then, as flows.alerts would remember it."""
    tracked = Tracked({severity: since}, "a", severity, since, since)
    client.hset("quantum:p35:alerts:state", mapping=encode(AlertState(tracked={Key(kind, reason, "5m"): tracked})))


@pytest.fixture
def night(server: PrivateRedis, client: redis.Redis) -> redis.Redis:
    """A night in which a gate has stopped most decisions for seven minutes, as the flows would leave it in Redis.

    The next two minutes are there already, and the same: the clock may go on while a test looks.
    """
    now = time.time()
    running = int(now // 60)
    for ago in range(-2, 30):
        stopped = 62 if ago < 7 else 2
        fields = {
            "decision:EXECUTE": 12,
            "decision:BLOCKED": 88,
            "reason:p33_permit_denied:stale": stopped,
            "reason:none": 12,
            "reason:no_position": 88 - stopped,
        }
        name = oracle.minute_name(running - ago)
        client.hset(f"quantum:p35:bucket:{name}", mapping=fields)
        client.hset(f"quantum:p35:summary:{name}", mapping=fields)
    client.xgroup_create(STREAM, GROUP, mkstream=True)
    client.xgroup_createconsumer(STREAM, GROUP, "one")
    client.set("quantum:p35:lease:one", "token")
    client.hset("quantum:p35:status", mapping={"processed_total": 3000, "last_ts": now})
    client.hset("quantum:p35:symbol:last_seen", mapping={"BTCUSDT": now, "ETHUSDT": now, "OLD": now - 7200})
    client.hset("quantum:p35:symbol:last_execute", mapping={"BTCUSDT": now - 3600, "ETHUSDT": now})
    alert = {"window": "5m", "reason": "p33_permit_denied", "alert_id": "a", "severity": "HIGH"}
    for kind, state in (("error_high", "firing"), ("gate_explosion", "firing"), ("error_high", "resolved")):
        message = f"{kind} \x1b[31m{state}"
        client.xadd("quantum:p35:alerts", {**alert, "kind": kind, "state": state, "message": message})
    fires(client, "gate_explosion", "HIGH", now - 3599, "p33_permit_denied")
    client.hset("quantum:p35:alerts:state", "checked_at", now)
    client.xadd(
        "quantum:stream:allocation.target.proposed",
        {"symbol": "BTCUSDT", "multiplier": "0.6000", "reason": "ok", "ts_epoch": now},
    )
    for plan, symbol in (("p0", "BTCUSDT"), ("p1", "ETHUSDT"), ("p2", "BTCUSDT"), ("p3", "SOLUSDT")):
        client.xadd("quantum:stream:apply.plan", {"plan_id": plan, "symbol": symbol, "decision": "EXECUTE"})
    said = {"eff_action": "DOWNSIZE", "downsize_factor": "0.4444", "eff_reason": "ok"}
    client.hset("quantum:permit:p0", mapping=said)
    client.hset(
        "quantum:permit:p1", mapping={"eff_action": "NONE", "downsize_factor": "1.0000", "eff_reason": "low_conf"}
    )
    client.set("quantum:permit:p2", json.dumps({**said, "downsize_factor": 0.4444}))
    return client


def shows(*wanted: str) -> object:
    return lambda text: all(re.search(one, text, re.MULTILINE) for one in wanted)


def test_the_whole_night_fits_80x24(server: PrivateRedis, night: redis.Redis) -> None:
    with Terminal(WATCH, environment(server.url)) as terminal:
        terminal.wait(shows("1-4 window"), "the screen")
        lines = terminal.lines
        assert lines[0].startswith("quantum watch  5m ")
        assert re.fullmatch(
            "Not trading: p33_permit_denied blocks 62 % of decisions for [678] min, 12 % executed", lines[1]
        )
        assert re.match(r"^500 decisions; by minute", lines[2])
        assert re.match(r"^EXECUTE +60 +12 %  +▂{30,32}$", lines[3]), lines[3]
        assert re.match(r"^BLOCKED +440 +88 %  +▇{30,32}$", lines[5])
        assert re.match(r"^p33_permit_denied +310 +62 %  █+", lines[9])
        assert re.match(r"^no_position +130 +26 %", lines[10])
        text = terminal.text
        assert re.search(r"^alert      HIGH for (59 min|1 h): gate_explosion �\[31mfiring$", text, re.MULTILINE)
        assert "error_high" not in text, "it is resolved"
        assert re.search(r"^stuck      1: BTCUSDT \(1 h\)$", text, re.MULTILINE)
        assert re.search(r"^proposals  1: BTCUSDT x0.60$", text, re.MULTILINE)
        assert re.search(r"^permits    latest 3, 2 downsized: BTCUSDT x0.44, ETHUSDT x1.00 low_", text, re.MULTILINE)
        assert re.search(r"^consumers  1 alive, pending 0, lag 0, processed 3,000$", text, re.MULTILINE)
        assert lines[23] == "1-4 window   / filter   ? help   q end"
        assert terminal.colours_of(1) == {"red"}
        assert terminal.colours_of(0) == {"default"}
        assert "red" not in terminal.colours_of(10), "what is no trouble has no colour"
        terminal.type("q")
        assert terminal.end() == 0
        assert b"\x1b[?1049h" in terminal.raw
        assert terminal.raw.rindex(b"\x1b[?1049l") > terminal.raw.rindex(b"\x1b[?1049h")


def test_keys_choose_what_is_seen(server: PrivateRedis, night: redis.Redis) -> None:
    with Terminal(WATCH, environment(server.url)) as terminal:
        terminal.wait(shows("^500 decisions"), "the screen")
        for key, window, total in (
            ("1", "1m", "100"),
            ("3", "15m", "1,500"),
            ("4", "1h", "3,[0-2]00"),
            ("2", "5m", "500"),
        ):
            terminal.type(key)
            terminal.wait(shows(rf"^quantum watch  {window} ", rf"^{total} decisions"), f"the window {window}")
        terminal.type("?")
        terminal.wait(shows("list only gates and symbols", "quantum explain GATE"), "the help")
        terminal.type(" ")
        terminal.wait(shows("^no_position", "^500 decisions"), "the screen again")
        terminal.type("/POSX\x7f")
        terminal.wait(shows(r"^/POS_$", "^no_position"), "the filter")
        assert "\np33_permit_denied" not in terminal.text
        assert "stuck      none" in terminal.text
        terminal.type("\r")
        terminal.wait(shows("^only what contains: POS"), "the filter kept")
        terminal.type("\x1b")
        terminal.wait(shows("^p33_permit_denied"), "everything")
        terminal.type("\x1b[A")  # an arrow is no key of ours
        terminal.type("1")
        terminal.wait(shows("^quantum watch  1m"), "the window")
        terminal.type("\x03")
        assert terminal.end() == 130


def test_it_follows_the_size_and_what_happens(server: PrivateRedis, night: redis.Redis) -> None:
    with Terminal(WATCH, environment(server.url), 100, 40) as terminal:
        terminal.wait(shows("^500 decisions", "1-4 window"), "the screen")
        assert terminal.lines[39].startswith("1-4 window")
        for columns, lines in ((60, 16), (40, 10), (80, 24)):
            terminal.resize(columns, lines)
            terminal.wait(
                lambda text: text.startswith("quantum watch") and text.splitlines()[-1].startswith("1-4 window"),
                "the new size",
            )
            assert len(terminal.lines) == lines
        fires(night, "skip_high", "MEDIUM", time.time(), "SKIP")
        terminal.wait(shows("^alert      MEDIUM for [0-9] s: skip_high SKIP$"), "the alert without its words")
        words = {"alert_id": "a", "kind": "skip_high", "reason": "SKIP", "state": "firing", "message": "new!"}
        night.xadd("quantum:p35:alerts", words)
        terminal.wait(shows("^alert      MEDIUM for [0-9]+ s: new!$"), "the alert")
        night.delete("quantum:p35:lease:one")
        terminal.wait(shows("^! flows.p35 is not running"), "the warning")
        terminal.process.send_signal(signal.SIGTERM)
        assert terminal.end() == 143
        assert terminal.raw.rindex(b"\x1b[?1049l") > terminal.raw.rindex(b"\x1b[?1049h")


@pytest.mark.parametrize(
    ("command", "key", "status"),
    [
        (WATCH, "q", 0),
        ([*COMMAND, "why", "--watch", "--every", "0.2"], "\x03", 130),
        ([*COMMAND, "why", "--watch", "--every", "0.2"], "q", 0),
    ],
)
def test_a_redis_that_goes_away_leaves_an_old_picture_that_is_called_old(
    command: list[str], key: str, status: int
) -> None:
    with users.SecuredRedis() as private, Terminal(command, environment(private.url)) as terminal:
        terminal.wait(shows("^EXECUTE|EXECUTE  "), "the screen")
        private.kill()
        terminal.wait(shows("^NOT UP TO DATE: ", "EXECUTE"), "the warning")
        private.start()
        terminal.wait(lambda text: "NOT UP TO DATE" not in text, "its end")
        terminal.type(key)
        assert terminal.end() == status
    nobody = f"redis://127.0.0.1:{free_port()}/0"
    with Terminal(command, environment(nobody)) as terminal:
        assert terminal.end() == 3
        assert terminal.text.startswith("quantum: Redis at 127.0.0.1:")
        assert b"\x1b[" not in terminal.raw


def test_no_color_and_pipes_are_plain(server: PrivateRedis, night: redis.Redis) -> None:
    with Terminal(WATCH, environment(server.url, NO_COLOR="1")) as terminal:
        terminal.wait(shows("1-4 window"), "the screen")
        assert not re.search(rb"\x1b\[[0-9;]*\b[349][0-7]\b[0-9;]*m", terminal.raw)
    done = quantum(server.url, "watch")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(
        "^Not trading: p33_permit_denied blocks 62 % of decisions for [678] min", done.stdout, re.MULTILINE
    )
    assert done.stdout.replace("\n", "").isprintable()


@pytest.mark.parametrize("query", ["why", "all", "share"])
def test_queries_are_watched_in_place(server: PrivateRedis, night: redis.Redis, query: str) -> None:
    with Terminal([*COMMAND, query, "--watch", "--every", "0.2"], environment(server.url)) as terminal:
        terminal.wait(shows("500 decisions", "^q end$"), query)
        assert [line for line in terminal.lines if line][-1] == "q end"
        night.hincrby(f"quantum:p35:summary:{oracle.minute_name(int(time.time()) // 60)}", "decision:EXECUTE", 41)
        terminal.wait(shows("541 decisions"), "the change")
        terminal.type("\x03")
        assert terminal.end() == 130
        assert terminal.raw.rindex(b"\x1b[?1049l") > terminal.raw.rindex(b"\x1b[?1049h")


def crowd(client: redis.Redis) -> None:
    """Add 30 reasons and 12 symbols to the last minutes, seldom each."""
    reasons = {f"reason:another_{number:02}:{'detail ' * 20}": 1 for number in range(30)}
    symbols: dict[str, int] = {}
    for number in range(12):
        symbols[f"symbol_decision:S{number:02}:BLOCKED"] = 30
        symbols |= {f"symbol_{name.replace(':', f':S{number:02}:', 1)}": 1 for name in reasons}
    for ago in range(-2, 3):
        name = oracle.minute_name(int(time.time() // 60) - ago)
        client.hset(f"quantum:p35:summary:{name}", mapping=reasons)
        client.hset(f"quantum:p35:bucket:{name}", mapping=reasons | symbols)


@pytest.mark.parametrize(
    "query", ["a", "b", "b S01", "b S01 S02 S03", "b S01 S02 S03 S04 S05 S06", "c", "d 0", "e", "all", "lag"]
)
def test_an_answer_fits_the_screen_and_colour_means_severity(
    server: PrivateRedis, night: redis.Redis, query: str
) -> None:
    crowd(night)
    with Terminal([*COMMAND, *query.split()], environment(server.url), 80, 24) as terminal:
        assert terminal.end() == int(query == "d 0")
        written = terminal.raw.decode()
        assert written.count("\n") <= 23
        plain = re.sub(r"\x1b\[[0-9;]*m", "", written)
        assert all(len(line) <= 80 for line in plain.split("\r\n"))
        if query in ("a", "c", "d 0", "all"):
            assert "\x1b[31m" in written or "\x1b[1;31m" in written, "62 % is serious"
        for name in query.split()[1:] if query.startswith("b") else ():
            assert re.search(f"^{name}[: ]", terminal.text, re.MULTILINE), name
            assert "another_00" in terminal.text


def test_what_is_longer_than_the_screen_goes_through_a_pager() -> None:
    nowhere = f"redis://127.0.0.1:{free_port()}/0"
    explain = [*COMMAND, "explain", "p33_permit_denied"]
    for pager, lines, paged in (("sed s/^/paged:/", 24, True), ("sed s/^/paged:/", 60, False), ("no-such", 24, False)):
        with Terminal(explain, environment(nowhere, PAGER=pager), 80, lines) as terminal:
            assert terminal.end() == 0
            assert terminal.raw.count(b"paged:") == (terminal.raw.count(b"\n") if paged else 0)
            assert b"Related: " in terminal.raw


def test_what_nobody_keeps_up_to_date_is_called_old(server: PrivateRedis, night: redis.Redis) -> None:
    now = time.time()
    night.hset("quantum:p35:alerts:state", "checked_at", now - 7205)
    night.xadd(
        "quantum:stream:allocation.target.proposed", {"symbol": "BTCUSDT", "multiplier": "x", "ts_epoch": now - 660}
    )
    shown = quantum(server.url, "watch").stdout
    assert "\nalerts     flows.alerts has not looked for 2 h\nalert      HIGH " in shown
    assert "\nproposals  1, 11 min old: BTCUSDT x?" in shown
    night.delete("quantum:p35:alerts:state", "quantum:p35:alerts")
    assert "\nalerts     none: flows.alerts has never looked\n" in quantum(server.url, "watch").stdout


# The pure parts.


def test_keys_change_the_view_and_nothing_else_does() -> None:
    view = ScreenState()
    assert press(view, "3").window == "15m"
    assert press(view, "q").done
    assert press(press(view, "?"), "x") == view
    assert press(view, "x") == view
    assert press(press(view, "/"), "q") == ScreenState(typing=True, filter="q")
    assert press(ScreenState(typing=True, filter="a"), "\x07") == ScreenState(typing=True, filter="a")
    assert split_keys("\x1b[A") == ["\x1b[A"]
    assert split_keys("/ab\r\x1b[1;5C\x1bOA1\x1b") == ["/", "a", "b", "\r", "\x1b[1;5C", "\x1bOA", "1", "\x1b"]


def test_stuck_is_decided_upon_and_not_executed_for_a_quarter_of_an_hour() -> None:
    now = 100_000.0
    last = {
        "fine": (now - 1, now - 899),
        "stuck": (now - 1, now - 901),
        "quiet": (now - 901, now - 5000),
        "never": (now - 1, None),
        "longer": (now - 1, now - 5000),
    }
    assert stuck_symbols(last, now) == (Stuck("stuck", 901.0), Stuck("longer", 5000.0), Stuck("never", None))
