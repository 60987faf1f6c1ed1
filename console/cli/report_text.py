"""The report on a day as Markdown. What comes from Redis is made printable here. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.text import one_line
from console.queries.readable import clock, number, percent
from console.queries.report import DayReport, share_of
from sinks.values.counts import DECISIONS, EXECUTE, SKIP


def as_markdown(report: DayReport, most_symbols: int | None) -> str:
    """For people.

    :arg most_symbols: how many symbols are listed; None: all.
    """
    return "\n".join(_markdown(report, most_symbols)) + "\n"


def _markdown(report: DayReport, most_symbols: int | None) -> Iterator[str]:
    window = report.window
    yield f"# Decisions of {report.day} (UTC)"
    yield ""
    if not report.over:
        yield "The day is not over yet.\n"
    if report.gone:
        hours = f"{report.gone // 60}:{report.gone % 60:02}"
        yield f"**Not the whole day**: its first {hours} hours may have expired in Redis, wholly or in part.\n"
    if not window.total:
        yield "No decisions."
    else:
        yield f"{number(window.total)} decisions, {percent(window.share_of(SKIP))} skipped."
        yield ""
        yield "| decision | count | share |"
        yield "|---|---:|---:|"
        for name, count in window.decisions.items():
            yield f"| {name} | {number(count)} | {percent(window.share(count))} |"
        yield from _gates(report)
        yield from _hours(report)
        yield from _symbols(report, most_symbols)
    yield from _alerts(report)


def _gates(report: DayReport) -> Iterator[str]:
    yield from ("", f"## Top {'reasons' if report.full else 'gates'}", "")
    yield from ("| gate | count | share |", "|---|---:|---:|")
    for gate in report.gates:
        yield f"| {_cell(gate.name)} | {number(gate.count)} | {percent(gate.share)} |"


def _hours(report: DayReport) -> Iterator[str]:
    yield from ("", "## By hour", "")
    yield f"| hour | all | {' | '.join(DECISIONS)} | top gate |"
    yield f"|---|{'---:|' * (len(DECISIONS) + 1)}---|"
    for hour, one in enumerate(report.hours):
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
