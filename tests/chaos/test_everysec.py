"""Power that fails under `appendfsync everysec`: of its last second, Redis keeps as much as chance will have it.

A server that is killed loses nothing that it has written, since the system has it. So each scenario also cuts the end
off the append-only file, at any byte of what was written last, as a machine does that loses its power.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import redis

from connectors import stream_id
from connectors.private_redis import PrivateRedis
from tests.chaos.conftest import every_version
from tests.chaos.harness import DEADLINE, FAULTS, MESSAGES, SMALL_READS, Chaos
from tests.support import recount
from tests.support.recount import STREAM
from tests.support.waiting import wait_for

SHARE = MESSAGES // FAULTS
# (A rewrite would begin another file in the middle of what is measured.)
EVERYSEC = {"appendonly": "yes", "appendfsync": "everysec", "auto_aof_rewrite_percentage": "0"}


@every_version(**EVERYSEC)
def test_power_fails_before_the_last_second_is_on_disk(chaos: Chaos) -> None:
    """Guards that counts and acknowledgement are one transaction of the file, too, and the look at what is pending.

    Entries, what was read of them, and counts go back together, to the same moment. The commit that was under way is
    sent again, to a Redis that may have forgotten that it ever gave those entries out.
    """
    flow = chaos.start(**SMALL_READS)
    wait_for(lambda: "connected" in flow.log(), "the flow", DEADLINE)
    given: set[bytes] = set()
    uncounted = 0
    for number in range(FAULTS):
        kept = append_only_file(chaos.server).stat().st_size
        before = chaos.processed()
        with publishing(chaos, given):
            goal = before + chaos.rng.randrange(1, SHARE // 2)
            wait_for(lambda goal=goal: chaos.processed() >= goal, "progress", DEADLINE)  # type: ignore[misc]
            counted = chaos.processed()
            chaos.server.kill()
        chaos.fault()
        # It tries again meanwhile, and is stopped only for as long as it takes to look.
        chaos.pause(0, 0.3)
        flow.send(signal.SIGSTOP)
        # However much the others lose, the last one loses something.
        cut(chaos, kept, 0.5 if number == FAULTS - 1 else 1.0)
        chaos.server.start()
        assert_of_one_moment(chaos)
        uncounted += counted - chaos.processed()
        flow.send(signal.SIGCONT)
        rewrite(chaos)
    chaos.published = chaos.raw.xlen(STREAM)
    chaos.publish(100)
    chaos.wait_until_quiet(what=flow.log)
    assert flow.status is None
    chaos.verify()
    assert chaos.row.lost == 0, "what Redis has forgotten, nobody can know of"
    left = {entry_id.encode() for entry_id, _fields in recount.entries(chaos.raw)}
    chaos.row.lost = len(given - left)
    chaos.row.messages = len(given) + 100
    assert chaos.row.lost > 0
    assert uncounted > 0


@contextlib.contextmanager
def publishing(chaos: Chaos, given: set[bytes]) -> Iterator[None]:
    """Publishes in a thread of its own, a few entries at once, until Redis dies; then the thread has ended.

    :arg given: the IDs that Redis acknowledged are added. What it did not is not published again.
    """

    def publish() -> None:
        with chaos.server.client(socket_timeout=30, retry=None) as one, contextlib.suppress(redis.ConnectionError):
            for _ in range(SHARE // 20):
                pipeline = one.pipeline(transaction=False)
                for entry in chaos.entries(20):
                    pipeline.xadd(STREAM, entry)  # type: ignore[arg-type]
                given.update(pipeline.execute())

    thread = threading.Thread(target=publish)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def append_only_file(server: PrivateRedis) -> Path:
    """The file that the server appends to; 7.0 and later have it in a folder, with a number."""
    numbered = list(server.folder.glob("appendonlydir/*.incr.aof"))
    if not numbered:
        return server.folder / "appendonly.aof"
    return max(numbered, key=lambda path: int(path.name.split(".")[-3]))


def cut(chaos: Chaos, kept: int, part: float) -> None:
    """Cut off the end of the file behind a byte beyond the first `kept`, in the first `part` of what follows those."""
    path = append_only_file(chaos.server)
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.truncate(chaos.rng.randint(kept, kept + int((size - kept) * part)))


def rewrite(chaos: Chaos) -> None:
    """Have the file written anew, as `docs/reliability.md` tells to do after a loss of power.

    Where the cut went through a transaction, Redis leaves its beginning in the file, and carries that out, together
    with what follows it, when it loads the file once more.
    """
    chaos.raw.bgrewriteaof()

    def done() -> bool:
        state = chaos.raw.info("persistence")
        return not (state["aof_rewrite_in_progress"] or state["aof_rewrite_scheduled"])

    wait_for(done, "the file", DEADLINE)
    assert chaos.raw.info("persistence")["aof_last_bgrewrite_status"] == "ok"


def assert_of_one_moment(chaos: Chaos) -> None:
    """Of the entries that were given to the group, each is either pending or counted; while nobody is at work."""
    (group,) = chaos.raw.xinfo_groups(STREAM)
    last = stream_id.parse(group["last-delivered-id"])
    delivered = sum(stream_id.parse(entry_id.encode()) <= last for entry_id, _fields in recount.entries(chaos.raw))
    assert delivered == chaos.processed() + group["pending"]
    assert chaos.processed() == recount.decisions(chaos.raw)
