"""Receivers of alerts: what sending to them leaves in Redis.

{prefix}:p35:alerts                 its consumer groups notify-1, notify-2 ...: one for each receiver
{prefix}:p35:alerts:lease:{n}       STRING, TTL 60 s: which process sends to receiver {n}
{prefix}:p35:alerts:receiver:{n}    HASH, no TTL: what is known of receiver {n}
    name        of the service, without secrets
    failure     while it does not take messages: why, without secrets
    failed_at   when it was tried last, epoch seconds
    failures    how often on end, by the process that sends to it
{prefix}:p35:alerts:sent            STREAM, about 1,000 entries: the messages that were taken
    receiver    its number
    entries     the IDs of the alerts in their stream, apart by spaces
{prefix}:p35:alerts:dead            STREAM, about 1,000 entries: what was given up. The fields of the alert, and
    receiver    its number
    attempts    how often it was tried
    failure     why it was given up, without secrets
    entry_id    of the alert in its stream
"""

from __future__ import annotations

GROUPS = "notify-"
"""The groups of receivers are called so and by their number."""


def lease_key(prefix: str, receiver: str) -> str:
    """Which process sends to the receiver with this number."""
    return f"{prefix}:p35:alerts:lease:{receiver}"


def receiver_key(prefix: str, receiver: str) -> str:
    """What is known of the receiver with this number."""
    return f"{prefix}:p35:alerts:receiver:{receiver}"


def sent_key(prefix: str) -> str:
    """The messages that were taken."""
    return f"{prefix}:p35:alerts:sent"


def dead_letters_key(prefix: str) -> str:
    """What was given up."""
    return f"{prefix}:p35:alerts:dead"
