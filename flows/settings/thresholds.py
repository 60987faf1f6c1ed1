"""Settings of the thresholds that alerts, headlines and the console judge by."""

from __future__ import annotations

from typing import Any

from pydantic import Field, ValidationInfo, field_validator

from connectors.settings import RedisSettings
from flows.domain.thresholds import CLEAR, Thresholds

_DEFAULTS = Thresholds()

_NOT_BELOW = {
    "p35_alert_threshold_high": "p35_alert_threshold_medium",
    "p35_alert_threshold_critical": "p35_alert_threshold_high",
    "p35_alert_skip_severe": "p35_alert_skip_high",
}
"""Each of these must not be below the other."""


def _of_gate(default: float, description: str) -> Any:
    return Field(default, gt=0, le=1, description=description, validate_default=True)


def _of_decision(default: float, description: str) -> Any:
    return Field(default, ge=0, le=1, description=description, validate_default=True)


class ThresholdSettings(RedisSettings):
    """What whoever judges needs to know. Give all of them the same."""

    p35_alert_min_total: int = Field(
        _DEFAULTS.min_total, ge=1, description="decisions in a window, below which there is no alert"
    )
    p35_alert_threshold_medium: float = _of_gate(_DEFAULTS.gate_medium, "share of a gate that is an alert")
    p35_alert_threshold_high: float = _of_gate(
        _DEFAULTS.gate_high, "share of a gate that makes it HIGH; not below MEDIUM"
    )
    p35_alert_threshold_critical: float = _of_gate(
        _DEFAULTS.gate_critical, "share of a gate that makes it CRITICAL; not below HIGH"
    )
    p35_alert_execute_low: float = _of_decision(_DEFAULTS.execute_low, "alert when the share of EXECUTE falls below it")
    p35_alert_skip_high: float = _of_decision(_DEFAULTS.skip_high, "alert when the share of SKIP rises above it")
    p35_alert_skip_severe: float = _of_decision(
        _DEFAULTS.skip_severe, "above it sooner, and as HIGH; not below SKIP_HIGH"
    )
    p35_alert_blocked_high: float = _of_decision(_DEFAULTS.blocked_high, "alert when that of BLOCKED rises above it")
    p35_alert_error_high: float = _of_decision(_DEFAULTS.error_high, "alert when that of ERROR rises above it")
    p35_alert_hysteresis: float = Field(
        _DEFAULTS.hysteresis,
        ge=0,
        le=0.5,
        description="hysteresis: how far behind its threshold a share must be for its alert to end; 0: none",
    )
    p35_alert_shift: float = Field(
        _DEFAULTS.shift,
        ge=0.05,
        le=1,
        description="rise of a gate's share against the weeks before, above which it is an alert; 0.1: ten points",
    )
    p35_alert_shift_q: float = Field(
        _DEFAULTS.shift_q,
        gt=0,
        le=CLEAR,
        description="q of that rise, below which it is one; as `quantum trend` has it",
    )
    p35_alert_max_lag: int = Field(
        _DEFAULTS.max_lag, ge=0, description="entries unread or uncounted, above which P3.5 is behind"
    )

    @field_validator(*_NOT_BELOW)
    @classmethod
    def _in_order(cls, value: float, info: ValidationInfo) -> float:
        other = _NOT_BELOW[str(info.field_name)]
        least = info.data.get(other)  # (missing where it is wrong itself, which is said already)
        if least is not None and value < least:
            raise ValueError(f"must not be below {other.upper()}={least:g}")
        return value

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
            shift=self.p35_alert_shift,
            shift_q=self.p35_alert_shift_q,
            max_lag=self.p35_alert_max_lag,
        )
