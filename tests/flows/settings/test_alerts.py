"""Settings of the alerts: where the receivers come from, and that no secret of theirs is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.errors import SettingsError
from connectors.settings import load
from flows.settings.alerts import AlertsSettings

ONE, TWO = "json://127.0.0.1/one", "json://127.0.0.1/two"


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """No receiver of the tester's own."""
    for name in ("ALERT_NOTIFY_URLS", "ALERT_NOTIFY_URLS_FILE", "CREDENTIALS_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)


def test_nobody_is_told_where_none_is_named() -> None:
    assert load(AlertsSettings).receivers() == []


@pytest.mark.parametrize(("text", "count"), [(ONE, 1), (f"{ONE} {TWO}", 2), (f" {ONE},{TWO},\n", 2), (" ,\n", 0)])
def test_urls_are_apart_by_spaces_or_commas(monkeypatch: pytest.MonkeyPatch, text: str, count: int) -> None:
    monkeypatch.setenv("ALERT_NOTIFY_URLS", text)
    assert len(load(AlertsSettings).receivers()) == count


def test_the_variable_wins_over_the_file_and_the_file_over_the_credential(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "alert_notify_urls").write_text(f"{ONE}\n{ONE}\n{ONE}\n", "utf-8")
    (tmp_path / "file").write_text(f"{ONE}\n{TWO}\n", "utf-8")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert len(load(AlertsSettings).receivers()) == 3
    monkeypatch.setenv("ALERT_NOTIFY_URLS_FILE", str(tmp_path / "file"))
    assert len(load(AlertsSettings).receivers()) == 2
    monkeypatch.setenv("ALERT_NOTIFY_URLS", ONE)
    assert len(load(AlertsSettings).receivers()) == 1


def test_one_that_is_no_url_is_named_by_its_number_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALERT_NOTIFY_URLS", f"{ONE} nobody://hunter2")
    with pytest.raises(SettingsError, match="number 2") as caught:
        load(AlertsSettings).receivers()
    assert "hunter2" not in str(caught.value)
    assert str(caught.value).isprintable()
