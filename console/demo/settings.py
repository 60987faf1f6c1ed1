"""Settings of the demo, from the environment."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class DemoSettings(BaseSettings):
    """How much is published, which, and for how long."""

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True, case_sensitive=False, extra="ignore")

    rate: float = Field(50, gt=0, le=20_000, description="decisions a second, on average over two minutes")
    seed: int = Field(35, description="equal seeds give equal decisions")
    seconds: float | None = Field(
        None, gt=0, le=86_400, description="seconds to run; unset means until Ctrl-C, or 20 without a terminal"
    )
