"""What an alert says to a person: one line with what is so, how much, and the evidence. Pure.

Gates and symbols are whatever publishers wrote. The line holds no control character, whatever they were.
"""

from __future__ import annotations

from connectors.text import one_line
from flows.domain.alerts.life import LEFT_OUT, Event
from flows.domain.alerts.rules import BY_KIND
from flows.domain.alerts.subjects import Figures, percent
from flows.domain.alerts.view import View
from sinks.values.alerts import FIRING, RESOLVED, Alert, Key

LIMIT = 1_000
"""Characters of a message."""


def figures(view: View, key: Key) -> Figures:
    """How much there is now of what `key` is about."""
    rule = BY_KIND.get(key.kind)
    return rule.subject.figures(view, key.window, key.reason) if rule is not None else Figures(0, 0)


def alert(view: View, event: Event) -> Alert:
    """What is published for `event`."""
    key = event.key
    measured = figures(view, key)
    if key.reason == LEFT_OUT:
        measured = Figures(event.stands_for if event.state == FIRING else 0, measured.total)
    return Alert(
        alert_id=event.alert_id,
        key=key,
        score=measured.score,
        total=measured.total,
        share=measured.share,
        timestamp=int(view.now),
        severity=event.severity,
        state=event.state,
        message=one_line("; ".join(_parts(view, event, measured)), LIMIT),
    )


def _parts(view: View, event: Event, measured: Figures) -> list[str]:
    key, rule = event.key, BY_KIND.get(event.key.kind)
    after = f" after {_minutes(event.lasted)}" if event.lasted else ""
    if rule is None:
        return [f"resolved{after}: this kind of alert is no longer known"]
    if key.reason == LEFT_OUT:
        if event.state == RESOLVED:
            return [f"resolved{after}: all alerts of this kind are told one by one again"]
        return [f"{event.stands_for:,} more alerts of this kind, which are not told one by one"]
    values = {
        "reason": key.reason,
        "share": percent(measured.share),
        "score": f"{measured.score:,}",
        "total": f"{measured.total:,}",
        "window": key.window,
    }
    evidence = rule.subject.evidence(view, key.window, key.reason)
    if event.state == RESOLVED:
        return [f"resolved{after}: " + rule.ended.format(**values), *evidence]
    says = rule.says.format(**values) + (f", worse{after}" if event.lasted else "")
    return [says, *rule.subject.explanation(key.reason), *evidence]


def _minutes(seconds: float) -> str:
    return f"{int(seconds // 60)} min" if seconds >= 90 else f"{int(seconds)} s"
