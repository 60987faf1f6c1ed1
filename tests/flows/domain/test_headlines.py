"""What a flow says of itself in one line."""

from __future__ import annotations

import pytest

from connectors.group_state import GroupState
from flows.domain import headlines
from flows.domain.thresholds import Thresholds
from sinks.values.alerts import AlertState, Key, Tracked
from sinks.values.counts import Ranked, Snapshot, Snapshots
from sinks.values.joins import Efficiency, Proposal, Proposals


def snapshots(decisions: dict[str, int], *gates: tuple[str, int]) -> Snapshots:
    """Those of which the five minutes hold `decisions` and `gates`, and the others something else."""
    other = Snapshot({"EXECUTE": 1}, (), (Ranked("elsewhere", 1),))
    five = Snapshot(decisions, (), tuple(Ranked(*gate) for gate in gates))
    return Snapshots(1, {"1m": other, "5m": five, "15m": other, "1h": other}, (), 0.0)


@pytest.mark.parametrize(
    ("decisions", "gates", "line"),
    [
        ({}, (), "not trading: no decisions in 5m"),
        ({"EXECUTE": 20, "SKIP": 80}, (), "trading: 20% of 100 decisions executed in 5m"),
        ({"EXECUTE": 19, "SKIP": 81}, (("none", 100),), "not trading: 19% of 100 decisions executed in 5m"),
        (
            {"EXECUTE": 1, "BLOCKED": 3},
            (("none", 2), ("p33_permit_denied", 1)),
            "trading: 25% of 4 decisions executed in 5m, p33_permit_denied stopped 25%",
        ),
        ({"SKIP": 3}, (("a", 2), ("b", 1)), "not trading: 0% of 3 decisions executed in 5m, a stopped 67%"),
    ],
)
def test_p35_says_whether_we_trade_and_what_stops_us(
    decisions: dict[str, int], gates: tuple[tuple[str, int], ...], line: str
) -> None:
    assert headlines.p35(snapshots(decisions, *gates), Thresholds()) == line


def tracked(severity: str, *, firing: bool = True) -> Tracked:
    """An alert that fires with that severity, or one that only might."""
    return Tracked({severity: 1.0}, "p35_alert_1" if firing else "", severity if firing else "")


def test_the_alerts_name_the_worst_that_fires() -> None:
    waiting = {Key("error_high", "ERROR", "5m"): tracked("CRITICAL", firing=False)}
    assert headlines.alerts(AlertState(tracked=waiting)) == "no alert fires"
    one = {Key("execute_low", "EXECUTE", "5m"): tracked("HIGH"), **waiting}
    assert headlines.alerts(AlertState(tracked=one)) == "firing: execute_low EXECUTE (HIGH)"
    more = {**one, Key("gate_explosion", "no_position", "5m"): tracked("CRITICAL")}
    assert headlines.alerts(AlertState(tracked=more)) == "firing: gate_explosion no_position (CRITICAL) and 1 more"


def test_allocation_says_how_many_regard_efficiency() -> None:
    def proposal(reason: str) -> Proposal:
        return Proposal("BTCUSDT", 5.0, 1.0, Efficiency(None, None, reason))

    loop = Proposals(1.0, 0.0, tuple(map(proposal, ("ok", "stale_eff", "ok"))), 0, 0.0)
    assert headlines.allocation(loop) == "3 targets proposed: 2 ok, 1 stale_eff"
    assert headlines.allocation(Proposals(1.0, 0.0, (), 4, 0.0)) == "0 targets proposed; 4 targets unusable"


def test_the_governor_says_whether_plans_wait() -> None:
    assert headlines.governor(GroupState(3, 2, 1)) == "3 plans in work, 2 not read yet"
    assert headlines.governor(GroupState(0, None, 1)) == "0 plans in work"
