"""`quantum serve` in a thread of the tests, and what asks it: no library between the test and the bytes."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import socket
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection
from types import TracebackType
from typing import Any
from urllib.parse import urlencode

import redis

from connectors.lifecycle import Lifecycle
from console.web.server import Serving, listen
from console.web.settings import ServeSettings
from tests.support import users
from tests.support.history_world import count
from tests.support.rollups import DAY, HOUR, plant

PUBLISHED_AT = 1_770_195_600
"""When the one decision that lies in the stream was published, epoch seconds."""


@dataclass(frozen=True)
class Reply:
    """What was answered."""

    status: int
    headers: Mapping[str, str]
    """By their names in lower case."""
    raw: bytes

    @property
    def text(self) -> str:
        """The body, decompressed."""
        zipped = self.headers.get("content-encoding") == "gzip"
        return (gzip.decompress(self.raw) if zipped else self.raw).decode()

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.text)


class WebServer:
    """Serves on a free port of 127.0.0.1 as the user quantum-console; a context manager."""

    def __init__(self, url: str, **settings: Any) -> None:
        user = "quantum-console"
        login = {"redis_username": user, "redis_password": users.password(user)}
        self.settings = ServeSettings(**{"redis_url": url, "http_port": 0, **login, **settings})
        self._sock = listen(self.settings)
        self.port: int = self._sock.getsockname()[1]
        self.serving: Serving
        self._loop: asyncio.AbstractEventLoop
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="serving")

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.serving = Serving(self.settings, self._sock, Lifecycle())
        self._ready.set()
        await self.serving.run()

    def __enter__(self) -> WebServer:
        self._thread.start()
        assert self._ready.wait(120)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop, and wait until it has."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self.serving.stop, "the test")
            self._thread.join(60)
            assert not self._thread.is_alive()

    @property
    def viewers(self) -> int:
        """Event streams that are open."""
        return self.serving.application.hub.viewers

    def metric(self, name: str) -> float:
        """The value of the metric `quantum_http_{name}`, which has no labels."""
        found = re.search(rf"^quantum_http_{name} (\S+)$", self.ask("/metrics").text, re.MULTILINE)
        assert found is not None
        return float(found[1])

    def ask(self, path: str, method: str = "GET", body: str | None = None, query: Any = (), **headers: str) -> Reply:
        """Ask on a connection of its own; `_` in the names of headers is `-`."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=120)
        target = f"{path}?{urlencode(query)}" if query else path
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, target, body, named)
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Reply(answer.status, found, answer.read())
        finally:
            connection.close()

    def view(self, **headers: str) -> Events:
        """Follow what is new."""
        return Events(self.port, {name.replace("_", "-"): value for name, value in headers.items()})


@dataclass(frozen=True)
class Event:
    """A server-sent event."""

    kind: str
    id: str
    data: Any


class Events:
    """An event stream; iterating waits for the next event."""

    def __init__(self, port: int, headers: Mapping[str, str]) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=120)
        self._connection.request("GET", "/api/v1/events", headers=dict(headers))
        self.answer = self._connection.getresponse()
        self.status = self.answer.status
        self.comments = 0

    def __iter__(self) -> Iterator[Event]:
        return self

    def __next__(self) -> Event:
        fields: dict[str, str] = {}
        while line := self.answer.readline():
            text = line.decode().rstrip("\n")
            if text.startswith(":"):
                self.comments += 1
            elif text:
                name, _, value = text.partition(": ")
                fields[name] = value
            elif fields:
                return Event(fields["event"], fields["id"], json.loads(fields["data"]))
        raise StopIteration

    def until(self, kind: str) -> Event:
        """The next event of that kind."""
        return next(event for event in self if event.kind == kind)

    def close(self) -> None:
        """Leave."""
        if self._connection.sock is not None:
            self._connection.sock.shutdown(socket.SHUT_RDWR)
        self.answer.close()
        self._connection.close()


def plant_world(client: redis.Redis) -> None:
    """Two hours of decisions minute by minute, five weeks of hours, days, and a consumer group."""
    now = int(client.time()[0])
    for minute in range(120):
        at = now - 60 * minute
        count(client, at, "BLOCKED", "p33_permit_denied:stale", "BTCUSDT", 30 + minute % 7)
        count(client, at, "BLOCKED", "p33_permit_denied:hold", "ETHUSDT", 11)
        count(client, at, "SKIP", "no_position", "BTCUSDT", 5)
        count(client, at, "EXECUTE", "none", "SOL:USDT", 9)
        count(client, at, "ERROR", "binance_error:-2019 <b>&", "<i>", 1)
    for hours_ago in range(1, 5 * 7 * 24):
        gates = {"p33_permit_denied": 50 + hours_ago % 24, "no_position": 10}
        symbols = {"BTCUSDT": {"BLOCKED": 40, "SKIP": 10}, "ETHUSDT": {"EXECUTE": 25}}
        pairs = {("BTCUSDT", "p33_permit_denied"): 30, ("BTCUSDT", "no_position"): 10}
        decisions = {"EXECUTE": 40, "BLOCKED": 80, "SKIP": 10}
        plant(client, now - hours_ago * HOUR, decisions, gates, symbols=symbols, pairs=pairs)
    for days_ago in range(1, 35):
        plant(client, now - days_ago * DAY, {"EXECUTE": 960, "BLOCKED": 1_000}, {"p33_permit_denied": 900}, length=DAY)
    stream = "quantum:stream:apply.result"
    client.xgroup_create(stream, "p35_decision_intel", id="0", mkstream=True)
    fields: Any = {
        "plan_id": "p1",
        "symbol": "E",
        "decision": "BLOCKED",
        "error": "g:detail",
        "timestamp": str(PUBLISHED_AT),
    }
    client.xadd(stream, fields, id=f"{PUBLISHED_AT}000-0")
    proposal: Any = {"symbol": "BTCUSDT", "base_target": "100.00", "proposed_target": "120.00", "multiplier": "1.2000"}
    client.xadd("quantum:stream:allocation.target.proposed", {**proposal, "reason": "ok", "ts_epoch": str(now)})
    client.xadd("quantum:stream:apply.plan", {"plan_id": "p1", "symbol": "E", "decision": "EXECUTE"})
    permit: Any = {
        "eff_action": "DOWNSIZE",
        "eff_reason": "ok",
        "downsize_factor": "0.4444",
        "extra_cooldown_sec": "96",
    }
    client.hset("quantum:permit:p1", mapping=permit)
