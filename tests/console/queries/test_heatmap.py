"""Names by times: against buckets and hours that were planted in Redis by hand."""

from __future__ import annotations

import time
from typing import Any

import pytest
import redis

from connectors.private_redis import PrivateRedis
from console.queries import heatmap
from console.queries.heatmap import GATES, REASONS, SYMBOLS, ask_heatmap
from console.queries.history import Asked, Retention
from console.queries.moment import Moment, MomentError
from tests.support.rollups import HOUR, plant

MINUTE = int(time.time()) // 3_600 * 60 - 600
"""Ten hours before this one, since the epoch."""

NOW = MINUTE * 60 + 185.0
KEPT = Retention(172_800, "BUCKET_TTL_SEC")


@pytest.fixture
def buckets(client: redis.Redis) -> None:
    """Two minutes with decisions, and one without between them."""
    planted = {
        0: {
            "decision:EXECUTE": 2,
            "decision:BLOCKED": 8,
            "reason:none": 2,
            "reason:gate_a:x": 5,
            "reason:gate_a:y": 1,
            "reason:gate_b": 2,
            "symbol_decision:BTC:EXECUTE": 1,
            "symbol_decision:BTC:BLOCKED": 4,
            "symbol_decision:ETH:EXECUTE": 1,
            "symbol_decision:ETH:BLOCKED": 4,
            "symbol_reason:BTC:none": 1,
            "symbol_reason:BTC:gate_a:x": 4,
            "symbol_reason:ETH:none": 1,
            "symbol_reason:ETH:gate_a:x": 1,
            "symbol_reason:ETH:gate_a:y": 1,
            "symbol_reason:ETH:gate_b": 2,
        },
        2: {
            "decision:SKIP": 4,
            "reason:gate_b": 3,
            "reason:none": 1,
            "symbol_decision:BTC:SKIP": 4,
            "symbol_reason:BTC:gate_b": 3,
            "symbol_reason:BTC:none": 1,
        },
    }
    for minute, fields in planted.items():
        name = time.strftime("%Y%m%d%H%M", time.gmtime((MINUTE + minute) * 60))
        client.hset(f"quantum:p35:bucket:{name}", mapping=fields)


def asked(server: PrivateRedis, kind: str, *, limit: int = 60, symbol: str | None = None) -> dict[str, Any]:
    begin = Moment("then", lambda _now: MINUTE * 60.0)
    with server.client() as raw:
        found = ask_heatmap(raw, "quantum", kind, Asked("minute", begin, None, None, symbol), NOW, KEPT, limit)
    return heatmap.as_json(found)


def rows(said: dict[str, Any]) -> dict[str, tuple[list[int | None], list[float | None]]]:
    return {row["name"]: (row["counts"], row["shares"]) for row in said["rows"]}


@pytest.mark.usefixtures("buckets")
def test_minutes_without_counts_are_unknown_and_not_zero(server: PrivateRedis) -> None:
    said = asked(server, GATES)
    assert said["times"] == [(MINUTE + at) * 60 for at in range(4)]
    assert said["totals"] == [10, None, 4, None]
    assert list(rows(said)) == ["gate_a", "gate_b"], "the one that blocked most is the first"
    assert rows(said) == {
        "gate_a": ([6, None, 0, None], [0.6, None, 0.0, None]),
        "gate_b": ([2, None, 3, None], [0.2, None, 0.75, None]),
    }


@pytest.mark.usefixtures("buckets")
def test_reasons_have_their_details_and_rows_beyond_the_limit_are_counted(server: PrivateRedis) -> None:
    said = asked(server, REASONS, limit=2)
    assert {name: counts for name, (counts, _) in rows(said).items()} == {
        "gate_a:x": [5, None, 0, None],
        "gate_b": [2, None, 3, None],
    }
    assert said["other_rows"] == 1


@pytest.mark.usefixtures("buckets")
def test_a_symbol_counts_what_was_not_executed_as_a_share_of_its_own(server: PrivateRedis) -> None:
    said = asked(server, SYMBOLS)
    assert rows(said) == {
        "BTC": ([4, None, 4, None], [0.8, None, 1.0, None]),
        "ETH": ([4, None, 0, None], [0.8, None, 0.0, None]),
    }
    assert said["totals"] == [10, None, 4, None]
    of = {row["name"]: row["totals"] for row in said["rows"]}
    assert of == {"BTC": [5, None, 4, None], "ETH": [5, None, 0, None]}


@pytest.mark.usefixtures("buckets")
def test_of_one_symbol_everything_is_that_symbols(server: PrivateRedis) -> None:
    said = asked(server, GATES, symbol="eth")
    assert (said["symbol"], said["totals"]) == ("ETH", [5, None, 0, None])
    assert rows(said) == {
        "gate_a": ([2, None, 0, None], [0.4, None, 0.0, None]),
        "gate_b": ([2, None, 0, None], [0.4, None, 0.0, None]),
    }
    assert asked(server, GATES, symbol="nobody")["totals"] == [0, None, 0, None]


def test_hours_come_from_history_and_have_no_reasons(server: PrivateRedis, client: redis.Redis) -> None:
    hour = int(time.time()) // HOUR * HOUR - 5 * HOUR
    of = {"B:C": {"EXECUTE": 1, "SKIP": 4}, "A": {"EXECUTE": 9, "SKIP": 26}}
    symbols = {name.replace(":", "%3A"): counts for name, counts in of.items()}
    pairs = {("B:C", "spread"): 4, ("A", "spread"): 26}
    plant(client, hour, {"EXECUTE": 10, "SKIP": 30}, {"spread": 30}, symbols=symbols, pairs=pairs)
    begin, end = (Moment("then", lambda _now, at=at: at) for at in (hour, hour + 2 * HOUR))  # type: ignore[misc]
    series = Asked("hour", begin, end, None, None)
    kept = Retention(3_024_000, "HISTORY_HOUR_TTL_SEC")
    with server.client() as raw:
        now = time.time()
        gates, of_symbols = (
            heatmap.as_json(ask_heatmap(raw, "quantum", kind, series, now, kept, 60)) for kind in (GATES, SYMBOLS)
        )
        one = Asked("hour", begin, end, None, "b:c")
        of_one = heatmap.as_json(ask_heatmap(raw, "quantum", GATES, one, now, kept, 60))
        with pytest.raises(MomentError, match="by the minute alone"):
            ask_heatmap(raw, "quantum", REASONS, series, now, kept, 60)
    assert (gates["times"], gates["totals"]) == ([hour, hour + HOUR], [40, None])
    assert rows(gates) == {"spread": ([30, None], [0.75, None])}
    assert rows(of_symbols) == {"A": ([26, None], [0.7429, None]), "B:C": ([4, None], [0.8, None])}
    assert (of_one["symbol"], of_one["totals"], rows(of_one)) == (
        "B:C",
        [5, None],
        {"spread": ([4, None], [0.8, None])},
    )
