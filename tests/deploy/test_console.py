"""The command `quantum` as it is installed: which Redis it asks, for whom, and what it does where it may not know."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.private_redis import PrivateRedis
from tests.support.flow_process import ROOT
from tests.support.users import password

NOBODY, GROUP = 64_998, 64_997
"""Numbers of a user and a group that nobody has."""

SHOW = """#!/bin/sh
# In place of the interpreter: what it is given.
env | grep -E '^(REDIS_|KEY_PREFIX|LOG_)' | sort
echo "$@"
"""


class Place:
    """A root that holds the command, an interpreter that shows what it is given, and settings."""

    def __init__(self, root: Path) -> None:
        self.settings = root / "etc/quantum/console.env"
        self.command = root / "opt/quantum-flows/releases/1-a/bin/quantum"
        for path in (self.settings, self.command):
            path.parent.mkdir(parents=True)
        shutil.copy(ROOT / "deploy/quantum.sh", self.command)
        interpreter = self.command.parent / "python"
        interpreter.write_text(SHOW, "utf-8")
        interpreter.chmod(0o755)
        self.link = root / "quantum"
        self.link.symlink_to(self.command)

    def run(
        self, *arguments: str, groups: tuple[int, ...] | None = None, **env: str
    ) -> subprocess.CompletedProcess[str]:
        """The command; with `groups` as nobody who is in these groups."""
        who = {} if groups is None else {"user": NOBODY, "group": NOBODY, "extra_groups": groups}
        return subprocess.run(
            [self.link, *arguments],
            env={"PATH": os.environ["PATH"], **env},
            capture_output=True,
            text=True,
            timeout=30,
            **who,  # type: ignore[call-overload]
        )

    def given(self, *arguments: str, **env: str) -> list[str]:
        """What the interpreter is given, its arguments last."""
        done = self.run(*arguments, **env)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout.splitlines()


@pytest.fixture
def place() -> Iterator[Place]:
    # (a folder into which others may look, as pytest's are not)
    with tempfile.TemporaryDirectory(prefix="quantum-console-") as folder:
        Path(folder).chmod(0o755)
        yield Place(Path(folder))


def test_it_finds_redis_by_its_settings(place: Place) -> None:
    lines = [
        "# where",
        "",
        "; and who",
        "REDIS_HOST=redis.example",
        "  REDIS_USERNAME=first  ",
        'REDIS_USERNAME="quantum console"',
        "REDIS_PASSWORD_FILE='/a file'",
        'REDIS_PASSWORD=a=b"c',
        "KEY_PREFIX={quantum}",
    ]
    place.settings.write_text("\n".join(lines), "utf-8")
    assert place.given("why", "-w", "1h", "a b") == [
        "KEY_PREFIX={quantum}",
        "REDIS_HOST=redis.example",
        'REDIS_PASSWORD=a=b"c',
        "REDIS_PASSWORD_FILE=/a file",
        "REDIS_USERNAME=quantum console",
        "-I -m console why -w 1h a b",
    ]


def test_what_the_caller_says_wins(place: Place) -> None:
    place.settings.write_text("REDIS_HOST=redis.example\nKEY_PREFIX=file\nLOG_LEVEL=DEBUG\n", "utf-8")
    given = place.given("why", KEY_PREFIX="caller", log_level="INFO", LOG_FORMAT="json")
    assert given == ["KEY_PREFIX=caller", "LOG_FORMAT=json", "REDIS_HOST=redis.example", "-I -m console why"]
    # (empty is not set)
    assert "REDIS_HOST=redis.example" in place.given("why", REDIS_URL="")


@pytest.mark.parametrize("name", ["REDIS_URL", "REDIS_HOST", "REDIS_PORT", "REDIS_DB", "REDIS_USERNAME", "redis_host"])
def test_a_caller_who_says_anything_of_redis_says_all_of_it(place: Place, name: str) -> None:
    place.settings.write_text("REDIS_URL=redis://u:secret@a\nREDIS_PASSWORD=secret\nKEY_PREFIX=file\n", "utf-8")
    assert place.given("why", **{name: "1"}) == [*([f"{name}=1"] if name.isupper() else []), "-I -m console why"]


@pytest.mark.parametrize("arguments", [("why", "--redis-url", "redis://b"), ("why", "--redis-url=redis://b")])
def test_so_does_one_who_names_it_on_the_command_line(place: Place, arguments: tuple[str, ...]) -> None:
    place.settings.write_text("REDIS_PASSWORD=secret\n", "utf-8")
    assert place.given(*arguments) == ["-I -m console " + " ".join(arguments)]


def test_without_settings_it_asks_as_it_would_anyway(place: Place) -> None:
    assert place.given("why") == ["-I -m console why"]


@pytest.mark.parametrize("line", ["REDIS_HOST", "redis host=a", "export REDIS_PASSWORD=secret", "=secret"])
def test_a_line_that_sets_nothing_is_a_wrong_setting(place: Place, line: str) -> None:
    place.settings.write_text(f"# where\n{line}\n", "utf-8")
    done = place.run("why")
    assert (done.returncode, done.stdout) == (78, "")
    assert done.stderr == f"quantum: line 2 of {place.settings} is not NAME=value\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else: run the tests as root")
def test_who_may_not_read_the_settings_is_told_and_goes_on_without(place: Place) -> None:
    place.settings.write_text("REDIS_HOST=redis.example\n", "utf-8")
    place.settings.chmod(0o640)
    os.chown(place.settings, 0, GROUP)
    member = place.run("why", groups=(GROUP,))
    assert (member.stdout, member.stderr) == ("REDIS_HOST=redis.example\n-I -m console why\n", "")
    other = place.run("why", groups=())
    assert (other.returncode, other.stdout) == (0, "-I -m console why\n")
    assert "only the group quantum-console may read" in other.stderr
    assert place.run("why", groups=(), REDIS_URL="redis://b").stderr == ""


def test_a_proof_is_that_of_what_is_installed_wherever_it_is_called(root: Path, tmp_path: Path) -> None:
    (tmp_path / "console").mkdir()
    (tmp_path / "console/__init__.py").write_text("raise SystemExit('not this one')\n", "utf-8")
    done = subprocess.run(
        [ROOT / "deploy/proof_p35.sh", "--help"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "ROOT": str(root)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "quantum proof p35" in done.stdout


def test_what_is_installed_asks_as_the_user_of_the_console(root: Path, locked: PrivateRedis, tmp_path: Path) -> None:
    secret = root / "etc/quantum/console.redis_password"
    secret.write_text(password("quantum-console") + "\n", "utf-8")
    with (root / "etc/quantum/console.env").open("a") as settings:
        settings.write(f"REDIS_HOST=127.0.0.1\nREDIS_PORT={locked.port}\n")
        settings.write(f"REDIS_USERNAME=quantum-console\nREDIS_PASSWORD_FILE={secret}\n")
    # What lies where it is called must not become a part of it.
    (tmp_path / "console").mkdir()
    (tmp_path / "console/__init__.py").write_text("raise SystemExit('not this one')\n", "utf-8")
    with locked.client(password="admin") as client:
        client.xgroup_create("quantum:stream:apply.result", "p35_decision_intel", mkstream=True)
    done = subprocess.run(
        [root / "opt/quantum-flows/current/bin/quantum", "lag", "--json"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert [group["group"] for group in json.loads(done.stdout)["groups"]] == ["p35_decision_intel"]
