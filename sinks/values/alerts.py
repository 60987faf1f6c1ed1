"""The values that the flow and the sinks of alerts exchange, and the fixed names in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from connectors.group_state import GroupState
from sinks.values.counts import WINDOWS as LENGTHS
from sinks.values.counts import Counts
from sinks.values.history import RollUp

MEDIUM, HIGH, CRITICAL = SEVERITIES = ("MEDIUM", "HIGH", "CRITICAL")
"""Least first."""

WINDOWS = ("5m", "15m")
"""The windows of `sinks.values.counts.WINDOWS` that rules may look at."""

LONGEST = max(LENGTHS[window] for window in WINDOWS)
"""Minutes that a check looks back."""

FIRING, RESOLVED = STATES = ("firing", "resolved")


class Key(NamedTuple):
    """What an alert is about: of equal ones there is at most one within a cooldown."""

    kind: str
    reason: str
    """A gate, a decision, a symbol ... as the kind has it. May be hostile text."""
    window: str


@dataclass(frozen=True, slots=True)
class Alert:
    """One entry of the stream of alerts."""

    alert_id: str
    """The same in all entries of one alert, from firing to resolved."""
    key: Key
    score: int
    total: int
    share: float
    timestamp: int
    """When it was published, epoch seconds."""
    severity: str
    """One of SEVERITIES; of a resolved alert the last that was published."""
    state: str
    """One of STATES."""
    message: str
    """One printable line: what, how much, the evidence."""


@dataclass(frozen=True, slots=True)
class Tracked:
    """What is remembered of one alert. Times are epoch seconds."""

    since: Mapping[str, float] = field(default_factory=dict)
    """Severity -> since when its condition has held, at every check; those that do not hold now are missing."""
    alert_id: str = ""
    """Of the alert that is firing; empty when none is."""
    severity: str = ""
    """The one that was published last as firing, also when it is resolved since: a worse one waits for no cooldown."""
    started_at: float = 0.0
    """When it began to fire, while firing."""
    published_at: float | None = None
    """When it was last published as firing, also when it is resolved since; the cooldown counts from here."""

    @property
    def firing(self) -> bool:
        """Whether it was published as firing, and not as resolved since."""
        return bool(self.alert_id)


@dataclass(frozen=True, slots=True)
class AlertState:
    """What all instances know of the alerts: it lies in Redis, and nowhere else."""

    version: str = ""
    """Changes with each check that is written; empty before the first."""
    checked_at: float | None = None
    """When the last check was, epoch seconds by the clock of Redis."""
    trimmed_total: int | None = None
    """`trimmed_total` of the status at that check."""
    tracked: Mapping[Key, Tracked] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Shift:
    """The share of a gate over a span, beside the same hours of the weeks before, as `flows.domain.trend` judges it."""

    count: int
    """Decisions that it stopped in the span."""
    share: float
    """Of all decisions of the span, 0 to 1."""
    before: float
    """Of those of the same hours of the weeks before, likewise."""
    q: float
    """The p-value of the difference, corrected for the number of rows."""
    rose: bool
    """Whether the verdict is that it rose, or is new."""


@dataclass(frozen=True, slots=True)
class Shifts:
    """What the last whole hours are like beside those of the weeks before."""

    end: int
    """The hour (since the epoch) that begins when the last hour of the span ends."""
    total: int
    """Decisions of the span, in the hours that are compared."""
    weeks: int
    """In how many of the weeks before any of those hours is known; 0: there is nothing to compare with."""
    gates: Mapping[str, Shift]
    """Those that stop most in the span: all that can have risen by more than a few points."""


@dataclass(frozen=True, slots=True)
class HoursRead:
    """The hours that shifts are judged by."""

    end: int
    """As in `Shifts`."""
    hours: Mapping[int, RollUp]
    """First minute -> what was counted in the hour, without pairs; hours of which nothing is known are missing."""


@dataclass(frozen=True, slots=True)
class Reading:
    """All that one check looks at. Times are epoch seconds."""

    now: float
    """By the clock of Redis, so that instances on several machines agree."""
    minutes: Mapping[int, Counts]
    """The buckets of the last quarter of an hour, by minute since the epoch; minutes without counts are missing."""
    last_seen: Mapping[str, float]
    last_execute: Mapping[str, float]
    group: GroupState | None
    """The group that counts the decisions; None when it does not exist."""
    stream_length: int
    """Entries in the stream of decisions."""
    trimmed_total: int
    state: AlertState
    started: float
    """When reading began, by this machine's monotonic clock, in seconds."""
    shifts: Shifts | None = None
    """As they were last judged, however long ago; None: never, or it is not known."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check led to."""

    before: AlertState
    """What it built upon: it is void when Redis holds another version by now."""
    after: AlertState
    alerts: tuple[Alert, ...]
    """To be published with it, in one step."""
    started: float
    """As in `Reading`."""
