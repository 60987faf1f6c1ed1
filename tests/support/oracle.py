"""The contract of P3.5 once more, naive and slow: what entries of `apply.result` must become.

Written from the contract alone and sharing no code with the flows, so that tests can compare the two. An entry is
`(id, fields)`: the stream ID as text, and its fields as a mapping or, where names repeat, as pairs in order; names and
values are bytes or text. Nothing in here knows of MAX_FIELDS_PER_BUCKET: give it fewer fields than that.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeAlias

Text: TypeAlias = bytes | str
Fields: TypeAlias = Mapping[bytes, bytes] | Mapping[str, str] | Mapping[Any, Any] | Sequence[tuple[Text, Text]]
RawEntry: TypeAlias = tuple[str, Fields]

SPELLINGS = {
    "EXECUTE": ["EXECUTE", "EXECUTED", "EXEC"],
    "SKIP": ["SKIP", "SKIPPED"],
    "BLOCKED": ["BLOCKED", "BLOCK"],
    "ERROR": ["ERROR", "FAILED", "FAIL"],
}
MINUTES_BEFORE = {"1m": 0, "5m": 4, "15m": 14, "1h": 59}
TOP = 50
LONGEST = 128
MAX_FUTURE_SKEW_SEC = 300.0

_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)
_BIDI = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
_MARKS = {"LEFT-TO-RIGHT MARK", "RIGHT-TO-LEFT MARK", "ARABIC LETTER MARK"}


class Meaning(NamedTuple):
    """What the contract makes of one entry."""

    decision: str
    reason: str
    symbol: str
    unknown: str
    seconds: float
    skewed: bool

    @property
    def minute(self) -> int:
        """Minutes since the epoch."""
        return int(self.seconds) // 60


def as_text(value: Text) -> str:
    """Text, whatever the bytes are."""
    return value if isinstance(value, str) else value.decode("utf-8", "replace")


def shown(value: Text) -> str:
    """Trimmed, control characters replaced, cut at 128 characters."""
    out = ""
    for character in as_text(value).strip()[:LONGEST]:
        control = (
            unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
            or unicodedata.bidirectional(character) in _BIDI
            or unicodedata.name(character, "") in _MARKS
        )
        out += "\ufffd" if control else character
    return out


def field(fields: Fields, name: str) -> Text:
    """The last value of a field; empty when there is none."""
    pairs = fields.items() if isinstance(fields, Mapping) else fields
    found: Text = ""
    for key, value in pairs:
        if as_text(key) == name:
            found = value
    return found


def error_in_details(details: Text) -> str:
    """`error` of a JSON object; empty when `details` is none, or has none."""
    try:
        text = as_text(details)
        value = json.loads(text[1:] if text[:1] == "\ufeff" else text, strict=False)
        if not isinstance(value, dict) or value.get("error") is None:
            return ""
        error = value["error"]
        return error if isinstance(error, str) else json.dumps(error)
    except (ValueError, RecursionError):
        return ""


def reason_of(fields: Fields) -> str:
    """The first that is not empty of `error`, `error` in `details`, `reason`; else `none`."""
    for candidate in (field(fields, "error"), error_in_details(field(fields, "details")), field(fields, "reason")):
        if as_text(candidate).strip():
            return shown(candidate)
    return "none"


def decision_of(fields: Fields) -> tuple[str, str]:
    """The decision, and the raw value where it is one that nobody knows."""
    said = shown(field(fields, "decision"))
    if said:
        for decision, spellings in SPELLINGS.items():
            if said.upper() in spellings:
                return decision, ""
        return "UNKNOWN", said
    executed = as_text(field(fields, "executed")).strip().lower()
    if executed in ("true", "1"):
        return "EXECUTE", ""
    if executed in ("false", "0"):
        return ("SKIP" if reason_of(fields) == "none" else "BLOCKED"), ""
    return "UNKNOWN", ""


def time_of(stream_id: str, fields: Fields, max_future_skew: float = MAX_FUTURE_SKEW_SEC) -> tuple[float, bool]:
    """Epoch seconds of the event, and whether its own timestamp was unusable."""
    written = int(stream_id.split("-")[0])
    text = as_text(field(fields, "timestamp"))
    if _NUMBER.fullmatch(text):
        value = float(text)
        if math.isfinite(value) and value > 0:
            if len(str(int(value))) == 13:
                value = value / 1000
            if value <= written / 1000 + max_future_skew:
                return value, False
    return written / 1000, True


def meaning_of(entry: RawEntry, max_future_skew: float = MAX_FUTURE_SKEW_SEC) -> Meaning:
    """What the contract makes of `entry`."""
    stream_id, fields = entry
    decision, unknown = decision_of(fields)
    seconds, skewed = time_of(stream_id, fields, max_future_skew)
    return Meaning(decision, reason_of(fields), shown(field(fields, "symbol")), unknown, seconds, skewed)


def minute_name(minute: int) -> str:
    """`YYYYMMDDHHMM` in UTC."""
    return datetime.fromtimestamp(minute * 60, UTC).strftime("%Y%m%d%H%M")


def minute_number(name: str) -> int:
    """The minute since the epoch that `name` (YYYYMMDDHHMM) names."""
    return int(datetime.strptime(name, "%Y%m%d%H%M").replace(tzinfo=UTC).timestamp()) // 60


def symbol_in_field(symbol: str) -> str:
    """A symbol as fields have it: one with a colon, or that looks as if it had been escaped, is escaped as in a URL."""
    if ":" in symbol or unquote_colon(symbol) != symbol:
        return "".join({":": "%3A", "%": "%25"}.get(character, character) for character in symbol)
    return symbol


def unquote_colon(text: str) -> str:
    """`text` with each `%3A` and `%25` read as the character that it stands for, from left to right."""
    out = ""
    while text:
        known = {"%3A": ":", "%25": "%"}.get(text[:3])
        out, text = (out + known, text[3:]) if known else (out + text[0], text[1:])
    return out


def expected_buckets(
    entries: Iterable[RawEntry], symbol_breakdown: bool = True, max_future_skew: float = MAX_FUTURE_SKEW_SEC
) -> dict[str, dict[str, int]]:
    """The fields of every bucket, by the name of its minute."""
    buckets: dict[str, Counter[str]] = defaultdict(Counter)
    for entry in entries:
        meaning = meaning_of(entry, max_future_skew)
        bucket = buckets[minute_name(meaning.minute)]
        bucket[f"decision:{meaning.decision}"] += 1
        bucket[f"reason:{meaning.reason}"] += 1
        if symbol_breakdown and meaning.symbol:
            symbol = symbol_in_field(meaning.symbol)
            bucket[f"symbol_decision:{symbol}:{meaning.decision}"] += 1
            bucket[f"symbol_reason:{symbol}:{meaning.reason}"] += 1
    return {name: dict(bucket) for name, bucket in buckets.items()}


def expected_unknown(entries: Iterable[RawEntry]) -> dict[str, dict[str, int]]:
    """Raw values of unknown decisions, by the name of their minute."""
    minutes: dict[str, Counter[str]] = defaultdict(Counter)
    for entry in entries:
        meaning = meaning_of(entry)
        if meaning.unknown:
            minutes[minute_name(meaning.minute)][meaning.unknown] += 1
    return {name: dict(minute) for name, minute in minutes.items()}


def top(counts: Mapping[str, int]) -> dict[str, int]:
    """The 50 largest, most first, equal ones by name."""
    names = sorted(counts)
    names.sort(key=lambda name: counts[name], reverse=True)
    return {name: counts[name] for name in names[:TOP]}


def expected_snapshots(
    buckets: Mapping[str, Mapping[str, int]],
    now_minute: int | str,
    unknown: Mapping[str, Mapping[str, int]] | None = None,
) -> dict[str, dict[str, int]]:
    """The snapshots that `buckets` add up to; empty ones are absent.

    Names are those of the keys without their prefix: `decision:counts:5m`, `reason:top:5m`, `gate:top:5m`,
    `unknown_decision:top:5m`. Values are the members and their counts; those of the tops are in order.

    :arg now_minute: the running minute: its name, or its number since the epoch.
    :arg unknown: what `expected_unknown` says.
    """
    now = minute_number(now_minute) if isinstance(now_minute, str) else now_minute
    result: dict[str, dict[str, int]] = {}
    for window, before in MINUTES_BEFORE.items():
        decisions: Counter[str] = Counter()
        reasons: Counter[str] = Counter()
        gates: Counter[str] = Counter()
        for minute in range(now - before, now + 1):
            for name, count in buckets.get(minute_name(minute), {}).items():
                what, _, rest = name.partition(":")
                if what == "decision":
                    decisions[rest] += count
                elif what == "reason":
                    reasons[rest] += count
                    gates[rest.split(":")[0].strip() or rest] += count
        result[f"decision:counts:{window}"] = dict(decisions)
        result[f"reason:top:{window}"] = top(reasons)
        result[f"gate:top:{window}"] = top(gates)
    raw: Counter[str] = Counter()
    for minute in range(now - MINUTES_BEFORE["5m"], now + 1):
        raw.update((unknown or {}).get(minute_name(minute), {}))
    result["unknown_decision:top:5m"] = top(raw)
    return {name: snapshot for name, snapshot in result.items() if snapshot}


def expected_last(entries: Iterable[RawEntry]) -> tuple[dict[str, float], dict[str, float]]:
    """`last_seen` and `last_execute`: symbol -> epoch seconds."""
    seen: dict[str, float] = {}
    executed: dict[str, float] = {}
    for entry in entries:
        meaning = meaning_of(entry)
        if meaning.symbol:
            seen[meaning.symbol] = max(meaning.seconds, seen.get(meaning.symbol, 0.0))
            if meaning.decision == "EXECUTE":
                executed[meaning.symbol] = max(meaning.seconds, executed.get(meaning.symbol, 0.0))
    return seen, executed


def expected_status(entries: Iterable[RawEntry]) -> dict[str, str]:
    """`processed_total`, `skewed_total`, `last_id` and `last_ts` of the status, for at least one entry."""
    listed = list(entries)
    meanings = [meaning_of(entry) for entry in listed]
    newest = max(meaning.seconds for meaning in meanings)
    milliseconds = round(newest * 1000)
    return {
        "processed_total": str(len(listed)),
        "skewed_total": str(sum(meaning.skewed for meaning in meanings)),
        "last_id": max((stream_id for stream_id, _ in listed), key=lambda one: tuple(map(int, one.split("-")))),
        "last_ts": str(milliseconds // 1000)
        + (f".{milliseconds % 1000:03}".rstrip("0") if milliseconds % 1000 else ""),
    }
