"""The answers for programs: one JSON object each, documented in docs/console.md. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from console.queries.answers import GATES, Answer, Everything, Gate, Health, Shares, Symbols, Why
from console.queries.counting import CountingFlow
from console.queries.firing import Firing
from console.queries.groups import Group, Member
from console.queries.latest import LastMinute
from console.queries.life import Life
from console.queries.status import Status
from console.queries.unit import UnitState
from flows.domain.windows import Span

JSON_VERSION = 1
"""Raised when a key changes its meaning or goes; new ones may come."""


def dumps(value: Mapping[str, Any]) -> str:
    """One line, ASCII, with its end."""
    return json.dumps(value).replace("\x7f", "\\u007f") + "\n"


def as_json(query: str, answer: Answer) -> dict[str, Any]:
    """What `answer` says to the query of that name."""
    if isinstance(answer, Everything):
        parts = {
            "why": why_as_json(answer.why),
            "symbols": _symbols(answer.symbols),
            "share": _shares(answer.share),
            "drift": _shares(answer.drift),
            "health": _health(answer.health),
        }
        return head(query, answer.service) | parts
    if isinstance(answer, Why):
        value = why_as_json(answer)
    elif isinstance(answer, Symbols):
        value = _symbols(answer)
    elif isinstance(answer, Shares):
        value = _shares(answer)
    else:
        value = _health(answer) | {"warnings": list(answer.warnings)}
    return head(query, answer.service) | value


def head(query: str, service: CountingFlow) -> dict[str, Any]:
    """What every answer begins with."""
    return {
        "version": JSON_VERSION,
        "query": query,
        "as_of": service.now,
        "last_ts": service.status.last_ts,
        "warnings": list(service.warnings),
    }


def no_health(reason: str, *, redis_up: bool) -> dict[str, Any]:
    """The health of a service of which Redis does not say anything; `reason` is one line."""
    return {
        "version": JSON_VERSION,
        "query": "health",
        "as_of": None,
        "last_ts": None,
        "warnings": [reason],
        "redis_up": redis_up,
        "status": {},
        "group": None,
        "consumers": [],
        "running": None,
        "unit": None,
        "flows": [],
        "window": None,
        "total": None,
        "decisions": {},
    }


def why_as_json(answer: Why) -> dict[str, Any]:
    """One window, without what every answer begins with."""
    window = answer.window
    return {
        "window": window.name,
        **span(answer.span),
        "total": window.total,
        "decisions": dict(window.decisions),
        "reasons": [
            {"reason": one.name, "count": one.count, "share": window.share(one.count)} for one in answer.reasons
        ],
        "skip_rate": answer.skip_rate,
        "verdict": answer.verdict.sentence,
        "severity": answer.verdict.severity.name.lower(),
        "last_minute": None if answer.latest is None else _last_minute(answer.latest),
    } | _firing(answer.firing)


def _firing(of: Firing | None) -> dict[str, Any]:
    if of is None:
        return {}
    return {"alerts": [asdict(one) for one in of.alerts], "alerts_checked_at": of.checked_at}


def span(of: Span) -> dict[str, float]:
    """When a window begins and ends."""
    return {"from": of.begin, "to": of.end}


def _last_minute(latest: LastMinute) -> dict[str, Any]:
    seen, begin = latest.window, latest.minute * 60
    return {
        "from": begin,
        "to": begin + 60,
        "total": seen.total,
        "decisions": dict(seen.decisions),
        "gates": [{"gate": one.name, "count": one.count, "share": seen.share(one.count)} for one in seen.gates[:GATES]],
        "differs": latest.differs,
    }


def _symbols(answer: Symbols) -> dict[str, Any]:
    return {
        "window": answer.window.name,
        **span(answer.span),
        "symbols": [
            {
                "symbol": one.symbol.name,
                "total": one.symbol.window.total,
                "decisions": dict(one.symbol.window.decisions),
                "gates": [{"gate": gate.name, "count": gate.count, "share": gate.share} for gate in one.gates],
                "nearest": None if one.nearest is None else list(one.nearest),
            }
            for one in answer.symbols
        ],
        "other_symbols": answer.others,
    }


def _shares(answer: Shares) -> dict[str, Any]:
    return {
        "window": answer.window.name,
        **span(answer.span),
        "total": answer.window.total,
        "threshold": answer.threshold,
        "gates": _gates(answer.gates),
    }


def _gates(gates: Iterable[Gate]) -> list[dict[str, Any]]:
    return [{"gate": one.name, "count": one.count, "share": one.share, "flagged": one.flagged} for one in gates]


def _health(answer: Health) -> dict[str, Any]:
    service, seen = answer.service, answer.window
    return {
        "redis_up": True,
        "status": _status(service.status),
        "group": None if service.group is None else _group(service.group),
        "consumers": [] if service.group is None else consumers(service.group.consumers),
        "running": service.running,
        "unit": _unit(answer.unit),
        "flows": [_life(one) for one in answer.lives.known],
        "window": None if seen is None else seen.name,
        "total": None if seen is None else seen.total,
        "decisions": {} if seen is None else dict(seen.decisions),
    }


def _status(status: Status) -> dict[str, Any]:
    """By the names of the fields in Redis."""
    return {
        "processed_total": status.processed_total,
        "pending_estimate": status.pending,
        "lag": status.lag,
        "last_id": status.last_id,
        "last_ts": status.last_ts,
        "consumer_name": status.consumer_name,
        "service_start_ts": status.service_start_ts,
        "late_total": status.late_total,
        "skewed_total": status.skewed_total,
        "overflow_total": status.overflow_total,
        "claimed_total": status.claimed_total,
        "fenced_total": status.fenced_total,
        "trimmed_total": status.trimmed_total,
        "version": status.version,
    }


def _group(group: Group) -> dict[str, Any]:
    return {"pending": group.pending, "lag": group.lag, "consumers": len(group.consumers), "last_id": group.last_id}


def consumers(members: Iterable[Member]) -> list[dict[str, Any]]:
    """The members of a group."""
    return [{"name": one.name, "pending": one.pending, "idle_sec": one.idle, "alive": one.alive} for one in members]


def _unit(unit: UnitState) -> dict[str, Any]:
    return {"name": unit.name, "active": unit.active, "sub": unit.sub, "restarts": unit.restarts}


def _life(one: Life) -> dict[str, Any]:
    return {
        "name": one.name,
        "alive": one.alive,
        "expected": one.expected,
        "seen_at": one.seen_at,
        "instance": one.instance,
        "service_start_ts": one.started,
        "version": one.version,
    }
