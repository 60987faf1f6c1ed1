"""What a flow imports from `connectors` itself: everything that is promised, and nothing that it does not use."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import connectors

ROOT = Path(connectors.__file__).parent
TYPED = {
    (node.module, alias.name)
    for node in ast.walk(ast.parse(Path(connectors.__file__).read_text("utf-8")))
    if isinstance(node, ast.ImportFrom) and str(node.module).startswith("connectors.")
    for alias in node.names
}
"""Module and name, as a type checker sees them."""


def test_what_a_type_checker_sees_is_what_there_is() -> None:
    assert {(f"connectors.{module}", name) for name, module in connectors._PLACES.items()} == TYPED
    assert len(TYPED) > 20
    for module, name in TYPED:
        assert getattr(connectors, name) is getattr(sys.modules[str(module)], name)
        assert name in dir(connectors)


def test_no_name_is_that_of_a_module() -> None:
    assert {name for _module, name in TYPED} & {path.stem for path in ROOT.glob("*.py")} == set()


def test_what_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'connectors' has no attribute 'missing'"):
        connectors.missing  # noqa: B018


def test_only_what_is_used_is_loaded() -> None:
    code = (
        "import sys, connectors; assert not {'redis', 'bytewax', 'pydantic'} & set(sys.modules); "
        "from connectors import Count, GroupConfig; assert Count('k', {'a': 1}).key == 'k'; "
        "assert not {'redis', 'bytewax', 'pydantic'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120, cwd=ROOT.parent)
