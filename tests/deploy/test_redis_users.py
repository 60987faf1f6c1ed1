"""`deploy/redis/users.sh`: real servers take what it prints, and let in who knows the passwords, and nobody else."""

from __future__ import annotations

import os
import pty
import re
import subprocess
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from connectors.private_redis import PROGRAMS, PrivateRedis
from tests.support.flow_process import ROOT
from tests.support.users import EVERY_VERSION, FROM_7, lines

SCRIPT = ROOT / "deploy/redis/users.sh"
DENIED = redis.exceptions.AuthenticationError


AT_ONCE = Retry(NoBackoff(), 0)
"""Or the client would try a wrong password again and again, ever later."""


def printed(*arguments: str) -> str:
    """What the script prints into a pipe; it must have nothing to say besides."""
    done = subprocess.run([SCRIPT, *arguments], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def passwords(text: str) -> dict[str, str]:
    """User -> password, of what the script printed."""
    return dict(re.findall(r"^user (\S+) on >(\S+) ", text, re.MULTILINE))


@pytest.fixture(params=PROGRAMS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("option", ["aclfile", "include"])
def test_a_server_takes_them_and_lets_each_in(version: str, option: str, tmp_path: Path) -> None:
    users = printed("--redis", version)
    found = passwords(users)
    assert set(found) == {"default", *lines(EVERY_VERSION if version == "6.2" else FROM_7)}
    assert len(set(found.values())) == len(found)
    path = tmp_path / "users.acl"
    path.write_text(users, "utf-8")
    with PrivateRedis(version, **{option: str(path)}) as server:
        for user, password in found.items():
            with server.client(username=user, password=password) as client:
                # (SELECT is what all may)
                assert client.execute_command("SELECT", 0)
            wrong = {"username": user, "password": password[:-1], "retry": AT_ONCE}
            with server.client(**wrong) as client, pytest.raises(DENIED):
                client.execute_command("SELECT", 0)
        with server.client(retry=AT_ONCE) as client, pytest.raises(DENIED):
            client.ping()


def test_once_saved_the_file_has_no_password_and_they_still_hold(version: str, tmp_path: Path) -> None:
    users = printed("--redis", version)
    found = passwords(users)
    path = tmp_path / "users.acl"
    path.write_text(f"user default on nopass ~* &* +@all\n{users.partition(chr(10))[2]}", "utf-8")
    with PrivateRedis(version, aclfile=str(path)) as server:
        path.write_text(users, "utf-8")
        with server.client() as client:
            client.execute_command("ACL", "LOAD")
        with server.client(username="default", password=found["default"]) as client:
            client.execute_command("ACL", "SAVE")
        saved = path.read_text("utf-8")
        assert not [user for user, password in found.items() if password in saved]
        server.stop()
        server.start()
        with server.client(username="quantum-console", password=found["quantum-console"]) as client:
            assert client.ping()


def test_the_rules_are_those_that_are_delivered() -> None:
    for version, name in (("6.2", EVERY_VERSION), ("7.2", FROM_7)):
        users = printed("--redis", version)
        rules = dict(re.findall(r"^user (\S+) on >\S+ (.*)$", users, re.MULTILINE))
        assert rules.pop("default") == "~* &* +@all"
        assert {user: f"user {user} off {rest}" for user, rest in rules.items()} == lines(name)
    tagged = printed("--prefix", "{eu}", "quantum-console", "default").splitlines()
    assert [line.split()[1] for line in tagged] == ["quantum-console", "default"]
    assert "quantum:" not in tagged[0]
    assert tagged[0].count("{eu}:") == lines(FROM_7)["quantum-console"].count("quantum:")


def test_no_two_runs_give_the_same_password() -> None:
    first, second = (passwords(printed()) for _ in range(2))
    assert not set(first.values()) & set(second.values())
    assert all(re.fullmatch(r"[0-9a-f]{48}", password) for password in (*first.values(), *second.values()))


def test_a_file_that_others_may_read_gets_none(tmp_path: Path) -> None:
    for mode, wanted in ((0o644, 1), (0o640, 1), (0o604, 1), (0o600, 0)):
        path = tmp_path / f"{mode:o}"
        path.touch()
        path.chmod(mode)
        with path.open("w") as out:
            done = subprocess.run([SCRIPT], stdout=out, stderr=subprocess.PIPE, text=True, timeout=30)
        assert done.returncode == wanted
        assert ("others could read" in done.stderr) == bool(path.read_text("utf-8") == "")


def test_a_terminal_is_warned_of() -> None:
    ours, theirs = pty.openpty()
    done = subprocess.run([SCRIPT, "quantum-p35"], stdout=theirs, stderr=subprocess.PIPE, text=True, timeout=30)
    os.close(theirs)
    shown = os.read(ours, 10_000).decode()
    os.close(ours)
    assert done.returncode == 0
    assert "these passwords stay on your screen" in done.stderr
    assert set(passwords(shown)) == {"quantum-p35"}


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--redis", "5"), "6.2"),
        (("--redis",), "--redis"),
        (("--prefix", "a/b"), "--prefix"),
        (("--prefix", ""), "--prefix"),
        (("--faster",), "--faster"),
        (("nobody",), "nobody"),
        (("--redis", "6.2", "quantum-allocation"), "quantum-allocation"),
    ],
)
def test_wrong_usage_prints_no_password(arguments: tuple[str, ...], word: str) -> None:
    done = subprocess.run([SCRIPT, *arguments], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout) == (2, "")
    assert word in done.stderr
