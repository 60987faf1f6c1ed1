"""What `quantum check` finds in your own App. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from console.cli.nagios import CRITICAL, CheckLimits, CheckResult, Problem, above, datum
from console.queries.apps import AppState
from console.queries.readable import many


def check_app(app: AppState, limits: CheckLimits) -> CheckResult:
    """Its problems and performance data."""
    return CheckResult(_problems(app, limits), f"{app.sentence}, and keeps up", [*_performance(app, limits)])


def _problems(app: AppState, limits: CheckLimits) -> list[Problem]:
    findings = [Problem(CRITICAL, one) for one in app.warnings]
    findings += above(app.pending, limits.pending, f"{app.pending} entries of {app.name} pending")
    if app.lag is not None:
        findings += above(app.lag, limits.lag, f"{app.lag} entries not read by {app.name}")
    return findings + above(app.dead, limits.dead, f"{many(app.dead, 'dead letter')} of {app.name}")


def _performance(app: AppState, limits: CheckLimits) -> Iterable[str]:
    yield datum(f"{app.name}_pending", app.pending, limits.pending)
    yield datum(f"{app.name}_lag", app.lag, limits.lag)
    yield datum(f"{app.name}_dead", app.dead, limits.dead)
    alive = {one.name for group in app.groups for one in group.consumers if one.alive}
    yield f"{app.name}_consumers={len(alive)};;;0"
    yield f"{app.name}_trimmed={app.trimmed_total}c;;;0"
