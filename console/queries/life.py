"""Read model: which flows there are, which of them run, and which should."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import redis

from connectors import sign
from connectors.errors import RedisDenied, WrongType
from console.queries.counting import CountingFlow
from console.queries.fetch import ask_all, number_of, texts
from console.queries.readable import age, clock
from console.queries.unit import UnitState

P35 = "p35"
"""The flow that is always looked for."""

UNITS = {
    P35: "quantum-p35-decision-intelligence.service",
    "alerts": "quantum-p35-alerts.service",
    "allocation": "quantum-allocation-target.service",
    "governor": "quantum-governor.service",
    "history": "quantum-history.service",
}
"""Every flow, by the name of its module in `flows`, and its systemd unit. A new flow adds itself here."""


@dataclass(frozen=True, slots=True)
class Life:
    """A flow, at one moment."""

    name: str
    alive: bool
    expected: bool
    """Whether it should run: it is installed here, or has ever run, and was not switched off."""
    off: bool = False
    """Whether it was switched off: its unit is disabled and stopped, here, where it ran last."""
    seen_at: float | None = None
    """Its last sign of life, epoch seconds; None: it never gave one."""
    instance: str | None = None
    """Of which process, `hostname-pid`."""
    started: float | None = None
    """When that process started, epoch seconds."""
    version: str | None = None

    def sentence(self, now: float) -> str:
        """For a person; printable.

        :arg now: epoch seconds, by the clock of Redis.
        """
        if self.alive:
            return f"flows.{self.name} is running"
        state = "was switched off: its unit is disabled" if self.off else "is not running"
        if self.seen_at is None:
            return f"flows.{self.name} {state}" + ("" if self.off else " and never has, here")
        return f"flows.{self.name} {state}, last seen {age(now - self.seen_at)} ago ({clock(self.seen_at)})"


@dataclass(frozen=True, slots=True)
class Lives:
    """All flows."""

    flows: tuple[Life, ...]
    """In the order of UNITS."""
    trouble: str = ""
    """Why nothing is known of others than p35, printable; empty where it is."""

    def asked(self, names: Sequence[str]) -> tuple[Life, ...]:
        """Those in question: `names`, or where there are none, all that should run."""
        return tuple(one for one in self.flows if (one.name in names if names else one.expected))

    @property
    def known(self) -> tuple[Life, ...]:
        """Those that run, should, or were switched off: of the rest there is no trace."""
        return tuple(one for one in self.flows if one.alive or one.expected or one.off)


def read_lives(client: redis.Redis, prefix: str, flow: CountingFlow, units: Mapping[str, UnitState]) -> Lives:
    """Blocks for a round trip; raises `connectors.errors.RedisFailure` where Redis does not answer.

    :arg flow: p35, which lives while a consumer of its group holds a lease; others leave signs of life.
    :arg units: by flow; those that were not looked for may be missing.
    """
    try:
        found = ask_all(client, [("HGETALL", sign.key(prefix, name)) for name in UNITS])
    except (RedisDenied, WrongType) as error:
        p35 = Life(P35, flow.running, expected=True)
        return Lives((p35,), f"which other flows run is unknown: {error}")
    host = socket.gethostname()
    return Lives(
        tuple(
            _life(name, texts(fields), flow, units.get(name), host) for name, fields in zip(UNITS, found, strict=True)
        )
    )


def _life(name: str, fields: Mapping[str, str], flow: CountingFlow, unit: UnitState | None, host: str) -> Life:
    seen_at, instance = number_of(fields.get("seen_at")), fields.get("instance")
    # A unit that is disabled here tells nothing of a flow that ran elsewhere.
    ran_here = instance is None or instance.rpartition("-")[0] == host
    off = name != P35 and unit is not None and unit.switched_off and ran_here
    installed = unit is not None and unit.installed and not unit.switched_off
    return Life(
        name,
        flow.running if name == P35 else sign.is_alive(seen_at, flow.now),
        name == P35 or (not off and (installed or seen_at is not None)),
        off,
        seen_at,
        instance,
        number_of(fields.get("service_start_ts")),
        fields.get("version"),
    )
