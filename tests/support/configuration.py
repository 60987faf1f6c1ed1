"""`docs/configuration.md`, from the settings themselves: `python -m tests.support.configuration` prints it."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterable

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from connectors.settings import RedisSettings
from console.demo.settings import DemoSettings
from console.web.settings import ServeSettings
from flows.settings.alerts import AlertsSettings
from flows.settings.history import HistorySettings
from flows.settings.joins import AllocationSettings, GovernorSettings
from flows.settings.p35 import P35Settings

HEAD = """# Configuration

<!-- Written by `make docs` from the settings in the code; a test compares the two. -->

Settings are environment variables. One that is empty counts as unset. A wrong one stops the program at its start with
exit status 78 and a line that names the variable, its value (unless that is a secret) and what is allowed.

Redis is found at `REDIS_URL`, else at the host, port and database given. The password is the first there is of
`REDIS_PASSWORD`, the first line of `REDIS_PASSWORD_FILE`, and the systemd credential `redis_password`; one in the URL
wins over them. Files are read again at each connection, and no log shows a password.
"""

SECTIONS: tuple[tuple[str, type[BaseSettings], type[BaseSettings] | None], ...] = (
    ("All flows", RedisSettings, None),
    ("`flows.p35`", P35Settings, RedisSettings),
    ("`flows.alerts`", AlertsSettings, RedisSettings),
    ("`flows.allocation`", AllocationSettings, RedisSettings),
    ("`flows.governor`", GovernorSettings, RedisSettings),
    ("`flows.history`", HistorySettings, RedisSettings),
    ("`quantum serve`", ServeSettings, RedisSettings),
    ("`make demo`", DemoSettings, None),
)
"""Title, settings, and the settings that are listed already and are left out unless they differ."""

_SIGNS = {"Ge": "≥", "Gt": ">", "Le": "≤", "Lt": "<"}


def document() -> str:
    """The whole page."""
    return HEAD + "".join(_section(title, kind, known) for title, kind, known in SECTIONS)


def _section(title: str, kind: type[BaseSettings], known: type[BaseSettings] | None) -> str:
    rows = [
        f"| `{name.upper()}` | {_default(field)} | {_allowed(field)} | {_escaped(field.description or '')} |"
        for name, field in kind.model_fields.items()
        if known is None or name not in known.model_fields or known.model_fields[name].default != field.default
    ]
    return "\n".join((f"\n## {title}\n", "| variable | default | allowed | meaning |", "|---|---|---|---|", *rows, ""))


def _default(field: FieldInfo) -> str:
    value = field.default
    if value is None:
        return "unset"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _allowed(field: FieldInfo) -> str:
    kinds = _kinds(field.annotation)
    bounds = [
        f"{sign} {getattr(bound, name.lower())}"
        for bound in field.metadata
        for name, sign in _SIGNS.items()
        if type(bound).__name__ == name
    ]
    return _escaped(" ".join((", ".join(kinds), ", ".join(bounds))).strip())


def _kinds(annotation: object) -> Iterable[str]:
    if typing.get_origin(annotation) is typing.Literal:
        return [f"`{value}`" for value in typing.get_args(annotation)]
    if typing.get_origin(annotation) in (types.UnionType, typing.Union):
        return [name for part in typing.get_args(annotation) if part is not type(None) for name in _kinds(part)]
    names = {
        "int": "whole number",
        "float": "number",
        "bool": "`true` or `false`",
        "Path": "path",
        "SecretStr": "secret",
    }
    name = getattr(annotation, "__name__", str(annotation))
    return [names.get(name, "text")]


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    print(document(), end="")
