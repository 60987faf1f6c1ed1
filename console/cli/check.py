"""`quantum check`: the health of the service for Nagios and its kin."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

import typer

from connectors.connection import connect
from connectors.errors import RedisError, SettingsError
from connectors.settings import RedisSettings, load
from connectors.text import one_line
from console.queries.service import BEHIND, Service, read_service
from console.queries.text import age
from console.terminal.command import RedisUrl, refusal, write

OK, WARNING, CRITICAL, UNKNOWN = 0, 1, 2, 3
NAMES = ("OK", "WARNING", "CRITICAL", "UNKNOWN")


@dataclass(frozen=True, slots=True)
class Limits:
    """From which values on (above them) it is a warning, and critical."""

    pending: tuple[int, int]
    lag: tuple[int, int]
    quiet: tuple[int, int]
    """Seconds since the newest decision; 0: no limit."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be."""

    state: int
    what: str


def check(
    warn_pending: Annotated[int, typer.Option(min=0, help="Entries delivered and not counted.")] = BEHIND,
    crit_pending: Annotated[int, typer.Option(min=0)] = 10 * BEHIND,
    warn_lag: Annotated[int, typer.Option(min=0, help="Entries not read yet.")] = BEHIND,
    crit_lag: Annotated[int, typer.Option(min=0)] = 10 * BEHIND,
    warn_quiet: Annotated[int, typer.Option(min=0, help="Seconds without a new decision; 0: never mind.")] = 900,
    crit_quiet: Annotated[int, typer.Option(min=0)] = 0,
    redis_url: RedisUrl = None,
) -> None:
    """Does flows.p35 work? One line with performance data, and an exit status, as Nagios wants them.

    Exit status 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN (Redis does not answer or refuses, or a setting is wrong).
    Critical: no consumer lives, or there is no consumer group. Limits warn when a value is above them. (What trading
    does is not judged here: that is for quantum drift, and the alerts.)

    \b
    quantum check
    quantum check --warn-lag 500 --crit-lag 5000 --crit-quiet 3600
    """
    limits = Limits((warn_pending, crit_pending), (warn_lag, crit_lag), (warn_quiet, crit_quiet))
    try:
        settings = load(RedisSettings) if redis_url is None else load(RedisSettings, redis_url=redis_url)
    except SettingsError as error:
        _end(UNKNOWN, one_line(error))
    try:
        service = read_service(connect(settings, "quantum-console"), settings.key_prefix)
    except RedisError as error:
        _end(UNKNOWN, refusal(settings, error))
    findings = judge(service, limits)
    state = max((finding.state for finding in findings), default=OK)
    worst_first = sorted(findings, key=lambda finding: -finding.state)
    what = "; ".join(finding.what for finding in worst_first) or "flows.p35 is running, and keeps up"
    _end(state, f"{what} | {' '.join(performance(service, limits))}")


def judge(service: Service, limits: Limits) -> list[Finding]:
    """What is not as it should be. Pure."""
    group = service.group
    if group is None:
        return [Finding(CRITICAL, "flows.p35 has no consumer group here: it has never run, or its stream was deleted")]
    findings = []
    if not service.running:
        findings.append(Finding(CRITICAL, "flows.p35 is not running: no consumer lives"))
    findings += _above(group.pending, limits.pending, f"{group.pending} entries pending")
    if group.lag is not None:
        findings += _above(group.lag, limits.lag, f"{group.lag} entries not read")
    quiet = service.seconds_since_last
    if quiet is not None:
        findings += _above(quiet, limits.quiet, f"no decision for {age(quiet)}", zero_is_none=True)
    return findings


def _above(value: float, limits: tuple[int, int], what: str, *, zero_is_none: bool = False) -> list[Finding]:
    state = OK
    for limit, above in zip(limits, (WARNING, CRITICAL), strict=True):
        if value > limit and not (zero_is_none and limit == 0):
            state = above
    return [Finding(state, what)] if state else []


def performance(service: Service, limits: Limits) -> Iterable[str]:
    """Performance data: name=value, warning and critical limit, least; `U` is unknown. Pure."""
    group, status = service.group, service.status
    quiet = service.seconds_since_last
    yield _datum("pending", None if group is None else group.pending, limits.pending)
    yield _datum("lag", None if group is None else group.lag, limits.lag)
    yield _datum("quiet", None if quiet is None else round(quiet), limits.quiet, "s")
    yield f"consumers={0 if group is None else sum(bool(one.alive) for one in group.consumers)};;;0"
    yield f"processed={status.processed_total}c;;;0"
    yield f"trimmed={status.trimmed_total}c;;;0"


def _datum(name: str, value: int | None, limits: tuple[int, int], unit: str = "") -> str:
    warning, critical = (str(limit) if limit else "" for limit in limits)
    shown = "U" if value is None else f"{value}{unit}"
    return f"{name}={shown};{warning};{critical};0"


def _end(state: int, text: str) -> None:
    """Print the line, and end.

    :raises SystemExit: always.
    """
    write(f"P35 {NAMES[state]} - {text}\n")
    sys.exit(state)
