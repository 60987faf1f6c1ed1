"""The answer to `quantum explain`: an entry of the guide and, where asked for, the state of the gate now."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from connectors.text import one_line
from console.queries.guide.entry import Guide
from console.queries.guide.guides import GENERIC, GUIDES, find, nearest
from console.queries.json import head
from flows.domain.decisions import gate_of
from flows.domain.gates import meaning

if TYPE_CHECKING:
    from console.queries.guide.live import Live


@dataclass(frozen=True, slots=True)
class Explanation:
    """An answer about one gate."""

    guide: Guide
    gate: str
    """Printable; the generic entry of the guide has no gate of its own."""
    counted_as: str
    """The gate as it stands in Redis, but for its case; it may hold control characters."""
    nearest: tuple[str, ...] = ()
    """Gates of the guide with names like this one's, where this one is not in it."""
    prefix: str = "quantum"
    """The first part of all keys."""
    redis_cli: str = "redis-cli"
    """How to call it for the Redis in question."""
    symbols: tuple[str, ...] = ()
    """Those to name in commands; none: `{S}` stands for one."""
    live: Live | None = None

    @property
    def known(self) -> bool:
        """Whether the guide has an entry of its own for the gate."""
        return bool(self.guide.gate)


def explanation_of(reason: str) -> Explanation:
    """The guide's entry for a gate, or for a reason that begins with it; else what to do in general. Pure."""
    guide, gate = find(reason), gate_of(reason)
    if guide is None:
        return Explanation(GENERIC, one_line(gate), gate, tuple(nearest(reason)))
    return Explanation(guide, guide.gate, gate)


def as_json(asked: Explanation) -> dict[str, Any]:
    """As documented in docs/console.md. Pure."""
    guide, gate, live = asked.guide, asked.gate, asked.live
    return (
        head("explain")
        | {
            "gate": gate,
            "known": asked.known,
            "nearest": list(asked.nearest),
            "meaning": meaning(gate),
            "causes": list(guide.causes),
            "look": [
                {
                    "command": check.command(asked.prefix, one, asked.redis_cli),
                    "key": check.key_of(asked.prefix, one),
                    "what": check.what,
                }
                for check in guide.key_checks
                for one in (asked.symbols if check.per_symbol and asked.symbols else [None])
            ],
            "ask": [ask.replace("{G}", shlex.quote(gate)) for ask in guide.asks],
            "actions": [{"what": action.what, "minutes": action.minutes} for action in guide.actions],
            "related": list(guide.related),
            "live": None if live is None else dict(live.values),
        }
        | _stopped(live)
    )


def _stopped(live: Live | None) -> dict[str, Any]:
    if live is None or live.window is None:
        return dict.fromkeys(("window", "total", "count", "share"))
    seen, count = live.window, live.count
    return {"window": seen.name, "total": seen.total, "count": count, "share": seen.share(count)}


def list_as_json() -> Mapping[str, Any]:
    """All gates of the guide. Pure."""
    return head("explain") | {"gates": [{"gate": gate, "meaning": meaning(gate)} for gate in GUIDES]}
