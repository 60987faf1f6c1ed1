"""Names like one that was typed. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_MOST = 3


def nearest(name: str, known: Iterable[str]) -> list[str]:
    """Up to three of `known` with names like `name`, in any case: first those where one is within the other."""
    wanted = name.lower()
    by_lower = {one.lower(): one for one in known}
    parts = [one for one in by_lower if wanted and one and (one in wanted or wanted in one)]
    parts.sort(key=lambda one: abs(len(one) - len(wanted)))
    alike = difflib.get_close_matches(wanted, by_lower, n=_MOST, cutoff=0.5)
    return [by_lower[one] for one in dict.fromkeys([*parts, *alike])][:_MOST]


def as_counted(kind: str, name: str, names: Iterable[str], warnings: list[str]) -> str:
    """The one of `names` that is meant by `name`; itself, and a warning, where there is none."""
    known = sorted(names)
    same = [one for one in known if one == name] or [one for one in known if one.lower() == name.lower()]
    if same:
        return same[0]
    if known:
        alike = ", ".join(nearest(name, known))
        warnings.append(f"no {kind} {name} was counted in that time{alike and f'; there is {alike}'}")
    return name
