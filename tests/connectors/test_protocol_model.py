"""The protocol of consumers, leases and commits as a state machine, on a real Redis.

Consumers read, commit (also late, also twice, in any order, several reads as one), crash, stall and wake, while entries
are added, trimmed and claimed by hand, and some fail, once or again. At any time no entry is counted twice; when all is
quiet each is counted once, or was trimmed and is counted as lost.
"""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
import redis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from connectors import reading, retries
from connectors.commit import commit
from connectors.delivery import Batch, Part
from connectors.effects import Count
from connectors.group_config import GroupConfig
from connectors.private_redis import PrivateRedis
from connectors.stream_id import parse
from tests.support.services import DrivenSource, service

CONFIG = GroupConfig("s", "g", "counters", "lease:", lease_ttl=600.0, stall=600.0)
CONSUMERS = st.integers(0, 2)
FULL = os.environ.get("CHAOS_SIZE") == "full"


def part_of(batch: Batch, failing: int = 0) -> Part:
    """Counts each entry under its own ID, so that a second count of any would show.

    :arg failing: a bit for each entry: 1 if it fails.
    """
    ids = tuple(entry.id for entry in batch.entries)
    again = tuple(one for place, one in enumerate(ids) if failing >> place & 1)
    return Part(batch.delivery, ids, (Count("counts", {i.decode(): 1 for i in ids if i not in again}),), again=again)


def put_together(parts: list[Part]) -> list[Part]:
    """`parts`, as far as they were read under the same lease, with one delivery for all."""
    first = parts[0].delivery
    same = [part for part in parts if part.delivery.by_the_same(first)]
    whole = first._replace(reads=tuple(read for part in same for read in part.delivery.reads))
    return [replace(part, delivery=whole) for part in same] + [part for part in parts if part not in same]


class Protocol(RuleBasedStateMachine):
    """Three consumers at most."""

    server: PrivateRedis

    def __init__(self) -> None:
        super().__init__()
        self.raw: redis.Redis = self.server.client()
        self.raw.flushall()
        self.sources: dict[int, DrivenSource] = {}
        self.in_hand: dict[int, list[Part]] = {}
        self.old: list[list[Part]] = []
        """Commits that may still arrive, or again."""
        self.published = 0
        self.failed: set[bytes] = set()
        self.by_hand = False
        self.start_or_poll(0)

    def alive(self) -> bool:
        return bool(self.sources)

    @rule(count=st.integers(1, 6))
    def publish(self, count: int) -> None:
        for _ in range(count):
            self.raw.xadd("s", {"f": "v"})
        self.published += count

    @rule(who=CONSUMERS, failing=st.sampled_from([0, 0, 1, 2, 7]))
    def start_or_poll(self, who: int, failing: int = 0) -> None:
        if who not in self.sources:
            self.sources[who] = DrivenSource(service(self.server.url), who, CONFIG, max_batch=3)
            self.in_hand[who] = []
        source = self.sources[who]
        source.partition._look_at = 0.0  # type: ignore[attr-defined]  # look for dead consumers each time
        for batch in source.poll():
            self.in_hand[who].append(part_of(batch, failing))
            self.failed.update(self.in_hand[who][-1].again)

    @precondition(alive)
    @rule(who=CONSUMERS, which=st.integers(0, 5), repeat=st.booleans())
    def commit_one(self, who: int, which: int, repeat: bool) -> None:
        hand = self.in_hand.get(who)
        if not hand:
            return
        part = hand.pop(which % len(hand))
        for _ in range(2 if repeat else 1):
            commit(self.raw, [part])
        self.old.append([part])

    @precondition(alive)
    @rule(who=CONSUMERS, joined=st.booleans())
    def commit_all(self, who: int, joined: bool = False) -> None:
        """What is in hand in one commit, also as one delivery of several reads."""
        if hand := self.in_hand.get(who):
            parts = put_together(hand) if joined else hand
            commit(self.raw, parts)
            self.old.append(parts)
            self.in_hand[who] = []

    @precondition(lambda self: not self.by_hand)
    @rule(who=CONSUMERS, which=st.integers(0, 9), to=st.sampled_from(["operator", "in hand"]))
    def claim_by_hand(self, who: int, which: int, to: str) -> None:
        """One entry goes to a name that nobody leases, or into a read in hand. Once: two may be an exchange."""
        # (XCLAIM forgets what was trimmed: then nobody can tell that it is lost.)
        kept = {entry_id for entry_id, _fields in self.raw.xrange("s")}
        pending = [row for row in self.raw.xpending_range("s", "g", "-", "+", 10) if row["message_id"] in kept]
        hand = self.in_hand.get(who)
        if not pending or (to == "in hand" and not hand):
            return
        name = to if to == "operator" else hand[0].delivery.reads[0].name  # type: ignore[index]
        self.raw.xclaim("s", "g", name, 0, [pending[which % len(pending)]["message_id"]], justid=True)
        self.by_hand = True

    @precondition(lambda self: self.old)
    @rule(which=st.integers(0, 50))
    def repeat_an_old_commit(self, which: int) -> None:
        commit(self.raw, self.old[which % len(self.old)])

    @precondition(alive)
    @rule(who=CONSUMERS)
    def crash(self, who: int) -> None:
        source = self.sources.pop(who, None)
        if source is not None:
            self.end_lease(source)
            abandon(source)
            self.old += [[part] for part in self.in_hand.pop(who)]

    @precondition(alive)
    @rule(who=CONSUMERS)
    def stall(self, who: int) -> None:
        """Its lease ends, as that of a stopped process does; it wakes with its next poll or commit."""
        if who in self.sources:
            self.end_lease(self.sources[who])

    def end_lease(self, source: DrivenSource) -> None:
        lease = source.partition._consumer._lease  # type: ignore[attr-defined]
        if lease is not None:
            self.raw.delete(lease.key)

    @rule(keep=st.integers(0, 10))
    def trim(self, keep: int) -> None:
        self.raw.xtrim("s", maxlen=keep, approximate=False)

    @invariant()
    def nothing_is_counted_twice(self) -> None:
        assert set(self.raw.hvals("counts")) <= {b"1"}

    @invariant()
    def the_group_has_come_as_far_as_the_newest_entry_counted(self) -> None:
        newest = max(self.raw.hkeys("counts"), key=parse, default=b"0-0")
        committed = self.raw.hget("counters", "last_id") or b"0-0"
        assert committed == newest or (parse(committed) > parse(newest) and committed in self.failed)

    def teardown(self) -> None:
        """Let everything come to rest: then each entry is counted, or lost and counted as that."""
        try:
            for _ in range(60):
                self.start_or_poll(0)
                for who in list(self.sources):
                    self.start_or_poll(who)
                    self.commit_all(who)
                if self.quiet():
                    break
            else:
                raise AssertionError(f"not quiet: {self.raw.xinfo_groups('s')}")
            lost = int(self.raw.hget("counters", "trimmed_total") or 0)
            assert self.raw.hlen("counts") + lost == self.published
            self.nothing_is_counted_twice()
        finally:
            for source in self.sources.values():
                abandon(source)
            self.raw.close()

    def quiet(self) -> bool:
        group = self.raw.xinfo_groups("s")[0]
        counted = self.raw.hlen("counts") + int(self.raw.hget("counters", "trimmed_total") or 0)
        return group["pending"] == 0 and counted == self.published


def abandon(source: DrivenSource) -> None:
    """Close its connections and its thread, without a word to Redis."""
    lease = source.partition._consumer._lease  # type: ignore[attr-defined]
    if lease is not None:
        lease.close()
    source.partition.close()


@pytest.fixture
def quick_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "BLOCK_MS", 1)
    monkeypatch.setattr(retries, "FIRST_SECONDS", 0.001)
    monkeypatch.setattr(retries, "LONGEST_SECONDS", 0.001)


@pytest.mark.usefixtures("quick_reads")
def test_every_entry_is_counted_at_most_once_always_and_exactly_once_in_the_end(server: PrivateRedis) -> None:
    machine = type("Machine", (Protocol,), {"server": server})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=400 if FULL else 30,
            stateful_step_count=40,
            deadline=None,
            derandomize=not FULL,
            phases=[Phase.explicit, Phase.reuse, Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
