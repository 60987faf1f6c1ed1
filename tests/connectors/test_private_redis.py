"""A server, and whatever else is started like it, ends with the process that started it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.flow_process import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")

_SLEEPER = """
import subprocess, sys
from connectors.private_redis import die_with_parent
child = subprocess.Popen(["sleep", "infinity"], stdin=subprocess.DEVNULL, preexec_fn=die_with_parent())
print(child.pid, flush=True)
sys.stdin.read()
"""

_ORPHAN = """
import os
from connectors.private_redis import die_with_parent
ask, parent = die_with_parent(), os.getpid()
if os.fork():
    os._exit(0)
while os.getppid() == parent:
    pass
ask()
print("still here", flush=True)
"""


def test_a_child_dies_with_a_parent_that_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _SLEEPER], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert Path(f"/proc/{child}").exists()
        parent.kill()
        # The child holds the other end of our pipe for as long as it lives.
        assert parent.stdout.read() == ""
    assert parent.returncode == -signal.SIGKILL


def test_a_child_whose_parent_died_before_it_could_ask_dies_too() -> None:
    orphan = subprocess.run([sys.executable, "-c", _ORPHAN], cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert (orphan.stdout, orphan.stderr) == ("", "")
