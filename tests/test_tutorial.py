"""The path in docs/writing-a-flow.md: programs, commands, settings, unit, image, users and metrics are as it says."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from typer.testing import CliRunner, Result

from connectors import AppSettings, private_redis
from connectors.private_redis import PrivateRedis
from connectors.testing import run_until_caught_up
from console.app import app as command
from tests.support.pages import ROOT, Import, importing, programs, text_of
from tests.support.unit_file import read_unit

PAGE = text_of("writing-a-flow")
PROGRAMS = programs(PAGE)


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Import]:
    """Imports programs of the page."""
    with importing(PROGRAMS, tmp_path, monkeypatch) as load:
        yield load


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def rows(heading: str) -> list[tuple[list[str], list[str]]]:
    """The table under `heading`: what is code in its first cell, and in its second."""
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| (`.*?) \| (.*?) \|", section, re.MULTILINE)
    return [(re.findall("`(.*?)`", first), second.replace("`", "").split(", ")) for first, second in cells]


def quantum(url: str, *arguments: str) -> Result:
    env = {"REDIS_URL": url, "REDIS_USERNAME": None, "REDIS_PASSWORD": None}
    return CliRunner().invoke(command, arguments, prog_name="quantum", env=env)


def test_every_program_has_a_name_and_a_test_here_and_the_first_is_that_of_the_readme() -> None:
    assert PAGE.count("```python") == len(PROGRAMS)
    assert set(PROGRAMS) == {"orders", "test_orders", "orders_by_minute"}
    assert PROGRAMS["orders"] in (ROOT / "README.md").read_text("utf-8")


def test_the_test_of_the_first_flow(load: Import) -> None:
    tests = load("test_orders")
    found = [name for name in vars(tests) if name.startswith("test_")]
    assert len(found) == 2
    for name in found:
        getattr(tests, name)()


def test_what_it_says_to_type_can_be_typed(server: PrivateRedis, client: redis.Redis, load: Import) -> None:
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    shown = {}

    def type_in(line: str) -> str:
        words = shlex.split(line)
        if words[0] == "redis-cli":
            words = [private_redis.cli(), "-e", "-p", str(server.port), *words[1:]]
            return subprocess.run(words, check=True, capture_output=True, text=True, timeout=60).stdout
        done = quantum(server.url, *words[1:])
        # (The program is not running, as it would be in production: `check` and `lag` say that nobody reads.)
        assert done.exit_code == (2 if words[1] == "check" else 0), (line, done.output)
        return done.stdout

    for line in [line for line in lines if "XADD" in line]:
        type_in(line)
    client.xadd("orders", {"customer": "ann", "n": "1"}, id="99999999999999-0")
    for name in ("orders", "orders_by_minute"):
        app = load(name).app
        app.bind(AppSettings(redis_url=server.url))
        run_until_caught_up(app)
    for line in lines:
        if line.startswith(("redis-cli", "quantum")) and "XADD" not in line:
            shown[line] = type_in(line)
    assert shown["redis-cli HGETALL orders:by_customer"].split() == ["ann", "4"]
    assert '{"ann":3}' in shown["redis-cli XRANGE orders:by_minute:closed - +"]
    assert "would be put back" in shown["quantum dead replay orders:dead"]
    assert "put back" in shown["quantum dead replay orders:dead --yes"]
    assert client.xlen("orders:dead") == 0
    assert shown["quantum check --flow orders"].startswith("APP CRITICAL - nobody reads orders as orders")
    assert "group       orders: pending 0, lag 1" in shown["quantum health --flow orders"]


def test_the_settings_are_all_there_are_and_have_these_defaults() -> None:
    said = {}
    for names, defaults in rows("Settings"):
        said |= dict(zip(names, defaults * (len(names) if len(defaults) == 1 else 1), strict=True))
    fields = AppSettings.model_fields
    assert said == {
        name.upper(): "unset" if one.default is None else str(one.default).removesuffix(".0")
        for name, one in fields.items()
    }


def test_the_metrics_are_there(server: PrivateRedis, client: redis.Redis, load: Import) -> None:
    app = load("orders").app
    app.bind(AppSettings(redis_url=server.url))
    client.xadd("orders", {"customer": "ann", "n": "3"})
    run_until_caught_up(app)
    there = {sample.name for metric in app._process().metrics.registry.collect() for sample in metric.samples}
    there |= {metric.name for metric in app._process().metrics.registry.collect()}
    said = {name for names, _ in rows("Health and metrics") for name in names}
    assert len(said) >= 10
    assert said - there <= {"orders_lag"}  # (there once Redis has told it)


def test_the_unit_is_what_the_delivered_ones_are(tmp_path: Path) -> None:
    (text,) = blocks("ini")
    path = tmp_path / "orders@.service"
    path.write_text(text, "utf-8")
    unit, delivered = read_unit(path), read_unit(ROOT / "deploy/systemd/quantum-governor.service")
    own = {
        "Description",
        "ExecStart",
        "WorkingDirectory",
        "EnvironmentFile",
        "Environment",
        "DynamicUser",
        "LoadCredential",
    }
    for section, settings in unit.items():
        for name, values in settings.items():
            assert name in own or values[0] == delivered[section][name][0], name
    assert unit["Service"]["ExecStart"][0].endswith("-m bytewax.run orders:app")
    assert unit["Service"]["Environment"][0] == delivered["Service"]["Environment"][0]


def test_the_image_is_well_formed(tmp_path: Path) -> None:
    (text,) = blocks("dockerfile")
    (tmp_path / "Dockerfile").write_text(text, "utf-8")
    done = subprocess.run(
        [Path(sys.executable).parent / "hadolint", tmp_path / "Dockerfile"], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_its_users_of_redis_have_the_rights_that_they_need(
    server: PrivateRedis, client: redis.Redis, load: Import
) -> None:
    found = re.findall(r"^    user (\S+) on (.*)$", PAGE, re.MULTILINE)
    assert [name for name, _ in found] == ["orders", "orders-look"]
    client.acl_log_reset()
    try:
        for name, rules in found:
            # (+xrevrange: for `run_until_caught_up`.)
            client.execute_command("ACL", "SETUSER", name, "reset", "on", *rules.split(), "+xrevrange")
        for n in ("3", "many"):
            client.xadd("orders", {"customer": "ann", "n": n})
        app = load("orders").app
        app.bind(AppSettings(redis_url=server.url, redis_username="orders", redis_password="PASSWORD"))
        run_until_caught_up(app)
        assert client.hgetall("orders:by_customer") == {"ann": "3"}
        assert client.hget("quantum:flow:orders", "reads")
        assert client.acl_log() == []
        url = f"redis://orders-look:PASSWORD@127.0.0.1:{server.port}/0"
        for arguments in (("check", "--flow", "orders"), ("health", "--flow", "orders"), ("lag", "--flow", "orders")):
            assert "denies" not in quantum(url, *arguments).output
        assert quantum(url, "dead", "list", "orders:dead").exit_code == 0
        assert client.acl_log() == []
    finally:
        client.acl_deluser("orders", "orders-look")
