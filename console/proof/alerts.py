"""The proof of P3.5.1: checks run, what was published is as specified, and (when asked for) a gate explodes.

Without that, nothing is written. Raising an alert takes decisions in the real stream: the proof says how many, and
takes them back; then the flow resolves the alert, and the proof removes it. What stays is what the proof of p35 leaves,
and what receivers were sent. While the alert fires, the shares of all other gates are smaller.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from typing import Any

import redis

from console.proof.checks import Checks, fields
from console.proof.p35 import lives
from console.proof.taking_back import Published, counted, taken_back
from console.queries.fetch import texts
from flows.settings.alerts import AlertsSettings
from sinks import alert_state, decisions, proofs, snapshots
from sinks.values.alerts import SEVERITIES, STATES

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
    """How long the flow may take in all: three checks, and what precedes them."""
    return 3 * settings.alert_interval_sec + 60


def prove(
    checks: Checks, client: redis.Redis, settings: AlertsSettings, snapshot_interval: float, *, explode: bool
) -> None:
    """The steps, in order; blocks for as long as `checks` waits.

    :arg snapshot_interval: seconds between the windows of flows.p35.
    :arg explode: whether to raise an alert, with decisions that count.
    """
    prefix = settings.key_prefix
    before = _checked_at(client, prefix)
    checks.holds("service: it has made a check", before > 0, f"at {before:.0f}" if before else "no check in Redis")
    if explode:
        _explode(checks, client, settings, snapshot_interval)
    checks.becomes("service: it makes another one", True, lambda: _checked_at(client, prefix) > before)
    published = [one for _id, one in _entries(client, prefix)]
    checks.say(f"      {len(published)} alerts are in {alert_state.stream_key(prefix)}")
    checks.holds(
        "stream: no more than about 1,000 are kept", len(published) <= alert_state.KEPT + 200, str(len(published))
    )
    explosions = [one for one in published if one.get("kind") == KIND and one.get("state") == "firing"]
    for what, broken in (
        ("stream: each has the fields of the contract", [one for one in published if not _is_whole(one)]),
        (
            "stream: each gate explosion is named by its time and gate",
            [one for one in explosions if not _is_named(one)],
        ),
        ("stream: each share is what was counted", [one for one in explosions if one.get("share") != _share(one)]),
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


def _entries(client: redis.Redis, prefix: str) -> list[tuple[bytes, Entry]]:
    rows: Any = client.xrange(alert_state.stream_key(prefix))
    return [(entry_id, texts(entry)) for entry_id, entry in rows]


def _is_whole(one: Entry) -> bool:
    return set(one) >= CONTRACT and one["severity"] in SEVERITIES and one["state"] in STATES


def _is_named(one: Entry) -> bool:
    return one["alert_id"].startswith("p35_alert_") and one["alert_id"].endswith(f"_{one['reason']}")


def _share(one: Entry) -> str:
    """What its share must be, by its own counts."""
    try:
        return f"{int(one['score']) / int(one['total']):.3f}"
    except (ValueError, ZeroDivisionError, KeyError):
        return "none"


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
        elif one.get("alert_id") not in fired and len(published) < alert_state.KEPT:
            broken.append(one)
    return broken


def _explode(checks: Checks, client: redis.Redis, settings: AlertsSettings, snapshot_interval: float) -> None:
    """Publish as many decisions with a gate of our own as raise an alert, and follow them until nothing is left."""
    prefix, token = settings.key_prefix, proofs.new_token()
    gate, medium = proofs.gate(token), settings.p35_alert_threshold_medium
    if not checks.becomes("explosion: flows.p35 is there to count", True, lambda: lives(client, prefix)):
        return
    in_window = sum(map(int, fields(client, snapshots.decisions_key(prefix, WINDOW)).values()))
    # Half as many again, as others publish, too.
    least = math.ceil(in_window * medium / max(1 - medium, 0.01) * 1.5)
    number = max(settings.p35_alert_min_total, least) + 10
    if not checks.holds("explosion: it takes no flood", number <= MOST, f"{number} decisions"):
        return
    checks.say(f"      adding {number} decisions to {decisions.stream_key(prefix)}, with gate {gate}")
    published: Counter[Published] = Counter()
    names = proofs.symbol(token), gate
    with checks.cleaning_up(lambda: taken_back(checks, client, prefix, names, published, snapshot_interval)):
        _publish(client, prefix, names, number, published)
        checks.becomes(
            "explosion: its decisions are counted",
            number,
            lambda: sum(sum(counted(client, prefix, one.minute, gate).values()) for one in published),
        )
        raised = checks.becomes("explosion: it is published", True, lambda: bool(_about(client, prefix, gate)))
        if raised:
            _judge(checks, settings, _about(client, prefix, gate)[0][1])
    if not raised:
        return
    checks.extend(settings.alert_interval_sec + 10)
    if checks.becomes(
        "explosion: it is resolved without them",
        "resolved",
        lambda: _about(client, prefix, gate)[-1][1].get("state", ""),
    ):
        client.xdel(alert_state.stream_key(prefix), *(entry_id for entry_id, _one in _about(client, prefix, gate)))


def _publish(
    client: redis.Redis, prefix: str, names: tuple[str, str], number: int, published: Counter[Published]
) -> None:
    """Publish `number` decisions with the symbol and the gate `names`, and note them in `published`."""
    symbol, gate = names
    sent: Counter[Published] = Counter()
    pipeline = client.pipeline(transaction=False)
    for _ in range(number):
        now = int(time.time())
        entry: dict[Any, Any] = {
            "symbol": symbol,
            "decision": "BLOCKED",
            "error": f"{gate}:raised",
            "timestamp": str(now),
        }
        pipeline.xadd(decisions.stream_key(prefix), entry)
        sent[Published(now // 60, "BLOCKED", f"{gate}:raised")] += 1
    pipeline.execute()
    published.update(sent)


def _about(client: redis.Redis, prefix: str, gate: str) -> list[tuple[bytes, Entry]]:
    """The alerts about `gate`, oldest first, by their IDs."""
    found = _entries(client, prefix)
    return [(entry_id, one) for entry_id, one in found if one.get("reason") == gate and one.get("kind") == KIND]


def _judge(checks: Checks, settings: AlertsSettings, one: Entry) -> None:
    """Whether the first alert about a gate says what it must."""
    share = int(one["score"]) / int(one["total"])
    limits = (
        settings.p35_alert_threshold_medium,
        settings.p35_alert_threshold_high,
        settings.p35_alert_threshold_critical,
    )
    severity = SEVERITIES[max(sum(share >= limit for limit in limits) - 1, 0)]
    checks.holds("explosion: its severity is that of its share", one["severity"] == severity, f"{share:.3f} {severity}")
    checks.holds("explosion: its window and state", (one["window"], one["state"]) == (WINDOW, "firing"), one["window"])
