"""Every face of the console judges by the thresholds that are set, and by their defaults where none is."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import redis

from tests.support import users
from tests.support.quantum import answer, quantum
from tests.support.recount import STREAM

SET = {"P35_ALERT_EXECUTE_LOW": "0.5", "P35_ALERT_THRESHOLD_MEDIUM": "0.2", "P35_ALERT_MAX_LAG": "2"}

TRADING, NOT_TRADING = "Trading: 40 % executed", "Not trading: gate blocks 30 % of decisions, 40 % executed"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A Redis where 40 of 100 decisions were executed, a gate blocked 30, and three entries wait to be counted."""
    with users.SecuredRedis() as private, private.client() as client:
        _write(client)
        yield private.url


def _write(client: redis.Redis) -> None:
    minute = int(time.time() // 60) * 60 - 120
    counts = {"decision:EXECUTE": 40, "decision:BLOCKED": 60, "reason:none": 40, "reason:gate:detail": 30}
    counts |= {f"reason:other_{name}": 10 for name in "abc"}
    bucket = time.strftime("quantum:p35:bucket:%Y%m%d%H%M", time.gmtime(minute))
    client.hset(bucket, mapping=counts)  # type: ignore[arg-type]
    client.hset("quantum:p35:status", mapping={"processed_total": 100, "last_ts": minute + 5})
    client.xgroup_create(STREAM, "p35_decision_intel", id="0", mkstream=True)
    client.xgroup_createconsumer(STREAM, "p35_decision_intel", "one")
    client.set("quantum:p35:lease:one", "token", ex=3600)
    for _ in range(3):
        client.xadd(STREAM, {"decision": "SKIP"})


def test_the_verdict_of_why(url: str) -> None:
    said = answer(url, "why")
    assert (said["verdict"], said["severity"], said["warnings"]) == (TRADING, "normal", [])
    said = answer(url, "why", **SET)
    assert (said["verdict"], said["severity"]) == (NOT_TRADING, "serious")
    assert said["warnings"] == ["flows.p35 is behind: 3 decisions are not counted yet"]


def test_what_share_flags(url: str) -> None:
    for env, threshold, flagged in (({}, 0.4, []), (SET, 0.2, ["gate"])):
        said = answer(url, "share", **env)
        assert said["threshold"] == threshold
        assert [one["gate"] for one in said["gates"] if one["flagged"]] == flagged


def test_from_where_on_drift_acts_unless_it_is_told(url: str) -> None:
    assert answer(url, "drift", status=0)["threshold"] == 0.4
    assert [one["gate"] for one in answer(url, "drift", status=1, **SET)["gates"]] == ["gate"]
    assert answer(url, "drift", "35", status=0, **SET)["threshold"] == 0.35


def test_the_verdict_of_watch_and_of_all(url: str) -> None:
    for env, verdict in (({}, TRADING), (SET, NOT_TRADING)):
        for command in ("watch", "all"):
            lines = quantum(url, command, **env).stdout.splitlines()
            assert verdict in lines[:3], lines


def test_from_where_on_check_warns_unless_it_is_told(url: str) -> None:
    assert "lag=3;1000;10000;0" in quantum(url, "check").stdout
    done = quantum(url, "check", **SET)
    assert (done.returncode, done.stdout.partition(" | ")[0]) == (1, "P35 WARNING - 3 entries not read")
    assert "lag=3;2;20;0" in done.stdout
    done = quantum(url, "check", "--warn-lag", "1", "--crit-lag", "2", **SET)
    assert done.returncode == 2


def test_a_threshold_that_is_wrong_is_a_wrong_setting(url: str) -> None:
    done = quantum(url, "why", P35_ALERT_EXECUTE_LOW="2")
    assert (done.returncode, done.stdout) == (78, "")
    assert "P35_ALERT_EXECUTE_LOW" in done.stderr
