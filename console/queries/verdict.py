"""The answer in one sentence: are we trading, and if not, what stops us? Pure."""

from __future__ import annotations

from dataclasses import dataclass

from console.queries.counting import CountingFlow
from console.queries.latest import last_minute
from console.queries.readable import percent
from flows.domain.thresholds import Severity, Thresholds
from flows.domain.windows import Minutes, Window
from sinks.values.counts import EXECUTE, Ranked

_FEW = 3
"""Gates that can be named in one breath."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The sentence (it names a gate as it is in Redis: make it printable) and how bad that is."""

    severity: Severity
    sentence: str
    gate: str = ""
    """The gate that the sentence is about, as it is in Redis; empty where it names none."""


def verdict(
    window: Window, thresholds: Thresholds, minutes: Minutes | None = None, flow: CountingFlow | None = None
) -> Verdict:
    """What `window` says; and what its last full minute says, where that is clearly something else.

    :arg minutes: single minutes, to tell for how long it has been so, as far back as they were read.
    :arg flow: who counted; where nobody counts any more, what was counted says nothing of now.
    """
    if flow is not None and flow.blind and not (window.total and flow.running):
        return Verdict(Severity.SERIOUS, f"Unknown: {flow.blind}")
    if not window.total:
        ended = minutes is not None and minutes.ended
        if ended and flow is not None and not flow.silent:
            return Verdict(Severity.SERIOUS, "Unknown: nothing was counted then, and the stream cannot tell why")
        return Verdict(Severity.SERIOUS, f"Not trading: no decisions {'arrived' if ended else 'arrive'}")
    latest = None if minutes is None else last_minute(minutes, window.name)
    if latest is not None and latest.differs:
        turned = _turned(window, latest.window, minutes, thresholds)
        if turned is not None:
            return turned
    executed = window.share_of(EXECUTE)
    if executed < thresholds.execute_low:
        cause = _cause(window, minutes, thresholds)
        return Verdict(Severity.SERIOUS, f"Not trading: {cause}{_executed(executed)}", _named(window))
    sentence = f"Trading: {percent(executed)} executed"
    gate = _flagged(window, thresholds)
    if gate:
        since = _since(gate, minutes, thresholds)
        return Verdict(Severity.ATTENTION, f"{sentence}, but {_blocks(window, gate)}{since}", gate.name)
    return Verdict(Severity.NORMAL, sentence)


def _turned(window: Window, last: Window, minutes: Minutes | None, thresholds: Thresholds) -> Verdict | None:
    """What there is to say where `last`, a minute of `window`, is of another mind; None: both say the same."""
    low = thresholds.execute_low
    before, now = window.share_of(EXECUTE), last.share_of(EXECUTE)
    shares = f"{percent(now)} executed in the last minute ({percent(before)} in {window.name})"
    if before >= low and not last.total:
        what = f"no decisions arrived in the last minute ({percent(before)} executed in {window.name})"
        return Verdict(Severity.SERIOUS, f"Trading has stopped: {what}")
    if before >= low > now:
        cause = _cause(last, minutes, thresholds)
        return Verdict(Severity.SERIOUS, f"Trading has stopped: {cause}, {shares}", _named(last))
    if now < low and last.total and _named(last) != _named(window):
        cause = _cause(last, None, thresholds)
        return Verdict(Severity.SERIOUS, f"Not trading: {cause} in the last minute{_executed(now)}", _named(last))
    gate = _flagged(last, thresholds)
    name = gate.name if gate else ""
    but = f", but {_blocks(last, gate)} in it" if gate else ""
    if now >= low > before:
        return Verdict(Severity.ATTENTION, f"Trading again: {shares}{but}", name)
    if now >= low and gate and not _flagged(window, thresholds):
        return Verdict(Severity.ATTENTION, f"Trading: {shares}{but}", name)
    return None


def many_gates(window: Window) -> bool:
    """Whether so many gates block that none stands out: it takes more than three of them to make up half of it all."""
    largest = sum(gate.count for gate in window.gates[:_FEW])
    return 2 * largest < sum(gate.count for gate in window.gates)


def _cause(window: Window, minutes: Minutes | None, thresholds: Thresholds) -> str:
    if not window.gates:
        return "most decisions give no reason"
    if many_gates(window):
        blocked = window.share(sum(gate.count for gate in window.gates))
        return f"{len(window.gates)} gates block {percent(blocked)} of decisions and none stands out"
    gate = window.gates[0]
    return f"{_blocks(window, gate)}{_since(gate, minutes, thresholds)}"


def _named(window: Window) -> str:
    """The gate that `_cause` names, if any."""
    return "" if not window.gates or many_gates(window) else window.gates[0].name


def _executed(share: float) -> str:
    return f", {percent(share)} executed" if share else ""


def _flagged(window: Window, thresholds: Thresholds) -> Ranked | None:
    """The gate that blocks most, where that is worth attention."""
    gate = window.gates[0] if window.gates else None
    return gate if gate and thresholds.gate_severity(window.share(gate.count)) else None


def _since(gate: Ranked, minutes: Minutes | None, thresholds: Thresholds) -> str:
    """For how many full minutes on end the gate has been worth attention."""
    if minutes is None:
        return ""

    def stops(one: Window) -> bool:
        count = next((found.count for found in one.gates if found.name == gate.name), 0)
        return bool(thresholds.gate_severity(one.share(count)))

    length = minutes.on_end(stops)
    if not length:
        return ""
    return f" for {length} min" + (" or longer" if length >= minutes.depth - 1 else "")


def _blocks(window: Window, gate: Ranked) -> str:
    return f"{gate.name} blocks {percent(window.share(gate.count))} of decisions"
