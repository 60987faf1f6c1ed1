"""The clock of Redis is moved by an hour, both ways. That clock gives entries their IDs and ends leases.

Each scenario says what it guards: switch that off, and it fails. `docs/reliability.md` tells what was seen then.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

import pytest

from connectors import stream_id
from tests.chaos.conftest import VERSIONS, every_version
from tests.chaos.harness import DEADLINE, MESSAGES, ROUNDS, SMALL_READS, Chaos
from tests.chaos.test_processes import BY_HAND, freeze_with_work_in_hand, owns_anything
from tests.support import oracle, recount
from tests.support.alert_world import published
from tests.support.moved_clock import CAN_MOVE, WHY_NOT, MovedClockRedis
from tests.support.recount import STREAM
from tests.support.users import login
from tests.support.waiting import wait_for

pytestmark = pytest.mark.skipif(not CAN_MOVE, reason=WHY_NOT)

HOUR = 3_600
SHARE = MESSAGES // ROUNDS // 2


@pytest.fixture
def chaos_server(request: pytest.FixtureRequest) -> Iterator[MovedClockRedis]:
    """In place of the one of the other scenarios."""
    version, options = getattr(request, "param", ("8.2", {}))
    with MovedClockRedis(VERSIONS[version], **options) as server:
        yield server


@every_version()
def test_the_clock_of_redis_jumps_ahead(chaos: Chaos, chaos_server: MovedClockRedis) -> None:
    """Guards the comparison of leases in commit and read: here leases end long before who holds them thinks so.

    Whoever holds one is fenced, alive or not, and what it had in hand is counted once, by whoever reads it again.
    """
    long = {"LEASE_TTL_SEC": "600"}
    fenced = 0
    for _ in range(ROUNDS):
        alive, frozen = (chaos.start(**SMALL_READS, **long) for _ in range(2))
        chaos.publish(SHARE)
        wait_for(lambda: "connected" in alive.log(), "the other", DEADLINE)  # noqa: B023
        freeze_with_work_in_hand(chaos, frozen)
        chaos_server.move_clock(HOUR)
        chaos.fault()
        wait_for(lambda: not owns_anything(chaos, frozen), "the takeover", DEADLINE)  # noqa: B023
        frozen.send(signal.SIGCONT)
        chaos.publish(SHARE)
        for one in (alive, frozen):
            wait_for(lambda one=one: "lease lost" in one.log(), "each to notice", DEADLINE)  # type: ignore[misc]
        fenced += 2
        wait_for(lambda: chaos.fenced() >= fenced, "each to register again", DEADLINE)  # noqa: B023
        chaos.wait_until_quiet(what=alive.log)
        wait_until_snapshots_agree(chaos)
        assert frozen.stop() == 0, frozen.log()
        assert BY_HAND not in frozen.log()
        chaos_server.move_clock(0)
        chaos.publish(100)
        chaos.wait_until_quiet(what=alive.log)
        wait_until_snapshots_agree(chaos)
        assert alive.stop() == 0, alive.log()
    chaos.verify()
    assert chaos.row.claimed > 0
    assert chaos.row.fenced >= fenced
    assert chaos.row.lost == 0


@every_version()
def test_the_clock_of_redis_is_set_back(chaos: Chaos, chaos_server: MovedClockRedis) -> None:
    """Guards the renewal of leases, which sets their end anew by whatever the clock is.

    The lease of who died before lives for an hour longer, unless it is deleted.
    """
    alive = chaos.start(**SMALL_READS)
    for _ in range(ROUNDS):
        chaos.publish(SHARE)
        dead = chaos.start(**SMALL_READS, LEASE_TTL_SEC="30")
        freeze_with_work_in_hand(chaos, dead)
        dead.kill()
        held = recount_of(chaos, f"-{dead.pid}")
        newest = stream_id.milliseconds(last_id(chaos))
        chaos_server.move_clock(-HOUR)
        chaos.fault()
        chaos.publish(SHARE)
        assert stream_id.milliseconds(last_id(chaos)) == newest, "IDs stand still until the clock has caught up"
        wait_for(lambda: chaos.processed() >= chaos.published - held, "all others counted", DEADLINE)  # noqa: B023
        # (A second: what FAST says.)
        wait_for(lambda: 0 < lease_ms(chaos, alive.pid) <= 1_000, "a lease by the new clock", DEADLINE)
        assert lease_ms(chaos, dead.pid) > HOUR * 1_000 - 1_000 * DEADLINE
        assert recount_of(chaos, f"-{dead.pid}") == held
        chaos.raw.delete(lease_key(chaos, dead.pid))
        chaos.wait_until_quiet(what=alive.log)
        wait_until_snapshots_agree(chaos)
        assert alive.status is None
        chaos_server.move_clock(0)
    chaos.publish(100)
    chaos.wait_until_quiet(what=alive.log)
    wait_until_snapshots_agree(chaos)
    chaos.verify()
    assert chaos.row.claimed > 0
    assert chaos.row.lost == 0


def test_a_flow_starts_on_a_redis_whose_clock_is_behind(chaos: Chaos, chaos_server: MovedClockRedis) -> None:
    """Guards that a timestamp too far ahead of its entry's ID is not believed, and counted as skewed."""
    chaos_server.move_clock(-HOUR)
    flow = chaos.start(**SMALL_READS)
    chaos.publish(SHARE)
    chaos.wait_for_progress(flow)
    chaos_server.move_clock(0)
    chaos.fault()
    chaos.publish(SHARE)
    chaos.wait_until_quiet(what=flow.log)
    chaos.verify()
    skewed = sum(oracle.meaning_of(entry).skewed for entry in recount.entries(chaos.raw))
    assert int(chaos.raw.hget(recount.STATUS, "skewed_total")) == skewed
    assert skewed > SHARE // 2


def test_alerts_while_the_clock_of_redis_moves(chaos: Chaos, chaos_server: MovedClockRedis) -> None:
    """Guards that checks go by the clock of Redis alone, and that a state of the future silences nothing."""
    chaos.start(**SMALL_READS)
    alerts = chaos.start(
        module="flows.alerts", ALERT_INTERVAL_SEC="0.5", P35_ALERT_COOLDOWN="0", **login("quantum-alerts")
    )
    expected: list[str] = []

    def explode(ahead: int) -> None:
        entry = {"symbol": "BTCUSDT", "decision": "SKIP", "error": "no_position"}
        chaos.add([{**entry, "timestamp": str(int(time.time()) + ahead)}] * 200)

    def becomes(state: str) -> None:
        expected.append(state)
        wait_for(lambda: explosions(chaos) == expected, f"{expected}", DEADLINE)
        wait_for(lambda: abs(checked_at(chaos) - chaos.raw.time()[0]) < 60, "a check by that clock", DEADLINE)

    explode(0)
    becomes("firing")
    chaos_server.move_clock(HOUR)
    becomes("resolved")
    explode(HOUR)
    becomes("firing")
    # What fired last did so in the future, from here on.
    chaos_server.move_clock(-HOUR)
    becomes("resolved")
    chaos_server.move_clock(0)
    becomes("firing")
    chaos.row.faults = 3
    assert alerts.stop() == 0, alerts.log()
    chaos.wait_until_quiet()
    chaos.verify()


def explosions(chaos: Chaos) -> list[str]:
    """The states in which the explosion of the one gate was published, in order."""
    with chaos.server.client(decode_responses=True) as one:
        return [row["state"] for row in published(one) if row["kind"] == "gate_explosion"]


def checked_at(chaos: Chaos) -> float:
    """When the last check was, epoch seconds by the clock of Redis."""
    return float(chaos.raw.hget("quantum:p35:alerts:state", "checked_at") or 0)


def wait_until_snapshots_agree(chaos: Chaos) -> None:
    """Wait until the snapshots are what the oracle makes of the stream at the time that Redis takes for now."""
    entries = list(recount.entries(chaos.raw))
    buckets, unknown = oracle.expected_buckets(entries), oracle.expected_unknown(entries)

    def agree() -> bool:
        minute = int(chaos.raw.time()[0]) // 60
        return recount.snapshots(chaos.raw) == oracle.expected_snapshots(buckets, minute, unknown)

    wait_for(agree, "snapshots equal to the oracle's", DEADLINE, every=0.2)


def recount_of(chaos: Chaos, name_end: str) -> int:
    """How many entries are pending for the consumer whose name ends so."""
    return sum(pending for name, pending in recount.consumers(chaos.raw).items() if name.endswith(name_end))


def last_id(chaos: Chaos) -> bytes:
    """The newest ID that the stream has given."""
    return bytes(chaos.raw.xinfo_stream(STREAM)["last-generated-id"])


def lease_key(chaos: Chaos, pid: int) -> bytes:
    """The lease of the consumer that is this process."""
    (key,) = chaos.raw.keys(f"quantum:p35:lease:*-{pid}")
    return bytes(key)


def lease_ms(chaos: Chaos, pid: int) -> int:
    """How much longer that lease lives, in milliseconds."""
    return int(chaos.raw.pttl(lease_key(chaos, pid)))
