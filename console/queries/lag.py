"""The answer to `quantum lag`: who reads which stream, and how far behind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import redis

from console.queries.apps import read_app
from console.queries.groups import Group, read_groups
from console.queries.json import groups as rows
from console.queries.json import head
from sinks import alert_state, decisions, governor_status, permits


def streams(prefix: str) -> Mapping[str, str | None]:
    """The streams of the system that have readers, and what the leases of these begin with."""
    return {
        decisions.stream_key(prefix): decisions.lease_prefix(prefix),
        permits.stream_key(prefix): governor_status.lease_prefix(prefix),
        alert_state.stream_key(prefix): None,
    }


def ask_lag(client: redis.Redis, prefix: str, app: str | None) -> tuple[Group, ...]:
    """All consumer groups of the system, or those of the App with that name.

    Blocks for a few round trips; raises `connectors.errors.RedisFailure`.
    """
    return read_groups(client, streams(prefix)) if app is None else read_app(client, prefix, app).groups


def as_json(groups: tuple[Group, ...]) -> dict[str, Any]:
    """One object, documented in docs/console.md."""
    return head("lag") | {"groups": rows(groups)}
