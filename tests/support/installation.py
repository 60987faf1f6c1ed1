"""`deploy/install.sh` at work on a root of its own, with a `systemctl` that only remembers."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.support.flow_process import ROOT

SOURCE_NAMES = (
    "pyproject.toml",
    "requirements.lock",
    "requirements-dev.lock",
    "README.md",
    "LICENSE",
    "connectors",
    "flows",
    "sinks",
    "console",
    "deploy",
)

UNITS = sorted(path.name for path in (ROOT / "deploy/systemd").glob("*.service"))
ENV = "etc/quantum/p35-decision-intelligence.env"
"""Settings of one of them, in a root."""

BUILD_SECONDS = 600
"""Most that a run may take: a version with all its packages is built, on a machine that may be busy."""

SYSTEMCTL = """#!/bin/sh
# A service runs once it is enabled or restarted, unless the file `broken` names the release that is current.
state=$(dirname "$0")
echo "$@" >>"$state/calls"
for last; do :; done
case $1 in
    is-active) test -e "$state/$last.active" ;;
    enable | restart) touch "$state/$last.active" ;;
    disable) rm -f "$state/$last.active" ;;
    show)
        answer=active
        current=$(readlink "$ROOT_OF_TEST/opt/quantum-flows/current")
        if [ -e "$state/waiting" ]; then answer=activating; fi
        if [ -e "$state/broken" ] && [ "$current" = "$(cat "$state/broken")" ]; then answer=failed; fi
        case $2 in
            *ActiveState) echo "$answer" ;;
            *StatusText) cat "$state/waiting" 2>/dev/null || : ;;
            *) echo running ;;
        esac ;;
esac
"""


def copy_source(target: Path, version: str | None = None) -> Path:
    """This source tree at `target`; with another version when one is given."""
    target.mkdir()
    for name in SOURCE_NAMES:
        path = ROOT / name
        if path.is_dir():
            shutil.copytree(path, target / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(path, target / name)
    if version is not None:
        (target / "flows" / "__init__.py").write_text(f'"""Changed."""\n\n__version__ = "{version}"\n', "utf-8")
    return target


class Installation:
    """A root into which is installed. `systemctl` is a stub that lies in `state`."""

    def __init__(self, root: Path, state: Path) -> None:
        self.root, self.state = root, state
        for folder in (root, state, state / "booted"):
            folder.mkdir(parents=True, exist_ok=True)
        (state / "systemctl").write_text(SYSTEMCTL, "utf-8")
        (state / "systemctl").chmod(0o755)

    def run(
        self, *arguments: str, source: Path = ROOT, systemd: bool = True, **more: str
    ) -> subprocess.CompletedProcess[str]:
        """`deploy/install.sh --root ...` of the tree `source`; its standard error is part of its output.

        :arg systemd: there is a systemctl.
        :arg more: environment variables.
        """
        environment = {**os.environ, "ROOT_OF_TEST": str(self.root), "BOOTED": str(self.state / "booted"), **more}
        if systemd:
            environment["SYSTEMCTL"] = str(self.state / "systemctl")
        return subprocess.run(
            ["sh", str(source / "deploy" / "install.sh"), "--root", str(self.root), *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=BUILD_SECONDS,
            cwd="/",
        )

    @property
    def current(self) -> str | None:
        """The release that runs, as the link says it."""
        return self._link("current")

    @property
    def previous(self) -> str | None:
        """The one before."""
        return self._link("previous")

    def _link(self, name: str) -> str | None:
        path = self.root / "opt/quantum-flows" / name
        return str(path.readlink()) if path.is_symlink() else None

    @property
    def releases(self) -> set[str]:
        """All that lie there."""
        return {f"releases/{path.name}" for path in (self.root / "opt/quantum-flows/releases").glob("*")}

    def calls(self) -> list[str]:
        """What systemctl was asked to change since the last call of this."""
        path = self.state / "calls"
        calls = path.read_text("utf-8").splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return [call for call in calls if not call.startswith(("show", "is-active"))]

    def files(self) -> dict[str, str]:
        """Every file outside of the releases, by its path: its content, or where it leads."""
        found = {}
        for path in sorted(self.root.rglob("*")):
            name = str(path.relative_to(self.root))
            if "/releases/" not in name and not path.name.startswith(".") and (path.is_symlink() or path.is_file()):
                found[name] = str(path.readlink()) if path.is_symlink() else path.read_text("utf-8", "replace")
        return found

    def copy(self, target: Path) -> Installation:
        """The same at another place."""
        # Releases are never written to again: they need no copy, just the same files under one more name.
        subprocess.run(["cp", "-al", str(self.root), str(target / "root")], check=True)
        # (who locks one would lock all)
        (target / "root/opt/quantum-flows/.lock").unlink()
        for path in (target / "root/etc").rglob("*"):
            if path.is_file() and not path.is_symlink():
                content, mode = path.read_bytes(), path.stat().st_mode
                path.unlink()
                path.write_bytes(content)
                path.chmod(mode)
        return Installation(target / "root", target / "state")


def configure(root: Path, name: str, **settings: str) -> None:
    """Write `settings` behind the delivered ones of the service `name`, as an administrator does."""
    path = root / f"etc/quantum/{name}.env"
    lines = [f"{variable}={value}\n" for variable, value in settings.items()]
    path.write_text(path.read_text("utf-8") + "".join(lines), "utf-8")


def asked(verb: str, *units: str) -> list[str]:
    """What systemctl is asked for."""
    return [f"{verb} --no-block {unit}" for unit in units]


def python(one: Installation, *arguments: str) -> str:
    """What the installed interpreter prints."""
    program = one.root / "opt/quantum-flows/current/bin/python"
    done = subprocess.run([program, *arguments], cwd="/", capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
