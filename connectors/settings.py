"""Settings from the environment: typed, frozen, checked at start, and never showing a secret.

A flow subclasses `RedisSettings` with settings of its own; `load` reads them from the environment. Every field is the
lower-case name of its environment variable.
"""

from __future__ import annotations

import ipaddress
import os
import re
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

import redis
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from connectors.errors import SettingsError
from connectors.text import one_line

EXIT_BUG = 70
"""Exit status for what nobody thought of (EX_SOFTWARE of sysexits.h)."""

EXIT_SETTINGS = 78
"""Exit status for a setting that is wrong (EX_CONFIG of sysexits.h): a supervisor must not restart the process."""

CREDENTIAL = "redis_password"
"""Name under which a password may lie in systemd's `$CREDENTIALS_DIRECTORY`."""


_DATABASE = re.compile(r"[0-9]{1,9}")


class RedisSettings(BaseSettings):
    """What every service on Redis needs to know; defaults serve a Redis on this machine."""

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True, case_sensitive=False, extra="ignore")

    redis_url: SecretStr | None = Field(None, description="redis://, rediss:// or unix:// URL; wins over the parts")
    redis_host: str = Field("localhost", description="host name or address of Redis")
    redis_port: int = Field(6379, ge=1, le=65535, description="TCP port of Redis")
    redis_db: int = Field(0, ge=0, description="database number")
    redis_username: str | None = Field(None, description="ACL user; unset means the default user")
    redis_password: SecretStr | None = Field(None, description="password")
    redis_password_file: Path | None = Field(None, description="file whose first line is the password")
    key_prefix: str = Field(
        "quantum",
        min_length=1,
        max_length=64,
        pattern=r"^[!-~]+$",
        description="first part of every key; {quantum} keeps all keys in one Redis Cluster slot",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="least level that is logged")
    log_format: Literal["text", "json"] = Field("text", description="one line an event, for a person or a program")
    metrics_addr: str = Field("127.0.0.1", description="address on which Prometheus metrics are served")
    metrics_port: int = Field(0, ge=0, le=65535, description="TCP port of the metrics; 0 turns them off")

    @field_validator("redis_host")
    @classmethod
    def _a_host(cls, value: str) -> str:
        try:
            value.encode("idna")
        except UnicodeError:
            fine = False
        else:
            fine = value.isprintable() and " " not in value
        if not fine:
            raise ValueError("must be the name of a host, or an IP address")
        return value

    @field_validator("metrics_addr")
    @classmethod
    def _an_address(cls, value: str) -> str:
        try:
            ipaddress.ip_address(value)
        except ValueError:
            # A name; what has no letter was meant to be an address.
            if not re.fullmatch(r"(?=.*[A-Za-z])[A-Za-z0-9.-]+", value):
                raise ValueError("must be an IP address or the name of a host") from None
        return value

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: object) -> object:
        return value.strip().upper() if isinstance(value, str) else value

    @field_validator("redis_url")
    @classmethod
    def _known_scheme(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            try:
                parts = urlsplit(value.get_secret_value())
                known = parts.scheme in ("redis", "rediss", "unix") and bool(parts.hostname or parts.path)
                known = known and (parts.port is None or parts.port > 0)
                if known:
                    redis.ConnectionPool.from_url(value.get_secret_value()).make_connection()  # does not connect
                    names_database = all(map(_DATABASE.fullmatch, _databases(parts)))
            except (ValueError, TypeError, redis.RedisError):
                known = False
            if not known:
                raise ValueError(
                    "must look like redis://[user:password@]host:port/db, rediss://... or unix://path, "
                    "with no options but those that redis-py knows"
                )
            if not names_database:
                raise ValueError(
                    "must look like redis://[user:password@]host:port/db, where db is a number, 0 if left out"
                )
        return value

    @field_validator("redis_password_file")
    @classmethod
    def _readable(cls, value: Path | None) -> Path | None:
        if value is not None:
            try:
                value.read_text("utf-8")
            except (OSError, UnicodeDecodeError) as error:
                raise ValueError(f"must name a readable text file ({type(error).__name__})") from None
        return value

    def password(self) -> str | None:
        """The password from `REDIS_PASSWORD`, the password file, or a systemd credential: the first there is.

        Files are read again at every call, so a rotated password is found at the next connection.

        :raises OSError: the file could be read at start and cannot any more.
        """
        if self.redis_password is not None:
            return self.redis_password.get_secret_value()
        path = self.redis_password_file
        if path is None and (directory := os.environ.get("CREDENTIALS_DIRECTORY")):
            path = Path(directory, CREDENTIAL)
            if not path.is_file():
                return None
        if path is None:
            return None
        return next(iter(path.read_text("utf-8").splitlines()), "") or None

    def redis_place(self) -> str:
        """Where Redis is, for logs: never a user or a password."""
        if self.redis_url is None:
            return f"{self.redis_host}:{self.redis_port}/{self.redis_db}"
        parts = urlsplit(self.redis_url.get_secret_value())
        if parts.scheme == "unix":
            return parts.path
        return f"{parts.hostname}:{parts.port or 6379}{parts.path}"


class ConsumerSettings(RedisSettings):
    """What every flow that reads through a consumer group needs to know."""

    read_batch: int = Field(1_000, ge=1, le=100_000, description="most entries in one read")
    max_in_flight: int = Field(
        32_000, ge=1, le=10_000_000, description="most entries read and not yet counted, a worker"
    )
    lease_ttl_sec: float = Field(30, ge=0.5, le=3_600, description="seconds of silence after which a consumer is dead")
    stall_sec: float = Field(300, ge=1, le=86_400, description="seconds without progress before a lease is given up")
    status_interval_sec: float = Field(2, gt=0, le=3_600, description="seconds between looks at pending and lag")


class AppSettings(ConsumerSettings):
    """What an `App` needs to know."""

    linger_ms: float = Field(0, ge=0, le=1_000, description="milliseconds between reads while few messages come")


def _databases(url: SplitResult) -> list[str]:
    """What `url` calls its database: redis-py takes what is no number, in a path, for database 0."""
    path = "" if url.scheme == "unix" else unquote(url.path).removeprefix("/")
    return [*([path] if path else []), *parse_qs(url.query).get("db", [])]


AnySettings = TypeVar("AnySettings", bound=BaseSettings)


def load(kind: type[AnySettings], **given: Any) -> AnySettings:
    """Settings of `kind` from the environment.

    :arg given: settings that win over the environment, by the names of their fields.
    :raises SettingsError: one line a wrong setting: its variable, its value (unless secret) and what is allowed.
    """
    try:
        return kind(**given)
    except ValidationError as error:
        lines = [_explain(kind, dict(problem)) for problem in error.errors(include_url=False)]
        raise SettingsError("\n".join(lines)) from None


def _explain(kind: type[BaseSettings], problem: dict[str, object]) -> str:
    """One line about one wrong setting."""
    location = problem["loc"]
    name = str(location[0]) if isinstance(location, tuple) and location else "settings"
    field = kind.model_fields.get(name)
    message = one_line(problem["msg"]).removeprefix("Value error, ").removeprefix("Input should be ")
    if message.startswith("String should "):
        message = f"must {message.removeprefix('String should ')}"
    elif message.startswith("Unable to parse"):
        message = "must be a number of fewer digits"
    elif not message.startswith("must"):
        message = f"must be {message}"
    secret = field is not None and "SecretStr" in str(field.annotation)
    shown = "(not shown)" if secret else repr(one_line(problem.get("input", ""), 80))
    meaning = f" ({field.description})" if field is not None and field.description else ""
    return f"setting {name.upper()}={shown} is wrong: {message}{meaning}"
