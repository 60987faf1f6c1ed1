"""The answer to `quantum alerts --replay`: what the rules would have said over the past, beside what was said.

Never writes. Text comes as it is in Redis, and must be made printable before a terminal gets it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import redis

from console.queries.alerts.answer import AlertLife, Alerts, ask_alerts
from console.queries.fetch import ask_all, text
from console.queries.json import head
from console.queries.readable import moment
from flows.domain.alerts.check import Terms
from flows.domain.alerts.replay import WARM_UP, Spell, checks, interval_of, replay, spells
from flows.domain.alerts.rules import KINDS, RULES
from flows.domain.alerts.subjects import GROUP, SHIFT, SYMBOL
from flows.domain.windows import minute_of
from sinks.alert_state import KEPT, stream_key
from sinks.values.alerts import Key
from sinks.values.counts import Counts

BOTH, ONLY_REPLAY, ONLY_REAL, UNTOLD = "both", "only_replay", "only_real", "untold"
"""Where a row comes from. UNTOLD: it did fire, and is of a kind that cannot be replayed."""

Changed = Mapping[str, tuple[float, float]]
"""Name of a setting -> its value in the replay, and otherwise."""

MinutesOf = Callable[[range], Iterable[tuple[int, Counts]]]
"""Minutes since the epoch -> each that has counts, and these, oldest first. What it does not read is empty."""


@dataclass(frozen=True, slots=True)
class Fired:
    """An alert that did fire."""

    alert_id: str
    severity: str
    """The worst that was published."""
    since: float | None
    """Epoch seconds; None: the entry that would tell is kept no longer."""
    ended: float | None
    """Likewise; None while it fires."""


@dataclass(frozen=True, slots=True)
class ReplayRow:
    """An alert that would have fired, and what of it did; or one that did and would not have."""

    key: Key
    replay: Spell | None
    real: tuple[Fired, ...]
    """Those about the same, at the same time; oldest first."""

    @property
    def since(self) -> float:
        """When it began, as far as is known: epoch seconds."""
        return self.replay.since if self.replay is not None else (self.real[0].since or 0.0)


@dataclass(frozen=True, slots=True)
class Replay:
    """The whole answer. Times are epoch seconds."""

    now: float
    """By the clock of Redis."""
    begin: float
    end: float
    """Of the first check in the span and of the last; what begins between them, or lasts into it, has a row."""
    interval: float
    """Seconds between checks."""
    checks: int
    counted: int
    """Minutes of the span that have any counts."""
    warm_up: float
    """Seconds before the span at which checks began."""
    rows: tuple[ReplayRow, ...]
    """By when they began."""
    untold: Mapping[str, str]
    """Kind of alert -> why a replay cannot tell of it."""
    warnings: tuple[str, ...]
    """Why what did fire may be more or something else; a printable sentence each."""

    def where(self, row: ReplayRow) -> str:
        """BOTH, ONLY_REPLAY, ONLY_REAL or UNTOLD."""
        if row.replay is not None:
            return BOTH if row.real else ONLY_REPLAY
        return UNTOLD if row.key.kind in self.untold or row.key.kind not in KINDS else ONLY_REAL

    def count(self, *where: str) -> int:
        """How many rows are one of `where`."""
        return sum(self.where(row) in where for row in self.rows)

    @property
    def fired(self) -> int:
        """How many did fire, of the kinds that can be replayed."""
        return len({(one, row.key) for row in self.rows if self.where(row) != UNTOLD for one in row.real})


def ask_replay(
    client: redis.Redis,
    prefix: str,
    now: float,
    length: int,
    kept: int,
    terms: Terms,
    minutes_of: MinutesOf,
    *,
    symbols: bool,
) -> Replay:
    """What would have fired in the `length` seconds before `now` (epoch seconds), at checks by `terms`, and what did.

    Blocks for as long as `minutes_of` takes and a dozen round trips; raises `connectors.errors.RedisFailure`.

    :arg kept: seconds that minutes are surely kept.
    :arg minutes_of: reads minutes: `console.queries.minutes.read_slices`, or whatever knows older ones.
    :arg symbols: whether it reads the decisions of symbols.
    """
    real = ask_alerts(client, prefix, 2 * KEPT)
    interval = interval_of(terms)
    oldest = minute_of(now - kept) + 1
    times = list(checks(now - length, now, interval))
    begin, end = (times[0], times[-1]) if times else (now, now)
    first = max(minute_of(begin - WARM_UP), oldest)
    counted = 0

    def told() -> Iterator[tuple[int, Counts]]:
        nonlocal counted
        for minute, counts in minutes_of(range(first, minute_of(end))):
            counted += minute >= minute_of(begin)
            yield minute, counts

    warm = checks(first * 60, begin - interval / 2, interval)
    found = [one for one in spells(replay(told(), [*warm, *times], terms)) if one.ended is None or one.ended >= begin]
    return Replay(
        now,
        begin,
        end,
        interval,
        len(times),
        counted,
        begin - first * 60,
        _rows(found, _real(real, begin), interval),
        untold(symbols=symbols),
        (*real.warnings, *_forgotten(client, prefix, begin, now)),
    )


def untold(*, symbols: bool) -> dict[str, str]:
    """Kind of alert -> why a replay cannot tell of it. Pure.

    :arg symbols: whether the decisions of symbols are read.
    """
    why = [
        (GROUP, "how far behind P3.5 was at a moment in the past is kept nowhere"),
        (SHIFT, "it looks at the hours of five weeks, of which a replay reads none; quantum trend tells of the last"),
    ]
    if not symbols:
        why.append((SYMBOL, "it looks at the decisions of each symbol, which --symbols reads"))
    return {rule.kind: reason for rule in RULES for subject, reason in why if rule.subject is subject}


def _rows(found: Iterable[Spell], real: Mapping[Key, list[Fired]], interval: float) -> tuple[ReplayRow, ...]:
    """Those that would have fired with those that did; two are the same where they are about the same and overlap.

    A check more or less parts nobody: counts that came late are in the buckets now, and were not then.
    """
    rows, matched = [], set()
    for spell in found:
        same = [one for one in real.get(spell.key, ()) if _overlap(spell, one, interval)]
        matched |= {(spell.key, one) for one in same}
        rows.append(ReplayRow(spell.key, spell, tuple(same)))
    rows += [ReplayRow(key, None, (one,)) for key, fired in real.items() for one in fired if (key, one) not in matched]
    return tuple(sorted(rows, key=lambda row: (row.since, row.key)))


def _overlap(spell: Spell, real: Fired, slack: float) -> bool:
    begun = real.since is None or spell.ended is None or real.since <= spell.ended + slack
    return begun and (real.ended is None or real.ended >= spell.since - slack)


def _real(alerts: Alerts, begin: float) -> dict[Key, list[Fired]]:
    """What did fire, and had not ended before `begin`, oldest first."""
    found: dict[Key, list[Fired]] = {}
    for one in sorted((*alerts.ended, *alerts.firing), key=lambda one: one.since or 0.0):
        if one.ended is None or one.ended >= begin:
            key = Key(one.kind, one.reason, one.window)
            found.setdefault(key, []).append(_fired(one))
    return found


def _fired(one: AlertLife) -> Fired:
    return Fired(one.alert_id, one.severity, one.since, one.ended)


def _forgotten(client: redis.Redis, prefix: str, begin: float, now: float) -> tuple[str, ...]:
    """A sentence, where alerts that were published in the span may be kept no longer."""
    key = stream_key(prefix)
    length, oldest = ask_all(client, [("XLEN", key), ("XRANGE", key, "-", "+", "COUNT", 1)])
    if not oldest or length < KEPT:
        return ()
    kept_since = int(text(oldest[0][0]).partition("-")[0]) / 1000
    if kept_since <= begin:
        return ()
    return (f"what fired before {moment(kept_since, now)} is not known any more: about {KEPT:,} alerts are kept",)


def as_json(answer: Replay, changed: Changed) -> dict[str, Any]:
    """One object, documented in docs/console.md."""
    return {
        **head("alerts replay"),
        "as_of": answer.now,
        "from": answer.begin,
        "to": answer.end,
        "interval_sec": answer.interval,
        "checks": answer.checks,
        "minutes": answer.counted,
        "warnings": list(answer.warnings),
        "set": [{"name": name, "value": value, "otherwise": other} for name, (value, other) in changed.items()],
        "would_have_fired": answer.count(BOTH, ONLY_REPLAY),
        "fired": answer.fired,
        "only_replay": answer.count(ONLY_REPLAY),
        "only_real": answer.count(ONLY_REAL),
        "untold": [{"kind": kind, "why": why} for kind, why in answer.untold.items()],
        "rows": [_row(answer, row) for row in answer.rows],
    }


def _row(answer: Replay, row: ReplayRow) -> dict[str, Any]:
    spell = row.replay
    return {
        **row.key._asdict(),
        "where": answer.where(row),
        "replay": None
        if spell is None
        else {
            "severity": spell.severity,
            "since": spell.since,
            "ended": spell.ended,
            "score": spell.score,
            "total": spell.total,
            "share": spell.share,
        },
        "real": [asdict(one) for one in row.real],
    }
