"""What systemd says of the unit: asked of a real process that answers like `systemctl show`, or does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.queries import unit
from console.queries.unit import UnitState, read_units

NAME = "quantum-p35-decision-intelligence.service"
OTHER = "quantum-p35-alerts.service"


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The program, still to be written, on a machine that systemd has booted."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    monkeypatch.setattr(unit, "_BOOTED", tmp_path)
    return tmp_path / "systemctl"


def read_unit(name: str) -> UnitState:
    return read_units([name])[name]


def says(program: Path, script: str) -> None:
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def test_a_unit_is_what_systemd_says(systemctl: Path) -> None:
    lines = "LoadState=loaded\\nActiveState=failed\\nSubState=failed\\nNRestarts=3\\n"
    says(systemctl, f'[ "$1 $3 $4" = "show -- {NAME}" ] && printf "{lines}"')
    assert read_unit(NAME) == UnitState(NAME, "failed", "failed", 3)
    assert read_unit(NAME).sentence == f"{NAME}: failed (failed), restarted 3 times"
    says(systemctl, 'printf "LoadState=not-found\\nActiveState=inactive\\nSubState=dead\\n"')
    assert read_unit(NAME).sentence == f"{NAME}: not installed (no such unit)"


def test_several_units_are_asked_for_at_once(systemctl: Path) -> None:
    one = "LoadState=loaded\\nActiveState=active\\nSubState=running\\nNRestarts=0\\nUnitFileState=enabled\\n"
    two = "LoadState=loaded\\nActiveState=inactive\\nSubState=dead\\nNRestarts=0\\nUnitFileState=disabled\\n"
    says(systemctl, f'[ "$3 $4 $5" = "-- {NAME} {OTHER}" ] && printf "{one}\\n{two}"')
    found = read_units([NAME, OTHER])
    assert list(found.values()) == [
        UnitState(NAME, "active", "running", 0, "enabled"),
        UnitState(OTHER, "inactive", "dead", 0, "disabled"),
    ]
    assert [(unit.installed, unit.switched_off) for unit in found.values()] == [(True, False), (True, True)]
    says(systemctl, f'printf "{one}"')
    assert not any(unit.installed for unit in read_units([NAME, OTHER]).values()), "which of them is it?"


def test_what_nobody_says_is_not_known(systemctl: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unknown = UnitState(NAME, None, None, None)
    says(systemctl, "echo 'System has not been booted with systemd' >&2; exit 1")
    assert read_unit(NAME) == unknown
    assert unknown.sentence.endswith(": unknown (no systemd)")
    monkeypatch.setattr(unit, "_TIMEOUT", 0.1)
    says(systemctl, "exec sleep 60")
    assert read_unit(NAME) == unknown
    systemctl.write_text("#!/does/not/exist\n")
    assert read_unit(NAME) == unknown
    monkeypatch.setattr(unit, "_BOOTED", systemctl / "missing")
    assert read_unit(NAME) == unknown
