"""`python -m console.guide` prints `docs/action-guide.md`."""

from __future__ import annotations

from console.guide.explanation_text import as_markdown
from console.queries.guide.guides import GENERIC, GUIDES

if __name__ == "__main__":
    print(as_markdown(list(GUIDES.values()), GENERIC), end="")
