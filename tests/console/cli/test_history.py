"""`quantum history`: against hours, days and minutes that were planted in Redis by hand."""

from __future__ import annotations

import csv
import json
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
import redis

from connectors.private_redis import PrivateRedis
from console.cli.history_text import as_text
from console.queries.answers import Gate
from console.queries.history import Point, Series
from console.terminal.viewport import Viewport
from tests.support.quantum import here
from tests.support.rollups import DAY, HOUR, WEEK, plant

TIME = 1_770_195_600
"""2026-02-04 09:00 UTC, a Wednesday."""


def asked(server: PrivateRedis, *arguments: str) -> Any:
    done = here(server.url, "history", *arguments, "--json")
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def test_hours_are_what_redis_holds_and_unknown_ones_are_absent(server: PrivateRedis, client: redis.Redis) -> None:
    now = int(time.time()) // HOUR * HOUR
    pairs = {("B:C", "spread"): 4, ("A", "spread"): 26}
    of = {"B%3AC": {"EXECUTE": 1, "SKIP": 4}, "A": {"EXECUTE": 9, "SKIP": 26}}
    plant(client, now - 3 * HOUR, {"EXECUTE": 10, "SKIP": 30}, {"spread": 30}, symbols=of, pairs=pairs)
    plant(client, now - HOUR, {"SKIP": 8}, {"no_position": 6, "spread": 2})
    said = asked(server)
    assert (said["by"], said["from"], said["to"] - said["from"]) == ("hour", said["to"] - 24 * HOUR, 24 * HOUR)
    zero = dict.fromkeys(("BLOCKED", "ERROR"), 0)
    assert [(one["time"], one["total"], one["gates"]) for one in said["points"]] == [
        (now - 3 * HOUR, 40, [{"gate": "spread", "count": 30, "share": 0.75}]),
        (
            now - HOUR,
            8,
            [{"gate": g, "count": n, "share": s} for g, n, s in (("no_position", 6, 0.75), ("spread", 2, 0.25))],
        ),
    ]
    assert zero | {"EXECUTE": 10, "SKIP": 30} == {
        k: v for k, v in said["points"][0]["decisions"].items() if k != "UNKNOWN"
    }
    of_gate = asked(server, "--gate", "NO_position", "--from", "4h")
    assert of_gate["gate"] == "no_position"
    assert [one["gates"][0]["count"] for one in of_gate["points"]] == [0, 6]
    of_symbol = asked(server, "--symbol", "b:c", "--from", str(now - 3 * HOUR), "--to", str(now - HOUR))
    assert [(one["time"], one["total"], one["gates"]) for one in of_symbol["points"]] == [
        (now - 3 * HOUR, 5, [{"gate": "spread", "count": 4, "share": 0.8}])
    ]


def test_the_week_before_is_beside_each_hour(server: PrivateRedis, client: redis.Redis) -> None:
    now = int(time.time()) // HOUR * HOUR
    plant(client, now - 2 * HOUR, {"EXECUTE": 10, "SKIP": 30}, {"spread": 30})
    plant(client, now - HOUR, {"SKIP": 10}, {"spread": 5})
    plant(client, now - HOUR - WEEK, {"EXECUTE": 15, "SKIP": 5}, {"spread": 2})
    rows = [line.split() for line in here(server.url, "history").stdout.splitlines() if line[0].isdigit()]
    assert [row[1:-3] for row in rows] == [["40", "25", "%"], ["10", "0", "%", "20", "75", "%"]]
    gate = [line.split() for line in here(server.url, "history", "--gate", "spread").stdout.splitlines()]
    assert [row[1:] for row in gate if row[0].endswith("Z")] == [
        ["40", "30", "75", "%"],
        ["10", "5", "50", "%", "10", "%"],
    ]


def test_days_and_minutes(server: PrivateRedis, client: redis.Redis) -> None:
    now = int(client.time()[0])
    plant(client, now - 9 * DAY, {"SKIP": 5}, {"g": 5}, length=DAY)
    plant(client, now - 40 * DAY, {"SKIP": 7}, {}, length=DAY)
    assert [one["total"] for one in asked(server, "--by", "day")["points"]] == [5]
    assert [one["total"] for one in asked(server, "--by", "day", "--from", "41d")["points"]] == [7, 5]
    for ago, symbol in ((20, "A%3AB"), (10, "C")):
        bucket = time.strftime("quantum:p35:bucket:%Y%m%d%H%M", time.gmtime(now - ago * 60))
        counts = {"decision:SKIP": 3, "reason:g:detail": 3}
        client.hset(
            bucket, mapping=counts | {f"symbol_decision:{symbol}:SKIP": 2, f"symbol_reason:{symbol}:g:detail": 2}
        )
    gate = [{"gate": "g", "count": 3, "share": 1.0}]
    assert [(one["total"], one["gates"]) for one in asked(server, "--by", "minute")["points"]] == [(3, gate)] * 2
    of_symbol = asked(server, "--by", "minute", "--symbol", "a:b")["points"]
    assert [(one["total"], [gate["count"] for gate in one["gates"]]) for one in of_symbol] == [(2, [2]), (0, [])]


def test_a_spreadsheet_has_a_column_for_each_gate_and_nothing_hostile(
    server: PrivateRedis, client: redis.Redis
) -> None:
    now = int(time.time()) // HOUR * HOUR
    plant(client, now - 2 * HOUR, {"SKIP": 3}, {"=1+1": 2, "\x1b[2J,\n": 1})
    plant(client, now - HOUR, {"SKIP": 3}, {"a,b": 3})
    done = here(server.url, "history", "--csv")
    assert done.exit_code == 0
    (head, *rows) = csv.reader(done.stdout.splitlines())
    gates = dict(zip(head, zip(*rows, strict=True), strict=True))
    assert gates["gate:=1+1"] == ("2", "0")
    assert gates["gate:a,b"] == ("0", "3")
    assert gates["time"][1] == time.strftime("%Y-%m-%dT%H:00:00Z", time.gmtime(now - HOUR))
    text = here(server.url, "history", "--gate", "nothing\x1b")
    assert all(line.isprintable() for line in (done.stdout + text.stdout + text.stderr).splitlines())
    assert text.stderr.startswith("quantum: no gate nothing")


def test_parquet_holds_what_json_says(server: PrivateRedis, client: redis.Redis, tmp_path: Path) -> None:
    now = int(time.time()) // HOUR * HOUR
    plant(client, now - 2 * HOUR, {"SKIP": 3, "EXECUTE": 2}, {"a": 2})
    plant(client, now - HOUR, {"SKIP": 4}, {"b": 1, "=1+1": 2, "\x1b[2J": 1})
    path, link = tmp_path / "hours.parquet", tmp_path / "link"
    path.write_text("what was there before")
    link.symlink_to(path)
    done = here(server.url, "history", "--parquet", str(link))
    assert (done.exit_code, done.output) == (0, "")
    assert (sorted(tmp_path.iterdir()), link.is_symlink()) == ([path, link], True)
    rows = pyarrow.parquet.read_table(path).to_pylist()
    assert len(rows) == 2
    for row, said in zip(rows, asked(server)["points"], strict=True):
        assert (row["time"].timestamp(), str(row["time"].tzinfo), row["total"]) == (said["time"], "UTC", said["total"])
        assert {name: row[f"decision:{name}"] for name in said["decisions"]} == said["decisions"]
        gates = {name[5:]: count for name, count in row.items() if name.startswith("gate:") and count}
        assert gates == {one["gate"].replace("\x1b", "�"): one["count"] for one in said["gates"]}
    assert rows[0]["gate:b"] == 0


def test_parquet_that_cannot_be_written_leaves_what_was_there(
    server: PrivateRedis, client: redis.Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(client, time.time() - HOUR, {"SKIP": 3}, {"a": 2})
    done = here(server.url, "history", "--parquet", str(tmp_path))
    assert (done.exit_code, done.stderr) == (2, f"quantum: --parquet {tmp_path} is there, and is no file\n")
    done = here(server.url, "history", "--parquet", str(tmp_path / "none" / "file"))
    assert (done.exit_code, done.stderr) == (
        74,
        f"quantum: cannot write {tmp_path}/none/file: No such file or directory\n",
    )

    def full(_table: object, file: Any) -> None:
        file.write(b"PAR1")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pyarrow.parquet, "write_table", full)
    path = tmp_path / "file"
    path.write_text("before")
    done = here(server.url, "history", "--parquet", str(path))
    assert (done.exit_code, done.stdout) == (74, "")
    assert done.stderr == f"quantum: cannot write {path}: No space left on device\n"
    assert (path.read_text(), list(tmp_path.iterdir())) == ("before", [path])


def point(seconds: int, total: int, share: float = 0.0) -> Point:
    executed = round(total * share)
    gates = (Gate("g", total - executed, 1 - share),)
    return Point(seconds, total, {"EXECUTE": executed, "SKIP": total - executed}, gates)


def test_a_chart_has_last_week_behind_this_week() -> None:
    points = (point(TIME, 100, 0.5), point(TIME + HOUR, 50), point(TIME + 4 * HOUR, 75))
    before = {TIME: point(TIME - WEEK, 50, 0.1), TIME + HOUR: point(TIME + HOUR - WEEK, 100)}
    series = Series(TIME + 4.5 * HOUR, "hour", TIME, TIME + 5 * HOUR, None, None, points, before, ())
    lines = [line.plain.rstrip() for line in as_text(series, Viewport(81, None))]
    assert lines[0].split() == ["hour", "decisions", "executed", "week", "before", "executed"]
    assert lines[1] == "Wed 02-04 09:00        100      50 %           50      10 %  " + "█" * 10 + "▓" * 10
    assert lines[2] == "Wed 02-04 10:00         50       0 %          100       0 %  " + "█" * 10 + "░" * 10
    assert lines[3] == "(2 hours of which nothing is known)"
    assert lines[4] == "Wed 02-04 13:00         75       0 %                         " + "█" * 15
    assert lines[6] == "the last hour has not ended"
    plain = [line.plain.rstrip() for line in as_text(series, Viewport(None, None))]
    assert plain[1].split() == ["2026-02-04T09:00Z", "100", "50", "%", "50", "10", "%", "g", "50", "%"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--by", "minute", "--from", "3d"], "quantum: --from 3d ago is too long ago: minutes are kept for 2 d"),
        (["--from", "2999-01-01"], "quantum: --from 2999-01-01 00:00 UTC is in the future\n"),
        (["--from", "1h", "--to", "2d"], "quantum: --to must be later than --from\n"),
        (["--csv", "--json"], "quantum: --csv, --json and --parquet: one of them is enough\n"),
        (["--from", "yesterday"], "Usage: "),
    ],
)
def test_what_cannot_be_asked_is_told(
    server: PrivateRedis, client: redis.Redis, arguments: list[str], said: str
) -> None:
    done = here(server.url, "history", *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(said), done.stderr


def test_nothing_known_is_status_3(server: PrivateRedis, client: redis.Redis) -> None:
    done = here(server.url, "history")
    assert (done.exit_code, done.stdout) == (3, "")
    assert done.stderr.startswith("quantum: no data for that time")
