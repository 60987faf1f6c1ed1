"""What one entry of `quantum:stream:apply.result` says: a decision, a reason, a symbol, a time. Pure.

Fields may be missing, empty, huge or not UTF-8. A field that is repeated counts with its last value, as it would in a
hash. Nothing in here raises for any input.
"""

from __future__ import annotations

import json
import math
import re
from functools import lru_cache
from typing import Any

import orjson

from sinks.values.counts import BLOCKED, ERROR, EXECUTE, SKIP, UNKNOWN, Kind

NO_REASON = "none"

TEXT_LIMIT = 128
"""Characters of a reason, a symbol or a raw decision that are kept."""

LAST_SECOND = 221_845_391_999
"""Event times end here (the year 8999): an entry's ID may be anything, and dates must stay computable."""

_SPELLINGS = {
    **dict.fromkeys(("EXECUTE", "EXECUTED", "EXEC"), EXECUTE),
    **dict.fromkeys(("SKIP", "SKIPPED"), SKIP),
    **dict.fromkeys(("BLOCKED", "BLOCK"), BLOCKED),
    **dict.fromkeys(("ERROR", "FAILED", "FAIL"), ERROR),
}

# C0, DEL, C1, line and paragraph separators, bidirectional controls, and surrogates, which no UTF-8 can carry.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")

_MEMO_BYTES = 512
"""Values longer than this together are worked out each time: a memo must not hold megabytes."""


def clean(value: bytes | str) -> str:
    """`value` as text: trimmed, control characters replaced by U+FFFD, cut at `TEXT_LIMIT` characters."""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    return _CONTROL.sub("�", text.strip())[:TEXT_LIMIT]


def gate_of(reason: str) -> str:
    """The gate: the part of a reason before its first colon (all of it, when that part is empty)."""
    return reason.partition(":")[0].rstrip() or reason


KIND_FIELDS = (b"decision", b"executed", b"symbol", b"error", b"details", b"reason")
"""All that a kind depends on."""


def kind_of(fields: dict[bytes, bytes]) -> Kind:
    """What the entry with `fields` is counted as."""
    error = fields.get(b"error", b"")
    reason: bytes | str = error
    if _is_blank(error):
        reason = _error_in(fields.get(b"details", b""))
        if not reason or reason.isspace():
            reason = fields.get(b"reason", b"")
    decision, executed, symbol = fields.get(b"decision", b""), fields.get(b"executed", b""), fields.get(b"symbol", b"")
    if len(decision) + len(executed) + len(symbol) + len(reason) > _MEMO_BYTES:
        return _kind_of(decision, executed, reason, symbol)
    return _remembered_kind_of(decision, executed, reason, symbol)


def _is_blank(value: bytes) -> bool:
    """Whether trimming leaves nothing: of spaces beyond ASCII, too, which `bytes.isspace` does not know."""
    if not value or 0x20 < value[0] < 0x80:
        return not value
    return not value.decode("utf-8", "replace").strip()


def _error_in(details: bytes) -> str:
    """`error` inside the JSON object `details`, as text; empty when there is none, or no JSON object."""
    if b'"error"' not in details and b"\\u" not in details:
        return ""
    try:
        value: Any = orjson.loads(details)
    except orjson.JSONDecodeError:
        try:
            # Not JSON, but not lost on a reader: NaN, as Python's publishers write it; a byte order mark; control
            # characters, and bytes that are no UTF-8, which cost the character that they are in, as anywhere else.
            value = json.loads(details.decode("utf-8-sig", "replace"), strict=False)
        except (ValueError, RecursionError):
            return ""
    error = value.get("error") if isinstance(value, dict) else None
    if error is None or isinstance(error, str):
        return error or ""
    try:
        return json.dumps(error)
    except RecursionError:
        return ""


def _kind_of(decision: bytes, executed: bytes, reason: bytes | str, symbol: bytes) -> Kind:
    why = clean(reason) or NO_REASON
    said = clean(decision)
    unknown = ""
    if said:
        verdict = _SPELLINGS.get(said.upper(), UNKNOWN)
        unknown = said if verdict == UNKNOWN else ""
    else:
        done = clean(executed).lower()
        if done in ("true", "1"):
            verdict = EXECUTE
        elif done in ("false", "0"):
            verdict = SKIP if why == NO_REASON else BLOCKED
        else:
            verdict = UNKNOWN
    return Kind(verdict, why, clean(symbol), unknown)


_remembered_kind_of = lru_cache(maxsize=8192)(_kind_of)


def event_seconds(timestamp: bytes, id_milliseconds: int, max_future_skew: float) -> tuple[float, bool]:
    """When the entry happened, in seconds since the epoch, and whether its `timestamp` was unusable (skewed).

    `timestamp` is the raw field, in seconds or (13 digits) milliseconds. Unusable is what is missing, no finite number,
    not positive, or more than `max_future_skew` seconds ahead of the entry's ID, whose time then counts instead.
    Depends on nothing else: reading the entry again gives the same result.
    """
    seconds = _seconds(timestamp) if len(timestamp) <= 64 else _uncached_seconds(timestamp)
    id_seconds = id_milliseconds / 1000
    if 0 < seconds <= id_seconds + max_future_skew and seconds <= LAST_SECOND:
        return seconds, False
    return min(id_seconds, float(LAST_SECOND)), True


def _uncached_seconds(timestamp: bytes) -> float:
    """Seconds since the epoch, or 0.0 when `timestamp` is no finite number."""
    try:
        value = float(timestamp)
    except ValueError:
        return 0.0
    if not math.isfinite(value) or b"_" in timestamp:  # Python alone takes 1_000 for a number
        return 0.0
    return value / 1000 if 1e12 <= value < 1e13 else value


_seconds = lru_cache(maxsize=1024)(_uncached_seconds)
