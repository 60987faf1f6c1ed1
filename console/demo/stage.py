"""All that the demo starts, as one context manager: Redis, a past, publishers, flows. Nothing outlives it."""

from __future__ import annotations

import shutil
import tempfile
import time
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType

import redis

from connectors.private_redis import PROGRAMS, PrivateRedis, free_port, program
from connectors.text import one_line
from console.demo import commands
from console.demo.flow import Flow
from console.demo.market import Market
from console.demo.market_writer import MarketWriter
from console.demo.observation import Observation, RateMeter
from console.demo.past import HOURS
from console.demo.past_writer import write_past
from console.demo.publisher import Publisher
from console.demo.simulator import Simulator
from console.queries.alerts.published import latest_alerts
from console.queries.counting import read_now
from console.queries.joins import read_joins
from console.queries.minutes import read_minutes
from console.queries.status import read_status
from console.queries.trend import TrendAnswer, ask_trend
from flows.domain.hourly import MOST_WEEKS
from flows.domain.windows import minute_of
from sinks.values.counts import LONGEST_WINDOW, WINDOWS

PREFIX = "quantum"

FLOWS = ("flows.p35", "flows.alerts", "flows.allocation", "flows.governor", "flows.history")

_ALERTS = 5
"""Latest alerts that are read."""


class DemoError(Exception):
    """The demo cannot start or go on. `str()` is printable, for a person."""


class Stage:
    """A private Redis with five weeks in it, and publishers and FLOWS on it. Enter from the main thread.

    :raises DemoError: on entering, when Redis cannot be started; what was started is gone again.
    """

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._stack = ExitStack()
        self._meter = RateMeter()
        self.page: str | None = None
        """Where a browser finds the page; None: the extra web is not installed."""

    def __enter__(self) -> Stage:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="demo-")))
            try:
                server = stack.enter_context(PrivateRedis(_version()))
            except (FileNotFoundError, RuntimeError) as error:
                raise DemoError(_lines(str(error))) from None
            self._client: redis.Redis = server.client(socket_timeout=10)
            stack.callback(self._client.close)
            self.url = server.url
            self._publisher = Publisher(server, PREFIX, self._simulator)
            stack.callback(self._publisher.stop)
            self._market = MarketWriter(server, PREFIX, Market(self._simulator.seed))
            stack.callback(self._market.stop)
            self._flows = [stack.enter_context(Flow(module, server.url, PREFIX, folder)) for module in FLOWS]
            if all(map(find_spec, ("fastapi", "uvicorn"))):
                self._flows.append(stack.enter_context(self._serve(server.url, folder)))
            # (While the flows start, which takes longer.)
            write_past(self._client, PREFIX, self._simulator.seed, self._simulator.rate, read_now(self._client))
            self._began = time.monotonic()
            self._ended: float | None = None
            self._stopped = False
            self._publisher.start()
            self._market.start()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _serve(self, url: str, folder: Path) -> Flow:
        port = free_port()
        self.page = f"http://127.0.0.1:{port}/"
        only_here = {"HTTP_ADDR": "127.0.0.1", "HTTP_PORT": str(port)}
        return Flow("quantum serve", url, PREFIX, folder, ("-m", "console", "serve"), **only_here)

    @property
    def elapsed(self) -> float:
        """Seconds for which it has been publishing."""
        return (self._ended or time.monotonic()) - self._began

    def observe(self) -> Observation:
        """The current state. Blocks for a few round trips.

        :raises DemoError: something that must run has ended.
        :raises connectors.errors.RedisFailure: Redis does not answer.
        """
        failures = [self._publisher.failure, self._market.failure]
        if not self._stopped:
            failures += [flow.failure for flow in self._flows]
        for failure in failures:
            if failure:
                raise DemoError(failure)
        status = read_status(self._client, PREFIX)
        minutes = read_minutes(self._client, PREFIX, minute_of(read_now(self._client)), LONGEST_WINDOW)
        windows = {name: minutes.window(name) for name in WINDOWS}
        processed = status.processed_total
        if self._ended is None:
            rate = self._meter.rate(time.monotonic(), processed)
            # The flow may have counted an entry before the publisher knows that Redis has it.
            published = max(self._publisher.published, processed)
        else:
            rate = processed / self.elapsed
            published = self._publisher.published
        joins = read_joins(self._client, PREFIX)
        alerts = latest_alerts(self._client, PREFIX, _ALERTS)
        phase = self._publisher.phase.label
        tried = " or ".join(filter(None, (self.page, commands.watch(self.url))))
        return Observation(windows, status, published, rate, self.elapsed, phase, tried, joins, alerts)

    def trend(self) -> TrendAnswer:
        """What `quantum trend` says. Blocks for some dozen round trips.

        :raises connectors.errors.RedisFailure: Redis does not answer.
        """
        return ask_trend(self._client, PREFIX, HOURS, MOST_WEEKS, read_now(self._client))

    def stop_publishing(self) -> None:
        """Publish no more. From now on the rate is the average over the whole run."""
        self._publisher.stop()
        self._market.stop()
        self._ended = self._ended or time.monotonic()

    def settled(self) -> bool:
        """Whether everything published is counted, and the status says so. Blocks for a few round trips.

        :raises DemoError, connectors.errors.RedisFailure: as `observe`.
        """
        now = self.observe()
        return now.processed == now.published and not now.status.lag and not now.status.pending

    def stop_flows(self) -> None:
        """Ask the flows to end; blocks until they have."""
        self._stopped = True
        for flow in self._flows:
            flow.stop()


def _version() -> str:
    """The newest server program that is installed; the newest of all where none is."""
    for version in sorted(PROGRAMS, reverse=True):
        try:
            if program(version).exists():
                return version
        except FileNotFoundError:
            continue
    return "system" if shutil.which("redis-server") else max(PROGRAMS)


def _lines(text: str) -> str:
    return "\n".join(one_line(line) for line in text.splitlines())
