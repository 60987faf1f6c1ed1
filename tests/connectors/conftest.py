"""What several tests of the connectors need."""

from __future__ import annotations

import os

import pytest

from flows.settings.p35 import P35Settings


@pytest.fixture
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the tester's own."""
    for name in list(os.environ):
        if name.upper() in {*(field.upper() for field in P35Settings.model_fields), "CREDENTIALS_DIRECTORY"}:
            monkeypatch.delenv(name)
