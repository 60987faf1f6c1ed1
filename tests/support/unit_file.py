"""systemd's unit and environment files, as far as ours go."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path

Unit = dict[str, dict[str, list[str]]]
"""Section -> setting -> its values, in order; an empty one takes back those before it."""


def read_unit(path: Path) -> Unit:
    """The unit file at `path`."""
    unit: Unit = {}
    section: dict[str, list[str]] = {}
    for line in path.read_text("utf-8").splitlines():
        if line.startswith("["):
            section = unit.setdefault(line.strip("[]"), {})
        elif line and line[0] not in "#;":
            name, _, value = line.partition("=")
            section.setdefault(name, []).append(value)
            if not value:
                section[name] = [""]
    return unit


def read_environment(path: Path) -> dict[str, str]:
    """The variables that an environment file sets."""
    lines = (line.strip() for line in path.read_text("utf-8").splitlines())
    pairs = (line.partition("=") for line in lines if line and line[0] not in "#;")
    return {name: "".join(shlex.split(value)) for name, _, value in pairs}


def system_calls(filters: list[str]) -> set[str]:
    """The names of all system calls that `SystemCallFilter=` with these values lets through."""
    allowed: set[str] = set()
    for text in filters:
        names = set().union(*(_expand(name) for name in text.removeprefix("~").split()))
        allowed = allowed - names if text.startswith("~") else allowed | names
    return allowed


def _expand(name: str) -> set[str]:
    if not name.startswith("@"):
        return {name}
    program = shutil.which("systemd-analyze")
    assert program is not None, "needs systemd-analyze"
    command = [program, "--no-pager", "syscall-filter", name]
    text = subprocess.run(command, capture_output=True, text=True, check=True, timeout=240).stdout
    members = [line.split("#")[0].strip() for line in text.splitlines()[1:]]
    return set().union(*(_expand(member) for member in members if member))
