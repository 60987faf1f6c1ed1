"""Lines that several answers have in common: the verdict, the window, a gate, what to do next. Pure."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Iterable, Iterator

from rich.text import Text

from connectors.text import one_line
from console.queries.answers import Gate, Why
from console.queries.latest import LastMinute
from console.queries.readable import clock, many, percent
from console.queries.verdict import many_gates
from console.terminal.table import RankedRow
from console.terminal.viewport import STYLES, Viewport
from flows.domain.decisions import NO_REASON
from flows.domain.gates import meaning
from flows.domain.thresholds import Severity, Thresholds
from flows.domain.windows import Span, Window
from sinks.values.counts import EXECUTE

_SPANS = {"1m": "1 minute", "5m": "5 minutes", "15m": "15 minutes", "1h": "1 hour"}
_UP_TO_NOW = _SPANS | {"1m": "this minute", "1h": "the last hour"}


def wrapped(sentence: str, viewport: Viewport, style: str = "") -> list[Text]:
    """`sentence`, which may come from Redis, on as many lines as the room makes it take."""
    safe = one_line(sentence, 1_000)
    if viewport.width is None:
        return [Text(safe, style)]
    return [Text(line, style) for line in textwrap.wrap(safe, viewport.width, break_on_hyphens=False)]


def warnings(sentences: Iterable[str], viewport: Viewport) -> list[Text]:
    """What is to be known of the numbers: above an answer on a terminal; elsewhere it is said beside it."""
    if viewport.width is None:
        return []
    return [line for one in sentences for line in wrapped(f"! {one}", viewport, STYLES[Severity.SERIOUS])]


def headline(answer: Why, viewport: Viewport) -> list[Text]:
    """The verdict."""
    return wrapped(answer.verdict.sentence, viewport, f"bold {STYLES[answer.verdict.severity]}".strip())


def firing(answer: Why, viewport: Viewport) -> list[Text]:
    """The alerts that fire, where any does."""
    if answer.firing is None or not answer.firing.alerts:
        return []
    return wrapped(answer.firing.sentence(answer.flow.now), viewport, STYLES[answer.firing.weight])


def about(window: Window, span: Span, more: str = "") -> Text:
    """Which window it is, and how much was decided in it."""
    when = _UP_TO_NOW[window.name]
    if span.past:
        begin, end = clock(span.begin).removesuffix(":00 UTC"), clock(span.end).removesuffix(":00 UTC")
        when = f"{_SPANS[window.name]}, {begin} to {end.removeprefix(begin[:11])} UTC"
    return Text(f"{when}: {many(window.total, 'decision')}{more}")


def latest(found: LastMinute | None, viewport: Viewport) -> list[Text]:
    """The last full minute, where it clearly differs from its window."""
    if found is None or not found.differs:
        return []
    seen = found.window
    said = f"last full minute: {many(seen.total, 'decision')}"
    if seen.total:
        said += f", {percent(seen.share_of(EXECUTE))} executed"
    if seen.gates:
        gate = seen.gates[0]
        said += f", {gate.name} blocks {percent(seen.share(gate.count))}"
    return wrapped(said, viewport, "bold")


def next_step(window: Window, viewport: Viewport, gate: str = "") -> list[Text]:
    """What `gate`, or the one that blocks most, means, and how to find out what to do."""
    if not window.gates:
        return []
    if not gate and many_gates(window):
        step = "None stands out. What has changed: quantum compare; what each means: quantum explain GATE"
        return wrapped(step, viewport, "dim")
    gate = gate or window.gates[0].name
    shown = one_line(gate)
    return [
        *wrapped(f"{shown}: {meaning(gate)}", viewport),
        *wrapped(f"What to do: quantum explain {shlex.quote(shown)}", viewport, "dim"),
    ]


def reason_row(name: str, count: int, window: Window, thresholds: Thresholds) -> RankedRow:
    """A reason of `window`."""
    share = window.share(count)
    return RankedRow(name, count, share, Severity.NORMAL if name == NO_REASON else thresholds.gate_severity(share))


def gate_rows(gates: tuple[Gate, ...], threshold: float, thresholds: Thresholds) -> Iterator[RankedRow]:
    """Gates, with a flag beside those above `threshold` (0 to 1)."""
    for gate in gates:
        note = f"above {percent(threshold)}" if gate.flagged else ""
        yield RankedRow(gate.name, gate.count, gate.share, thresholds.gate_severity(gate.share), note)
