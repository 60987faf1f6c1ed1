"""The audit: recount the stream, read the buckets between two steps of the recount, and compare.

Minutes in which something was counted in between are read again, until each was quiet once.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import redis

from console.audit.bounds import (
    AT_LEAST,
    EXACT,
    EXPIRED,
    MOVING,
    Bounds,
    Difference,
    Found,
    compare,
    compare_sum,
    compare_total,
    decisions_of,
    without_symbols,
)
from console.audit.buckets import BucketReader, Progress, number
from console.audit.recount import Recount, Retained, ask
from console.audit.taken_back import Expected, expected
from flows.settings.p35 import P35Settings
from sinks import decisions, p35_status
from sinks.buckets import bucket_counts, bucket_key
from sinks.times import minute_name

LOOKS = 50
"""Most reads of a minute in which something is counted every time."""

_PAUSE = 0.05
"""Seconds between two reads."""


@dataclass(frozen=True)
class AuditResult:
    """What an audit found."""

    messages: int
    """Entries that were recounted."""
    states: dict[str, list[int]]
    """Exact, at least, expired or moving (see `console.audit.bounds`) -> minutes since the epoch."""
    differences: list[Difference]
    whole: bool
    """Whether the stream holds everything that was ever counted."""
    pending: int
    unread: int | None
    """None: this Redis does not know."""
    processed: int | str | None


@dataclass
class Audit:
    """One audit of what `settings` name.

    :arg since: minutes since the epoch: entries of earlier minutes may be gone even if Redis knows of none.
    """

    client: redis.Redis
    settings: P35Settings
    since: int | None = None
    progress: Progress = lambda _what, _done, _total: None
    _verdicts: dict[int, tuple[str, list[Difference]]] = field(default_factory=dict)
    _sum: list[Difference] = field(default_factory=list)
    _total: list[Difference] = field(default_factory=list)
    _total_settled: bool = False
    _processed: int | str | None = None
    _whole_from: tuple[int, int] | None = None
    """The first entry of the stream when all that was ever counted was there."""

    def __post_init__(self) -> None:
        prefix = self.settings.key_prefix
        self._recount = Recount(
            self.client, decisions.stream_key(prefix), decisions.GROUP, self.settings.max_future_skew_sec
        )
        self._buckets = BucketReader(self.client, prefix, self.progress)

    def run(self) -> AuditResult:
        """Blocks for as long as reading the stream takes: a second for 100,000 entries or so.

        :raises RedisFailure: see `Recount.advance`; or a bucket is no hash.
        """
        self._read_stream()
        self._recount.advance()
        self._look_for_whole()
        minutes = {*self._recount.minutes, *self._buckets.minutes()}
        whole = self._look(sorted(minutes))
        for _ in range(LOOKS):
            moving = [minute for minute, (state, _found) in self._verdicts.items() if state == MOVING]
            if not moving and self._total_settled:
                break
            time.sleep(_PAUSE)
            self._recount.advance()
            whole = self._look(moving)
        states: dict[str, list[int]] = {EXACT: [], AT_LEAST: [], EXPIRED: [], MOVING: []}
        differences = [*self._total, *self._sum]
        for minute, (state, found) in sorted(self._verdicts.items()):
            states[state].append(minute)
            differences += found
        recount = self._recount
        return AuditResult(recount.total, states, differences, whole, recount.pending, recount.unread, self._processed)

    def _read_stream(self) -> None:
        done, expected = 0, int(ask(lambda: self.client.xlen(self._recount.stream)))

        def on_page(count: int) -> None:
            nonlocal done
            done += count
            self.progress("stream", done, max(done, expected))

        self._recount.advance(on_page)

    def _look(self, minutes: list[int]) -> bool:
        """Judge `minutes` again; whether the stream was whole."""
        prefix = self.settings.key_prefix
        found, taken_back = self._buckets.read(minutes)
        self._processed = self._read_processed()
        if not self._verdicts:
            total = sum(map(decisions_of, found.values()))
            self._sum = compare_sum(bucket_key(prefix, 0).replace(minute_name(0), "*"), total, self._processed)
        now = ask(self.client.time)[0]
        step, retained = self._recount.advance()
        whole = self._is_whole(retained)
        wanted = expected(self._recount, step, taken_back)
        for minute in minutes:
            if minute in self._recount.minutes and not wanted.after.get(minute) and not found[minute]:
                self._verdicts.pop(minute, None)  # all that was in it was taken back, and with it the bucket
            else:
                self._verdicts[minute] = self._judge(minute, found[minute], wanted, retained, whole, now)
        most = self._recount.total if whole else None
        self._total = compare_total(p35_status.key(prefix), self._processed, step.total, most)
        self._total_settled = most is None or most == step.total
        return whole

    def _judge(
        self, minute: int, found: Found, wanted: Expected, retained: Retained, whole: bool, now: int
    ) -> tuple[str, list[Difference]]:
        symbols, settings = self.settings.enable_symbol_breakdown, self.settings
        counts = wanted.after.get(minute, {})
        after = bucket_counts(counts, symbols)
        before = bucket_counts(wanted.before.get(minute, {}), symbols)
        covered = whole or (
            (self.since is None or minute >= self.since)
            and (retained.whole or minute * 60 > retained.gone_seconds + settings.max_future_skew_sec)
        )
        if not found and not counts:  # it has expired since the scan
            return EXPIRED, []
        bounds, state = Bounds(before, after if covered else None), EXACT if covered else AT_LEAST
        shown = found if symbols else without_symbols(found)
        if wanted.oldest.get(minute, now * 1000) <= (now - settings.bucket_ttl_sec) * 1000 and shown != after:
            bounds, state = Bounds({}, bounds.most), EXPIRED
        elif covered and before != after:
            state = MOVING
        return state, compare(bucket_key(settings.key_prefix, minute), minute_name(minute), shown, bounds)

    def _look_for_whole(self) -> None:
        """Nothing was removed if all that was counted is there: for a Redis that does not record it."""
        for _ in range(LOOKS):
            processed = self._read_processed()
            step, retained = self._recount.advance()
            if retained.whole is not None:
                return
            if processed == step.total:
                self._whole_from = retained.first
                return
            if isinstance(processed, int) and processed > self._recount.total:
                return

    def _is_whole(self, retained: Retained) -> bool:
        if self.since is not None:
            return False
        return self._whole_from == retained.first if retained.whole is None else retained.whole

    def _read_processed(self) -> int | str | None:
        value = ask(lambda: self.client.hget(p35_status.key(self.settings.key_prefix), "processed_total"))
        return None if value is None else number(value)
