"""By how much more counts vary from day to day than they would if decisions were independent. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt
from operator import mul


@dataclass(frozen=True, slots=True)
class Pieces:
    """Stretches of time that usually have the same share, like the Mondays of some weeks.

    What follows from their totals is the same for every row, and worked out once.
    """

    cells: tuple[tuple[int, ...], ...]
    """For each the cells that it is made of, as indices of a list of counts."""
    totals: tuple[int, ...]
    """For each its decisions, above 0."""
    total: int
    """The sum of `totals`."""
    per_left: tuple[float, ...]
    """For each 1 / (1 - its own share of `total`)."""
    per_root: tuple[float, ...]
    """For each 1 / sqrt(its decisions x (1 - its own share of `total`))."""
    size: float
    """The sum of its decisions x (1 - its own share of `total`),"""
    size_squared: float
    """and that of its decisions squared x (1 - its own share of `total`)."""


def pieces(cells: Iterable[Sequence[int]], totals: Sequence[int]) -> Pieces | None:
    """The pieces that are made of `cells` each, without those that have no decisions; None for fewer than two.

    :arg totals: the decisions of every cell.
    """
    found = [(tuple(one), number) for one in cells if (number := sum(totals[cell] for cell in one))]
    if len(found) < 2:
        return None
    numbers = [number for _, number in found]
    total = sum(numbers)
    left = [1.0 - number / total for number in numbers]
    sizes = [one * number for one, number in zip(left, numbers, strict=True)]
    return Pieces(
        tuple(one for one, _ in found),
        tuple(numbers),
        total,
        tuple(1.0 / one for one in left),
        tuple(1.0 / sqrt(size) for size in sizes),
        sum(sizes),
        sum(size * number for size, number in zip(sizes, numbers, strict=True)),
    )


@dataclass(frozen=True, slots=True)
class Scatter:
    """How far the counts of pieces lie from what is usual for them."""

    squares: float = 0.0
    """The sum of the squared distances."""
    expected: float = 0.0
    """What that would be on average if decisions were independent."""
    fourths: float = 0.0
    """The sum of the fourth powers of the distances, each made up for what it lost to the mean."""
    freedom: float = 0.0
    """How many distances are free: the number of pieces less that of the groups."""
    levels: float = 0.0
    """What `squares` would gain if the logarithm of the odds varied from piece to piece with a variance of 1."""
    distances: tuple[float, ...] = ()
    """In units of the square root of decisions, with their sign."""

    def __add__(self, other: Scatter) -> Scatter:
        return Scatter(
            self.squares + other.squares,
            self.expected + other.expected,
            self.fourths + other.fourths,
            self.freedom + other.freedom,
            self.levels + other.levels,
            self.distances + other.distances,
        )

    @property
    def dispersion(self) -> float:
        """How many times as much as independent decisions they vary; 0 where nothing is known."""
        return self.squares / self.expected if self.expected else 0.0

    @property
    def sureness(self) -> float:
        """On how many degrees of freedom `dispersion` rests.

        Less than `freedom` where a few distances make up most of it: its variance grows with the kurtosis of the
        distances (it is 2 / freedom of its square where they are normal).
        """
        if self.squares <= 1e-9 * self.expected:  # (but for rounding, nothing varies)
            return self.freedom
        even = self.squares * self.squares / self.fourths
        if even >= self.freedom:
            return self.freedom
        return min(self.freedom, round(2.0 * even / (1.0 - even / self.freedom), 1))


def scatter(groups: Iterable[Pieces], counts: Sequence[int]) -> Scatter:
    """How far `counts`, one a cell, lie in each of `groups` from the share that the group has as a whole."""
    squares = expected = fourths = freedom = levels = 0.0
    distances: list[float] = []
    for group in groups:
        found = [
            counts[cells[0]] if len(cells) == 1 else sum([counts[cell] for cell in cells]) for cells in group.cells
        ]
        share = sum(found) / group.total
        spread = share * (1.0 - share)
        if not spread:
            continue
        away = [count - share * total for count, total in zip(found, group.totals, strict=True)]
        squared = [one * one for one in away]
        squares += sum(squared)
        fourths += sum(map(mul, map(mul, squared, squared), group.per_left))
        expected += spread * group.size
        levels += spread * spread * group.size_squared
        freedom += len(found) - 1
        distances += map(mul, away, group.per_root)
    return Scatter(squares, expected, fourths, freedom, levels, tuple(distances))
