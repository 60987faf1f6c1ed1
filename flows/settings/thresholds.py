"""Settings of the thresholds that alerts, headlines and the console judge by."""

from __future__ import annotations

from pydantic import Field, ValidationInfo, field_validator

from connectors.settings import RedisSettings
from flows.domain.thresholds import Thresholds


class ThresholdSettings(RedisSettings):
    """What whoever judges needs to know. Give all of them the same."""

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

    @property
    def thresholds(self) -> Thresholds:
        """All of them, as one value."""
        return Thresholds(
            min_total=self.p35_alert_min_total,
            gate_medium=self.p35_alert_threshold_medium,
            gate_high=self.p35_alert_threshold_high,
            gate_critical=self.p35_alert_threshold_critical,
            execute_low=self.p35_alert_execute_low,
            skip_high=self.p35_alert_skip_high,
            skip_severe=self.p35_alert_skip_severe,
            blocked_high=self.p35_alert_blocked_high,
            error_high=self.p35_alert_error_high,
            hysteresis=self.p35_alert_hysteresis,
            max_lag=self.p35_alert_max_lag,
        )


def _not_below(value: float, info: ValidationInfo, other: str) -> float:
    least = info.data.get(other)  # (missing where it is wrong itself, which is said already)
    if least is not None and value < least:
        raise ValueError(f"must not be below {other.upper()}={least:g}")
    return value
