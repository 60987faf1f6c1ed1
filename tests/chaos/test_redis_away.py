"""Redis goes away: killed, hanging, failed over, its scripts and connections gone.

Each scenario has been seen to fail without the mechanism that it guards; see `docs/reliability.md` for how.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from connectors.connection import SOCKET_TIMEOUT
from connectors.private_redis import PrivateRedis
from tests.chaos.conftest import every_version
from tests.chaos.harness import FAULTS, FULL, MESSAGES, SHARE, SMALL_READS, Chaos
from tests.chaos.test_protocol import COMMIT
from tests.support.fault_proxy import FaultProxy, Step, Trap
from tests.support.forwarder import Forwarder
from tests.support.recount import STREAM
from tests.support.users import SecuredRedis
from tests.support.waiting import wait_for

AWAY = 60.0 if FULL else 3.0
"""Seconds for which Redis is away."""

LONG_AWAY = max(AWAY, SOCKET_TIMEOUT + 1)
"""A server that hangs is noticed only when a read has timed out."""

DURABLE = {"appendonly": "yes", "appendfsync": "always"}

durable = pytest.mark.parametrize("chaos_server", [("8.2", DURABLE)], indirect=True)


@every_version(**DURABLE)
def test_redis_killed_and_restarted(chaos: Chaos) -> None:
    """Guards reading again what is one's own after registering again: a reply may be lost with the server."""
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


@pytest.fixture
def address(chaos: Chaos) -> Iterator[Forwarder]:
    """An address that the flow knows Redis by, and that may move or break."""
    with Forwarder(chaos.server.port) as one:
        chaos.url = one.url
        yield one


@durable
@pytest.mark.parametrize("how", ["killed", "frozen"])
def test_redis_away_for_a_while(chaos: Chaos, address: Forwarder, how: str) -> None:
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
    before = address.connections
    chaos.pause(seconds, seconds)
    attempts = address.connections - before
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
    # At first each part tries often. (The lease of these flows alone is renewed three times a second.)
    assert 0 < attempts < 100 + 10 * seconds, f"{attempts} connections in {seconds} s"


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
            chaos.publish(100)  # (one commit may have taken all there was)
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


@every_version()
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
