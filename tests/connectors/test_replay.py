"""Running an App until it has caught up, from a time on."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import redis

from connectors import App, AppSettings, Count, GroupConfig, Message, tumbling
from connectors.catching_up import CaughtUp, FlowFailed
from connectors.errors import CannotRebuild
from connectors.private_redis import PrivateRedis
from connectors.replay import moment, replay
from connectors.stream_id import before
from tests.support.flow_process import ROOT, FlowProcess
from tests.support.forked import run
from tests.support.waiting import wait_for

T0 = datetime(2025, 11, 24, 10, tzinfo=UTC)
GROUP = GroupConfig("orders", "shop")


def app_of() -> App:
    app = App("shop")

    @app.each(["orders", "others"])
    def count(entry: Message) -> Iterator[Count]:
        yield Count("sums", {entry.stream: int(entry["n"])})

    return app


def fill(client: redis.Redis, stream: str, *seconds: float) -> None:
    """An entry at T0 + each of these, whose n is a power of two by its place: each sum tells which were counted."""
    for place, offset in enumerate(seconds):
        added = int((T0.timestamp() + offset) * 1000)
        client.xadd(stream, {"n": 2**place}, id=f"{added}-{place}")


@pytest.fixture
def settings(server: PrivateRedis) -> AppSettings:
    return AppSettings(redis_url=server.url, lease_ttl_sec=0.5)


def test_it_begins_with_the_first_entry_of_that_time(client: redis.Redis, settings: AppSettings) -> None:
    fill(client, "orders", -0.001, 0, 0, 0.001)
    fill(client, "others", -3600, 3600)
    app = app_of()
    assert replay(app, settings, T0)
    assert client.hgetall("sums") == {"orders": str(2 + 4 + 8), "others": "2"}
    fill(client, "orders", *[4 + n for n in range(5)])
    assert replay(app, settings, T0)  # (the same command goes on, as after a crash)
    assert client.hget("sums", "orders") == str(2 + 4 + 8 + 31)
    with pytest.raises(
        CannotRebuild, match=r"shop of stream orders began at 2025-11-24T10:00:00 and has come to .*11:00"
    ):
        replay(app, settings, T0 + timedelta(hours=1))
    assert replay(app, settings)
    assert client.hget("sums", "orders") == str(2 + 4 + 8 + 31)


def test_a_group_that_began_before_cannot_begin_again(client: redis.Redis, settings: AppSettings) -> None:
    client.xgroup_create("orders", "shop", "0", mkstream=True)
    with pytest.raises(CannotRebuild, match="began earlier and has come to its first entry"):
        replay(app_of(), settings, T0)
    assert client.xinfo_groups("orders")[0]["last-delivered-id"] == "0-0"


def test_what_is_added_after_its_start_is_not_waited_for(raw: redis.Redis) -> None:
    raw.xgroup_create("orders", "shop", "0", mkstream=True)
    first, second = (raw.xadd("orders", {"n": "1"}) for _ in range(2))
    bounded, unbounded = CaughtUp([GROUP]), CaughtUp([GROUP], bounded=False)

    def looks() -> tuple[bool, bool]:
        return bounded(raw), unbounded(raw)

    assert looks() == (False, False)
    raw.xreadgroup("shop", "me", {"orders": ">"})
    raw.xack("orders", "shop", second)
    assert looks() == (False, False)  # (the first is still pending)
    raw.xack("orders", "shop", first)
    assert looks() == (True, True)
    raw.xadd("orders", {"n": "1"})
    assert looks() == (True, False)
    raw.xreadgroup("shop", "me", {"orders": ">"})
    assert looks() == (True, False)


def test_windows_that_close_with_what_was_there_are_published(client: redis.Redis, settings: AppSettings) -> None:
    app = App("shop")
    windows = app.windows("counts", tumbling(10))
    app.each("orders")(lambda entry: windows.count(entry, {"all": 1}))
    fill(client, "orders", 0, 1, 12, 25)
    assert replay(app, settings, T0)
    closed = [fields["counts"] for _id, fields in client.xrange("counts:closed")]
    assert closed == ['{"all":2}', '{"all":1}']


def test_a_flow_that_fails_says_with_what_status(client: redis.Redis, settings: AppSettings) -> None:
    client.hset("others:group:shop", mapping={"group_stream": "x", "group_name": "y"})
    with pytest.raises(FlowFailed) as failed:
        replay(app_of(), settings)
    assert failed.value.status == 78


@pytest.mark.parametrize("text", ["2025-11-24T10:00", "2025-11-24 10:00:00+00:00", "2025-11-24T11:00+01:00"])
def test_a_time_is_utc_unless_it_says_otherwise(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.replay.time.time", lambda: T0.timestamp() + 1)
    assert moment(text) == T0


def test_what_is_no_time_of_the_past_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.replay.time.time", lambda: T0.timestamp())
    with pytest.raises(ArgumentTypeError, match="'10 o' is no time"):
        moment("10 o")
    with pytest.raises(ArgumentTypeError, match="lies in the future"):
        moment("2025-11-24T10:01")


def test_the_first_id_of_a_time() -> None:
    assert before(T0) == f"{int(T0.timestamp()) * 1000 - 1}-18446744073709551615"
    assert before(datetime(1970, 1, 1, tzinfo=UTC)) == "0"
    assert before(datetime(1960, 1, 1, tzinfo=UTC)) == "0"


PROGRAM = """
from connectors import App, Count
app = App("shop")
@app.each("orders")
def count(entry):
    yield Count("sums", {"all": int(entry["n"])})
number = 5
"""


def test_killed_as_a_process_the_same_command_goes_on(
    client: redis.Redis, server: PrivateRedis, flows: FlowProcess.Factory, tmp_path: Path
) -> None:
    (tmp_path / "orders.py").write_text(PROGRAM, "utf-8")
    at = int(T0.timestamp())
    pipeline = client.pipeline(transaction=False)
    for n in range(3_000):
        pipeline.xadd("orders", {"n": n}, id=f"{(at - 1_000 + n) * 1000}-0")
    pipeline.execute()
    environment = {"REDIS_URL": server.url, "LEASE_TTL_SEC": "0.5", "READ_BATCH": "5"}
    arguments = [f"{tmp_path}/orders:app", "--from", "2025-11-24T10:00"]
    killed = flows(*arguments[1:], module=arguments[0], program="connectors.replay", **environment)
    wait_for(lambda: client.hget("sums", "all"), "some counts", every=0.001)
    killed.kill()
    assert int(client.hget("sums", "all") or 0) < sum(range(1_000, 3_000))
    ended = run("connectors.replay", arguments, ROOT, environment, together=True)
    assert (ended.returncode, client.hget("sums", "all")) == (0, str(sum(range(1_000, 3_000)))), ended.stdout
    other = run("connectors.replay", [*arguments[:2], "2025-11-24T09:00"], ROOT, environment, together=True)
    assert (other.returncode, other.stdout.count("\n")) == (78, 1)
    assert "cannot begin at 2025-11-24T09:00:00 any more" in other.stdout
    for name in ("missing", "number"):
        wrong = run("connectors.replay", [f"{tmp_path}/orders:{name}"], ROOT, environment, together=True)
        assert (wrong.returncode, wrong.stdout.count("\n")) == (2, 1), wrong.stdout
