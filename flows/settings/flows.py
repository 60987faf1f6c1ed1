"""Settings of the flows: what the contract names, and a few of our own for operation."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from connectors.settings import RedisSettings
from sinks.proposals import target_prefix


class P35Settings(RedisSettings):
    """Settings of `flows.p35`."""

    metrics_port: int = Field(8035, ge=0, le=65535, description="TCP port of the metrics; 0 turns them off")
    bucket_ttl_sec: int = Field(
        172_800, ge=3_600, description="seconds that a minute's bucket is kept after its last count"
    )
    enable_symbol_breakdown: bool = Field(True, description="count decisions and reasons per symbol, too")
    snapshot_interval_sec: float = Field(10, gt=0, le=3_600, description="seconds between rolling snapshots")
    max_fields_per_bucket: int = Field(5_000, ge=100, le=1_000_000, description="past it, new reasons become __other__")
    max_future_skew_sec: int = Field(300, ge=0, le=86_400, description="seconds a timestamp may be ahead of its entry")
    allowed_lateness_sec: int = Field(60, ge=0, le=86_400, description="seconds behind the newest before it is late")
    status_interval_sec: float = Field(2, gt=0, le=3_600, description="seconds between looks at pending and lag")
    lease_ttl_sec: float = Field(30, ge=0.5, le=3_600, description="seconds of silence after which a consumer is dead")
    stall_sec: float = Field(300, ge=1, le=86_400, description="seconds without progress before a lease is given up")
    read_batch: int = Field(2_000, ge=1, le=100_000, description="most entries in one read")
    max_in_flight: int = Field(
        16_000, ge=1, le=10_000_000, description="most entries read and not yet counted, a worker"
    )
    linger_ms: float = Field(15, ge=0, le=1_000, description="milliseconds between reads while few messages come")


class EfficiencySettings(RedisSettings):
    """What both joins with the efficiency table need to know."""

    p31_min_conf: float = Field(0.65, ge=0, le=1, description="confidence below it does not count")


class AllocationSettings(EfficiencySettings):
    """Settings of `flows.allocation`."""

    metrics_port: int = Field(8065, ge=0, le=65535, description="TCP port of the metrics; 0 turns them off")
    loop_interval_sec: float = Field(10, ge=0.1, le=3_600, description="seconds between loops")
    p31_min_mult: float = Field(0.5, ge=0, le=1, description="lowest multiplier")
    p31_max_mult: float = Field(1.5, ge=1, le=100, description="highest multiplier")
    p31_base: float = Field(1.0, ge=0, le=100, description="multiplier at a score of 0.5")
    p31_scale: float = Field(1.0, ge=0, le=100, description="what a score adds to the multiplier, for each 1.0 of it")
    p31_stale_sec: float = Field(600, ge=0, le=86_400, description="seconds after which an efficiency is stale")
    propose_stream_name: str | None = Field(
        None, description="stream of the proposals; unset means {KEY_PREFIX}:stream:allocation.target.proposed"
    )
    propose_key_ttl: int = Field(600, ge=1, le=86_400, description="seconds that the newest proposals are kept")

    @field_validator("propose_stream_name")
    @classmethod
    def _no_target(cls, value: str | None, info: ValidationInfo) -> str | None:
        targets = target_prefix(str(info.data.get("key_prefix")))
        if value is not None and value.startswith(targets):
            raise ValueError(f"must not begin with {targets}, where the targets lie")
        return value


class GovernorSettings(EfficiencySettings):
    """Settings of `flows.governor`."""

    metrics_port: int = Field(8044, ge=0, le=65535, description="TCP port of the metrics; 0 turns them off")
    plan_group: str = Field("p31_governor", min_length=1, max_length=128, description="consumer group of the plans")
    p31_eff_ttl_sec: float = Field(600, ge=0, le=86_400, description="seconds after which an efficiency is stale")
    p31_downsize_threshold: float = Field(0.45, ge=0, le=1, description="scores below it downsize")
    p31_min_factor: float = Field(0.25, ge=0, le=1, description="lowest factor")
    p31_max_extra_cooldown_sec: float = Field(
        120, ge=0, le=86_400, description="seconds of extra cooldown at a score of 0"
    )
    permit_format: Literal["hash", "json"] = Field("hash", description="what a permit is made as, where none exists")
    status_interval_sec: float = Field(2, gt=0, le=3_600, description="seconds between looks at pending and lag")
    lease_ttl_sec: float = Field(30, ge=0.5, le=3_600, description="seconds of silence after which a consumer is dead")
    stall_sec: float = Field(300, ge=1, le=86_400, description="seconds without progress before a lease is given up")
    read_batch: int = Field(200, ge=1, le=100_000, description="most entries in one read")
    max_in_flight: int = Field(
        4_000, ge=1, le=10_000_000, description="most entries read and not yet acknowledged, a worker"
    )

    @field_validator("permit_format", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.strip().lower() if isinstance(value, str) else value
