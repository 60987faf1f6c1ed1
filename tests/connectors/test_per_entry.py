"""A function of one entry: what it sees, and what becomes of an entry that it cannot cope with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import redis
from structlog.testing import capture_logs

from connectors.commit import commit
from connectors.delivery import Batch, Delivery, Entry
from connectors.effects import Append, Count, Effect, Put
from connectors.per_entry import Message, each
from connectors.validation import validated
from tests.connectors.conftest import Start

DELIVERY = Delivery("orders", "g", "c", "lease", "token")


@dataclass
class Order:
    n: int


def batch_of(*fields: list[bytes]) -> Batch:
    return Batch(DELIVERY, [Entry(b"%d-0" % number, one) for number, one in enumerate(fields, 1)])


def count(order: Message) -> Iterator[Effect]:
    """Counts an order twice; the second time, it may fail."""
    yield Count("orders", {order["customer"]: 1})
    yield Count("sums", {order["customer"]: int(order["n"])})


def good(number: bytes) -> list[bytes]:
    return [b"customer", b"ann", b"n", number]


def test_an_entry_reads_as_a_mapping_of_text() -> None:
    message = Message("s", Entry(b"1764000000500-7", [b"a", b"1", b"b", b"\xff", b"a", b"2"]))
    assert dict(message) == {"a": "2", "b": "�"}
    assert (message.id, message.stream, message.time) == (b"1764000000500-7", "s", 1764000000.5)
    assert message.raw == [b"a", b"1", b"b", b"\xff", b"a", b"2"]
    assert message.get("missing") is None
    with pytest.raises(KeyError):
        message["missing"]


def test_the_effects_of_all_entries_make_one_part_in_order() -> None:
    part = each(count)(batch_of(good(b"5"), good(b"7")))
    assert part.ids == (b"1-0", b"2-0")
    assert part.effects == (
        Count("orders", {"ann": 1}),
        Count("sums", {"ann": 5}),
        Count("orders", {"ann": 1}),
        Count("sums", {"ann": 7}),
    )


def test_a_function_may_return_one_effect_many_or_none() -> None:
    one = Put("k", {"a": "b"})
    for made, expected in ((one, (one,)), ([one, one], (one, one)), ((), ())):
        assert each(lambda _order, made=made: made)(batch_of(good(b"5"))).effects == expected  # type: ignore[misc]


def test_an_entry_that_cannot_be_processed_is_named_with_its_cause_and_line() -> None:
    with capture_logs() as logs, pytest.raises(ValueError, match="invalid literal"):
        each(count)(batch_of(good(b"5"), good(b"six")))
    (line,) = logs
    assert (line["stream"], line["entry"], line["log_level"]) == ("orders", b"2-0", "error")
    assert line["cause"] == "ValueError: invalid literal for int() with base 10: 'six'"
    assert line["at"].startswith("test_per_entry.py:")
    assert line["at"].endswith(" count")


@pytest.mark.parametrize("made", [None, [None], 5, [Put("k", {"a": "b"}), "k"]])
def test_a_function_that_gives_no_effects_is_named(made: Any) -> None:
    def forgetful(_order: Message) -> Any:
        return made

    line = forgetful.__code__.co_firstlineno
    for function in (forgetful, validated(forgetful, Order)):
        said = r"forgetful gives effects, or \(\) for none, and gave"
        with capture_logs() as logs, pytest.raises(TypeError, match=said):
            each(function)(batch_of(good(b"5")))
        assert logs[0]["at"] == f"test_per_entry.py:{line} forgetful"


def test_with_dead_letters_the_others_are_counted_and_the_bad_one_is_kept_whole(raw: redis.Redis, start: Start) -> None:
    strange = [b"customer", b"ann", b"n", b"six \xff", b"n", b"six \xff", "é".encode(), b""]
    for number in range(300):
        fields = strange if number == 123 else good(b"1")
        raw.execute_command("XADD", "s", "*", *fields)
    source, step = start(max_batch=100), each(count, dead_letters="dead")
    done: list[bytes] = []
    while len(done) < 300:
        with capture_logs() as logs:
            part = step(source.batch())
        assert commit(raw, [part]).applied
        assert len([line for line in logs if line["event"] == "an entry failed for good"]) == (
            any(effect.key == "dead" for effect in part.effects)
        )
        done += part.ids
    # Nothing of what it gave before it failed.
    assert (raw.hget("orders", "ann"), raw.hget("sums", "ann")) == (b"299", b"299")
    assert raw.xpending("s", "g")["pending"] == 0
    ((_id, letter),) = raw.xrange("dead")
    assert (letter[b"stream"], letter[b"id"]) == (b"s", done[123])
    assert letter[b"error"].startswith(b"ValueError: invalid literal for int()")
    assert float(letter[b"failed_at"]) > 0
    assert (letter[b"group"], letter[b"attempts"]) == (b"g", b"1")
    kept = [text.encode("utf-8", "surrogateescape") for text in json.loads(letter[b"fields"])]
    assert kept == strange


@pytest.mark.parametrize("order", [b'{"by": "\\ud83d"}', b'{"by": 7, "why": "\\ud83d"}'])
def test_half_a_surrogate_pair_from_json_is_a_dead_letter_which_can_be_sent(order: bytes) -> None:
    def count_by(entry: Message) -> Count:
        read = json.loads(entry["order"])
        if "why" in read:
            raise ValueError(read["why"])
        return Count("orders", {read["by"]: 1})

    with capture_logs() as logs:
        (made,) = each(count_by, "dead")(batch_of([b"order", order])).effects
    assert isinstance(made, Append)
    assert [text.encode() for text in json.loads(made.fields["fields"])] == [b"order", order]
    assert [value.encode() for value in made.fields.values()]
    assert "ValueError" in str(logs[0]["cause"]).encode().decode()


def test_so_many_dead_letters_are_kept() -> None:
    with capture_logs():
        (letter,) = each(count, "dead", kept=5)(batch_of(good(b"six"))).effects
    assert isinstance(letter, Append)
    assert (letter.key, letter.max_length) == ("dead", 5)
