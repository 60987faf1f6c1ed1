"""What an alert can be about (a gate, a decision, a symbol, the group that counts): its figures and evidence. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from flows.domain.alerts.view import View
from flows.domain.decisions import NO_REASON
from flows.domain.gates import meaning
from flows.domain.windows import Window
from sinks.values.counts import DECISIONS, EXECUTE

_MOST = 3
"""How many symbols or gates are named as evidence."""


@dataclass(frozen=True, slots=True)
class Figures:
    """How much of it there is."""

    score: int
    total: int

    @property
    def share(self) -> float:
        """0 to 1; 0 where there is nothing at all."""
        return min(self.score / self.total, 1.0) if self.total else 0.0


@dataclass(frozen=True, slots=True)
class Subject:
    """How to measure it, and what an operator wants to know about it, for a view, a window and a reason."""

    figures: Callable[[View, str, str], Figures]
    evidence: Callable[[View, str, str], list[str]]
    """What is so now; true of an alert that has ended, too."""
    explanation: Callable[[str], list[str]] = lambda _reason: []
    """What the reason means, and what to look at, while it fires."""


def percent(share: float) -> str:
    """`share` (0 to 1) with the decimal that tells 39.9 % from 40 %, where there is one."""
    return f"{share * 100:.1f}".removesuffix(".0") + " %"


def _gate_figures(view: View, window: str, gate: str) -> Figures:
    seen = view.windows[window]
    return Figures(seen.gate_counts.get(gate, 0), seen.total)


def _gate_evidence(view: View, window: str, gate: str) -> list[str]:
    seen = view.windows[window]
    symbols = Counter({symbol: count for (symbol, of), count in seen.symbol_gates.items() if of == gate})
    return [*_distribution(seen), *_named("most affected", symbols)]


def _gate_explanation(gate: str) -> list[str]:
    return [meaning(gate)]


def _decision_figures(view: View, window: str, decision: str) -> Figures:
    seen = view.windows[window]
    return Figures(seen.decisions.get(decision, 0), seen.total)


def _decision_evidence(view: View, window: str, decision: str) -> list[str]:
    """Too few EXECUTE are the doing of all that is none."""
    seen = view.windows[window]
    symbols: Counter[str] = Counter()
    for (symbol, of), count in seen.symbol_decisions.items():
        symbols[symbol] += count if (of == decision) != (decision == EXECUTE) else 0
    gates = Counter({gate: count for gate, count in seen.gate_counts.items() if gate != NO_REASON})
    first = _top(gates)[:1]
    explained = [f"{gate}: {meaning(gate)}" for gate, _count in first]
    return [*_distribution(seen), *_named("gates", gates), *_named("most affected", symbols), *explained]


def _symbol_figures(view: View, window: str, symbol: str) -> Figures:
    seen = view.windows[window]
    return Figures(seen.symbol_totals[symbol], seen.total)


def _symbol_evidence(view: View, window: str, symbol: str) -> list[str]:
    seen = view.windows[window]
    counts = {decision: count for (of, decision), count in seen.symbol_decisions.items() if of == symbol}
    gates = Counter(
        {gate: count for (of, gate), count in seen.symbol_gates.items() if of == symbol and gate != NO_REASON}
    )
    executed = view.last_execute.get(symbol)
    last = "never executed" if executed is None else f"last EXECUTE {(view.now - executed) / 60:.0f} min ago"
    explained = [f"{gate}: {meaning(gate)}" for gate, _count in _top(gates)[:1]]
    return [last, *_named(f"its decisions in {window}", Counter(counts)), *_named("its gates", gates), *explained]


def _group_figures(view: View, _window: str, reason: str) -> Figures:
    scores = {"lag": view.lag or 0, "pending": view.pending, "trimmed": view.trimmed}
    return Figures(scores.get(reason, 0), view.stream_length)


_GROUP_MEANINGS: Mapping[str, str] = {
    "lag": "decisions are published and not read: see whether flows.p35 is running, and fast enough",
    "pending": "decisions are read and not counted: see whether an instance is dead, or Redis refuses its commits",
    "trimmed": "decisions were deleted from the stream before they were counted: they are lost to every count",
}


def _group_explanation(reason: str) -> list[str]:
    return [_GROUP_MEANINGS[reason]] if reason in _GROUP_MEANINGS else []


def _group_evidence(view: View, _window: str, _reason: str) -> list[str]:
    lag = "unknown" if view.lag is None else f"{view.lag:,}"
    return [f"lag {lag}, pending {view.pending:,}, {view.stream_length:,} entries in the stream"]


def _shift_figures(view: View, _window: str, gate: str) -> Figures:
    if view.shifts is None:
        return Figures(0, 0)
    one = view.shifts.gates.get(gate)
    return Figures(0 if one is None else one.count, view.shifts.total)


def _shift_evidence(view: View, window: str, gate: str) -> list[str]:
    """What it was before, and what it is; of a gate that stops next to nothing now, that alone."""
    if view.shifts is None:
        return ["nothing is known of the last hours: see whether flows.history is running"]
    one, weeks = view.shifts.gates.get(gate), view.shifts.weeks
    if one is None:
        return [f"it is not among the gates that stop most in {window}"]
    known = "the week before" if weeks == 1 else f"the {weeks} weeks before"
    return [f"{percent(one.share)} in {window}, {percent(one.before)} in the same hours of {known} (q {one.q:.2g})"]


def _distribution(seen: Window) -> list[str]:
    if not seen.total:
        return ["no decisions"]
    counts = [f"{name} {percent(seen.share_of(name))}" for name in DECISIONS if seen.decisions.get(name)]
    return [", ".join(counts)]


def _named(title: str, counts: Counter[str]) -> list[str]:
    named = ", ".join(f"{name} {count:,}" for name, count in _top(counts)[:_MOST])
    return [f"{title}: {named}"] if named else []


def _top(counts: Counter[str]) -> list[tuple[str, int]]:
    return sorted(((name, count) for name, count in counts.items() if count), key=lambda one: (-one[1], one[0]))


GATE = Subject(_gate_figures, _gate_evidence, _gate_explanation)
DECISION = Subject(_decision_figures, _decision_evidence)
SYMBOL = Subject(_symbol_figures, _symbol_evidence)
SHIFT = Subject(_shift_figures, _shift_evidence, _gate_explanation)
GROUP = Subject(_group_figures, _group_evidence, _group_explanation)
