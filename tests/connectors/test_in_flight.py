"""Calls that are due: each thread finishes its own, in order, and puts them off once at most."""

from __future__ import annotations

import threading

from connectors.in_flight import MOST_PUT_OFF, CommitsInFlight


def test_each_thread_finishes_its_own_and_once() -> None:
    in_flight, calls = CommitsInFlight(), []
    in_flight.add(lambda: calls.append("first"))
    in_flight.add(lambda: calls.append("second"))
    other = threading.Thread(target=in_flight.finish)
    other.start()
    other.join()
    assert calls == []
    in_flight.finish()
    in_flight.finish()
    assert calls == ["first", "second"]


def test_nothing_is_put_off_for_ever() -> None:
    in_flight, calls = CommitsInFlight(), []
    for name in ("first", "second"):
        in_flight.add(lambda name=name: calls.append(name))
        in_flight.put_off()
    for _ in range(MOST_PUT_OFF - 1):
        in_flight.put_off()
    assert calls == []
    in_flight.put_off()
    assert calls == ["first", "second"]
