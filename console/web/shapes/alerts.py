"""The shape of `alerts`."""

from __future__ import annotations

from pydantic import Field

from console.web.shapes.base import Answer, Count, Fraction, Shape, Time, Warnings


class Delivery(Shape):
    """What became of one message to one receiver."""

    receiver: str
    outcome: str = Field(description="sent, waiting or given_up.")
    at: Time | None
    attempts: int | None
    failure: str
    state: str
    severity: str


class AlertLife(Shape):
    """An alert from firing to resolved."""

    alert_id: str
    kind: str
    reason: str
    window: str
    severity: str
    since: Time | None = Field(description="null: the entry that would tell is kept no longer.")
    ended: Time | None = Field(description="null while it fires.")
    score: int
    total: Count
    share: Fraction
    message: str
    deliveries: list[Delivery]


class Receiver(Shape):
    """A receiver of alerts, by its number: its URL is a secret."""

    receiver: str
    name: str
    running: bool
    waiting: Count
    unread: Count | None
    sent_at: Time | None
    failed_at: Time | None
    failure: str
    failures: Count
    given_up: Count


class Alerts(Answer):
    """What fires, what did, and who was told?"""

    as_of: Time
    checked_at: Time | None = Field(description="When flows.alerts last looked; null: never.")
    warnings: Warnings
    firing: list[AlertLife] = Field(description="The worst first.")
    ended: list[AlertLife] = Field(description="The latest first.")
    receivers: list[Receiver]
