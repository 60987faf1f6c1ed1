"""Moments in the past, as an operator types them; what can still be told of them. Pure.

    14:05                       the last time that it was 14:05, today or yesterday
    2026-02-01T14:05[:30][Z]    a date and a time
    202602011405                a minute, as in the names of buckets
    1769954700                  epoch seconds
    1h, 90min, 1d12h, 2w        so long ago
    2026-02-01                  when that day began, where a span is asked for

All times are UTC, unless one says its own offset.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_UNITS = {"s": 1, "m": 60, "min": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_AGO = re.compile(r"(\d{1,9})(s|min|m|h|d|w)")


class MomentError(ValueError):
    """Nothing can be told of that moment; the message is one printable line that says what is kept."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What was typed."""

    text: str
    """Printable."""
    seconds: Callable[[float], float]
    """Now -> the moment; both in epoch seconds."""


@dataclass(frozen=True, slots=True)
class When:
    """A moment that is asked about, and how far back anything is known."""

    moment: Moment
    kept_sec: int
    """Seconds that a bucket is kept."""

    def minute(self, now: float, span: int) -> int:
        """The minute (since the epoch) that a window of `span` minutes ends with.

        :arg now: epoch seconds.
        :raises MomentError: it is in the future, or the window begins before what is kept.
        """
        seconds = self.moment.seconds(now)
        if seconds > now:
            raise MomentError(f"{self.moment.text} is in the future: it is {_minute(int(now // 60))}")
        minute = int(seconds // 60)
        if minute - span + 1 < self.oldest(now):
            hours = f"{self.kept_sec / 3_600:g} h (BUCKET_TTL_SEC)"
            first = _minute(self.oldest(now) + span - 1)
            raise MomentError(
                f"{self.moment.text} is too long ago: minutes are kept for {hours}, so ask for {first} or later"
            )
        return minute

    def oldest(self, now: float) -> int:
        """The oldest minute (since the epoch) that is surely kept."""
        return int((now - self.kept_sec) // 60) + 1


def parse_ago(text: str) -> Moment:
    """A length of time before now.

    :raises ValueError: it is none; the message tells what is.
    """
    length = seconds_of(text)
    return Moment(f"{text.strip().lower()} ago", lambda now: now - length)


def parse_bound(text: str) -> Moment:
    """Where a span begins or ends: a day, which is its beginning, whatever `parse_at` knows, or a length before now.

    :raises ValueError: it is none; the message tells what is.
    """
    given = text.strip()
    for parse in (parse_ago, parse_at):
        with suppress(ValueError):
            return parse(f"{given}T00:00" if re.fullmatch(r"\d{4}-\d\d-\d\d", given) else given)
    raise ValueError(
        "is not a time; write it (in UTC) as 14:05, 2026-02-01, 2026-02-01T14:05, 202602011405, epoch seconds, or how "
        "long ago: 1h, 1d12h, 2w"
    )


def seconds_of(text: str) -> int:
    """A length of time, such as `90min`, `1h` or `1d12h`.

    :raises ValueError: it is none; the message tells what is.
    """
    parts = _AGO.findall(text.strip().lower())
    length = sum(int(count) * _UNITS[unit] for count, unit in parts)
    if not length or "".join(count + unit for count, unit in parts) != text.strip().lower():
        raise ValueError("is not a length of time; write it as in 30min, 1h, 1d or 1d12h")
    return length


def parse_at(text: str) -> Moment:
    """A time of the day, a date and a time, a minute's name, or epoch seconds.

    :raises ValueError: it is none; the message tells what is.
    """
    given = text.strip()
    if match := re.fullmatch(r"(\d{1,2}):(\d\d)", given):
        hour, minute = int(match[1]), int(match[2])
        if hour < 24 and minute < 60:
            into_day = 60 * (60 * hour + minute)
            return Moment(given, lambda now: now - (now - into_day) % 86_400)
    at = _instant(given)
    try:
        name = "" if at is None else _minute(int(at // 60))
    except OverflowError:  # (a time that no calendar has, in UTC)
        name = ""
    if at is None or not name:
        raise ValueError("is not a time; write it (in UTC) as 14:05, 2026-02-01T14:05, 202602011405, or epoch seconds")
    return Moment(name, lambda _now: at)


def _instant(given: str) -> float | None:
    try:
        if re.fullmatch(r"\d{12}", given):
            return datetime.strptime(given, "%Y%m%d%H%M").replace(tzinfo=UTC).timestamp()
        if re.fullmatch(r"\d{1,11}(\.\d*)?", given):
            seconds = float(given)
            datetime.fromtimestamp(seconds, UTC)
            return seconds
        if re.match(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d", given):
            read = datetime.fromisoformat(re.sub("[zZ]$", "+00:00", given))
            return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        pass
    return None


def _minute(minute: int) -> str:
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
    return at.strftime("%Y-%m-%d %H:%M UTC")
