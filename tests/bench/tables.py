"""Results as tables in Markdown. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from tests.bench import throughput

_DIMENSIONS = {
    "fields": "fields an entry",
    "symbols": "symbols",
    "reasons": "reasons",
    "batch": "entries a read, at most (`READ_BATCH`)",
    "processes": "processes",
    "workers": "workers in one process (`-w`)",
}


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; all columns but the first are numbers."""
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def throughput_tables(result: dict[str, Any]) -> str:
    """The base case, and what changes when one thing is varied."""
    base, *varied = result["cases"]
    load = base["load"]
    parts = [
        "### Throughput",
        f"Base case: {load['entries']:,} entries of {load['fields']} fields, {load['symbols']} symbols, "
        f"{load['reasons']} reasons, {load['rate']:,} a second of event time. Medians of {len(base['laps']['flow'])}.",
        table(
            ["", "entries a second", "slowest to fastest", "of the floor", "CPU an entry", "CPU of Redis an entry"],
            [
                [
                    one.title,
                    f"{throughput.rate(base, one.name):,.0f}",
                    "{:,.0f} to {:,.0f}".format(*throughput.spread(base, one.name)),
                    f"{throughput.ratio(base, one.name, 'floor'):.3f}",
                    f"{throughput.cost(base, one.name):.2f} µs",
                    f"{throughput.cost(base, one.name, 'redis_cost'):.2f} µs",
                ]
                for one in throughput.EVERYONE
            ],
        ),
    ]
    if varied:
        rows = [["base case", "", *_pair(base)]]
        rows += [[_DIMENSIONS[case["dimension"]], f"{case['value']:,}", *_pair(case)] for case in varied]
        parts.append(table(["varied", "", "flows.p35", "the floor", "share", "CPU an entry"], rows))
    return "\n\n".join(parts)


def _pair(case: dict[str, Any]) -> list[str]:
    return [
        f"{throughput.rate(case, 'flow'):,.0f}",
        f"{throughput.rate(case, 'floor'):,.0f}",
        f"{throughput.ratio(case, 'flow', 'floor'):.2f}",
        f"{throughput.cost(case, 'flow'):.2f} µs",
    ]
