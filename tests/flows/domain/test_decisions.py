"""What one entry says: decision, reason, symbol."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flows.domain.decisions import clean, gate_of, kind_of
from sinks.values.counts import DECISIONS
from tests.support import oracle, strategies

ID_MS = strategies.BASE_MS

SPELLINGS = {
    "EXECUTE": "EXECUTE",
    "EXECUTED": "EXECUTE",
    "EXEC": "EXECUTE",
    "SKIP": "SKIP",
    "SKIPPED": "SKIP",
    "BLOCKED": "BLOCKED",
    "BLOCK": "BLOCKED",
    "ERROR": "ERROR",
    "FAILED": "ERROR",
    "FAIL": "ERROR",
}


# The decision.


@pytest.mark.parametrize(("said", "decision"), SPELLINGS.items())
@pytest.mark.parametrize("case", [str.upper, str.lower, str.title, str.swapcase])
@pytest.mark.parametrize("padding", ["", " ", "\t\n", "\u00a0"])
def test_each_spelling_counts_in_any_case_and_trimmed(said: str, decision: str, case: object, padding: str) -> None:
    assert callable(case)
    raw = f"{padding}{case(said)}{padding}".encode()
    assert kind_of({b"decision": raw}) == (decision, "none", "", "")


@pytest.mark.parametrize(
    "said", ["HOLD", "EXECUTING", "SKI", "EXECUTE SKIP", "true", "0", "none", "💥", "UNKNOWN", "unknown"]
)
def test_any_other_decision_is_unknown_and_keeps_its_raw_value(said: str) -> None:
    kind = kind_of({b"decision": f" {said} ".encode()})
    assert (kind.decision, kind.unknown) == ("UNKNOWN", said)


def test_a_decision_that_is_no_utf8_is_unknown_and_shown_with_replacements() -> None:
    assert kind_of({b"decision": b"\xffEXEC"}).unknown == "\ufffdEXEC"


def test_a_decision_with_a_control_character_inside_is_unknown() -> None:
    kind = kind_of({b"decision": b"EXE\x00CUTE"})
    assert (kind.decision, kind.unknown) == ("UNKNOWN", "EXE\ufffdCUTE")


def test_a_decision_wins_over_executed() -> None:
    assert kind_of({b"decision": b"SKIP", b"executed": b"true"}).decision == "SKIP"
    assert kind_of({b"decision": b"what", b"executed": b"true"}).decision == "UNKNOWN"


@pytest.mark.parametrize("decision", [None, b"", b" ", b"\t\r\n", "\u00a0\u2003".encode()])
@pytest.mark.parametrize(
    ("executed", "reason", "expected"),
    [
        (b"true", b"", "EXECUTE"),
        (b"true", b"no_position", "EXECUTE"),
        (b" True\n", b"", "EXECUTE"),
        (b"false", b"", "SKIP"),
        (b"false", b" ", "SKIP"),
        (b"false", b"none", "SKIP"),
        (b"FALSE", b"no_position", "BLOCKED"),
        (b"", b"no_position", "UNKNOWN"),
        (b"1", b"", "EXECUTE"),
        (b"1", b"no_position", "EXECUTE"),
        (b" 1\r\n", b"", "EXECUTE"),
        (b"0", b"", "SKIP"),
        (b"0", b"none", "SKIP"),
        (b" 0 ", b"no_position", "BLOCKED"),
        (b"10", b"", "UNKNOWN"),
        (b"-1", b"", "UNKNOWN"),
        (b"1.0", b"", "UNKNOWN"),
        (b"yes", b"", "UNKNOWN"),
        (b"truefalse", b"", "UNKNOWN"),
        (b"\xff", b"", "UNKNOWN"),
    ],
)
def test_without_a_decision_executed_and_the_reason_decide(
    decision: bytes | None, executed: bytes, reason: bytes, expected: str
) -> None:
    fields = {b"executed": executed, b"reason": reason}
    if decision is not None:
        fields[b"decision"] = decision
    kind = kind_of(fields)
    assert (kind.decision, kind.unknown) == (expected, "")


def test_an_entry_without_any_field_is_unknown_without_a_raw_value() -> None:
    assert kind_of({}) == ("UNKNOWN", "none", "", "")


def test_the_intent_executors_example_is_blocked_by_its_gate() -> None:
    details = '{"plan_id": "p", "executed": false, "error": "p33_permit_denied:stale", "side": "BUY", "qty": 0.1}'
    kind = kind_of({b"executed": b"false", b"symbol": b"BTCUSDT", b"details": details.encode()})
    assert kind == ("BLOCKED", "p33_permit_denied:stale", "BTCUSDT", "")


# The reason.


@pytest.mark.parametrize("blank", [None, b"", b" ", b"\n", b"\x1c", "\u00a0".encode(), "\u2003\u3000".encode()])
def test_the_reason_is_the_first_of_error_details_and_reason_that_is_not_blank(blank: bytes | None) -> None:
    blank_details = b"" if blank is None else json.dumps({"error": blank.decode()}).encode()
    details = b'{"error": "in details"}'
    rows: list[tuple[bytes | None, bytes, bytes | None, str]] = [
        (b"in error", details, b"in reason", "in error"),
        (blank, details, b"in reason", "in details"),
        (blank, blank_details, b"in reason", "in reason"),
        (blank, blank_details, blank, "none"),
        (b"in error", blank_details, blank, "in error"),
    ]
    for error, inside, reason, expected in rows:
        fields = {b"error": error, b"details": inside, b"reason": reason}
        assert kind_of({name: value for name, value in fields.items() if value is not None}).reason == expected


@pytest.mark.parametrize(
    "details",
    [
        b"",
        b"{",
        b'{"error": "x"',
        b'{"error": "x"} trailing',
        b'["error"]',
        b'[{"error": "x"}]',
        b'"error"',
        b"null",
        b"NaN",
        b'{"error": null}',
        b'{"Error": "x"}',
        b'{"inner": {"error": "x"}}',
        b"{'error': 'x'}",
        b'{"err\xffor": "x"}',
        b'\xff{"error": "x"}',
        b'{"error": "x}',
        b'"error"' + b"[" * 100_000,
        b'{"error": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
    ids=lambda details: details[:24].decode("utf-8", "replace"),
)
def test_details_without_an_error_in_a_json_object_leave_the_reason_to_reason(details: bytes) -> None:
    assert kind_of({b"details": details, b"reason": b"fallback"}).reason == "fallback"


@pytest.mark.parametrize(
    ("details", "reason"),
    [
        (b'{"error": "x", "qty": NaN}', "x"),
        (b'{"error": "x", "qty": -Infinity}', "x"),
        (b'{"error": "  x  "}', "x"),
        (b'{"\\u0065rror": "x"}', "x"),
        (b'{"error": "first", "error": "last"}', "last"),
        (b'\n {"error": "x"} \n', "x"),
        (b'{"error": "p33_permit_denied:stale", "note": "caf\xe9"}', "p33_permit_denied:stale"),
        (b'{"error": "p33_permit_denied:caf\xe9"}', "p33_permit_denied:caf\ufffd"),
        (b'{"error": "\xff"}', "\ufffd"),
        (b'{"error": "x", "\xff\xfe": [NaN, "\xc3"]}', "x"),
        (b'{"error": "x", "note": "cut off: \xe2\x82"}', "x"),
        (b'{"error": "x", "note": "line\nline\x00\x1b"}', "x"),
        (b'{"error": "a\nb"}', "a\ufffdb"),
        (b'\xef\xbb\xbf{"error": "x"}', "x"),
        (b'{"error": "\\ud800x"}', "\ufffdx"),
        (b'{"error": "a\\nb"}', "a\ufffdb"),
        (b'{"error": 42}', "42"),
        (b'{"error": false}', "false"),
        (b'{"error": {"code": 1}}', '{"code": 1}'),
    ],
)
def test_error_is_found_in_details_as_publishers_write_them(details: bytes, reason: str) -> None:
    assert kind_of({b"details": details}).reason == reason


@pytest.mark.parametrize("depth", [200, 900, 990, 1_000, 1_023, 1_024, 1_025, 2_000, 100_000])
def test_details_of_any_depth_raise_nothing(depth: int) -> None:
    nested = b'{"error": ' + b"[" * depth + b"]" * depth + b"}"
    assert kind_of({b"details": nested, b"reason": b"r"}).reason in ("r", "[" * 128)
    beside = b'{"error": "x", "a": ' + b"[" * depth + b"]" * depth + b"}"
    assert kind_of({b"details": beside, b"reason": b"r"}).reason in ("r", "x")


@pytest.mark.parametrize(
    ("reason", "gate"),
    [
        ("symbol_not_in_allowlist:DOGEUSDT", "symbol_not_in_allowlist"),
        ("binance_error:-2019:margin", "binance_error"),
        ("no_position", "no_position"),
        ("none", "none"),
        ("trailing:", "trailing"),
        ("spaced :x", "spaced"),
        (":x", ":x"),
        (":", ":"),
    ],
)
def test_the_gate_is_what_is_before_the_first_colon_and_never_empty(reason: str, gate: str) -> None:
    assert gate_of(reason) == gate


# Text.


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"  x  ", "x"),
        (b"a\nb\rc\td", "a\ufffdb\ufffdc\ufffdd"),
        (b"\x1b[31mred", "\ufffd[31mred"),
        (b"a\x00b\x7fc", "a\ufffdb\ufffdc"),
        ("a\u0085b\u2028c\u2029d".encode(), "a\ufffdb\ufffdc\ufffdd"),
        ("a\u202eb\u2066c\u200fd".encode(), "a\ufffdb\ufffdc\ufffdd"),
        (b"a\xff\xfeb", "a\ufffd\ufffdb"),
        (b"\xed\xa0\x80x", "\ufffd\ufffd\ufffdx"),
        ("💥é漢".encode(), "💥é漢"),
        ("\ud800x", "\ufffdx"),
    ],
)
def test_control_characters_and_bad_utf8_are_replaced(raw: bytes | str, text: str) -> None:
    assert clean(raw) == text


@pytest.mark.parametrize("letter", ["x", "é", "💥"])
def test_128_characters_are_kept_whole_and_the_129th_is_cut(letter: str) -> None:
    assert clean((letter * 128).encode()) == letter * 128
    assert clean((letter * 129).encode()) == letter * 128


def test_a_megabyte_in_every_field_is_cut_everywhere() -> None:
    huge = b"x" * 1_000_000
    kind = kind_of({b"decision": huge, b"executed": huge, b"error": huge, b"symbol": huge, b"details": huge})
    assert kind == ("UNKNOWN", "x" * 128, "x" * 128, "x" * 128)
    details = json.dumps({"error": "y" * 1_000_000}).encode()
    assert kind_of({b"details": details, b"executed": b"false"}) == ("BLOCKED", "y" * 128, "", "")


def test_a_megabyte_of_spaces_before_the_value_is_trimmed_and_not_cut() -> None:
    assert kind_of({b"decision": b" " * 1_000_000 + b"exec"}).decision == "EXECUTE"


@given(st.text() | st.binary())
def test_cleaned_text_is_short_printable_in_one_line_and_valid_utf8(raw: bytes | str) -> None:
    text = clean(raw)
    assert len(text) <= 128
    assert text == oracle.shown(raw)
    assert len(text.splitlines()) <= 1
    assert text.encode().decode() == text


@given(strategies.fields(ID_MS))
@example([(b"executed", b"false"), (b"error", b"none")])
@example([(b"decision", b"HOLD"), (b"decision", b"")])
def test_every_entry_is_understood_as_the_contract_says(pairs: list[tuple[bytes, bytes]]) -> None:
    kind = kind_of(dict(pairs))
    expected = oracle.meaning_of((f"{ID_MS}-0", pairs))
    assert kind == (expected.decision, expected.reason, expected.symbol, expected.unknown)
    assert kind.decision in DECISIONS
    assert kind.reason


@given(strategies.fields(ID_MS))
def test_an_entry_read_twice_is_the_same_kind(pairs: list[tuple[bytes, bytes]]) -> None:
    assert kind_of(dict(pairs)) == kind_of(dict(pairs))


def test_fields_beside_those_of_the_contract_are_ignored() -> None:
    known = {b"decision": b"SKIP", b"error": b"no_position", b"symbol": b"BTCUSDT"}
    other = {b"would_execute": b"true", b"Decision": b"EXECUTE", b"errors": b"x", b"\xff": b"\xff", b"event_type": b"t"}
    assert kind_of(known | other) == kind_of(known)
