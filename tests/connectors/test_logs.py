"""Logs: one printable line a state change, in text or JSON, and one for a bug."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.support.flow_process import ROOT

PROGRAM = """
import structlog
from connectors import logs
from connectors.settings import RedisSettings
logs.configure(RedisSettings(log_level={level!r}, log_format={form!r}), "test")
log = structlog.get_logger()
log.debug("hardly ever")
log.info("it began", key=b"a\\xff", text="two words\\n\\x1b[2J", seconds=1.23456, empty="")
{then}
"""


def logged(form: str = "text", level: str = "INFO", then: str = "") -> list[str]:
    """The lines that a process logs which says something hostile, and does what is given `then`."""
    command = [sys.executable, "-c", PROGRAM.format(form=form, level=level, then=then)]
    env = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, timeout=120, check=False)
    assert done.stdout == b""
    return done.stderr.decode().splitlines()


def test_a_line_of_text_is_printable_and_says_when_who_and_what() -> None:
    (line,) = logged()
    assert line.isprintable()
    when, _space, said = line.partition(" ")
    assert len(when) == len("2026-02-01T06:57:00.123Z")
    assert said == "info    test: it began key=a� text='two words��[2J' seconds=1.235 empty=''"


def test_a_line_of_json_has_the_same_as_members() -> None:
    (line,) = logged("json")
    read = json.loads(line)
    assert line.isprintable()
    assert {read.pop(name) for name in ("level", "service", "event")} == {"info", "test", "it began"}
    assert read.pop("timestamp").endswith("Z")
    assert read == {"key": "a�", "text": "two words��[2J", "seconds": 1.23456, "empty": ""}


@pytest.mark.parametrize(("level", "lines"), [("DEBUG", 2), ("INFO", 1), ("WARNING", 0)])
def test_the_level_decides_what_is_said(level: str, lines: int) -> None:
    assert len(logged(level=level)) == lines


BUG = "raise ValueError('outer') from KeyError('in\\nner')"


def test_an_exception_that_nobody_caught_is_one_line_with_its_first_cause() -> None:
    (line,) = logged(level="WARNING", then=BUG)
    assert "this is a bug; LOG_LEVEL=DEBUG shows where" in line
    assert "KeyError" in line
    assert "Traceback" not in line


def test_at_debug_the_traceback_follows() -> None:
    lines = logged(level="DEBUG", then=BUG)
    assert any(line.startswith("Traceback") for line in lines)
