"""A series of history as a table: a row a point, a column for each decision and each gate.

A gate that stopped nothing in a step has 0 there. Columns are named as fields of Redis, so that no name is a formula.
"""

from __future__ import annotations

import csv
import io
import os
from datetime import UTC, datetime
from pathlib import Path

from connectors.text import one_line
from console.queries.history import Series


def columns(series: Series) -> dict[str, list[int]]:
    """Name -> the counts of all points: `total`, the decisions, and the gates by name.

    Names that look alike once they are printable are one column, and added up.
    """
    size = len(series.points)
    decisions: dict[str, list[int]] = {}
    gates: dict[str, list[int]] = {}
    for at, one in enumerate(series.points):
        named = [(decisions, f"decision:{name}", count) for name, count in one.decisions.items()]
        named += [(gates, f"gate:{gate.name}", gate.count) for gate in one.gates]
        for table, name, count in named:
            column = table.get(one_line(name, 400))
            if column is None:
                column = table[one_line(name, 400)] = [0] * size
            column[at] += count
    return {"total": [one.total for one in series.points], **decisions, **dict(sorted(gates.items()))}


def as_csv(series: Series) -> str:
    """RFC 4180, but for its ends of lines; before the `columns` when the point begins (UTC)."""
    table = columns(series)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["time", *table])
    for one, *counts in zip(series.points, *table.values(), strict=True):
        writer.writerow([datetime.fromtimestamp(one.time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), *counts])
    return out.getvalue()


def write_parquet(series: Series, path: Path) -> None:
    """The same as a Parquet file: `time` is a timestamp in UTC, the rest are 64-bit integers.

    Written beside `path` and renamed: what is there is replaced whole, or not at all. Needs pyarrow (extra `export`).

    :raises OSError: it cannot be written.
    """
    import pyarrow
    from pyarrow.parquet import write_table

    times = pyarrow.array([one.time for one in series.points], pyarrow.timestamp("s", tz="UTC"))
    counts = {name: pyarrow.array(column, pyarrow.int64()) for name, column in columns(series).items()}
    path = path.resolve()  # (of a symbolic link, what it points to)
    part = path.parent / f".{path.name}.{os.getpid()}.part"
    try:
        with part.open("xb") as file:
            write_table(pyarrow.table({"time": times, **counts}), file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
