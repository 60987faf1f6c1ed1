"""Read model: what the other flows write: alerts, allocation proposals, permits. All of it may be missing.

Every function blocks for a round trip or two, and raises `connectors.errors.RedisError`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import redis

from connectors import stream_id
from connectors.errors import WrongType
from console.asking import ask_all, count_of, number_of, text

FIRING, RESOLVED = "firing", "resolved"

_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Alert:
    """An entry of the stream of alerts; text as it is in Redis."""

    alert_id: str
    kind: str
    window: str
    reason: str
    score: int
    total: int
    share: float
    """0 to 1."""
    severity: str
    state: str
    """`firing` or `resolved`."""
    message: str
    timestamp: float
    """Epoch seconds."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """The newest proposal for a symbol."""

    symbol: str
    base: float
    """USD."""
    proposed: float
    """USD."""
    multiplier: float
    reason: str
    timestamp: float
    """Epoch seconds."""


@dataclass(frozen=True, slots=True)
class Permit:
    """What the governor said about a plan."""

    plan_id: str
    symbol: str
    action: str
    """`DOWNSIZE` or `NONE`."""
    factor: float
    reason: str


def alerts_key(prefix: str) -> str:
    """The stream of alerts."""
    return f"{prefix}:p35:alerts"


def proposals_key(prefix: str) -> str:
    """The stream of proposals."""
    return f"{prefix}:stream:allocation.target.proposed"


def plans_key(prefix: str) -> str:
    """The stream of plans."""
    return f"{prefix}:stream:apply.plan"


def permit_key(prefix: str, plan_id: str) -> str:
    """The permit of a plan."""
    return f"{prefix}:permit:{plan_id}"


def read_alerts(client: redis.Redis, prefix: str, begin: float | None = None, end: float | None = None) -> list[Alert]:
    """All alerts that are kept, oldest first; or those published from `begin` to before `end` (epoch seconds)."""
    low = "-" if begin is None else f"{int(begin * 1000)}-0"
    high = "+" if end is None else f"({int(end * 1000)}-0"
    found: list[Alert] = []
    while True:
        (page,) = ask_all(client, [("XRANGE", alerts_key(prefix), low, high, "COUNT", _PAGE)])
        found += [_alert(entry_id, fields) for entry_id, fields in page or []]
        if not page or len(page) < _PAGE:
            return found
        low = f"({text(page[-1][0])}"


def still_firing(alerts: Sequence[Alert]) -> list[Alert]:
    """Those of `alerts` (oldest first) that were not resolved since, the newest first. Pure."""
    latest = {(alert.kind, alert.reason, alert.window): alert for alert in alerts}
    firing = [alert for alert in latest.values() if alert.state != RESOLVED]
    return sorted(firing, key=lambda alert: -alert.timestamp)


def read_proposals(client: redis.Redis, prefix: str, count: int = 500) -> list[Proposal]:
    """The newest proposal of each symbol among the last `count`; those that change most first."""
    (page,) = ask_all(client, [("XREVRANGE", proposals_key(prefix), "+", "-", "COUNT", count)])
    newest: dict[str, Proposal] = {}
    for entry_id, fields in page or []:
        proposal = _proposal(entry_id, fields)
        newest.setdefault(proposal.symbol, proposal)
    return sorted(newest.values(), key=lambda one: (-abs(one.multiplier - 1), one.symbol))


def read_permits(client: redis.Redis, prefix: str, count: int = 50) -> list[Permit]:
    """The permits of the last `count` plans, the newest first, as far as they are still there."""
    (page,) = ask_all(client, [("XREVRANGE", plans_key(prefix), "+", "-", "COUNT", count)])
    plans = [(text(fields.get(b"plan_id", b"")), text(fields.get(b"symbol", b""))) for _id, fields in page or []]
    plans = [(plan, symbol) for plan, symbol in dict.fromkeys(plans) if plan]
    keys = [permit_key(prefix, plan) for plan, _symbol in plans]
    kinds = [text(kind) for kind in ask_all(client, [("TYPE", key) for key in keys])]
    commands = {"hash": "HGETALL", "string": "GET"}
    there = [(at, commands[kind]) for at, kind in enumerate(kinds) if kind in commands]
    try:
        replies = ask_all(client, [(command, keys[at]) for at, command in there])
    except WrongType:  # replaced by a permit of the other kind while we looked
        return []
    permits = [_permit(*plans[at], reply) for (at, _), reply in zip(there, replies, strict=True)]
    return [permit for permit in permits if permit is not None]


def _alert(entry_id: bytes, fields: Mapping[bytes, bytes]) -> Alert:
    values = _texts(fields)
    published = stream_id.milliseconds(entry_id) / 1000
    return Alert(
        values.get("alert_id", ""),
        values.get("kind", ""),
        values.get("window", ""),
        values.get("reason", ""),
        count_of(values.get("score")),
        count_of(values.get("total")),
        number_of(values.get("share")) or 0.0,
        values.get("severity", ""),
        values.get("state", FIRING),
        values.get("message", ""),
        number_of(values.get("timestamp")) or published,
    )


def _proposal(entry_id: bytes, fields: Mapping[bytes, bytes]) -> Proposal:
    values = _texts(fields)
    multiplier = number_of(values.get("multiplier"))
    return Proposal(
        values.get("symbol", ""),
        number_of(values.get("base_target")) or 0.0,
        number_of(values.get("proposed_target")) or 0.0,
        1.0 if multiplier is None else multiplier,
        values.get("reason", ""),
        number_of(values.get("ts_epoch")) or stream_id.milliseconds(entry_id) / 1000,
    )


def _permit(plan_id: str, symbol: str, reply: Any) -> Permit | None:
    """None where it is none of the governor's."""
    values: Mapping[str, Any]
    if isinstance(reply, Mapping):
        values = _texts(reply)
    else:
        try:
            loaded = json.loads(reply or b"")
        except (ValueError, RecursionError):
            return None
        if not isinstance(loaded, dict):
            return None
        values = loaded
    factor = number_of(values.get("downsize_factor"))
    if factor is None:
        return None
    action, reason = (str(values.get(name, "")) for name in ("eff_action", "eff_reason"))
    return Permit(plan_id, symbol, action, factor, reason)


def _texts(fields: Mapping[bytes, bytes]) -> dict[str, str]:
    return {text(name): text(value) for name, value in fields.items()}
