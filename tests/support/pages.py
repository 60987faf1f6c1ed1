"""Programs in a page of docs/: each under the name that stands above it."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Protocol

import pytest

ROOT = Path(__file__).resolve().parents[2]


class Import(Protocol):
    """The module of that name."""

    def __call__(self, name: str) -> ModuleType: ...


def text_of(name: str) -> str:
    """The text of docs/NAME.md."""
    return (ROOT / f"docs/{name}.md").read_text("utf-8")


def programs(text: str) -> dict[str, str]:
    """Name -> source of each Python block in `text` that has one: a line above it ends with `NAME.py` in backticks."""
    return dict(re.findall(r"`(\w+)\.py`\n\n```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))


@contextmanager
def importing(sources: Mapping[str, str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Import]:
    """Imports `sources`, as if they were saved in `folder`, and forgets them."""
    for name, source in sources.items():
        (folder / f"{name}.py").write_text(source, "utf-8")
    monkeypatch.syspath_prepend(folder)
    try:
        yield importlib.import_module
    finally:
        for name in sources:
            sys.modules.pop(name, None)
