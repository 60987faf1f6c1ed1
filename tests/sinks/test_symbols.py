"""When symbols were last seen and last executed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from connectors.effects import Raise
from sinks import symbols
from tests.support.ledger import Ledger

NEWEST = st.dictionaries(
    st.sampled_from(["", "BTCUSDT", "ETHUSDT"]),
    st.integers(0, 2_000_000_000_000).map(lambda milliseconds: milliseconds / 1000),
)


def test_keys_are_those_of_the_contract() -> None:
    assert symbols.last_seen_key("quantum") == "quantum:p35:symbol:last_seen"
    assert symbols.last_execute_key("quantum") == "quantum:p35:symbol:last_execute"


@given(NEWEST, NEWEST)
def test_each_symbol_has_its_newest_decision_and_its_newest_execute(
    seen: dict[str, float], executed: dict[str, float]
) -> None:
    ledger = Ledger()
    ledger.apply(symbols.effects("q", seen, executed))
    for key, newest in (("q:p35:symbol:last_seen", seen), ("q:p35:symbol:last_execute", executed)):
        written = {symbol: float(text) for symbol, text in ledger.hashes.get(key, {}).items()}
        assert written == {symbol: seconds for symbol, seconds in newest.items() if symbol}


def test_a_decision_that_is_no_execute_leaves_last_execute_alone() -> None:
    (effect,) = symbols.effects("quantum", {"BTCUSDT": 1_769_929_020.25}, {})
    assert isinstance(effect, Raise)
    assert (effect.key, effect.values) == ("quantum:p35:symbol:last_seen", {"BTCUSDT": "1769929020.25"})


def test_entries_without_a_symbol_write_nothing() -> None:
    assert symbols.effects("quantum", {"": 5.0}, {"": 5.0}) == []


def test_made_up_symbols_are_bounded_and_never_expire() -> None:
    for effect in symbols.effects("quantum", {"S": 5.0}, {"S": 5.0}):
        assert isinstance(effect, Raise)
        assert (effect.limit, effect.ttl) == (10_000, None)
        assert effect.dropped == ("quantum:p35:status", "symbols_dropped_total")
