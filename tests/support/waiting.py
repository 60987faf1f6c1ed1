"""Waiting for a condition instead of sleeping.

The time is for a machine that does ten other things: starting a flow takes it half a minute. Nobody waits longer than
it takes, but for what never comes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")


def wait_for(condition: Callable[[], Value], what: str, seconds: float = 120.0, every: float = 0.02) -> Value:
    """The first true value of `condition`; fails the test with `what` when there is none in time.

    (The start of a flow was seen to take more than 30 s, on a machine with five times as much to do as it has cores.)
    """
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s in vain for {what}; last seen: {value!r}")
        time.sleep(every)
