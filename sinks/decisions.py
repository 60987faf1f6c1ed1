"""Decisions: the stream that `flows.p35` reads, and the consumer group that counts it. Everyone names them from here.

{prefix}:stream:apply.result    STREAM, written by the publishers
"""

from __future__ import annotations

GROUP = "p35_decision_intel"


def stream_key(prefix: str) -> str:
    """The stream of decisions."""
    return f"{prefix}:stream:apply.result"
