"""What systemd says of a unit on this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_TIMEOUT = 2.0
"""Seconds to wait for systemd."""

_BOOTED = Path("/run/systemd/system")
"""There where systemd runs the machine (sd_booted(3))."""


@dataclass(frozen=True, slots=True)
class UnitState:
    """A unit. The fields are systemd's own words; None where systemd does not run here, or does not say."""

    name: str
    active: str | None
    """`active`, `inactive`, `failed`, ..."""
    sub: str | None
    """`running`, `dead`, ..."""
    restarts: int | None
    """How often systemd has started it again."""

    @property
    def sentence(self) -> str:
        """For a person."""
        if self.active is None:
            return f"{self.name}: not known (no systemd here)"
        restarts = f", restarted {self.restarts} times" if self.restarts else ""
        return f"{self.name}: {self.active} ({self.sub}){restarts}"


def read_unit(name: str) -> UnitState:
    """The state of the unit `name`. Blocks for two seconds at the most, and never raises."""
    program = shutil.which("systemctl")
    if program is None or not _BOOTED.exists():
        return UnitState(name, None, None, None)
    command = [program, "show", "--property=LoadState,ActiveState,SubState,NRestarts", "--", name]
    env = {**os.environ, "LC_ALL": "C", "SYSTEMD_COLORS": "0"}
    try:
        done = subprocess.run(
            command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_TIMEOUT, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return UnitState(name, None, None, None)
    return parse(name, dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line))


def parse(name: str, properties: Mapping[str, str]) -> UnitState:
    """The state that the `properties` of `systemctl show` describe. Pure."""
    if properties.get("LoadState") == "not-found":
        return UnitState(name, "not installed", "no such unit", None)
    restarts = properties.get("NRestarts", "")
    return UnitState(
        name,
        properties.get("ActiveState"),
        properties.get("SubState"),
        int(restarts) if restarts.isdecimal() else None,
    )
