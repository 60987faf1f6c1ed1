"""A source is seen in its group while there is nothing to read, on every version of Redis."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from connectors.commit import commit
from connectors.group_config import GroupConfig
from connectors.private_redis import PrivateRedis
from tests.support.services import CONFIG, DrivenSource, members, part_of, service
from tests.support.waiting import wait_for


@pytest.fixture
def raw(versioned: PrivateRedis) -> Iterator[redis.Redis]:
    with versioned.client() as one:
        one.flushall()
        yield one


def leased(raw: redis.Redis) -> dict[str, bool]:
    """The members of the group, and whether they hold a lease."""
    return {name: bool(raw.exists(f"lease:{name}")) for name in members(raw)}


def alive(*sources: DrivenSource) -> dict[str, bool]:
    """What `members` gives where these live, and nobody else is there."""
    return {name_of(one): True for one in sources}


def name_of(source: DrivenSource) -> str:
    name = source.partition._consumer.name  # type: ignore[attr-defined]
    assert isinstance(name, str)
    return name


def end(source: DrivenSource) -> None:
    source.service.lifecycle.stop("test")
    wait_for(lambda: source.poll() == [] and source.ended, "the end of the source")


def test_it_is_seen_before_anything_was_read_and_gone_when_it_stops(versioned: PrivateRedis, raw: redis.Redis) -> None:
    one, two = (DrivenSource(service(versioned.url), worker) for worker in (1, 2))
    for source in (one, two):
        assert source.drain() == []
    assert leased(raw) == alive(one, two)
    end(one)
    assert leased(raw) == alive(two)
    end(two)
    assert leased(raw) == {}


@pytest.mark.parametrize("loss", ["consumer", "group"])
def test_it_is_seen_again_where_somebody_took_it_out(versioned: PrivateRedis, raw: redis.Redis, loss: str) -> None:
    source = DrivenSource(service(versioned.url), 1, GroupConfig("s", "g", "counters", "lease:", lease_ttl=1.0))
    assert source.drain() == []
    if loss == "consumer":
        raw.xgroup_delconsumer("s", "g", name_of(source))
    else:  # (as another instance does, so that this one never finds it missing)
        with raw.pipeline(transaction=True) as at_once:
            at_once.xgroup_destroy("s", "g")
            at_once.xgroup_create("s", "g", "$")
            at_once.execute()
    wait_for(lambda: source.poll() == [] and leased(raw) == alive(source), "its return")
    end(source)


def test_one_that_came_back_without_a_lease_is_no_member_for_long(versioned: PrivateRedis, raw: redis.Redis) -> None:
    """A process that slept past the end of its lease: it registers again, and the other does not keep it out."""
    config = GroupConfig("s", "g", "counters", "lease:", lease_ttl=1.0)
    sleeper, other = (DrivenSource(service(versioned.url), worker, config) for worker in (1, 2))
    for source in (sleeper, other):
        assert source.drain() == []
    raw.set(f"lease:{name_of(sleeper)}", "another token", px=1)
    wait_for(lambda: other.poll() == [] and leased(raw) == alive(other), "the end of the sleeper")
    assert sleeper.drain() == []
    assert leased(raw) == alive(sleeper, other)
    for source in (sleeper, other):
        end(source)


def test_without_the_right_to_it_reads_all_the_same(
    versioned: PrivateRedis, raw: redis.Redis, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = ("reset", "on", ">pass", "~*", "+@all", "-xgroup", "+xgroup|create", "+xgroup|setid", "+xgroup|delconsumer")
    raw.execute_command("ACL", "SETUSER", "limited", *rules)
    url = versioned.url.replace("//", "//limited:pass@")
    source = DrivenSource(service(url), 1, GroupConfig("s", "g", "counters", "lease:", lease_ttl=1.0))
    for _ in range(3):
        source.partition._look_at = 0.0  # type: ignore[attr-defined]  # (look for the dead, and for itself, each time)
        assert source.drain() == []
    raw.xadd("s", {"n": 1})
    batch = source.batch()
    assert leased(raw) == alive(source), "while it has something in work"
    assert commit(raw, [part_of(batch)]).applied
    assert capsys.readouterr().out.count("the consumer will not be listed before its first entry") == 1
    end(source)


def test_with_no_memory_left_it_goes_on(versioned: PrivateRedis, raw: redis.Redis) -> None:
    source = DrivenSource(service(versioned.url), 1, CONFIG)
    assert source.drain() == []
    raw.xgroup_delconsumer("s", "g", name_of(source))
    raw.xadd("s", {"n": 1})
    raw.config_set("maxmemory", 1)
    try:
        source.partition._look_at = 0.0  # type: ignore[attr-defined]
        batch = source.batch()
    finally:
        raw.config_set("maxmemory", 0)
    assert commit(raw, [part_of(batch)]).applied
    end(source)
