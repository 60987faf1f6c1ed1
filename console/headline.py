"""The first lines of an answer, for a person: the verdict, and what fires. Pure."""

from __future__ import annotations

from rich.text import Text

from connectors.errors import one_line
from console.answers import Why
from console.room import STYLES


def headline(answer: Why) -> list[Text]:
    """The verdict, and a second line where an alert fires."""
    verdict = Text(one_line(answer.verdict.sentence), f"bold {STYLES[answer.verdict.severity]}".strip())
    sentence = answer.firing.sentence(answer.service.now)
    return [verdict, Text(sentence, STYLES[answer.firing.weight])] if sentence else [verdict]
