"""What fires, what did, and who was told, for a person and for programs: text is made printable here. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from connectors.text import one_line
from console.queries.alerts.answer import AlertLife, Alerts
from console.queries.alerts.deliveries import GIVEN_UP, SENT, WAITING, AlertDelivery, ReceiverState
from console.queries.readable import age, moment, number
from console.terminal.viewport import STYLES, cut
from flows.domain.thresholds import OF_ALERTS, Severity
from sinks.values.alerts import FIRING

_TITLES = {SENT: "sent", WAITING: "waiting", GIVEN_UP: "given up"}


def as_text(answer: Alerts, width: int | None) -> list[Text]:
    """Its lines, cut to `width` cells where there is one."""
    return cut(_lines(answer), width)


def _lines(answer: Alerts) -> Iterator[Text]:
    for warning in answer.warnings:
        yield Text(f"! {warning}", STYLES[Severity.SERIOUS])
    many = len(answer.firing)
    yield Text("nothing fires" if not many else f"{number(many)} alert{' fires' if many == 1 else 's fire'}", "bold")
    for one in answer.firing:
        begun = "unknown" if one.since is None else f"{moment(one.since, answer.now)} ({age(answer.now - one.since)})"
        yield Text(f"{_what(one)} since {begun}", STYLES[OF_ALERTS.get(one.severity, Severity.NORMAL)])
        yield from _details(one, answer)
    if answer.ended:
        yield Text("")
        yield Text("ended", "bold")
    for one in answer.ended:
        ended, since = one.ended or 0.0, one.since
        until = f"until {moment(ended, answer.now)}"
        when = until if since is None else f"at {moment(since, answer.now)} for {age(ended - since)}"
        yield Text(f"{_what(one)} {when}")
        yield from _details(one, answer)
    yield Text("")
    yield Text("receivers" if answer.receivers else "no receiver was ever sent to: see ALERT_NOTIFY_URLS", "bold")
    for receiver in answer.receivers:
        yield from _receiver(receiver, answer.now)


def _what(one: AlertLife) -> str:
    return one_line(f"{one.severity} {one.kind} {one.reason}", 300)


def _details(one: AlertLife, answer: Alerts) -> Iterator[Text]:
    if one.message:
        yield Text(f"    {one_line(one.message, 1_000)}", "dim")
    names = {receiver.receiver: receiver.name for receiver in answer.receivers}
    if answer.receivers and not one.deliveries:
        yield Text("    sent to nobody", "dim")
    for outcome, title in _TITLES.items():
        found = [delivery for delivery in one.deliveries if delivery.outcome == outcome]
        for receiver in dict.fromkeys(delivery.receiver for delivery in found):
            said = ", ".join(_said(delivery, answer.now) for delivery in found if delivery.receiver == receiver)
            last = [delivery for delivery in found if delivery.receiver == receiver][-1]
            why = f": {one_line(last.failure, 200)}" if last.failure else ""
            style = STYLES[Severity.SERIOUS] if outcome == GIVEN_UP else "dim"
            yield Text(f"    {title:<10}{_name(receiver, names.get(receiver, ''))}: {said}{why}", style)


def _said(delivery: AlertDelivery, now: float) -> str:
    """What was told, when, or how often it was tried."""
    what = one_line(delivery.severity if delivery.state == FIRING else delivery.state, 40)
    if delivery.at is not None and delivery.outcome == SENT:
        return f"{what} {moment(delivery.at, now)}"
    tried = delivery.attempts or 0
    return f"{what} (tried {'once' if tried == 1 else f'{number(tried)} times'})"


def _receiver(one: ReceiverState, now: float) -> Iterator[Text]:
    facts = ["no message taken yet" if one.sent_at is None else f"last message {moment(one.sent_at, now)}"]
    facts.append(f"waiting {number(one.waiting)}, not looked at {number(one.unread)}")
    if one.given_up:
        facts.append(f"given up {number(one.given_up)}")
    if not one.running:
        facts.append("no process sends to it")
    yield Text(
        f"    {_name(one.receiver, one.name)}: {'; '.join(facts)}",
        STYLES[Severity.NORMAL if one.running and not one.failure else Severity.ATTENTION],
    )
    if one.failure:
        when = "" if one.failed_at is None else f" {age(now - one.failed_at)} ago"
        reason = f"not taken{when}, {number(one.failures)} times on end: {one_line(one.failure, 300)}"
        yield Text(f"      {reason}", STYLES[Severity.SERIOUS])


def _name(receiver: str, name: str) -> str:
    return one_line(f"{receiver} {name}".rstrip(), 60)
