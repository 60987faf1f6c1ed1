"""What the proposer writes: its rows, once in a loop, and what lies in its way."""

from __future__ import annotations

import pytest
import redis
from structlog.testing import capture_logs

from connectors.private_redis import PrivateRedis
from sinks import proposals
from sinks.proposal_writer import ProposalWriter
from sinks.values.joins import Proposal
from tests.support.join_values import NONE, OK, STALE, loop

PREFIX = "quantum:allocation:target:proposed:"


@pytest.mark.parametrize(
    ("proposal", "expected"),
    [
        (Proposal("S", 1000.0, 0.7, OK), "20 S 1000.00 700.00 0.7000 0.2000 0.900 0 ok shadow"),
        (Proposal("S", 0.005, 1.0, STALE), "20 S 0.01 0.01 1.0000 0.2000 0.900 1 stale_eff shadow"),
        (Proposal("S", 1e15, 1.5, NONE), f"20 S {10**15}.00 {15 * 10**14}.00 1.5000 - - 0 missing_eff shadow"),
    ],
)
def test_a_row_has_the_decimals_of_the_contract(proposal: Proposal, expected: str) -> None:
    assert [value or "-" for value in proposals.row(proposal, "20")] == expected.split()
    assert len(proposals.FIELDS) == len(expected.split())


def test_a_repeated_write_tells_of_nothing_twice(client: redis.Redis, server: PrivateRedis) -> None:
    told: list[str] = []
    writer = ProposalWriter("quantum", proposals.outlet("out", 600), lambda made: told.extend(m.symbol for m in made))
    made = [Proposal(f"S{number}", 1.0, 1.0, OK) for number in range(1_200)]
    with server.client() as raw:
        writer(raw, loop(*made[:700]))
        writer(raw, loop(*made))
    assert told == [one.symbol for one in made]
    assert client.xlen("out") == 1_200


def test_a_key_of_another_type_is_told_of_once(client: redis.Redis, server: PrivateRedis) -> None:
    client.set(f"{PREFIX}A", "x")
    writer = ProposalWriter("quantum", proposals.outlet("out", 600))
    with server.client() as raw, capture_logs() as logs:
        for at in (20.0, 30.0):
            writer(raw, loop(Proposal("A", 1.0, 1.0, OK), Proposal("B", 1.0, 1.0, OK), at=at))
        client.delete(f"{PREFIX}A")
        writer(raw, loop(Proposal("A", 1.0, 1.0, OK), at=40.0))
    assert [line["event"] for line in logs] == ["skipping unusable keys", "keys are usable again, or gone"]
    assert [fields["symbol"] for _, fields in client.xrange("out")] == ["B", "B", "A"]
