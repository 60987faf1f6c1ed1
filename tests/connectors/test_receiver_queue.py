"""What waits for one receiver, on a real Redis: who may send, what is tried again, and what is known of it."""

from __future__ import annotations

import pytest
import redis

from connectors.receiver_queue import ReceiverQueue, ReceiverQueueConfig, Waiting

CONFIG = ReceiverQueueConfig("events", "notify-1", "lease:1", "dead", "sent", "receiver:1")


@pytest.fixture
def queue(raw: redis.Redis) -> ReceiverQueue:
    """A queue whose group is there."""
    one = ReceiverQueue(raw, CONFIG)
    assert one.take(1) == []
    return one


def publish(client: redis.Redis, *numbers: int) -> None:
    for number in numbers:
        client.xadd("events", {"n": str(number)})


def tried(entries: list[Waiting]) -> list[tuple[str, int]]:
    """What the entries hold, and how often each was tried."""
    return [(one.fields["n"], one.attempts) for one in entries]


def test_one_process_at_a_time_may_send(raw: redis.Redis) -> None:
    first, second = ReceiverQueue(raw, CONFIG), ReceiverQueue(raw, CONFIG)
    assert (first.hold(), second.hold(), first.hold()) == (True, False, True)
    second.release()  # (which is not its own)
    assert not second.hold()
    first.release()
    assert second.hold()


def test_what_was_tried_comes_before_what_is_new_and_counts_the_attempt(
    client: redis.Redis, queue: ReceiverQueue
) -> None:
    publish(client, 1, 2, 3)
    assert tried(queue.take(2)) == [("1", 1), ("2", 1)]
    assert tried(queue.take(2)) == [("1", 2), ("2", 2)]
    queue.done(queue.take(1))
    assert tried(queue.take(2)) == [("2", 3)]
    queue.done(queue.take(2))
    assert tried(queue.take(2)) == [("3", 1)]


def test_what_is_given_up_is_a_dead_letter_and_off_the_list(client: redis.Redis, queue: ReceiverQueue) -> None:
    publish(client, 1)
    entries = queue.take(1)
    queue.give_up(entries, "1", "refused")
    ((_id, letter),) = client.xrange("dead")
    assert letter == {"receiver": "1", "attempts": "1", "failure": "refused", "entry_id": entries[0].id, "n": "1"}
    assert (queue.take(1), queue.waiting()) == ([], 0)


def test_a_failure_is_noted_until_a_message_is_taken(client: redis.Redis, queue: ReceiverQueue) -> None:
    publish(client, 1, 2)
    queue.introduce("a service")
    queue.failed("refused", 3)
    about = client.hgetall("receiver:1")
    assert abs(float(about.pop("failed_at")) - client.time()[0]) < 60
    assert about == {"name": "a service", "failure": "refused", "failures": "3"}
    entries = queue.take(2)
    queue.sent(entries, "1")
    assert client.hgetall("receiver:1") == {"name": "a service"}
    ((_id, note),) = client.xrange("sent")
    assert note == {"receiver": "1", "entries": " ".join(one.id for one in entries)}


def test_how_many_wait_are_those_tried_and_those_unread(client: redis.Redis, queue: ReceiverQueue) -> None:
    publish(client, 1, 2, 3)
    queue.take(1)
    assert queue.waiting() == 3


def test_an_entry_says_when_it_was_published() -> None:
    assert Waiting("1769929020123-7", {}, 1).seconds == 1_769_929_020.123
