"""How far consumer groups have come, for whoever looks at them."""

from __future__ import annotations

from typing import Any

import pytest
import redis

from connectors import GroupConfig
from connectors.progress import Place, are_done, ask, read_places

GROUPS = [GroupConfig("a", "g"), GroupConfig("b", "g")]


@pytest.mark.parametrize(
    ("read", "last", "pending", "lacking"),
    [
        (b"5-0", b"9-0", None, {b"6-0", b"9-0", b"10-0"}),
        (b"9-0", b"9-0", None, set()),
        (b"9-0", b"9-0", b"6-0", {b"6-0", b"9-0", b"10-0"}),
        (b"9-0", b"2-0", None, set()),  # (what was read last is deleted)
        (b"5-0", b"2-0", None, set()),
        (b"10-0", b"10-0", b"10-0", {b"10-0"}),
    ],
)
def test_what_is_not_committed(read: bytes, last: bytes, pending: bytes | None, lacking: set[bytes]) -> None:
    place = Place(("a", "g"), read, last, pending)
    assert {one for one in (b"5-0", b"6-0", b"9-0", b"10-0") if place.lacks(one)} == lacking
    assert not place.lacks(None)


def test_places_are_those_of_redis(raw: redis.Redis) -> None:
    assert read_places(raw, GROUPS) == [None, None]
    for group in GROUPS:
        raw.xgroup_create(group.stream, "g", "0", mkstream=True)
    first, second = raw.xadd("a", {"n": 1}), raw.xadd("a", {"n": 2})
    raw.xreadgroup("g", "me", {"a": ">"}, count=1)
    places = read_places(raw, GROUPS)
    assert places == [Place(("a", "g"), first, second, first), Place(("b", "g"), b"0-0", b"0-0", None)]
    assert not are_done(places)
    assert are_done(places, {("a", "g"): b"1-0"})
    raw.xack("a", "g", first)
    assert are_done(read_places(raw, GROUPS), {("a", "g"): first})
    assert not are_done([*places[1:], None])


def test_another_type_in_the_way_is_an_error(raw: redis.Redis) -> None:
    raw.set("a", "text")
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        read_places(raw, GROUPS)


def test_what_is_read_between_two_looks_is_not_taken_for_committed(raw: redis.Redis) -> None:
    """Guards the order of the looks: all that a group does may come between them."""
    raw.xgroup_create("a", "g", "0", mkstream=True)
    entry = raw.xadd("a", {"n": 1})

    class Slow:
        """Looks one by one, and in between an entry is read."""

        def __init__(self) -> None:
            self.replies: list[Any] = []

        def __getattr__(self, command: str) -> Any:
            def look(*args: Any, **more: Any) -> None:
                self.replies.append(getattr(raw, command)(*args, **more))
                raw.xreadgroup("g", "me", {"a": ">"})

            return look

    slow = Slow()
    ask(slow, GROUPS[0])
    place = Place.of(GROUPS[0], slow.replies)
    assert place is not None
    assert place.lacks(entry)
