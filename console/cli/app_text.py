"""The health of an App for a person: lines. What comes from Redis is made printable here. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from connectors.text import one_line
from console.cli.health_text import consumer_line
from console.queries.apps import AppState
from console.queries.readable import age, clock, number
from console.terminal.viewport import STYLES
from flows.domain.thresholds import Severity


def app_health(app: AppState) -> Iterator[Text]:
    """Lines; the first says how it is."""
    for warning in app.warnings:
        yield Text(f"! {warning}", STYLES[Severity.SERIOUS])
    if app.alive:
        yield Text(app.sentence)
    if app.seen_at is None:
        return
    started = "" if app.started is None else f", started {clock(app.started)}"
    yield Text(f"service     version {one_line(app.version or 'unknown')}{started}")
    yield Text(f"seen        {age(app.now - app.seen_at)} ago, {one_line(app.instance or 'unknown')}")
    for group in app.groups:
        yield Text(f"stream      {one_line(group.stream)}: length {number(group.length)}")
        yield Text(
            f"group       {one_line(group.name)}: pending {number(group.pending)}, lag {number(group.lag)}, "
            f"up to ID {one_line(group.last_id)}"
        )
        yield from map(consumer_line, group.consumers)
    for key, count in app.dead_letters.items():
        yield Text(
            f"dead        {number(count)} in {one_line(key)}",
            STYLES[Severity.ATTENTION if count else Severity.NORMAL],
        )
    lost = f"lost        {number(app.trimmed_total)} (deleted from the stream before they were read)"
    yield Text(lost, STYLES[Severity.SERIOUS if app.trimmed_total else Severity.NORMAL])
