"""The proof of P3.5.1: checks go on, what was published is as agreed, and (when asked for) a gate explodes.

Looking changes nothing. Raising an alert takes decisions that count: they are published where all others are, and the
proof says how many. The alert is resolved by the service itself, once they have left the window.
"""

from __future__ import annotations

import math
import time
from typing import Any

import redis

from console.proof.checks import Checks, fields, new_token, text
from flows.alert_settings import AlertsSettings
from sinks import alert_state, alerts, decisions, snapshots, symbols
from sinks.alert_values import SEVERITIES, STATES

CONTRACT = {
    "alert_id",
    "window",
    "reason",
    "score",
    "total",
    "share",
    "timestamp",
    "severity",
    "kind",
    "state",
    "message",
}

KIND, WINDOW = "gate_explosion", "5m"

MOST = 50_000
"""More decisions than these are not published to raise an alert."""

Entry = dict[str, str]


def seconds(settings: AlertsSettings) -> float:
    """How long the service may take for all of it: the next check but one, and what comes before it."""
    return 2 * settings.alert_interval_sec + 30


def prove(checks: Checks, client: redis.Redis, settings: AlertsSettings, *, explode: bool) -> None:
    """The steps, in order; blocks for as long as `checks` waits.

    :arg explode: whether to raise an alert, with decisions that count.
    """
    prefix = settings.key_prefix
    before = _checked_at(client, prefix)
    checks.holds("service: it has made a check", before > 0, f"at {before:.0f}" if before else "no check in Redis")
    if explode:
        _explode(checks, client, settings)
    checks.becomes("service: it makes another one", True, lambda: _checked_at(client, prefix) > before)
    published = _published(client, prefix)
    checks.say(f"      {len(published)} alerts are in {alert_state.stream_key(prefix)}")
    checks.holds("stream: no more than about 1,000 are kept", len(published) <= alerts.KEPT + 200, str(len(published)))
    for what, broken in (
        ("stream: each has the fields of the contract", _without_fields(published)),
        ("stream: each gate explosion is named by its time and gate", _misnamed(published)),
        ("stream: each share is what was counted", _miscounted(published)),
        (
            "stream: none is repeated within the cooldown, unless it is worse",
            _repeated(published, settings.p35_alert_cooldown),
        ),
        ("stream: what is resolved was firing", _never_fired(published)),
    ):
        checks.holds(what, not broken, f"not so: {broken[0]}" if broken else "")


def _checked_at(client: redis.Redis, prefix: str) -> float:
    try:
        return float(fields(client, alert_state.state_key(prefix)).get("checked_at", 0))
    except ValueError:
        return 0.0


def _published(client: redis.Redis, prefix: str) -> list[Entry]:
    rows: Any = client.xrange(alert_state.stream_key(prefix))
    return [{text(name): text(value) for name, value in entry.items()} for _id, entry in rows]


def _without_fields(published: list[Entry]) -> list[Entry]:
    return [
        one
        for one in published
        if not set(one) >= CONTRACT or one["severity"] not in SEVERITIES or one["state"] not in STATES
    ]


def _misnamed(published: list[Entry]) -> list[Entry]:
    firing = [one for one in published if one.get("kind") == KIND and one.get("state") == "firing"]
    return [
        one
        for one in firing
        if not (one["alert_id"].startswith("p35_alert_") and one["alert_id"].endswith(f"_{one['reason']}"))
    ]


def _miscounted(published: list[Entry]) -> list[Entry]:
    def share(one: Entry) -> str:
        try:
            return f"{int(one['score']) / int(one['total']):.3f}"
        except (ValueError, ZeroDivisionError, KeyError):
            return "none"

    explosions = [one for one in published if one.get("kind") == KIND and one.get("state") == "firing"]
    return [one for one in explosions if one.get("share") != share(one)]


def _repeated(published: list[Entry], cooldown: float) -> list[Entry]:
    """Those that came within the cooldown of one that was as severe."""
    last: dict[tuple[str, ...], tuple[float, str]] = {}
    repeated = []
    for one in published:
        if one.get("state") == "firing" and one.get("severity") in SEVERITIES:
            key = tuple(one.get(name, "") for name in ("kind", "reason", "window"))
            at, severity = float(one.get("timestamp", 0)), one["severity"]
            before, told = last.get(key, (-math.inf, severity))
            # (times are whole seconds)
            if at - before < cooldown - 1 and SEVERITIES.index(severity) <= SEVERITIES.index(told):
                repeated.append(one)
            last[key] = at, severity
    return repeated


def _never_fired(published: list[Entry]) -> list[Entry]:
    fired: set[str] = set()
    broken = []
    for one in published:
        if one.get("state") == "firing":
            fired.add(one["alert_id"])
        elif one.get("alert_id") not in fired and len(published) < alerts.KEPT:
            broken.append(one)
    return broken


def _explode(checks: Checks, client: redis.Redis, settings: AlertsSettings) -> None:
    """Publish as many decisions with a gate of our own as make it an alert, and wait for that."""
    prefix, token = settings.key_prefix, new_token()
    gate, medium = f"proof_{token.lower()}", settings.p35_alert_threshold_medium
    counted = sum(map(int, fields(client, snapshots.decisions_key(prefix, WINDOW)).values()))
    # Half as many again: others go on, and the alert must not hang by a hair.
    least = math.ceil(counted * medium / max(1 - medium, 0.01) * 1.5)
    number = max(settings.p35_alert_min_total, least) + 10
    if not checks.holds("explosion: it takes no flood", number <= MOST, f"{number} decisions"):
        return
    checks.say(f"      adding {number} decisions to {decisions.stream_key(prefix)}, with gate {gate}; they count")
    pipeline = client.pipeline(transaction=False)
    for _ in range(number):
        entry: dict[Any, Any] = {
            "symbol": f"PROOF{token}",
            "decision": "BLOCKED",
            "error": f"{gate}:raised",
            "timestamp": str(int(time.time())),
        }
        pipeline.xadd(decisions.stream_key(prefix), entry)
    pipeline.execute()

    def alert() -> Entry | None:
        found = [one for one in _published(client, prefix) if one.get("reason") == gate and one.get("kind") == KIND]
        return found[0] if found else None

    checks.becomes("explosion: it is published", True, lambda: alert() is not None)
    client.hdel(symbols.last_seen_key(prefix), f"PROOF{token}")
    if one := alert():
        share = int(one["score"]) / int(one["total"])
        limits = (medium, settings.p35_alert_threshold_high, settings.p35_alert_threshold_critical)
        severity = SEVERITIES[max(sum(share >= limit for limit in limits) - 1, 0)]
        checks.holds(
            "explosion: its severity is that of its share", one["severity"] == severity, f"{share:.3f} {severity}"
        )
        checks.holds(
            "explosion: its window and state", (one["window"], one["state"]) == (WINDOW, "firing"), one["window"]
        )
