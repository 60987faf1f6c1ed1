"""Effects and parts that Redis would refuse are refused where they are made."""

from __future__ import annotations

import itertools
import traceback
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from connectors.delivery import Delivery, Part, Read
from connectors.effects import (
    Append,
    Cap,
    Count,
    Delete,
    Fold,
    Merge,
    Mirror,
    Put,
    PutIf,
    PutNewest,
    Raise,
    RaiseId,
    Sum,
)
from connectors.encoding import encode
from connectors.members import Estimate, Include, Top
from connectors.windows import CountSession, CountWindows, Windows, tumbling

WRONG: dict[str, Callable[..., Any]] = {
    "Count 'k': 'a' cannot be counted up by 1.5": lambda: Count("k", {"a": 1.5}),  # type: ignore[dict-item]
    "Count 'k': 'a' cannot be counted up by True": lambda: Count("k", {"a": True}),
    "Count 'k': 'a' cannot be counted up by 9223372036854775808": lambda: Count("k", {"a": 2**63}),
    "Count 'k': b'a' cannot be counted up by 1": lambda: Count("k", {b"a": 1}),  # type: ignore[dict-item]
    "Count needs a key, and '' is none": lambda: Count("", {"a": 1}),
    "Count needs a key, and None is none": lambda: Count(None, {"a": 1}),  # type: ignore[arg-type]
    "Count 'k' cannot have a time to live of 0": lambda: Count("k", {"a": 1}, ttl=0),
    "Cap cannot leave room for 0 fields": lambda: Cap(0),
    "Cap folds by a tuple of Fold values, and got Fold(": lambda: Cap(1, Fold("", "a", "b")),  # type: ignore[arg-type]
    "Cap folds by a tuple of Fold values, and got (None,)": lambda: Cap(1, (None,)),  # type: ignore[arg-type]
    "Fold takes texts, and got ('a', None, 'c')": lambda: Fold("a", None, "c"),  # type: ignore[arg-type]
    "Fold 'a': {symbol} is none of {name}, {head} and {tail}": lambda: Fold("a", "{name}", "a:{symbol}"),
    "Raise 'k': 'a' cannot be raised to 'text'": lambda: Raise("k", {"a": "text"}),
    "Raise 'k': 'a' cannot be raised to 'nan'": lambda: Raise("k", {"a": "nan"}),
    "Raise 'k': 'a' cannot be raised to '1_000'": lambda: Raise("k", {"a": "1_000"}),
    "Raise 'k': 'a' cannot be raised to '٣'": lambda: Raise("k", {"a": "٣"}),
    "Raise 'k': 'a' cannot be raised to 1.5": lambda: Raise("k", {"a": 1.5}),  # type: ignore[dict-item]
    "Raise 'k' cannot leave room for 0 fields": lambda: Raise("k", {"a": "1"}, limit=0),
    "RaiseId 'k': b'5' is no ID of an entry": lambda: RaiseId("k", "f", b"5"),
    "Put 'k' cannot have a time to live of 1.5": lambda: Put("k", {"a": "b"}, ttl=1.5),  # type: ignore[arg-type]
    "Put 'k': field 'a' cannot be 5, it must be text": lambda: Put("k", {"a": 5}),  # type: ignore[dict-item]
    "PutNewest 'k': field 'a' cannot be None": lambda: PutNewest("k", {"a": None}, b"1-0"),  # type: ignore[dict-item]
    "PutNewest 'k': '1-0' is no ID of an entry": lambda: PutNewest("k", {"a": "b"}, "1-0"),  # type: ignore[arg-type]
    "PutNewest 'k': field 'at' holds the ID of the entry": lambda: PutNewest("k", {"at": "b"}, b"1-0"),
    "Sum 'k': 0.1 cannot be added to 'a': a Decimal or an int": lambda: Sum("k", {"a": 0.1}),  # type: ignore[dict-item]
    "Sum 'k': True cannot be added to 'a'": lambda: Sum("k", {"a": True}),
    "Sum 'k': Decimal('NaN') cannot be added": lambda: Sum("k", {"a": Decimal("nan")}),
    "Sum 'k': Decimal('1E+100') cannot be added": lambda: Sum("k", {"a": Decimal("1e100")}),
    "Sum 'k': Decimal('1E-101') cannot be added": lambda: Sum("k", {"a": Decimal("1e-101")}),
    "Sum 'k': Decimal('0E-1000000') cannot be added": lambda: Sum("k", {"a": Decimal("0e-1000000")}),
    "Sum 'k': Decimal('0E+1000000') cannot be added": lambda: Sum("k", {"a": Decimal("0e1000000")}),
    "cannot be added to b'a'": lambda: Sum("k", {b"a": 1}),  # type: ignore[dict-item]
    "PutIf 'k': field 'a' cannot be 5, it must be text": lambda: PutIf("k", "a", "b", 5),  # type: ignore[arg-type]
    "PutIf 'k': field 'a' cannot be 7, it must be text": lambda: PutIf("k", "a", 7, "c"),  # type: ignore[arg-type]
    "Include 'k' takes a collection of members, not 'abc'": lambda: Include("k", "abc"),
    "Include 'k': None cannot be a member": lambda: Include("k", [None]),  # type: ignore[list-item]
    "Include 'k' cannot have a time to live of -1": lambda: Include("k", {"a"}, ttl=-1),
    "Estimate 'k': 5 cannot be a member": lambda: Estimate("k", {5}),  # type: ignore[arg-type]
    "Top 'k': 'a' cannot be counted up by 1.5": lambda: Top("k", {"a": 1.5}),  # type: ignore[dict-item]
    "Top 'k': 'a' cannot be counted up by 9007199254740992": lambda: Top("k", {"a": 2**53}),
    "Top 'k' cannot leave room for 0 members": lambda: Top("k", {"a": 1}, limit=0),
    "CountWindows 'k': -1 is no event time in epoch seconds": lambda: CountWindows("k", -1, 10, (0,), {"a": 1}),
    "CountWindows 'k': nan is no event time": lambda: CountWindows("k", float("nan"), 10, (0,), {"a": 1}),
    "CountWindows 'k': 1700000000000 is no event time": lambda: CountWindows("k", 1700000000000, 10, (0,), {"a": 1}),
    "CountWindows 'k': 'a' cannot be counted up by 1.5": lambda: CountWindows("k", 5, 10, (0,), {"a": 1.5}),  # type: ignore[dict-item]
    "CountSession 'k': a session is of somebody, not of ''": lambda: CountSession("k", "", 5, 10, {"a": 1}),
    "CountSession 'k': 'a' cannot be counted up by None": lambda: CountSession("k", "u", 5, 10, {"a": None}),  # type: ignore[dict-item]
    "CountWindows needs a key, and '' is none": lambda: CountWindows("", 5, 10, (0,), {"a": 1}),
    "Delete needs a key, and '' is none": lambda: Delete(""),
    "Append 'k': an entry has 1 to 3000 fields, not 0": lambda: Append("k", {}),
    "not 3001": lambda: Append("k", {str(number): "v" for number in range(3_001)}),
    "Append 'k': field 'usd' cannot be None": lambda: Append("k", {"usd": None}),  # type: ignore[dict-item]
    "Append 'k' cannot keep -1 entries": lambda: Append("k", {"a": "b"}, -1),
    "Merge 'k' cannot be with 0 fields": lambda: Merge("k", {}, {"a": 1}, 5, json=False),
    "Merge 'k' cannot be with 2000 fields": lambda: Merge("k", dict.fromkeys(map(str, range(2_000))), {}, 5, json=True),
    "Merge 'k' cannot have a time to live of 0": lambda: Merge("k", {"a": 1}, {}, 0, json=False),
    "Merge 'k': field 'a' cannot be Decimal('NaN')": lambda: Merge("k", {"a": Decimal("nan")}, {}, 5, json=False),
    "CountWindows 'k': length is whole seconds, 1 or more, not 0.5": lambda: CountWindows(
        "k",
        1,
        0.5,  # type: ignore[arg-type]
        (0,),
        {},
    ),
    "CountWindows 'k': starts of windows are whole seconds, not (0, 2.5)": lambda: CountWindows(
        "k",
        1,
        5,
        (0, 2.5),  # type: ignore[arg-type]
        {},
    ),
    "CountWindows 'k': starts of windows are whole seconds, not 0": lambda: CountWindows("k", 1, 5, 0, {}),  # type: ignore[arg-type]
    "CountSession 'k': gap is whole seconds, 1 or more, not 0": lambda: CountSession("k", "ann", 1, 0, {}),
    "CountSession 'k': gap is whole seconds, 1 or more, not None": lambda: CountSession("k", "ann", 1, None, {}),  # type: ignore[arg-type]
    "Merge 'k': field 'a' cannot be 0.5": lambda: Merge("k", {"a": 0.5}, {}, 5, json=False),  # type: ignore[dict-item]
}


HALF, BYTE = "\ud83d", "\udcff"
"""Half of a pair that JSON may hold alone, and what stands for a byte that is no UTF-8."""
PAIR = HALF + "\ude00"

UNSENDABLE: dict[str, Callable[[str], Any]] = {
    "Count key": lambda text: Count(text, {"a": 1}),
    "Count field": lambda text: Count("k", {"fine": 1, text: 1}),
    "Mirror key": lambda text: Count("k", {"a": 1}, mirror=Mirror(text)),
    "Cap overflow key": lambda text: Count("k", {"a": 1}, cap=Cap(1, (), (text, "a"))),
    "Cap overflow field": lambda text: Count("k", {"a": 1}, cap=Cap(1, (), ("over", text))),
    "Fold prefix": lambda text: Count("k", {"a": 1}, cap=Cap(1, (Fold(text, "a", "b"),))),
    "Fold first": lambda text: Count("k", {"a": 1}, cap=Cap(1, (Fold("a", text, "b"),))),
    "Sum field": lambda text: Sum("k", {"fine": 1, text: 1}),
    "Raise field": lambda text: Raise("k", {"fine": "1", text: "1"}),
    "Raise dropped key": lambda text: Raise("k", {"a": "1"}, dropped=(text, "a")),
    "Raise dropped field": lambda text: Raise("k", {"a": "1"}, dropped=("over", text)),
    "RaiseId field": lambda text: RaiseId("k", text, b"1-0"),
    "Put field": lambda text: Put("k", {"fine": "v", text: "v"}),
    "Put value": lambda text: Put("k", {"fine": "v", "f": text}),
    "PutNewest value": lambda text: PutNewest("k", {"f": text}, b"1-0"),
    "PutNewest field of the ID": lambda text: PutNewest("k", {"f": "v"}, b"1-0", field=text),
    "PutIf field": lambda text: PutIf("k", text, "a", "b"),
    "PutIf expected": lambda text: PutIf("k", "f", text, "b"),
    "PutIf value": lambda text: PutIf("k", "f", "a", text),
    "PutIf missed key": lambda text: PutIf("k", "f", "a", "b", missed=(text, "a")),
    "PutIf missed field": lambda text: PutIf("k", "f", "a", "b", missed=("over", text)),
    "Append field": lambda text: Append("k", {text: "v"}),
    "Append value": lambda text: Append("k", {"f": text}),
    "Merge field": lambda text: Merge("k", {text: 1}, {}, 5, json=True),
    "Merge value": lambda text: Merge("k", {"f": text}, {}, 5, json=True),
    "Merge field beside": lambda text: Merge("k", {"f": 1}, {text: 1}, 5, json=True),
    "Merge value beside": lambda text: Merge("k", {"f": 1}, {"g": text}, 5, json=True),
    "Include member": lambda text: Include("k", ["fine", text]),
    "Estimate member": lambda text: Estimate("k", {text}),
    "Top member": lambda text: Top("k", {"fine": 1, text: 1}),
    "Delete key": lambda text: Delete(text),
    "CountWindows name": lambda text: CountWindows("k", 5, 10, (0,), {"fine": 1, text: 1}),
    "CountSession name": lambda text: CountSession("k", "ann", 5, 10, {text: 1}),
    "CountSession of": lambda text: CountSession("k", text, 5, 10, {"a": 1}),
    "Windows key": lambda text: Windows(text, tumbling(10)),
    "Windows into": lambda text: Windows("k", tumbling(10), into=text),
}
MAY_BE_BYTES = {"CountSession of"} | {what for what in UNSENDABLE if "Merge" in what or what.endswith("key")} - {
    "Windows key"
}


@pytest.mark.parametrize("what", UNSENDABLE)
def test_text_that_cannot_be_sent_is_refused_where_it_is_made(what: str) -> None:
    """It comes from JSON in an entry: the sink would fail at it again and again, with all that was read beside it."""
    make = UNSENDABLE[what]
    for text in (HALF, f"a{HALF}b", PAIR, *(() if what in MAY_BE_BYTES else (BYTE,))):
        with pytest.raises(ValueError, match=what.partition(" ")[0]) as caught:
            make(text)
        assert not isinstance(caught.value, UnicodeError)
        assert f"{text!r} is no text that UTF-8 can hold" in str(caught.value)
        str(caught.value).encode()
    for text in ("é😀", *((BYTE,) if what in MAY_BE_BYTES else ())):
        made = make(text)
        if not isinstance(made, Windows):
            delivery = DELIVERY._replace(reads=(Read("c", 1),))
            for argument in itertools.chain(*encode([Part(delivery, (b"1-0",), (made,))])):
                if isinstance(argument, str):
                    argument.encode()


@pytest.mark.parametrize("said", WRONG)
def test_what_redis_would_refuse_halfway_or_for_ever_is_refused_where_it_is_made(said: str) -> None:
    with pytest.raises(
        ValueError, match=r"Count|Cap|Fold|Raise|Put|Append|Merge|Sum|Include|Estimate|Top|Delete"
    ) as caught:
        WRONG[said]()
    assert said in str(caught.value)
    # The line that made it is in the traceback.
    assert any(frame.filename == __file__ and frame.name == "<lambda>" for frame in traceback.extract_tb(caught.tb))


DELIVERY = Delivery("s", "g", "c", "lease", "token")


@pytest.mark.parametrize(
    ("ids", "effects", "said"),
    [
        ((), (), "a part names the entries"),
        ([b"1-0"], (), "a part names the entries"),
        (("1-0",), (), "a part names the entries"),
        ((b"1-0",), [], "effects of a part are a tuple"),
        ((b"1-0",), (None,), "effects of a part are a tuple"),
        ((b"1-0",), Count("k", {"a": 1}), "effects of a part are a tuple"),
    ],
)
def test_a_part_that_cannot_be_committed_is_refused_where_it_is_made(ids: Any, effects: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Part(DELIVERY, ids, effects)
