"""Results as tables in Markdown. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from statistics import median
from typing import Any

from tests.bench import freshness, throughput
from tests.bench.targets import Results, verdicts

_DIMENSIONS = {
    "fields": "fields an entry",
    "ten": "symbols, ten reasons",
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
        head = ["varied", "", "flows.p35", "the floor", "share", "CPU an entry", "longest commit"]
        parts.append(table(head[: len(rows[0])], rows))
    return "\n\n".join(parts)


def _pair(case: dict[str, Any]) -> list[str]:
    longest = throughput.longest_script(case, "flow")
    return [
        f"{throughput.rate(case, 'flow'):,.0f}",
        f"{throughput.rate(case, 'floor'):,.0f}",
        f"{throughput.ratio(case, 'flow', 'floor'):.2f}",
        f"{throughput.cost(case, 'flow'):.2f} µs",
        *([] if longest is None else [f"{longest:.1f} ms"]),
    ]


def freshness_table(result: dict[str, Any]) -> str:
    """Quantiles at each rate; the maximum is that of all rounds."""
    rows = [
        [
            f"{row['rate']:,}",
            f"{freshness.middle(row, 'p50'):.2f} ms",
            f"{freshness.middle(row, 'p99'):.2f} ms",
            f"{max(one['p99'] for one in row['rounds']):.2f} ms",
            f"{max(one['max'] for one in row['rounds']):.1f} ms",
            f"{max(one['behind'] for one in row['rounds']):.1f} ms",
            f"{freshness.middle(row, 'cpu'):.1%}",
        ]
        for row in result["rates"]
    ]
    rounds = len(result["rates"][0]["rounds"])
    return "\n\n".join(
        (
            "### Freshness",
            "From the moment an entry was due to be published until its count is seen in its bucket. "
            f"Medians of {rounds} rounds of {result['seconds']:.0f} s.",
            table(
                [
                    "entries a second",
                    "p50",
                    "p99",
                    "p99 of the worst round",
                    "max",
                    "publisher behind, max",
                    "CPU of the flow",
                ],
                rows,
            ),
        )
    )


def resources_table(result: dict[str, Any]) -> str:
    """At rest, and under a light load."""
    rows = [
        [
            what,
            f"{median(row['cpu']):.2%}",
            f"{min(row['cpu']):.2%} to {max(row['cpu']):.2%}",
            f"{median(row['redis_cpu']):.2%}",
            f"{max(row['resident']):.1f} MiB",
        ]
        for what, row in (("at rest", result["rest"]), ("100 entries a second", result["light"]))
    ]
    startup = result["startup"]
    return "\n\n".join(
        (
            "### At rest and under a light load",
            f"Medians of {len(startup)} windows of {result['window']:.0f} s. From the start of the process "
            f"to its first commit: {median(startup):.2f} s ({min(startup):.2f} to {max(startup):.2f}).",
            table(["", "of a core", "lowest to highest", "Redis, of a core", "resident"], rows),
        )
    )


def growth_tables(result: dict[str, Any]) -> str:
    """The long backlog, the snapshots, the day of buckets."""
    backlog, snapshots = result["backlog"], result["snapshots"]
    rates = [f"{rate:,.0f}" for rate in backlog["rates"]]
    return "\n\n".join(
        (
            "### As the work grows",
            f"A backlog of {backlog['entries']:,} entries over an hour of event time, worked through once: "
            f"{backlog['peak']:.1f} MiB resident at the most. Entries a second in each tenth of it:",
            table([f"{number * 6} min" for number in range(1, len(rates) + 1)], [rates]),
            "A snapshot of all four windows over an hour of 100 decisions a second, equally distributed over all "
            "symbols and 20 reasons, as the flow measures it itself:",
            table(
                ["symbols", "snapshot", "slowest of the means"],
                [
                    [
                        f"{row['symbols']:,}",
                        f"{median(row['seconds']) * 1e3:.1f} ms",
                        f"{max(row['seconds']) * 1e3:.1f} ms",
                    ]
                    for row in snapshots
                ],
            ),
            "24 hours of buckets in Redis at 100 decisions a second, 20 symbols, 20 reasons:",
            table(
                ["", "fields a bucket", "their names alone", "buckets", "with two hours of summaries"],
                [
                    [
                        what,
                        f"{day['fields']}",
                        *(f"{day[part] / 1e6:.1f} MB" for part in ("names", "buckets", "with_summaries")),
                    ]
                    for what, day in (
                        ("with symbols", result["day"]),
                        ("`ENABLE_SYMBOL_BREAKDOWN=false`", result["plain_day"]),
                    )
                ],
            ),
        )
    )


def target_table(results: Results) -> str:
    """What was asked for beside what was reached."""
    rows = [
        [
            target.what,
            ("at least " if target.at_least else "under ") + target.form.format(target.limit),
            target.form.format(reached),
            "yes" if enough else "**no**",
        ]
        for target, reached, enough in verdicts(results)
    ]
    return "\n\n".join(("### Targets", table(["", "wanted", "reached", "met"], rows)))


TABLES: dict[str, Callable[[dict[str, Any]], str]] = {
    "throughput": throughput_tables,
    "freshness": freshness_table,
    "resources": resources_table,
    "growth": growth_tables,
}
"""How the results of each part are shown, in this order."""


def document(machine: dict[str, str], results: Results) -> str:
    """All results, targets first."""
    shown = [TABLES[part](results[part]) for part in TABLES if part in results]
    return "\n\n".join((target_table(results), *shown, "### The machine", table(["", ""], machine.items())))
