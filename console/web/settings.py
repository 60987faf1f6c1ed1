"""Settings of `quantum serve`."""

from __future__ import annotations

import ipaddress
import os
import socket
from pathlib import Path

from pydantic import Field, ValidationInfo, field_validator

from flows.settings.history import HistorySettings
from flows.settings.thresholds import ThresholdSettings

CREDENTIAL = "api_token"
"""Name under which the token may lie in systemd's `$CREDENTIALS_DIRECTORY`."""

SHORTEST = 16
"""Characters of a token, at the least: shorter ones can be guessed."""

_LOCAL = ("localhost", "127.0.0.1", "::1")


class ServeSettings(HistorySettings, ThresholdSettings):
    """Settings of `quantum serve`. Its metrics are served beside the API: METRICS_ADDR and METRICS_PORT are unused."""

    max_future_skew_sec: int = Field(
        300, ge=0, le=86_400, description="seconds a timestamp may be ahead of its entry: as flows.p35 has it"
    )
    api_token_file: Path | None = Field(
        None, description="file whose first line is the token that requests need; unset: none needed, loopback only"
    )
    http_addr: str = Field("127.0.0.1", description="IP address to listen on; one that is not loopback needs a token")
    http_port: int = Field(8030, ge=0, le=65535, description="TCP port of the API and the page; 0: any that is free")
    http_hosts: str = Field(
        "",
        description="host names, separated by commas, by which it may be asked; unset: localhost, HTTP_ADDR and the "
        "name of this machine",
    )
    http_max_viewers: int = Field(1_000, ge=1, le=100_000, description="most event streams at once")
    http_poll_sec: float = Field(
        1, ge=0.25, le=60, description="seconds between looks at Redis while anybody views; no answer is older"
    )

    @field_validator("api_token_file")
    @classmethod
    def _holds_a_token(cls, value: Path | None) -> Path | None:
        if value is not None:
            read_token(value)
        return value

    @field_validator("http_addr")
    @classmethod
    def _guarded(cls, value: str, info: ValidationInfo) -> str:
        value = "127.0.0.1" if value.lower() == "localhost" else value
        try:
            loopback = ipaddress.ip_address(value).is_loopback
        except ValueError:
            raise ValueError("must be an IP address") from None
        # (A token that is wrong itself is missing, which is said already.)
        if not loopback and "api_token_file" in info.data and _token_file(info.data["api_token_file"]) is None:
            raise ValueError("must be a loopback address, unless API_TOKEN_FILE names a token")
        return value

    @property
    def token_file(self) -> Path | None:
        """Where the token lies: `API_TOKEN_FILE`, else the systemd credential `api_token`; None: there is none."""
        return _token_file(self.api_token_file)

    @property
    def hosts(self) -> frozenset[str]:
        """The names, in lower case and without ports, by which it may be asked."""
        if named := [name.strip().lower().strip("[]") for name in self.http_hosts.split(",") if name.strip()]:
            return frozenset(named)
        return frozenset({*_LOCAL, self.http_addr, socket.gethostname().lower()})


def _token_file(named: Path | None) -> Path | None:
    if named is None and (directory := os.environ.get("CREDENTIALS_DIRECTORY")):
        path = Path(directory, CREDENTIAL)
        # (One that nobody has given is blank, see the unit.)
        return path if path.is_file() and path.read_text("utf-8", "replace").strip() else None
    return named


def read_token(path: Path) -> str:
    """The token in the first line of the file.

    :raises ValueError: there is none, or it is short; the message says what is allowed and shows nothing of it.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"must name a readable text file ({type(error).__name__})") from None
    token = lines[0].strip() if lines else ""
    if len(token) < SHORTEST or not token.isascii() or not token.isprintable() or " " in token:
        raise ValueError(f"must name a file whose first line is a token of {SHORTEST} or more ASCII characters")
    return token
