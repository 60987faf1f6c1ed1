"""What is remembered of alerts, read from its hash."""

from __future__ import annotations

import pytest

from sinks import alert_state


@pytest.mark.parametrize("text", ["", "x", "{}", "[]", '{"since": {"HIGH": "x"}}', '{"since": {"HIGH": NaN}}', "1"])
def test_what_cannot_be_read_of_the_state_is_as_if_it_were_not_there(text: str) -> None:
    assert alert_state.decode({b"skip_high 5m SKIP": text.encode()}).tracked == {}
