"""The proof of P3.1 step 2: plans of our own get the permits that the contract's formula gives them.

The plans go into the real stream, where other readers see them: they have symbols that no exchange knows, quantity 0,
and the proof as their source. Permits and efficiencies are removed afterwards. The plans stay in the stream and in
`processed_total` and `permits_total` of the governor's status, which never decrease.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import redis

from connectors.group_info import read_state
from console.proof.checks import KEEP_SECONDS, Checks, fields, pending
from console.proof.efficiency import Case, cases, efficiencies, said
from flows.settings.joins import GovernorSettings
from sinks import permits, proofs
from sinks.values.joins import REDIS_ERROR

_RETRIES = 3
"""How often a plan is sent again whose efficiency Redis did not give in time: on a busy machine that is no fault."""

SECONDS = 30.0
"""How long the service may take for all of it."""


def prove(checks: Checks, client: redis.Redis, settings: GovernorSettings) -> None:
    """The six cases, a permit of others, and a plan that gets none; blocks for as long as `checks` waits."""
    prefix, token = settings.key_prefix, proofs.new_token()
    stream = permits.stream_key(prefix)
    threshold = settings.p31_downsize_threshold
    known = cases(
        settings.p31_eff_ttl_sec, settings.p31_min_conf, high=min(1.0, threshold + 0.4), low=threshold * 4 / 9
    )
    plans = {case: proofs.plan(token, case.name) for case in known}
    there, skipped = proofs.plan(token, "there"), proofs.plan(token, "skip")
    keys = {name: permits.key(prefix, name) for name in (*plans.values(), there, skipped)}
    if not checks.becomes(
        f"group: {settings.plan_group} exists",
        True,
        lambda: read_state(client, stream, settings.plan_group) is not None,
    ):
        return
    checks.say(f"      adding {len(keys)} plans to {stream}, {plans[known[0]]} and others, of quantity 0")
    low = next(case for case in known if case.name == "LOW")
    with (
        checks.cleaning_up(lambda: client.delete(*keys.values())),
        efficiencies(checks, client, prefix, token, known),
    ):
        client.hset(keys[there], mapping={"granted": "1", "own": "field"})
        client.expire(keys[there], KEEP_SECONDS)
        ids = [_publish(client, stream, plan, case.symbol(token)) for case, plan in plans.items()]
        ids.append(_publish(client, stream, there, low.symbol(token)))
        ids.append(_publish(client, stream, skipped, low.symbol(token), "SKIP"))

        sent_again = Counter[Case]()

        def send_again(case: Case) -> None:
            if sent_again[case] < _RETRIES and not pending(client, stream, settings.plan_group, ids):
                sent_again[case] += 1
                ids.append(_publish(client, stream, plans[case], case.symbol(token)))

        for case, plan in plans.items():
            _permitted(checks, client, settings, case, keys[plan], partial(send_again, case))
        wanted = {**_wanted(settings, low), "own": "field"}
        checks.becomes("a permit of others: keeps its fields", wanted, lambda: _read(client, keys[there], wanted))
        left: Any = client.ttl(keys[there])
        checks.holds("a permit of others: keeps its time to live", left > permits.TTL, f"{left} s")
        checks.becomes(
            "pending: all plans are acknowledged", 0, lambda: pending(client, stream, settings.plan_group, ids)
        )
        checks.holds("a plan that is not EXECUTE gets no permit", not client.exists(keys[skipped]))


def _publish(client: redis.Redis, stream: str, plan: str, symbol: str, decision: str = "EXECUTE") -> Any:
    entry: dict[Any, Any] = {
        "plan_id": plan,
        "symbol": symbol,
        "action": "PROOF",
        "decision": decision,
        "kill_score": "0",
        "qty": "0",
        "source": "proof",
        "timestamp": str(int(time.time())),
    }
    return client.xadd(stream, entry)


def _wanted(settings: GovernorSettings, case: Case) -> dict[str, str]:
    """What the permit of `case` must say, as the contract has it."""
    action, factor, cooldown = "NONE", 1.0, 0
    threshold = settings.p31_downsize_threshold
    if case.reason == "ok" and case.score is not None and case.score < threshold:
        action, factor = "DOWNSIZE", max(settings.p31_min_factor, case.score / threshold)
        cooldown = round((1 - case.score) * settings.p31_max_extra_cooldown_sec)
    return {
        "eff_action": action,
        "eff_reason": case.reason,
        "eff_factor": f"{factor:.4f}",
        "downsize_factor": f"{factor:.4f}",
        "extra_cooldown_sec": str(cooldown),
        **said(case),
    }


def _permitted(
    checks: Checks,
    client: redis.Redis,
    settings: GovernorSettings,
    case: Case,
    key: str,
    send_again: Callable[[], None],
) -> None:
    wanted = _wanted(settings, case)

    def look() -> dict[str, str]:
        found = _read(client, key, wanted)
        if found["eff_reason"] == REDIS_ERROR != case.reason:
            send_again()
        return found

    what = f"{case.name}: {case.reason}, {wanted['eff_action']}, factor {wanted['downsize_factor']}"
    checks.becomes(what, wanted, look)
    left: Any = client.ttl(key)
    checks.holds(f"{case.name}: it expires", 0 < left <= permits.TTL, f"in {left} s")


def _read(client: redis.Redis, key: str, wanted: dict[str, str]) -> dict[str, str]:
    """Of the permit, a hash or a JSON string, the fields that are `wanted`."""
    kind: Any = client.type(key)
    if kind == b"hash":
        found = fields(client, key)
    else:
        text: Any = client.get(key) if kind == b"string" else None
        # Numbers stay as they are written: their digits are promised.
        found = json.loads(text or "{}", parse_float=str, parse_int=str)
        found = {name: "" if value is None else str(value) for name, value in found.items()}
    return {name: found.get(name, "(missing)") for name in wanted}
