"""The report on a day as Markdown. What comes from Redis is made printable here. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from connectors.text import one_line
from console.cli.trend_words import LEGEND, TITLES, cells, changes
from console.queries.day import HOURS, MINUTES, WHOLE_DAY, clock_spans
from console.queries.readable import clock, number, percent
from console.queries.report import DayReport, share_of
from console.queries.weeks import ordered, weeks_before
from flows.domain.hourly import KINDS
from flows.domain.trend import NO_CLEAR_CHANGE
from sinks.values.counts import DECISIONS, EXECUTE, SKIP

_SOURCES = {
    MINUTES: "the buckets of its minutes",
    HOURS: "hours that flows.history keeps",
    WHOLE_DAY: "the sum of the day that flows.history keeps",
}

_WIDTH = 80


def as_markdown(report: DayReport, most_symbols: int | None) -> str:
    """For people.

    :arg most_symbols: how many symbols are listed; None: all.
    """
    return "\n".join(_markdown(report, most_symbols)) + "\n"


def _markdown(report: DayReport, most_symbols: int | None) -> Iterator[str]:
    window, sources = report.window, report.found.sources
    yield f"# Decisions of {report.day} (UTC)"
    if not report.over:
        yield from ("", "The day is not over yet.")
    if sources:
        yield from ("", *textwrap.wrap(f"From {' and '.join(_SOURCES[source] for source in sources)}.", _WIDTH))
    for warning in report.warnings:
        yield from ("", *textwrap.wrap(f"**Note**: {_cell(warning)}.", _WIDTH))
    if window.total:
        yield ""
        yield f"{number(window.total)} decisions, {percent(window.share_of(SKIP))} skipped."
        yield ""
        yield "| decision | count | share |"
        yield "|---|---:|---:|"
        for name, count in window.decisions.items():
            yield f"| {name} | {number(count)} | {percent(window.share(count))} |"
        yield from _beside(report)
        yield from _gates(report)
        yield from _hours(report)
        yield from _symbols(report, most_symbols)
    elif sources:
        yield from ("", "No decisions.")
    yield from _alerts(report)


def _beside(report: DayReport) -> Iterator[str]:
    trend = report.beside.trend
    if not trend.rows:
        return
    same = "day" if report.over else "hours"
    yield from ("", f"## Against the same {same} of {weeks_before(trend)}", "")
    changed = [row for row in trend.rows if row.verdict != NO_CLEAR_CHANGE]
    span = "" if report.over else f"{clock_spans([(report.beside.begin // 60, report.beside.end // 60)])}: "
    yield f"{span}{changes(trend)}."
    if changed:
        yield from ("", f"| | | {' | '.join(TITLES)} | |", f"|---|---|{'---:|' * len(TITLES)}---|")
        for row in (row for kind in KINDS for row in ordered(changed) if row.kind == kind):
            yield f"| {row.kind} | {_cell(row.name)} | {' | '.join(cells(row))} | {row.verdict} |"
        yield from ("", *textwrap.wrap(LEGEND, _WIDTH))


def _gates(report: DayReport) -> Iterator[str]:
    yield from ("", f"## Top {'reasons' if report.full else 'gates'}", "")
    yield from ("| gate | count | share |", "|---|---:|---:|")
    for gate in report.gates:
        yield f"| {_cell(gate.name)} | {number(gate.count)} | {percent(gate.share)} |"


def _hours(report: DayReport) -> Iterator[str]:
    if not any(hour.known for hour in report.found.hours):
        return
    yield from ("", "## By hour", "")
    yield f"| hour | all | {' | '.join(DECISIONS)} | top gate |"
    yield f"|---|{'---:|' * (len(DECISIONS) + 1)}---|"
    for hour, one in enumerate(found.window for found in report.found.hours):
        if one.total:
            shares = " | ".join(percent(one.share_of(name)) for name in DECISIONS)
            gate = f"{_cell(one.gates[0].name)} {percent(one.share(one.gates[0].count))}" if one.gates else ""
            yield f"| {hour:02} | {number(one.total)} | {shares} | {gate} |"


def _symbols(report: DayReport, most: int | None) -> Iterator[str]:
    if not report.symbols:
        return
    yield from ("", "## Symbols", "")
    yield from ("| symbol | decisions | executed | skipped |", "|---|---:|---:|---:|")
    for name, decisions in list(report.symbols.items())[:most]:
        shares = f"{percent(share_of(decisions, EXECUTE))} | {percent(share_of(decisions, SKIP))}"
        yield f"| {_cell(name)} | {number(sum(decisions.values()))} | {shares} |"
    if most is not None and len(report.symbols) > most:
        yield from ("", f"And {number(len(report.symbols) - most)} more symbols: `--full` lists them.")


def _alerts(report: DayReport) -> Iterator[str]:
    yield from ("", "## Alerts", "")
    since = report.alerts_since
    if since is not None and since > report.found.start * 60:
        yield f"Kept are those since {clock(since)}.\n"
    if not report.alerts:
        yield "None."
    for alert in report.alerts:
        about = alert.message or f"{alert.reason} {percent(alert.share)}"
        what = f"{_cell(alert.severity)} {_cell(alert.kind)} {_cell(alert.state)}"
        yield f"- {clock(alert.timestamp)} {what}: {_cell(about)}"


def _cell(value: str) -> str:
    """Text from Redis, on one line and without a meaning in Markdown."""
    safe = one_line(value, 300)
    return "".join(f"\\{character}" if character in "\\`*[]<>|#" else character for character in safe)
