"""The files of the page, as they are installed: read and compressed once."""

from __future__ import annotations

import mimetypes
from importlib import resources
from importlib.abc import Traversable

from console.web.bodies import Body

_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".md": "text/plain; charset=utf-8",
    ".json": "application/json",
}

INDEX = "index.html"
SIGN_IN = "sign-in.html"

PUBLIC = frozenset({"sign-in.css", "favicon.svg"})
"""What the form needs that asks for the token."""


def page_files() -> dict[str, Body]:
    """Each file of the page by its path (`vendor/uPlot.js`)."""
    return dict(_walk(resources.files("console.web") / "page", ""))


def _walk(folder: Traversable, prefix: str) -> list[tuple[str, Body]]:
    found: list[tuple[str, Body]] = []
    for one in sorted(folder.iterdir(), key=lambda one: one.name):
        name = prefix + one.name
        if one.is_dir():
            found += _walk(one, f"{name}/")
        elif not one.name.startswith("."):
            found.append((name, Body.of(one.read_bytes(), media_type(name), level=9)))
    return found


def media_type(name: str) -> str:
    """Of a file of that name."""
    ending = name[name.rfind(".") :]
    return _TYPES.get(ending) or mimetypes.guess_type(name)[0] or "application/octet-stream"
