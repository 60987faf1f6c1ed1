"""Epochs of the runtime, in a process that the runtime's own command starts."""

from __future__ import annotations

import subprocess
import sys

import pytest

from connectors import epochs


@pytest.mark.parametrize(
    ("factory", "ended"),
    [
        pytest.param("plain()", "epochs ended: 1", id="what the runtime does"),
        pytest.param("flow()", "epochs ended: 0", id="what our flows make of it"),
    ],
)
def test_an_epoch_lasts_as_long_as_the_process(factory: str, ended: str) -> None:
    command = [sys.executable, "-m", "bytewax.run", f"tests.support.epoch_flow:{factory}", "-s", "1"]
    told = subprocess.run(command, capture_output=True, text=True, timeout=240, check=True).stdout
    assert ended in told.splitlines()


def test_any_other_process_is_left_alone() -> None:
    main = sys.modules["__main__"]
    before = dict(vars(main))
    epochs.never_end()
    assert vars(main) == before
