"""What the rules would have said over the past, for a person and for programs: text is made printable here. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from rich.cells import cell_len
from rich.text import Text

from connectors.text import one_line
from console.cli.lines import wrapped
from console.queries.alerts.replay import BOTH, ONLY_REAL, ONLY_REPLAY, UNTOLD, Changed, Fired, Replay, ReplayRow
from console.queries.readable import age, many, moment, number
from console.terminal.cells import fit
from console.terminal.viewport import STYLES, Viewport, cut
from flows.domain.alerts.replay import WARM_UP
from flows.domain.thresholds import OF_ALERTS, Severity

_TITLES = ("kind", "subject", "severity", "from", "to", "for", "fired for real?")
_LONGEST_SUBJECT, _MOST_REAL = 128, 3

_NOT_REPLAYED = {
    "P35_ALERT_MAX_LAG": "consumer_behind",
    "P35_ALERT_SHIFT": "share_shift",
    "P35_ALERT_SHIFT_Q": "share_shift",
}
"""Setting -> the kind of alert that it is for alone, and that is not replayed."""


def as_text(answer: Replay, changed: Changed, width: int | None) -> list[Text]:
    """Its lines, cut to `width` cells where there is one."""
    return cut(_lines(answer, changed, Viewport(width, None)), width)


def _lines(answer: Replay, changed: Changed, viewport: Viewport) -> Iterator[Text]:
    for warning in answer.warnings:
        yield from wrapped(f"! {warning}", viewport, STYLES[Severity.SERIOUS])
    yield from wrapped(_summary(answer), viewport, "bold")
    begin, end = moment(answer.begin, answer.now), moment(answer.end, answer.now)
    span = f"{begin} to {end}, {many(answer.checks, 'check')} {answer.interval:g} s apart"
    yield from wrapped(span, viewport, "dim")
    for name, (value, other) in changed.items():
        same = "as it is" if value == other else f"otherwise {other:g}"
        yield from wrapped(f"{name}={value:g} ({same})", viewport, "dim")
    if answer.rows:
        yield Text("")
        yield from _table(answer, viewport)
    yield Text("")
    for kind, why in answer.untold.items():
        yield from wrapped(f"not replayed: {kind}: {why}", viewport, "dim")
    for line in _limits(answer, changed):
        yield from wrapped(line, viewport, "dim")


def _summary(answer: Replay) -> str:
    """How many would have fired and how many did, in a sentence."""
    would, only = answer.count(BOTH, ONLY_REPLAY), answer.count(ONLY_REPLAY)
    said = f"{many(would, 'alert')} would have fired, {number(answer.fired)} did"
    apart = [f"{number(only)} only in the replay"] if only else []
    apart += [f"{number(real)} not in the replay"] if (real := answer.count(ONLY_REAL)) else []
    apart += [f"{number(other)} more that no replay can tell of"] if (other := answer.count(UNTOLD)) else []
    return ": ".join([said, ", ".join(apart)]) if apart else said


def _table(answer: Replay, viewport: Viewport) -> Iterator[Text]:
    """A heading, and a line a row, each column as wide as it must be; sentences, where there is no room for that."""
    rows = [(_cells(answer, row), row) for row in answer.rows]
    widths = [max(map(cell_len, column)) for column in zip(_TITLES, *(cells for cells, _row in rows), strict=True)]
    fits = viewport.width is None or sum(widths) + 2 * (len(widths) - 1) <= viewport.width
    if fits:
        yield Text(_aligned(_TITLES, widths), "dim")
    for cells, row in rows:
        severity = row.replay.severity if row.replay is not None else row.real[0].severity
        style = STYLES[OF_ALERTS.get(severity, Severity.NORMAL)]
        if fits:
            yield Text(_aligned(cells, widths), style)
        else:
            kind, subject, severity, since, ended, lasted, said = cells
            yield from wrapped(
                f"{severity} {kind} {subject} {since} to {ended} ({lasted or 'unknown'})", viewport, style
            )
            yield from wrapped(f"    fired for real? {said}", viewport, "dim")


def _aligned(cells: tuple[str, ...], widths: list[int]) -> str:
    return "  ".join(fit(cell, width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _cells(answer: Replay, row: ReplayRow) -> tuple[str, ...]:
    """What stands in the columns."""
    shown = row.replay if row.replay is not None else row.real[0]
    lasted = "" if shown.since is None else age((answer.end if shown.ended is None else shown.ended) - shown.since)
    return (
        one_line(row.key.kind, _LONGEST_SUBJECT),
        one_line(row.key.reason, _LONGEST_SUBJECT),
        one_line(shown.severity, 40),
        "unknown" if shown.since is None else _at(shown.since, answer),
        "now" if shown.ended is None else _at(shown.ended, answer),
        one_line(lasted, 20),
        _said(answer, row),
    )


def _said(answer: Replay, row: ReplayRow) -> str:
    """Whether it did fire; where its severity or times were others, which."""
    where, spell = answer.where(row), row.replay
    if where == ONLY_REPLAY:
        return "no, only in the replay"
    if where == ONLY_REAL:
        return "yes, not in the replay"
    if spell is None:
        return "yes, cannot be replayed"
    if len(row.real) == 1 and _alike(row.real[0], spell.severity, spell.since, spell.ended):
        return "yes"
    more = f", and {number(len(row.real) - _MOST_REAL)} more times" if len(row.real) > _MOST_REAL else ""
    return "yes, " + "; ".join(_span(one, answer) for one in row.real[:_MOST_REAL]) + more


def _alike(one: Fired, severity: str, since: float, ended: float | None) -> bool:
    """Whether it was the same to the minute."""
    times = ((one.since, since), (one.ended, ended))
    return one.severity == severity and all(
        real == other if real is None or other is None else real // 60 == other // 60 for real, other in times
    )


def _span(one: Fired, answer: Replay) -> str:
    begin = "" if one.since is None else f" {_at(one.since, answer)}"
    return one_line(f"{one.severity}{begin} to {'now' if one.ended is None else _at(one.ended, answer)}", 120)


def _at(seconds: float, answer: Replay) -> str:
    """An instant; all are in UTC, which the span says."""
    return moment(seconds, answer.now).removesuffix(" UTC")


def _limits(answer: Replay, changed: Changed) -> Iterator[str]:
    """What else is to be known of such an answer."""
    yield (
        "Each check sees the minutes that were over by then, as they are counted now: what came late is in them, and "
        "what came and went within a minute is not seen."
    )
    if answer.warm_up < WARM_UP / 2:
        yield (
            f"Less than half an hour before {moment(answer.begin, answer.now)} is kept: what had begun by then begins "
            "later here, or not at all."
        )
    for name, kind in _NOT_REPLAYED.items():
        if name in changed:
            yield f"{name} changes nothing here: it is for {kind}."
