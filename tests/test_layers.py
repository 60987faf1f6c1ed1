"""Imports point down: each folder knows those below it and no other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

BELOW = {
    "connectors": set(),
    "sinks": {"connectors"},
    "flows": {"connectors", "sinks"},
    "console": {"connectors", "sinks", "flows"},
}
"""Folder -> those that it may import."""

PURE = {"decisions", "gates", "tally", "windows", "settings", "alert_settings", "__version__"}
"""Of `flows`, what the console may import: it recounts with the very functions of the flow, and by its settings, and
tells the version. A dataflow it starts as a process, as an administrator would."""

PURE_MODULES = [
    "decisions",
    "gates",
    "headlines",
    "layout",
    "tally",
    "windows",
    "efficiency",
    "plans",
    "alert_view",
    "alert_subjects",
    "alert_rules",
    "alert_life",
    "alert_text",
]

TRADING = re.compile(
    r"trad(e|ing)|decision|allocat|symbol|leverage|governor|permit|quantum:|\bp3\d\b|apply[._]result|\bgate\b|BTC|profit",
    re.IGNORECASE,
)


def modules(folder: str) -> list[Path]:
    """The Python files of `folder`."""
    return sorted((ROOT / folder).rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    """The first part of each name that the file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            yield (node.module or "").partition(".")[0]


@pytest.mark.parametrize("folder", BELOW)
def test_a_folder_imports_only_what_is_below_it(folder: str) -> None:
    files = modules(folder)
    assert files
    forbidden = {*BELOW, "tests"} - BELOW[folder] - {folder}
    assert not [
        f"{path.relative_to(ROOT)} imports {name}" for path in files for name in imported(path) if name in forbidden
    ]


def test_the_console_imports_no_dataflow() -> None:
    nodes = [node for path in modules("console") for node in ast.walk(ast.parse(path.read_text("utf-8")))]
    found = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            found |= {f"flows.{alias.name}" for alias in node.names} if node.module == "flows" else {str(node.module)}
    assert {name for name in found if name.partition(".")[0] == "flows"} <= {f"flows.{name}" for name in PURE}


@pytest.mark.parametrize("module", PURE_MODULES)
def test_pure_modules_know_no_redis_no_clock_and_no_environment(module: str) -> None:
    assert not {"redis", "time", "os", "socket", "random"} & set(imported(ROOT / "flows" / f"{module}.py"))


def test_connectors_have_no_word_of_trading() -> None:
    files = modules("connectors") + sorted((ROOT / "connectors").rglob("*.lua"))
    assert any(path.suffix == ".lua" for path in files)
    found = [
        f"{path.relative_to(ROOT)}:{number}: {match.group()}"
        for path in files
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if (match := TRADING.search(line))
    ]
    assert not found
