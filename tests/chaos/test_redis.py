"""Faults of Redis, and of the operators who mean well.

Each scenario has been seen to fail without the mechanism that it guards; see `docs/reliability.md` for how.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from connectors import stream_id
from connectors.connection import SOCKET_TIMEOUT
from connectors.private_redis import PrivateRedis
from tests.chaos.conftest import VERSIONS
from tests.chaos.harness import DEADLINE, FAULTS, FULL, MESSAGES, ROUNDS, SEED, SMALL_READS, Chaos
from tests.chaos.test_processes import every_version, freeze_with_work_in_hand
from tests.chaos.test_protocol import COMMIT
from tests.support import oracle, recount
from tests.support.fault_proxy import FaultProxy, Step, Trap
from tests.support.flow_process import FlowProcess
from tests.support.forwarder import Forwarder
from tests.support.recount import GROUP, STATUS, STREAM
from tests.support.users import SecuredRedis
from tests.support.waiting import wait_for

SHARE = MESSAGES // FAULTS
LARGE_SHARE = MESSAGES // ROUNDS
AWAY = 60.0 if FULL else 3.0
"""Seconds for which Redis is away."""

LONG_AWAY = max(AWAY, SOCKET_TIMEOUT + 1)
"""A server that hangs is noticed only when a read has timed out."""

DURABLE = {"appendonly": "yes", "appendfsync": "always"}

durable_on_every_version = pytest.mark.parametrize(
    "chaos_server", [(version, DURABLE) for version in VERSIONS], indirect=True
)
durable = pytest.mark.parametrize("chaos_server", [("8.2", DURABLE)], indirect=True)


# Redis goes away.


@durable_on_every_version
def test_redis_killed_and_restarted(chaos: Chaos) -> None:
    """Guards reading again what is one's own after registering anew: a reply may be lost with the server."""
    flow = chaos.start(**SMALL_READS)
    for _ in range(FAULTS):
        chaos.publish(SHARE)
        chaos.wait_for_progress(flow, chaos.rng.randrange(1, SHARE))
        chaos.server.kill()
        chaos.fault()
        chaos.pause(0, 0.3)
        chaos.server.start()
    chaos.wait_until_quiet(what=flow.log)
    assert flow.status is None
    chaos.verify()


@durable
@pytest.mark.parametrize("how", ["killed", "frozen"])
def test_redis_away_for_a_while(chaos: Chaos, how: str) -> None:
    """Guards the delays between attempts, and that trouble is told once, and its end once."""
    chaos.publish(MESSAGES)
    flow = chaos.start(**SMALL_READS)
    chaos.wait_for_progress(flow, chaos.rng.randrange(1, 200))
    seconds = AWAY if how == "killed" else LONG_AWAY
    if how == "killed":
        chaos.server.kill()
    else:
        chaos.server.freeze()
    chaos.fault()
    before = cpu_seconds(flow)
    chaos.pause(seconds, seconds)
    used = cpu_seconds(flow) - before
    if how == "killed":
        chaos.server.start()
    else:
        chaos.server.thaw()
    chaos.wait_until_quiet(what=flow.log)
    wait_for(lambda: "Redis is back" in flow.log(), "the line that says so")
    chaos.publish(100)
    chaos.wait_until_quiet()
    chaos.verify()
    assert flow.log().count("waiting for Redis") == 1, flow.log()
    assert flow.log().count("Redis is back") == 1, flow.log()
    assert used < seconds / 10, f"{used:.2f} s of CPU while Redis was away for {seconds} s"


def cpu_seconds(flow: FlowProcess) -> float:
    """User and system time of the process so far."""
    fields = Path(f"/proc/{flow.pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.fixture
def address(chaos: Chaos) -> Iterator[Forwarder]:
    """An address that the flow knows Redis by, and that may move or break."""
    with Forwarder(chaos.server.port) as one:
        chaos.url = one.url
        yield one


@pytest.mark.parametrize("chaos_server", [("8.2", {"repl_diskless_sync_delay": "0"})], indirect=True)
@pytest.mark.parametrize("connections", ["broken", "left open"])
def test_failover_to_a_replica(chaos: Chaos, proxy: FaultProxy, connections: str) -> None:
    """Replication is asynchronous: what the old primary accepted alone is lost with it, entries and counts alike.

    What is promised, and checked: on the survivor each entry is counted exactly once, although the flow has read and
    counted others meanwhile, which the survivor never saw. Where connections break, a commit of such entries is sent to
    the survivor: that guards the look at what is pending there. Where they stay open: leaving who answers READONLY.
    """
    with SecuredRedis() as survivor, survivor.client(socket_timeout=30) as raw:
        follow(raw, chaos.server)
        chaos.publish(MESSAGES // 2)
        flow = chaos.start(**SMALL_READS)
        chaos.wait_for_progress(flow, chaos.rng.randrange(1, MESSAGES // 4))
        raw.replicaof("NO", "ONE")
        # Two primaries for a moment, as in any failover that nobody planned; the flow is still with the old one.
        chaos.publish(500)
        chaos.wait_for_progress(flow, chaos.rng.randrange(1, 500))

        def fail_over() -> None:
            chaos.raw.replicaof("127.0.0.1", str(survivor.port))
            proxy.target_port = survivor.port
            if connections == "broken":
                proxy.reset()

        if connections == "broken":
            trap = proxy.arm(Trap(COMMIT, Step.BEFORE, fail_over))
            wait_for(trap.sprung.is_set, "a commit")
        else:
            fail_over()
        chaos.fault()
        kept = raw.xlen(STREAM)
        chaos.raw, chaos.published = raw, kept
        chaos.publish(MESSAGES // 2)
        chaos.wait_until_quiet(what=flow.log)
        chaos.verify()
        assert kept < MESSAGES // 2 + 500
        chaos.row.lost = MESSAGES // 2 + 500 - kept


def follow(replica: redis.Redis, primary: PrivateRedis) -> None:
    """Make `replica` one, and wait until it is in step."""
    replica.replicaof("127.0.0.1", str(primary.port))
    wait_for(lambda: replica.info("replication")["master_link_status"] == "up", "the replica")


@every_version
def test_scripts_flushed_and_connections_broken(chaos: Chaos, address: Forwarder) -> None:
    flow = chaos.start(**SMALL_READS)
    for _ in range(FAULTS):
        chaos.publish(SHARE)
        for _ in range(8):
            fault = chaos.rng.choice(("flush", "kill", "reset", "storm"))
            if fault == "flush":
                chaos.raw.script_flush()
            elif fault == "kill":
                chaos.raw.execute_command("CLIENT", "KILL", "TYPE", "normal")
            else:
                for _ in range(1 if fault == "reset" else 10):
                    address.reset()
                    chaos.pause(0, 0.01)
            chaos.fault()
            chaos.pause(0, 0.1)
        chaos.wait_for_progress(flow)
    chaos.wait_until_quiet(what=flow.log)
    chaos.verify()


# Groups and streams that disappear.


def test_group_destroyed_under_a_running_flow(chaos: Chaos) -> None:
    flow = chaos.start(**SMALL_READS)
    for _ in range(FAULTS * 3):
        chaos.publish(SHARE // 3)
        chaos.wait_for_progress(flow, chaos.rng.randrange(1, SHARE // 3))
        chaos.raw.xgroup_destroy(STREAM, GROUP)
        chaos.fault()
    wait_for(lambda: has_group(chaos), "a new group")
    chaos.wait_until_quiet(what=flow.log)
    chaos.verify()


def test_group_destroyed_twice_while_a_batch_is_held(chaos: Chaos) -> None:
    """Guards the generation of a group: what an earlier one delivered is not counted when a later one is gone, too."""
    holders = []
    for _ in range(ROUNDS):
        chaos.publish(LARGE_SHARE // 2)
        holder = chaos.start(**SMALL_READS, LEASE_TTL_SEC="60")
        freeze_with_work_in_hand(chaos, holder)
        while not holds_only_what_is_newer(chaos):
            holder.send(signal.SIGCONT)
            freeze_with_work_in_hand(chaos, holder)
        chaos.raw.xgroup_destroy(STREAM, GROUP)
        other = chaos.start(**SMALL_READS)
        wait_for(lambda: has_group(chaos), "a new group")
        # It is given again, and counts, what the first one holds.
        chaos.wait_until_quiet(what=other.log)
        other.send(signal.SIGSTOP)
        chaos.raw.xgroup_destroy(STREAM, GROUP)
        chaos.fault()
        holder.send(signal.SIGCONT)
        wait_for(lambda: has_group(chaos), "a third group")
        other.send(signal.SIGCONT)
        chaos.publish(LARGE_SHARE // 2)
        chaos.wait_until_quiet(what=holder.log)
        assert holder.stop() == other.stop() == 0
        holders.append(holder)
    chaos.verify()
    assert all("commit refused" in holder.log() for holder in holders)


def holds_only_what_is_newer(chaos: Chaos) -> bool:
    """Whether all that is pending is newer than all that is counted: then the next group begins before it."""
    newest = stream_id.parse(chaos.raw.hget(STATUS, "last_id") or stream_id.ZERO)
    return all(stream_id.parse(entry) > newest for entry in pending_ids(chaos))


def has_group(chaos: Chaos) -> bool:
    """Whether the group exists."""
    return any(row["name"].decode() == GROUP for row in chaos.raw.xinfo_groups(STREAM))


def test_stream_deleted_under_a_running_flow(chaos: Chaos) -> None:
    """Guards that a new stream is read from its beginning, and that what is left of an old one is not counted twice."""
    chaos.remember()
    flow = chaos.start(**SMALL_READS)
    counted = 0
    for _ in range(FAULTS):
        # Of this stream, nobody can say how much was counted; but the next one must be counted whole, and once.
        before = chaos.processed()
        chaos.publish(SHARE // 2)
        chaos.wait_for_progress(flow, chaos.rng.randrange(1, SHARE // 2), since=before)
        given = stream_id.milliseconds(newest(chaos))
        chaos.raw.delete(STREAM)
        chaos.fault()
        # IDs that the old stream has given may not be given again (see "Where it ends" in docs/reliability.md).
        wait_for(lambda given=given: redis_ms(chaos) > given, "the next millisecond", every=0.001)  # type: ignore[misc]
        chaos.add([{"symbol": "NEW", "decision": "SKIP", "error": "after_deletion"}] * (SHARE // 2))
        counted += SHARE // 2
        wait_for(lambda: after_deletion(chaos) >= counted, f"{counted} counted", DEADLINE)  # noqa: B023
        wait_for(lambda: recount.pending(chaos.raw) == 0, "nothing pending", DEADLINE)
        assert after_deletion(chaos) == counted
    chaos.verify_totals(chaos.processed())
    chaos.row.lost = chaos.published - chaos.row.counted


def redis_ms(chaos: Chaos) -> int:
    """The clock of Redis, in milliseconds since the epoch."""
    seconds, microseconds = chaos.raw.time()
    return int(seconds) * 1000 + int(microseconds) // 1000


def after_deletion(chaos: Chaos) -> int:
    """How many entries of new streams are counted."""
    return sum(bucket.get("symbol_decision:NEW:SKIP", 0) for bucket in recount.buckets(chaos.raw).values())


# Loss that Redis was told to cause.


@every_version
def test_trimmed_before_it_was_read(chaos: Chaos) -> None:
    """Guards the look for a hole before a read, which tells how much was lost; on 6.2, that nothing is made up."""
    chaos.remember()
    lost = 0
    for number in range(FAULTS):
        flow = chaos.start()
        if number:
            # (The first time, the flow ends before it has ever read anything.)
            chaos.publish(SHARE // 2)
            chaos.wait_until_quiet(lost)
        else:
            wait_for(lambda: "connected" in flow.log() and chaos.raw.exists(STATUS), "a start")  # noqa: B023
        assert flow.stop() == 0, flow.log()
        chaos.publish(SHARE // 2)
        lost += SHARE // 2 - trim(chaos, chaos.rng.choice((0, 1, SHARE // 4)))
        chaos.fault()
    chaos.publish(10)
    flow = chaos.start()
    chaos.wait_until_quiet(lost, flow.log)
    chaos.verify_totals(chaos.published - lost)
    if chaos.server.version == "6.2":
        # This Redis keeps no count of what was ever added: it cannot tell, and the flow does not make anything up.
        wait_for(lambda: chaos.raw.hexists(STATUS, "pending_estimate"), "a look at the group")
        assert chaos.row.lost == 0
        assert not chaos.raw.hexists(STATUS, "lag")
    else:
        assert chaos.row.lost == lost
        wait_for(lambda: chaos.raw.hget(STATUS, "lag") == b"0", "a lag of 0")


def trim(chaos: Chaos, length: int) -> int:
    """Trim the stream to its newest `length` entries; how many are left of those that were not read."""
    chaos.raw.xtrim(STREAM, maxlen=length, approximate=False)
    return length


@every_version
def test_trimmed_while_it_is_read(chaos: Chaos) -> None:
    """Some of what goes is unread, some is pending, some is counted; together they are all that was published.

    Guards the look for a hole before a read; on 6.2, which cannot tell how much is lost, that what is left is read on
    and nothing is counted twice.
    """
    chaos.remember()
    flow = chaos.start(**SMALL_READS)
    for _ in range(FAULTS * 3):
        before = chaos.processed()
        chaos.publish(SHARE // 3)
        chaos.wait_for_progress(flow, since=before)
        chaos.pause(0, 0.03)
        trim(chaos, chaos.rng.randrange(0, SHARE // 4))
        chaos.fault()
        wait_for(lambda: processed_or_lost(chaos) == chaos.published or not knows_lag(chaos), "it all", DEADLINE)
    chaos.publish(1)
    if knows_lag(chaos):
        wait_for(lambda: processed_or_lost(chaos) >= chaos.published, "it all", DEADLINE)
    else:
        wait_for(lambda: chaos.raw.xinfo_groups(STREAM)[0]["last-delivered-id"] == newest(chaos), "the end", DEADLINE)
    wait_for(lambda: recount.pending(chaos.raw) == 0, "nothing pending", DEADLINE)
    lost = int(chaos.raw.hget(STATUS, "trimmed_total") or 0)
    assert knows_lag(chaos) or lost == 0
    chaos.verify_totals(chaos.published - lost if knows_lag(chaos) else chaos.processed())


def newest(chaos: Chaos) -> bytes:
    """The newest ID of the stream."""
    return chaos.raw.xinfo_stream(STREAM)["last-generated-id"]


def knows_lag(chaos: Chaos) -> bool:
    """Whether this Redis keeps count of what was added and read."""
    return chaos.server.version != "6.2"


def processed_or_lost(chaos: Chaos) -> int:
    """`processed_total` and `trimmed_total`."""
    return sum(int(value or 0) for value in chaos.raw.hmget(STATUS, "processed_total", "trimmed_total"))


@every_version
def test_deleted_while_it_was_pending(chaos: Chaos) -> None:
    """Guards that entries which are gone are told from others in a takeover, and counted as lost."""
    lost = 0
    for _ in range(ROUNDS):
        chaos.publish(LARGE_SHARE)
        flow = chaos.start(**SMALL_READS)
        freeze_with_work_in_hand(chaos, flow)
        flow.kill()
        ids = pending_ids(chaos)
        victims = chaos.rng.sample(ids, chaos.rng.randrange(1, len(ids) + 1))
        lost += chaos.raw.xdel(STREAM, *victims)
        chaos.fault()
        heir = chaos.start()
        chaos.wait_until_quiet(lost, heir.log)
        heir.kill()
    chaos.verify()
    assert chaos.row.lost == lost
    assert chaos.published == chaos.row.counted + lost


def pending_ids(chaos: Chaos) -> list[bytes]:
    """The IDs of all that is pending."""
    return [row["message_id"] for row in chaos.raw.xpending_range(STREAM, GROUP, "-", "+", 100_000)]


# Keys in the way, and memory.


def test_keys_of_another_type_in_the_way(chaos: Chaos) -> None:
    flow = chaos.start()
    chaos.publish(SHARE)
    chaos.wait_until_quiet()
    minute = oracle.minute_name(int(time.time()) // 60 - 10)
    for key in (
        f"quantum:p35:bucket:{minute}",
        f"quantum:p35:summary:{minute}",
        f"quantum:p35:unknown_decision:minute:{minute}",
        "quantum:p35:symbol:last_seen",
        "quantum:p35:symbol:last_execute",
        STATUS,
        f"quantum:p35:lease:{consumer(chaos)}",
        STREAM,
    ):
        seen = len(flow.log())
        pipeline = chaos.raw.pipeline(transaction=True)
        pipeline.rename(key, "aside") if chaos.raw.exists(key) else pipeline.delete("aside")
        pipeline.rpush(key, "in the way")
        pipeline.execute()
        if key not in (STREAM, STATUS):
            chaos.publish(SHARE)
        wait_for(lambda: key in flow.log()[seen:], f"a line that names {key}", DEADLINE)  # noqa: B023
        chaos.pause(0.3, 0.6)
        lines = [line for line in flow.log()[seen:].splitlines() if "list" in line or "WRONGTYPE" in line]
        assert 1 <= len(lines) <= 4, flow.log()
        assert all(key in line for line in lines), lines
        chaos.fault()
        pipeline = chaos.raw.pipeline(transaction=True)
        pipeline.delete(key)
        if chaos.raw.exists("aside") and "lease" not in key:
            pipeline.rename("aside", key)
        pipeline.execute()
        chaos.wait_until_quiet(what=flow.log)
        assert flow.status is None
    chaos.verify()


def consumer(chaos: Chaos) -> str:
    """The name of the only consumer."""
    (row,) = chaos.raw.xinfo_consumers(STREAM, GROUP)
    return str(row["name"].decode())


@every_version
def test_redis_full(chaos: Chaos) -> None:
    """Guards that a commit, and the end of the dead, begin with an acknowledgement, which a full Redis allows."""
    for _ in range(ROUNDS):
        flow = chaos.start(**SMALL_READS)
        chaos.publish(LARGE_SHARE // 2)
        chaos.wait_for_progress(flow, chaos.rng.randrange(1, LARGE_SHARE // 4))
        chaos.raw.xgroup_createconsumer(STREAM, GROUP, "dead")
        chaos.raw.config_set("maxmemory", 1)
        chaos.fault()
        # Who is at work goes on, since a commit begins by acknowledging, which is allowed, and forgets the dead; ...
        chaos.wait_until_quiet(what=flow.log)
        wait_for(lambda: len(chaos.raw.xinfo_consumers(STREAM, GROUP)) == 1, "the end of the dead", DEADLINE)
        # ... who comes anew has to wait.
        flow.kill()
        chaos.raw.config_set("maxmemory", 0)
        chaos.publish(LARGE_SHARE // 2)
        chaos.raw.config_set("maxmemory", 1)
        flow = chaos.start(**SMALL_READS)
        wait_for(lambda: "maxmemory" in flow.log(), "a line that says so")  # noqa: B023
        chaos.raw.config_set("maxmemory", 0)
        chaos.wait_until_quiet(what=flow.log)
        flow.kill()
    chaos.verify()


# Operators at work.


@pytest.mark.parametrize("owner", ["dead", "alive"])
def test_acknowledged_by_hand(chaos: Chaos, owner: str) -> None:
    """Guards the look at what is pending in a commit, and the reading of what one owns after registering anew."""
    chaos.remember()
    by_hand = 0
    for _ in range(ROUNDS):
        chaos.publish(LARGE_SHARE)
        flow = chaos.start(**SMALL_READS, LEASE_TTL_SEC="30" if owner == "alive" else "1")
        freeze_with_work_in_hand(chaos, flow)
        ids = pending_ids(chaos)
        # Of a dead one's, some are left to be taken over.
        most = len(ids) - 1 if owner == "dead" else len(ids)
        by_hand += chaos.raw.xack(STREAM, GROUP, *chaos.rng.sample(ids, chaos.rng.randint(1, most)))
        chaos.fault()
        if owner == "dead":
            flow.kill()
            flow = chaos.start()
        else:
            flow.send(signal.SIGCONT)
        chaos.wait_until_quiet(by_hand, flow.log)
        assert flow.stop() == 0, flow.log()
    chaos.verify_totals(chaos.published - by_hand)
    assert (chaos.row.claimed > 0) == (owner == "dead")


ODD_NAME = b"operator \xff\r\n2026-01-01T00:00:00Z forged"


@pytest.mark.parametrize("name", [b"an-operator", ODD_NAME], ids=["plain", "odd"])
def test_claimed_by_hand(chaos: Chaos, name: bytes) -> None:
    """Guards that what belongs to a name without a lease is taken back, whatever bytes the name has."""
    for _ in range(ROUNDS):
        chaos.publish(LARGE_SHARE)
        flow = chaos.start(**SMALL_READS, LEASE_TTL_SEC="2")
        freeze_with_work_in_hand(chaos, flow)
        ids = pending_ids(chaos)
        chaos.raw.xclaim(STREAM, GROUP, name, 0, chaos.rng.sample(ids, chaos.rng.randrange(1, len(ids) + 1)))
        chaos.fault()
        flow.send(signal.SIGCONT)
        chaos.wait_until_quiet(what=flow.log)
        assert flow.stop() == 0, flow.log()
        assert not any(line.startswith("2026-01-01") for line in flow.log().splitlines())
    chaos.verify()
    assert chaos.row.claimed > 0


# Clocks that jump.


def test_stream_ids_jump_a_day_ahead(chaos: Chaos) -> None:
    """Guards that the minute of an entry comes from the entry alone, here from its ID."""
    flow = chaos.start(**SMALL_READS)
    chaos.publish(SHARE)
    chaos.wait_for_progress(flow, chaos.rng.randrange(1, SHARE))
    ahead = (int(time.time()) + 86_400) * 1000
    chaos.raw.xadd(STREAM, {"symbol": "BTCUSDT", "decision": "SKIP", "timestamp": str(ahead // 1000)}, id=f"{ahead}-0")
    chaos.raw.xadd(STREAM, {"symbol": "BTCUSDT", "decision": "SKIP"}, id=f"{ahead}-18446744073709551614")
    chaos.published += 2
    # The clock is right again; IDs cannot go back.
    chaos.publish(1)
    chaos.publish(SHARE)
    flow.kill()
    chaos.fault()
    flow = chaos.start()
    chaos.wait_until_quiet(what=flow.log)
    chaos.verify()


JUMPING_CLOCK = """
import datetime, random, sys, time

DAY, random = 86_400, random.Random(SEED)
_time, _offset, _until = time.time, 0.0, 0.0

def jumping_time():
    global _offset, _until
    now = time.monotonic()
    if now > _until:
        _offset, _until = random.choice((-DAY, -60, 0, 60, DAY)), now + random.uniform(0.01, 0.3)
    return _time() + _offset

class JumpingDatetime(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        # What the runtime is told about its next turn, it compares with a clock that cannot be moved from here.
        told = sys._getframe(1).f_code.co_name in ("next_batch", "__init__")
        return cls.fromtimestamp(_time() if told else jumping_time(), tz)

time.time = jumping_time
datetime.datetime = JumpingDatetime
"""


def test_the_clock_of_the_flow_jumps(chaos: Chaos, tmp_path: Path) -> None:
    """Guards that the minute of an entry comes from the entry alone, and that nothing waits by the wall clock."""
    (tmp_path / "sitecustomize.py").write_text(f"SEED = {SEED}\n{JUMPING_CLOCK}", "ascii")
    for _ in range(ROUNDS):
        flow = chaos.start(**SMALL_READS, PYTHONPATH=str(tmp_path))
        for _ in range(4):
            chaos.publish(LARGE_SHARE // 4)
            chaos.wait_for_progress(flow, chaos.rng.randrange(1, LARGE_SHARE // 4))
            chaos.fault()
        flow.kill()
    flow = chaos.start(**SMALL_READS, PYTHONPATH=str(tmp_path))
    chaos.wait_until_quiet(what=flow.log)
    chaos.verify()
