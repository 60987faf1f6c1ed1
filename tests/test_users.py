"""The files in `deploy/redis`: each user may do what is said, and not what is not."""

from __future__ import annotations

import hashlib
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from connectors.private_redis import PrivateRedis
from tests.chaos.conftest import VERSIONS
from tests.support.users import EVERY_VERSION, FOLDER, FROM_7, SecuredRedis, lines, password

SERVERS = [(version, EVERY_VERSION) for version in VERSIONS] + [(v, FROM_7) for v in VERSIONS if v != "6.2"]
NEVER = Retry(NoBackoff(), 0)
DENIED = (redis.exceptions.NoPermissionError, redis.exceptions.AuthenticationError)

SAMPLE = {
    "quantum:stream:apply.result": "stream",
    "quantum:stream:apply.plan": "stream",
    "quantum:p35:status": "hash",
    "quantum:p35:bucket:202602010657": "hash",
    "quantum:p35:gate:top:5m": "zset",
    "quantum:p35:alerts:state": "hash",
    "quantum:allocation:target:BTCUSDT": "hash",
    "quantum:allocation:target:proposed:BTCUSDT": "hash",
    "quantum:capital:efficiency:BTCUSDT": "hash",
    "quantum:permit:1": "hash",
    "quantum:governor:status": "hash",
    "quantum:governor:lease:host-1": "hash",
    "quantum:flow:p35": "hash",
    "quantum:flow:alerts": "hash",
    "quantum:flow:allocation": "hash",
    "quantum:flow:governor": "hash",
    "quantum:flow:history": "hash",
    "quantum:p35:hour:2026020106": "hash",
    "quantum:p35:day:20260201": "hash",
    "other": "hash",
}
WRITES = {"hash": ("HSET", "f", "1"), "stream": ("XADD", "*", "f", "1"), "zset": ("ZADD", "1", "m")}

MAY_WRITE = {
    "quantum-p35": {
        "quantum:p35:status",
        "quantum:p35:bucket:202602010657",
        "quantum:p35:gate:top:5m",
        "quantum:flow:p35",
    },
    "quantum-alerts": {"quantum:p35:alerts:state", "quantum:flow:alerts"},
    "quantum-allocation": {"quantum:allocation:target:proposed:BTCUSDT", "quantum:flow:allocation"},
    "quantum-governor": {
        "quantum:permit:1",
        "quantum:governor:status",
        "quantum:governor:lease:host-1",
        "quantum:flow:governor",
    },
    "quantum-history": {"quantum:p35:hour:2026020106", "quantum:p35:day:20260201", "quantum:flow:history"},
    "quantum-console": set(),
    "quantum-proof": {"quantum:stream:apply.result", "quantum:stream:apply.plan"},
}
MAY_ADD = {
    "quantum-alerts": "quantum:p35:alerts",
    "quantum-allocation": "quantum:stream:allocation.target.proposed",
}
MAY_READ = {
    "quantum-p35": ["quantum:p35:status"],
    "quantum-alerts": ["quantum:p35:status", "quantum:p35:bucket:202602010657", "quantum:p35:hour:2026020106"],
    "quantum-allocation": ["quantum:allocation:target:BTCUSDT", "quantum:capital:efficiency:BTCUSDT"],
    "quantum-governor": ["quantum:capital:efficiency:BTCUSDT", "quantum:permit:1"],
    "quantum-history": ["quantum:p35:bucket:202602010657", "quantum:p35:hour:2026020106", "quantum:p35:day:20260201"],
    "quantum-console": ["quantum:p35:status", "quantum:p35:bucket:202602010657", "quantum:flow:alerts"],
    "quantum-proof": ["quantum:p35:status", "quantum:allocation:target:BTCUSDT", "quantum:permit:1"],
}
FORBIDDEN = [
    ("FLUSHALL",),
    ("CONFIG", "GET", "*"),
    ("ACL", "LIST"),
    ("KEYS", "*"),
    ("CLIENT", "KILL", "TYPE", "normal"),
    ("SHUTDOWN",),
    ("REPLICAOF", "NO", "ONE"),
    ("SCRIPT", "FLUSH"),
    ("PUBLISH", "channel", "x"),
    ("XTRIM", "quantum:stream:apply.result", "MAXLEN", "0"),
    ("XDEL", "quantum:stream:apply.result", "0-1"),
    ("XGROUP", "DESTROY", "quantum:stream:apply.result", "p35_decision_intel"),
    ("HGETALL", "other"),
]


@pytest.fixture(scope="module", params=SERVERS, ids=lambda pair: "-".join(pair))
def secured(request: pytest.FixtureRequest) -> Iterator[PrivateRedis]:
    version, name = request.param
    with SecuredRedis(VERSIONS[version], name) as server, server.client() as raw:
        for key, kind in SAMPLE.items():
            write = WRITES[kind]
            raw.execute_command(write[0], key, *write[1:])
        yield server


def delivered(secured: PrivateRedis) -> list[str]:
    """The users of this server."""
    with secured.client(decode_responses=True) as raw:
        return [user for user in raw.acl_users() if user != "default"]


def may(secured: PrivateRedis, user: str, *command: str) -> bool:
    """Whether Redis lets `user` do it."""
    with secured.client(username=user, password=password(user), retry=NEVER) as one:
        try:
            one.execute_command(*command)
        except DENIED:
            return False
        except redis.ResponseError:
            return True  # (not denied, but of no use on this key)
        return True


def test_nobody_may_do_what_is_for_administrators(secured: PrivateRedis) -> None:
    assert len(delivered(secured)) >= 4
    assert not [(user, one) for user in delivered(secured) for one in FORBIDDEN if may(secured, user, *one)]


def test_each_user_writes_its_own_keys_and_no_others(secured: PrivateRedis) -> None:
    for user in delivered(secured):
        written = {key for key, kind in SAMPLE.items() if may(secured, user, WRITES[kind][0], key, *WRITES[kind][1:])}
        # XADD to what is no stream does nothing: who may only add is not among these.
        if user == "quantum-governor" and "quantum-allocation" not in delivered(secured):
            written.remove("quantum:capital:efficiency:BTCUSDT")  # 6.2 knows no keys that are only read
        if user == "quantum-alerts" and "quantum-allocation" not in delivered(secured):
            written -= {
                "quantum:p35:status",
                "quantum:p35:bucket:202602010657",
                "quantum:p35:hour:2026020106",
                "quantum:stream:apply.result",
            }  # likewise
        if user == "quantum-history" and "quantum-allocation" not in delivered(secured):
            written.remove("quantum:p35:bucket:202602010657")  # likewise
        assert written == MAY_WRITE[user], user
        assert [key for key in MAY_READ[user] if not may(secured, user, "HGET", key, "f")] == [], user
        if user in MAY_ADD:
            assert may(secured, user, "XADD", MAY_ADD[user], "*", "f", "v")


def test_from_redis_7_on_nobody_can_destroy_what_it_only_reads(secured: PrivateRedis) -> None:
    users = delivered(secured)
    destroyers = {
        (user, key)
        for user in users
        for key in SAMPLE
        for command in (("DEL", key), ("EXPIRE", key, "0"), ("SET", key, "x"))
        if key not in MAY_WRITE[user] and may(secured, user, *command)
    }
    if "quantum-allocation" in users:
        assert destroyers == set()
    else:
        assert {user for user, _ in destroyers} == {
            "quantum-p35",
            "quantum-alerts",
            "quantum-governor",
            "quantum-history",
        }  # as the file says


def test_as_delivered_nobody_can_log_in(tmp_path: Path) -> None:
    for name in (EVERY_VERSION, FROM_7):
        path = tmp_path / name
        path.write_text("\n".join(lines(name).values()) + "\n", "utf-8")
        with PrivateRedis(aclfile=str(path)) as server:
            for user in lines(name):
                for word in ("", password(user)):
                    login = {"username": user, "password": word, "retry": NEVER}
                    with server.client(**login) as one, pytest.raises(redis.exceptions.AuthenticationError):
                        one.ping()


def test_the_two_files_name_the_same_commands() -> None:
    plain, strict = lines(EVERY_VERSION), lines(FROM_7)
    assert set(strict) == set(plain) | {"quantum-allocation", "quantum-proof"}
    for user, line in plain.items():
        assert set(re.findall(r"\+[\w|]+", line)) == set(re.findall(r"\+[\w|]+", strict[user])), user


@pytest.mark.parametrize("name", [EVERY_VERSION, FROM_7])
def test_the_installation_is_as_the_head_of_the_file_says(name: str, tmp_path: Path) -> None:
    text = (FOLDER / name).read_text("utf-8")
    commands = re.findall(r"^#     ((?:hash|sed).*)$", text, re.MULTILINE)
    assert len(commands) == 2
    (tmp_path / "p35.password").write_text("a word\n", "utf-8")
    (tmp_path / name).write_text(text, "utf-8")
    script = "\n".join(commands).replace("/etc/redis/users.acl", "installed.acl")
    subprocess.run(["sh", "-ec", script], cwd=tmp_path, check=True)
    installed = (tmp_path / "installed.acl").read_text("utf-8")
    assert installed.startswith(f"user quantum-p35 on #{hashlib.sha256(b'a word').hexdigest()} ")
    login = {"username": "quantum-p35", "password": "a word", "retry": NEVER}
    with PrivateRedis(aclfile=str(tmp_path / "installed.acl")) as server, server.client(**login) as one:
        assert one.time()


def test_requirepass_does_not_hold_beside_a_file_of_users(tmp_path: Path) -> None:
    """The reason for the warning in the files."""
    (tmp_path / "users.acl").write_text(lines(EVERY_VERSION)["quantum-console"] + "\n", "utf-8")
    with PrivateRedis(aclfile=str(tmp_path / "users.acl"), requirepass="word") as server, server.client() as anyone:
        assert anyone.flushall()
