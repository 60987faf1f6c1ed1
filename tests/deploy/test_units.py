"""The units and env files: what systemd says of them, and what they must agree with."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support import env_files
from tests.support.flow_process import ROOT
from tests.support.installation import Installation
from tests.support.unit_file import read_environment, read_unit

FOLDER = ROOT / "deploy/systemd"
UNITS = sorted(FOLDER.glob("*.service"))
FLOWS = {
    "p35-decision-intelligence": "p35",
    "p35-alerts": "alerts",
    "allocation-target": "allocation",
    "governor": "governor",
    "history": "history",
}
SERVED = "console"
"""The unit that runs no flow."""
RESTARTS = {"p35-decision-intelligence": ("on-failure", "10"), "allocation-target": ("always", "2")}
EXPOSURE = 1.3
"""The most that `systemd-analyze security` may find, of 10."""

each_unit = pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)


def name_of(path: Path) -> str:
    """Of the unit at `path`, without `quantum-`."""
    return path.stem.removeprefix("quantum-")


HARDENED = {
    "NoNewPrivileges": "yes",
    "CapabilityBoundingSet": "",
    "AmbientCapabilities": "",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "PrivateDevices": "yes",
    "PrivateUsers": "yes",
    "ProtectKernelModules": "yes",
    "ProtectKernelTunables": "yes",
    "ProtectControlGroups": "yes",
    "ProtectProc": "invisible",
    "ProcSubset": "pid",
    "RestrictNamespaces": "yes",
    "RestrictSUIDSGID": "yes",
    "RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX",
    "LockPersonality": "yes",
    "MemoryDenyWriteExecute": "yes",
    "SystemCallArchitectures": "native",
    "UMask": "0077",
    "User": "quantum",
    "TasksMax": "64",
    "LimitCORE": "0",
}
"""What confines most. How much all of it is worth, systemd-analyze knows."""


@pytest.fixture
def analyze() -> str:
    """systemd-analyze. Where there is none, the other tests still hold the units to what was agreed."""
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("no systemd-analyze here (Debian: apt-get install systemd)")
    return program


def test_there_is_a_unit_and_an_env_file_for_each_flow() -> None:
    assert {name_of(path) for path in UNITS} == {*env_files.SETTINGS, SERVED}
    assert set(env_files.SETTINGS) <= set(FLOWS)
    assert {path.stem for path in env_files.FOLDER.iterdir()} == {*env_files.SETTINGS, env_files.CONSOLE}


@each_unit
def test_systemd_finds_no_more_exposure_than_agreed(path: Path, analyze: str) -> None:
    command = [analyze, "--no-pager", "security", "--offline=true", f"--threshold={EXPOSURE * 10:.0f}", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout
    (exposure,) = re.findall(r"exposure level[^:]*: ([0-9.]+)", done.stdout)
    assert float(exposure) <= EXPOSURE
    assert done.stderr == ""


def test_systemd_has_nothing_to_say_against_what_is_installed(
    installed: Installation, analyze: str, tmp_path: Path
) -> None:
    """It says what it does not understand, and succeeds all the same."""
    one = installed.copy(tmp_path)
    # (the units that ours refer to)
    system = next(path for path in (Path("/usr/lib/systemd/system"), Path("/lib/systemd/system")) if path.is_dir())
    shutil.copytree(system, one.root / "usr/lib/systemd/system", symlinks=True)
    names = [path.name for path in UNITS]
    # (links that lead out of a root are not followed; the interpreter is one)
    for program in (one.root / "opt/quantum-flows/current/bin").glob("python*"):
        if program.is_symlink() and program.readlink().is_absolute():
            target = program.resolve()
            program.unlink()
            shutil.copy(target, program)
    done = subprocess.run(
        [analyze, "--no-pager", "verify", "--man=no", f"--root={one.root}", *names],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=240,
    )
    assert (done.returncode, done.stdout) == (0, "")


@each_unit
def test_a_unit_says_what_was_agreed(path: Path) -> None:
    name, unit = name_of(path), read_unit(path)
    service = {setting: values[-1] for setting, values in unit["Service"].items()}
    program = "console serve" if name == SERVED else f"bytewax.run flows.{FLOWS[name]}"
    assert service["ExecStart"] == f"/opt/quantum-flows/current/bin/python -m {program}"
    assert name == SERVED or (ROOT / f"flows/{FLOWS[name]}.py").exists()
    assert service["EnvironmentFile"] == f"/etc/quantum/{name}.env"
    for given, default in zip(unit["Service"]["LoadCredential"], unit["Service"]["SetCredential"], strict=True):
        credential = given.partition(":")[0]
        assert given == f"{credential}:/etc/quantum/credentials/{name}.{credential}"
        assert (
            default == f"{credential}:\\n"
        )  # (without a default, a missing file would keep the service from starting)
    assert "redis_password:\\n" in unit["Service"]["SetCredential"]
    assert (service["Type"], service["MemoryMax"], service["CPUQuota"]) == (
        "notify",
        "256M",
        "100%" if name == SERVED else "20%",
    )
    assert int(service["WatchdogSec"]) > 0
    assert service["RestartPreventExitStatus"] == "78"
    assert (service["Restart"], service["RestartSec"]) == RESTARTS.get(
        name, (service["Restart"], service["RestartSec"])
    )
    assert unit["Unit"]["StartLimitIntervalSec"] == ["0"]
    assert not service["WorkingDirectory"].startswith(("/home", "/root"))


def test_all_units_are_hardened_alike() -> None:
    first = {setting: values[-1] for setting, values in read_unit(UNITS[0])["Service"].items()}
    assert HARDENED.items() <= first.items()
    own = {
        "ExecStart",
        "EnvironmentFile",
        "LoadCredential",
        "SetCredential",
        "Restart",
        "RestartSec",
        "CPUQuota",
        "LimitNOFILE",
    }
    alike = [
        {setting: values for setting, values in read_unit(path)["Service"].items() if setting not in own}
        for path in UNITS
    ]
    assert all(one == alike[0] for one in alike)


@pytest.mark.parametrize("name", [*env_files.SETTINGS, env_files.CONSOLE])
def test_an_env_file_is_what_the_settings_say(name: str) -> None:
    written = (env_files.FOLDER / f"{name}.env").read_text("utf-8")
    assert written == env_files.document(name), "run `make docs`"


@pytest.mark.parametrize("name", env_files.SETTINGS)
def test_the_defaults_in_an_env_file_are_valid(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = (env_files.FOLDER / f"{name}.env").read_text("utf-8").splitlines()
    active = [line[1:] for line in lines if line.startswith("#") and "=" in line and line[1:2].isupper()]
    path = tmp_path / "all.env"
    path.write_text("\n".join(active), "utf-8")
    settings = env_files.SETTINGS[name]
    for variable, value in read_environment(path).items():
        monkeypatch.setenv(variable, value)
    assert set(read_environment(path)) == {field.upper() for field in settings.model_fields}
    given = settings()
    for field in settings.model_fields:
        monkeypatch.delenv(field.upper())
    assert given == settings()
