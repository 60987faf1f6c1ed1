"""Entries as values of a model."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
import redis
from pydantic import BaseModel, ConfigDict, Field, Json

from connectors import App, AppSettings, Count, Message
from connectors.private_redis import PrivateRedis
from connectors.testing import message, run_until_caught_up
from connectors.validation import validated


@dataclass
class Plain:
    customer: str
    n: int
    at: datetime = datetime(2026, 1, 1, tzinfo=UTC)


class Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")
    customer: str
    n: int
    usd: Decimal | None = None
    more: Json[list[int]] = []


def value(model: type, **fields: str) -> Any:
    seen: list[Any] = []

    def function(entry: Message) -> tuple[()]:
        seen.append(entry.value)
        assert dict(entry) == fields
        return ()

    validated(function, model)(message(fields))
    return seen[0]


def test_text_becomes_what_the_model_says() -> None:
    assert value(Plain, customer="ann", n="5", other="x") == Plain("ann", 5)
    assert value(Plain, customer="7", n="5", at="1764000000").at == datetime.fromtimestamp(1764000000, UTC)
    made = value(Strict, customer="ann", n="5", usd="1.10", more="[1, 2]")
    assert made == Strict(customer="ann", n=5, usd=Decimal("1.10"), more=json.dumps([1, 2]))  # type: ignore[arg-type]


def test_what_does_not_fit_is_one_line_without_its_content() -> None:
    with pytest.raises(ValueError, match=r"^no Plain: customer: .*required; n: .*valid integer") as caught:
        value(Plain, n="secret", at="2026-01-01")
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)
    with pytest.raises(ValueError, match=r"no Strict: other: .*not permitted"):
        value(Strict, customer="ann", n="5", other="x")
    with pytest.raises(ValueError, match=r"; and 3 more$"):
        value(Strict, **{f"f{number}": "" for number in range(6)})


class ByCard(BaseModel):
    kind: Literal["card"]


class ByBank(BaseModel):
    kind: Literal["bank"]


class Tagged(BaseModel):
    by: Json[Annotated[ByCard | ByBank, Field(discriminator="kind")]]
    token: UUID


def test_kinds_of_problem_whose_message_would_tell_the_content_are_only_named() -> None:
    with pytest.raises(ValueError, match=r"^no Tagged: by: union_tag_invalid; token: uuid_parsing$"):
        value(Tagged, by='{"kind": "secret"}', token="secret")


def test_without_a_model_an_entry_has_no_value() -> None:
    assert message({"n": "5"}).value is None


@pytest.mark.parametrize("model", [int, dict, None, Plain("ann", 5)])
def test_a_model_that_is_none_is_refused_where_it_is_given(model: Any) -> None:
    with pytest.raises(ValueError, match="a pydantic model or a dataclass, not"):
        App("shop").each("orders", value=model or 0)(lambda _entry: ())


def test_in_an_app_what_does_not_fit_is_a_dead_letter(server: PrivateRedis, raw: redis.Redis) -> None:
    app = App("shop")

    @app.each("orders", value=Plain, dead_letters="dead")
    def count(entry: Message) -> Count:
        return Count("sums", {entry.value.customer: entry.value.n})

    for n in ("5", "six", "7"):
        raw.xadd("orders", {"customer": "ann", "n": n})
    app.bind(AppSettings(redis_url=server.url))
    run_until_caught_up(app)
    assert raw.hgetall("sums") == {b"ann": b"12"}
    ((_id, letter),) = raw.xrange("dead")
    assert letter[b"error"].startswith(b"ValueError: no Plain: n: Input should be a valid integer")
