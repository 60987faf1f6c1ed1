"""What a proof adds has names of its own, and no series of Prometheus is made for them."""

from __future__ import annotations

import pytest

from sinks import proofs
from sinks.governor_metrics import tags
from sinks.values.joins import Efficiency, Permit, Plan


def test_names_of_a_proof_are_known_as_such() -> None:
    token = proofs.new_token()
    assert proofs.is_symbol(proofs.symbol(token))
    assert proofs.is_symbol(proofs.symbol(token, "LOW"))
    assert proofs.is_gate(proofs.gate(token))
    assert proofs.plan("0123ABCD", "LOW") == "proof-0123ABCD-low"


@pytest.mark.parametrize("name", ["BTCUSDT", "PROOF", "PROOFUSDT", "PROOF0123ABC", "xPROOF0123ABCD", "PROOF0123ABCD:x"])
def test_others_are_not(name: str) -> None:
    assert not proofs.is_symbol(name)
    assert not proofs.is_gate(name)


def test_a_permit_of_a_proof_is_counted_and_has_no_series() -> None:
    def permit(symbol: str) -> Permit:
        return Permit(Plan("1", symbol, "OPEN"), Efficiency(0.2, 0.9, "ok"), "DOWNSIZE", 0.5, 96, 1.0)

    told = dict(tags({"permit": 2}, [permit("PROOF0123ABCDLOW"), permit("BTCUSDT")], [b"1000-0"]))
    assert told["apply:DOWNSIZE:ok"] == 2
    assert [name for name in told if name.startswith("factor:")] == ["factor:BTCUSDT"]
