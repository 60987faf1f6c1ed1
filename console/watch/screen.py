"""The screen, as lines of text: the verdict on top, the rest by importance. Pure.

Names from Redis may be hostile: all are made printable here. Colour means severity, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from rich.text import Text

from connectors.text import one_line
from console.queries.joins import Permitted
from console.queries.readable import age, clock, number, percent
from console.queries.verdict import verdict
from console.terminal.cells import sparkline
from console.terminal.viewport import STYLES, Viewport, cut
from console.watch.middle import heading, middle
from console.watch.scene import Scene
from console.watch.symbols import Picked
from console.watch.view import ScreenState
from flows.domain.thresholds import OF_ALERTS, Severity
from flows.domain.windows import Window
from sinks.values.counts import DECISIONS, LONGEST_WINDOW
from sinks.values.joins import OK

_MOST_ALERTS = 4

OLD_PROPOSALS_SECONDS = 600
"""Proposals older than this are shown as old; by default their keys have expired by then."""

HELP = """\
1 2 3 4   the last 1, 5, 15, 60 minutes
/         list only gates and symbols that contain what you type, and
          show what stops the symbol (Enter keeps it, Esc ends it)
?         this page; any key leaves it
q         end

Trend: a character a minute, the newest at the right; a step for each seventh of all.
On a screen of 100 columns and more each gate has its last hour: the darker, the more
of all decisions it stopped. From 32 lines on the busiest symbols are below.
Stuck: decided upon in the last 15 minutes, and not executed for as long.
What a gate means and what to do: quantum explain GATE"""


def screen(scene: Scene, view: ScreenState, picked: Picked, viewport: Viewport, trouble: str = "") -> list[Text]:
    """The lines of a screen; no more and none wider than `viewport` has.

    :arg picked: the symbols that were read for `view`; those of another view are not shown.
    :arg trouble: why this is out of date, in a line; empty: it is not.
    """
    width, height = viewport.width or 80, viewport.height
    window = scene.minutes.window(view.window)
    top = [_title(scene, view, width), _verdict(scene, window, trouble)]
    if view.help:
        lines = [*top, Text(""), *map(Text, HELP.splitlines())]
        return _cut(lines, width, height)
    top += _decisions(scene, window, width, viewport.ascii_only)
    bottom = [
        *_warnings(scene),
        *_alerts(scene),
        _stuck(scene, view, width),
        *_proposals(scene, view),
        *_permits(scene, view),
        _lag(scene),
        _prompt(view),
    ]
    between = None if height is None else max(height - len(top) - len(bottom), 2)
    between_them = middle(scene.minutes, window, scene.flow.thresholds, view, picked, between, viewport)
    return _cut([*top, *between_them, *bottom], width, height)


def _cut(lines: list[Text], width: int, height: int | None) -> list[Text]:
    lines = cut(lines, width)
    if height is not None and len(lines) > height:
        lines = [*lines[: height - 1], lines[-1]]
    return lines


def _title(scene: Scene, view: ScreenState, width: int) -> Text:
    left = f"quantum watch  {view.window}"
    right = f"{clock(scene.flow.now)}  ? help  q end"
    title = Text(left, "bold")
    title.append(right.rjust(max(width - len(left), len(right) + 1)), "not bold dim")
    return title


def _verdict(scene: Scene, window: Window, trouble: str) -> Text:
    if trouble:
        return Text(one_line(trouble), f"bold {STYLES[Severity.CRITICAL]}")
    said = verdict(window, scene.flow.thresholds, scene.minutes, scene.flow)
    return Text(one_line(said.sentence), f"bold {STYLES[said.severity]}".strip())


def _decisions(scene: Scene, window: Window, width: int, ascii_only: bool) -> Iterator[Text]:
    counted, running = scene.minutes.counted, scene.minutes.running
    shown = range(running - min(max(width - 32, 5), LONGEST_WINDOW) + 1, running + 1)
    yield heading(f"{number(window.total)} decisions; by minute, the last {len(shown)}", width)
    totals = {one: sum(counted[one].decisions.get(name, 0) for name in DECISIONS) for one in shown if one in counted}
    for name in DECISIONS:
        share = window.share_of(name)
        style = STYLES[scene.flow.thresholds.decision_severity(name, share)] if window.total else "dim"
        line = Text(f"{name:<8}")
        line.append(f"{number(window.decisions[name]):>11}{percent(share):>7}", style)
        shares = [
            None if one not in counted else counted[one].decisions.get(name, 0) / max(totals[one], 1) for one in shown
        ]
        line.append(f"  {sparkline(shares, 1.0, ascii_only=ascii_only)}")
        yield line


def _warnings(scene: Scene) -> Iterator[Text]:
    for warning in scene.flow.warnings:
        yield Text(f"! {warning}", STYLES[Severity.SERIOUS])


def _alerts(scene: Scene) -> Iterator[Text]:
    firing, now, checked = scene.firing.alerts, scene.flow.now, scene.firing.checked_at
    if checked is None and not firing:
        yield Text("alerts     none: flows.alerts has never looked", "dim")
    elif scene.firing.old(now):
        when = "has never looked" if checked is None else f"has not looked for {age(now - checked)}"
        yield Text(f"alerts     flows.alerts {when}", STYLES[Severity.ATTENTION])
    elif not firing:
        yield Text("alerts     none", "dim")
    more = len(firing) - _MOST_ALERTS
    for alert in firing[: _MOST_ALERTS - (more > 0)]:
        about = scene.messages.get((alert.alert_id, alert.kind, alert.reason)) or f"{alert.kind} {alert.reason}"
        line = f"alert      {one_line(alert.severity)} for {age(now - alert.since)}: {one_line(about)}"
        yield Text(line, STYLES[OF_ALERTS[alert.severity]])
    if more > 0:
        yield Text(f"           and {more + 1} more alerts")


def _stuck(scene: Scene, view: ScreenState, width: int) -> Text:
    found = [one for one in scene.stuck if view.lets_through(one.symbol)]
    if not found:
        return Text("stuck      none", "dim")
    names = (
        f"{one_line(one.symbol, 40)} ({'never' if one.since is None else age(one.since)})"
        for one in found[: width // 8]
    )
    line = Text(f"stuck      {number(len(found))}: ")
    return line.append(", ".join(names), STYLES[Severity.ATTENTION])


def _proposals(scene: Scene, view: ScreenState) -> Iterator[Text]:
    found = [one for one in scene.joins.proposed if view.lets_through(one.symbol)]
    if found:
        by_change = sorted(found, key=lambda one: -abs((one.multiplier or 1.0) - 1.0))
        shown = (_factor(one.symbol, one.multiplier, one.reason) for one in by_change)
        newest = scene.flow.now - max((one.at for one in found if one.at is not None), default=scene.flow.now)
        old = f", {age(newest)} old" if newest > OLD_PROPOSALS_SECONDS else ""
        style = STYLES[Severity.ATTENTION if old else Severity.NORMAL]
        yield Text(f"proposals  {number(len(found))}{old}: {', '.join(islice(shown, 6))}", style)


def _permits(scene: Scene, view: ScreenState) -> Iterator[Text]:
    found = [one for one in scene.joins.permits if view.lets_through(one.symbol)]
    if found:
        down = sum(one.action == "DOWNSIZE" for one in found)
        newest: dict[str, Permitted] = {}
        for one in found:
            newest.setdefault(one.symbol, one)
        downsized_first = sorted(newest.values(), key=lambda one: one.action != "DOWNSIZE")
        shown = (_factor(one.symbol, one.factor, one.reason) for one in downsized_first)
        yield Text(f"permits    latest {number(len(found))}, {number(down)} downsized: {', '.join(islice(shown, 5))}")


def _factor(symbol: str, factor: float | None, reason: str) -> str:
    """A symbol with its factor, and the reason unless that is `ok`."""
    why = "" if reason == OK else f" {one_line(reason, 20)}"
    return f"{one_line(symbol, 40)} {'x?' if factor is None else f'x{factor:.2f}'}{why}"


def _lag(scene: Scene) -> Text:
    group, status = scene.flow.group, scene.flow.status
    if group is None:
        return Text("consumer   none", STYLES[Severity.SERIOUS])
    behind = scene.flow.behind or not scene.flow.running
    alive = sum(bool(one.alive) for one in group.consumers)
    line = Text(f"consumers  {alive} alive, ")
    line.append(
        f"pending {number(group.pending)}, lag {number(group.lag)}",
        STYLES[Severity.SERIOUS if behind else Severity.NORMAL],
    )
    return line.append(f", processed {number(status.processed_total)}")


def _prompt(view: ScreenState) -> Text:
    if view.typing:
        return Text(f"/{view.filter}_")
    if view.filter:
        return Text(f"only what contains: {view.filter}   (Esc: everything)", "dim")
    return Text("1-4 window   / filter   ? help   q end", "dim")
