"""Ctrl-C ends what waits for keys, wherever it comes."""

from __future__ import annotations

import signal
import subprocess
import sys

from tests.support.flow_process import ROOT

IN_A_DESTRUCTOR = """
import os, signal
from console.terminal.keyboard import keyboard

class Fragile:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        sum(range(100))  # (where a handler would raise, in vain)

with keyboard() as wait:
    one = Fragile()
    del one
    wait(1)
    print("nobody has noticed")
"""


def test_it_is_not_lost_where_no_exception_comes_through() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IN_A_DESTRUCTOR], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout) == (-signal.SIGINT, ""), done.stderr
