"""Starting a flow as a process."""

from __future__ import annotations

import pytest

from connectors.settings import EXIT_SETTINGS
from connectors.start import start
from flows.settings.p35 import P35Settings

pytestmark = pytest.mark.usefixtures("bare_environment")


def test_a_wrong_setting_ends_the_process_with_78_and_only_its_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REDIS_PORT", "six")
    with pytest.raises(SystemExit) as caught:
        start(P35Settings, "p35")
    assert caught.value.code == EXIT_SETTINGS == 78
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("setting REDIS_PORT='six' is wrong: must be")
    assert err.count("\n") == 1
