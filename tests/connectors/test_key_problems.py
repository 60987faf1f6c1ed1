"""What is wrong with which key is told once when it begins and once when it has ended."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from structlog.testing import capture_logs

from connectors import key_problems
from connectors.key_problems import KeyProblems

WRONG = "it must be a hash"


def told(problems: KeyProblems, wrong: Mapping[str, str], among: set[str] | None = None) -> list[tuple[str, int, str]]:
    """Level, number of keys and text of each line that a report leads to."""
    with capture_logs() as logs:
        problems.report(wrong, among)
    return [(line["log_level"], line["count"], line["which"]) for line in logs]


def test_a_problem_is_told_when_it_begins_when_it_changes_and_when_it_ends() -> None:
    problems = KeyProblems("rows")
    assert told(problems, {}) == []
    assert told(problems, {"a": WRONG}) == [("warning", 1, f"a: {WRONG}")]
    assert told(problems, {"a": WRONG}) == []
    assert told(problems, {"a": "denied"}) == [("warning", 1, "a: denied")]
    assert told(problems, {"b": WRONG}) == [("warning", 1, f"b: {WRONG}"), ("info", 1, "a")]
    assert told(problems, {}) == [("info", 1, "b")]


def test_a_key_that_was_not_looked_at_is_as_wrong_as_before() -> None:
    problems = KeyProblems("rows")
    told(problems, {"a": WRONG, "b": WRONG})
    assert told(problems, {}, among={"a"}) == [("info", 1, "a")]
    assert told(problems, {"b": WRONG}, among={"b"}) == []


def test_of_many_five_are_named_and_all_are_counted() -> None:
    problems = KeyProblems("rows")
    ((_level, count, which),) = told(problems, {f"k{number}": WRONG for number in range(9)})
    assert (count, which.count(WRONG)) == (9, 5)


def test_a_hostile_key_is_shown_in_one_printable_line() -> None:
    ((_level, _count, which),) = told(KeyProblems("rows"), {"a\n\x1b[2J": WRONG})
    assert which == f"a��[2J: {WRONG}"


def test_no_more_keys_are_remembered_than_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_problems, "_MOST", 3)
    problems = KeyProblems("rows")
    ((_level, count, _which),) = told(problems, {f"k{number}": WRONG for number in range(9)})
    assert count == 3
    assert told(problems, {}) == [("info", 3, "k0, k1, k2")]
