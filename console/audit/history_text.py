"""What an audit of history found, for a person and for a program. Pure."""

from __future__ import annotations

from dataclasses import asdict

from console.audit.bounds import AT_LEAST, EXACT, MOVING
from console.audit.history import HistoryResult
from console.audit.result_text import SHOWN, difference_text
from console.queries.json import JSON_VERSION, dumps
from console.queries.readable import many


def history_text(result: HistoryResult) -> str:
    """Lines that are safe for a terminal."""
    lines = [difference_text(one) for one in result.differences[:SHOWN]]
    if len(result.differences) > SHOWN:
        lines.append(f"and {many(len(result.differences) - SHOWN, 'more difference')}")
    counted = f"{many(result.hours[EXACT], 'hour')}, {many(result.days[EXACT], 'day')}"
    lines.append(f"{many(len(result.differences), 'difference')}: {counted}" if lines else f"exact: {counted}")
    notes = {AT_LEAST: "expired in part: compared with what is left", MOVING: "not ended: no more than was counted"}
    for state, note in notes.items():
        if result.hours[state] or result.days[state]:
            lines.append(f"  {many(result.hours[state], 'hour')}, {many(result.days[state], 'day')} {note}")
    if not result.running:
        lines.append("  flows.history is not running: what was counted since it ran is in no hour")
    return "\n".join(lines) + "\n"


def history_json(result: HistoryResult) -> str:
    """One line, ASCII, with all differences; `most` is null where it is unlimited."""
    value = {
        "version": JSON_VERSION,
        "exact": not result.differences,
        "hours": result.hours,
        "days": result.days,
        "buckets": result.buckets,
        "running": result.running,
        "differences": [asdict(one) for one in result.differences],
    }
    return dumps(value)
