"""The health of the services for a person: lines. What comes from Redis is made printable here. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from connectors.text import one_line
from console.queries.answers import Health
from console.queries.counting import CountingFlow
from console.queries.groups import Member
from console.queries.life import P35, Life, Lives
from console.queries.readable import age, clock, many, number
from console.terminal.table import mix
from console.terminal.viewport import STYLES, Viewport
from flows.domain.thresholds import Severity


def health(answer: Health, viewport: Viewport) -> Iterator[Text]:
    """Lines; the first says how p35 is."""
    flow = answer.flow
    status, group = flow.status, flow.group
    for warning in answer.warnings:
        yield Text(f"! {warning}", STYLES[Severity.SERIOUS])
    if flow.running:
        yield Text("flows.p35 is running, and keeps up" if not answer.warnings else "flows.p35 is running")
    yield Text(f"unit        {one_line(answer.unit.sentence)}")
    for one in answer.lives.known:
        yield _life(one, flow.now)
    started = "" if status.service_start_ts is None else f", started {clock(status.service_start_ts)}"
    yield Text(f"service     version {one_line(status.version or 'unknown')}{started}")
    last = flow.seconds_since_last
    ago = "none yet" if last is None or status.last_ts is None else f"{age(last)} ago ({clock(status.last_ts)})"
    yield Text(f"newest      {ago}")
    seen = answer.window
    if seen is not None:
        yield Text(f"counted     {many(seen.total, 'decision')} in {seen.name}")
        if seen.total:
            yield Text(f"            {mix(seen.decisions, seen.total)}")
    yield Text(f"processed   {number(status.processed_total)}, up to ID {one_line(status.last_id or 'none')}")
    yield Text(
        f"of these    {number(status.late_total)} late, {number(status.skewed_total)} without a usable time, "
        f"{number(status.overflow_total)} folded"
    )
    lost = f"{number(status.trimmed_total)} lost (deleted from the stream before they were counted)"
    yield Text(
        f"mishaps     {number(status.claimed_total)} taken over, {many(status.fenced_total, 'lease')} lost, "
        f"{many(status.symbols_dropped_total, 'symbol')} dropped"
    )
    yield Text(f"            {lost}", STYLES[Severity.SERIOUS if status.trimmed_total else Severity.NORMAL])
    if group is None:
        yield Text("group       none")
        return
    yield Text(f"group       pending {number(group.pending)}, lag {number(group.lag)}", behind(flow))
    shown = group.consumers[: viewport.rows(len(group.consumers), 13 + len(answer.lives.known))]
    for consumer in shown:
        yield consumer_line(consumer)
    if len(shown) < len(group.consumers):
        yield Text(f"            and {len(group.consumers) - len(shown)} more consumers", "dim")


def _life(one: Life, now: float) -> Text:
    dead = one.expected and not one.alive
    return Text(f"flow        {one.sentence(now)}", STYLES[Severity.SERIOUS if dead else Severity.NORMAL])


def lives_in_short(lives: Lives, now: float) -> Iterator[Text]:
    """In as few lines as can be: one for all that run, one for each that should and does not."""
    running = [one.name for one in lives.known if one.alive]
    if running:
        yield Text(f"running     {', '.join(running)}")
    yield from (_life(one, now) for one in lives.known if one.expected and not one.alive and one.name != P35)


def consumer_line(one: Member) -> Text:
    """A member of a group."""
    state = "alive" if one.alive else f"dead: its lease has ended, idle {age(one.idle)}"
    return Text(
        f"consumer    {one_line(one.name)}: {state}, pending {number(one.pending)}",
        STYLES[Severity.NORMAL if one.alive else Severity.ATTENTION],
    )


def behind(flow: CountingFlow) -> str:
    """The style of numbers of entries that wait."""
    return STYLES[Severity.SERIOUS if flow.behind else Severity.NORMAL]
