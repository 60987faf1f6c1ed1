"""Text that is safe to show: in a log, an error, a terminal. Pure."""

from __future__ import annotations


def one_line(text: object, limit: int = 200) -> str:
    """`text` as one printable line of at most `limit` characters: it may come from Redis, and be hostile."""
    line = "".join(character if character.isprintable() else "�" for character in str(text)[: limit + 1])
    return line if len(line) <= limit else line[: limit - 1] + "…"
