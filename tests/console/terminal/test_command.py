"""What all subcommands have in common: help, completion, fast start, and the keys of JSON that are documented."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis

import flows as flows_package
from connectors.private_redis import PrivateRedis
from console.queries import entries, heatmap, joins
from console.queries.history import Asked, Retention
from tests.support.flow_process import ROOT, FlowProcess
from tests.support.quantum import COMMAND, environment, here, publish_samples, quantum
from tests.support.recount import wait_until_counted
from tests.support.rollups import HOUR, plant

NAMES = [
    "why",
    "symbols",
    "share",
    "drift",
    "health",
    "all",
    "compare",
    "history",
    "trend",
    "watch",
    "explain",
    "alerts",
    "lag",
    "check",
    "tail",
    "report",
    "verify",
]
"""Those that read Redis; `proof` and `dead` have subcommands, `notify` needs no Redis: all have tests of their own."""

NOWHERE = "redis://127.0.0.1:1/0"
PAGE = (ROOT / "docs/console.md").read_text("utf-8")


def test_every_command_is_listed_and_documented() -> None:
    listed = quantum(NOWHERE, "--help").stdout.partition("Commands:")[2]
    expected = [*NAMES, "notify", "dead", "proof"]
    expected.insert(expected.index("verify"), "serve")
    assert re.findall(r"^  ([a-z]+) ", listed, re.MULTILINE) == expected
    assert "..." not in listed, "summaries are whole"
    assert max(map(len, listed.splitlines())) <= 80
    assert set(expected) <= set(re.findall(r"^\| `([a-z]+)", PAGE, re.MULTILINE))


@pytest.mark.parametrize("name", [*NAMES, *"abcde"])
def test_help_alone_is_enough(name: str) -> None:
    done = here(NOWHERE, name, "--help")
    assert (done.exit_code, done.stderr) == (0, "")
    assert "Usage: quantum" in done.stdout
    assert "--redis-url" in done.stdout
    if name != "verify":
        full = dict(zip("abcde", NAMES, strict=False)).get(name, name)
        assert re.search(rf"^  quantum {full}\b", done.stdout, re.MULTILINE), "an example"


def test_help_is_asked_for_in_short_and_the_version_too() -> None:
    for arguments in ([], *([name] for name in NAMES), ["proof"], ["proof", "p35"]):
        short, long = (here(NOWHERE, *arguments, flag) for flag in ("-h", "--help"))
        assert (short.exit_code, short.stdout) == (0, long.stdout), arguments
    done = here(NOWHERE, "--version")
    assert (done.exit_code, done.stdout) == (0, f"quantum {flows_package.__version__}\n")


def test_what_is_typed_wrong_is_told() -> None:
    for arguments in (
        ["whyy"],
        ["why", "--window", "2m"],
        ["drift", "101"],
        ["drift", "many"],
        ["why", "--at", "25:00"],
        ["why", "--ago", "1 fortnight"],
        ["share", "--at", "14:05", "--ago", "1h"],
        ["compare", "yesterday"],
        ["history", "--by", "week"],
        ["trend", "--over", "90min"],
        ["alerts", "--replay", "yesterday"],
        ["tail", "-d", "MAYBE"],
    ):
        done = here(NOWHERE, *arguments)
        assert (done.exit_code, done.stdout) == (2, ""), arguments
        assert done.stderr


def test_a_wrong_setting_is_one_line() -> None:
    for name in ("why", "health", "lag", "tail", "watch", "report"):
        done = here("mailto:secret@host", name)
        assert (done.exit_code, done.stdout) == (78, ""), name
        assert done.stderr.startswith("setting REDIS_URL=(not shown) is wrong")
        assert done.stderr.count("\n") == 1


def test_help_texts_are_laid_out_as_they_are_written() -> None:
    for name in [*NAMES, "proof"]:
        done = here(NOWHERE, name, "--help")
        assert done.exit_code == 0
        assert "\\b" not in done.stdout, name
    assert "set +a\n  quantum proof p35\n" in here(NOWHERE, "proof", "--help").stdout


@pytest.mark.parametrize(
    "arguments", ["--help", "why", "why --watch", "explain no_position", "tail -n 1", "proof p35 --wait 1"]
)
def test_a_full_disk_is_one_line_and_status_74(server: PrivateRedis, client: redis.Redis, arguments: str) -> None:
    publish_samples(client)
    with open("/dev/full", "w") as full:  # noqa: PTH123 (a device, opened as a shell does)
        done = subprocess.run(
            [*COMMAND, *arguments.split()],
            cwd=ROOT,
            env=environment(server.url),
            stdin=subprocess.DEVNULL,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=240,
            check=False,
        )
    lines = done.stderr.splitlines()
    assert lines[-1] == "quantum: cannot write the answer: No space left on device"
    assert "bug" not in done.stderr
    assert "Traceback" not in done.stderr
    assert done.returncode == 74


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("explain", "check")])
def test_a_redis_that_is_away_is_one_line_and_status_3(name: str) -> None:
    done = here(NOWHERE, name)
    assert (done.exit_code, done.stdout) == (3, "")
    assert re.fullmatch(r"quantum: Redis at 127\.0\.0\.1:1/0: .*\n", done.stderr)


@pytest.mark.parametrize(
    ("typed", "offered"),
    [("quantum why --window ", "15m"), ("quantum explain p33", "p33_permit_denied"), ("quantum wa", "watch")],
)
def test_the_shell_completes(typed: str, offered: str) -> None:
    words = typed.split(" ")
    env = {
        **environment(NOWHERE),
        "_QUANTUM_COMPLETE": "complete_bash",
        "COMP_WORDS": typed,
        "COMP_CWORD": str(len(words) - 1),
    }
    done = subprocess.run(COMMAND, cwd=ROOT, env=env, capture_output=True, text=True, timeout=240, check=False)
    assert offered in done.stdout.split()


def test_it_starts_without_what_only_flows_need() -> None:
    """Bytewax and the rest would double the time to an answer."""
    heavy = {"bytewax", "prometheus_client", "structlog", "hypothesis", "rich.console", "console.demo"}
    code = (
        "import sys, console.app, console.queries.json, console.cli.answers_text\n"
        f"print(sorted(set(sys.modules) & {heavy!r} | {{m for m in sys.modules if m.startswith('flows.p35')}}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=240, check=True
    )
    assert done.stdout == "[]\n"


def documented(title: str) -> dict[str, set[str]]:
    """The keys in the table of the page whose first column is called `title`."""
    table = PAGE.partition(f"| {title} |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| `([a-z._ ]+)` \| (.*) \|$", table, re.MULTILINE)
    return {name: set(re.findall(r"`([a-z_]+)`", keys)) for name, keys in rows}


def inner(value: Any, path: list[str]) -> dict[str, Any]:
    """The object, or the first of the list, at a path."""
    for name in path:
        value = value[name]
        value = value[0] if isinstance(value, list) else value
    assert isinstance(value, dict)
    return value


def trend_of_a_day(client: redis.Redis, answer: Callable[..., Any]) -> Any:
    """The answer where an hour and the same one a week before are known."""
    for ago in (1, 169):
        plant(client, time.time() - ago * HOUR, {"SKIP": 2}, {"gate": 1})
    return answer("trend")


def asked_over_http(client: redis.Redis, server: PrivateRedis) -> dict[str, Any]:
    client.xadd("quantum:stream:allocation.target.proposed", {"symbol": "A"})
    client.xadd("quantum:stream:apply.plan", {"plan_id": "p", "symbol": "A"})
    client.hset("quantum:permit:p", "eff_action", "NONE")
    now = time.time()
    with server.client() as raw:
        found = joins.read_joins(raw, "quantum")
        series, kept = Asked("minute", None, None, None, None), Retention(172_800, "BUCKET_TTL_SEC")
        shown = heatmap.ask_heatmap(raw, "quantum", heatmap.GATES, series, now, kept, 60)
        minute = int(raw.xinfo_stream("quantum:stream:apply.result")["last-generated-id"].partition(b"-")[0]) // 60_000
        listed = entries.ask_entries(raw, "quantum", minute, entries.Filter(), 10, 300)
    return {
        "heatmap": heatmap.as_json(shown),
        "entries": entries.as_json(listed),
        "proposals": joins.proposals_as_json(found, now),
        "permits": joins.permits_as_json(found, now),
    }


def test_the_keys_of_json_are_those_of_the_page(
    server: PrivateRedis, client: redis.Redis, flows: FlowProcess.Factory
) -> None:
    total = publish_samples(client)
    flows()
    wait_until_counted(client, total)
    client.hincrby("quantum:p35:status", "processed_total", 1)
    alert_id = client.xadd("quantum:p35:alerts", {"kind": "skip_high", "state": "resolved"})
    client.xgroup_create("quantum:p35:alerts", "notify-1", "0")
    client.xadd("quantum:p35:alerts:sent", {"receiver": "1", "entries": alert_id})
    fires = {"since": {}, "alert_id": "id", "severity": "HIGH", "started_at": 1, "published_at": 1}
    client.hset("quantum:p35:alerts:state", "gate_explosion 5m gate", json.dumps(fires))

    def answer(*arguments: str) -> Any:
        return json.loads(here(server.url, *arguments, "--json").stdout)

    head = {"version", "query", "as_of", "last_ts", "warnings"}
    assert all(f"`{name}`" in PAGE for name in head)
    queries, others, lists = documented("query"), documented("other") | documented("over HTTP"), documented("list")
    said = {
        name: answer(name)
        for name in ("why", "symbols", "share", "health", "all", "compare", "lag", "report", "verify")
    }
    said["drift"] = answer("drift", "1")
    said["alerts"] = answer("alerts")
    minute = time.strftime("%Y%m%d%H%M", time.gmtime(time.time() - 600))
    client.hset(f"quantum:p35:bucket:{minute}", mapping={"decision:BLOCKED": 1_000_000, "reason:gate": 1_000_000})
    said["alerts replay"] = answer("alerts", "--replay", "1h", "--set", "P35_ALERT_COOLDOWN=0")
    said["alerts replay"]["rows"].sort(key=lambda row: row["where"])  # one that has both first
    said["history"] = answer("history", "--by", "minute", "--gate", "gate")
    said["trend"] = trend_of_a_day(client, answer)
    day = time.strftime("%Y-%m-%d", time.gmtime(time.time() - HOUR))  # (of that hour)
    said["report"]["trend"] = answer("report", "--day", day)["trend"]
    said["notify"] = json.loads(quantum(server.url, "notify", "--json", ALERT_NOTIFY_URLS="json://127.0.0.1:9").stdout)
    said["explain"] = answer("explain", "no_position")
    letter = client.xadd("quantum:stream:dead", {"stream": "orders", "id": "1-0", "fields": '["n", "1"]'})
    for name, more in (("list", []), ("show", [letter]), ("replay", [letter])):
        said[f"dead {name}"] = answer("dead", name, "quantum:stream:dead", *more)
    said["tail"] = answer("tail", "--no-follow", "-n", "1")
    over_http = asked_over_http(client, server)
    said |= over_http
    assert set(queries) | set(others) == set(said)
    asked = {name.partition(" ")[0] for name in said if name not in over_http}
    assert asked | {"watch", "check"} == {*NAMES, "notify", "dead"}, "the two without JSON"
    for name, keys in queries.items():
        assert set(said[name]) == head | keys, name
    for name, keys in others.items():
        assert set(said[name]) == keys, name
    assert len(lists) == 55
    for path, keys in lists.items():
        assert set(inner(said, path.split("."))) == keys, path


def test_the_page_names_the_exit_statuses() -> None:
    rows = dict(re.findall(r"^\| (\d+) \| (.*) \|$", PAGE, re.MULTILINE))
    docstring = Path("console/terminal/command.py").read_text("utf-8")
    assert {int(status) for status in rows} == {
        int(one) for one in re.findall(r"^    (\d+) +\w", docstring, re.MULTILINE)
    }
