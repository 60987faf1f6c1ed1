"""The answer in one sentence, and how bad it is."""

from __future__ import annotations

import pytest

from console.queries.readable import number, percent
from console.queries.verdict import verdict
from console.terminal.cells import bar, fit
from flows.domain.thresholds import Severity, Thresholds
from flows.domain.windows import Minutes, Window
from sinks.values.counts import Counts

THRESHOLDS = Thresholds()


def window(gates: dict[str, int], **decisions: int) -> Window:
    """A window of five minutes."""
    return Window(range(5), (Counts(decisions, gates),))


@pytest.mark.parametrize(
    ("seen", "severity", "sentence"),
    [
        (window({}), Severity.SERIOUS, "Not trading: no decisions arrive"),
        (
            window({"a": 62}, EXECUTE=12, BLOCKED=88),
            Severity.SERIOUS,
            "Not trading: a blocks 62 % of decisions, 12 % executed",
        ),
        (window({"a": 100}, BLOCKED=100), Severity.SERIOUS, "Not trading: a blocks 100 % of decisions"),
        (window({}, SKIP=5), Severity.SERIOUS, "Not trading: most decisions give no reason"),
        (window({"a": 39}, EXECUTE=38, SKIP=62), Severity.NORMAL, "Trading: 38 % executed"),
        (
            window({"a": 41}, EXECUTE=38, SKIP=62),
            Severity.ATTENTION,
            "Trading: 38 % executed, but a blocks 41 % of decisions",
        ),
    ],
)
def test_the_sentence(seen: Window, severity: Severity, sentence: str) -> None:
    assert (verdict(seen, THRESHOLDS).severity, verdict(seen, THRESHOLDS).sentence) == (severity, sentence)


def test_how_long_it_has_been_so_is_told_in_minutes_on_end() -> None:
    def minute(stopped: int) -> Counts:
        reasons = {"p33_permit_denied:stale": stopped, "none": 100 - stopped}
        return Counts({"EXECUTE": 100 - stopped, "BLOCKED": stopped}, reasons, {})

    stopped = {at: minute(85) for at in (40, *range(93, 100))}
    now = window({"p33_permit_denied": 85}, EXECUTE=15, BLOCKED=85)
    for running, length in (({}, "7 min"), ({100: minute(0)}, "7 min"), ({100: minute(85)}, "7 min")):
        said = verdict(now, THRESHOLDS, Minutes(100, stopped | {92: minute(39)} | running, 60)).sentence
        assert said == f"Not trading: p33_permit_denied blocks 85 % of decisions for {length}, 15 % executed"
    for seen, since in ((stopped, " for 7 min or longer"), ({99: minute(85)}, " for 1 min"), ({}, "")):
        said = verdict(now, THRESHOLDS, Minutes(100, seen, 8)).sentence
        assert said == f"Not trading: p33_permit_denied blocks 85 % of decisions{since}, 15 % executed"


def test_the_limits_are_those_of_the_alerts() -> None:
    assert [THRESHOLDS.gate_severity(share) for share in (0.39, 0.4, 0.6, 0.8)] == list(Severity)
    assert THRESHOLDS.decision_severity("EXECUTE", 0.19) is Severity.SERIOUS
    assert THRESHOLDS.decision_severity("EXECUTE", 0.2) is Severity.NORMAL
    assert THRESHOLDS.decision_severity("SKIP", 0.71) is Severity.ATTENTION
    assert THRESHOLDS.decision_severity("BLOCKED", 0.41) is Severity.SERIOUS
    assert THRESHOLDS.decision_severity("ERROR", 0.11) is Severity.CRITICAL
    assert THRESHOLDS.decision_severity("ERROR", 0.10) is Severity.NORMAL


@pytest.mark.parametrize(
    ("share", "text"), [(0, "0 %"), (0.001, "<1 %"), (0.5, "50 %"), (0.999, ">99 %"), (1, "100 %")]
)
def test_percentages_never_round_something_to_nothing(share: float, text: str) -> None:
    assert percent(share) == text


def test_bars_and_numbers() -> None:
    assert [bar(share, 4) for share in (0, 0.0001, 0.5, 1, 7)] == ["", "▏", "██", "████", "████"]
    assert [bar(share, 4, ascii_only=True) for share in (0, 0.0001, 0.5, 1)] == ["", "#", "##", "####"]
    assert (number(None), number(0), number(12345)) == ("unknown", "0", "12,345")


def test_names_fit_and_are_printable() -> None:
    assert fit("gate", 6) == "gate  "
    assert fit("a_long_gate", 6) == "a_lon…"
    assert fit("\x1b[2J\n", 6) == "�[2J� "
    assert fit("漢字漢字", 6) == "漢字 …"
