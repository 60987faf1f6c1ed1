"""Settings of the efficiency joins, `flows.allocation` and `flows.governor`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from connectors.settings import ConsumerSettings, RedisSettings
from flows.domain.efficiency import DownsizeLimits, Scale
from sinks.proposals import target_prefix

_SCALE, _LIMITS = Scale(), DownsizeLimits()


class EfficiencySettings(RedisSettings):
    """What both joins with the efficiency table need to know."""

    p31_min_conf: float = Field(0.65, ge=0, le=1, description="confidence below it does not count")


class AllocationSettings(EfficiencySettings):
    """Settings of `flows.allocation`."""

    metrics_port: int = Field(8065, ge=0, le=65535, description="TCP port of the metrics; 0 turns them off")
    loop_interval_sec: float = Field(10, ge=0.1, le=3_600, description="seconds between loops")
    p31_min_mult: float = Field(_SCALE.low, ge=0, le=1, description="lowest multiplier")
    p31_max_mult: float = Field(_SCALE.high, ge=1, le=100, description="highest multiplier")
    p31_base: float = Field(_SCALE.base, ge=0, le=100, description="multiplier at a score of 0.5")
    p31_scale: float = Field(
        _SCALE.slope, ge=0, le=100, description="what a score adds to the multiplier, for each 1.0 of it"
    )
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


class GovernorSettings(EfficiencySettings, ConsumerSettings):
    """Settings of `flows.governor`."""

    metrics_port: int = Field(8044, ge=0, le=65535, description="TCP port of the metrics; 0 turns them off")
    plan_group: str = Field("p31_governor", min_length=1, max_length=128, description="consumer group of the plans")
    p31_eff_ttl_sec: float = Field(600, ge=0, le=86_400, description="seconds after which an efficiency is stale")
    p31_downsize_threshold: float = Field(_LIMITS.threshold, ge=0, le=1, description="scores below it downsize")
    p31_min_factor: float = Field(_LIMITS.min_factor, ge=0, le=1, description="lowest factor")
    p31_max_extra_cooldown_sec: float = Field(
        _LIMITS.max_extra_cooldown, ge=0, le=86_400, description="seconds of extra cooldown at a score of 0"
    )
    permit_format: Literal["hash", "json"] = Field("hash", description="what a permit is made as, where none exists")
    read_batch: int = Field(200, ge=1, le=100_000, description="most entries in one read")
    max_in_flight: int = Field(
        4_000, ge=1, le=10_000_000, description="most entries read and not yet acknowledged, a worker"
    )

    @field_validator("permit_format", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.strip().lower() if isinstance(value, str) else value
