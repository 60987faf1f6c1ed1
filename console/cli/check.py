"""`quantum check`: the health of the services for Nagios and its kin."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import redis
import typer

from connectors.connection import connect
from connectors.errors import RedisFailure, SettingsError
from connectors.settings import load
from connectors.sign import NAME
from connectors.text import one_line
from console.cli.check_app import check_app
from console.cli.nagios import CRITICAL, UNKNOWN, WARNING, CheckLimits, CheckResult, Problem, above, datum, end
from console.queries.apps import read_app
from console.queries.counting import CountingFlow, read_flow
from console.queries.life import P35, UNITS, Life, read_lives
from console.queries.memory import read_memory
from console.queries.readable import age
from console.queries.unit import read_units
from console.terminal.command import RedisUrl, refusal
from flows.settings.thresholds import ThresholdSettings


def _names(names: list[str] | None) -> list[str] | None:
    """`names`, when all are such as flows have."""
    for name in names or ():
        if name not in UNITS and not NAME.fullmatch(name):
            raise typer.BadParameter(f"{one_line(name)} is neither one of {', '.join(UNITS)} nor the name of an App.")
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
    warn_quiet: Annotated[int, typer.Option(min=0, help="Seconds without a new decision; 0 disables.")] = 900,
    crit_quiet: Annotated[int, typer.Option(min=0)] = 0,
    warn_dead: Annotated[int, typer.Option(min=0, help="Dead letters of an App.")] = 0,
    crit_dead: Annotated[int | None, typer.Option(min=0, help="Default: never critical.", show_default=False)] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--flow",
            metavar="FLOW",
            callback=_names,
            autocompletion=lambda: list(UNITS),
            help="Look at this flow, whether it ever ran or not, and at no other; repeatable. "
            f"{', '.join(UNITS)}, or the name of an App.",
            show_default=False,
        ),
    ] = None,
    redis_url: RedisUrl = None,
) -> None:
    """Are the flows healthy? One line with performance data, and an exit status, for Nagios.

    Exit status 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN (Redis does not answer or refuses, or a setting is wrong).
    Critical: a flow that should run does not, flows.p35 has no consumer group, or Redis has reached its maxmemory (from
    90 % on it is a warning), unless only Apps are looked at. The limits are for flows.p35 and for Apps, and warn when a
    value is above them. (Trading itself is not judged here; see quantum drift, and the alerts.)

    flows.p35 should always run. Another flow should where its systemd unit is installed here, and once it has run on
    this Redis, from wherever: until its unit is disabled and stopped on the machine where it ran last (systemctl
    disable --now), or its key quantum:flow:NAME is deleted. It counts as dead 30 seconds after its last sign of life.
    With --flow, the flows that are named should run, and no other is looked at.

    Your own Apps are checked when --flow names them: critical where one does not run or a stream of it has no
    reader; pending and unread entries are those of all its streams, and a dead letter is a warning.

    \b
    quantum check
    quantum check --warn-lag 500 --crit-lag 5000 --crit-quiet 3600
    quantum check --flow alerts --flow governor
    quantum check --flow orders --warn-dead 100
    """
    try:
        settings = load(ThresholdSettings) if redis_url is None else load(ThresholdSettings, redis_url=redis_url)
    except SettingsError as error:
        end("P35", [CheckResult([Problem(UNKNOWN, one_line(error))])])
    max_lag = settings.p35_alert_max_lag
    limits = CheckLimits(
        (_first(warn_pending, max_lag), _first(crit_pending, 10 * max_lag)),
        (_first(warn_lag, max_lag), _first(crit_lag, 10 * max_lag)),
        (warn_quiet or None, crit_quiet or None),
        (warn_dead, crit_dead),
    )
    ours = [name for name in only or () if name in UNITS]
    apps = dict.fromkeys(name for name in only or () if name not in UNITS)
    subject = "P35" if ours or not apps else "APP"
    try:
        client = connect(settings, "quantum-console")
        results = [_check_flows(client, settings, ours, limits)] if subject == "P35" else []
        results += [check_app(read_app(client, settings.key_prefix, name), limits) for name in apps]
    except RedisFailure as error:
        results = [CheckResult([Problem(UNKNOWN, refusal(settings, error))])]
    end(subject, results)


def _check_flows(
    client: redis.Redis, settings: ThresholdSettings, named: list[str], limits: CheckLimits
) -> CheckResult:
    """Check the flows of this repository that are `named`, or where there are none, all that should run."""
    prefix = settings.key_prefix
    flow = read_flow(client, prefix, settings.thresholds)
    found = {} if named else read_units(list(UNITS.values()))
    units = {name: found[unit] for name, unit in UNITS.items() if unit in found}
    lives = read_lives(client, prefix, flow, units)
    flows = lives.asked(named)
    problems = judge(flow, limits) if not named or P35 in named else []
    problems += dead(flows, flow.now)
    memory = read_memory(client)
    if memory.trouble:
        problems.append(Problem(CRITICAL if memory.full else WARNING, memory.trouble))
    if lives.trouble and named != [P35]:
        problems.append(Problem(UNKNOWN, lives.trouble))
    return CheckResult(problems, all_well(flows), [*performance(flow, limits)])


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
    findings += above(group.pending, limits.pending, f"{group.pending} entries pending")
    if group.lag is not None:
        findings += above(group.lag, limits.lag, f"{group.lag} entries not read")
    quiet = flow.seconds_since_last
    if quiet is not None:
        findings += above(quiet, limits.quiet, f"no decision for {age(quiet)}")
    return findings


def dead(flows: Iterable[Life], now: float) -> list[Problem]:
    """Those of `flows` that do not run; p35 is for `judge`. Pure."""
    return [Problem(CRITICAL, one.sentence(now)) for one in flows if not one.alive and one.name != P35]


def all_well(flows: Iterable[Life]) -> str:
    """What there is to say where nothing was found. Pure."""
    return "; ".join("flows.p35 is running, and keeps up" if one.name == P35 else one.sentence(0) for one in flows)


def performance(flow: CountingFlow, limits: CheckLimits) -> Iterable[str]:
    """Performance data of flows.p35. Pure."""
    group, status = flow.group, flow.status
    quiet = flow.seconds_since_last
    yield datum("pending", None if group is None else group.pending, limits.pending)
    yield datum("lag", None if group is None else group.lag, limits.lag)
    yield datum("quiet", None if quiet is None else round(quiet), limits.quiet, "s")
    yield f"consumers={0 if group is None else sum(bool(one.alive) for one in group.consumers)};;;0"
    yield f"processed={status.processed_total}c;;;0"
    yield f"trimmed={status.trimmed_total}c;;;0"
