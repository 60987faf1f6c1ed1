"""`deploy/install.sh`, for real, on roots of its own: what lies where, one flow alone, a dry run, and wrong usage."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import flows
from tests.support.flow_process import ROOT
from tests.support.installation import ENV, UNITS, Installation, python

P35 = "quantum-p35-decision-intelligence.service"
CONSOLE_ENV = "etc/quantum/console.env"


def test_the_script_has_no_fault_that_a_linter_knows() -> None:
    linter = Path(sys.executable).parent / "shellcheck"
    scripts = sorted((ROOT / "deploy").rglob("*.sh"))
    done = subprocess.run([linter, *scripts], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout


def test_all_is_where_it_belongs(installed: Installation, tmp_path: Path) -> None:
    assert installed.current is not None
    assert installed.current.startswith(f"releases/{flows.__version__}-")
    files = installed.files()
    for unit in UNITS:
        assert files[f"etc/systemd/system/{unit}"] == (ROOT / "deploy/systemd" / unit).read_text("utf-8")
        name = unit.removeprefix("quantum-").replace(".service", ".env")
        assert files[f"etc/quantum/{name}"] == (ROOT / "deploy/env" / name).read_text("utf-8")
    assert files[CONSOLE_ENV] == (ROOT / "deploy/env/console.env").read_text("utf-8")
    assert files["usr/local/bin/quantum"] == "/opt/quantum-flows/current/bin/quantum"
    assert (installed.root / "etc/quantum/credentials").stat().st_mode & 0o777 == 0o700
    assert [(installed.root / name).stat().st_mode & 0o777 for name in (ENV, CONSOLE_ENV)] == [0o640] * 2
    assert python(installed, "-c", "import flows, sys; print(flows.__version__, flows.__file__)").startswith(
        f"{flows.__version__} {installed.root}/opt/quantum-flows/current/"
    )


def test_what_is_installed_is_what_is_locked(installed: Installation) -> None:
    locked = [
        line.split(" ")[0] for line in (ROOT / "requirements.lock").read_text("utf-8").splitlines() if "==" in line
    ]
    held = python(installed, "-m", "pip", "--disable-pip-version-check", "freeze", "--all").lower().splitlines()
    names = {line.split("==")[0].replace("_", "-") for line in held if "==" in line}
    assert {line.replace("_", "-") for line in held if "==" in line and not line.startswith("pip==")} <= set(locked)
    assert {"bytewax", "redis", "hiredis"} <= names
    assert "setuptools" not in names


def test_scripts_name_the_place_where_they_will_be_run(installed: Installation) -> None:
    release = installed.root / "opt/quantum-flows/current"
    assert (release / "bin/pip").read_text("utf-8").startswith("#!/opt/quantum-flows/releases/")
    assert str(installed.root) not in (release / "bin/quantum").read_text("utf-8")
    assert str(installed.root) not in (release / "pyvenv.cfg").read_text("utf-8")


def test_without_systemd_units_are_enabled_by_their_links(installed: Installation, tmp_path: Path) -> None:
    one = installed.copy(tmp_path)
    done = one.run(systemd=False)
    assert done.returncode == 0, done.stdout
    assert one.calls() == []
    for unit in UNITS:
        link = f"etc/systemd/system/multi-user.target.wants/{unit}"
        assert one.files()[link] == f"/etc/systemd/system/{unit}"


def test_where_systemd_does_not_run_nothing_is_built_and_a_way_is_shown(tmp_path: Path) -> None:
    one = Installation(tmp_path / "root", tmp_path / "state")
    (one.state / "booted").rmdir()
    for arguments in ((), ("--rollback",), ("--dry-run",)):
        done = one.run(*arguments)
        assert done.returncode == 1
        assert "systemd does not run here" in done.stdout
        assert "--no-start" in done.stdout
    assert list(one.root.rglob("*")) == []
    assert one.calls() == []


def test_without_starting_it_installs_where_systemd_does_not_run(installed: Installation, tmp_path: Path) -> None:
    one = installed.copy(tmp_path)
    (one.state / "booted").rmdir()
    done = one.run("--no-start")
    assert done.returncode == 0, done.stdout
    assert "nothing was started" in done.stdout
    assert {f"etc/systemd/system/multi-user.target.wants/{unit}" for unit in UNITS} <= set(one.files())
    assert one.run("--uninstall").returncode == 0  # (nothing runs that would have to be stopped)
    assert all(name.startswith("etc/quantum/") for name in one.files())
    assert one.calls() == []


def test_a_good_run_ends_with_what_to_do_next(installed: Installation, tmp_path: Path) -> None:
    one = installed.copy(tmp_path)
    done = one.run("--flow", "p35")
    _, found, following = done.stdout.partition("next:\n")
    assert found
    for word in ("/etc/quantum/*.env", "/etc/quantum/console.env", "quantum why", "quantum-console"):
        assert word in following
    (proof,) = re.findall(r"\S+/proof_p35\.sh", following)
    assert os.access(proof, os.X_OK)
    assert "nothing was started" not in done.stdout


def test_a_first_version_that_does_not_come_up_stays_and_that_is_said(installed: Installation, tmp_path: Path) -> None:
    one = installed.copy(tmp_path)
    (one.state / "broken").write_text(str(one.current), "utf-8")
    before = one.files()
    done = one.run("--flow", "p35")
    assert done.returncode == 1
    assert f"version {str(one.current).removeprefix('releases/')} stays installed" in done.stdout
    assert "next:" not in done.stdout
    assert one.files() == before


def test_a_service_that_waits_for_redis_has_come_up(installed: Installation, tmp_path: Path) -> None:
    one = installed.copy(tmp_path)
    (one.state / "waiting").write_text("waiting for Redis at localhost:6379/0: refused\n", "utf-8")
    done = one.run("--wait", "1", "--flow", "p35")
    assert done.returncode == 0, done.stdout
    assert "waiting for Redis at localhost:6379/0: refused" in done.stdout
    (one.state / "waiting").write_text("\n", "utf-8")
    assert one.run("--wait", "1", "--flow", "p35").returncode == 1


def test_one_flow_alone(installed: Installation, tmp_path: Path) -> None:
    one = installed.copy(tmp_path)
    assert one.run("--uninstall").returncode == 0
    one.calls()
    done = one.run("--flow", "p35", "--dry-run")
    assert done.returncode == 0, done.stdout
    assert P35 in done.stdout
    assert not [unit for unit in UNITS if unit != P35 and unit in done.stdout]


def test_a_dry_run_changes_nothing_and_says_what_it_would_do(installed: Installation, tmp_path: Path) -> None:
    one = Installation(tmp_path / "root", tmp_path / "state")
    for arguments in ((), ("--uninstall", "--purge")):
        done = one.run("--dry-run", *arguments)
        assert done.returncode == 0, done.stdout
        assert "would run: " in done.stdout
    assert list(one.root.rglob("*")) == []
    copy = installed.copy(tmp_path / "copy") if (tmp_path / "copy").mkdir() is None else installed
    before = copy.files()
    for arguments in ((), ("--uninstall", "--purge")):
        assert copy.run("--dry-run", *arguments).returncode == 0
    assert (copy.files(), copy.current, copy.calls()) == (before, installed.current, [])


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--flow", "p36"), "p36"),
        (("--flow",), "--flow"),
        (("--faster",), "--faster"),
        (("--wait", "soon"), "soon"),
        (("--purge",), "--uninstall"),
        (("--uninstall", "--no-start"), "--no-start"),
        (("--root", "/does/not/exist"), "/does/not/exist"),
    ],
)
def test_wrong_usage_is_said_and_nothing_is_done(tmp_path: Path, arguments: tuple[str, ...], word: str) -> None:
    one = Installation(tmp_path / "root", tmp_path / "state")
    done = one.run(*arguments)
    assert done.returncode == 2
    assert word in done.stdout
    assert list(one.root.rglob("*")) == []


def test_an_interpreter_in_a_home_will_not_do(tmp_path: Path) -> None:
    one = Installation(tmp_path / "root", tmp_path / "state")
    python = tmp_path / "python3"
    python.write_text("#!/bin/sh\nexit 1\n", "utf-8")
    python.chmod(0o755)
    done = subprocess.run(
        ["sh", str(ROOT / "deploy/install.sh"), "--root", str(one.root)],
        env={**os.environ, "PYTHON": str(python)},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 1
    assert f"{python} will not do" in done.stderr
    assert list(one.root.rglob("*")) == []
