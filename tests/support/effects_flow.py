"""A flow that uses every effect, and whose function fails: for some entries always, for the others now and then."""

from __future__ import annotations

import random
from collections.abc import Iterator
from decimal import Decimal

import bytewax.operators as op
from bytewax.dataflow import Dataflow

from connectors import (
    Append,
    CommitSink,
    ConsumerGroupSource,
    Count,
    Delete,
    Effect,
    Estimate,
    GroupConfig,
    Include,
    Message,
    Put,
    PutIf,
    RedisSettings,
    Service,
    Sum,
    Top,
    Windows,
    each,
    session,
    tumbling,
)
from connectors.start import start

CONFIG = GroupConfig("fx:orders", "fx", lease_ttl=1.0)
DEAD = "fx:dead"
RETRIES = 2
WINDOWS = Windows("fx:windows", tumbling(10**9))
"""Of thirty years, so that all is counted in the one that begins in 2001."""
VISITS = Windows("fx:visits", session(10**6))
NOW_AND_THEN = 0.2
"""How often an entry fails that could succeed."""


def hopeless(number: int) -> bool:
    """Whether the entry of that number always fails."""
    return number % 50 == 7


def effects(order: Message) -> Iterator[Effect]:
    """Each tells, in the end, how often it was carried out."""
    number, customer = order["n"], order["customer"]
    yield Count("fx:count", {number: 1})
    yield Sum("fx:sums", {customer: Decimal(order["usd"])})
    yield Include("fx:seen", [number])
    yield Estimate("fx:customers", [customer])
    if hopeless(int(number)) or random.random() < NOW_AND_THEN:
        raise RuntimeError(f"not {number}")
    yield Top("fx:top", {customer: 1}, limit=1_000)
    yield PutIf("fx:first", customer, None, number, missed=("fx:later", customer))
    yield Append("fx:log", {"n": number})
    yield WINDOWS.count(order, {number: 1})
    yield VISITS.count(order, {"n": 1}, of=customer)
    yield Delete(f"fx:last:{customer}")
    yield Put(f"fx:last:{customer}", {number: "the last"})


def flow() -> Dataflow:
    """What bytewax.run calls."""
    service = Service.create(start(RedisSettings, "fx"), "fx")
    dataflow = Dataflow("fx")
    batches = op.input("orders", dataflow, ConsumerGroupSource(service, CONFIG, max_batch=20))
    parts = op.map("effects", batches, each(effects, DEAD, retries=RETRIES))
    op.output("commit", parts, CommitSink(service))
    return dataflow
