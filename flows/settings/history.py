"""Settings of `flows.history`."""

from __future__ import annotations

from pydantic import Field

from connectors.settings import RedisSettings


class HistorySettings(RedisSettings):
    """Settings of `flows.history`."""

    metrics_port: int = Field(8037, ge=0, le=65535, description="TCP port of the metrics; 0 turns them off")
    history_interval_sec: float = Field(60, ge=0.1, le=3_600, description="seconds between looks for changed minutes")
    history_hour_ttl_sec: int = Field(
        3_024_000, ge=172_800, le=34_560_000, description="seconds that an hour is kept after it was written last"
    )
    history_day_ttl_sec: int = Field(
        34_560_000, ge=172_800, le=345_600_000, description="seconds that a day is kept after it was written last"
    )
    bucket_ttl_sec: int = Field(
        172_800, ge=3_600, description="seconds that flows.p35 keeps a minute's bucket: give both the same"
    )
