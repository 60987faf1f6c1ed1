"""What a flow says of its group is looked at where it says it."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.group_config import GroupConfig


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"stream": ""}, "stream of a group must be its name"),
        ({"group": None}, "group of a group must be its name, not None"),
        ({"start": "latest"}, "start of group 'g' must be '0', '$' or an ID such as '5-0', not 'latest'"),
        ({"start": "5-0 "}, "must be '0'"),
        ({"lease_ttl": 0}, "lease_ttl of group 'g' must be 0.1 s or more, not 0"),
        ({"lease_ttl": float("nan")}, "lease_ttl"),
        ({"lease_ttl": float("inf")}, "lease_ttl"),
        ({"stall": -1.0}, "stall of group 'g' must be 0.1 s or more"),
    ],
)
def test_what_redis_would_refuse_for_ever_is_refused_at_once(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match="group") as caught:
        GroupConfig(**({"stream": "s", "group": "g"} | wrong))
    assert said in str(caught.value)


def test_what_redis_takes_is_taken() -> None:
    for start in ("0", "$", "0-0", "1764000000000", "1764000000000-18446744073709551615"):
        assert GroupConfig("s", "g", start=start).start == start


def test_keys_are_those_that_were_named_or_else_lie_beside_the_stream() -> None:
    named = GroupConfig("s", "g", "counters", "lease:")
    assert (named.counters, named.lease_prefix) == ("counters", "lease:")
    own = GroupConfig("{orders}:in", "g")
    assert (own.counters, own.lease_prefix) == ("{orders}:in:group:g", "{orders}:in:group:g:lease:")
