"""Backup and restore as docs/redis.md has it: what comes back is exact, and the flow goes on from there."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import redis

from connectors.private_redis import PROGRAMS, PrivateRedis
from tests.support.flow_process import ROOT, FlowProcess
from tests.support.forked import run
from tests.support.quantum import environment
from tests.support.waiting import wait_for

STREAM, STATUS = "quantum:stream:apply.result", "quantum:p35:status"


def publish(client: redis.Redis, count: int) -> None:
    """So many decisions."""
    pipeline = client.pipeline(transaction=False)
    for number in range(count):
        pipeline.xadd(STREAM, {"decision": "SKIP", "error": "no_position", "symbol": f"S{number % 7}"})
    pipeline.execute()


def counted(client: redis.Redis, total: int) -> None:
    """Wait until so many have been counted."""
    wait_for(lambda: client.hget(STATUS, "processed_total") == str(total), f"{total} counted")


def rewritten(client: redis.Redis) -> None:
    """Wait until no append-only file is being written anew."""

    def done() -> bool:
        state = client.info("persistence")
        under_way = state["aof_rewrite_in_progress"] or state["aof_rewrite_scheduled"]
        return not under_way and state["aof_last_bgrewrite_status"] == "ok"

    wait_for(done, "the append-only file")


def verify(server: PrivateRedis) -> str:
    """What `quantum verify` says; it must find all of it right."""
    env = environment(server.url, REDIS_USERNAME="", REDIS_PASSWORD="")
    done = run("console", ["verify"], ROOT, env)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(params=PROGRAMS)
def backups(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Path]:
    """A version of Redis, and a folder: a snapshot after 1,000 decisions, and an append-only file after 1,500."""
    version = str(request.param)
    with PrivateRedis(version, appendonly="yes") as server, server.client(decode_responses=True) as client:
        with FlowProcess.factory(server.url) as start:
            flow = start()
            publish(client, 1_000)
            counted(client, 1_000)
            client.bgsave()
            wait_for(lambda: (server.folder / "dump.rdb").exists(), "the snapshot")
            shutil.copy(server.folder / "dump.rdb", tmp_path)
            publish(client, 500)
            counted(client, 1_500)
            assert flow.stop() == 0
        client.config_set("auto-aof-rewrite-percentage", "0")
        rewritten(client)
        for path in server.folder.glob("appendonly*"):
            (shutil.copytree if path.is_dir() else shutil.copy)(path, tmp_path / path.name)
    return version, tmp_path


def test_a_snapshot_is_restored_and_the_flow_goes_on(backups: tuple[str, Path]) -> None:
    version, folder = backups
    server = PrivateRedis(version, appendonly="no")
    shutil.copy(folder / "dump.rdb", server.folder)
    with server, server.client(decode_responses=True) as client, FlowProcess.factory(server.url) as start:
        assert (client.hget(STATUS, "processed_total"), client.xlen(STREAM)) == ("1000", 1_000)
        client.config_set("appendonly", "yes")
        rewritten(client)
        start()
        publish(client, 10)
        counted(client, 1_010)
        assert "exact: 1,010 messages" in verify(server)
        # As the service starts it from now on.
        server.stop()
        server._options["appendonly"] = "yes"
        server.start()
        assert client.hget(STATUS, "processed_total") == "1010"


def test_an_append_only_file_is_restored(backups: tuple[str, Path]) -> None:
    version, folder = backups
    server = PrivateRedis(version, appendonly="yes")
    for path in folder.glob("appendonly*"):
        (shutil.copytree if path.is_dir() else shutil.copy)(path, server.folder / path.name)
    with server, server.client(decode_responses=True) as client:
        assert (client.hget(STATUS, "processed_total"), client.xlen(STREAM)) == ("1500", 1_500)
        assert "exact: 1,500 messages" in verify(server)


def test_a_snapshot_alone_is_not_read_by_a_redis_with_an_append_only_file(backups: tuple[str, Path]) -> None:
    version, folder = backups
    server = PrivateRedis(version, appendonly="yes")
    shutil.copy(folder / "dump.rdb", server.folder)
    with server, server.client() as client:
        assert client.dbsize() == 0
