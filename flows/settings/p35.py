"""Settings of `flows.p35`."""

from __future__ import annotations

from pydantic import Field

from connectors.settings import ConsumerSettings
from flows.settings.thresholds import ThresholdSettings


class P35Settings(ConsumerSettings, ThresholdSettings):
    """Settings of `flows.p35`."""

    read_batch: int = Field(2_000, ge=1, le=100_000, description="most entries in one read")
    metrics_port: int = Field(8035, ge=0, le=65535, description="TCP port of the metrics; 0 turns them off")
    bucket_ttl_sec: int = Field(
        172_800, ge=3_600, description="seconds that a minute's bucket is kept after its last count"
    )
    enable_symbol_breakdown: bool = Field(True, description="count decisions and reasons per symbol, too")
    snapshot_interval_sec: float = Field(10, gt=0, le=3_600, description="seconds between rolling snapshots")
    max_fields_per_bucket: int = Field(5_000, ge=100, le=1_000_000, description="past it, new reasons become __other__")
    max_future_skew_sec: int = Field(300, ge=0, le=86_400, description="seconds a timestamp may be ahead of its entry")
    allowed_lateness_sec: int = Field(60, ge=0, le=86_400, description="seconds behind the watermark before it is late")
    linger_ms: float = Field(2, ge=0, le=1_000, description="milliseconds between reads while few messages come")
