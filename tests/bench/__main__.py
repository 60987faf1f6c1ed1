"""Measure, print, and (with --write) put the results into docs/performance.md and docs/performance.json."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from typing import Any

from tests.bench import freshness, growth, machine, page, resources, tables, throughput

PARTS: dict[str, Callable[[bool, int, Callable[[str], None]], dict[str, Any]]] = {
    "throughput": throughput.measure,
    "freshness": freshness.measure,
    "resources": resources.measure,
    "growth": growth.measure,
}


def say(line: str) -> None:
    """Progress, apart from the results."""
    print(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"what to measure: {', '.join(PARTS)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="a short look: small loads, one round")
    parser.add_argument("--rounds", type=int, help="how often to measure everything (default: 5; quick: 1)")
    parser.add_argument("--write", action="store_true", help="put the results into docs; needs all parts in full")
    options = parser.parse_args()
    if unknown := [part for part in options.parts if part not in PARTS]:
        parser.error(f"no such part: {', '.join(unknown)}")
    if options.write and (options.quick or options.parts):
        parser.error("only a full run of all parts is written")
    rounds = options.rounds or (1 if options.quick else 5)
    described = machine.describe()
    results = {part: PARTS[part](options.quick, rounds, say) for part in options.parts or PARTS}
    print(tables.document(described, results))
    if options.write:
        page.write(described, results)


if __name__ == "__main__":
    main()
