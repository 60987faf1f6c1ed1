"""The answers for programs: one JSON object each, documented in docs/console.md. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from console.queries.answers import GATES, Answer, Comparison, Everything, Gate, Health, Shares, Symbols, Why
from console.queries.apps import AppState
from console.queries.groups import Group, Member
from console.queries.latest import LastMinute
from console.queries.life import Life
from console.queries.status import Status
from flows.domain.windows import Span, Window
from sinks.values.counts import Ranked

JSON_VERSION = 1
"""Raised when a key changes its meaning or goes; new ones may come."""


def dumps(value: Mapping[str, Any]) -> str:
    """One line, ASCII, with its end."""
    return json.dumps(value).replace("\x7f", "\\u007f") + "\n"


def head(query: str) -> dict[str, Any]:
    """What the object of each query begins with."""
    return {"version": JSON_VERSION, "query": query}


def as_json(query: str, answer: Answer) -> dict[str, Any]:
    """What `answer` says to the query of that name."""
    if isinstance(answer, AppState):
        return _app(query, answer)
    known = {
        "as_of": answer.flow.now,
        "last_ts": answer.flow.status.last_ts,
        "warnings": list(answer.warnings),
    }
    return head(query) | known | _body(answer)


def _body(answer: Why | Symbols | Shares | Health | Everything | Comparison) -> dict[str, Any]:
    if isinstance(answer, Why):
        return _why(answer)
    if isinstance(answer, Symbols):
        return _symbols(answer)
    if isinstance(answer, Shares):
        return _shares(answer)
    if isinstance(answer, Health):
        return _health(answer)
    if isinstance(answer, Comparison):
        return _comparison(answer)
    return {
        "why": _why(answer.why),
        "symbols": _symbols(answer.symbols),
        "share": _shares(answer.share),
        "drift": _shares(answer.drift),
        "health": _health(answer.health),
    }


def no_health(reason: str, *, redis_up: bool) -> dict[str, Any]:
    """The health of a flow of which Redis does not say anything; `reason` is one line."""
    unknown = dict.fromkeys(("as_of", "last_ts", "group", "running", "unit", "window", "total"))
    known = head("health") | {"warnings": [reason], "redis_up": redis_up}
    return known | {"status": {}, "consumers": [], "flows": [], "decisions": {}} | unknown


def _why(answer: Why) -> dict[str, Any]:
    window, firing = answer.window, answer.firing
    alerts = (
        {"alerts": [asdict(one) for one in firing.alerts], "alerts_checked_at": firing.checked_at} if firing else {}
    )
    return {
        "window": window.name,
        **_span(answer.span),
        "total": window.total,
        "decisions": dict(window.decisions),
        "reasons": _ranked("reason", answer.reasons, window),
        "skip_rate": answer.skip_rate,
        "verdict": answer.verdict.sentence,
        "severity": answer.verdict.severity.name.lower(),
        "last_minute": None if answer.latest is None else _last_minute(answer.latest),
        **alerts,
    }


def _span(of: Span) -> dict[str, float]:
    return {"from": of.begin, "to": of.end}


def _ranked(kind: str, ranked: Iterable[Ranked], window: Window) -> list[dict[str, Any]]:
    return [{kind: one.name, "count": one.count, "share": window.share(one.count)} for one in ranked]


def gates(some: Iterable[Gate]) -> list[dict[str, Any]]:
    """Gates with their counts and shares."""
    return [{"gate": one.name, "count": one.count, "share": one.share} for one in some]


def _last_minute(latest: LastMinute) -> dict[str, Any]:
    seen, begin = latest.window, latest.minute * 60
    return {
        "from": begin,
        "to": begin + 60,
        "total": seen.total,
        "decisions": dict(seen.decisions),
        "gates": _ranked("gate", seen.gates[:GATES], seen),
        "differs": latest.differs,
    }


def _symbols(answer: Symbols) -> dict[str, Any]:
    return {
        "window": answer.window.name,
        **_span(answer.span),
        "symbols": [
            {
                "symbol": one.symbol.name,
                "total": one.symbol.window.total,
                "decisions": dict(one.symbol.window.decisions),
                "gates": gates(one.gates),
                "nearest": None if one.nearest is None else list(one.nearest),
            }
            for one in answer.symbols
        ],
        "other_symbols": answer.others,
    }


def _shares(answer: Shares) -> dict[str, Any]:
    flagged = zip(gates(answer.gates), answer.gates, strict=True)
    return {
        "window": answer.window.name,
        **_span(answer.span),
        "total": answer.window.total,
        "threshold": answer.threshold,
        "gates": [row | {"flagged": gate.flagged} for row, gate in flagged],
    }


def _comparison(answer: Comparison) -> dict[str, Any]:
    return {
        "window": answer.now.window.name,
        "then": _why(answer.then),
        "now": _why(answer.now),
        "rows": [
            {
                "kind": row.kind,
                "name": row.name,
                "then": {"count": row.then, "share": row.then_share},
                "now": {"count": row.now, "share": row.now_share},
                "difference": row.difference,
                "clear": row.clear,
            }
            for row in answer.rows
        ],
    }


def _health(answer: Health) -> dict[str, Any]:
    flow, unit, seen, group = answer.flow, answer.unit, answer.window, answer.flow.group
    return {
        "redis_up": True,
        "status": _status(flow.status),
        "group": group
        and {
            "pending": group.pending,
            "lag": group.lag,
            "consumers": len(group.consumers),
            "last_id": group.last_id,
        },
        "consumers": consumers(group.consumers if group else ()),
        "running": flow.running,
        "unit": {"name": unit.name, "active": unit.active, "sub": unit.sub, "restarts": unit.restarts},
        "flows": [_life(one) for one in answer.lives.known],
        "window": seen and seen.name,
        "total": seen and seen.total,
        "decisions": dict(seen.decisions) if seen else {},
    }


def _status(status: Status) -> dict[str, Any]:
    """By the names of the fields in Redis."""
    fields = asdict(status)
    return fields | {"pending_estimate": fields.pop("pending")}


def _app(query: str, app: AppState) -> dict[str, Any]:
    return {
        **head(query),
        "as_of": app.now,
        "warnings": list(app.warnings),
        "redis_up": True,
        "running": app.alive,
        "app": {
            "name": app.name,
            "alive": app.alive,
            "seen_at": app.seen_at,
            "instance": app.instance,
            "service_start_ts": app.started,
            "version": app.version,
        },
        "groups": groups(app.groups),
        "dead_letters": [{"key": key, "count": count} for key, count in app.dead_letters.items()],
        "trimmed_total": app.trimmed_total,
    }


def groups(some: Iterable[Group]) -> list[dict[str, Any]]:
    """Consumer groups with their members."""
    return [
        {
            "stream": group.stream,
            "group": group.name,
            "length": group.length,
            "last_id": group.last_id,
            "pending": group.pending,
            "lag": group.lag,
            "consumers": consumers(group.consumers),
        }
        for group in some
    ]


def consumers(members: Iterable[Member]) -> list[dict[str, Any]]:
    """The members of a group."""
    return [{"name": one.name, "pending": one.pending, "idle_sec": one.idle, "alive": one.alive} for one in members]


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
