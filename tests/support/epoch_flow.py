"""A dataflow whose only source says how often the runtime ended an epoch, which is when it asks for a snapshot."""

from __future__ import annotations

import time

import bytewax.operators as op
from bytewax.connectors.stdio import StdOutSink
from bytewax.dataflow import Dataflow
from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition

from connectors.settings import RedisSettings
from connectors.start import start

LONGER_THAN_AN_EPOCH = 1.3
"""Seconds that the source lives, where epochs of one second are asked for."""


class _Counting(StatefulSourcePartition[str, None]):
    def __init__(self) -> None:
        self.ends = 0
        self.until = time.monotonic() + LONGER_THAN_AN_EPOCH
        self.told = False

    def next_batch(self) -> list[str]:
        if self.told:
            raise StopIteration
        if time.monotonic() < self.until:
            return []
        self.told = True
        return [f"epochs ended: {self.ends}"]

    def snapshot(self) -> None:
        self.ends += 1


class _Source(FixedPartitionedSource[str, None]):
    def list_parts(self) -> list[str]:
        return ["singleton"]

    def build_part(self, step_id: str, for_part: str, resume_state: None) -> _Counting:
        return _Counting()


def flow() -> Dataflow:
    start(RedisSettings, "epochs")
    return plain()


def plain() -> Dataflow:
    """The same without what our flows do at their start."""
    flow = Dataflow("epochs")
    op.output("out", op.input("in", flow, _Source()), StdOutSink())
    return flow
