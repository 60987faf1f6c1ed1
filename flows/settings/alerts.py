"""Settings of `flows.alerts`: what the contract names, and a few of our own for operation."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator

from connectors.errors import SettingsError
from connectors.receiver import Receiver
from connectors.text import one_line
from flows.settings.rules import RuleSettings

CREDENTIAL = "alert_notify_urls"
"""Name under which the URLs may lie in systemd's `$CREDENTIALS_DIRECTORY`."""


class AlertsSettings(RuleSettings):
    """Settings of `flows.alerts`."""

    metrics_port: int = Field(8036, ge=0, le=65535, description="TCP port of the metrics; 0 turns them off")
    alert_notify_urls: SecretStr | None = Field(
        None, description="receivers: Apprise URLs, separated by spaces or commas; unset sends nothing"
    )
    alert_notify_urls_file: Path | None = Field(None, description="file with the URLs")
    alert_notify_min_severity: Literal["MEDIUM", "HIGH", "CRITICAL"] = Field(
        "HIGH", description="least severity that is sent to the receivers"
    )
    alert_notify_spacing_sec: float = Field(
        10, ge=0, le=3_600, description="seconds between messages to a receiver; what comes meanwhile is sent as one"
    )
    alert_notify_attempts: int = Field(
        20, ge=1, le=1_000, description="attempts to send, with exponential backoff, before a message is a dead letter"
    )

    @field_validator("alert_notify_min_severity", mode="before")
    @classmethod
    def _upper_severity(cls, value: object) -> object:
        return value.strip().upper() if isinstance(value, str) else value

    def receivers(self) -> list[Receiver]:
        """The receivers of `ALERT_NOTIFY_URLS`, its file or the systemd credential: of the first there is.

        :raises SettingsError: they cannot be read, or one is no such URL. One line, which holds none of them.
        """
        name, text = "ALERT_NOTIFY_URLS", ""
        path = self.alert_notify_urls_file
        if path is not None:
            name = "ALERT_NOTIFY_URLS_FILE"
        elif directory := os.environ.get("CREDENTIALS_DIRECTORY"):
            path = Path(directory, CREDENTIAL)
            path = path if path.is_file() else None
        if self.alert_notify_urls is not None:
            text = self.alert_notify_urls.get_secret_value()
        elif path is not None:
            try:
                text = path.read_text("utf-8")
            except (OSError, UnicodeDecodeError) as error:
                problem = f"must name a readable text file ({type(error).__name__})"
                raise SettingsError(f"setting {name}={one_line(path)!r} is wrong: {problem}") from None
        receivers = []
        text = text.strip(" \t\r\n,")  # (a file of nothing else names nobody)
        for number, url in enumerate(re.split(r"[\s,]+(?=[\w+.-]+://)", text) if text else [], 1):
            try:
                receivers.append(Receiver(url))
            except ValueError as error:
                raise SettingsError(f"setting {name}=(not shown) is wrong: number {number} {error}") from None
        return receivers
