"""Windows on a real Redis: counted exactly, closed once, and not before all that belongs in them is committed."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bytewax.operators as op
import pytest
import redis
from bytewax.dataflow import Dataflow
from bytewax.testing import TestingSink, TestingSource
from bytewax.visualize import to_json
from hypothesis import given
from hypothesis import strategies as st

from connectors import (
    App,
    AppSettings,
    CountSession,
    CountWindows,
    Delete,
    Effect,
    GroupConfig,
    Message,
    Windows,
    closing,
    hopping,
    session,
    tumbling,
)
from connectors import commit as commit_module
from connectors.closing import MAX_WINDOWS, Watermark, are_due, close, event_time
from connectors.commit import commit
from connectors.delivery import Delivery, Part, Read
from connectors.encoding import encode
from connectors.errors import UnexpectedReply, WrongType
from connectors.private_redis import PrivateRedis
from connectors.testing import message, run_until_caught_up
from tests.support.flow_process import FlowProcess
from tests.support.services import prepare
from tests.support.waiting import wait_for

GROUP = GroupConfig("s", "g")
VIEWS = Windows("views", hopping(10, every=5), grace=3, ttl=100, ahead=10_000)


@pytest.fixture
def raw(versioned: PrivateRedis) -> Iterator[redis.Redis]:
    with versioned.client() as one:
        prepare(one)
        yield one


def read(raw: redis.Redis, name: str = "c", stream: str = "s") -> Delivery:
    """A new entry, which is pending."""
    raw.xadd(stream, {"f": "v"})
    return deliver(raw, name, stream)


def deliver(raw: redis.Redis, name: str = "c", stream: str = "s") -> Delivery:
    ((_, entries),) = raw.xreadgroup("g", name, {stream: ">"})
    return Delivery(stream, "g", "c", "lease:c", "token", reads=(Read(name, len(entries), entries[0][0]),))


def count(raw: redis.Redis, delivery: Delivery, *effects: Effect) -> None:
    """Commit a delivery with `effects`, twice: the second time nothing may happen."""
    part = Part(delivery, (delivery.reads[0].newest,), effects)
    assert commit(raw, [part]).applied == [part]
    assert commit(raw, [part], repeated=True).gone == [part]


def at(instant: float, name: str = "a", by: int = 1, windows: Windows = VIEWS) -> CountWindows | CountSession:
    return windows.count(message({}), {name: by}, at=instant)


def turn(raw: redis.Redis, mark: Watermark, windows: Windows = VIEWS) -> None:
    state = mark(raw)
    if state is not None:
        close(windows, raw, state)
        close(windows, raw, state)


def published(raw: redis.Redis, windows: Windows = VIEWS) -> list[tuple[int, int, dict[str, int]]]:
    rows = [fields for _id, fields in raw.xrange(windows.into)]
    return [(int(row[b"start"]), int(row[b"end"]), json.loads(row[b"counts"])) for row in rows]


ENTRIES = st.tuples(st.integers(0, 400).map(lambda n: n / 4), st.sampled_from("abc"), st.integers(-3, 9))
STEPS = st.lists(st.one_of(ENTRIES, st.just("close"), st.just("restart")), max_size=40)


@given(
    steps=STEPS,
    length=st.integers(1, 20),
    every=st.integers(1, 20),
    grace=st.sampled_from([0, 2.5, 30]),
)
def test_counts_are_those_of_a_recount_and_each_window_is_published_once(
    versioned: PrivateRedis, steps: list[Any], length: int, every: int, grace: float
) -> None:
    every = min(every, length)
    windows = Windows("views", hopping(length, every=every), grace=grace, ahead=10_000)
    with versioned.client() as raw:
        prepare(raw)
        marks = [Watermark(windows, [GROUP]), Watermark(windows, [GROUP])]
        counts: dict[int, Counter[str]] = {}
        closed, newest, late, told = -1.0, -1.0, 0, list[tuple[int, int, dict[str, int]]]()
        for number, step in enumerate([*steps, "close"]):
            if step == "restart":
                marks[number % 2] = Watermark(windows, [GROUP])
            elif step == "close":
                turn(raw, marks[number % 2], windows)
                due = sorted(start for start in counts if start + length <= newest - grace)
                told += [(start, start + length, dict(counts.pop(start))) for start in due]
                closed = max([closed, *(start + length for start in due)])
            else:
                instant, name, by = step
                count(raw, read(raw), at(instant, name, by, windows))
                newest = max(newest, instant)
                for start in range(-40, 120):
                    if start % every or not start <= instant < start + length:
                        continue
                    if start + length <= closed:
                        late += 1
                    else:
                        counts.setdefault(start, Counter())[name] += by
        assert published(raw, windows) == told
        state = raw.hgetall("views")
        assert int(state.get(b"late", 0)) == late
        assert {int(start) for start in raw.zrange("views:open", 0, -1)} == counts.keys()
        for start, expected in counts.items():
            assert {name.decode(): int(n) for name, n in raw.hgetall(f"views:{start}").items()} == expected
        assert not are_due(raw, windows, event_time(raw, windows))


VISITS = st.tuples(
    st.integers(0, 400).map(lambda n: n / 4), st.sampled_from(["ann", "bob b"]), st.sampled_from(["", "a ", "b"])
)


@given(
    steps=st.lists(
        st.one_of(VISITS.map(lambda one: [one]), st.lists(VISITS, max_size=6), st.just("close")), max_size=30
    ),
    gap=st.integers(1, 20),
    grace=st.sampled_from([0, 2.5, 30]),
)
def test_sessions_are_those_of_a_recount_and_each_is_published_once(
    versioned: PrivateRedis, steps: list[Any], gap: int, grace: float
) -> None:
    """The recount keeps all entries of open sessions, and finds these by sorting."""
    windows = Windows("visits", session(gap), grace=grace, ahead=10_000)
    with versioned.client() as raw:
        prepare(raw)
        mark = Watermark(windows, [GROUP])
        entries: dict[str, list[tuple[float, str]]] = {"ann": [], "bob b": []}
        closed, newest, late, told = -1.0, -1.0, 0, list[tuple[float, str, float, dict[str, int]]]()

        def sessions(of: str) -> Iterator[list[tuple[float, str]]]:
            times = sorted(entries[of])
            starts = [n for n in range(len(times)) if n == 0 or times[n][0] - times[n - 1][0] >= gap]
            yield from (times[low:high] for low, high in itertools.pairwise([*starts, len(times)]))

        for step in [*steps, "close"]:
            if step == "close":
                turn(raw, mark, windows)
                due = [(one[-1][0] + gap, of, one) for of in entries for one in sessions(of)]
                due = [row for row in due if row[0] <= newest - grace]
                for end, of, one in due:
                    told.append((one[0][0], of, end, Counter(name for _time, name in one)))
                    entries[of] = [entry for entry in entries[of] if entry not in one]
                closed = max([closed, *(end for end, _of, _one in due)])
            else:
                visits = [windows.count(message({}), {name: 1}, at=instant, of=of) for instant, of, name in step]
                count(raw, read(raw), *visits)
                for instant, of, name in step:
                    newest = max(newest, instant)
                    if instant + gap <= closed and all(abs(instant - other) >= gap for other, _name in entries[of]):
                        late += 1
                    else:
                        entries[of].append((instant, name))
        rows = [fields for _id, fields in raw.xrange(windows.into)]
        found = [
            (float(row[b"start"]), row[b"of"].decode(), float(row[b"end"]), json.loads(row[b"counts"])) for row in rows
        ]
        assert sorted(found, key=str) == sorted(((*one[:3], dict(one[3])) for one in told), key=str)
        assert int(raw.hget("visits", "late") or 0) == late
        for of in entries:
            expected: dict[str, str] = {}
            for one in sessions(of):
                start, last = (repr(instant).removesuffix(".0") for instant in (one[0][0], one[-1][0]))
                expected[start] = last
                expected |= {f"{start} {name}": str(n) for name, n in Counter(name for _time, name in one).items()}
            assert {k.decode(): v.decode() for k, v in raw.hgetall(f"visits:of:{of}").items()} == expected
        assert raw.zcard("visits:open") == sum(len(list(sessions(of))) for of in entries)


def test_a_session_that_went_on_is_not_closed(raw: redis.Redis) -> None:
    visits = Windows("visits", session(10), ahead=10_000)

    def visit(instant: float, of: str = "ann") -> Effect:
        return visits.count(message({}), {"n": 1}, at=instant, of=of)

    count(raw, read(raw), visit(5), visit(16, "bob"))
    state = Watermark(visits, [GROUP])(raw)
    assert state is not None
    assert state.due == ((b"5 ann", 15.0),)
    count(raw, read(raw), visit(14))
    close(visits, raw, state)
    assert not raw.exists("visits:closed")
    count(raw, read(raw), visit(40, "bob"))
    turn(raw, Watermark(visits, [GROUP]), visits)
    rows = [(row[b"of"], row[b"start"], row[b"end"], row[b"counts"]) for _id, row in raw.xrange("visits:closed")]
    assert rows == [(b"ann", b"5", b"24", b'{"n":2}'), (b"bob", b"16", b"26", b'{"n":1}')]
    assert not raw.exists("visits:of:ann")
    assert raw.hgetall("visits:of:bob") == {b"40": b"40", b"40 n": b"1"}


def test_what_belongs_in_an_open_session_is_not_late_and_a_pause_of_the_gap_ends_it(raw: redis.Redis) -> None:
    visits = Windows("visits", session(10), ahead=10_000)

    def visit(instant: float, of: str = "ann") -> Effect:
        return visits.count(message({}), {"n": 1}, at=instant, of=of)

    count(raw, read(raw), *map(visit, (0, 9, 18, 24)), visit(5, "bob"))
    turn(raw, Watermark(visits, [GROUP]), visits)
    assert raw.hget("visits", "closed") == b"15"
    count(raw, read(raw), visit(3), visit(34), visit(3, "cid"))
    assert raw.hgetall("visits:of:ann") == {b"0": b"24", b"0 n": b"5", b"34": b"34", b"34 n": b"1"}
    assert raw.hget("visits", "late") == b"1"
    count(raw, read(raw), visit(33.5))
    assert raw.hgetall("visits:of:ann") == {b"0": b"34", b"0 n": b"7"}
    assert raw.zrange("visits:open", 0, -1, withscores=True) == [(b"0 ann", 44.0)]


def test_names_of_sessions_are_read_once_a_commit_and_again_where_some_become_one(raw: redis.Redis) -> None:
    visits = Windows("visits", session(10), ahead=10_000)

    def visit(instant: float, name: str = "n") -> Effect:
        return visits.count(message({}), {name: 1}, at=instant, of="ann")

    def read_whole(*effects: Effect) -> int:
        delivery = read(raw)
        raw.config_resetstat()
        assert commit(raw, [Part(delivery, (delivery.reads[0].newest,), effects)]).applied
        calls = raw.info("commandstats")["cmdstat_hgetall"]
        return int(calls["calls"]) - int(calls["failed_calls"])

    assert read_whole(*(visit(number % 7, f"n{number}") for number in range(50))) == 1
    assert read_whole(visit(3), visit(15), visit(40), visit(16), visit(52)) == 1
    held = raw.hgetall("visits:of:ann")
    assert {start: held[start] for start in held if b" " not in start} == {b"0": b"16", b"40": b"40", b"52": b"52"}
    # (45 joins the last two, and 31 what is left.)
    assert read_whole(visit(45), visit(25), visit(31)) == 3
    assert read_whole(Delete("visits:of:ann"), visit(60), Delete("visits:of:ann"), visit(61)) == 2
    assert raw.hgetall("visits:of:ann") == {b"61": b"61", b"61 n": b"1"}


class Shown(float):
    """A float that shows itself as those of NumPy do."""

    def __repr__(self) -> str:
        return f"shown({float(self)!r})"


def test_a_time_of_a_subclass_of_float_is_that_time(raw: redis.Redis) -> None:
    views = Windows("views", tumbling(10), grace=Shown(2.5), ahead=Shown(10_000))
    visits = Windows("visits", session(10), ahead=10_000)
    visit = visits.count(message({}), {"n": 1}, at=Shown(12.5), of="ann")
    count(raw, read(raw), at(Shown(12.5), windows=views), at(Shown(22.5), windows=views), visit)
    assert raw.hgetall("views") == {b"newest": b"22.5"}
    assert raw.hgetall("visits:of:ann") == {b"12.5": b"12.5", b"12.5 n": b"1"}
    turn(raw, Watermark(views, [GROUP]), views)
    assert published(raw, views) == [(10, 20, {"a": 1})]


@pytest.mark.parametrize("wrong", ["12.5", 1_000, 3_000, 700])
def test_what_is_no_number_is_refused_before_anything_is_done(raw: redis.Redis, wrong: str | int) -> None:
    delivery = read(raw)
    effects = (
        CountWindows("views", 12.5, 1_000, (3_000,), {"a": 1}),
        CountSession("visits", "ann", 12.5, 700, {"a": 1}),
    )
    keys, args = encode([Part(delivery, (delivery.reads[0].newest,), effects)])
    sent = ["shown(1)" if one == wrong else one for one in args]
    assert sent != args
    with pytest.raises(UnexpectedReply, match=r"not a number of seconds: shown\(1\)"):
        commit_module._commit(raw, keys, [*sent, 0])
    assert sorted(raw.keys()) == [b"lease:c", b"s"]
    assert raw.xpending("s", "g")["pending"] == 1


def test_what_was_published_lives_for_a_while_and_what_is_open_as_long_as_it_is(raw: redis.Redis) -> None:
    count(raw, read(raw), at(12, "a", 2**60), at(18, 'é"\\'), at(100))
    assert are_due(raw, VIEWS, event_time(raw, VIEWS))
    turn(raw, Watermark(VIEWS, [GROUP]))
    assert published(raw) == [(5, 15, {"a": 2**60}), (10, 20, {"a": 2**60, 'é"\\': 1}), (15, 25, {'é"\\': 1})]
    assert 0 < raw.ttl("views:5") <= 100
    assert raw.ttl("views:100") == raw.ttl("views") == -1
    assert raw.hgetall("views") == {b"newest": b"100", b"closed": b"25"}
    assert raw.zrange("views:open", 0, -1, withscores=True) == [(b"95", 105.0), (b"100", 110.0)]
    assert not are_due(raw, VIEWS, event_time(raw, VIEWS))


def test_event_time_can_move_on_without_a_count(raw: redis.Redis) -> None:
    count(raw, read(raw), at(12))
    mark = Watermark(VIEWS, [GROUP])
    turn(raw, mark)
    assert published(raw) == []
    count(raw, read(raw), VIEWS.count(message({}), {}, at=23))
    turn(raw, mark)
    assert [start for start, _end, _counts in published(raw)] == [5, 10]


def test_what_was_read_and_is_not_committed_holds_the_watermark_up(raw: redis.Redis) -> None:
    older, mark = read(raw, "first"), Watermark(VIEWS, [GROUP])
    count(raw, read(raw), at(50))
    for _ in range(3):
        turn(raw, mark)
        assert published(raw) == []
    other = read(raw, "other")
    count(raw, older, at(48))
    turn(raw, mark)
    turn(raw, Watermark(VIEWS, [GROUP]))
    assert [start for start, _end, _counts in published(raw)] == []
    # (`other` was read after event time had come to 50, so it cannot be in what that closes)
    count(raw, read(raw), at(90))
    turn(raw, mark)
    assert published(raw) == []
    count(raw, other, at(88))
    turn(raw, mark)
    turn(raw, mark)
    assert published(raw) == [(40, 50, {"a": 1}), (45, 55, {"a": 2}), (50, 60, {"a": 1})]
    assert raw.hget("views", "late") is None


def test_what_is_pending_again_after_a_failover_holds_the_watermark_up(raw: redis.Redis) -> None:
    mark = Watermark(VIEWS, [GROUP])
    older = read(raw, "first")
    count(raw, read(raw, "newer"), at(100))
    before = {key: raw.dump(key) for key in ("s", "views", "views:open", "views:95", "views:100")}
    count(raw, older, at(94))
    turn(raw, mark)
    assert raw.hget("views", "closed") == b"95"
    assert mark(raw).watermark == 97  # type: ignore[union-attr]
    for key in raw.keys("views*"):
        raw.delete(key)
    for key, value in before.items():
        raw.restore(key, 0, value, replace=True)
    assert mark(raw).watermark is None  # type: ignore[union-attr]
    turn(raw, mark)
    assert raw.hget("views", "closed") is None
    count(raw, older, at(94))
    turn(raw, mark)
    assert mark(raw).watermark == 97  # type: ignore[union-attr]
    assert published(raw) == [(85, 95, {"a": 1})]
    assert raw.hget("views", "late") is None


def test_a_watermark_goes_on_while_something_is_always_pending(raw: redis.Redis) -> None:
    mark, before = Watermark(VIEWS, [GROUP]), read(raw, "r0")
    for number in range(1, 10):
        after = read(raw, f"r{number}")
        count(raw, before, at(number * 20))
        turn(raw, mark)
        before = after
    assert len(published(raw)) >= 10
    assert raw.hget("views", "late") is None


def test_with_several_streams_what_one_holds_unread_holds_the_watermark_up(raw: redis.Redis) -> None:
    prepare(raw, "t")
    groups = [GROUP, GroupConfig("t", "g")]
    mark = Watermark(VIEWS, groups)
    raw.xadd("t", {"f": "v"})
    count(raw, read(raw), at(50))
    for _ in range(3):
        turn(raw, mark)
        assert mark(raw).watermark is None  # type: ignore[union-attr]
    count(raw, deliver(raw, stream="t"), at(20))
    turn(raw, mark)
    assert [start for start, _end, _counts in published(raw)] == [15, 20]
    assert raw.hget("views", "late") is None
    raw.xadd("t", {"f": "v"})
    assert Watermark(VIEWS, groups)(raw).watermark is None  # type: ignore[union-attr]
    raw.xtrim("t", 0)
    assert Watermark(VIEWS, groups)(raw).watermark == 47  # type: ignore[union-attr]


def test_a_group_that_is_gone_holds_it_up_until_it_is_made_again(raw: redis.Redis) -> None:
    count(raw, read(raw), at(50), at(12))
    raw.xgroup_destroy("s", "g")
    mark = Watermark(VIEWS, [GROUP])
    turn(raw, mark)
    raw.delete("s")
    turn(raw, mark)
    assert published(raw) == []
    raw.xgroup_create("s", "g", "$", mkstream=True)
    turn(raw, mark)
    assert [start for start, _end, _counts in published(raw)] == [5, 10]


def test_windows_that_are_deleted_begin_anew(raw: redis.Redis) -> None:
    mark = Watermark(VIEWS, [GROUP])
    count(raw, read(raw), at(500))
    turn(raw, mark)
    raw.delete("views", *raw.keys("views:*"))
    pending = read(raw, "pending")
    count(raw, read(raw), at(30))
    turn(raw, mark)
    assert published(raw) == []
    count(raw, pending, at(12))
    turn(raw, mark)
    assert [start for start, _end, _counts in published(raw)] == [5, 10]
    assert raw.hget("views", "late") is None


def test_many_windows_are_closed_page_by_page_in_their_order(raw: redis.Redis) -> None:
    windows = Windows("views", tumbling(1), ahead=10_000)
    many = MAX_WINDOWS * 2 + 7
    count(raw, read(raw), *(at(second, "a", second + 1, windows) for second in reversed(range(many + 1))))
    turn(raw, Watermark(windows, [GROUP]), windows)
    assert published(raw, windows) == [(second, second + 1, {"a": second + 1}) for second in range(many)]
    assert raw.hget("views", "closed") == str(many).encode()


def test_results_may_be_bounded(raw: redis.Redis) -> None:
    windows = Windows("views", tumbling(1), "out", max_length=1, ahead=10_000)
    for second in range(300):
        count(raw, read(raw), at(second, windows=windows))
        close(windows, raw, Watermark(windows, [GROUP])(raw))  # type: ignore[arg-type]
    assert 1 <= raw.xlen("out") < 299


@pytest.mark.parametrize(("key", "others"), [("out", []), ("views:5", [10])])
def test_a_key_of_another_type_is_named_and_what_does_without_it_is_published(
    raw: redis.Redis, key: str, others: list[int]
) -> None:
    windows = Windows("views", hopping(10, every=5), "out", ahead=10_000)
    count(raw, read(raw), at(12, windows=windows), at(50, windows=windows))
    raw.delete(key)
    raw.set(key, "text")
    for _ in range(2):
        with pytest.raises(WrongType, match=f"key {key} is a string and must be a"):
            turn(raw, Watermark(windows, [GROUP]), windows)
    raw.rename(key, "text")
    assert [start for start, _end, _counts in published(raw, windows)] == others
    turn(raw, Watermark(windows, [GROUP]), windows)
    assert sorted(start for start, _end, _counts in published(raw, windows)) == [5, 10]


def test_all_that_are_due_are_closed_in_one_turn_but_for_those_of_a_bad_key(
    raw: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closing, "MAX_DUE", 10)
    monkeypatch.setattr(closing, "MAX_WINDOWS", 4)
    monkeypatch.setattr(closing, "MORE_SECONDS", 60)
    windows, bad = Windows("views", tumbling(1), ahead=10_000), {0, 1, 13, 14}
    count(raw, read(raw), *(at(second, windows=windows) for second in range(36)))
    for second in bad:
        raw.set(f"views:{second}", "text")
    with pytest.raises(WrongType, match="key views:0 is a string"):
        close(windows, raw, Watermark(windows, [GROUP])(raw))  # type: ignore[arg-type]
    assert {start for start, _end, _counts in published(raw, windows)} == set(range(35)) - bad
    monkeypatch.setattr(closing, "MORE_SECONDS", 0)
    count(raw, read(raw), *(at(second, windows=windows) for second in range(100, 136)))
    with pytest.raises(WrongType):
        close(windows, raw, Watermark(windows, [GROUP])(raw))  # type: ignore[arg-type]
    assert len(published(raw, windows)) == 31 + 6


def test_a_window_that_is_no_hash_stops_its_commit_whole(raw: redis.Redis) -> None:
    raw.set("views:10", "text")
    part = Part(read(raw), (b"1-0",), (at(12),))
    with pytest.raises(WrongType, match="key views:10 is a string and must be a hash"):
        commit(raw, [part])
    assert not raw.exists("views", "views:5")


# --- in an App


def test_an_app_counts_and_closes(
    server: PrivateRedis, client: redis.Redis, capsys: pytest.CaptureFixture[str]
) -> None:
    app = App("pages")
    views = app.windows("views:by_page", hopping(10, every=5), grace=5)

    @app.each("views", dead_letters="dead")
    def count_views(entry: Message) -> CountWindows | CountSession:
        return views.count(entry, {entry["page"]: 1}, at=float(entry["time"]))

    flow, source, sink = Dataflow("pages"), TestingSource([]), TestingSink[Any]([])
    op.output("views_by_page_close", op.input("views_by_page_watermark", flow, source), sink)
    op.output("group_metrics", op.input("group_states", flow, source), sink)
    entries = op.input("count_views_entries", flow, source)
    op.output("count_views_commit", op.map("count_views", entries, count_views), sink)
    assert to_json(app) == to_json(flow)

    app.bind(AppSettings(redis_url=server.url))
    for instant in (1000, 1009, 1004, 2000, "1e20"):
        client.xadd("views", {"page": "a", "time": instant})
    for _ in range(2):
        run_until_caught_up(app)
        with server.client() as raw:
            assert published(raw, views) == [
                (995, 1005, {"a": 2}),
                (1000, 1010, {"a": 3}),
                (1005, 1015, {"a": 1}),
            ]
    assert client.xlen("dead") == 1
    client.xadd("views", {"page": "a", "time": 1000})
    client.xadd("views", {"page": "a", "time": 2100})
    run_until_caught_up(app)
    assert client.hget("views:by_page", "late") == "2"
    value = app._process().metrics.registry.get_sample_value
    assert value("pages_windows_open", {"windows": "views:by_page"}) == 2
    assert value("pages_windows_late", {"windows": "views:by_page"}) == 2
    assert "entries come too late for their windows" in capsys.readouterr().out
    with pytest.raises(ValueError, match="App 'pages' has windows 'views:by_page' already"):
        app.windows("views:by_page", tumbling(1))


PROGRAM = """
from connectors import App, hopping
app = App("pages")
views = app.windows("views:by_page", hopping(10, every=5), grace=20, ahead=1e9)
@app.each("views")
def count(entry):
    yield views.count(entry, {entry["page"]: 1}, at=float(entry["time"]))
"""


def test_killed_while_it_counts_and_closes_each_window_is_published_once_and_exact(
    client: redis.Redis, flows: FlowProcess.Factory, tmp_path: Path
) -> None:
    (tmp_path / "pages.py").write_text(PROGRAM, "utf-8")
    expected: dict[int, Counter[str]] = {}
    base, sent = 1_700_000_000, 0

    def publish(count: int) -> None:
        nonlocal sent
        pipeline = client.pipeline(transaction=False)
        for number in range(sent, sent + count):
            instant = base + number // 10 + number * 7 % 20 - 10
            page = f"p{number % 3}"
            pipeline.xadd("views", {"page": page, "time": instant})
            for start in range(base - 30, instant + 1, 5):
                if start <= instant < start + 10:
                    expected.setdefault(start, Counter())[page] += 1
        pipeline.execute()
        sent += count

    pair: list[FlowProcess] = []
    for _ in range(3):
        publish(1_000)
        pair = [flows(module=f"{tmp_path}/pages:app", READ_BATCH="10", LEASE_TTL_SEC="0.5") for _ in range(2)]
        before = client.xlen("views:by_page:closed")
        wait_for(lambda before=before: client.xlen("views:by_page:closed") > before, "a window", every=0.001)
        publish(500)
        for process in pair:
            process.kill()
    process = flows(module=f"{tmp_path}/pages:app", LEASE_TTL_SEC="0.5")
    client.xadd("views", {"page": "last", "time": base + 10_000})
    wait_for(lambda: client.xlen("views:by_page:closed") >= len(expected), "all windows")
    assert process.stop() == 0, process.log()
    rows = [fields for _id, fields in client.xrange("views:by_page:closed")]
    assert [int(row["start"]) for row in rows] == sorted(expected)
    assert {int(row["start"]): json.loads(row["counts"]) for row in rows} == expected
    assert client.hget("views:by_page", "late") is None
    assert client.xpending("views", "pages")["pending"] == 0
