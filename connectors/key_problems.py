"""Telling a person what is wrong with which key: once when it begins, once when it has ended, never at each look."""

from __future__ import annotations

from collections.abc import Container, Mapping

import structlog

from connectors.text import one_line

_log = structlog.get_logger("keys")

_NAMED = 5
"""Keys that a line names; of the rest it says how many there are."""

_MOST = 10_000
"""Keys that are remembered: made-up keys must not fill our memory."""


class KeyProblems:
    """What is wrong now, by key. Not thread-safe.

    :arg about: what the keys are, for the log.
    """

    def __init__(self, about: str) -> None:
        self._about = about
        self._known: dict[str, str] = {}

    def report(self, wrong: Mapping[str, str], among: Container[str] | None = None) -> None:
        """Take note of what is `wrong` (key -> why, one line) and log what is new, and what is well again.

        :arg among: the keys that were looked at, the wrong ones among them; None: all that there are.
        """
        fresh = {key: why for key, why in wrong.items() if self._known.get(key) != why}
        ended = [key for key in self._known if key not in wrong and (among is None or key in among)]
        for key in ended:
            del self._known[key]
        for key, why in fresh.items():
            if key in self._known or len(self._known) < _MOST:
                self._known[key] = why
            else:
                fresh = {known: reason for known, reason in fresh.items() if known in self._known}
                break
        if fresh:
            shown = "; ".join(f"{one_line(key, 60)}: {why}" for key, why in list(fresh.items())[:_NAMED])
            _log.warning("skipping unusable keys", table=self._about, count=len(fresh), which=shown)
        if ended:
            shown = ", ".join(one_line(key, 60) for key in ended[:_NAMED])
            _log.info("keys are usable again, or gone", table=self._about, count=len(ended), which=shown)
