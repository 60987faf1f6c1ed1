"""What a rebuild writes instead of what the flow does."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.crc import key_slot

from connectors import (
    Append,
    Cap,
    Count,
    Delete,
    Effect,
    Estimate,
    Fold,
    Include,
    Merge,
    Mirror,
    Put,
    PutIf,
    PutNewest,
    Raise,
    RaiseId,
    Sum,
    Top,
    Windows,
    session,
    tumbling,
)
from connectors.delivery import Delivery, Part, Read
from connectors.encoding import encode
from connectors.errors import CannotRebuild
from connectors.group_config import GroupConfig
from connectors.shadow import shadow_group, shadow_of, shadow_part
from connectors.testing import message

DELIVERY = Delivery("s", "g:rebuild", "c", "lease", "token", "counters:rebuild", reads=(Read("c:0", 1, b"1-0"),))
NOTES = "counters:rebuild:keys"


FOLDS = (Fold("", "o", "o"),)
CAP = Cap(5, FOLDS, ("over", "n"))
CASES: list[tuple[Effect, Effect, dict[str, int], dict[str, str]]] = [
    (Count("k", {"f": 2}), Count("k:rebuild", {"f": 2}), {"k": 0}, {}),
    (
        Count("k", {"f": 2}, 9, CAP, Mirror("m", 7)),
        Count("k:rebuild", {"f": 2}, None, Cap(5, FOLDS, ("over:rebuild", "n")), Mirror("m:rebuild")),
        {"over": 0},
        {"k": "9", "m": "7"},
    ),
    (Count("k", {"f": 2}, None, Cap(5, FOLDS)), Count("k:rebuild", {"f": 2}, None, Cap(5, FOLDS)), {"k": 0}, {}),
    (Sum("k", {"f": Decimal("0.10")}, 9), Sum("k:rebuild", {"f": Decimal("0.10")}), {}, {"k": "9"}),
    (
        Raise("k", {"f": "2"}, 9, 5, ("d", "n")),
        Raise("k:rebuild", {"f": "2"}, None, 5, ("d:rebuild", "n")),
        {"d": 0},
        {"k": "9"},
    ),
    (RaiseId("k", "f", b"1-0"), RaiseId("k:rebuild", "f", b"1-0"), {"k": 0}, {}),
    (Put("k", {"f": "v"}, 9), Put("k:rebuild", {"f": "v"}), {}, {"k": "9"}),
    (PutNewest("k", {"f": "v"}, b"1-0", 9, "i"), PutNewest("k:rebuild", {"f": "v"}, b"1-0", None, "i"), {}, {"k": "9"}),
    (
        PutIf("k", "f", None, "v", 9, ("m", "n")),
        PutIf("k:rebuild", "f", None, "v", None, ("m:rebuild", "n")),
        {"m": 0},
        {"k": "9"},
    ),
    (Include("k", ["a"], 9), Include("k:rebuild", ["a"]), {}, {"k": "9"}),
    (Estimate("k", ["a"]), Estimate("k:rebuild", ["a"]), {"k": 0}, {}),
    (Top("k", {"a": 1}, 5, 9), Top("k:rebuild", {"a": 1}, 5), {}, {"k": "9"}),
    (Delete("k"), Delete("k:rebuild"), {}, {"k": "0"}),
    (
        Append("dead", {"group": "g:rebuild", "id": "1-0"}, 9),
        Append("dead:rebuild", {"group": "g", "id": "1-0"}, 9),
        {},
        {},
    ),
]
REFUSED: list[Any] = [
    Append("k", {"f": "v"}),
    Merge("k", {"f": 1}, {}, 9, json=False),
    Windows("k", tumbling(10)).count(message({}), {"a": 1}),
    Windows("k", session(10)).count(message({}), {"a": 1}, of="ann"),
]


def shadow(*effects: Effect) -> Part:
    return shadow_part(Part(DELIVERY, (b"1-0",), effects, "note"), frozenset(["dead"]))


def noted(unsaid: dict[str, int], said: dict[str, str]) -> list[Effect]:
    return [*([Count(NOTES, unsaid)] if unsaid else []), *([Put(NOTES, said)] if said else [])]


@pytest.mark.parametrize(("effect", "expected", "unsaid", "said"), CASES, ids=[repr(case[0]) for case in CASES])
def test_each_effect_writes_a_shadow_that_does_not_expire_and_notes_it(
    effect: Effect, expected: Effect, unsaid: dict[str, int], said: dict[str, str]
) -> None:
    part = shadow(effect)
    assert list(part.effects) == [expected, *noted(unsaid, said)]
    assert (part.ids, part.delivery, part.note) == ((b"1-0",), DELIVERY, "note")
    keys, _args = encode([part])
    assert all(str(key).endswith(":rebuild") for key in keys if key not in ("s", "lease", NOTES))


def test_no_effect_is_forgotten() -> None:
    assert {type(case[0]) for case in CASES} | {type(one) for one in REFUSED} == set(Effect.__args__)


@pytest.mark.parametrize("effect", REFUSED, ids=lambda one: type(one).__name__)
def test_what_can_be_done_once_is_refused(effect: Effect) -> None:
    with pytest.raises(CannotRebuild, match=f"^{type(effect).__name__} 'k' cannot be rebuilt: "):
        shadow(effect)


def test_the_last_time_to_live_counts_and_none_leaves_the_one_before() -> None:
    part = shadow(Put("a", {}, 5), Put("a", {}, 6), Put("a", {}), Put("b", {}), Put("c", {}, 5), Delete("c"))
    assert list(part.effects)[6:] == [Count(NOTES, {"b": 0}), Put(NOTES, {"a": "6", "c": "0"})]


def test_the_group_has_keys_of_its_own() -> None:
    assert shadow_group(GroupConfig("s", "g", lease_ttl=5)) == GroupConfig("s", "g:rebuild", lease_ttl=5)
    own = shadow_group(GroupConfig("s", "g", "counters", "lease:", start="5-0"))
    assert own == GroupConfig("s", "g:rebuild", "counters:rebuild", start="5-0")


@given(st.text(), st.text(min_size=1), st.text())
def test_a_shadow_lies_in_the_slot_of_its_hash_tag(before: str, tag: str, behind: str) -> None:
    key = f"{before.replace('{', '')}{{{tag.replace('}', '-')}}}{behind}"
    assert key_slot(shadow_of(key).encode()) == key_slot(key.encode())
