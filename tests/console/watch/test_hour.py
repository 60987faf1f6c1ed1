"""What `quantum watch` shows of the last hour and of symbols, in a real terminal; and the key that ends queries."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
import redis

from connectors.errors import RedisAway
from connectors.private_redis import PrivateRedis, free_port
from console.watch.heatmap import axis, columns, heat, legend
from console.watch.middle import share_out
from console.watch.symbols import AdaptiveCache, Picked, SymbolReader, matching
from console.watch.view import ScreenState
from flows.domain.thresholds import Severity, Thresholds
from flows.domain.windows import Minutes
from tests.support import oracle
from tests.support.quantum import COMMAND, environment, quantum
from tests.support.recount import GROUP, STREAM
from tests.support.terminal import Terminal

WATCH = [*COMMAND, "watch", "--every", "0.2"]

BLOCKED_FOR = 7
"""Minutes for which p33_permit_denied has stopped BTCUSDT."""

HOSTILE = "EVIL\x1b[31m漢字\u202eUSDT" + "X" * 300


@pytest.fixture
def hour(client: redis.Redis) -> redis.Redis:
    """An hour, with a gap of two minutes 30 minutes ago; the next two minutes are there already.

    A minute has 10 decisions on BTCUSDT (the last seven: 9 stopped by p33_permit_denied, else none), 8 on ETHUSDT
    (1 stopped by no_position) and 2 on a hostile name (1 stopped by a hostile gate).
    """
    running = int(time.time() // 60)
    for ago in range(-2, 60):
        if ago in (30, 31):
            continue
        stopped = 9 if ago < BLOCKED_FOR else 0
        counts = {
            ("BTCUSDT", "BLOCKED", "p33_permit_denied:stale"): stopped,
            ("BTCUSDT", "EXECUTE", "none"): 10 - stopped,
            ("ETHUSDT", "SKIP", "no_position"): 1,
            ("ETHUSDT", "EXECUTE", "none"): 7,
            (HOSTILE, "BLOCKED", f"\x1b[2J{HOSTILE}"): 1,
            (HOSTILE, "EXECUTE", "none"): 1,
        }
        bucket: dict[str, int] = {}
        for (symbol, decision, reason), count in counts.items():
            for field in (
                f"decision:{decision}",
                f"reason:{reason}",
                f"symbol_decision:{symbol}:{decision}",
                f"symbol_reason:{symbol}:{reason}",
            ):
                if count:
                    bucket[field] = bucket.get(field, 0) + count
        name = oracle.minute_name(running - ago)
        client.hset(f"quantum:p35:bucket:{name}", mapping=bucket)
        summary = {field: count for field, count in bucket.items() if field.startswith(("decision:", "reason:"))}
        client.hset(f"quantum:p35:summary:{name}", mapping=summary)
    client.xgroup_create(STREAM, GROUP, mkstream=True)
    client.xgroup_createconsumer(STREAM, GROUP, "one")
    client.set("quantum:p35:lease:one", "token")
    client.hset("quantum:p35:status", mapping={"processed_total": 1160, "last_ts": time.time()})
    return client


def shows(*wanted: str) -> Callable[[str], bool]:
    return lambda text: all(re.search(one, text, re.MULTILINE) for one in wanted)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_a_symbol_that_is_filtered_for_shows_its_gates(
    server: PrivateRedis, hour: redis.Redis, size: tuple[int, int]
) -> None:
    with Terminal(WATCH, environment(server.url), *size) as terminal:
        terminal.wait(shows("^100 decisions", "1-4 window"), "the screen")
        terminal.type("/btcusdt\r")
        # 9 of the 10 decisions a minute on BTCUSDT, for five minutes; of all decisions it is 45 %.
        terminal.wait(
            shows(
                "^BTCUSDT: 50 decisions, EXECUTE 10 %, BLOCKED 90 %",
                r"^p33_permit_denied +45 +90 %  █+",
                "^only what contains: btcusdt",
            ),
            "the gates of BTCUSDT",
        )
        assert "no_position" not in terminal.text, "that stops another symbol"
        terminal.type("3")
        terminal.wait(
            # (seven minutes, or eight when the clock has gone on)
            shows("^BTCUSDT: 150 decisions, EXECUTE (58|52) %", r"^p33_permit_denied +(63 +42|72 +48) %"),
            "the same in another window",
        )
        terminal.type("\x1b2")
        terminal.wait(shows("^no_position", "^100 decisions"), "everything again")
        # A part of the name is enough, and what is typed may be part of a gate, too.
        terminal.type("/T")
        terminal.wait(
            shows("^Gates", r"^no_position +5 +5 %", r"^p33_permit_denied +45 +45 %", "^BTCUSDT: 50 "), "both"
        )
        terminal.type("HX")
        terminal.wait(shows("^Gates: none", "^/THX_$"), "that nothing has such a name")
        terminal.type("\x7f")
        terminal.wait(shows("^ETHUSDT: 40 decisions", r"^no_position +5 +1[23] %"), "the gates of ETHUSDT")
        terminal.type("\x1b")
        terminal.wait(shows("1-4 window"), "the end of the filter")


def test_a_large_screen_shows_the_last_hour_of_each_gate_and_the_busiest_symbols(
    server: PrivateRedis, hour: redis.Redis
) -> None:
    with Terminal(WATCH, environment(server.url, NO_COLOR="1"), 120, 40) as terminal:
        terminal.wait(shows("^100 decisions", "1-4 window", "^ETHUSDT +40"), "the screen")
        text = terminal.text
        assert re.search(r"^Gates -+ · none  ░ <10 %  ▒ <40 %  ▓ <60 %  █ more$", text, re.MULTILINE)
        labels = next(line for line in terminal.lines if "count  share" in line)
        assert labels.endswith("now")
        hour_of = {line.split()[0]: line[60:] for line in terminal.lines if re.match(r"(p33|no_)", line)}
        # The clock may have gone on by a minute: 45 % for seven or eight minutes, nothing before, a gap 30 minutes ago.
        assert re.fullmatch(r"·{27,28} {2}·{22,24}▓{7,8}", hour_of["p33_permit_denied"]), hour_of
        assert re.fullmatch(r"░{27,28} {2}░{30,31}", hour_of["no_position"]), hour_of
        assert labels[60:].index("-15") == 44
        assert re.search(r"^BTCUSDT +50 +10 % executed  p33_permit_denied 90 %$", text, re.MULTILINE)
        assert re.search(r"^ETHUSDT +40 +88 % executed  no_position 1[23] %$", text, re.MULTILINE)
        assert re.search(r"^EVIL�\[31m漢 ?字 ?�USDTX+… +10 +50 % executed", text, re.MULTILINE), text
        assert not re.search(rb"\x1b\[[0-9;]*\b[349][0-7]\b[0-9;]*m", terminal.raw)


@pytest.mark.parametrize("size", [(100, 32), (120, 40), (200, 60)])
def test_every_line_of_a_large_screen_fits_it(server: PrivateRedis, hour: redis.Redis, size: tuple[int, int]) -> None:
    with Terminal(WATCH, environment(server.url), *size) as terminal:
        terminal.wait(shows("1-4 window"), "the screen")
        for keys, wanted in (("4", "^quantum watch  1h"), ("/evil", "^EVIL"), ("\x1b/usdt", "^Symbols: 3")):
            terminal.type(keys)
            terminal.wait(shows(wanted), keys)
            # What did not fit would have rolled the screen, or begun a line of its own.
            assert terminal.lines[0].startswith("quantum watch")
            assert len(terminal.lines) == size[1]
        assert b"\x1b[2J" not in terminal.raw, "what a gate is called is never obeyed"


def test_without_a_terminal_the_symbols_are_listed_too(server: PrivateRedis, hour: redis.Redis) -> None:
    done = quantum(server.url, "watch")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"^Symbols: 3 -+\nBTCUSDT +50 +10 % executed  p33_permit_denied 90 %$", done.stdout, re.MULTILINE)


@pytest.mark.parametrize(
    "query",
    ["why", "symbols", "share", "drift", "health", "all", "explain no_position", "why --json", "all --full"],
)
def test_q_ends_every_query_that_is_watched(server: PrivateRedis, hour: redis.Redis, query: str) -> None:
    # (Nothing but the key can end it: it would look again in an hour.)
    with Terminal([*COMMAND, *query.split(), "--watch", "--every", "3600"], environment(server.url)) as terminal:
        terminal.wait(shows("^q end"), query)
        terminal.type("x")
        terminal.resize(90, 30)
        terminal.type("q")
        assert terminal.end() == 0
        assert terminal.raw.rindex(b"\x1b[?1049l") > terminal.raw.rindex(b"\x1b[?1049h")


# The pure parts.


@pytest.mark.parametrize(
    ("room", "each", "many", "cells"), [(60, 1, 60, 1), (59, 2, 31, 1), (7, 9, 7, 1), (200, 1, 60, 2)]
)
def test_columns_hold_as_many_minutes_as_they_must(room: int, each: int, many: int, cells: int) -> None:
    for running in range(1000, 1020):
        shown = columns(running, 60, room)
        assert (len(shown.minutes) <= many, shown.cells) == (True, cells)
        assert shown.width <= room
        together = [minute for column in shown.minutes for minute in column]
        assert together == list(range(together[0], running + 1)), "no minute is left out, and none is there twice"
        assert together[0] - (running - 59) < each, "all of the hour but the rest of the oldest column"
        assert all(len(column) == each and not column.start % each for column in shown.minutes[1:-1])


def test_a_column_keeps_its_minutes_while_time_goes_on() -> None:
    before, after = (set(columns(running, 60, 20).minutes[1:-1]) for running in (1000, 1001))
    assert len(before ^ after) <= 2


def test_shades_are_told_apart_without_colour_and_colour_means_severity() -> None:
    shares = [None, 0.0, 0.001, 0.0999, 0.1, 0.399, 0.4, 0.599, 0.6, 1.0]
    assert heat(shares, 1, Thresholds()).plain == " ·░░▒▒▓▓██"
    assert heat(shares, 2, Thresholds(), ascii_only=True).plain == "  ..----++++####@@@@"
    assert [span.style for span in heat(shares, 1, Thresholds()).spans] == ["dim", "yellow", "red", "bold red"]
    assert legend(Thresholds(), ascii_only=True).plain == ". none  - <10 %  + <40 %  # <60 %  @ more"
    assert Severity.NORMAL == 0


def test_the_axis_says_how_long_ago() -> None:
    label = axis(columns(1000, 60, 60), 1000)
    assert (len(label), label[14:17], label[29:32], label[44:47], label[57:]) == (60, "-45", "-30", "-15", "now")
    assert axis(columns(1000, 60, 5), 1000).endswith("now")


def test_lines_are_shared_out() -> None:
    assert share_out([5, 5], 20) == [5, 5]
    assert share_out([50, 5], 20) == [15, 5]
    assert share_out([50, 50, 50], 20) == [6, 7, 7]
    assert share_out([], 20) == []


def test_an_answer_that_took_long_is_good_for_longer() -> None:
    now, asked = [0.0], []
    cache: AdaptiveCache[int] = AdaptiveCache(lambda: now[0])

    def ask(seconds: float) -> int:
        asked.append(seconds)
        now[0] += seconds
        return len(asked)

    assert cache.get("5m", lambda: ask(0.5)) == 1
    now[0] += 9.9
    assert cache.get("5m", lambda: ask(0.5)) == 1
    assert cache.get("1h", lambda: ask(0.0)) == 2, "another question is asked at once"
    assert cache.get("1h", lambda: ask(0.5)) == 3, "what costs nothing is always asked"
    now[0] += 10.0
    assert cache.get("1h", lambda: ask(0.5)) == 4
    with pytest.raises(ZeroDivisionError):
        cache.get("5m", lambda: 1 // 0)
    assert cache.get("5m", lambda: ask(0.5)) == 5


def test_the_symbol_that_is_named_comes_first_then_the_busiest() -> None:
    totals = {name: {"EXECUTE": count} for name, count in {"SOL": 1, "SOLUSDT": 3, "ETH": 9, "1000SOL": 2}.items()}
    assert matching(totals, ScreenState(filter="sol")) == ["SOL", "SOLUSDT", "1000SOL"]
    assert matching(totals, ScreenState()) == ["ETH", "SOLUSDT", "1000SOL", "SOL"]


def test_where_no_symbol_is_shown_none_is_read() -> None:
    with redis.Redis(port=free_port()) as nobody:
        reader = SymbolReader(nobody, "quantum")
        assert reader.read(Minutes(1000, {}, 60), ScreenState(), 0) == Picked("5m")
        with pytest.raises(RedisAway):
            reader.read(Minutes(1000, {}, 60), ScreenState(), 1)
