"""What Redis knows of a consumer group, to whoever is no member."""

from __future__ import annotations

import pytest
import redis

from connectors.errors import WrongType
from connectors.group_info import read_state
from connectors.group_state import GroupState
from tests.support.services import add


def test_there_is_none_without_a_stream_or_a_group(raw: redis.Redis) -> None:
    assert read_state(raw, "s", "g") is None
    add(raw, 1)
    assert read_state(raw, "s", "g") is None


def test_it_tells_what_is_pending_what_is_unread_and_who_is_there(raw: redis.Redis) -> None:
    add(raw, 10)
    raw.xgroup_create("s", "g", "0")
    raw.xgroup_create("s", "other", "0")
    assert read_state(raw, "s", "g") == GroupState(0, 10, 0)
    raw.xreadgroup("g", "one", {"s": ">"}, count=4)
    raw.xreadgroup("g", "two", {"s": ">"}, count=1)
    assert read_state(raw, "s", "g") == GroupState(5, 5, 2)


def test_a_key_of_another_type_is_named(raw: redis.Redis) -> None:
    raw.set("s", "text")
    with pytest.raises(WrongType, match="s is a string and must be a stream"):
        read_state(raw, "s", "g")
