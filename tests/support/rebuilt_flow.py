"""An App whose outputs are rebuilt while it runs: sums of each customer, and a key for each order."""

from __future__ import annotations

import os
from collections.abc import Iterator
from decimal import Decimal

from connectors import App, Count, Effect, Message, Put, Sum

app = App("orders")
FACTOR = int(os.environ.get("FACTOR", "1"))
"""What each n is multiplied by: 10 is the mistake that is mended. What is there shows by which code it was counted."""


def hopeless(number: int) -> bool:
    """Whether the order of that number is a dead letter."""
    return number % 100 == 7


@app.each("{o}orders", dead_letters="{o}dead", retries=1)
def orders(entry: Message) -> Iterator[Effect]:
    """Each tells, in the end, how often it was carried out."""
    number = int(entry["n"])
    yield Count("{o}sums", {entry["customer"]: number * FACTOR})
    if hopeless(number):
        raise RuntimeError(f"not {number}")
    yield Sum("{o}total", {"n": Decimal(number * FACTOR) / 8})
    yield Put(f"{{o}}order:{number}", {"factor": str(FACTOR)}, ttl=5_000)
