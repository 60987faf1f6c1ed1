"""What would have fired beside what did: which are the same, what is known of them, and where it ends."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import pytest
import redis

from connectors.private_redis import PrivateRedis
from console.cli.replay_text import as_text
from console.queries.alerts.replay import Replay, ask_replay
from console.queries.minutes import read_slices
from flows.domain.alerts.check import Terms
from sinks.alert_state import KEPT
from sinks.values.counts import Counts

MINUTE = 29_498_820
NOW = MINUTE * 60 + 30.0
HOUR, KEPT_SEC = 3_600, 172_800


@pytest.fixture
def raw(server: PrivateRedis, client: redis.Redis) -> Iterator[redis.Redis]:
    """Replies are bytes, as the console has them; and `flows.alerts` has only just looked."""
    client.hset("quantum:p35:alerts:state", "checked_at", client.time()[0])
    with server.client() as one:
        yield one


def blocked(*ago: int) -> dict[int, Counts]:
    """`gate` stops 70 of 100 decisions in each of the minutes so long ago."""
    counts = Counts({"EXECUTE": 60, "SKIP": 40}, {"gate": 70, "none": 30})
    return {MINUTE - minutes: counts for minutes in ago}


def publish(raw: redis.Redis, since: float | None, ended: float, kind: str = "gate_explosion") -> None:
    """An alert about `gate` that fired from so many minutes ago to so many; None: nobody knows any more since when."""
    one = {"alert_id": f"{kind} {since} {ended}", "kind": kind, "reason": "gate", "window": "5m", "severity": "HIGH"}
    for ago, state in ((since, "firing"), (ended, "resolved")):
        if ago is not None:
            raw.xadd("quantum:p35:alerts", {**one, "state": state, "timestamp": int((MINUTE - ago) * 60)})


def asked(raw: redis.Redis, minutes: dict[int, Counts], length: int = HOUR, kept: int = KEPT_SEC) -> Replay:
    """A replay of minutes that lie in no bucket: where they come from is the caller's affair."""

    def minutes_of(wanted: range) -> Iterable[tuple[int, Counts]]:
        return [(minute, minutes[minute]) for minute in wanted if minute in minutes]

    return ask_replay(raw, "quantum", NOW, length, kept, Terms(), minutes_of, symbols=False)


def rows(found: Replay) -> list[tuple[str, float | None, list[float | None]]]:
    """Where each row comes from, and since how many minutes ago it and the real ones of it fired."""

    def ago(seconds: float | None) -> float | None:
        return None if seconds is None else MINUTE - seconds / 60

    return [
        (found.where(row), ago(row.replay.since) if row.replay else None, [ago(one.since) for one in row.real])
        for row in found.rows
    ]


def test_alerts_are_the_same_where_they_overlap_or_a_check_parts_them(raw: redis.Redis) -> None:
    # Minutes 30 to 26 ago block: it would fire from the check 29 minutes ago (one minute of it, of 100 decisions) to
    # that 21 ago (the four minutes before it are empty).
    minutes = blocked(30, 29, 28, 27, 26)
    assert rows(asked(raw, minutes)) == [("only_replay", 29, [])]
    publish(raw, 40, 30)
    assert rows(asked(raw, minutes)) == [("both", 29, [40])]
    publish(raw, 24, 23)
    publish(raw, 20, 15)
    found = asked(raw, minutes)
    assert rows(found) == [("both", 29, [40, 24, 20])]
    assert (found.fired, found.count("both")) == (3, 1)
    publish(raw, 52, 31)  # two checks apart
    publish(raw, 19, 18)
    assert rows(asked(raw, minutes)) == [
        ("only_real", None, [52]),
        ("both", 29, [40, 24, 20]),
        ("only_real", None, [19]),
    ]


def test_what_is_of_another_kind_or_window_is_another(raw: redis.Redis) -> None:
    publish(raw, 29, 22, "consumer_behind")
    publish(raw, 29, 22, "share_shift")
    publish(raw, 29, 22, "symbol_stuck")
    publish(raw, 29, 22, "a kind of tomorrow")
    publish(raw, 29, 22, "error_high")
    found = asked(raw, blocked(30, 29, 28, 27, 26))
    assert sorted(where for where, *_rest in rows(found)) == ["only_real", "only_replay", *["untold"] * 4]
    assert (found.fired, set(found.untold)) == (1, {"consumer_behind", "share_shift", "symbol_stuck"})


def test_what_began_before_the_span_is_known_and_what_ended_before_it_is_not_shown(raw: redis.Redis) -> None:
    assert rows(asked(raw, blocked(*range(70, 50, -1)))) == [("only_replay", 69, [])]
    assert rows(asked(raw, blocked(*range(90, 70, -1)))) == []
    publish(raw, 90, 66)
    assert rows(asked(raw, {})) == []
    publish(raw, None, 50)
    assert rows(asked(raw, {})) == [("only_real", None, [None])]


def test_where_less_is_kept_before_the_span_it_says_so(raw: redis.Redis) -> None:
    minutes = blocked(*range(70, 50, -1))
    found = asked(raw, minutes, kept=HOUR + 600)
    # 4,200 s before half past the minute: the oldest minute that is whole began 69 minutes ago, ten minutes before the
    # first check of the span, and is seen by the check a minute later.
    assert (found.warm_up, rows(found)) == (600, [("only_replay", 68, [])])
    assert "Less than half an hour before" in as_text(found, {}, None)[-1].plain
    assert "Less than half an hour before" not in as_text(asked(raw, minutes), {}, None)[-1].plain


def test_it_warns_where_the_record_of_alerts_is_shorter_than_the_span(raw: redis.Redis) -> None:
    publish(raw, 29, 22)
    assert asked(raw, {}).warnings == ()
    pipeline = raw.pipeline()
    for number in range(KEPT):
        pipeline.xadd("quantum:p35:alerts", {"kind": "x", "state": "resolved", "timestamp": number})
    pipeline.execute()
    (warning,) = asked(raw, {}).warnings  # (the IDs are of today, the span is of long ago)
    assert warning.startswith("what fired before ")
    assert warning.endswith(" is not known any more: about 1,000 alerts are kept")


@pytest.mark.parametrize("width", [40, 80, 100])
def test_nothing_is_cut_off_on_a_terminal(raw: redis.Redis, width: int) -> None:
    publish(raw, 29, 22)
    found = asked(raw, blocked(30, 29, 28, 27, 26), 24 * HOUR)
    lines = [line.plain for line in as_text(found, {"P35_ALERT_MAX_LAG": (1, 2), "P35_ALERT_SHIFT": (0.2, 0.1)}, width)]
    assert max(map(len, lines)) <= width
    said = " ".join(" ".join(lines).split())
    assert "…" not in said
    assert "P35_ALERT_MAX_LAG=1 (otherwise 2)" in said
    assert "is for consumer_behind" in said
    assert "P35_ALERT_SHIFT changes nothing here" in said
    # 2026-02-01 07:00 UTC less 29 and 21 minutes, and what was published a minute sooner
    assert ("fired for real? yes, HIGH 06:31 to 06:38" in said) == (width == 40)
    whole = [line.plain for line in as_text(found, {}, None)]
    assert any(
        re.split(" {2,}", line)
        == ["gate_explosion", "gate", "HIGH", "06:31", "06:39", "8 min", "yes, HIGH 06:31 to 06:38"]
        for line in whole
    )


def test_slices_hold_what_the_buckets_hold(raw: redis.Redis) -> None:
    """Of three hours, with a hole and with symbols whose names have a colon; folded symbols are none."""
    expected = {}
    for minute in [*range(MINUTE - 180, MINUTE - 100), *range(MINUTE - 40, MINUTE)]:
        count = MINUTE - minute
        fields = {"decision:SKIP": count, "reason:gate:x": count, "symbol_decision:A%3AB:SKIP": count}
        fields |= {"symbol_decision:__other__:SKIP": 5, "symbol_reason:A%3AB:gate:x": count}
        raw.hset(bucket(minute), mapping=fields)
        expected[minute] = Counts({"SKIP": count}, {"gate:x": count}, {}, {("A:B", "SKIP"): count})
    done: list[tuple[int, int]] = []

    def read(symbols: bool) -> dict[int, Counts]:
        wanted = range(MINUTE - 190, MINUTE)
        progress = lambda _what, so_far, of: done.append((so_far, of))  # noqa: E731
        return dict(read_slices(raw, "quantum", wanted, now=MINUTE, symbols=symbols, progress=progress))

    assert read(symbols=True) == expected
    assert done == [(60, 190), (120, 190), (180, 190), (190, 190)]
    assert read(symbols=False) == {
        minute: Counts(counts.decisions, counts.reasons) for minute, counts in expected.items()
    }


def bucket(minute: int) -> str:
    """The key of the bucket of a minute since the epoch."""
    return datetime.fromtimestamp(minute * 60, UTC).strftime("quantum:p35:bucket:%Y%m%d%H%M")
