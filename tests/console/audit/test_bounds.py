"""The comparison of what was recounted with what is there: each field that differs, and no other."""

from __future__ import annotations

import json
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from console.audit.bounds import Bounds, Difference, compare
from console.audit.result_text import as_json, as_text
from console.audit.run import AuditResult

FIELDS = st.dictionaries(
    st.sampled_from(["decision:SKIP", "reason:a", "reason:b", "symbol_reason:S:a"]), st.integers(1, 9)
)


@given(FIELDS, FIELDS)
def test_the_comparison_finds_each_field_that_differs_and_no_other(least: dict[str, int], more: dict[str, int]) -> None:
    found = {name: least.get(name, 0) + more.get(name, 0) for name in {*least, *more}}
    inner = ("reason:*", "symbol_reason:*")
    if found:
        exact = compare("k", "m", found, Bounds(least, least))
        assert {one.field for one in exact} - set(inner) == set(more)
        assert {one.field for one in compare("k", "m", found, Bounds(least, None))} <= set(inner)
        assert {one.field for one in compare("k", "m", found, Bounds({}, found))} <= set(inner)
    if least:
        assert {one.field for one in compare("k", "m", least, Bounds(found, None))} - set(inner) == set(more)


@given(st.lists(st.sampled_from("abcdefgh"), min_size=1), st.sets(st.sampled_from("abcdefgh")))
def test_what_is_folded_is_compared_in_sum(reasons: list[str], kept: set[str]) -> None:
    expected = {"decision:SKIP": len(reasons), **Counter(f"reason:{one}" for one in reasons)}
    folded = [one if one in kept else "__other__" for one in reasons]
    found = {"decision:SKIP": len(reasons), **Counter(f"reason:{one}" for one in folded)}
    assert compare("k", "m", found, Bounds(expected, expected)) == []
    assert compare("k", "m", found, Bounds(expected, None)) == []
    for name in found:
        assert compare("k", "m", {**found, name: found[name] + 1}, Bounds(expected, expected))
        assert compare("k", "m", {**found, name: found[name] - 1}, Bounds(expected, expected))


def test_a_bucket_that_contradicts_itself_is_found_without_any_recount() -> None:
    found = {"decision:SKIP": 3, "reason:a": 2}
    assert compare("k", "m", found, Bounds({}, None)) == [Difference("k", "m", "reason:*", 3, 3, 2)]


def test_at_most_twenty_differences_are_shown_and_all_are_in_json() -> None:
    hostile = Difference("k", "202602010657", "reason:\x1b[31m\x7f[bold]", 1, 1, 2)
    report = AuditResult(9, {"exact": [1], "at_least": [], "expired": [], "moving": []}, [hostile] * 23, True, 0, 0, 9)
    text = as_text(report)
    assert text.count("expected 1, found") == 20
    assert "and 3 more differences\n23 differences: 9 messages, 1 bucket\n" in text
    assert "[bold]" in text
    line = as_json(report)
    assert text.replace("\n", "").isprintable()
    assert line[:-1].isprintable()
    read = json.loads(line)
    assert (read["version"], read["exact"], len(read["differences"])) == (1, False, 23)
    assert read["differences"][0]["field"] == hostile.field
