"""`quantum lag`, `check` and `tail`, beside a group that they must not disturb."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from queue import Queue

import pytest
import redis

from connectors.private_redis import PrivateRedis, free_port
from console.cli.check import judge
from console.cli.nagios import CRITICAL, OK, WARNING, CheckLimits
from console.queries.counting import CountingFlow
from console.queries.groups import Group, Member
from console.queries.status import Status
from flows.domain.thresholds import Thresholds
from tests.support.flow_process import ROOT, FlowProcess
from tests.support.quantum import COMMAND, answer, environment, publish_samples, quantum
from tests.support.recount import GROUP, STREAM, samples, wait_until_counted
from tests.support.waiting import wait_for

NOWHERE = f"redis://127.0.0.1:{free_port()}/0"
STATUS = Status(400, 0, 0, 0, 0, 0, 0, 0, 0, 0, "5-0", 1000.0, "c", 900.0, "1")
LIMITS = CheckLimits((1000, 10_000), (1000, 10_000), (900, None))
PERFDATA = re.compile(r"([a-z]+)=(U|\d+)(s|c)?;(\d*);(\d*);0")


def service(pending: int = 0, lag: int | None = 0, alive: bool = True, now: float = 1100.0) -> CountingFlow:
    return CountingFlow(
        now, STATUS, Group("s", "g", 9, "5-0", pending, lag, (Member("c", pending, 0.1, alive),)), Thresholds()
    )


@pytest.mark.parametrize(
    ("seen", "states"),
    [
        (service(), []),
        (service(pending=1000, lag=1000), []),
        (service(pending=1001), [WARNING]),
        (service(lag=10_001), [CRITICAL]),
        (service(lag=None), []),
        (service(alive=False), [CRITICAL]),
        (service(alive=False, lag=1001), [CRITICAL, WARNING]),
        (service(now=1900.0), []),
        (service(now=1901.0), [WARNING]),
        (CountingFlow(0.0, STATUS, None, Thresholds()), [CRITICAL]),
    ],
)
def test_the_judgement(seen: CountingFlow, states: list[int]) -> None:
    assert [finding.state for finding in judge(seen, LIMITS)] == states


def test_a_limit_of_zero_never_minds_a_quiet_market() -> None:
    assert judge(service(now=1e9), CheckLimits((1, 1), (1, 1), (None, None))) == []


def test_check_says_one_line_with_performance_data(
    server: PrivateRedis, client: redis.Redis, flows: FlowProcess.Factory
) -> None:
    total = publish_samples(client)
    flow = flows()
    wait_until_counted(client, total)
    done = quantum(server.url, "check")
    assert (done.returncode, done.stderr) == (OK, "")
    text, _, data = done.stdout.removesuffix("\n").partition(" | ")
    assert text == "P35 OK - flows.p35 is running, and keeps up"
    found = {name: value for name, value, *_ in PERFDATA.findall(data)}
    assert all(PERFDATA.fullmatch(one) or re.fullmatch(r"[a-z]+=\d+c?;;;0", one) for one in data.split(" "))
    assert (found["pending"], found["lag"]) == ("0", "0")
    assert "processed=400c;;;0" in data
    assert flow.stop() == 0
    done = quantum(server.url, "check")
    assert (done.returncode, done.stdout.count("\n")) == (CRITICAL, 1)
    assert done.stdout.startswith("P35 CRITICAL - flows.p35 is not running")
    publish_samples(client)
    done = quantum(server.url, "check", "--warn-lag", "399", "--crit-lag", "400")
    assert "400 entries not read" in done.stdout


def test_check_of_a_redis_that_is_away_or_of_a_wrong_setting_is_unknown() -> None:
    done = quantum(NOWHERE, "check")
    assert (done.returncode, done.stderr, done.stdout.count("\n")) == (3, "", 1)
    assert done.stdout.startswith("P35 UNKNOWN - Redis at 127.0.0.1:")
    done = quantum(NOWHERE, "check", REDIS_URL="mailto:x")
    assert done.returncode == 3
    assert done.stdout.startswith("P35 UNKNOWN - setting REDIS_URL=(not shown) is wrong")


def test_lag_describes_every_group(server: PrivateRedis, client: redis.Redis) -> None:
    done = quantum(server.url, "lag")
    assert (done.returncode, done.stdout) == (3, "")
    client.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
    client.xgroup_create(STREAM, "audit\x1b[2J", id="0")
    for number in range(5):
        client.xadd(STREAM, {"n": number})
    client.xgroup_createconsumer(STREAM, GROUP, "alive-1")
    for read in ("alive-1:0123abcd.0", "alive-1:0123abcd.1f"):
        client.xreadgroup(GROUP, read, {STREAM: ">"}, count=1)
    client.xreadgroup(GROUP, "dead-1:0123abcd.0", {STREAM: ">"}, count=1)
    client.set("quantum:p35:lease:alive-1", "token", ex=60)
    last = client.xrange(STREAM)[2][0]
    said = answer(server.url, "lag")
    ours = next(group for group in said["groups"] if group["group"] == GROUP)
    assert (ours["stream"], ours["length"], ours["last_id"], ours["pending"], ours["lag"]) == (STREAM, 5, last, 3, 2)
    members = {one["name"]: (one["pending"], one["alive"]) for one in ours["consumers"]}
    assert members == {"alive-1": (2, True), "dead-1": (1, False)}
    done = quantum(server.url, "lag")
    rows = [line.split() for line in done.stdout.splitlines()]
    assert rows[0] == ["STREAM", "GROUP", "CONSUMER", "LAST-ID", "PENDING", "LAG", "IDLE", "STATE"]
    assert [STREAM, GROUP, "alive-1", last, "2", "2"] in [row[:6] for row in rows]
    assert "no consumers" in done.stdout
    assert done.stdout.replace("\n", "").isprintable()


class Tail:
    """`quantum tail` as a process, read line by line."""

    def __init__(self, url: str, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [*COMMAND, "tail", *arguments],
            cwd=ROOT,
            env=environment(url),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._lines: Queue[str] = Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)

    def line(self) -> str:
        return self._lines.get(timeout=240)

    def end(self) -> tuple[int, str, list[str]]:
        self.process.send_signal(signal.SIGINT)
        assert self.process.stderr is not None
        errors = self.process.stderr.read()
        status = self.process.wait(120)
        return status, errors, list(self._lines.queue)


@pytest.fixture
def tails() -> Iterator[list[Tail]]:
    started: list[Tail] = []
    yield started
    for tail in started:
        tail.process.kill()
        tail.process.wait()


def test_tail_follows_without_joining(server: PrivateRedis, client: redis.Redis, tails: list[Tail]) -> None:
    client.xadd(STREAM, {"decision": "SKIP", "symbol": "OLD", "error": "before"})
    tail = Tail(server.url, "-n", "1", "--symbol", "BTCUSDT", "--symbol", "OLD", "-r", "gate", "-r", "before")
    tails.append(tail)
    assert re.fullmatch(r"\d\d:\d\d:\d\d  SKIP     OLD {12}before\n", tail.line())
    client.xadd(STREAM, {"decision": "BLOCKED", "symbol": "ETHUSDT", "error": "gate:detail"})
    client.xadd(STREAM, {"decision": "BLOCKED", "symbol": "BTCUSDT", "error": "gate_of_another:detail"})
    client.xadd(STREAM, {"decision": "HOLD\x1b[2J", "symbol": "BTCUSDT", "error": "gate:\x1b[31mred", "timestamp": 61})
    line = tail.line()
    assert line.startswith("00:01:01  UNKNOWN(HOLD")
    assert "gate:" in line
    assert line[:-1].isprintable()
    assert client.xinfo_groups(STREAM) == []
    assert tail.end() == (130, "", [])


def test_tail_as_json_has_an_object_a_line(server: PrivateRedis, client: redis.Redis) -> None:
    publish_samples(client, samples()[:50])
    done = quantum(server.url, "tail", "--no-follow", "-n", "50", "--json", "-d", "BLOCKED", "-d", "ERROR")
    read = [json.loads(line) for line in done.stdout.splitlines()]
    wanted = {"version", "id", "time", "decision", "symbol", "reason", "gate", "plan_id", "unknown_decision"}
    assert read
    assert {one["decision"] for one in read} <= {"BLOCKED", "ERROR"}
    assert all(set(one) == wanted for one in read)
    assert all(one["reason"].startswith(one["gate"]) for one in read)


def test_tail_shows_the_time_that_the_flow_counts_by(server: PrivateRedis, client: redis.Redis) -> None:
    ahead = int(time.time()) + 1000
    entry_id = str(client.xadd(STREAM, {"decision": "SKIP", "timestamp": ahead}))
    for skew, shown in (("300", int(entry_id.partition("-")[0]) / 1000), ("2000", ahead)):
        done = quantum(server.url, "tail", "--no-follow", "--json", MAX_FUTURE_SKEW_SEC=skew)
        assert json.loads(done.stdout)["time"] == shown


def test_tail_waits_for_a_redis_that_goes_away(tails: list[Tail]) -> None:
    with PrivateRedis() as private:
        with private.client() as raw:
            raw.xadd(STREAM, {"decision": "SKIP", "symbol": "FIRST"})
            tail = Tail(private.url, "-n", "1", "--redis-url", f"redis://default@127.0.0.1:{private.port}/0")
            tails.append(tail)
            tail.line()
        private.kill()
        private.start()
        with private.client() as raw:
            raw.xadd(STREAM, {"decision": "SKIP", "symbol": "SECOND"}, id=f"{int(time.time() * 1000) + 1000}-0")
        assert "SECOND" in tail.line()


def test_tail_ends_when_nobody_reads(server: PrivateRedis, client: redis.Redis) -> None:
    client.xadd(STREAM, {"decision": "SKIP"})
    with subprocess.Popen(
        [*COMMAND, "tail"], cwd=ROOT, env=environment(server.url), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()

        def gone() -> bool:
            client.xadd(STREAM, {"decision": "SKIP"})
            return process.poll() is not None

        wait_for(gone, "its end", every=0.1)
        assert process.stderr is not None
        assert (process.returncode, process.stderr.read()) == (0, b"")


def test_health_shows_how_many_symbols_were_dropped(server: PrivateRedis, client: redis.Redis) -> None:
    assert "0 leases lost, 0 symbols dropped" in quantum(server.url, "health").stdout
    client.hset("quantum:p35:status", mapping={"symbols_dropped_total": "1234", "fenced_total": "1"})
    assert answer(server.url, "health")["status"]["symbols_dropped_total"] == 1234
    assert "1 lease lost, 1,234 symbols dropped" in quantum(server.url, "health").stdout
