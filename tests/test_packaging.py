"""What is installed is what runs here: the wheel holds all files, and the locks pin all that is needed."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import flows

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("connectors", "flows", "sinks", "console")
LOCKS = ("requirements.lock", "requirements-dev.lock")


def test_the_wheel_holds_every_file(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in PACKAGES:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    wanted = {
        str(path.relative_to(source)) for name in PACKAGES for path in (source / name).rglob("*") if path.is_file()
    }

    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(tmp_path)]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, str(source)], check=True, timeout=600)

    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name.startswith(f"quantum_flows-{flows.__version__}-py3-")
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
        (scripts,) = (name for name in archive.namelist() if name.endswith(".dist-info/entry_points.txt"))
        assert "quantum = console.__main__:main" in archive.read(scripts).decode()
    assert held == wanted
    assert {"connectors/lua/commit.lua", *(f"{name}/py.typed" for name in PACKAGES)} <= held


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_pins_versions_and_hashes_and_names_no_place(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    assert not re.search(r"://|--(extra-)?index-url|--find-links| @ ", text)
    lines = text.replace("\\\n", " ").splitlines()
    requirements = [line for line in lines if line and not line.lstrip().startswith("#")]
    assert len(requirements) > 10
    assert not [line for line in requirements if not re.match(r"[\w.-]+(\[\w+\])?==.* --hash=sha256:", line)]


def test_the_locks_agree() -> None:
    runtime, everything = (
        # (Names and versions: what only the tools need may be needed on more systems.)
        set(re.findall(r"^([\w.-]+==[^\s;\\]+)", (ROOT / name).read_text("utf-8"), re.MULTILINE))
        for name in LOCKS
    )
    assert runtime
    assert runtime <= everything
