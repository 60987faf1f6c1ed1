"""The programs of the cookbook do what it says of them, and are as long as it says."""

from __future__ import annotations

import io
import json
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import redis

from connectors import App, AppSettings, Count
from connectors.private_redis import PrivateRedis
from connectors.rebuild import rebuild
from connectors.testing import run_until_caught_up
from tests.support.pages import Import, importing, programs, text_of

PAGE = text_of("cookbook")
PROGRAMS = programs(PAGE)


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Import]:
    """Imports programs of the page."""
    with importing(PROGRAMS, tmp_path, monkeypatch) as load:
        yield load


@pytest.fixture
def run(load: Import, server: PrivateRedis) -> Import:
    """Imports one that has an App, and runs it until it has caught up."""

    def one(name: str) -> ModuleType:
        module = load(name)
        module.app.bind(AppSettings(redis_url=server.url))
        run_until_caught_up(module.app)
        return module

    return one


def test_every_program_has_a_name_and_a_test_here() -> None:
    assert PAGE.count("```python") == len(PROGRAMS)
    assert set(PROGRAMS) == {"greetings", "page_views", "solar", "payments", "orders", "test_page_views"}


def test_greetings(client: redis.Redis, run: Import, capsys: pytest.CaptureFixture[str]) -> None:
    for text in ("hello 1", "hello 2"):
        client.xadd("greetings", {"text": text})
    run("greetings")
    assert [line for line in capsys.readouterr().out.splitlines() if "hello" in line] == ["hello 1", "hello 2"]


def test_page_views(client: redis.Redis, run: Import) -> None:
    for page, milliseconds in (("/home", 1000), ("/buy", 4000), ("/home", 6000), ("/home", 20_000)):
        client.xadd("views", {"page": page, "user": "ann"}, id=f"{milliseconds}-0")
    client.xadd("views", {"user": "bob"}, id="21000-0")
    run("page_views")
    rows = [fields for _id, fields in client.xrange("views:by_page:closed")]
    assert [(row["start"], row["end"], json.loads(row["counts"])) for row in rows] == [
        ("-5", "5", {"/home": 1, "/buy": 1}),
        ("0", "10", {"/home": 2, "/buy": 1}),
        ("5", "15", {"/home": 1}),
    ]
    assert client.hgetall("views:by_page:20") == {"/home": "1"}
    assert client.xlen("views:dead") == 1


def test_a_stream_joined_with_a_table(client: redis.Redis, run: Import) -> None:
    for sky in ("grey", "blue"):
        client.xadd("forecasts", {"location": "roof", "sky": sky})
    run("solar")
    client.xadd("telemetry", {"location": "roof", "watt": "7"})
    client.xadd("telemetry", {"location": "shed", "watt": "5"})
    run("solar")
    ((_id, entry),) = client.xrange("telemetry:enriched")
    assert entry.pop("forecast.at") == client.hget("forecast:roof", "at")
    assert entry == {"location": "roof", "watt": "7", "forecast.location": "roof", "forecast.sky": "blue"}
    ((_id, letter),) = client.xrange("solar:dead")
    assert (letter["error"], letter["attempts"]) == ("LookupError: no forecast for shed yet", "4")


def test_payments(client: redis.Redis, run: Import) -> None:
    client.hset("rate:USD", "eur", "0.9")
    for amount, currency in (("10.50", "USD"), ("0.1", "USD"), ("much", "USD"), ("5", "CHF")):
        client.xadd("payments", {"customer": "ann", "amount": amount, "currency": currency})
    run("payments")
    assert client.hgetall("payments:by_customer") == {"ann": "9.540"}
    errors = [letter["error"] for _id, letter in client.xrange("payments:dead")]
    assert sorted(error.partition(":")[0] for error in errors) == ["KeyError", "ValueError"]
    assert all(letter["attempts"] == "4" for _id, letter in client.xrange("payments:dead"))


def test_computing_it_anew(client: redis.Redis, server: PrivateRedis, run: Import) -> None:
    for customer, n in (("Ann", 1), ("ann", 2), ("bob", 4)):
        client.xadd("orders", {"customer": customer, "n": n})
    wrong = App("orders")
    wrong.each("orders")(lambda entry: Count("orders:by_customer", {entry["customer"]: int(entry["n"])}))
    wrong.bind(AppSettings(redis_url=server.url))
    run_until_caught_up(wrong)
    module = run("orders")
    assert client.hgetall("orders:by_customer") == {"Ann": "1", "ann": "2", "bob": "4"}
    assert rebuild(module.app, AppSettings(redis_url=server.url)) is not None
    assert client.hgetall("orders:by_customer") == {"ann": "3", "bob": "4"}
    client.xadd("orders", {"customer": "ANN", "n": 8})
    run("orders")
    assert client.hgetall("orders:by_customer") == {"ann": "11", "bob": "4"}


def test_the_test_of_ones_own(load: Import) -> None:
    tests = load("test_page_views")
    found = [name for name in vars(tests) if name.startswith("test_")]
    assert len(found) == 2
    for name in found:
        getattr(tests, name)()


def test_the_lengths_are_as_the_page_says() -> None:
    def lines(source: str) -> int:
        skipped = {
            tokenize.COMMENT,
            tokenize.NL,
            tokenize.NEWLINE,
            tokenize.INDENT,
            tokenize.DEDENT,
            tokenize.ENDMARKER,
        }
        tokens = tokenize.generate_tokens(io.StringIO(source).readline)
        return len({token.start[0] for token in tokens if token.type not in skipped})

    which = {"greetings, printed": "greetings", "page views by page": "page_views", "telemetry with forecasts": "solar"}
    said = re.findall(r"^\| (.*?) \| (\d+)\b.*? \| .* \| (\d+) \|$", PAGE, re.MULTILINE)
    assert [int(here) for _, here, _ in said] == [lines(PROGRAMS[which[name]]) for name, _, _ in said]
    assert len(said) == 5
    assert all(int(here) <= int(there) for _, here, there in said)
