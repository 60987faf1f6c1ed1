"""History under faults: hours stay the sums of their minutes, and days of their hours, with a difference of zero."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from tests.chaos.harness import DEADLINE, FAULTS, FULL, KILLS, Chaos
from tests.chaos.test_redis_away import AWAY, durable
from tests.support import users
from tests.support.flow_process import FlowProcess
from tests.support.history_world import (
    BUCKET,
    DAY,
    HOUR,
    count,
    expected_days,
    expected_hours,
    hour_begin,
    minute_name,
    written,
)
from tests.support.waiting import wait_for

LATE = 2_000 if FULL else 200
"""Counts that come late, in each round."""

QUICK = {"HISTORY_INTERVAL_SEC": "0.5", "module": "flows.history", **users.login("quantum-history")}


def start(chaos: Chaos, **env: str) -> FlowProcess:
    """An instance that looks twice a second, as its own user."""
    return chaos.start(**{**QUICK, **env})


def late(chaos: Chaos, rng: random.Random, number: int, hours: int = 47) -> None:
    """Count so many more, into minutes of the last `hours`."""
    begin = hour_begin(chaos.raw)
    for _ in range(number):
        minute = begin - rng.randrange(hours) * 3_600 + rng.randrange(60) * 60
        reason = rng.choice(("none", "no_position", "p33_permit_denied:stale", "p33_permit_denied:risk"))
        count(chaos.raw, minute, rng.choice(("EXECUTE", "SKIP", "BLOCKED")), reason, rng.choice(("BTCUSDT", "A:B", "")))
    chaos.published += number


def wait_until_exact(chaos: Chaos, flow: FlowProcess) -> None:
    """Wait until all roll-ups are what their parts, which all live, add up to."""

    def exact() -> bool:
        hours = expected_hours(chaos.raw)
        return written(chaos.raw, HOUR) == hours and written(chaos.raw, DAY) == expected_days(hours)

    wait_for(exact, f"roll-ups that are exact; the log: {flow.log()[-1_000:]}", 2 * DEADLINE, every=0.3)
    fill_row(chaos, chaos.published)


def fill_row(chaos: Chaos, expected: int) -> None:
    """What the table shows: decisions in the days, against those that were counted."""
    days = written(chaos.raw, DAY)
    chaos.row.messages = chaos.published
    chaos.row.counted = sum(n for day in days.values() for name, n in day["fields"].items() if name[:9] == "decision:")
    chaos.row.difference = chaos.row.counted - expected
    assert chaos.row.difference == 0


def test_history_killed_while_it_writes(chaos: Chaos) -> None:
    """Guards replacing a roll-up in one step, and looking for days that are not the sums of their hours."""
    for _ in range(KILLS * 2):
        late(chaos, chaos.rng, LATE)
        flow = start(chaos)
        before = len(written(chaos.raw, HOUR))
        wait_for(lambda flow=flow: "connected" in flow.log(), "a look", every=0.005)
        chaos.pause(0, 0.6)
        flow.kill()
        chaos.fault()
        assert len(written(chaos.raw, HOUR)) >= before  # (`written` fails on half of one)
    wait_until_exact(chaos, start(chaos))


def test_history_by_two_instances_with_counts_late_by_the_thousand(chaos: Chaos) -> None:
    """Guards that an older sum never takes the place of a newer one."""
    flows = [start(chaos), start(chaos)]
    best: Counter[str] = Counter()
    for _ in range(FAULTS):
        late(chaos, chaos.rng, LATE)
        chaos.fault()
        now: Counter[str] = Counter()
        for hour in written(chaos.raw, HOUR).values():
            now.update(hour["fields"])
        assert not best - now, "lessened"
        best = now
    wait_until_exact(chaos, flows[0])
    assert [flow.status for flow in flows] == [None, None]


def test_history_of_buckets_that_expire_meanwhile(chaos: Chaos) -> None:
    """Guards remembering the minutes of an hour that begin to expire, while counts come late for the others."""
    hour, begin = minute_name(hour_begin(chaos.raw, 1))[:10], hour_begin(chaos.raw, 1)
    total: Counter[str] = Counter()

    def add(minute: int, number: int) -> None:
        count(chaos.raw, begin + minute * 60, "SKIP", f"gate_{minute % 7}", "BTCUSDT", number)
        for name in ("decision:SKIP", f"gate:gate_{minute % 7}", "symbol_decision:BTCUSDT:SKIP"):
            total[name] += number
        chaos.published += number

    def settled() -> bool:
        return written(chaos.raw, HOUR).get(hour, {}).get("fields") == total

    for minute in range(60):
        add(minute, minute + 1)
    flow = start(chaos, BUCKET_TTL_SEC="3600")
    wait_for(settled, "the hour", 2 * DEADLINE, every=0.1)
    for expired in range(0, 50, 5 if not FULL else 1):
        chaos.raw.delete(*(BUCKET + minute_name(begin + minute * 60) for minute in range(expired, expired + 5)))
        chaos.fault()
        for _ in range(20):
            add(chaos.rng.randrange(expired + 5, 60), 1)
        wait_for(settled, f"late counts in the hour; the log: {flow.log()[-500:]}", 2 * DEADLINE, every=0.1)
    chaos.raw.delete(*(BUCKET + minute_name(begin + minute * 60) for minute in range(60)))
    flow.kill()
    start(chaos, BUCKET_TTL_SEC="3600")
    late(chaos, chaos.rng, 1, 1)
    wait_for(lambda: len(written(chaos.raw, HOUR)) == 2, "another hour", 2 * DEADLINE, every=0.1)
    assert settled()
    assert written(chaos.raw, HOUR)[hour]["minutes"] == 60
    wait_for(
        lambda: written(chaos.raw, DAY) == expected_days(written(chaos.raw, HOUR)), "the days", 2 * DEADLINE, every=0.1
    )
    fill_row(chaos, chaos.published)


@durable
@pytest.mark.parametrize("how", ["killed", "frozen"])
def test_history_while_redis_is_away(chaos: Chaos, how: str) -> None:
    """Guards that a look which fails leaves nothing behind that a later one would take for done."""
    late(chaos, chaos.rng, LATE)
    flow = start(chaos)
    wait_for(lambda: written(chaos.raw, HOUR), "the first hours", 2 * DEADLINE, every=0.02)
    if how == "killed":
        chaos.server.kill()
    else:
        chaos.server.freeze()
    chaos.fault()
    chaos.pause(AWAY, AWAY)
    if how == "killed":
        chaos.server.start()
    else:
        chaos.server.thaw()
    late(chaos, chaos.rng, LATE)
    wait_until_exact(chaos, flow)
    assert flow.status is None
