"""Settings: defaults, what is refused and how that is said, and silence about secrets."""

from __future__ import annotations

import pickle
import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from connectors.errors import SettingsError
from connectors.settings import RedisSettings, load
from flows.settings.p35 import P35Settings

SECRET = "hunter2-very-secret"

pytestmark = pytest.mark.usefixtures("bare_environment")

DEFAULTS: dict[str, object] = {
    "REDIS_URL": None,
    "REDIS_HOST": "localhost",
    "REDIS_PORT": 6379,
    "REDIS_DB": 0,
    "REDIS_USERNAME": None,
    "REDIS_PASSWORD": None,
    "REDIS_PASSWORD_FILE": None,
    "KEY_PREFIX": "quantum",
    "LOG_LEVEL": "INFO",
    "LOG_FORMAT": "text",
    "METRICS_ADDR": "127.0.0.1",
    "METRICS_PORT": 8035,
    "BUCKET_TTL_SEC": 172_800,
    "ENABLE_SYMBOL_BREAKDOWN": True,
    "SNAPSHOT_INTERVAL_SEC": 10.0,
    "MAX_FIELDS_PER_BUCKET": 5_000,
    "MAX_FUTURE_SKEW_SEC": 300,
}
"""Of the contract."""

WRONG = [
    ("REDIS_HOST", "\udcff", "name of a host"),
    ("REDIS_HOST", "my host", "name of a host"),
    ("REDIS_HOST", "line\nbreak", "name of a host"),
    ("REDIS_HOST", "x" * 64, "name of a host"),
    ("REDIS_PORT", "six", "integer"),
    ("REDIS_PORT", "0", "greater than or equal to 1"),
    ("REDIS_PORT", "65536", "less than or equal to 65535"),
    ("REDIS_PORT", "63.79", "integer"),
    ("REDIS_DB", "-1", "greater than or equal to 0"),
    ("REDIS_DB", "1\nFAKE=line", "integer"),
    ("REDIS_PASSWORD_FILE", "/nowhere/at/all", "must name a readable text file"),
    ("REDIS_PASSWORD_FILE", "/", "must name a readable text file"),
    ("KEY_PREFIX", "two words", "match pattern"),
    ("KEY_PREFIX", "line\nbreak", "match pattern"),
    ("KEY_PREFIX", "é", "match pattern"),
    ("KEY_PREFIX", "x" * 65, "at most 64 characters"),
    ("LOG_LEVEL", "LOUD", "'DEBUG', 'INFO', 'WARNING' or 'ERROR'"),
    ("LOG_FORMAT", "xml", "'text' or 'json'"),
    ("METRICS_PORT", "-1", "greater than or equal to 0"),
    ("METRICS_ADDR", "999.1.1.1", "IP address or the name of a host"),
    ("METRICS_ADDR", "my host", "IP address or the name of a host"),
    ("METRICS_PORT", "65536", "less than or equal to 65535"),
    ("BUCKET_TTL_SEC", "3599", "greater than or equal to 3600"),
    ("BUCKET_TTL_SEC", "2 days", "integer"),
    ("ENABLE_SYMBOL_BREAKDOWN", "maybe", "boolean"),
    ("SNAPSHOT_INTERVAL_SEC", "0", "greater than 0"),
    ("SNAPSHOT_INTERVAL_SEC", "nan", "less than or equal to 3600"),
    ("SNAPSHOT_INTERVAL_SEC", "inf", "less than or equal to 3600"),
    ("SNAPSHOT_INTERVAL_SEC", "soon", "number"),
    ("MAX_FIELDS_PER_BUCKET", "99", "greater than or equal to 100"),
    ("MAX_FIELDS_PER_BUCKET", "1000001", "less than or equal to 1000000"),
    ("MAX_FUTURE_SKEW_SEC", "-1", "greater than or equal to 0"),
    ("ALLOWED_LATENESS_SEC", "86401", "less than or equal to 86400"),
    ("STATUS_INTERVAL_SEC", "-2", "greater than 0"),
    ("LEASE_TTL_SEC", "0.4", "greater than or equal to 0.5"),
    ("STALL_SEC", "0", "greater than or equal to 1"),
    ("READ_BATCH", "0", "greater than or equal to 1"),
    ("READ_BATCH", "9" * 5_000, "number of fewer digits"),
    ("MAX_IN_FLIGHT", "0", "greater than or equal to 1"),
]


def refusal() -> str:
    """What `load` says about the environment."""
    with pytest.raises(SettingsError) as caught:
        load(P35Settings)
    return str(caught.value)


def test_defaults_are_the_contracts() -> None:
    settings = load(P35Settings)
    assert {name: getattr(settings, name.lower()) for name in DEFAULTS} == DEFAULTS


@pytest.mark.parametrize("name", sorted(P35Settings.model_fields))
def test_an_empty_variable_means_the_default(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    expected = getattr(load(P35Settings), name)
    monkeypatch.setenv(name.upper(), "")
    assert getattr(load(P35Settings), name) == expected


@pytest.mark.parametrize(("name", "value", "allowed"), WRONG, ids=lambda text: str(text)[:24])
def test_a_wrong_value_is_one_line_with_the_variable_the_value_and_what_is_allowed(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, allowed: str
) -> None:
    monkeypatch.setenv(name, value)
    line = refusal()
    shown = re.sub("[\n\udcff]", "\ufffd", value if len(value) <= 80 else value[:79] + "…")
    assert line.startswith(f"setting {name}={shown!r} is wrong: must ")
    assert allowed in line
    assert line.isprintable()
    assert len(line) < 500


def test_each_wrong_setting_has_its_own_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_PORT", "x")
    monkeypatch.setenv("LOG_FORMAT", "y")
    monkeypatch.setenv("REDIS_PASSWORD", SECRET)
    lines = refusal().splitlines()
    assert sorted(line.split("=")[0] for line in lines) == ["setting LOG_FORMAT", "setting REDIS_PORT"]
    assert SECRET not in "".join(lines)


@given(
    name=st.sampled_from(sorted(set(P35Settings.model_fields) - {"redis_password_file"})),
    value=st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), min_size=1, max_size=12),
)
@example(name="redis_url", value="redis://[x")
def test_any_value_is_taken_or_refused_in_one_printable_line(name: str, value: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(name.upper(), value)
        said = ""
        try:
            assert getattr(load(P35Settings), name) is not None
        except SettingsError as error:
            said = str(error)
    assert said == "" or said.startswith(f"setting {name.upper()}=")
    assert said.isprintable()


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("LOG_LEVEL", "debug", "DEBUG"),
        ("LOG_LEVEL", " warning ", "WARNING"),
        ("ENABLE_SYMBOL_BREAKDOWN", "false", False),
        ("ENABLE_SYMBOL_BREAKDOWN", "0", False),
        ("ENABLE_SYMBOL_BREAKDOWN", "TRUE", True),
        ("SNAPSHOT_INTERVAL_SEC", "0.5", 0.5),
        ("METRICS_PORT", "0", 0),
        ("KEY_PREFIX", "{quantum}", "{quantum}"),
        ("MAX_FUTURE_SKEW_SEC", "0", 0),
        ("redis_port", "7", 7),
    ],
)
def test_values_are_read_as_their_types(monkeypatch: pytest.MonkeyPatch, name: str, text: str, value: object) -> None:
    monkeypatch.setenv(name, text)
    assert getattr(load(P35Settings), name.lower()) == value


def test_settings_cannot_be_changed() -> None:
    settings = load(P35Settings)
    with pytest.raises(ValidationError, match="frozen"):
        settings.redis_port = 1


# Secrets.


def test_no_secret_is_shown_by_repr_str_or_a_dump(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", f"redis://user:{SECRET}@host/1")
    monkeypatch.setenv("REDIS_PASSWORD", SECRET)
    settings = load(P35Settings)
    for shown in (repr(settings), str(settings), str(settings.model_dump()), settings.model_dump_json()):
        assert SECRET not in shown
    assert settings.password() == SECRET
    assert pickle.loads(pickle.dumps(settings)) == settings


def test_the_password_is_the_first_line_of_its_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "password"
    monkeypatch.setenv("REDIS_PASSWORD_FILE", str(file))
    for content, password in (
        (f"{SECRET}\n", SECRET),
        (f"{SECRET}\r\nmore\n", SECRET),
        (" spaced ", " spaced "),
        ("", None),
    ):
        file.write_bytes(content.encode())
        assert load(RedisSettings).password() == password


def test_a_rotated_password_is_found_without_a_restart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("old")
    monkeypatch.setenv("REDIS_PASSWORD_FILE", str(file))
    settings = load(RedisSettings)
    assert settings.password() == "old"
    file.write_text("new\n")
    assert settings.password() == "new"


def test_a_password_file_that_is_no_text_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_bytes(b"\xff\xfe" + SECRET.encode())
    monkeypatch.setenv("REDIS_PASSWORD_FILE", str(file))
    assert "must name a readable text file" in refusal()
    assert SECRET not in refusal()


def test_a_systemd_credential_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert load(RedisSettings).password() is None
    (tmp_path / "redis_password").write_text(f"{SECRET}\n")
    assert load(RedisSettings).password() == SECRET


def test_the_variable_wins_over_the_file_and_the_file_over_the_credential(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "redis_password").write_text("from the credential")
    (tmp_path / "file").write_text("from the file")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    monkeypatch.setenv("REDIS_PASSWORD_FILE", str(tmp_path / "file"))
    assert load(RedisSettings).password() == "from the file"
    monkeypatch.setenv("REDIS_PASSWORD", "from the variable")
    assert load(RedisSettings).password() == "from the variable"
