"""What the demo shows: the final answer as plain text, and the live view; safe and within the screen."""

from __future__ import annotations

import dataclasses

import pytest
from rich.cells import cell_len

from connectors.private_redis import PrivateRedis
from console.demo.answer import answer
from console.demo.observation import Observation, RateMeter
from console.demo.view import screen
from console.queries.alerts.published import SeenAlert, latest_alerts
from console.queries.joins import Joins, Permitted, Proposed
from console.queries.status import read_status
from flows.domain.windows import Window
from sinks.values.counts import WINDOWS, Counts

HOSTILE = "[red]\x1b[2J\x1b]0;x\x07\u202e漢字[/red]" * 5


@pytest.fixture
def seen(server: PrivateRedis) -> Observation:
    """A moment in which p33_permit_denied blocks 62 % of decisions, with a hostile gate beside it."""
    with server.client() as nothing:
        nothing.flushall()
        status = read_status(nothing, "quantum")
    decisions = {"EXECUTE": 12, "SKIP": 20, "BLOCKED": 66, "ERROR": 2, "UNKNOWN": 0}
    reasons = {"p33_permit_denied:stale": 62, "none": 12, HOSTILE: 3}
    windows = {name: Window(range(length), (Counts(decisions, reasons),)) for name, length in WINDOWS.items()}
    status = dataclasses.replace(status, processed_total=100)
    proposed = (Proposed("BTCUSDT", 1000.0, 1400.0, 1.4, "ok"), Proposed(HOSTILE, None, None, None, HOSTILE))
    permits = tuple(Permitted(str(n), HOSTILE, "DOWNSIZE", 0.4444, 96.0, "ok") for n in range(20))
    joins = Joins(proposed * 5, permits)
    return Observation(windows, status, 100, 49.96, 20.2, "busy", "redis-cli -p 1 hgetall x", joins)


def test_the_answer(seen: Observation) -> None:
    lines = answer(seen).splitlines()
    assert lines[-1] == "Not trading: p33_permit_denied blocks 62 % of decisions, 12 % executed"
    assert lines[0] == "Decisions                 1m              5m             15m              1h"
    assert lines[1] == "  EXECUTE          12   12 %       12   12 %       12   12 %       12   12 %"
    assert "  p33_permit_denied                  ██████████████▉            62 %        62" in lines
    assert "Rate       50.0 decisions a second on average over 20 s" in lines
    assert "Lag        unknown" in lines
    assert "  BTCUSDT                  1,000 →    1,400  x1.40 ok" in lines
    assert "Processed  100 of 100 published: exact" in lines


def test_the_answer_is_plain_and_narrow(seen: Observation) -> None:
    text = answer(seen, ascii_only=True)
    assert text.replace("\n", "").isprintable()
    assert max(map(cell_len, text.splitlines())) <= 80
    assert "#####" in text
    assert "█" not in text


def test_the_answer_says_what_is_missing(seen: Observation) -> None:
    assert "100 of 103 published: 3 not counted yet" in answer(dataclasses.replace(seen, published=103))
    assert "100 of 99 published: 1 too many" in answer(dataclasses.replace(seen, published=99))


@pytest.mark.parametrize(("width", "height"), [(80, 24), (81, 25), (120, 50), (200, 60)])
def test_the_view_fits_the_screen(seen: Observation, width: int, height: int) -> None:
    lines = screen(seen, width, height)
    assert len(lines) <= height
    assert max(cell_len(line.plain) for line in lines) <= width


@pytest.mark.parametrize(("height", "shown"), [(24, 3), (32, 6)])
def test_targets_and_permits_stand_side_by_side(seen: Observation, height: int, shown: int) -> None:
    lines = [line.plain for line in screen(seen, 80, height)]
    begin = next(at for at, line in enumerate(lines) if "Targets, as proposed" in line)
    assert "Latest permits" in lines[begin]
    assert lines[begin + 1].split()[:5] == ["BTCUSDT", "1,000", "→", "1,400", "x1.40"]
    assert sum("x0.44 +96 s" in line for line in lines) == shown


def test_a_tiny_screen_still_shows_the_verdict(seen: Observation) -> None:
    lines = screen(seen, 40, 8)
    assert max(cell_len(line.plain) for line in lines) <= 40
    assert lines[1].plain.startswith(" Not trading: p33_permit_denied")


def test_what_comes_from_redis_is_shown_and_never_obeyed(seen: Observation) -> None:
    text = "\n".join(line.plain for line in screen(seen, 80, 24))
    assert "[red]�[2J�]0;x��漢" in text
    assert text.replace("\n", "").isprintable()


def test_colour_means_severity(seen: Observation) -> None:
    lines = screen(seen, 80, 24)
    assert str(lines[1].style) == "bold red"
    gate = next(line for line in lines if line.plain.startswith(" p33_permit_denied "))
    reason = next(line for line in lines if line.plain.startswith(" p33_permit_denied:stale "))
    assert {str(span.style) for span in gate.spans} == {"red"}
    assert {str(span.style) for span in reason.spans} <= {""}


SAID = "x accounts for 84 % of 100 decisions in 5m"
EXPLOSION = SeenAlert("id", "gate_explosion", "x", "5m", "CRITICAL", "firing", SAID, 84, 100, 0.84, 1_769_929_020.0)


def test_the_latest_alert_stands_below_the_verdict_until_it_is_resolved(seen: Observation) -> None:
    assert screen(seen, 80, 24)[2].plain.strip() == ""
    firing = screen(dataclasses.replace(seen, alerts=(EXPLOSION,)), 80, 24)
    assert firing[2].plain == " ALERT CRITICAL gate_explosion: x accounts for 84 % of 100 decisions in 5m"
    assert str(firing[2].style) == "bold red"
    resolved = dataclasses.replace(EXPLOSION, state="resolved", message="resolved after 7 min: x")
    ended = screen(dataclasses.replace(seen, alerts=(resolved, EXPLOSION)), 80, 24)
    assert ended[2].plain == " CRITICAL gate_explosion: resolved after 7 min: x"
    assert (str(ended[2].style), len(ended)) == ("dim", len(firing))


def test_the_answer_lists_the_alerts_oldest_first(seen: Observation) -> None:
    resolved = dataclasses.replace(EXPLOSION, state="resolved", message=HOSTILE)
    lines = answer(dataclasses.replace(seen, alerts=(resolved, EXPLOSION)), ascii_only=True).splitlines()
    begin = lines.index("Latest alerts")
    assert lines[begin + 1].startswith("  ALERT CRITICAL gate_explosion: x accounts")
    assert lines[begin + 2].startswith("  CRITICAL gate_explosion: [red]")
    assert max(map(cell_len, lines)) <= 80


def test_alerts_are_read_newest_first(server: PrivateRedis) -> None:
    with server.client() as client:
        client.flushall()
        assert latest_alerts(client, "quantum", 5) == ()
        for number in range(7):
            client.xadd("quantum:p35:alerts", {"kind": f"k{number}", "state": "firing"})
        assert [one.kind for one in latest_alerts(client, "quantum", 3)] == ["k6", "k5", "k4"]


def test_before_the_first_decision_it_is_starting(seen: Observation) -> None:
    nothing = {name: Window(range(length), ()) for name, length in WINDOWS.items()}
    empty = dataclasses.replace(seen, windows=nothing, elapsed=1.0)
    assert screen(empty, 80, 24)[1].plain == " Starting flows.p35 ..."
    assert "no decisions arrive" in screen(dataclasses.replace(empty, elapsed=60.0), 80, 24)[1].plain


def test_the_rate_is_that_of_the_last_seconds() -> None:
    meter = RateMeter()
    assert meter.rate(0.0, 0) is None
    assert meter.rate(1.0, 50) == 50
    for second in range(2, 20):
        last = meter.rate(float(second), 50 + 100 * (second - 1))
    assert last == 100
