"""What a permit says, with the decimals of the contract."""

from __future__ import annotations

from decimal import Decimal

from sinks import permits
from tests.support.join_values import NONE, OK, permit


def test_a_permit_has_the_decimals_of_the_contract() -> None:
    effect = permits.effect("quantum", permit("p", "S", NONE, "NONE", 1.0, 0), json=True)
    assert (effect.key, effect.ttl, effect.json) == ("quantum:permit:p", 60, True)
    assert effect.fields["eff_score"] is effect.fields["eff_confidence"] is None
    assert str(effect.fields["downsize_factor"]) == str(effect.fields["eff_factor"]) == "1.0000"
    third = permits.effect("quantum", permit("p", "S", OK, "DOWNSIZE", 1 / 3, 96), json=False)
    assert third.fields["downsize_factor"] == Decimal("0.3333")
    assert str(third.fields["eff_confidence"]) == "0.900"
    assert str(third.beside["created_at"]) == "20.000"
