"""What a proof adds has names of its own, and no series of Prometheus is made for them."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry

from connectors.delivery import Delivery, Part
from sinks import proofs
from sinks.governor_metrics import GovernorMetrics
from sinks.values.joins import Efficiency, Permit, PermitNote, Plan
from tests.support.scrape import scrape


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

    registry = CollectorRegistry()
    note = PermitNote((permit("PROOF0123ABCDLOW"), permit("BTCUSDT")), (1.0, 1.0), 0, 0)
    part = Part(Delivery("s", "g", "c", "l", "t"), (b"1-0", b"2-0"), (), note)
    GovernorMetrics("1.2.3", registry).committed([part], 0.01, 0)
    seen = scrape(registry)
    assert seen["p32_eff_apply_total", "DOWNSIZE", "ok"] == 2
    assert [key[1] for key in seen if key[0] == "p32_eff_factor"] == ["BTCUSDT"]
