"""What gates mean."""

from __future__ import annotations

import pytest

from flows.domain.gates import MEANINGS, NO_REASON, UNKNOWN_GATE, meaning

OF_THE_CONTRACT = {
    "p33_permit_denied",
    "no_position",
    "not_in_allowlist",
    "leverage_ratio_exceeded",
    "insufficient_confidence",
    "action_hold",
    "reconciliation_mismatch",
    "duplicate_plan",
    "kill_score_critical",
}


def test_every_gate_of_the_contract_has_a_meaning() -> None:
    assert set(MEANINGS) >= OF_THE_CONTRACT


@pytest.mark.parametrize("gate", [*MEANINGS, "none", "never heard of"])
def test_a_meaning_is_one_plain_line(gate: str) -> None:
    assert meaning(gate).isascii()
    assert meaning(gate).isprintable()
    assert 20 < len(meaning(gate)) <= 100


def test_what_nobody_described_is_said_to_be_so() -> None:
    assert meaning("never heard of") == UNKNOWN_GATE
    assert meaning("none") == NO_REASON
