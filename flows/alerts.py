"""P3.5.1 automated alerts: what an operator should learn without having to ask.

    python -m bytewax.run flows.alerts

    every 60 s --> checks --> judge --> publish          (state and alerts: one atomic step)
                   (buckets, symbols, group, state, shifts)

    once an hour --> hours --> compare --> keep          (shifts: derived, replaced whole)
                     (those of the last day and of four weeks before)

    alerts --> notifier --> receivers                    (beside the dataflow: see `connectors.notifier`)

A check works out anew what is so, from the buckets, and what becomes of each alert, from the state in Redis. The
process holds nothing: it may be restarted at any time, and started several times. What takes longer than a check may,
the comparison with the weeks before, is made when an hour is over, and kept for the checks that follow.
"""

from __future__ import annotations

import atexit
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import bytewax.operators as op
import redis
from bytewax.dataflow import Dataflow
from bytewax.inputs import Source
from bytewax.outputs import Sink

from connectors.derived import DerivedSink
from connectors.errors import SettingsError
from connectors.notifier import Notifier, Policy
from connectors.polled import PolledSource
from connectors.receiver import Receiver
from connectors.service import Service
from connectors.settings import EXIT_SETTINGS
from connectors.start import start
from flows import __version__
from flows.domain import headlines
from flows.domain.alerts.check import judge
from flows.domain.alerts.rules import KINDS
from flows.domain.alerts.shifts import hours_wanted, shifts_of
from flows.settings.alerts import AlertsSettings
from flows.wiring import service_of
from sinks import alerts, notifications
from sinks.alert_log import log_published
from sinks.alert_metrics import AlertMetrics
from sinks.alert_shifts import HourReader, ShiftWriter
from sinks.values.alerts import Checked, HoursRead, Reading, Shifts


@dataclass(frozen=True)
class Ends:
    """Where the flow reads and writes: Redis when it runs, lists when it is tested."""

    checks: Source[Reading]
    publish: Sink[Checked]
    hours: Source[HoursRead]
    keep: Sink[Shifts]


def flow() -> Dataflow:
    """What `python -m bytewax.run flows.alerts` runs: settings from the environment, ends on Redis.

    :raises SystemExit: with status 78 when a setting is wrong.
    """
    settings = start(AlertsSettings, "alerts")
    receivers = _receivers(settings)
    metrics = AlertMetrics(KINDS, __version__)
    service = service_of(settings, "alerts", metrics)
    notify(settings, service, receivers, metrics)
    return topology(settings, redis_ends(settings, service, metrics))


def topology(settings: AlertsSettings, ends: Ends, new_version: Callable[[], str] = alerts.new_version) -> Dataflow:
    """The dataflow, whatever its ends."""
    flow = Dataflow("alerts")
    checks = op.input("checks", flow, ends.checks)
    judged = op.filter_map("judge", checks, partial(judge, terms=settings.terms, new_version=new_version))
    op.output("publish", judged, ends.publish)

    hours = op.input("hours", flow, ends.hours)
    compared = op.map("compare", hours, shifts_of)
    op.output("keep", compared, ends.keep)
    return flow


def notify(
    settings: AlertsSettings, service: Service, receivers: Sequence[Receiver], metrics: AlertMetrics
) -> Notifier:
    """Begin to send what is published to `receivers`, until the process ends."""
    policy = Policy(
        wanted=partial(notifications.wanted, least=settings.alert_notify_min_severity),
        message=notifications.message,
        spacing=settings.alert_notify_spacing_sec,
        attempts=settings.alert_notify_attempts,
    )
    notifier = Notifier(service, receivers, partial(notifications.receiver_queue, settings.key_prefix), policy, metrics)
    notifier.start()
    atexit.register(notifier.close)
    return notifier


def _receivers(settings: AlertsSettings) -> list[Receiver]:
    """Those of the settings; ends the process with status 78 after one line, when a URL is wrong."""
    try:
        return settings.receivers()
    except SettingsError as error:
        print(error, file=sys.stderr)
        raise SystemExit(EXIT_SETTINGS) from None


def redis_ends(settings: AlertsSettings, service: Service, metrics: AlertMetrics) -> Ends:
    """The ends on the Redis of `service`."""
    prefix = settings.key_prefix

    def read(client: redis.Redis) -> Reading:
        reading = alerts.read(client, prefix)
        metrics.known(reading.state)
        return reading

    def write(client: redis.Redis, checked: Checked) -> None:
        if alerts.write(client, prefix, checked):
            log_published(checked)
            metrics.published(checked)

    def turn() -> bool:
        service.turn()
        return not service.lifecycle.stopping

    return Ends(
        checks=PolledSource(service, "checks", settings.alert_interval_sec, read),
        publish=DerivedSink(
            service,
            "publish",
            write,
            written=metrics.checked,
            headline=lambda checked: headlines.alerts(checked.after),
        ),
        hours=PolledSource(service, "hours", settings.alert_interval_sec, HourReader(prefix, hours_wanted, turn)),
        keep=DerivedSink(service, "keep", ShiftWriter(prefix), beside=True),
    )
