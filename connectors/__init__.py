"""Redis Streams for Bytewax, exactly once: a consumer-group source, a transactional commit, and what they need.

A flow reads `Batch` values from a `ConsumerGroupSource`, makes `Part` values of them (which entries, which effects) and
sends those to a `CommitSink`. Nothing in here knows what the entries are about.

What a flow needs can be imported from here; only what is used is loaded.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from connectors.app import App as App
    from connectors.commit import CommitSink as CommitSink
    from connectors.delivery import Batch as Batch
    from connectors.delivery import Delivery as Delivery
    from connectors.delivery import Entry as Entry
    from connectors.delivery import Part as Part
    from connectors.derived import DerivedSink as DerivedSink
    from connectors.effects import Append as Append
    from connectors.effects import Cap as Cap
    from connectors.effects import Count as Count
    from connectors.effects import Delete as Delete
    from connectors.effects import Effect as Effect
    from connectors.effects import Fold as Fold
    from connectors.effects import Merge as Merge
    from connectors.effects import Mirror as Mirror
    from connectors.effects import Put as Put
    from connectors.effects import PutIf as PutIf
    from connectors.effects import PutNewest as PutNewest
    from connectors.effects import Raise as Raise
    from connectors.effects import RaiseId as RaiseId
    from connectors.effects import Sum as Sum
    from connectors.group_config import GroupConfig as GroupConfig
    from connectors.joining import JoinTable as JoinTable
    from connectors.joining import Row as Row
    from connectors.joining import each_joined as each_joined
    from connectors.lookup import HashLookup as HashLookup
    from connectors.lookup import MemoryLookup as MemoryLookup
    from connectors.lookup import lookup_join as lookup_join
    from connectors.members import Estimate as Estimate
    from connectors.members import Include as Include
    from connectors.members import Top as Top
    from connectors.per_entry import Message as Message
    from connectors.per_entry import each as each
    from connectors.polled import PolledSource as PolledSource
    from connectors.service import Service as Service
    from connectors.settings import AppSettings as AppSettings
    from connectors.settings import ConsumerSettings as ConsumerSettings
    from connectors.settings import RedisSettings as RedisSettings
    from connectors.source import ConsumerGroupSource as ConsumerGroupSource
    from connectors.table import HashTable as HashTable
    from connectors.validation import validated as validated
    from connectors.waiting_lookup import WaitingLookup as WaitingLookup
    from connectors.windowing import tumble as tumble
    from connectors.windows import CountSession as CountSession
    from connectors.windows import CountWindows as CountWindows
    from connectors.windows import Windows as Windows
    from connectors.windows import hopping as hopping
    from connectors.windows import session as session
    from connectors.windows import tumbling as tumbling

_MODULES = {
    "app": ("App",),
    "commit": ("CommitSink",),
    "delivery": ("Batch", "Delivery", "Entry", "Part"),
    "derived": ("DerivedSink",),
    "effects": (
        "Append",
        "Cap",
        "Count",
        "Delete",
        "Effect",
        "Fold",
        "Merge",
        "Mirror",
        "Put",
        "PutIf",
        "PutNewest",
        "Raise",
        "RaiseId",
        "Sum",
    ),
    "group_config": ("GroupConfig",),
    "joining": ("JoinTable", "Row", "each_joined"),
    "lookup": ("HashLookup", "MemoryLookup", "lookup_join"),
    "members": ("Estimate", "Include", "Top"),
    "per_entry": ("Message", "each"),
    "polled": ("PolledSource",),
    "service": ("Service",),
    "settings": ("AppSettings", "ConsumerSettings", "RedisSettings"),
    "source": ("ConsumerGroupSource",),
    "table": ("HashTable",),
    "validation": ("validated",),
    "waiting_lookup": ("WaitingLookup",),
    "windowing": ("tumble",),
    "windows": ("CountSession", "CountWindows", "Windows", "hopping", "session", "tumbling"),
}
"""Module -> what of it can be imported from here. No name is that of a module: which of the two it means would depend
on what was imported before."""

_PLACES = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    module = _PLACES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{module}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_PLACES})
