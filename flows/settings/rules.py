"""Settings of the rules of alerts: the thresholds, and by what they are checked over time."""

from __future__ import annotations

from pydantic import Field

from flows.domain.alerts.check import Terms
from flows.settings.thresholds import ThresholdSettings

_DEFAULTS = Terms()


class RuleSettings(ThresholdSettings):
    """What `flows.alerts` checks by, and a replay of its checks. Give both the same."""

    alert_interval_sec: float = Field(_DEFAULTS.interval, ge=0.1, le=3_600, description="seconds between checks")
    p35_alert_cooldown: float = Field(
        _DEFAULTS.cooldown,
        ge=0,
        le=86_400,
        description="seconds between two alerts of equal kind, reason and window, unless the second is worse",
    )

    @property
    def terms(self) -> Terms:
        """All of them, as one value."""
        return Terms(self.thresholds, self.p35_alert_cooldown, self.alert_interval_sec)
