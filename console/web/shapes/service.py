"""The shapes of `health`."""

from __future__ import annotations

from pydantic import Field

from console.web.shapes.base import Answer, Count, Counted, Decisions, Shape, Time, Warnings, WindowName


class Consumer(Shape):
    """A member of a consumer group."""

    name: str
    pending: Count
    idle_sec: float
    alive: bool | None = Field(description="Whether it holds a lease; null where its kind has none.")


class GroupState(Shape):
    """The consumer group of the counting flow."""

    pending: Count
    lag: Count | None
    consumers: Count
    last_id: str


class Status(Shape):
    """What the counting flow says of itself, by the names of its fields in Redis."""

    processed_total: Count
    pending_estimate: Count | None
    lag: Count | None
    last_id: str | None
    last_ts: Time | None
    consumer_name: str | None
    service_start_ts: Time | None
    late_total: Count
    skewed_total: Count
    overflow_total: Count
    symbols_dropped_total: Count
    claimed_total: Count
    fenced_total: Count
    trimmed_total: Count
    version: str | None


class Unit(Shape):
    """A systemd unit; null is what systemd does not say, or does not run here to say."""

    name: str
    active: str | None
    sub: str | None
    restarts: int | None


class Flow(Shape):
    """A flow that runs, should, or was switched off."""

    name: str
    alive: bool
    expected: bool
    seen_at: Time | None
    instance: str | None
    service_start_ts: Time | None
    version: str | None


class Health(Counted):
    """Is the counting service healthy, and which flows run?"""

    redis_up: bool
    status: Status
    group: GroupState | None
    consumers: list[Consumer]
    running: bool
    unit: Unit
    flows: list[Flow]
    window: WindowName | None
    total: Count | None
    decisions: Decisions


class App(Shape):
    """An App, by its sign of life."""

    name: str
    alive: bool
    seen_at: Time | None
    instance: str | None
    service_start_ts: Time | None
    version: str | None


class Group(Shape):
    """A consumer group of a stream."""

    stream: str
    group: str
    length: Count
    last_id: str
    pending: Count
    lag: Count | None = Field(description="Entries that it has not read; null: Redis does not know.")
    consumers: list[Consumer]


class DeadLetters(Shape):
    """A stream of dead letters."""

    key: str
    count: Count


class AppHealth(Answer):
    """Is this App well?"""

    as_of: Time
    warnings: Warnings
    redis_up: bool
    running: bool
    app: App
    groups: list[Group]
    dead_letters: list[DeadLetters]
    trimmed_total: Count
