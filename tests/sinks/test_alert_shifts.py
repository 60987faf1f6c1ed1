"""The hours that shifts are judged by, and what is kept of them."""

from __future__ import annotations

import pytest
import redis

from connectors.private_redis import PrivateRedis
from sinks import alerts
from sinks.alert_shifts import SETTLED, HourReader, ShiftWriter, decode, encode
from sinks.values.alerts import HoursRead, Shift, Shifts
from tests.support.rollups import HOUR, plant

END = 1_769_929_200
"""2026-02-01 07:00 UTC."""
NOW = END + SETTLED
SHIFTS = Shifts(
    END // HOUR, 2_400, 4, {"gate \x1b:ü": Shift(600, 0.25, 0.12, 1e-9, rose=True), "": Shift(1, 0, 0, 1, rose=False)}
)
KEY = "quantum:p35:alerts:shifts"


@pytest.fixture
def raw(server: PrivateRedis, client: redis.Redis) -> redis.Redis:
    """An empty Redis whose replies are bytes, as the flow sees them."""
    return server.client()


def reader(*, go_on: bool = True) -> HourReader:
    """Of thirty hours, in two packets."""
    return HourReader("quantum", lambda end: range(end - 30, end), lambda: go_on)


def hours(raw: redis.Redis, *ago: int) -> None:
    for one in ago:
        plant(raw, END - one * HOUR, {"SKIP": 10}, {"gate": 4}, pairs={("S", "gate"): 4})


def known(read: HoursRead | None) -> list[int]:
    assert read is not None
    return [END // HOUR - start // 60 for start in sorted(read.hours, reverse=True)]


def test_what_is_kept_is_read_by_each_check(raw: redis.Redis) -> None:
    assert alerts.read(raw, "quantum").shifts is None
    ShiftWriter("quantum")(raw, SHIFTS)
    assert alerts.read(raw, "quantum").shifts == SHIFTS
    assert 86_000 < int(raw.ttl(KEY)) <= 86_400  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text", [None, b"", b"[]", b"1", b"{", b'{"end": 1e999}', b"\xff", encode(SHIFTS)[:-3].encode()]
)
def test_what_cannot_be_read_is_as_if_it_were_not_there(text: bytes | None) -> None:
    assert decode(text) is None
    assert decode(encode(SHIFTS).encode()) == SHIFTS


def test_an_hour_is_read_once_it_is_over_and_there_and_only_until_it_is_judged(raw: redis.Redis) -> None:
    one = reader()
    assert one(raw, NOW) is None, "nothing is there: flows.history does not run"
    hours(raw, 2, 30, 31)
    assert one(raw, NOW) is None, "the last hour is not there yet"
    early = one(raw, NOW - 1)
    assert (early and early.end, known(early)) == (END // HOUR - 1, [2, 30, 31])
    hours(raw, 1)
    found = one(raw, NOW)
    assert (found and found.end, known(found)) == (END // HOUR, [1, 2, 30])
    assert found is not None
    counted = found.hours[END // 60 - 60]
    assert (counted.decisions, counted.gates, counted.symbol_gates) == ({"SKIP": 10}, {"gate": 4, "none": 6}, {})
    assert one(raw, NOW + 1) is None, "it was read just now, and is about to be written"
    assert known(reader()(raw, NOW + 1)) == [1, 2, 30], "another process does not know that"
    ShiftWriter("quantum")(raw, SHIFTS)
    assert reader()(raw, NOW + HOUR - 1) is None, "it is judged"


def test_who_is_about_to_stop_reads_no_further(raw: redis.Redis) -> None:
    hours(raw, 1, 2)
    assert reader(go_on=False)(raw, NOW) is None
    assert known(reader()(raw, NOW)) == [1, 2]


def test_a_key_of_another_type_and_a_right_that_is_missing_cost_nothing_else(
    raw: redis.Redis, server: PrivateRedis
) -> None:
    hours(raw, 1, 2)
    raw.set("quantum:p35:hour:2026020104", "of another type")
    assert known(reader()(raw, NOW)) == [1, 2]
    raw.execute_command(
        "ACL", "SETUSER", "former", "on", "nopass", "~quantum:p35:alerts*", "+get", "+time", "+@connection"
    )
    with server.client(username="former", password="any") as former:
        assert reader()(former, NOW) is None
        ShiftWriter("quantum")(former, SHIFTS)
    assert raw.get(KEY) is None
    raw.execute_command("ACL", "DELUSER", "former")
