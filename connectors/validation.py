"""The fields of an entry as a value of a model: a pydantic model, or a dataclass."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import is_dataclass
from functools import wraps
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from connectors.effects import Effect
from connectors.per_entry import Message

_SHOWN = 5
"""Problems of an entry that are told."""

_TELLING = frozenset(("union_tag_invalid", "uuid_parsing"))
"""Kinds of problem whose message has the content in it, or some of it: only the kind is told."""


def validated(
    function: Callable[..., Iterable[Effect] | Effect], model: type
) -> Callable[..., Iterable[Effect] | Effect]:
    """`function` for `each`, with entries whose `value` is what `model` makes of their fields.

    All fields are text, and are read as numbers, dates and so on, as `model` says; those that it does not name are
    ignored, unless it forbids them. For an entry that does not fit this raises ValueError, one line that names each
    wrong field and not its content. (What a validator of the model itself raises is told as it is.)

    :raises ValueError: `model` is neither a pydantic model nor a dataclass.
    """
    if not isinstance(model, type) or not (is_dataclass(model) or issubclass(model, BaseModel)):
        raise ValueError(f"entries are validated with a pydantic model or a dataclass, not {model!r:.80}")
    adapter: TypeAdapter[Any] = TypeAdapter(model)

    @wraps(function)
    def with_value(message: Message, *row: Any) -> Iterable[Effect] | Effect:
        try:
            message.value = adapter.validate_strings(dict(message))
        except ValidationError as error:
            raise ValueError(f"no {model.__name__}: {_said(error)}") from None
        return function(message, *row)

    return with_value


def _said(error: ValidationError) -> str:
    problems = error.errors(include_url=False, include_input=False, include_context=False)
    said = [
        f"{'.'.join(map(str, one['loc'])) or 'the entry'}: {one['type' if one['type'] in _TELLING else 'msg']}"
        for one in problems[:_SHOWN]
    ]
    more = f"; and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
    return "; ".join(said) + more
