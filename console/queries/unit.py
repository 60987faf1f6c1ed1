"""What systemd says of units on this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_TIMEOUT = 2.0
"""Seconds to wait for systemd."""

_NOT_INSTALLED = "not installed"

_PROPERTIES = "LoadState,ActiveState,SubState,NRestarts,UnitFileState"

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
    file: str | None = None
    """Of its file: `enabled`, `disabled`, `masked`, ..."""

    @property
    def installed(self) -> bool:
        """Whether there is such a unit here."""
        return self.active is not None and self.active != _NOT_INSTALLED

    @property
    def switched_off(self) -> bool:
        """Whether it is stopped, and will not start with the machine: somebody wants it so."""
        return self.active == "inactive" and self.file in ("disabled", "masked", "masked-runtime")

    @property
    def sentence(self) -> str:
        """For a person."""
        if self.active is None:
            return f"{self.name}: unknown (no systemd)"
        restarts = f", restarted {self.restarts} times" if self.restarts else ""
        return f"{self.name}: {self.active} ({self.sub}){restarts}"


def read_units(names: Sequence[str]) -> dict[str, UnitState]:
    """The state of each of the units `names`. Blocks for two seconds at the most, and never raises."""
    unknown = {name: UnitState(name, None, None, None) for name in names}
    program = shutil.which("systemctl")
    if program is None or not _BOOTED.exists():
        return unknown
    command = [program, "show", f"--property={_PROPERTIES}", "--", *names]
    env = {**os.environ, "LC_ALL": "C", "SYSTEMD_COLORS": "0"}
    try:
        done = subprocess.run(
            command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_TIMEOUT, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return unknown
    # An empty line between two units, in the order in which they were asked for.
    blocks = done.stdout.strip().split("\n\n")
    if len(blocks) != len(names):
        return unknown
    return {
        name: parse(name, dict(line.split("=", 1) for line in block.splitlines() if "=" in line))
        for name, block in zip(names, blocks, strict=True)
    }


def parse(name: str, properties: Mapping[str, str]) -> UnitState:
    """The state that the `properties` of `systemctl show` describe. Pure."""
    if properties.get("LoadState") == "not-found":
        return UnitState(name, _NOT_INSTALLED, "no such unit", None)
    restarts = properties.get("NRestarts", "")
    return UnitState(
        name,
        properties.get("ActiveState"),
        properties.get("SubState"),
        int(restarts) if restarts.isdecimal() else None,
        properties.get("UnitFileState") or None,
    )
