"""A process's wish to stop, and the status that it ends with."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest
from structlog.testing import capture_logs

from connectors.lifecycle import Lifecycle
from tests.support.flow_process import ROOT


def test_a_stop_is_told_once_with_its_first_reason() -> None:
    one = Lifecycle()
    assert not one.stopping
    with capture_logs() as logs:
        one.stop("first")
        one.stop("second")
    assert (one.stopping, one.exit_status) == (True, 0)
    assert [line["reason"] for line in logs] == ["first"]


def test_the_first_failure_sets_the_status() -> None:
    one = Lifecycle()
    with capture_logs() as logs:
        one.fail("broken", 78)
        one.fail("broken, too", 1)
    assert (one.stopping, one.exit_status) == (True, 78)
    assert [(line["event"], line["exit_status"]) for line in logs] == [("broken", 78)]


def test_a_wait_ends_with_the_stop() -> None:
    one = Lifecycle()
    assert not one.wait(0)
    one.stop("test")
    assert one.wait(3_600)


def test_forgotten_is_as_good_as_new() -> None:
    one = Lifecycle()
    one.fail("broken", 78)
    one.reset()
    assert (one.stopping, one.exit_status) == (False, 0)


PROGRAM = """
from connectors.lifecycle import lifecycle
lifecycle.install()
print("ready", flush=True)
while not lifecycle.wait(60):
    pass
{then}
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(("then", "status"), [("", 0), ("lifecycle.fail('broken', 78)", 78)])
def test_a_signal_ends_a_process_with_the_status_that_was_set(number: int, then: str, status: int) -> None:
    command = [sys.executable, "-c", PROGRAM.format(then=then)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(number)
        assert process.wait(120) == status
