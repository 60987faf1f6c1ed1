"""Read model: the receivers of alerts, and what became of each publication at each of them. Never writes.

Text comes as it is in Redis, and must be made printable before a terminal gets it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import redis

from connectors import stream_id
from connectors.errors import NoGroup, translating
from console.queries.fetch import ask_all, count_of, number_of, text, texts
from console.queries.groups import Group, read_groups
from sinks.alert_state import stream_key
from sinks.receivers import GROUPS, dead_letters_key, lease_key, receiver_key, sent_key

SENT, WAITING, GIVEN_UP = "sent", "waiting", "given_up"
"""What became of an entry at a receiver."""

_MOST_WAITING = 1_000
"""Pending entries of a receiver that are looked at."""


@dataclass(frozen=True, slots=True)
class AlertDelivery:
    """What became of one publication of an alert at one receiver."""

    receiver: str
    """Its number."""
    outcome: str
    """SENT, WAITING (it was tried, or is about to be) or GIVEN_UP."""
    at: float | None = None
    """When it was taken or given up, epoch seconds; None while it waits."""
    attempts: int | None = None
    """How often it was tried; None where it was taken."""
    failure: str = ""
    """Why it was given up, or was not taken yet."""
    state: str = ""
    severity: str = ""
    """State and severity that were published."""


@dataclass(frozen=True, slots=True)
class ReceiverState:
    """A receiver, as far as Redis knows it: the URL is known to the flow alone."""

    receiver: str
    """Its number in ALERT_NOTIFY_URLS."""
    name: str
    """Of its kind; empty where it is not known."""
    running: bool
    """Whether a process sends to it."""
    waiting: int
    """Alerts that were tried, or are about to be."""
    unread: int | None
    """Alerts that were not looked at yet; None: Redis does not know (before 7.0)."""
    sent_at: float | None
    """When it last took a message, epoch seconds."""
    failed_at: float | None
    """When it last did not, where it has taken none since."""
    failure: str
    """Why."""
    failures: int
    """Attempts on end that failed."""
    given_up: int
    """Dead letters that are kept."""


@dataclass(frozen=True, slots=True)
class Deliveries:
    """All that Redis knows of them."""

    receivers: tuple[ReceiverState, ...]
    """By number."""
    by_entry: Mapping[str, tuple[AlertDelivery, ...]]
    """ID of a publication in its stream -> what became of it, by receiver; without state and severity."""


def read_deliveries(client: redis.Redis, prefix: str) -> Deliveries:
    """Blocks for six round trips and one a receiver; raises `connectors.errors.RedisFailure`."""
    # What waits first: what is taken meanwhile is then known as taken, and never as neither.
    groups = [one for one in read_groups(client, {stream_key(prefix): None}) if _number(one) is not None]
    groups.sort(key=lambda one: _number(one) or 0)
    numbers = [str(_number(one)) for one in groups]
    pending = [_pending(client, one) for one in groups]
    facts = [texts(found) for found in ask_all(client, [("HGETALL", receiver_key(prefix, one)) for one in numbers])]
    running = ask_all(client, [("EXISTS", lease_key(prefix, one)) for one in numbers])
    keys = (dead_letters_key(prefix), sent_key(prefix))
    dead, sent = (
        [(stream_id.milliseconds(one) / 1000, texts(fields)) for one, fields in entries or []]
        for entries in ask_all(client, [("XRANGE", key, "-", "+") for key in keys])
    )
    found: dict[str, dict[str, AlertDelivery]] = {}
    for number, about, rows in zip(numbers, facts, pending, strict=True):
        for row in rows:
            one = AlertDelivery(number, WAITING, None, int(row["times_delivered"]), about.get("failure", ""))
            found.setdefault(text(row["message_id"]), {})[number] = one
    for at, fields in dead:
        number, failure = fields.get("receiver", ""), fields.get("failure", "")
        one = AlertDelivery(number, GIVEN_UP, at, count_of(fields.get("attempts")), failure)
        found.setdefault(fields.get("entry_id", ""), {})[number] = one
    for at, fields in sent:
        number = fields.get("receiver", "")
        for entry_id in fields.get("entries", "").split():
            found.setdefault(entry_id, {})[number] = AlertDelivery(number, SENT, at)
    receivers = tuple(
        ReceiverState(
            number,
            about.get("name", ""),
            bool(alive),
            group.pending,
            group.lag,
            max((at for at, fields in sent if fields.get("receiver") == number), default=None),
            number_of(about.get("failed_at", "")),
            about.get("failure", ""),
            count_of(about.get("failures")),
            sum(fields.get("receiver") == number for _at, fields in dead),
        )
        for group, number, about, alive in zip(groups, numbers, facts, running, strict=True)
    )
    return Deliveries(receivers, {entry: tuple(each[one] for one in sorted(each)) for entry, each in found.items()})


def _pending(client: redis.Redis, group: Group) -> list[Mapping[str, Any]]:
    """What waits for a receiver, oldest first."""
    try:
        with translating():
            return list(client.xpending_range(group.stream, group.name, "-", "+", _MOST_WAITING))
    except NoGroup:
        return []


def _number(group: Group) -> int | None:
    """The number of the receiver whose group this is; None: it is somebody else's."""
    digits = group.name.removeprefix(GROUPS)
    return int(digits) if group.name.startswith(GROUPS) and digits.isascii() and digits.isdecimal() else None
