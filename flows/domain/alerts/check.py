"""One check: from what was read to the next state, and what is to be published. Pure.

`flows.alerts` makes one at each of its turns, and a replay one at each turn of the past.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from flows.domain.alerts.life import advance
from flows.domain.alerts.message import alert, figures
from flows.domain.alerts.rules import find
from flows.domain.alerts.view import view_of
from flows.domain.thresholds import Thresholds
from sinks.values.alerts import AlertState, Checked, Reading

PATIENCE_CHECKS, PATIENCE_SECONDS = 3, 120.0
"""A pending alert outlives so many missed checks, and a pause of so many seconds, whichever is longer."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What checks go by. The defaults are those of the contract."""

    thresholds: Thresholds = field(default_factory=Thresholds)
    cooldown: float = 300
    """Seconds between two alerts of equal kind, reason and window, unless the second is worse."""
    interval: float = 60
    """Seconds between checks."""


def judge(reading: Reading, terms: Terms, new_version: Callable[[], str]) -> Checked | None:
    """What a check leads to; None when another instance has only just made one.

    :arg new_version: makes the version of the next state.
    """
    before, now = reading.state, reading.now
    ago = None if before.checked_at is None else now - before.checked_at
    if ago is not None and 0 <= ago < terms.interval / 2:
        return None
    view = view_of(reading)
    tracked, events = advance(
        before.tracked,
        find(view, terms.thresholds),
        now,
        checked_at=before.checked_at,
        cooldown=terms.cooldown,
        broken=ago is None or ago > max(PATIENCE_CHECKS * terms.interval, PATIENCE_SECONDS),
        weight=lambda key: figures(view, key).score,
    )
    after = AlertState(new_version(), now, reading.trimmed_total, tracked)
    return Checked(before, after, tuple(alert(view, event) for event in events), reading.started)
