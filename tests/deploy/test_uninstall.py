"""`deploy/install.sh --uninstall`: what goes, and what stays."""

from __future__ import annotations

import os
from pathlib import Path

from tests.support.installation import ENV, UNITS, Installation


def test_what_is_uninstalled_is_gone_but_for_the_settings(installed: Installation, tmp_path: Path) -> None:
    one = installed.copy(tmp_path)
    done = one.run("--uninstall")
    assert done.returncode == 0, done.stdout
    assert all(name.startswith("etc/quantum/") for name in one.files())
    assert ENV in one.files()
    assert not (one.root / "opt/quantum-flows").exists()
    assert sorted(one.calls()) == sorted([*(f"disable --now {unit}" for unit in UNITS), "daemon-reload"])
    assert one.run("--uninstall", "--purge").returncode == 0
    assert one.files() == {}


def test_the_group_that_may_ask_comes_and_goes(installed: Installation, tmp_path: Path) -> None:
    one = installed.copy(tmp_path)
    programs = {}
    for name in ("groupadd", "groupdel", "getent"):
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        # getent finds the group once it has been added
        known = "exec test -e groups" if name == "getent" else f'echo "{name} $*" >>calls; touch groups'
        program.write_text(f'#!/bin/sh\ncd "{tmp_path}"\n{known}\n', "utf-8")
        program.chmod(0o755)
        programs[name.upper()] = str(program)
    environment = {**programs, "PATH": f"{tmp_path}/bin:{os.environ['PATH']}"}
    for arguments in ((), (), ("--uninstall",), ("--uninstall", "--purge")):
        done = one.run(*arguments, **environment)
        assert done.returncode == 0, done.stdout
    calls = (tmp_path / "calls").read_text("utf-8").splitlines()
    assert calls == ["groupadd --system quantum-console", "groupdel quantum-console"]
