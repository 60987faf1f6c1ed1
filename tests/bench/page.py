"""Results in docs/: numbers between two marks of performance.md, all laps in performance.json, a picture."""

from __future__ import annotations

import json
from typing import Any

from tests.bench import chart, tables
from tests.bench.processes import ROOT
from tests.bench.targets import Results

PAGE = ROOT / "docs" / "performance.md"
DATA = ROOT / "docs" / "performance.json"
PICTURE = ROOT / "docs" / "performance.svg"

BEGIN, END = "<!-- measured:begin -->", "<!-- measured:end -->"


def write(machine: dict[str, str], results: Results) -> None:
    """Replace everything that was there before; text outside the marks stays."""
    data = {"machine": machine, "results": results}
    DATA.write_text(json.dumps(data, indent=1) + "\n", "utf-8")
    for path, text in rendered(data).items():
        path.write_text(text, "utf-8")


def rendered(data: dict[str, Any]) -> dict[Any, str]:
    """The page and the picture that `data` makes."""
    before, rest = PAGE.read_text("utf-8").split(BEGIN)
    _old, after = rest.split(END)
    head = f"![Throughput]({PICTURE.name})\n\nEvery single lap is in [{DATA.name}]({DATA.name})."
    measured = f"{BEGIN}\n{head}\n\n{tables.document(data['machine'], data['results'])}\n{END}"
    return {PAGE: before + measured + after, PICTURE: chart.draw(data["results"]["throughput"])}
