"""Writes a simulated market to Redis, once a second. A thread."""

from __future__ import annotations

import time
from typing import Any

from connectors.private_redis import PrivateRedis
from console.demo.background import Background
from console.demo.market import Market
from console.demo.simulator import SYMBOLS
from sinks import efficiency, permits, proposals

STREAM_LENGTH = 10_000
"""About so many plans are kept."""


class MarketWriter(Background):
    """Writes until it is stopped. Plans come once the governor has made its group, which starts at their end."""

    def __init__(self, server: PrivateRedis, prefix: str, market: Market) -> None:
        super().__init__(server, "writing the market")
        self._prefix = prefix
        self._market = market

    def _work(self) -> None:
        began, started, second = time.monotonic(), time.time(), 0
        while not self._stopping.wait(max(0.0, began + second - time.monotonic())):
            self._write(second, started)
            second = max(second + 1, int(time.monotonic() - began))

    def _write(self, second: int, started: float) -> None:
        stream = permits.stream_key(self._prefix)
        pipeline = self._client.pipeline(transaction=False)
        for symbol in SYMBOLS:
            target: dict[Any, Any] = dict(self._market.target(symbol, started + second))
            pipeline.hset(proposals.target_prefix(self._prefix) + symbol, mapping=target)
            found: Any = self._market.efficiency(symbol, second, started + second)
            if found is None:
                pipeline.delete(efficiency.key(self._prefix, symbol))
            else:
                pipeline.hset(efficiency.key(self._prefix, symbol), mapping=found)
        if self._client.exists(stream):
            for one in self._market.plans(second, started):
                plan: dict[Any, Any] = dict(one)
                pipeline.xadd(stream, plan, maxlen=STREAM_LENGTH, approximate=True)
        pipeline.execute()
