"""The log of alerts: a line when one fires, escalates and ends. The log makes reasons printable."""

from __future__ import annotations

import structlog

from sinks.values.alerts import FIRING, Checked

_log = structlog.get_logger("alerts")


def log_published(checked: Checked) -> None:
    """Log what was published with `checked`; to be called by the instance that published it, once."""
    for alert in checked.alerts:
        before = checked.before.tracked.get(alert.key)
        facts = {
            "severity": alert.severity,
            "kind": alert.key.kind,
            "reason": alert.key.reason,
            "window": alert.key.window,
            "share": alert.share,
            "total": alert.total,
            "alert_id": alert.alert_id,
        }
        if alert.state != FIRING:
            _log.info("alert ends", **facts)
        elif before is not None and before.firing:
            _log.warning("alert escalates", was=before.severity, **facts)
        else:
            _log.warning("alert fires", **facts)
