"""What a rebuild writes instead of what the flow does: the same, under keys of its own. Pure.

The shadow of a key is that key with `SUFFIX` behind it, so a hash tag in it stays what it is. Beside them the rebuild
keeps `COUNTERS:rebuild:keys`, HASH: key -> the time to live that it is to have when its shadow takes its place, in
seconds, 0 for none. Each commit notes there what it writes; a shadow itself never expires.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from connectors.delivery import Part
from connectors.effects import Append, Count, Delete, Effect, Merge, Put
from connectors.errors import CannotRebuild
from connectors.group_config import GroupConfig
from connectors.windows import CountSession, CountWindows

SUFFIX = ":rebuild"

_REFUSED = {
    Append: "others may have read the stream, and would get its entries once more",
    Merge: "others own the record, too",
    CountWindows: "results of windows were published",
    CountSession: "results of windows were published",
}


def shadow_of(key: str) -> str:
    """The key that is written in place of `key`."""
    return f"{key}{SUFFIX}"


def shadow_group(config: GroupConfig) -> GroupConfig:
    """The group that rebuilds what `config` counts."""
    return replace(config, group=shadow_of(config.group), counters=shadow_of(config.counters), lease_prefix="")


def notes_key(counters: str) -> str:
    """Of the hash with the keys that a rebuild has written, by the counters of its group."""
    return f"{counters}:keys"


def shadow_part(part: Part, dead_letters: Collection[str] = ()) -> Part:
    """`part` with the shadow of each effect, and a note of the keys.

    :arg dead_letters: streams of those of the flow; entries appended there are not noted.
    :raises CannotRebuild: an effect can only be carried out once.
    """
    lives: dict[str, int | None] = {}
    effects = [_shadow(effect, lives, dead_letters) for effect in part.effects]
    notes = notes_key(part.delivery.counters)
    # (Adding nothing leaves the time to live that an earlier part has noted.)
    if unsaid := {key: 0 for key, life in lives.items() if life is None}:
        effects.append(Count(notes, unsaid))
    if said := {key: str(life) for key, life in lives.items() if life is not None}:
        effects.append(Put(notes, said))
    return replace(part, effects=tuple(effects))


def _shadow(effect: Effect, lives: dict[str, int | None], dead_letters: Collection[str]) -> Effect:
    one: Any = effect
    if isinstance(effect, Append) and effect.key in dead_letters:
        # (It is to be a letter of the flow itself, once it is in place.)
        group = {name: value.removesuffix(SUFFIX) for name, value in effect.fields.items() if name == "group"}
        return replace(effect, key=shadow_of(effect.key), fields={**effect.fields, **group})
    if type(effect) in _REFUSED:
        name = type(effect).__name__
        raise CannotRebuild(f"{name} {effect.key!r} cannot be rebuilt: {_REFUSED[type(effect)]}")
    changes: dict[str, Any] = {}

    def note(key: str, ttl: int | None) -> str:
        lives[key] = lives.get(key) if ttl is None else ttl
        return shadow_of(key)

    def place(value: tuple[str, str] | None) -> tuple[str, str] | None:
        return None if value is None else (note(value[0], None), value[1])

    changes["key"] = note(one.key, 0 if isinstance(effect, Delete) else getattr(one, "ttl", None))
    if hasattr(one, "ttl"):
        changes["ttl"] = None
    for name in ("dropped", "missed"):
        if hasattr(one, name):
            changes[name] = place(getattr(one, name))
    if isinstance(effect, Count):
        if effect.cap is not None:
            changes["cap"] = replace(effect.cap, overflow=place(effect.cap.overflow))
        if effect.mirror is not None:
            changes["mirror"] = replace(effect.mirror, key=note(effect.mirror.key, effect.mirror.ttl), ttl=None)
    return replace(one, **changes)  # type: ignore[no-any-return]
