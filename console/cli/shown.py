"""Any answer as it is to be written: as JSON, or as text for what is there to show it."""

from __future__ import annotations

from console.queries.answers import Answer
from console.queries.compare import Comparison

Shown = Answer | Comparison


def shown(query: str, answer: Shown, json: bool, full: bool) -> str:
    """The answer as it is to be written."""
    if json:
        from console.queries import compare
        from console.queries import json as answers_json

        value = compare.as_json(answer) if isinstance(answer, Comparison) else answers_json.as_json(query, answer)
        return answers_json.dumps(value)
    from console.cli import compare_text
    from console.cli import text as answers_text
    from console.terminal.viewport import here, printed

    room = here(full)
    if isinstance(answer, Comparison):
        return printed(compare_text.as_text(answer, room))
    return printed(answers_text.as_text(answer, room))
