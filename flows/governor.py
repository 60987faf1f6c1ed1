"""P3.1 step 2, governor downsize hint: how large should a plan be, given the efficiency of its symbol?

    python -m bytewax.run flows.governor

    apply.plan --> plans ------> read --> efficiency ----> decide --> commit
                   (consumer              (lookup join,               (permits and XACK:
                    group)                 one read a batch)           one atomic step)

    every 2 s  --> group -------------------------------------------> status   (pending, lag)

It never blocks a plan: whatever is wrong with an efficiency, the permit says so and suggests nothing. Each plan gets
exactly the permit that one look at its efficiency gave, whatever dies and whenever.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.inputs import Source
from bytewax.outputs import Sink

from connectors.commit import CommitSink
from connectors.delivery import Batch, Part
from connectors.group_config import GroupConfig
from connectors.group_state import GroupState
from connectors.lookup import HashLookup, Joined, Lookup, lookup_join
from connectors.service import Service
from connectors.source import ConsumerGroupSource
from connectors.start import start
from connectors.stream_id import milliseconds
from flows import __version__
from flows.domain import headlines
from flows.domain.efficiency import DownsizeLimits, hint, judge
from flows.domain.plans import Plans, read
from flows.settings.joins import GovernorSettings
from flows.wiring import group_status, service_of
from sinks import efficiency, governor_status, permits
from sinks.governor_metrics import GovernorMetrics
from sinks.values.joins import Permit, PermitNote, Plan


@dataclass(frozen=True)
class Ends:
    """Where the flow reads and writes: Redis when it runs, lists and mappings when it is tested."""

    plans: Source[Batch]
    efficiencies: Lookup
    commit: Sink[Part]
    group: Source[GroupState]
    status: Sink[GroupState]


def flow() -> Dataflow:
    """What `python -m bytewax.run flows.governor` runs: settings from the environment, ends on Redis.

    :raises SystemExit: with status 78 when a setting is wrong.
    """
    settings = start(GovernorSettings, "governor")
    metrics = GovernorMetrics(__version__)
    service = service_of(settings, "governor", metrics)
    return topology(settings, redis_ends(settings, service, metrics))


def topology(settings: GovernorSettings, ends: Ends) -> Dataflow:
    """The dataflow, whatever its ends."""
    flow = Dataflow("governor")
    plans = op.map("read", op.input("plans", flow, ends.plans), read)
    joined = lookup_join("efficiency", plans, partial(wanted, settings.key_prefix), ends.efficiencies)
    op.output("commit", op.map("decide", joined, partial(decide, settings)), ends.commit)

    op.output("status", op.input("group", flow, ends.group), ends.status)
    return flow


def wanted(prefix: str, plans: Plans) -> list[str]:
    """The keys of the efficiencies that `plans` are joined with."""
    return [efficiency.key(prefix, plan.symbol) for _id, plan in plans.executed]


def decide(settings: GovernorSettings, joined: Joined[Plans]) -> Part:
    """What the plans of one read do to Redis. Depends on nothing but its arguments."""
    plans, prefix = joined.item, settings.key_prefix
    limits = DownsizeLimits(
        settings.p31_downsize_threshold, settings.p31_min_factor, settings.p31_max_extra_cooldown_sec
    )

    def permit(plan: Plan) -> Permit:
        found = joined.found[efficiency.key(prefix, plan.symbol)]
        known = judge(found, joined.at, settings.p31_eff_ttl_sec, settings.p31_min_conf)
        suggested = hint(known, limits)
        return Permit(plan, known, suggested.action, suggested.factor, suggested.extra_cooldown, joined.at)

    made = [permit(plan) for _id, plan in plans.executed]
    published_at = tuple(milliseconds(one) / 1000 for one, _plan in plans.executed)
    return Part(
        plans.delivery,
        plans.ids,
        (
            *(permits.effect(prefix, one, json=settings.permit_format == "json") for one in made),
            *governor_status.effects(prefix, len(plans.ids), len(made)),
        ),
        PermitNote(tuple(made), published_at, plans.not_execute, plans.incomplete),
    )


def group_config(settings: GovernorSettings) -> GroupConfig:
    """The stream of plans, and the group that reads it."""
    prefix = settings.key_prefix
    return GroupConfig(
        stream=permits.stream_key(prefix),
        group=settings.plan_group,
        counters=governor_status.key(prefix),
        lease_prefix=governor_status.lease_prefix(prefix),
        start="$",
        lease_ttl=settings.lease_ttl_sec,
        stall=settings.stall_sec,
    )


def redis_ends(settings: GovernorSettings, service: Service, metrics: GovernorMetrics) -> Ends:
    """The ends on the Redis of `service`."""
    config = group_config(settings)
    group, status_sink = group_status(service, settings, config, governor_status.write, metrics, headlines.governor)
    return Ends(
        plans=ConsumerGroupSource(service, config, settings.read_batch, settings.max_in_flight),
        efficiencies=HashLookup(service, "efficiency", efficiency.FIELDS),
        commit=CommitSink(service),
        group=group,
        status=status_sink,
    )
