"""P3.1 step 1, allocation shadow proposer: what would be allocated if efficiency had a say?

    python -m bytewax.run flows.allocation

    every 10 s --> targets --> efficiency ----> propose --> proposals   (a stream, and a key a symbol)
                   (a pass     (lookup join,
                   over all)    one read)

A shadow: targets are read and never written, and whatever is wrong with an efficiency leaves its target as it is. The
flow carries no state; each loop computes everything from scratch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.inputs import Source
from bytewax.outputs import Sink

from connectors.derived import DerivedSink
from connectors.lookup import HashLookup, Joined, Lookup, lookup_join
from connectors.polled import PolledSource
from connectors.service import Service
from connectors.start import start
from connectors.table import HashTable, InvalidRow, Table
from flows import __version__
from flows.domain import headlines
from flows.domain.efficiency import Scale, finite, judge, multiplier
from flows.settings.joins import AllocationSettings
from flows.wiring import service_of
from sinks import efficiency, proposals
from sinks.allocation_metrics import AllocationMetrics
from sinks.proposal_writer import ProposalWriter
from sinks.values.joins import Proposal, Proposals

LARGEST_TARGET = 1e15
"""USD. Beyond it, two decimals are not exact any more: no target, but a mistake."""

LONGEST_SYMBOL = 128
"""Characters."""


@dataclass(frozen=True)
class Ends:
    """Where the flow reads and writes: Redis when it runs, lists and mappings when it is tested."""

    targets: Source[Table[float]]
    efficiencies: Lookup
    proposals: Sink[Proposals]


def flow() -> Dataflow:
    """What `python -m bytewax.run flows.allocation` runs: settings from the environment, ends on Redis.

    :raises SystemExit: with status 78 when a setting is wrong.
    """
    settings = start(AllocationSettings, "allocation")
    metrics = AllocationMetrics(__version__)
    service = service_of(settings, "allocation", metrics)
    return topology(settings, redis_ends(settings, service, metrics))


def topology(settings: AllocationSettings, ends: Ends) -> Dataflow:
    """The dataflow, whatever its ends."""
    flow = Dataflow("allocation")
    targets = op.input("targets", flow, ends.targets)
    joined = lookup_join("efficiency", targets, partial(wanted, settings.key_prefix), ends.efficiencies)
    op.output("proposals", op.map("propose", joined, partial(propose, settings)), ends.proposals)
    return flow


def parse(symbol: str, fields: Mapping[bytes, bytes]) -> float:
    """The target of `symbol` in USD.

    :raises InvalidRow: it has none that could be used.
    """
    if not symbol or not symbol.isprintable() or len(symbol) > LONGEST_SYMBOL:
        raise InvalidRow("no name of a symbol")
    target = finite(fields.get(b"target_usd"))
    if target is None or not 0 <= target <= LARGEST_TARGET:
        raise InvalidRow("target_usd is no amount")
    return target


def wanted(prefix: str, table: Table[float]) -> list[str]:
    """The keys of the efficiencies that the targets of `table` are joined with."""
    return [efficiency.key(prefix, symbol) for symbol in table.rows]


def propose(settings: AllocationSettings, joined: Joined[Table[float]]) -> Proposals:
    """What is proposed in one loop. Depends on nothing but its arguments."""
    table = joined.item
    interval_ms = round(settings.loop_interval_sec * 1000)
    # Whole seconds, where loops are: the time that stands in a proposal is the one that staleness was judged by.
    at_ms = int(table.at) * 1000 if interval_ms % 1000 == 0 else int(table.at * 1000)
    at = at_ms / 1000
    scale = Scale(settings.p31_min_mult, settings.p31_max_mult, settings.p31_base, settings.p31_scale)
    made = []
    for symbol, target in table.rows.items():
        found = joined.found[efficiency.key(settings.key_prefix, symbol)]
        known = judge(found, at, settings.p31_stale_sec, settings.p31_min_conf)
        made.append(Proposal(symbol, target, multiplier(known, scale), known))
    return Proposals(at, (at_ms - at_ms % interval_ms) / 1000, made, table.invalid, table.started)


def redis_ends(settings: AllocationSettings, service: Service, metrics: AllocationMetrics) -> Ends:
    """The ends on the Redis of `service`."""
    prefix = settings.key_prefix
    targets = HashTable(proposals.target_prefix(prefix), proposals.TARGET_FIELDS, parse, excluded=proposals.PROPOSED)
    outlet = proposals.outlet(settings.propose_stream_name or proposals.stream_key(prefix), settings.propose_key_ttl)
    return Ends(
        targets=PolledSource(service, "targets", settings.loop_interval_sec, targets.read),
        efficiencies=HashLookup(service, "efficiency", efficiency.FIELDS),
        proposals=DerivedSink(
            service,
            "proposals",
            ProposalWriter(prefix, outlet, metrics.published),
            written=metrics.looped,
            headline=headlines.allocation,
        ),
    )
