"""An entry that fails waits alone, its neighbours do not, and whatever dies it is done once or a dead letter once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from connectors import group, retries, standstill
from connectors.commit import CommitSink, commit
from connectors.consumer_names import consumer_of
from connectors.delivery import Delivery, Part, Read
from connectors.effects import Count
from connectors.per_entry import Message, each
from connectors.private_redis import PrivateRedis
from tests.support.services import CONFIG, DrivenSource, Seen, crash, service
from tests.support.waiting import wait_for


@pytest.fixture
def raw(versioned: PrivateRedis) -> Iterator[redis.Redis]:
    with versioned.client() as one:
        one.flushall()
        yield one


AGAIN = "an entry failed; it is tried again"


def add(raw: redis.Redis, count: int, first: int = 0) -> list[bytes]:
    """So many new entries, numbered from `first`; their IDs."""
    pipeline = raw.pipeline(transaction=False)
    for number in range(first, first + count):
        pipeline.xadd("s", {"n": number})
    return list(pipeline.execute())


class Worker:
    """A source, a step and a sink on one thread, as the runtime calls them."""

    def __init__(self, server: PrivateRedis, number: int = 0, retries: int = 3, **limits: float) -> None:
        self.seen = Seen()
        self.service = service(server.url, self.seen)
        self.source = DrivenSource(self.service, number, CONFIG, **limits)  # type: ignore[arg-type]
        self.sink = CommitSink(self.service).build("step", 0, 1)
        self.failing: dict[str, int] = {}
        """`n` of an entry -> how often it still fails."""
        self.tried: list[list[str]] = []
        """`n` of the entries of each batch."""
        self.reads: list[str] = []
        """The names of all reads."""
        self.step = each(self.count, "dead", retries=retries)

    def count(self, entry: Message) -> Iterator[Count]:
        if self.failing.get(entry["n"], 0) > 0:
            self.failing[entry["n"]] -= 1
            raise RuntimeError(f"not now: {entry['n']}")
        yield Count("counts", {entry["n"]: 1})

    def read(self) -> Part | None:
        """What the step makes of the next batch, if there is one."""
        batches = self.source.poll()
        self.reads += [read.name for batch in batches for read in batch.delivery.reads]
        self.tried += [[row[1][1].decode() for row in batch.rows] for batch in batches]
        return self.step(batches[0]) if batches else None

    def turn(self) -> bool:
        part = self.read()
        if part is not None:
            self.sink.write_batch([part])
            self.service.in_flight.finish()
        return part is not None

    def forever(self) -> None:
        while True:
            self.turn()

    def until(self, raw: redis.Redis, counted: int, dead: int = 0, pending: int = 0) -> None:
        """Work until so much is done."""

        def done() -> bool:
            self.turn()
            groups = raw.xinfo_groups("s")
            left = groups[0]["pending"] if groups else -1
            return (raw.hlen("counts"), raw.xlen("dead"), left) == (counted, dead, pending)

        wait_for(done, "all to be counted", 30.0, every=0.002)
        assert set(raw.hvals("counts")) <= {b"1"}
        assert len(self.reads) == len(set(self.reads))


@pytest.fixture
def waits_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "FIRST_SECONDS", 600.0)
    monkeypatch.setattr(retries, "LONGEST_SECONDS", 600.0)


@pytest.fixture
def waits_never(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "FIRST_SECONDS", 0.001)


def names(raw: redis.Redis) -> dict[str, int]:
    """Name of a read, or of where entries wait (without its consumer and token) -> pending entries."""
    found = ((row["name"], row["pending"]) for row in raw.xinfo_consumers("s", "g"))
    own = {name: pending for name, pending in found if consumer_of(name) != name}
    # (A read under way has a name, too.)
    return {name.decode().partition(".")[2]: pending for name, pending in own.items() if pending}


@given(st.integers(1, 10_000))
def test_the_wait_doubles_until_it_is_long(failures: int) -> None:
    wait = retries.seconds_after(failures)
    assert wait == (0.1 * 2 ** (failures - 1) if failures < 11 else 60.0)


def test_neighbours_of_an_entry_that_fails_are_counted_at_once(
    versioned: PrivateRedis, raw: redis.Redis, waits_long: None
) -> None:
    add(raw, 5)
    one = Worker(versioned)
    one.failing = {"1": 9, "3": 9}
    one.until(raw, counted=3, pending=2)
    assert raw.hgetall("counts") == {b"0": b"1", b"2": b"1", b"4": b"1"}
    assert names(raw) == {"-.1": 2}
    add(raw, 7, 5)
    one.until(raw, counted=10, pending=2)


def test_an_entry_that_fails_comes_again_alone_until_it_succeeds(versioned: PrivateRedis, raw: redis.Redis) -> None:
    ids = add(raw, 5)
    one = Worker(versioned)
    one.failing = {"1": 2, "3": 1}
    with capture_logs() as logs:
        one.until(raw, counted=5)
    assert one.tried[0] == ["0", "1", "2", "3", "4"]
    assert sorted(n for batch in one.tried[1:] for n in batch) == ["1", "1", "3"]
    said = [(line["entry"], line["failures"], line["cause"]) for line in logs if line["event"] == AGAIN]
    assert sorted(said) == [
        (ids[1], 1, "RuntimeError: not now: 1"),
        (ids[1], 2, "RuntimeError: not now: 1"),
        (ids[3], 1, "RuntimeError: not now: 3"),
    ]
    assert names(raw) == {}
    assert {line["event"] for line in logs if line["log_level"] in ("warning", "error")} == {AGAIN}
    add(raw, 2, 5)
    one.failing = {"5": 2}
    one.until(raw, counted=7)


def test_after_so_many_retries_it_is_a_dead_letter_once(versioned: PrivateRedis, raw: redis.Redis) -> None:
    ids = add(raw, 5)
    one = Worker(versioned, retries=2)
    one.failing = {"1": 99, "3": 2}
    one.until(raw, counted=4, dead=1)
    assert one.failing == {"1": 96, "3": 0}
    ((_id, letter),) = raw.xrange("dead")
    assert (letter[b"id"], letter[b"attempts"], letter[b"error"]) == (ids[1], b"3", b"RuntimeError: not now: 1")
    assert names(raw) == {}


def test_it_does_not_come_before_its_time(versioned: PrivateRedis, raw: redis.Redis, waits_long: None) -> None:
    add(raw, 3)
    one = Worker(versioned)
    one.failing = {"1": 1}
    one.until(raw, counted=2, pending=1)
    for _ in range(3):
        one.source.partition._look_at = 1e-9  # type: ignore[attr-defined]
        assert not one.turn()
    assert names(raw) == {"-.1": 1}


def test_a_clock_of_redis_that_is_set_back_parks_nothing(
    versioned: PrivateRedis, raw: redis.Redis, waits_long: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To us, the clock of Redis stands still while ours goes on."""
    add(raw, 9)
    one, passed = Worker(versioned), [0.0]
    monkeypatch.setattr(group, "monotonic", lambda: passed[0])

    def look() -> None:
        one.source.partition._look_at = 1e-9  # type: ignore[attr-defined]
        wait_for(lambda: one.turn() or one.source.partition._look_at > 1, "a look", every=0.002)  # type: ignore[attr-defined]

    one.failing = {"1": 1, "2": 1, "3": 1, "4": 1, "5": 1}
    one.until(raw, counted=4, pending=5)
    for passed[0] in (1.0, 600.0, 605.0):
        look()
    assert (raw.hlen("counts"), names(raw)) == (4, {"-.1": 5})
    passed[0] = 607.0
    look()
    one.until(raw, counted=9)
    add(raw, 1, 9)
    one.failing = {"9": 1}
    one.until(raw, counted=9, pending=1)
    look()
    assert (raw.hlen("counts"), names(raw)) == (9, {"-.1": 1})


@pytest.mark.parametrize("dies", ["while it waits", "with it in hand"])
def test_another_consumer_goes_on_counting_its_failures(
    versioned: PrivateRedis, raw: redis.Redis, waits_never: None, dies: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = add(raw, 3)
    dead = Worker(versioned, retries=3)
    dead.failing = {"1": 2 if dies == "with it in hand" else 99}
    while dead.failing["1"] > (0 if dies == "with it in hand" else 97):
        dead.turn()
    if dies == "with it in hand":
        part = wait_for(dead.read, "the third attempt")
        assert (part.ids, part.delivery.failures, len(part.effects)) == ((ids[1],), 2, 1)
    lease = dead.source.partition._consumer.lease.key  # type: ignore[attr-defined]
    crash(dead.source)
    raw.delete(lease)
    heir = Worker(versioned, 1, retries=3)
    heir.failing = {"1": 99}
    heir.until(raw, counted=2, dead=1)
    assert raw.xrange("dead")[0][1][b"attempts"] == b"4"
    # The third attempt, where the dead one had not come to it or nobody knows, and the fourth.
    assert heir.failing == {"1": 97}
    assert names(raw) == {}
    if dies == "with it in hand":
        assert commit(raw, [part]).refused == [part]


def test_whoever_registers_anew_goes_on_counting(versioned: PrivateRedis, raw: redis.Redis, waits_long: None) -> None:
    add(raw, 3)
    one = Worker(versioned, retries=1)
    one.failing = {"1": 9}
    one.until(raw, counted=2, pending=1)
    raw.delete(one.source.partition._consumer.lease.key)  # type: ignore[attr-defined]
    add(raw, 1, 3)
    # (The commit of what is read is refused, and then all that is pending is read again.)
    one.until(raw, counted=3, dead=1)
    assert one.failing == {"1": 7}


@pytest.mark.parametrize("when", ["before it failed", "while it waits"])
def test_what_is_deleted_from_the_stream_is_lost_and_counted(
    versioned: PrivateRedis, raw: redis.Redis, waits_never: None, when: str
) -> None:
    ids = add(raw, 3)
    one = Worker(versioned)
    one.failing = {"1": 9}
    part = wait_for(one.read, "a batch")
    assert part.again == (ids[1],)
    if when == "before it failed":
        raw.xdel("s", ids[1])
    one.sink.write_batch([part])
    one.service.in_flight.finish()
    raw.xdel("s", ids[1])
    one.until(raw, counted=2)
    assert (raw.hget("counters", "trimmed_total"), one.seen.losses) == (b"1", 1)
    assert one.failing == {"1": 8}


def test_a_stop_does_not_wait_for_what_waits(versioned: PrivateRedis, raw: redis.Redis, waits_long: None) -> None:
    add(raw, 3)
    one = Worker(versioned)
    one.failing = {"1": 1}
    one.until(raw, counted=2, pending=1)
    one.source.partition._look_at = 1e-9  # type: ignore[attr-defined]
    one.turn()
    one.service.lifecycle.stop("the test")
    one.turn()
    assert one.source.ended
    assert names(raw) == {"-.1": 1}
    heir = Worker(versioned, 1)
    heir.until(raw, counted=3)
    assert heir.tried == [["1"]]


def test_what_waits_counts_as_in_flight_and_is_no_standstill(
    versioned: PrivateRedis, raw: redis.Redis, waits_long: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standstill, "LOOKS", 1)
    monkeypatch.setattr(standstill, "SECONDS", 0.0)
    add(raw, 20)
    one = Worker(versioned, max_batch=5, max_in_flight=10, first=5)
    one.failing = {str(number): 9 for number in range(20)}
    with capture_logs() as logs:
        one.until(raw, counted=0, pending=10)
        for _ in range(20):
            one.turn()
    assert not [line for line in logs if line["event"] == "commits have stalled"]
    # (One batch more at the moment of a check.)
    (waiting,) = names(raw).items()
    assert waiting in (("-.1", 10), ("-.1", 15))


def test_without_dead_letters_it_is_tried_as_often_and_then_ends_the_flow(
    versioned: PrivateRedis, raw: redis.Redis, waits_never: None
) -> None:
    ids = add(raw, 3)
    one = Worker(versioned)
    one.step = each(one.count, retries=2)
    one.failing = {"1": 9}
    with capture_logs() as logs, pytest.raises(RuntimeError, match="not now: 1"):
        one.forever()
    assert one.failing == {"1": 6}
    line = logs[-1]
    assert (line["event"], line["entry"], line["dead_letters"]) == ("an entry failed for good", ids[1], "none")
    assert line["at"].endswith(" count")
    # The next start finds it, tried as often as it was, and nothing else.
    assert (raw.hlen("counts"), raw.xpending("s", "g")["pending"]) == (2, 1)
    raw.delete(one.source.partition._consumer.lease.key)  # type: ignore[attr-defined]
    crash(one.source)
    other = Worker(versioned, 1)
    other.step = each(other.count, retries=2)
    other.failing = {"1": 1}
    with capture_logs(), pytest.raises(RuntimeError, match="not now: 1"):
        other.forever()


def test_the_source_looks_soon_after_something_failed(
    versioned: PrivateRedis, raw: redis.Redis, waits_long: None
) -> None:
    one = Worker(versioned)
    one.failing = {"1": 1}
    wait_for(lambda: one.turn() or one.source.partition._look_at, "a first look")  # type: ignore[attr-defined]
    one.source.partition._look_at = 1e12  # type: ignore[attr-defined]
    add(raw, 3)
    one.until(raw, counted=2, pending=1)
    one.turn()
    assert one.source.partition._look_at < 1e12  # type: ignore[attr-defined]


@pytest.mark.parametrize("number", [-1, 1.0, True, 1_000, "3"])
def test_a_number_of_retries_that_is_none_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match="retries is a number from 0 to 999"):
        each(lambda _entry: (), retries=number)


def test_a_part_says_only_of_its_own_entries_that_they_come_again() -> None:
    delivery = Delivery("s", "g", "c", "l", "t", reads=(Read("c", 1),))
    with pytest.raises(ValueError, match="what is to come again"):
        Part(delivery, (b"1-0",), (), again=(b"2-0",))


def test_what_failed_is_not_committed_where_the_group_that_keeps_it_is_gone(
    versioned: PrivateRedis, raw: redis.Redis
) -> None:
    """It is read again, with all that was read with it, by the group that is created then."""
    add(raw, 3)
    one = Worker(versioned)
    one.failing = {"1": 1}
    part = wait_for(one.read, "a batch")
    raw.xgroup_destroy("s", "g")
    for repeated in (True, False):
        assert commit(raw, [part], repeated=repeated).refused == [part]
    assert not raw.exists("counts")
    one.until(raw, counted=3)


def test_a_commit_that_is_repeated_moves_nothing_twice(
    versioned: PrivateRedis, raw: redis.Redis, waits_long: None
) -> None:
    add(raw, 3)
    one = Worker(versioned)
    one.failing = {"1": 1}
    part = wait_for(one.read, "a batch")
    assert commit(raw, [part]).applied == [part]
    before = raw.xpending_range("s", "g", "-", "+", 10)
    assert commit(raw, [part], repeated=True).gone == [part]
    (after,) = raw.xpending_range("s", "g", "-", "+", 10)
    assert [after["consumer"]] == [row["consumer"] for row in before]
    assert set(raw.hvals("counts")) == {b"1"}


def test_thousands_fail_at_once(versioned: PrivateRedis, raw: redis.Redis, waits_never: None) -> None:
    add(raw, 2_500)
    one = Worker(versioned, max_batch=2_500, first=2_500)
    one.failing = {str(number): 1 for number in range(2_500)}
    with capture_logs():
        one.until(raw, counted=2_500)


def test_nothing_that_waits_is_forgotten_when_a_name_is_looked_through(
    versioned: PrivateRedis, raw: redis.Redis
) -> None:
    """Deleting a name throws away what is pending for it."""
    raw.xgroup_create("s", "g", "0", mkstream=True)
    raw.set("lease:c", "token")
    add(raw, 4)
    raw.xreadgroup("g", "old", {"s": ">"})
    keys = ["s", "lease:c", "lease:c", "counters"]
    for count, left in ((10, 0), (0, 4)):
        assert group._recover(raw, keys, ["g", "new", "token", "old", 10, 3_600_000]) == [b"TAKEN", [], 0, 0]
        assert raw.xpending("s", "g")["pending"] == 4, (count, left)
    (taken,) = [group._recover(raw, keys, ["g", "new", "token", "old", 3, 0])]
    assert (len(taken[1]), taken[3]) == (3, 1)
    assert raw.xpending("s", "g")["pending"] == 4
