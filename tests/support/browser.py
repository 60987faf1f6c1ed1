"""A Chromium for the tests of the page: the one that is there, else Debian's packages unpacked into .venv/tools.

`python -m tests.support.browser` looks for one, fetches it where apt can be used, and says what it found. Nothing is
installed, and it ends with status 0 either way: without a browser the tests of the page are skipped, and say so.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from tests.support.flow_process import ROOT

TOOLS = ROOT / ".venv" / "tools"
UNPACKED = TOOLS / "chromium"

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chromium-headless-shell")

HOW = "no Chromium: install one (Debian: apt-get install chromium), or name it: CHROMIUM=/path/to/chromium"

SWITCHES = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
"""A browser that asks for nothing but what a test opens."""


def find() -> str | None:
    """The program; None: there is none."""
    if named := os.environ.get("CHROMIUM"):
        return named if shutil.which(named) else None
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    unpacked = UNPACKED / "run"
    return found or (str(unpacked) if unpacked.exists() else None)


@contextmanager
def browser() -> Iterator[Browser]:
    """One without a window, for a module of tests.

    :raises FileNotFoundError: there is none.
    """
    program = find()
    if program is None:
        raise FileNotFoundError(HOW)
    # (Root has no sandbox to be put into.)
    alone = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=[*SWITCHES, *alone])
        try:
            yield started
        finally:
            started.close()


def fetch() -> str:
    """Unpack Debian's packages, and what they need that is not installed. Blocks for a minute or so.

    :returns: why it could not be done; empty: it was.
    """
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        return "apt is not here"
    archives = TOOLS / "archives"
    (archives / "partial").mkdir(parents=True, exist_ok=True)
    options = ["-o", f"Dir::Cache::archives={archives}", "-o", "Debug::NoLocking=true", "-o", "APT::Sandbox::User=root"]
    download = [
        "apt-get",
        "-qq",
        "--yes",
        "--no-install-recommends",
        "--download-only",
        *options,
        "install",
        "chromium",
    ]
    done = _run(download)
    if done and os.geteuid() == 0 and not _run(["apt-get", "-qq", "update"]):
        done = _run(download)
    for package in [] if done else sorted(archives.glob("*.deb")):
        done = done or _run(["dpkg-deb", "--extract", str(package), str(UNPACKED)])
    shutil.rmtree(archives, ignore_errors=True)
    programs = [] if done else sorted(UNPACKED.glob("usr/lib/chromium*/chromium"))
    if not programs:
        return done or "Debian's package has no program where it is looked for"
    libraries = ":".join(str(path) for path in sorted(UNPACKED.glob("usr/lib/*-linux-gnu")))
    start = UNPACKED / "run"
    start.write_text(f'#!/bin/sh\nLD_LIBRARY_PATH="{libraries}" exec "{programs[0]}" "$@"\n')
    start.chmod(0o755)
    return ""


def _run(command: list[str]) -> str:
    """Why it failed, in a line; empty: it did not."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return "" if done.returncode == 0 else (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]


def main() -> None:
    """Find or fetch, and say so where there is none."""
    if find() is None and (why := fetch()):
        print(f"THE TESTS OF THE PAGE WILL BE SKIPPED: {HOW}. It could not be fetched: {why}", file=sys.stderr)


if __name__ == "__main__":
    main()
