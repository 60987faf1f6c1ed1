"""Notifications: which alerts are sent to people, in what words, and by which keys (see `sinks.receivers`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connectors.receiver import Level, Message
from connectors.receiver_queue import ReceiverQueueConfig
from connectors.text import one_line
from sinks import receivers
from sinks.alert_state import stream_key
from sinks.values.alerts import CRITICAL, FIRING, SEVERITIES

_BODY = 1_800
"""Characters of a body: what the strictest chats take."""

_LINE = 90
"""Characters of an alert that are told in any case."""

# Brackets, backticks and at signs mean something to chats: a name from a publisher must not call everyone or be a link.
_PLAIN = str.maketrans({"@": "(at)", "<": "(", ">": ")", "[": "(", "]": ")", "`": "'"})


def receiver_queue(prefix: str, receiver: str) -> ReceiverQueueConfig:
    """The keys of the receiver with this number."""
    return ReceiverQueueConfig(
        stream_key(prefix),
        f"{receivers.GROUPS}{receiver}",
        receivers.lease_key(prefix, receiver),
        receivers.dead_letters_key(prefix),
        receivers.sent_key(prefix),
        receivers.receiver_key(prefix, receiver),
    )


def wanted(fields: Mapping[str, str], least: str) -> bool:
    """Whether an alert with these fields is at least as severe as `least`. One that says nothing known is not."""
    severity = fields.get("severity", "")
    return severity in SEVERITIES and SEVERITIES.index(severity) >= SEVERITIES.index(least)


def message(alerts: Sequence[Mapping[str, str]]) -> Message:
    """What tells of `alerts`, oldest first, in one message."""
    lines = [_line(fields, max(_BODY // len(alerts), _LINE)) for fields in alerts]
    return Message(_title(alerts), "\n".join(lines), _level(alerts))


def trial(host: str, least: str) -> Message:
    """A message that tells of nothing; whoever gets it knows that alerts would arrive, and from where."""
    text = f"This is a test, sent by hand on {_plain(host, 100)}. Alerts of {least} and up would come this way."
    return Message("test of the alerts", text, "info")


def _title(alerts: Sequence[Mapping[str, str]]) -> str:
    if len(alerts) == 1:
        (one,) = alerts
        state = "" if _fires(one) else "resolved: "
        return _plain(f"{state}{one.get('severity', '')} {one.get('kind', '')} {one.get('reason', '')}", 120)
    firing = sum(map(_fires, alerts))
    return f"{len(alerts)} alerts: {firing} firing, {len(alerts) - firing} resolved"


def _line(fields: Mapping[str, str], limit: int) -> str:
    state = fields.get("severity", "") if _fires(fields) else "resolved"
    said = fields.get("message", "").removeprefix("resolved ")
    return _plain(f"{state} {fields.get('kind', '')} {fields.get('reason', '')}: {said}", limit)


def _level(alerts: Sequence[Mapping[str, str]]) -> Level:
    firing = [one for one in alerts if _fires(one)]
    if not firing:
        return "success"
    return "failure" if any(one.get("severity") == CRITICAL for one in firing) else "warning"


def _fires(fields: Mapping[str, str]) -> bool:
    return fields.get("state") == FIRING


def _plain(text: str, limit: int) -> str:
    return one_line(text.translate(_PLAIN), limit)
