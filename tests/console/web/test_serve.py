"""`quantum serve` as a command and as a process: settings, the socket, and a stop with streams open."""

from __future__ import annotations

import re
import signal
import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner

from connectors.errors import SettingsError
from connectors.settings import load
from console.app import app
from console.web.settings import ServeSettings
from tests.support import users
from tests.support.flow_process import ROOT
from tests.support.forked import started
from tests.support.quantum import environment
from tests.support.waiting import wait_for
from tests.support.web import Events

URL = "redis://127.0.0.1:1/0"


def refused(**env: str) -> str:
    """The one line that `quantum serve` ends with, with status 78."""
    done = CliRunner().invoke(app, ["serve"], prog_name="quantum", env=environment(URL, **env))
    assert (done.exit_code, done.stdout) == (78, "")
    (line,) = done.stderr.splitlines()
    return line


@pytest.fixture
def token(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text("0123456789abcdef\n")
    return path


def test_others_are_let_in_with_a_token_only(token: Path) -> None:
    line = refused(HTTP_ADDR="0.0.0.0")
    assert re.match(r"setting HTTP_ADDR='0\.0\.0\.0' is wrong: must be a loopback address, unless API_TOKEN_FILE", line)
    for address in ("::", "10.0.0.1", "192.0.2.7"):
        with pytest.raises(SettingsError, match="HTTP_ADDR"):
            load(ServeSettings, http_addr=address)
        assert load(ServeSettings, http_addr=address, api_token_file=token).token_file == token
    for address in ("127.0.0.1", "127.1.2.3", "::1", "localhost"):
        assert load(ServeSettings, http_addr=address).token_file is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HTTP_ADDR", "console.example"),
        ("HTTP_PORT", "65536"),
        ("HTTP_MAX_VIEWERS", "0"),
        ("HTTP_POLL_SEC", "0.1"),
        ("API_TOKEN_FILE", "/nowhere"),
    ],
)
def test_a_wrong_setting_is_named(name: str, value: str) -> None:
    assert refused(**{name: value}).startswith(f"setting {name}='{value}' is wrong: must ")


@pytest.mark.parametrize("text", ["", "\n", "short", "with a space in it", "näht-kein-ascii-drin"])
def test_a_token_must_be_one_and_is_never_shown(tmp_path: Path, text: str) -> None:
    path = tmp_path / "token"
    path.write_text(text, "utf-8")
    line = refused(API_TOKEN_FILE=str(path), HTTP_ADDR="0.0.0.0")
    assert "must name a file whose first line is a token of 16 or more ASCII characters" in line
    assert not text.strip() or text not in line


def test_the_token_may_be_a_credential(tmp_path: Path, token: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    credential = tmp_path / "api_token"
    assert ServeSettings().token_file is None
    credential.write_text("\n")  # (as the unit has it where nobody gave one)
    assert ServeSettings().token_file is None
    credential.write_text("fedcba9876543210")
    assert ServeSettings(http_addr="0.0.0.0").token_file == credential
    assert ServeSettings(api_token_file=token).token_file == token


def test_a_credential_that_is_no_token_is_refused(tmp_path: Path) -> None:
    (tmp_path / "api_token").write_text("short")
    assert "16 or more" in refused(CREDENTIALS_DIRECTORY=str(tmp_path))


def test_hosts_are_names_without_ports_and_case() -> None:
    assert load(ServeSettings, http_hosts=" Console.Example,[::1] ,").hosts == {"console.example", "::1"}
    assert {"localhost", "127.0.0.1", "::1", "127.0.0.2"} <= load(ServeSettings, http_addr="127.0.0.2").hosts


def test_a_port_that_is_taken_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = CliRunner().invoke(app, ["serve"], prog_name="quantum", env=environment(URL, HTTP_PORT=port))
    assert done.exit_code == 74
    assert done.stderr.startswith(f"quantum: cannot listen at 127.0.0.1:{port}: ")
    assert len(done.stderr.splitlines()) == 1


def test_a_process_ends_at_sigterm_with_streams_open(planted: users.SecuredRedis, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.touch()
    process = started("console", ["serve"], ROOT, environment(planted.url, HTTP_PORT="0"), str(log), str(log))
    try:
        serving = wait_for(lambda: re.search(r"serving url=http://127\.0\.0\.1:(\d+)/", log.read_text()), "the address")
        streams = [Events(int(serving[1]), {}) for _ in range(3)]
        assert {next(stream).kind for stream in streams}
        process.send_signal(signal.SIGTERM)
        for stream in streams:
            assert all(event.kind for event in stream)  # (to its end)
        assert process.wait(60) == 0
    finally:
        process.kill()
    lines = log.read_text().splitlines()
    assert [re.search(r"quantum-console: (\w+)", line)[1] for line in lines] == [  # type: ignore[index]
        "serving",
        "connected",
        "stopping",
        "stopped",
    ]
    assert "reason=SIGTERM" in lines[2]
