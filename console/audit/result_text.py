"""What an audit found, for a person and for a program. Pure."""

from __future__ import annotations

from dataclasses import asdict

from connectors.text import one_line
from console.audit.bounds import AT_LEAST, EXACT, EXPIRED, MOVING, Difference
from console.audit.run import AuditResult
from console.queries.json import JSON_VERSION, dumps
from console.queries.readable import many, number
from sinks.buckets import TAKEN_BACK
from sinks.times import minute_name

SHOWN = 20
"""Differences that a person is shown."""


def as_text(report: AuditResult) -> str:
    """Lines that are safe for a terminal."""
    lines = [difference_text(one) for one in report.differences[:SHOWN]]
    if len(report.differences) > SHOWN:
        lines.append(f"and {many(len(report.differences) - SHOWN, 'more difference')}")
    counted = f"{many(report.messages, 'message')}, {many(len(report.states[EXACT]), 'bucket')}"
    none = "no difference found" if report.states[AT_LEAST] and not report.states[EXACT] else "exact"
    lines.append(f"{many(len(report.differences), 'difference') if lines else none}: {counted}")
    notes = {
        AT_LEAST: "hold entries that may be gone from the stream: compared as far as it goes back",
        EXPIRED: "expired, or may have in part",
        MOVING: "counted in at every look: within what was under way",
    }
    for state, note in notes.items():
        if minutes := report.states[state]:
            lines.append(f"  {many(len(minutes), 'bucket')} {note} ({_span(minutes)})")
    if report.pending or report.unread:
        unread = "" if report.unread is None else f", {number(report.unread)} not read yet"
        lines.append(f"  left out: {number(report.pending)} being counted{unread}")
    if all("symbol_" in one.field for one in report.differences) and report.differences:
        lines.append(
            "  all of them per symbol: has the flow the same ENABLE_SYMBOL_BREAKDOWN, and had it all the time?"
        )
    if report.whole and any(one.field == "processed_total" for one in report.differences):
        lines.append("  if the stream was deleted and created again, or restored: try again with --since that minute")
    return "\n".join(lines) + "\n"


def as_json(report: AuditResult) -> str:
    """One line, ASCII, with all differences. Minutes are `YYYYMMDDHHMM`; `most` is null where it is unlimited."""
    value = {
        "version": JSON_VERSION,
        "exact": not report.differences,
        "messages": report.messages,
        "buckets": {state: len(minutes) for state, minutes in report.states.items()},
        "whole": report.whole,
        "pending": report.pending,
        "unread": report.unread,
        "processed_total": report.processed,
        "differences": [asdict(one) for one in report.differences],
    }
    return dumps(value)


def difference_text(one: Difference) -> str:
    """A line that is safe for a terminal."""
    if one.most is None:
        expected = f"at least {one.least}"
    elif one.least == one.most:
        expected = str(one.least)
    else:
        expected = f"{one.least} to {one.most}"
    found = "nothing" if one.found is None else one.found
    where = one.minute or one_line(one.key)
    return f"{where} {one_line(one.field, 400)}: expected {expected}, found {found}"


def _span(minutes: list[int]) -> str:
    known = [one for one in minutes if one != TAKEN_BACK] or minutes
    first, last = minute_name(min(known)), minute_name(max(known))
    return first if first == last else f"{first} to {last}"
