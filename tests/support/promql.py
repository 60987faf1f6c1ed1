"""PromQL as far as a query must fit the metrics that there are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import promql_parser
from prometheus_client.parser import text_string_to_metric_families
from promql_parser import MatchOp

Labels = Mapping[str, str]
Exposed = Mapping[str, list[Labels]]
"""Name of a series -> the labels of each that is shown."""

GRAFANA = {"$__rate_interval": "5m", "$window": "5m"}
"""What a dashboard fills in."""


def exposed(text: str, target: Labels) -> dict[str, list[Labels]]:
    """The series in what a flow shows, as Prometheus knows them once it has scraped `target`."""
    found: dict[str, list[Labels]] = {"up": [target]}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append({**sample.labels, **target})
    return found


def parse(query: str) -> Any:
    """The syntax tree.

    :raises ValueError: it is no PromQL.
    """
    for name, value in GRAFANA.items():
        query = query.replace(name, value)
    return promql_parser.parse(query)


def unmet(query: str, series: Exposed) -> list[str]:
    """What `query` asks for and cannot find: a series, or a label to group by."""
    problems: list[str] = []
    expression = parse(query)
    for selector in _all(expression, promql_parser.VectorSelector):
        if not _matching(selector, series):
            problems.append(f"no series is {selector.prettify()}")
    for aggregate in _all(expression, promql_parser.AggregateExpr):
        labels = set(aggregate.modifier.labels) if aggregate.modifier else set()
        for selector in _all(aggregate.expr, promql_parser.VectorSelector):
            if not all(labels <= set(one) for one in _matching(selector, series)):
                problems.append(f"{selector.prettify()} has not all of {sorted(labels)}")
    return problems


def labels_of(query: str, series: Exposed) -> set[str]:
    """The labels that each result of `query` has: those that its outermost aggregate leaves, else the series' own."""
    expression = parse(query)
    aggregates = _all(expression, promql_parser.AggregateExpr)
    if aggregates:
        return set(aggregates[0].modifier.labels) if aggregates[0].modifier else set()
    found = [one for selector in _all(expression, promql_parser.VectorSelector) for one in _matching(selector, series)]
    return set.intersection(*(set(one) for one in found)) if found else set()


def names(query: str) -> set[str]:
    """The series that `query` names."""
    return {selector.name for selector in _all(parse(query), promql_parser.VectorSelector)}


def _all(expression: Any, kind: type) -> list[Any]:
    """All parts of that kind, the outer before the inner."""
    found: list[Any] = []
    promql_parser.walk(expression, lambda part: found.append(part) if isinstance(part, kind) else None)
    return found


def _matching(selector: Any, series: Exposed) -> Iterable[Labels]:
    return [
        labels
        for labels in series.get(selector.name, [])
        if all(_matches(one, labels.get(one.name, "")) for one in selector.matchers.matchers)
    ]


def _matches(matcher: Any, value: str) -> bool:
    if matcher.op in (MatchOp.Equal, MatchOp.NotEqual):
        return bool((matcher.value == value) == (matcher.op == MatchOp.Equal))
    return bool(bool(re.fullmatch(matcher.value, value)) == (matcher.op == MatchOp.Re))
