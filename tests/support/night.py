"""Nights for the page to look at, planted in Redis as the flows would leave them: by hand, and the same each time.

(A client is of any type: redis-py types what it takes and gives as everything that could ever be.)
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Mapping
from typing import Any

from tests.support.alert_world import GROUP, STREAM
from tests.support.history_world import minute_name
from tests.support.rollups import HOUR, plant

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "ADAUSDT", "DOGEUSDT", "LINKUSDT", "AVAXUSDT", "LTCUSDT")

EXPLODES = "p33_permit_denied"
"""The gate that has stopped most decisions since LASTS minutes ago."""

LASTS = 24

USUAL = {
    ("EXECUTE", "none"): 0.41,
    ("SKIP", "none"): 0.19,
    ("SKIP", "no_position"): 0.11,
    ("SKIP", "duplicate_plan"): 0.05,
    ("BLOCKED", f"{EXPLODES}:stale"): 0.05,
    ("BLOCKED", f"{EXPLODES}:leverage"): 0.01,
    ("BLOCKED", "insufficient_confidence"): 0.06,
    ("BLOCKED", "symbol_not_in_allowlist:DOGEUSDT"): 0.04,
    ("BLOCKED", "leverage_ratio_exceeded"): 0.03,
    ("BLOCKED", "action_hold"): 0.01,
    ("ERROR", "binance_error:-2019"): 0.02,
    ("ERROR", "mark_price_unavailable"): 0.01,
    ("UNKNOWN", "exception:KeyError"): 0.01,
}
"""(decision, reason) -> share, on a usual day."""

STOPPED = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
"""Symbols of which none is executed while it lasts."""

Counted = Counter[tuple[str, str, str]]
"""(symbol, decision, reason) -> count."""


def night(client: Any, minutes: int = 90, a_minute: int = 240) -> int:
    """A night in which a gate explodes; the running minute (since the epoch).

    The hours of five weeks are what is usual. The last `minutes` are there minute by minute, and the next ten, too: the
    clock may go on while somebody looks. There are alerts, proposals, permits, and entries of the last three minutes.
    """
    now = int(client.time()[0])
    running = now // 60
    chance = random.Random(17)
    for ago in range(-10, minutes):
        write(client, running - ago, _minute(chance, a_minute, exploding=ago < LASTS))
    for hours_ago in range(1, 35 * 24):
        _hour(client, chance, now - hours_ago * HOUR, a_minute)
    alive(client, now)
    _alerts(client, now)
    _plans(client, now)
    for ago in range(3):
        _entries(client, (running - ago) * 60, now)
    return running


def exploding_minute(seed: int, a_minute: int = 240) -> Counted:
    """A minute of the explosion."""
    return _minute(random.Random(seed), a_minute, exploding=True)


def _minute(chance: random.Random, total: int, *, exploding: bool) -> Counted:
    found: Counted = Counter()
    for at, symbol in enumerate(SYMBOLS):
        for (decision, reason), share in USUAL.items():
            often = total * share * 2 * (len(SYMBOLS) - at) / (len(SYMBOLS) * (len(SYMBOLS) + 1))
            if exploding:
                often *= 11.5 if reason == f"{EXPLODES}:stale" else 0.4
                often *= 0 if decision == "EXECUTE" and symbol in STOPPED else 1
            found[symbol, decision, reason] = int(often * chance.uniform(0.7, 1.3) + chance.random())
    return found


def write(client: Any, minute: int, counted: Mapping[tuple[str, str, str], int]) -> None:
    """The bucket and the summary of a minute (since the epoch)."""
    fields: Counter[str] = Counter()
    whole: Counter[str] = Counter()
    for (symbol, decision, reason), count in counted.items():
        if not count:
            continue
        escaped = symbol.replace("%", "%25").replace(":", "%3A")
        whole[f"decision:{decision}"] += count
        whole[f"reason:{reason}"] += count
        fields[f"symbol_decision:{escaped}:{decision}"] += count
        fields[f"symbol_reason:{escaped}:{reason}"] += count
    name = minute_name(minute * 60)
    with client.pipeline() as pipeline:
        pipeline.delete(f"quantum:p35:bucket:{name}", f"quantum:p35:summary:{name}")
        pipeline.hset(f"quantum:p35:bucket:{name}", mapping=dict(whole | fields))
        pipeline.hset(f"quantum:p35:summary:{name}", mapping=dict(whole))
        pipeline.execute()


def _hour(client: Any, chance: random.Random, seconds: float, a_minute: int) -> None:
    decisions: Counter[str] = Counter()
    gates: Counter[str] = Counter()
    symbols: dict[str, Counter[str]] = {symbol: Counter() for symbol in SYMBOLS}
    for (decision, reason), share in USUAL.items():
        for symbol in SYMBOLS:
            count = round(60 * a_minute * share / len(SYMBOLS) * chance.uniform(0.75, 1.25))
            decisions[decision] += count
            symbols[symbol][decision] += count
            if reason != "none":
                gates[reason.partition(":")[0]] += count
    plant(client, seconds, decisions, gates, symbols=symbols)


def alive(client: Any, now: float) -> None:
    """A consumer of flows.p35 that lives, and a check of alerts just now."""
    client.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
    client.xgroup_createconsumer(STREAM, GROUP, "one")
    client.set("quantum:p35:lease:one", "token")
    client.hset("quantum:p35:status", mapping={"processed_total": 300_000, "last_ts": now, "lag": 0, "version": "1"})
    client.hset("quantum:p35:alerts:state", "checked_at", now)


def _alerts(client: Any, now: float) -> None:
    firing = [
        ("gate_explosion", EXPLODES, "5m", "HIGH", LASTS - 1, 0.66, f"{EXPLODES} stops 66 % of decisions"),
        ("execute_low", "EXECUTE", "5m", "HIGH", LASTS - 16, 0.13, "13 % executed for 15 min"),
        *(
            ("symbol_stuck", one, "15m", "MEDIUM", LASTS - 15, 0.0, f"{one}: no EXECUTE for 15 min")
            for one in STOPPED[:2]
        ),
    ]
    for kind, reason, window, severity, ago, share, message in firing:
        since = now - 60 * ago
        alert = f"p35_alert_{since}_{reason}"
        state = {"severity": severity, "alert_id": alert, "started_at": since, "published_at": since}
        client.hset(
            "quantum:p35:alerts:state", f"{kind} {window} {reason}", json.dumps({"since": {severity: since}} | state)
        )
        fields = {"alert_id": alert, "kind": kind, "state": "firing", "window": window, "reason": reason}
        numbers = {"score": "0", "total": "1000", "share": f"{share:.3f}", "timestamp": str(since)}
        client.xadd(
            "quantum:p35:alerts",
            {**fields, **numbers, "severity": severity, "message": message},
            id=f"{since * 1000}-{len(reason)}" if kind != "symbol_stuck" else "*",
        )


def _plans(client: Any, now: float) -> None:
    for at, symbol in enumerate(SYMBOLS):
        target, multiplier = 1_000 - 50 * at, 0.55 + 0.1 * at
        proposed = {"symbol": symbol, "base_target": target, "proposed_target": round(target * multiplier, 2)}
        reason = "stale_eff" if at == 5 else "ok"
        client.xadd(
            "quantum:stream:allocation.target.proposed",
            {**proposed, "multiplier": f"{multiplier:.4f}", "reason": reason, "ts_epoch": now, "mode": "shadow"},
        )
        plan = f"plan-{at:03}"
        client.xadd("quantum:stream:apply.plan", {"plan_id": plan, "symbol": symbol, "decision": "EXECUTE"})
        down = at % 3 == 0
        said = {"eff_action": "DOWNSIZE" if down else "NONE", "downsize_factor": "0.4444" if down else "1.0000"}
        more = {"eff_reason": "ok", "extra_cooldown_sec": "96" if down else "0"}
        client.hset(f"quantum:permit:{plan}", mapping=said | more)


def _entries(client: Any, begin: int, now: int) -> None:
    """A few entries of the minute that begins then, before any that are newer."""
    for second in range(0, 60, 4):
        at = begin + second
        if at < now:
            publish(client, at, SYMBOLS[second % 4], "BLOCKED", f"{EXPLODES}:stale", plan=f"plan-{at}")


def publish(client: Any, seconds: int, symbol: str, decision: str, reason: str, plan: str = "") -> None:
    """One entry, as the apply layer publishes it, with an ID of that time; read and acknowledged by nobody."""
    fields = {"plan_id": plan, "symbol": symbol, "decision": decision, "error": reason, "timestamp": str(seconds)}
    client.execute_command("XADD", STREAM, "*", *(part for pair in fields.items() for part in pair))


def huge(client: Any, symbols: int = 500, reasons: int = 5_000, minutes: int = 3) -> None:
    """A few minutes in which 500 symbols are blocked for 5,000 reasons."""
    now = int(client.time()[0])
    alive(client, now)
    for ago in range(-2, minutes):
        counted: Counted = Counter()
        for number in range(reasons):
            kind = f"SYM{number % symbols:03}USDT", "BLOCKED", f"gate_{number % 400:03}:detail {number}"
            counted[kind] = 1 + (7 * number) % 13
        for number in range(symbols):
            counted[f"SYM{number:03}USDT", "EXECUTE", "none"] = number % 5
        write(client, now // 60 - ago, counted)


HOSTILE = (
    "<img src=x onerror=\"document.title='owned'\">",
    "<script>document.title='owned'</script>",
    "'\"></td><svg onload=alert(1)>",
    "\u202egate‮ backwards",
    "${7*7}{{7*7}}",
    "__proto__",
    "constructor",
    "javascript:alert(1)",
    "%00%0a&amp;&lt;",
    "x" * 128,
    "\x1b[31mred\x07",
    "名前🔥",
)


def hostile(client: Any) -> None:
    """Names that would break a page that takes them for markup, in every place a name can be in."""
    now = int(client.time()[0])
    alive(client, now)
    for ago in range(-2, 10):
        counted: Counted = Counter()
        for at, one in enumerate(HOSTILE):
            counted[HOSTILE[-1 - at].replace("\x1b", "�").replace("\x07", "�"), "BLOCKED", one] = 40 - at
        write(client, now // 60 - ago, counted)
    alert = {"kind": HOSTILE[0], "reason": HOSTILE[1], "window": "5m", "severity": "HIGH", "alert_id": HOSTILE[2]}
    client.xadd("quantum:p35:alerts", {**alert, "state": "firing", "message": HOSTILE[0], "timestamp": str(now)})
    state = {"severity": "HIGH", "alert_id": HOSTILE[2], "started_at": now, "published_at": now, "since": {"HIGH": now}}
    client.hset("quantum:p35:alerts:state", f"gate_explosion 5m {HOSTILE[0]}", json.dumps(state))
    client.xadd(
        "quantum:stream:allocation.target.proposed",
        {"symbol": HOSTILE[0], "multiplier": "1", "reason": HOSTILE[1], "ts_epoch": now},
    )
    client.xadd("quantum:stream:apply.plan", {"plan_id": HOSTILE[1], "symbol": HOSTILE[0], "decision": "EXECUTE"})
    client.hset(f"quantum:permit:{HOSTILE[1]}", mapping={"eff_action": HOSTILE[2], "eff_reason": HOSTILE[0]})
    for one in HOSTILE:
        publish(client, now, one, "BLOCKED", one, plan=one)
