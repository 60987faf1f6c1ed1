"""Names of proofs can be told from what is real."""

from __future__ import annotations

import pytest

from sinks import proofs


def test_what_a_proof_names_is_known_as_its_own() -> None:
    token = proofs.new_token()
    assert proofs.is_symbol(proofs.symbol(token))
    assert proofs.is_symbol(proofs.symbol(token, "STALE"))
    assert proofs.is_gate(proofs.gate(token))
    assert proofs.new_token() != token


@pytest.mark.parametrize(
    "name", ["", "BTCUSDT", "PROOF", "PROOF1234567", "PROOF1234abcd", "xPROOF12345678", "PROOF12345678\n"]
)
def test_what_is_real_is_not(name: str) -> None:
    assert not proofs.is_symbol(name)
    assert not proofs.is_gate(name.lower())
