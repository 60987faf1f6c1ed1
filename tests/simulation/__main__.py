"""Compare made-up weeks as the protocol in docs/statistics.md says, and print (with --write: put there) the results."""

from __future__ import annotations

import argparse
import sys
import time
from multiprocessing import Pool

from tests.simulation import page
from tests.simulation.lines import Line, Tally, protocol, run

_ROUND = 25
"""Comparisons of a line at a time: what is written grows evenly."""


def _part(job: tuple[int, Line, range]) -> tuple[int, Tally]:
    number, line, seeds = job
    return number, run(line, seeds)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--comparisons", type=int, default=1_000, help="of each line (default: 1000)")
    parser.add_argument("--processes", type=int, help="how many at a time (default: one a core)")
    parser.add_argument("--write", action="store_true", help="put the results into docs, after each round of 25")
    options = parser.parse_args()
    lines = list(protocol())
    tallies = [Tally() for _ in lines]
    with Pool(options.processes) as pool:
        for first in range(1, options.comparisons + 1, _ROUND):
            seeds = range(first, min(first + _ROUND, options.comparisons + 1))
            for number, tally in pool.imap_unordered(
                _part, [(number, line, seeds) for number, line in enumerate(lines)]
            ):
                tallies[number] += tally
            print(f"{time.strftime('%H:%M:%S')} {seeds[-1]} of {options.comparisons}", file=sys.stderr, flush=True)
            if options.write:
                page.write(lines, tallies)
    print(page.document(page.results(lines, tallies)))


if __name__ == "__main__":
    main()
