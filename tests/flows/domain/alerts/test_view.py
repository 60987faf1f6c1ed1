"""The view that a reading allows: windows before one moment, and the group that counts."""

from __future__ import annotations

import pytest

from connectors.group_state import GroupState
from flows.domain.alerts.view import view_of
from sinks.values.alerts import AlertState
from tests.support.alert_views import NOW, counts, reading


def test_each_window_holds_its_minutes_and_no_older_one() -> None:
    view = view_of(reading({ago: counts({"SKIP": 10**index}) for index, ago in enumerate((0, 4, 5, 14, 15))}))
    assert {name: window.total for name, window in view.windows.items()} == {"5m": 11, "15m": 1_111}
    assert view.now == NOW


def test_a_window_without_decisions_is_empty_and_there() -> None:
    assert {name: window.total for name, window in view_of(reading()).windows.items()} == {"5m": 0, "15m": 0}


@pytest.mark.parametrize(
    ("group", "lag", "pending"),
    [
        (None, 7, 0),  # nobody has read any of the stream
        (GroupState(3, 4, 1), 4, 3),
        (GroupState(3, None, 1), None, 3),  # Redis 6.2
    ],
)
def test_how_far_the_group_is_behind(group: GroupState | None, lag: int | None, pending: int) -> None:
    view = view_of(reading(group=group, length=7))
    assert (view.lag, view.pending, view.stream_length) == (lag, pending, 7)


@pytest.mark.parametrize(("before", "now", "lost"), [(None, 5, 0), (2, 5, 3), (5, 5, 0), (9, 5, 0)])
def test_what_was_lost_since_the_check_before(before: int | None, now: int, lost: int) -> None:
    assert view_of(reading(trimmed=now, state=AlertState("1", NOW - 60, before))).trimmed == lost
