"""Settings of the thresholds that alerts, headlines and the console judge by."""

from __future__ import annotations

from pydantic import Field, ValidationInfo, field_validator

from connectors.settings import RedisSettings
from flows.domain.thresholds import Thresholds

_DEFAULTS = Thresholds()


class ThresholdSettings(RedisSettings):
    """What whoever judges needs to know. Give all of them the same."""

    p35_alert_min_total: int = Field(
        _DEFAULTS.min_total, ge=1, description="decisions in a window, below which there is no alert"
    )
    p35_alert_threshold_medium: float = Field(
        _DEFAULTS.gate_medium, gt=0, le=1, description="share of a gate that is an alert"
    )
    p35_alert_threshold_high: float = Field(
        _DEFAULTS.gate_high,
        gt=0,
        le=1,
        description="share of a gate that makes it HIGH; not below MEDIUM",
        validate_default=True,
    )
    p35_alert_threshold_critical: float = Field(
        _DEFAULTS.gate_critical,
        gt=0,
        le=1,
        description="share of a gate that makes it CRITICAL; not below HIGH",
        validate_default=True,
    )
    p35_alert_execute_low: float = Field(
        _DEFAULTS.execute_low, ge=0, le=1, description="share of EXECUTE below which too few are"
    )
    p35_alert_skip_high: float = Field(
        _DEFAULTS.skip_high, ge=0, le=1, description="share of SKIP above which too many are"
    )
    p35_alert_skip_severe: float = Field(
        _DEFAULTS.skip_severe,
        ge=0,
        le=1,
        description="the same, sooner and as HIGH; not below SKIP_HIGH",
        validate_default=True,
    )
    p35_alert_blocked_high: float = Field(
        _DEFAULTS.blocked_high, ge=0, le=1, description="share of BLOCKED above which too many are"
    )
    p35_alert_error_high: float = Field(
        _DEFAULTS.error_high, ge=0, le=1, description="share of ERROR above which too many are"
    )
    p35_alert_hysteresis: float = Field(
        _DEFAULTS.hysteresis,
        ge=0,
        le=0.5,
        description="how far a share must fall back behind its threshold for an alert to end; 0: not",
    )
    p35_alert_max_lag: int = Field(
        _DEFAULTS.max_lag, ge=0, description="entries unread or uncounted, above which P3.5 is behind"
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
