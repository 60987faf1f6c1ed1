"""An entry of the guide as text: for a terminal, and for `docs/action-guide.md`. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from connectors.text import one_line
from console.queries.guide.entry import Guide, KeyCheck
from console.queries.guide.explanation import Explanation
from console.queries.readable import number, percent
from flows.domain.gates import meaning

if TYPE_CHECKING:
    from console.queries.guide.live import Live

_MOST_OF_NAME = 128
"""Characters of a symbol that are shown."""


def as_text(asked: Explanation) -> Iterator[str]:
    """Lines for a person."""
    guide, gate, live = asked.guide, asked.gate, asked.live
    yield gate
    yield f"  {meaning(gate)}"
    if live is not None:
        yield f"  Now: {_now(live)}"
    yield ""
    yield "Likely causes"
    for cause in guide.causes:
        yield f"  - {cause}"
    yield ""
    yield "Look" + (" (now)" if live is not None else "")
    for check in guide.key_checks:
        yield from _key_check(check, asked, {} if live is None else live.values)
    for ask in guide.asks:
        yield f"  {ask.replace('{G}', shlex.quote(gate))}"
    yield ""
    yield "Do"
    for at, action in enumerate(guide.actions, 1):
        yield f"  {at}. {action.what} ({action.minutes} min)"
    if guide.related:
        yield ""
        yield f"Related: {', '.join(guide.related)}"


def _now(live: Live) -> str:
    window = live.window
    if window is None:
        return f"unknown: {live.trouble}"
    if not live.count:
        return f"stops nothing ({number(window.total)} decisions in {window.name})"
    share = percent(window.share(live.count))
    return f"stops {share} ({number(live.count)} of {number(window.total)} decisions in {window.name})"


def _key_check(check: KeyCheck, asked: Explanation, values: Mapping[str, str]) -> Iterator[str]:
    for symbol in asked.symbols if check.per_symbol and asked.symbols else (None,):
        safe = None if symbol is None else one_line(symbol, _MOST_OF_NAME)
        yield f"  {check.command(asked.prefix, safe, asked.redis_cli)}"
        for line in values.get(check.key_of(asked.prefix, symbol), "").splitlines():
            yield f"      = {line}"
    yield f"      {check.what}"


def as_markdown(guides: Sequence[Guide], generic: Guide) -> str:
    """The page `docs/action-guide.md`."""
    lines = [
        "# What to do about a gate",
        "",
        "<!-- Written by `make docs` from console/queries/guide; a test compares the two. -->",
        "",
        "What `quantum explain GATE` says, for all gates. `{S}` is a symbol; `quantum` in keys is `KEY_PREFIX`.",
        "Minutes are those until decisions change. With `--live`, it also shows how much the gate stops now, and",
        "what the keys hold.",
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
    for check in guide.key_checks:
        yield f"{check.command()}   # {check.what}"
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
