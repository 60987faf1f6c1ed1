"""`quantum report`: a day, against numbers worked out from the entries alone."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import redis

from connectors.private_redis import PrivateRedis
from tests.support import oracle
from tests.support.flow_process import FlowProcess
from tests.support.quantum import answer, publish_samples, quantum
from tests.support.recount import entries, wait_until_counted

DAY = 86_400


def day_of(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")


def in_one_day(client: redis.Redis) -> int:
    """The time of Redis; what is asked in the next minute is asked on the same day."""
    while (now := int(client.time()[0])) % DAY > DAY - 60:
        time.sleep(1)
    return now


def test_a_day_adds_up(server: PrivateRedis, client: redis.Redis, flows: FlowProcess.Factory) -> None:
    total = publish_samples(client)
    flow = flows()
    wait_until_counted(client, total)
    assert flow.stop() == 0
    with server.client() as raw:
        meanings = [oracle.meaning_of(entry) for entry in entries(raw)]
    for name in {day_of(one.seconds) for one in meanings}:  # (two, around midnight)
        of_day = [one for one in meanings if day_of(one.seconds) == name]
        said = answer(server.url, "report", "--day", name)
        assert (said["day"], said["total"], said["minutes_that_may_be_gone"]) == (name, len(of_day), 0)
        for decision, count in said["decisions"].items():
            assert count == sum(one.decision == decision for one in of_day)
        gates: dict[str, int] = {}
        for one in of_day:
            gate = one.reason.split(":")[0].strip() or one.reason
            gates[gate] = gates.get(gate, 0) + (gate != "none")
        best = sorted(sorted(gates), key=lambda gate: gates[gate], reverse=True)
        assert [(one["gate"], one["count"]) for one in said["gates"]] == [(g, gates[g]) for g in best if gates[g]][:10]
        assert said["gates"][0]["share"] == said["gates"][0]["count"] / len(of_day)
        by_symbol = {one["symbol"]: one for one in said["symbols"]}
        assert set(by_symbol) == {one.symbol for one in of_day if one.symbol}
        for symbol, row in by_symbol.items():
            mine = [one for one in of_day if one.symbol == symbol]
            assert row["total"] == len(mine)
            assert row["skip_rate"] == sum(one.decision == "SKIP" for one in mine) / len(mine)
        hours = {hour["hour"]: hour["total"] for hour in said["hours"] if hour["total"]}
        assert sum(hours.values()) == len(of_day)
    now = in_one_day(client)
    alert = {"alert_id": "a", "kind": "gate_explosion", "window": "5m", "reason": "x|y\x1b", "severity": "HIGH"}
    client.xadd("quantum:p35:alerts", {**alert, "share": "0.62", "state": "firing", "timestamp": now})
    client.xadd("quantum:p35:alerts", {**alert, "share": "nan", "timestamp": "1e300"})
    today = answer(server.url, "report")
    assert (today["day"], today["over"]) == (day_of(now), False)
    assert today["alerts"][0]["reason"] == "x|y\x1b"
    text = quantum(server.url, "report")
    assert (text.returncode, text.stderr) == (0, "")
    assert "The day is not over yet." in text.stdout
    assert "HIGH gate_explosion firing: x\\|y� 62 %" in text.stdout
    assert "- unknown HIGH gate_explosion : x\\|y� 0 %" in text.stdout


def test_a_day_that_is_partly_gone_says_so(server: PrivateRedis, client: redis.Redis) -> None:
    two_days_ago = day_of(time.time() - 2 * DAY)
    said = answer(server.url, "report", "--day", two_days_ago)
    assert 0 <= said["minutes_that_may_be_gone"] - int(time.time() % DAY) // 60 <= 2
    text = quantum(server.url, "report", "--day", day_of(time.time() - 9 * DAY)).stdout
    assert "**Note**: nothing is known of this day: " in text
    assert "No decisions." not in text, "nobody can tell"


def test_today_and_yesterday_are_days(server: PrivateRedis, client: redis.Redis) -> None:
    now = in_one_day(client)
    for ago, name in ((0, "today"), (1, "yesterday")):
        minute = oracle.minute_name((now // DAY - ago) * DAY // 60)
        client.hset(f"quantum:p35:bucket:{minute}", mapping={"decision:SKIP": 3 + ago, "reason:none": 3 + ago})
        said = answer(server.url, "report", "--day", name)
        assert (said["day"], said["total"]) == (day_of(now - ago * DAY), 3 + ago)
    assert answer(server.url, "report")["day"] == day_of(now)


def test_a_day_that_is_none_is_wrong_usage(server: PrivateRedis, client: redis.Redis) -> None:
    for day in ("tomorrow", "2026-02-30", day_of(time.time() + 2 * DAY)):
        done = quantum(server.url, "report", "--day", day)
        assert (done.returncode, done.stdout) == (2, ""), day
        assert done.stderr.startswith("quantum: --day")
