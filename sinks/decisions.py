"""Decisions: the stream that `flows.p35` reads, and the consumer group that counts it. Everyone names them from here.

{prefix}:stream:apply.result    STREAM, written by the publishers
{prefix}:p35:lease:{consumer}   STRING, there while that consumer of the group lives
"""

from __future__ import annotations

GROUP = "p35_decision_intel"


def stream_key(prefix: str) -> str:
    """The stream of decisions."""
    return f"{prefix}:stream:apply.result"


def lease_prefix(prefix: str) -> str:
    """What the key of a consumer's lease begins with; its name follows."""
    return f"{prefix}:p35:lease:"
