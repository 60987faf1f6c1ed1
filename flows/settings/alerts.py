"""Settings of `flows.alerts`: what the contract names, and a few of our own for operation."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from connectors.errors import SettingsError
from connectors.receiver import Receiver
from connectors.settings import RedisSettings
from connectors.text import one_line

CREDENTIAL = "alert_notify_urls"
"""Name under which the URLs may lie in systemd's `$CREDENTIALS_DIRECTORY`."""


class AlertsSettings(RedisSettings):
    """Settings of `flows.alerts`."""

    metrics_port: int = Field(8036, ge=0, le=65535, description="TCP port of the metrics; 0 turns them off")
    alert_interval_sec: float = Field(60, ge=0.1, le=3_600, description="seconds between checks")
    p35_alert_min_total: int = Field(100, ge=1, description="decisions in a window, below which it raises no alert")
    p35_alert_threshold_medium: float = Field(0.40, gt=0, le=1, description="share of a gate that is an alert")
    p35_alert_threshold_high: float = Field(
        0.60, gt=0, le=1, description="share of a gate that makes it HIGH; not below MEDIUM", validate_default=True
    )
    p35_alert_threshold_critical: float = Field(
        0.80, gt=0, le=1, description="share of a gate that makes it CRITICAL; not below HIGH", validate_default=True
    )
    p35_alert_execute_low: float = Field(0.20, ge=0, le=1, description="share of EXECUTE below which too few are")
    p35_alert_skip_high: float = Field(0.70, ge=0, le=1, description="share of SKIP above which too many are")
    p35_alert_skip_severe: float = Field(
        0.80, ge=0, le=1, description="the same, sooner and as HIGH; not below SKIP_HIGH", validate_default=True
    )
    p35_alert_blocked_high: float = Field(0.40, ge=0, le=1, description="share of BLOCKED above which too many are")
    p35_alert_error_high: float = Field(0.10, ge=0, le=1, description="share of ERROR above which too many are")
    p35_alert_hysteresis: float = Field(
        0.05,
        ge=0,
        le=0.5,
        description="how far a share must fall back behind its threshold for an alert to end; 0: not",
    )
    p35_alert_max_lag: int = Field(1_000, ge=0, description="entries unread or uncounted, above which P3.5 is behind")
    p35_alert_cooldown: float = Field(
        300,
        ge=0,
        le=86_400,
        description="seconds between two alerts of equal kind, reason and window, unless the second is worse",
    )
    alert_notify_urls: SecretStr | None = Field(
        None, description="receivers, as URLs that apprise knows, apart by spaces or commas; unset sends nothing"
    )
    alert_notify_urls_file: Path | None = Field(None, description="file with the URLs")
    alert_notify_min_severity: Literal["MEDIUM", "HIGH", "CRITICAL"] = Field(
        "HIGH", description="least severity that is sent to the receivers"
    )
    alert_notify_spacing_sec: float = Field(
        10, ge=0, le=3_600, description="seconds between two messages to one receiver; what comes meanwhile is one"
    )
    alert_notify_attempts: int = Field(
        20, ge=1, le=1_000, description="attempts to send, ever less often, before a message is a dead letter"
    )

    @field_validator("p35_alert_threshold_high")
    @classmethod
    def _above_medium(cls, value: float, info: ValidationInfo) -> float:
        return _not_below(value, info, "p35_alert_threshold_medium")

    @field_validator("p35_alert_threshold_critical")
    @classmethod
    def _above_high(cls, value: float, info: ValidationInfo) -> float:
        return _not_below(value, info, "p35_alert_threshold_high")

    @field_validator("p35_alert_skip_severe")
    @classmethod
    def _above_skip_high(cls, value: float, info: ValidationInfo) -> float:
        return _not_below(value, info, "p35_alert_skip_high")

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


def _not_below(value: float, info: ValidationInfo, other: str) -> float:
    least = info.data.get(other)  # (missing where it is wrong itself, which is said already)
    if least is not None and value < least:
        raise ValueError(f"must not be below {other.upper()}={least:g}")
    return value
