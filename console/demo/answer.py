"""The final answer, as plain text of at most 80 columns: no colour, no control characters. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from connectors.text import one_line
from console.demo.join_lines import permit_line, proposed_line
from console.demo.observation import Observation
from console.demo.tour import changes
from console.demo.view import decisions
from console.queries.readable import number, percent
from console.queries.trend import TrendAnswer
from console.queries.verdict import verdict
from console.terminal.cells import bar, fit
from flows.domain.thresholds import Thresholds
from flows.domain.windows import Window
from sinks.values.counts import Ranked

WINDOW = "5m"
"""The window in question."""

_ROWS = 5


def answer(seen: Observation, trend: TrendAnswer | None = None, *, ascii_only: bool = False) -> str:
    """Why we are not trading, by the last observation; and what is otherwise than in the weeks before."""
    return "\n".join(line.rstrip() for line in _lines(seen, trend, ascii_only)) + "\n"


def _lines(seen: Observation, trend: TrendAnswer | None, ascii_only: bool) -> Iterator[str]:
    window = seen.windows[WINDOW]
    yield from _decisions(list(seen.windows.values()))
    yield ""
    yield "Top gates, 5 minutes"
    yield from _ranking(window, window.gates, ascii_only)
    yield ""
    yield "Top reasons, 5 minutes"
    yield from _ranking(window, window.reasons, ascii_only)
    yield ""
    if seen.alerts:
        yield "Latest alerts"
        for alert in reversed(seen.alerts):
            yield "  " + fit(alert.line, 76)
        yield ""
    if seen.joins.proposed:
        yield "Targets, as proposed in the shadow"
        for proposed in seen.joins.proposed:
            yield "  " + proposed_line(proposed, 60, ascii_only=ascii_only)
        yield ""
    if seen.joins.permits:
        yield "Latest permits"
        for permit in seen.joins.permits[:_ROWS]:
            yield "  " + permit_line(permit, 40)
        yield ""
    if trend is not None:
        yield from changes(trend)
        yield ""
    rate = "unknown" if seen.rate is None else f"{seen.rate:,.1f} decisions a second"
    yield f"Rate       {rate} on average over {seen.elapsed:.0f} s"
    yield f"Lag        {number(seen.status.lag)}"
    yield f"Processed  {number(seen.processed)} of {number(seen.published)} published: {_exactness(seen)}"
    yield ""
    # Last, where it is still on the screen when all has been printed.
    yield one_line(verdict(window, seen.thresholds).sentence)


def _exactness(seen: Observation) -> str:
    missing = seen.published - seen.processed
    if not missing:
        return "exact"
    return f"{number(missing)} not counted yet" if missing > 0 else f"{number(-missing)} too many"


def _decisions(windows: Sequence[Window]) -> Iterator[str]:
    yield f"{'Decisions':<12}" + "".join(f"{window.name:>16}" for window in windows)
    yield from (f"  {line.plain}" for line in decisions(windows, Thresholds(), 10 + 16 * len(windows)))


def _ranking(window: Window, ranked: Sequence[Ranked], ascii_only: bool) -> Iterator[str]:
    if not ranked:
        yield "  none"
    for one in ranked[:_ROWS]:
        share = window.share(one.count)
        drawn = bar(share, 24, ascii_only=ascii_only)
        yield f"  {fit(one.name, 34)} {drawn:<24}{percent(share):>7}{number(one.count):>10}"
