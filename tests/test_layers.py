"""Imports point down: each room knows those below it and no other. The folders are the rooms; no exceptions."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

CORE = ["connectors", "sinks", "sinks/values", "flows/domain", "flows/settings"]

BELOW: dict[str, list[str]] = {
    "connectors": [],
    "sinks/values": ["connectors"],
    "sinks": ["connectors", "sinks/values"],
    "flows/domain": ["connectors", "sinks/values"],
    "flows/settings": ["connectors", "sinks", "sinks/values", "flows/domain"],
    "flows": CORE,
    "console/queries": CORE,
    "console/terminal": [*CORE, "console/queries"],
}
"""Room -> those that it may import."""

FACES = sorted(
    room
    for path in (ROOT / "console").iterdir()
    if path.is_dir() and list(path.glob("*.py")) and (room := f"console/{path.name}") not in BELOW
)
"""Every other folder of the console shows answers, and none knows another."""

BELOW |= {face: [*CORE, "console/queries", "console/terminal"] for face in FACES}
BELOW["console"] = [*CORE, "console/queries", "console/terminal", *FACES]
"""The command `quantum` itself, above all faces."""

TRADING = re.compile(
    r"trad(e|ing)|decision|allocat|symbol|leverage|governor|permit|quantum:|\bp3\d\b|apply[._]result|\bgate\b|BTC|profit",
    re.IGNORECASE,
)

LIGHT = {"orjson"}
"""All that `flows/domain` may bring along beside the standard library and what is ours."""

RENDERERS = ("rich", "typer", "fastapi", "uvicorn", "starlette", "http.server")
"""What nothing in `console/queries` may bring along."""


def files(room: str) -> list[Path]:
    """The Python files of `room`, without those of the rooms in it."""
    inner = [ROOT / other for other in BELOW if other.startswith(f"{room}/")]
    found = sorted((ROOT / room).rglob("*.py"))
    return [path for path in found if not any(other in path.parents for other in inner)]


def room_of(module: str) -> str | None:
    """The room that the dotted name `module` lies in; None: it is nothing of ours."""
    parts = module.split(".")
    rooms = ["/".join(parts[:length]) for length in range(len(parts), 0, -1)]
    if parts[0] == "tests":
        return "tests"
    return next((room for room in rooms if room in BELOW), None)


def imported(path: Path) -> Iterator[str]:
    """The dotted name of each module that the file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            module = node.module or ""
            for alias in node.names:
                inner = ROOT / module.replace(".", "/") / alias.name
                yield f"{module}.{alias.name}" if inner.is_dir() or inner.with_suffix(".py").is_file() else module


def brought_along(room: str) -> set[str]:
    """The names of all modules that importing everything in `room` loads."""
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in files(room)
        if path.name != "__main__.py"
    ]
    program = f"import sys; before = set(sys.modules); import {', '.join(names)}; print(*sys.modules.keys() - before)"
    return set(
        subprocess.run(
            [sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True
        ).stdout.split()
    )


def test_the_rooms_hold_all_there_is() -> None:
    assert {"console/audit", "console/cli", "console/demo", "console/guide", "console/proof", "console/watch"} <= set(
        FACES
    )
    for room in BELOW:
        assert files(room), room


@pytest.mark.parametrize("room", BELOW)
def test_a_room_imports_only_what_is_below_it(room: str) -> None:
    allowed = {room, None, *BELOW[room]}
    found = {(str(path.relative_to(ROOT)), name, room_of(name)) for path in files(room) for name in imported(path)}
    assert not [f"{path} imports {name}" for path, name, other in sorted(found) if other not in allowed]


def test_what_is_pure_brings_nothing_along() -> None:
    ours = {room.partition("/")[0] for room in BELOW}
    found = {name.partition(".")[0] for name in brought_along("flows/domain")}
    assert found - set(sys.stdlib_module_names) - ours == LIGHT


def test_what_is_pure_knows_no_clock_and_no_environment() -> None:
    found = {name.partition(".")[0] for path in files("flows/domain") for name in imported(path)}
    assert not {"time", "os", "socket", "random", "secrets"} & found


def test_the_read_model_brings_no_renderer_along() -> None:
    assert not set(RENDERERS) & brought_along("console/queries")


def test_connectors_have_no_word_of_trading() -> None:
    paths = files("connectors") + sorted((ROOT / "connectors").rglob("*.lua"))
    assert any(path.suffix == ".lua" for path in paths)
    found = [
        f"{path.relative_to(ROOT)}:{number}: {match.group()}"
        for path in paths
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if (match := TRADING.search(line))
    ]
    assert not found
