"""Logs that a person can read: one line a state change, to standard error.

Values may come from Redis and be hostile: line breaks and control characters never reach the terminal or forge a line.
"""

from __future__ import annotations

import logging
import os
import sys
import traceback
from collections.abc import MutableMapping
from pathlib import Path
from types import TracebackType
from typing import Any

import structlog

from connectors.settings import RedisSettings
from connectors.text import one_line

_INNER = {"connectors", "bytewax", "redis", "<string>"}
"""Packages (and methods of dataclasses) whose lines say less of what is wrong than the line that called them."""


def configure(settings: RedisSettings, service: str) -> None:
    """Log as `settings` say, under the name `service`; an uncaught exception becomes one line.

    The traceback of an exception is shown at level DEBUG only.
    """
    level: int = getattr(logging, settings.log_level)
    render: Any = structlog.processors.JSONRenderer() if settings.log_format == "json" else _render_text
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _with_service(service),
            _printable,
            render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )
    if level > logging.DEBUG:
        # The runtime below Python reads this when it breaks; its own stack helps nobody but its authors.
        os.environ["RUST_BACKTRACE"] = "0"
    sys.excepthook = _excepthook(debug=level <= logging.DEBUG)


def _with_service(service: str) -> Any:
    def add(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["service"] = service
        return event

    return add


def _printable(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in event.items():
        if isinstance(value, bytes):
            value = value.decode("utf-8", "replace")
        if isinstance(value, str):
            event[key] = one_line(value, 500)
    return event


def _render_text(_logger: object, _method: str, event: MutableMapping[str, Any]) -> str:
    head = f"{event.pop('timestamp')[:23]}Z {event.pop('level'):<7} {event.pop('service')}: {event.pop('event')}"
    tail = " ".join(f"{key}={_quoted(value)}" for key, value in event.items())
    return f"{head} {tail}" if tail else head


def _quoted(value: object) -> str:
    text = f"{value:.3f}" if isinstance(value, float) else str(value)
    return repr(text) if " " in text or not text else text


def _place(trace: TracebackType | None) -> str:
    """Where it was raised, or where the flow called what raised it here: that is the line to look at first."""
    frames = traceback.extract_tb(trace)
    own = [frame for frame in frames if not _INNER.intersection(Path(frame.filename).parts)]
    if not frames:
        return "unknown"
    last = (own or frames)[-1]
    return f"{Path(last.filename).name}:{last.lineno} {last.name}"


def _excepthook(*, debug: bool) -> Any:
    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            return
        cause: BaseException = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        said, at = f"{type(cause).__name__}: {one_line(cause)}", _place(cause.__traceback__)
        structlog.get_logger("bug").error("this is a bug; LOG_LEVEL=DEBUG shows where", error=said, at=at)
        if debug:
            traceback.print_exception(kind, error, trace)

    return hook
