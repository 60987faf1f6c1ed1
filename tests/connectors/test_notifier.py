"""Messages to receivers that work, fail, hang and come back: delayed, never lost, and given up with a reason."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import pytest
import redis

from connectors.lifecycle import Lifecycle
from connectors.notifier import BATCH, Notifier, Policy, Watcher
from connectors.private_redis import PrivateRedis, free_port
from connectors.receiver import Message, Receiver
from connectors.receiver_queue import CONSUMER, ReceiverQueueConfig
from connectors.service import Service
from connectors.settings import RedisSettings
from tests.support.http_receiver import SECRET, HttpReceiver
from tests.support.services import service
from tests.support.users import SecuredRedis
from tests.support.waiting import wait_for


def message(entries: Sequence[Mapping[str, str]]) -> Message:
    """Says which entries it tells of."""
    return Message(f"{len(entries)} entries", " ".join(entry["n"] for entry in entries), "info")


POLICY = Policy(
    wanted=lambda fields: "n" in fields,
    message=message,
    spacing=0.0,
    attempts=1_000_000,
    first_delay=0.01,
    longest_delay=0.05,
    send_seconds=60.0,  # (the first one loads apprise)
    poll=0.05,
)


def receiver_queue(name: str) -> ReceiverQueueConfig:
    """The keys of a receiver."""
    return ReceiverQueueConfig("events", f"notify-{name}", f"lease:{name}", "dead", "sent", f"receiver:{name}")


class Seen(Watcher):
    """What became of messages."""

    def __init__(self) -> None:
        self.outcomes: list[str] = []
        self.waits: dict[str, int] = {}

    def notified(self, outcome: str) -> None:
        self.outcomes.append(outcome)

    def waiting(self, receiver: str, entries: int) -> None:
        self.waits[receiver] = entries


@contextlib.contextmanager
def notifying(one: Service, *urls: str, policy: Policy = POLICY, watcher: Watcher | None = None) -> Iterator[Notifier]:
    """A notifier that runs."""
    notifier = Notifier(one, [Receiver(url) for url in urls], receiver_queue, policy, watcher)
    notifier.start()
    try:
        yield notifier
    finally:
        notifier.close()


def publish(client: redis.Redis, *numbers: int) -> None:
    """Entries that are to be sent."""
    for number in numbers:
        client.xadd("events", {"n": str(number)})


def told(web: HttpReceiver) -> list[int]:
    """All numbers in the order in which the receiver took them."""
    return [int(number) for one in web.messages for number in one["message"].split()]


def settled(client: redis.Redis, group: str = "notify-1") -> bool:
    """Whether nothing waits."""
    groups = {row["name"]: row for row in client.xinfo_groups("events")}
    return group in groups and groups[group]["pending"] == 0 and groups[group]["lag"] == 0


def test_what_is_wanted_is_sent_in_order_and_the_rest_is_passed_over(server: PrivateRedis, client: redis.Redis) -> None:
    seen = Seen()
    with HttpReceiver() as web, notifying(service(server.url), web.url, watcher=seen):
        publish(client, 1, 2)
        client.xadd("events", {"other": "x"})
        publish(client, 3)
        wait_for(lambda: settled(client), "the end")
        assert told(web) == [1, 2, 3]
        wait_for(lambda: set(seen.outcomes) == {"sent"}, "the count")
        wait_for(lambda: seen.waits == {"1": 0}, "the gauge")


def test_what_becomes_of_messages_is_noted_without_secrets(server: PrivateRedis, client: redis.Redis) -> None:
    few = replace(POLICY, attempts=2)
    with HttpReceiver() as web, notifying(service(server.url), web.url, policy=few):
        publish(client, 1, 2)
        wait_for(lambda: settled(client) and client.exists("receiver:1", "sent") == 2, "the first two")
        ids = [entry_id for entry_id, _fields in client.xrange("events")]
        web.status = 403
        publish(client, 3)
        wait_for(lambda: client.xlen("dead") == 1, "the third, given up")
        about = client.hgetall("receiver:1")
        assert (about["name"], about["failures"]) == ("JSON", "2")
        assert "403" in about["failure"]
        assert abs(float(about["failed_at"]) - client.time()[0]) < 10
        web.status = 200
        publish(client, 4)
        wait_for(lambda: client.hkeys("receiver:1") == ["name"], "the fourth")
        ids.append(client.xrevrange("events", count=1)[0][0])
        noted = [fields for _id, fields in client.xrange("sent")]
    assert {one["receiver"] for one in noted} == {"1"}
    assert " ".join(one["entries"] for one in noted).split() == ids
    assert SECRET not in str(about) + str(noted)


@pytest.mark.parametrize("broken", ["sent", "receiver:1"])
def test_a_note_that_cannot_be_made_holds_up_no_message(
    server: PrivateRedis, client: redis.Redis, broken: str, capfd: pytest.CaptureFixture[str]
) -> None:
    client.set(broken, "something else")
    one = service(server.url)
    with HttpReceiver() as web, notifying(one, web.url):
        publish(client, *range(3))
        wait_for(lambda: settled(client), "all three")
        web.status = 500
        publish(client, 3)
        wait_for(lambda: web.attempts > len(web.messages), "an attempt that fails")
        web.status = 200
        wait_for(lambda: settled(client), "the fourth")
        assert told(web) == list(range(4))
        assert one.outage.redis_up
    assert "".join(capfd.readouterr()).count("cannot record the outcome of messages") == 1


def test_each_receiver_gets_all(server: PrivateRedis, client: redis.Redis) -> None:
    with HttpReceiver() as one, HttpReceiver() as two, notifying(service(server.url), one.url, two.url):
        publish(client, *range(50))
        wait_for(lambda: len(told(one)) == len(told(two)) == 50, "all at both")
    assert told(one) == told(two) == list(range(50))


def test_a_receiver_that_fails_or_is_away_delays_and_loses_nothing(server: PrivateRedis, client: redis.Redis) -> None:
    seen = Seen()
    with HttpReceiver() as web, notifying(service(server.url), web.url, watcher=seen):
        web.status = 500
        publish(client, 1)
        wait_for(lambda: web.attempts > 3, "attempts")
        publish(client, 2, 3)
        web.status = 204
        wait_for(lambda: settled(client), "the end")
        assert told(web) == [1, 2, 3]
        assert "failed" in seen.outcomes
    port = free_port()
    with notifying(service(server.url), f"json://127.0.0.1:{port}/", watcher=seen):
        publish(client, 4)
        wait_for(lambda: client.xpending("events", "notify-1")["pending"] == 1, "an attempt")
        with HttpReceiver(port) as late:
            wait_for(lambda: settled(client), "the end")
            assert told(late) == [4]
    assert client.exists("dead") == 0


def test_one_that_hangs_holds_up_nobody_but_itself(server: PrivateRedis, client: redis.Redis) -> None:
    quick = replace(POLICY, send_seconds=0.2)
    with (
        HttpReceiver() as hung,
        HttpReceiver() as well,
        notifying(service(server.url), hung.url, well.url, policy=quick),
    ):
        hung.hang.set()
        publish(client, *range(3))
        wait_for(lambda: told(well) == [0, 1, 2] and hung.attempts > 1, "the other receiver")
        assert hung.messages == []
        hung.hang.clear()
        wait_for(lambda: set(told(hung)) >= {0, 1, 2} and settled(client), "the hung one, at least once")


def test_after_so_many_attempts_it_is_a_dead_letter_with_the_reason(
    server: PrivateRedis, client: redis.Redis, capfd: pytest.CaptureFixture[str]
) -> None:
    seen = Seen()
    few = replace(POLICY, attempts=3)
    with HttpReceiver() as web, notifying(service(server.url), web.url, policy=few, watcher=seen):
        web.status = 400
        publish(client, 7)
        (_id, dead), *more = wait_for(lambda: client.xrange("dead"), "the dead letter")
        assert not more
        wait_for(lambda: settled(client), "the end")
        assert web.attempts == 3
        entry_id = client.xrange("events")[0][0]
        assert dead.items() >= {"n": "7", "receiver": "1", "attempts": "3", "entry_id": entry_id}.items()
        assert "400" in dead["failure"]
        assert SECRET not in str(dead)
        wait_for(lambda: seen.outcomes == ["failed", "failed", "failed", "dead"], "the outcomes")
        web.status = 200
        publish(client, 8)
        wait_for(lambda: told(web) == [8], "the next")
    assert SECRET not in "".join(capfd.readouterr())


def test_attempts_are_counted_over_restarts(server: PrivateRedis, client: redis.Redis) -> None:
    few = replace(POLICY, attempts=3, first_delay=600.0, longest_delay=600.0)
    with HttpReceiver() as web:
        web.status = 500
        for attempt in (1, 2, 3):
            with notifying(service(server.url), web.url, policy=few):
                if attempt == 1:
                    publish(client, 1)
                wait_for(lambda attempt=attempt: web.attempts == attempt, "the attempt")
                if attempt == 3:
                    wait_for(lambda: client.xlen("dead"), "the dead letter")
        assert web.attempts == 3
    assert client.xrange("dead")[0][1]["attempts"] == "3"


def test_what_comes_while_one_has_to_wait_is_sent_together(server: PrivateRedis, client: redis.Redis) -> None:
    with HttpReceiver() as web, notifying(service(server.url), web.url):
        web.status = 500
        publish(client, 0)
        wait_for(lambda: web.attempts, "an attempt")
        publish(client, *range(1, 100))
        web.status = 200
        wait_for(lambda: settled(client), "the end")
        assert told(web) == list(range(100))
        assert len(web.messages) <= 1 + 99 // BATCH + 1


def test_messages_keep_their_distance(server: PrivateRedis, client: redis.Redis) -> None:
    rare = replace(POLICY, spacing=600.0)
    with HttpReceiver() as web, notifying(service(server.url), web.url, policy=rare):
        publish(client, 1)
        wait_for(lambda: told(web) == [1], "the first")
        publish(client, 2)
        wait_for(lambda: client.pttl("lease:1") > 59_900, "a renewal of the lease, while it waits")
        assert told(web) == [1]
        assert not settled(client)


def test_of_two_processes_one_sends_and_the_other_takes_over(server: PrivateRedis, client: redis.Redis) -> None:
    first, second = service(server.url), service(server.url)
    with HttpReceiver() as web:
        with notifying(first, web.url) as one, notifying(second, web.url):
            publish(client, *range(30))
            wait_for(lambda: settled(client), "the end")
            assert sorted(told(web)) == list(range(30))
            one.close()
            publish(client, *range(30, 60))
            wait_for(lambda: settled(client) and len(told(web)) == 60, "the end")
        assert told(web) == list(range(60))
        assert not client.exists("lease:1")


def test_what_a_process_that_died_left_is_sent_once_its_lease_is_over(
    server: PrivateRedis, client: redis.Redis
) -> None:
    publish(client, 1)
    client.xgroup_create("events", "notify-1", "0")
    client.xreadgroup("notify-1", CONSUMER, {"events": ">"})
    client.set("lease:1", "of the dead", px=300)
    with HttpReceiver() as web, notifying(service(server.url), web.url):
        wait_for(lambda: told(web) == [1], "what was pending")


def test_a_group_is_made_for_what_comes_and_again_when_it_is_gone(server: PrivateRedis, client: redis.Redis) -> None:
    client.xadd("events", {"n": "1"}, id="1000-0")  # of long ago
    publish(client, 2)
    with HttpReceiver() as web, notifying(service(server.url), web.url):
        wait_for(lambda: told(web) == [2], "what is new")
        client.delete("events")
        publish(client, 3)
        wait_for(lambda: told(web) == [2, 3], "the new stream")


def test_what_waited_for_more_than_a_day_is_given_up(server: PrivateRedis, client: redis.Redis) -> None:
    yesterday = int(client.time()[0]) - 86_500
    client.xadd("events", {"n": "1"}, id=f"{yesterday}000-0")
    publish(client, 2)
    client.xgroup_create("events", "notify-1", "0")
    with HttpReceiver() as web, notifying(service(server.url), web.url):
        wait_for(lambda: settled(client), "the end")
        assert told(web) == [2]
    ((_id, dead),) = client.xrange("dead")
    assert (dead["n"], dead["failure"]) == ("1", "older than 24 h")


def test_what_was_trimmed_while_it_waited_holds_up_nobody(server: PrivateRedis, client: redis.Redis) -> None:
    with HttpReceiver() as web:
        web.status = 500
        with notifying(service(server.url), web.url):
            publish(client, 1, 2)
            wait_for(lambda: web.attempts, "an attempt")
            client.xtrim("events", maxlen=0, approximate=False)
            publish(client, 3)
            web.status = 200
            wait_for(lambda: settled(client) and 3 in told(web), "the end")


def test_redis_going_away_and_coming_back(client: redis.Redis) -> None:
    with SecuredRedis() as own, HttpReceiver() as web:
        one = Service.create(RedisSettings(redis_url=own.url), "test", None, Lifecycle())
        with notifying(one, web.url):
            with own.client(decode_responses=True) as raw:
                publish(raw, 1)
                wait_for(lambda: settled(raw), "the first")
            own.kill()
            wait_for(lambda: not one.outage.redis_up, "the outage")
            own.start()
            with own.client(decode_responses=True) as raw:
                publish(raw, 2)
                wait_for(lambda: 2 in told(web), "the second")


def test_a_stop_does_not_wait_for_one_that_hangs(server: PrivateRedis, client: redis.Redis) -> None:
    with HttpReceiver() as web:
        web.hang.set()
        with notifying(service(server.url), web.url, policy=replace(POLICY, send_seconds=120)) as notifier:
            publish(client, 1)
            wait_for(lambda: web.attempts, "an attempt")
            notifier.close()
        assert client.xpending("events", "notify-1")["pending"] == 1
