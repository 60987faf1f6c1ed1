"""What a flow says of itself in one line."""

from __future__ import annotations

import pytest

from flows import headlines
from sinks.values import Snapshot, Snapshots


def snapshots(decisions: dict[str, int], *gates: tuple[str, int]) -> Snapshots:
    """Those of which the five minutes hold `decisions` and `gates`, and the others something else."""
    other = Snapshot({"EXECUTE": 1}, (), (("elsewhere", 1),))
    return Snapshots(1, {"1m": other, "5m": Snapshot(decisions, (), gates), "15m": other, "1h": other}, (), 0.0)


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
    assert headlines.p35(snapshots(decisions, *gates)) == line
