"""The options of the questions, as query parameters. A request with one that is not among them is a wrong one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from console.queries.moment import Moment, parse_ago, parse_at, parse_bound
from console.web.problems import ProblemError
from flows.domain.decisions import clean

MOST_NAMES = 100
"""Symbols that may be asked about at once."""


def _parsed_by(parse: Callable[[str], object]) -> AfterValidator:
    """Checks that `parse` understands a text, which stays as it is."""

    def check(text: str) -> str:
        parse(text)
        return text

    return AfterValidator(check)


def _as_counted(name: str) -> str:
    """A gate, reason or symbol, as the flow would have read it."""
    read = clean(name.encode("utf-8", "replace"))
    if not read:
        raise ValueError("is empty")
    return read


Name = Annotated[str, Field(max_length=1_000), AfterValidator(_as_counted)]
Names = Annotated[list[Name], Field(max_length=MOST_NAMES)]


class Parameters(BaseModel):
    """The parameters of a question; equal ones have equal `key`s."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    @property
    def key(self) -> str:
        """Of equal parameters equal."""
        return self.model_dump_json()


class OfWindow(Parameters):
    """Which window."""

    window: Literal["1m", "5m", "15m", "1h"] = Field("5m", description="The last minutes, with the running one.")


class OfPast(OfWindow):
    """Which window, now or then, and how."""

    at: Annotated[str, _parsed_by(parse_at)] | None = Field(
        None, max_length=64, description="As of then, in UTC: 14:05, 2026-02-01T14:05, YYYYMMDDHHMM, or epoch seconds."
    )
    ago: Annotated[str, _parsed_by(parse_ago)] | None = Field(
        None, max_length=64, description="As of so long ago: 30min, 1h, 1d12h."
    )
    full: bool = Field(False, description="Whole reasons: not folded into gates.")

    @property
    def moment(self) -> Moment | None:
        """What was given for one of them; None: now.

        :raises ProblemError: both were.
        """
        if self.at is not None and self.ago is not None:
            raise ProblemError(400, "ago and at: one of them is enough", parameter="ago")
        if self.at is not None:
            return parse_at(self.at)
        return None if self.ago is None else parse_ago(self.ago)


class OfSymbols(OfPast):
    """Which symbols."""

    symbol: Names = Field([], description="In any case; may be repeated. None: the ten busiest.")


class OfDrift(OfPast):
    """Above which share."""

    threshold: float | None = Field(
        None, ge=0, le=100, allow_inf_nan=False, description="Percent. None: P35_ALERT_THRESHOLD_MEDIUM."
    )


class OfApp(Parameters):
    """Which App."""

    flow: str | None = Field(None, pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,63}$", description="Ask about this App.")


class OfHealth(OfApp, OfWindow):
    """Which window, or which App."""


class OfReport(Parameters):
    """Which day."""

    day: str = Field("today", max_length=32, description="In UTC: YYYY-MM-DD, today or yesterday.")
    full: bool = Field(False, description="Whole reasons: not folded into gates.")


_Bound = Annotated[str, _parsed_by(parse_bound)]


class OfHistory(Parameters):
    """Which series."""

    by: Literal["minute", "hour", "day"] = Field("hour", description="What a point stands for.")
    begin: _Bound | None = Field(
        None,
        alias="from",
        max_length=64,
        description="Since then, in UTC: 14:05, 2026-02-01, 2026-02-01T14:05, or so long ago: 7d. None: the last 60 "
        "minutes, 24 hours or 28 days.",
    )
    end: _Bound | None = Field(
        None, alias="to", max_length=64, description="Until then; a day is its beginning. None: now."
    )
    gate: Name | None = Field(None, description="This gate only.")
    symbol: Name | None = Field(None, description="Decisions on this symbol only.")


class OfHeatmap(Parameters):
    """Which rows and columns."""

    rows: Literal["gates", "symbols", "reasons"] = Field("gates", description="What a row stands for.")
    step: Literal["minute", "hour"] = Field("minute", description="What a column stands for.")
    begin: _Bound | None = Field(
        None, alias="from", max_length=64, description="As for history. None: the last 60 minutes or 24 hours."
    )
    end: _Bound | None = Field(None, alias="to", max_length=64, description="Likewise. None: now.")
    symbol: Name | None = Field(None, description="Decisions on this symbol only.")
    limit: int = Field(60, ge=1, le=1_000, description="Rows at the most.")


class OfEntries(Parameters):
    """Which minute, and what of it."""

    minute: Annotated[str, _parsed_by(parse_at)] = Field(
        max_length=64, description="In UTC: YYYYMMDDHHMM, 14:05, 2026-02-01T14:05, or epoch seconds."
    )
    gate: Name | None = Field(None, description="Of this gate, or this whole reason, only.")
    symbol: Name | None = Field(None, description="On this symbol only.")
    limit: int = Field(100, ge=1, le=1_000, description="Entries at the most.")


class OfAlerts(Parameters):
    """How many."""

    count: int = Field(10, ge=0, le=1_000, description="Ended alerts at the most.")


class OfGate(OfWindow):
    """How much is said of a gate."""

    live: bool = Field(False, description="Also what it stops now, and the values of the keys to look at.")
    symbol: Names = Field([], description="With live: of which symbol; may be repeated.")


class OfTrend(Parameters):
    """Which span, and what it is compared with."""

    over: str = Field("24h", max_length=32, description="The last whole hours: 6h, 24h, up to 7d.")
    against: str = Field("4w", max_length=32, description="How many weeks before: 1w, 2w, 3w or 4w.")
