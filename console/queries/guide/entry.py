"""An entry of the guide: the types. Pure."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

_READ = {
    "string": "GET {key}",
    "hash": "HGETALL {key}",
    "set": "SMEMBERS {key}",
    "list": "LRANGE {key} 0 9",
    "zset": "ZREVRANGE {key} 0 9 WITHSCORES",
    "stream": "XREVRANGE {key} + - COUNT 3",
}

SYMBOL = "{S}"
"""Stands in a key for a symbol."""


@dataclass(frozen=True, slots=True)
class KeyCheck:
    """A key to inspect, and what to check there."""

    key: str
    """Without the prefix; `{S}` in it is a symbol."""
    kind: str
    """Its usual type, by the name that Redis has for it, which decides on the command."""
    what: str
    """What to look for."""

    def command(self, prefix: str = "quantum", symbol: str | None = None, redis_cli: str = "redis-cli") -> str:
        """What an operator types, quoted for a shell.

        :arg redis_cli: how to call it for the Redis in question.
        """
        return f"{redis_cli} {_READ[self.kind].format(key=shlex.quote(self.key_of(prefix, symbol)))}"

    def key_of(self, prefix: str, symbol: str | None) -> str:
        """The key; `{S}` stays where no symbol is given."""
        key = self.key if symbol is None else self.key.replace(SYMBOL, symbol)
        return f"{prefix}:{key}"

    @property
    def per_symbol(self) -> bool:
        """Whether each symbol has such a key."""
        return SYMBOL in self.key


@dataclass(frozen=True, slots=True)
class Action:
    """What to do."""

    what: str
    minutes: str
    """Minutes until decisions change: `5`, `10 to 30`."""


@dataclass(frozen=True, slots=True)
class Guide:
    """A gate."""

    gate: str
    causes: tuple[str, ...]
    """Most likely first."""
    key_checks: tuple[KeyCheck, ...]
    asks: tuple[str, ...]
    """Other commands that help; `{G}` is the gate."""
    actions: tuple[Action, ...]
    """In the order in which to try them."""
    related: tuple[str, ...] = ()
    """Other gates of the guide."""

    @property
    def needs_symbol(self) -> bool:
        """Whether some of the keys are a symbol's."""
        return any(check.per_symbol for check in self.key_checks)
