"""A full window that stands still is noticed once; one that moves is not."""

from __future__ import annotations

from connectors.standstill import LOOKS, SECONDS, Standstill


def test_it_is_said_once_when_nothing_has_moved_for_a_while() -> None:
    one = Standstill()
    said = [one.look(100, 1000.0 + look * SECONDS / LOOKS) for look in range(3 * LOOKS)]
    assert said.count(True) == 1
    assert said.index(True) == LOOKS


def test_whatever_moves_begins_it_anew() -> None:
    one = Standstill()
    assert not any(one.look(100 - look // (LOOKS // 2), look * SECONDS / LOOKS) for look in range(5 * LOOKS))
    again = [one.look(7, 10 * SECONDS + look * SECONDS / LOOKS) for look in range(2 * LOOKS)]
    assert again.count(True) == 1


def test_a_step_that_takes_long_is_no_standstill() -> None:
    one = Standstill()
    assert not any(one.look(100, look * 10 * SECONDS) for look in range(LOOKS))
    assert one.look(100, 10_000 * SECONDS)
