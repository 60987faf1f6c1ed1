"""`quantum check`: the health of the services for Nagios and its kin."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

import typer

from connectors.connection import connect
from connectors.errors import RedisFailure, SettingsError
from connectors.settings import load
from connectors.text import one_line
from console.queries.counting import CountingFlow, read_flow
from console.queries.life import P35, UNITS, Life, read_lives
from console.queries.readable import age
from console.queries.unit import read_units
from console.terminal.command import RedisUrl, refusal, write
from flows.settings.thresholds import ThresholdSettings

OK, WARNING, CRITICAL, UNKNOWN = 0, 1, 2, 3
NAMES = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
_WORSE = (OK, WARNING, UNKNOWN, CRITICAL).index


@dataclass(frozen=True, slots=True)
class CheckLimits:
    """From which values on (above them) it is a warning, and critical."""

    pending: tuple[int, int]
    lag: tuple[int, int]
    quiet: tuple[int, int]
    """Seconds since the newest decision; 0: no limit."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is not as it should be."""

    state: int
    what: str


def _known(names: list[str] | None) -> list[str] | None:
    """`names`, when all are flows."""
    for name in names or ():
        if name not in UNITS:
            raise typer.BadParameter(f"{one_line(name)} is not one of {', '.join(UNITS)}.")
    return names


def check(
    warn_pending: Annotated[
        int | None, typer.Option(min=0, help="Entries delivered and not counted. Default: P35_ALERT_MAX_LAG.")
    ] = None,
    crit_pending: Annotated[int | None, typer.Option(min=0, help="Default: ten times P35_ALERT_MAX_LAG.")] = None,
    warn_lag: Annotated[
        int | None, typer.Option(min=0, help="Entries not read yet. Default: P35_ALERT_MAX_LAG.")
    ] = None,
    crit_lag: Annotated[int | None, typer.Option(min=0, help="Default: ten times P35_ALERT_MAX_LAG.")] = None,
    warn_quiet: Annotated[int, typer.Option(min=0, help="Seconds without a new decision; 0: never mind.")] = 900,
    crit_quiet: Annotated[int, typer.Option(min=0)] = 0,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--flow",
            metavar="FLOW",
            callback=_known,
            autocompletion=lambda: list(UNITS),
            help=f"Look at this flow, whether it ever ran or not, and at no other; repeatable. {', '.join(UNITS)}.",
            show_default=False,
        ),
    ] = None,
    redis_url: RedisUrl = None,
) -> None:
    """Are the flows healthy? One line with performance data, and an exit status, for Nagios.

    Exit status 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN (Redis does not answer or refuses, or a setting is wrong).
    Critical: a flow that should run does not, or flows.p35 has no consumer group. The limits are for flows.p35, and
    warn when a value is above them. (Trading itself is not judged here; see quantum drift, and the alerts.)

    flows.p35 should always run. Another flow should where its systemd unit is installed here, and once it has run on
    this Redis, from wherever: until its unit is disabled and stopped on the machine where it ran last (systemctl
    disable --now), or its key quantum:flow:NAME is deleted. It counts as dead 30 seconds after its last sign of life.
    With --flow, the flows that are named should run, and no other is looked at.

    \b
    quantum check
    quantum check --warn-lag 500 --crit-lag 5000 --crit-quiet 3600
    quantum check --flow alerts --flow governor
    """
    try:
        settings = load(ThresholdSettings) if redis_url is None else load(ThresholdSettings, redis_url=redis_url)
    except SettingsError as error:
        _end(UNKNOWN, one_line(error))
    max_lag = settings.p35_alert_max_lag
    limits = CheckLimits(
        (_first(warn_pending, max_lag), _first(crit_pending, 10 * max_lag)),
        (_first(warn_lag, max_lag), _first(crit_lag, 10 * max_lag)),
        (warn_quiet, crit_quiet),
    )
    named = only or []
    try:
        client, prefix = connect(settings, "quantum-console"), settings.key_prefix
        flow = read_flow(client, prefix, settings.thresholds)
        found = {} if named else read_units(list(UNITS.values()))
        units = {name: found[unit] for name, unit in UNITS.items() if unit in found}
        lives = read_lives(client, prefix, flow, units)
    except RedisFailure as error:
        _end(UNKNOWN, refusal(settings, error))
    flows = lives.asked(named)
    findings = judge(flow, limits) if not named or P35 in named else []
    findings += dead(flows, flow.now)
    if lives.trouble and named != [P35]:
        findings.append(Problem(UNKNOWN, lives.trouble))
    state = max((finding.state for finding in findings), key=_WORSE, default=OK)
    worst_first = sorted(findings, key=lambda finding: -_WORSE(finding.state))
    what = "; ".join(finding.what for finding in worst_first) or all_well(flows)
    _end(state, f"{what} | {' '.join(performance(flow, limits))}")


def _first(given: int | None, default: int) -> int:
    return default if given is None else given


def judge(flow: CountingFlow, limits: CheckLimits) -> list[Problem]:
    """What is not as it should be. Pure."""
    group = flow.group
    if group is None:
        return [Problem(CRITICAL, "flows.p35 has no consumer group here: it has never run, or its stream was deleted")]
    findings = []
    if not flow.running:
        findings.append(Problem(CRITICAL, "flows.p35 is not running: no consumer lives"))
    findings += _above(group.pending, limits.pending, f"{group.pending} entries pending")
    if group.lag is not None:
        findings += _above(group.lag, limits.lag, f"{group.lag} entries not read")
    quiet = flow.seconds_since_last
    if quiet is not None:
        findings += _above(quiet, limits.quiet, f"no decision for {age(quiet)}", zero_is_none=True)
    return findings


def dead(flows: Iterable[Life], now: float) -> list[Problem]:
    """Those of `flows` that do not run; p35 is for `judge`. Pure."""
    return [Problem(CRITICAL, one.sentence(now)) for one in flows if not one.alive and one.name != P35]


def all_well(flows: Iterable[Life]) -> str:
    """What there is to say where nothing was found. Pure."""
    return "; ".join("flows.p35 is running, and keeps up" if one.name == P35 else one.sentence(0) for one in flows)


def _above(value: float, limits: tuple[int, int], what: str, *, zero_is_none: bool = False) -> list[Problem]:
    state = OK
    for limit, above in zip(limits, (WARNING, CRITICAL), strict=True):
        if value > limit and not (zero_is_none and limit == 0):
            state = above
    return [Problem(state, what)] if state else []


def performance(flow: CountingFlow, limits: CheckLimits) -> Iterable[str]:
    """Performance data: name=value, warning and critical limit, least; `U` is unknown. Pure."""
    group, status = flow.group, flow.status
    quiet = flow.seconds_since_last
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
