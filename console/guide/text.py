"""An entry of the guide as text: for a terminal, and for `docs/action-guide.md`. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence

from console.guide.entry import Guide, Look
from flows.gates import meaning

Values = Mapping[str, str]
"""Key in Redis -> what it holds now, printable, on one line or several."""


def as_text(
    guide: Guide, gate: str, prefix: str = "quantum", symbols: Sequence[str] = (), values: Values | None = None
) -> Iterator[str]:
    """Lines for a person.

    :arg gate: what was asked about, printable; the generic entry has no gate of its own.
    :arg symbols: those to name in commands, printable; none: `{S}` stands for one.
    :arg values: what the keys hold, where that was looked at.
    """
    yield gate
    yield f"  {meaning(gate)}"
    yield ""
    yield "Likely causes"
    for cause in guide.causes:
        yield f"  - {cause}"
    yield ""
    yield "Look" + (" (now)" if values is not None else "")
    for look in guide.looks:
        yield from _look(look, prefix, symbols, values)
    for ask in guide.asks:
        yield f"  {ask.replace('{G}', shlex.quote(gate))}"
    yield ""
    yield "Do"
    for number, action in enumerate(guide.actions, 1):
        yield f"  {number}. {action.what} ({action.minutes} min)"
    if guide.related:
        yield ""
        yield f"Related: {', '.join(guide.related)}"


def _look(look: Look, prefix: str, symbols: Sequence[str], values: Values | None) -> Iterator[str]:
    for symbol in symbols if look.per_symbol and symbols else (None,):
        yield f"  {look.command(prefix, symbol)}"
        if values is not None and (found := values.get(look.key_of(prefix, symbol))) is not None:
            for line in found.splitlines():
                yield f"      = {line}"
    yield f"      {look.what}"


def as_markdown(guides: Sequence[Guide], generic: Guide) -> str:
    """The page `docs/action-guide.md`."""
    lines = [
        "# What to do about a gate",
        "",
        "<!-- Written by `make docs` from console/guide; a test compares the two. -->",
        "",
        "What `quantum explain GATE` says, for all gates. `{S}` is a symbol; `quantum` in keys is `KEY_PREFIX`.",
        "Minutes are those until decisions change. With `--live`, `quantum explain` also shows what the keys hold now.",
        "",
        *(f"- [`{guide.gate}`](#{guide.gate}): {meaning(guide.gate)}" for guide in guides),
        "- [any other gate](#any-other-gate)",
    ]
    for guide in guides:
        lines += ["", f"## {guide.gate}", "", f"{_sentence(meaning(guide.gate))}", *_section(guide, guide.gate)]
    lines += ["", "## Any other gate", "", "It is not in this guide.", *_section(generic, "GATE")]
    return "\n".join(lines) + "\n"


def _section(guide: Guide, gate: str) -> Iterator[str]:
    yield ""
    yield "Likely causes:"
    yield ""
    for cause in guide.causes:
        yield f"- {cause}"
    yield ""
    yield "Look:"
    yield ""
    yield "```sh"
    for look in guide.looks:
        yield f"{look.command()}   # {look.what}"
    for ask in guide.asks:
        yield ask.replace("{G}", gate)
    yield "```"
    yield ""
    yield "| do | minutes |"
    yield "|---|---|"
    for action in guide.actions:
        yield f"| {action.what} | {action.minutes} |"
    if guide.related:
        yield ""
        yield f"Related: {', '.join(f'[`{name}`](#{name})' for name in guide.related)}"


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."
