"""A whole program in a few lines: functions of entries, and what they need to run as a flow.

    from connectors import App, Count

    app = App("orders")


    @app.each("orders", dead_letters="orders:dead", retries=3)
    def orders(entry):
        yield Count("orders:by_customer", {entry["customer"]: int(entry["n"])})

`python -m bytewax.run orders:app` runs it. An App is the Bytewax dataflow that one would write by hand (step by step:
docs/flow-reference.md), and other steps can be added to it. It reads its settings and connects when it runs; to import
it, to test its functions or to draw it takes neither.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

import bytewax.operators as op
from bytewax.dataflow import Dataflow, Stream
from prometheus_client import REGISTRY, CollectorRegistry

from connectors import graph
from connectors.app_process import AppProcess, read_states, said
from connectors.closing import Watermark, WindowState, close
from connectors.commit import CommitSink
from connectors.delivery import Batch
from connectors.derived import DerivedSink
from connectors.deriving import Derived, derived_by, put
from connectors.group_config import GroupConfig
from connectors.group_state import GroupState
from connectors.joining import JoinTable, each_joined
from connectors.late import Late, LateLookup, LatePolled, LateSink, LateSource
from connectors.lookup import Lookup, lookup_join
from connectors.metrics import serve
from connectors.per_entry import DEAD_LETTERS
from connectors.per_entry import each as each_entry
from connectors.polled import PolledSource
from connectors.service import Service
from connectors.settings import AppSettings, load
from connectors.shadow import shadow_group, shadow_part
from connectors.sign import NAME, Subscription
from connectors.source import ConsumerGroupSource
from connectors.start import start as start_process
from connectors.stream_id import before
from connectors.validation import validated
from connectors.waiting_lookup import WaitingLookup
from connectors.windows import Hopping, Session, Windows

AnyFunction = TypeVar("AnyFunction", bound=Callable[..., Any])
Made = TypeVar("Made")

CLOSE_SECONDS = 0.5
"""Between looks at which windows are to be closed."""


class App(Dataflow):
    """A flow named `name`, which is also the name of its consumer groups and the first part of its metrics.

    :arg settings: what is read from the environment when it runs: `AppSettings`, or a subclass with more.
    :arg version: of the program, for `{name}_build_info` and its signs of life.
    :raises ValueError: the name or the settings are none.
    """

    _settings: type[AppSettings]
    _version: str
    _groups: list[GroupConfig]
    _reads: list[Subscription]
    _windows: list[Windows]
    _since: datetime | None
    _shadow: bool
    _late_parts: list[Late[Any]]
    _process: Late[AppProcess]

    def __init__(self, name: str, settings: type[AppSettings] = AppSettings, version: str = "") -> None:
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise ValueError(f"an App is named by a letter, then letters, digits, _ or -, at most 64; not by {name!r}")
        if not isinstance(settings, type) or not issubclass(settings, AppSettings):
            raise ValueError(f"settings of App {name!r} are a subclass of AppSettings, not {settings!r:.80}")
        super().__init__(name)
        self._set("_settings", settings)
        self._set("_version", version)
        self._set("_groups", [])
        self._set("_reads", [])
        self._set("_windows", [])
        self._set("_since", None)
        self._set("_shadow", False)
        self._set("_late_parts", [])
        self._set("_process", Late(lambda: self._process_with(load(settings), CollectorRegistry())))
        graph.before_run(self, self._start)

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)  # (a Dataflow is frozen: two of the same steps are equal)

    def _with_scope(self, scope: Any) -> Dataflow:  # type: ignore[override]
        """What Bytewax makes of it to build steps in."""
        return Dataflow(self.flow_id, self.substeps, scope)

    # --- what it reads and does

    def each(
        self,
        streams: str | Sequence[str],
        *,
        value: type | None = None,
        join: JoinTable | None = None,
        dead_letters: str | None = None,
        retries: int = 0,
        kept: int = DEAD_LETTERS,
        group: str = "",
        start: str = "0",
    ) -> Callable[[AnyFunction], AnyFunction]:
        """Let a function have each entry of `streams`, each exactly once. The function stays as it is.

        It gets an entry (`Message`), and gives effects, as `connectors.each` says: what they do to Redis, and that the
        entry is done with, is one atomic step.

        :arg streams: one, or several, which are read alike: none waits for another, and each batch is of one of them.
        :arg value: a pydantic model or a dataclass; `entry.value` is what it makes of the fields. What does not
            validate is raised like any other failure.
        :arg join: a `table`; the function gets `(entry, row)`, see `connectors.joining`.
        :arg dead_letters: the stream for entries for which the function raises; None: the flow ends.
        :arg retries: how often an entry for which it raises is tried again before that, alone, later each time; the
            entries behind it do not wait. See `connectors.each`.
        :arg kept: about so many dead letters are kept.
        :arg group: of consumers; empty for one of the name of this App. Its keys begin with `STREAM:group:GROUP`.
        :arg start: where a group begins that never committed anything, see `GroupConfig`.
        :raises ValueError: a stream, group, start, model, table or number of retries that cannot be; a function that
            cannot be called so; two of one name, or of one stream and group.
        """
        names = [streams] if isinstance(streams, str) else streams
        if not names or not isinstance(names, Sequence):
            raise ValueError(f"App {self.flow_id!r}: each needs a stream, or several, not {streams!r:.80}")
        if join is not None and not isinstance(join, JoinTable):
            raise ValueError(f"App {self.flow_id!r}: join takes a table of the App, not {join!r:.80}")
        configs = [GroupConfig(name, group or self.flow_id, start=start) for name in names]

        def add(function: AnyFunction) -> AnyFunction:
            _check_takes(function, "an entry" if join is None else "an entry and a row")
            whole = function if value is None else validated(function, value)
            step = each_entry(whole, dead_letters, kept, retries)
            name, batches = self._read(function, configs, dead_letters)
            if join is None:
                parts = op.map(name, batches, step)
            else:
                lookup = LateLookup(self._late(partial(self._lookup, join)))
                joined = lookup_join(f"{name}_join", batches, join.keys, lookup)
                parts = op.map(name, joined, each_joined(whole, join, dead_letters, kept, retries))
            op.output(f"{name}_commit", parts, LateSink(self._late(self._commit)))
            return function

        return add

    def table(self, name: str, *, key: str) -> JoinTable:
        """The hashes `NAME:VALUE` as a table to join entries with, whose field `key` holds VALUE.

        A row is looked up when its entry is worked on, and whatever happens the entry's effects are those of one such
        look. While Redis cannot be asked, the entries wait.
        """
        return JoinTable(name, key)

    def windows(
        self,
        key: str,
        shape: Hopping | Session,
        *,
        into: str = "",
        grace: float = 0.0,
        ttl: int = 86_400,
        ahead: float = 300.0,
        max_length: int | None = None,
    ) -> Windows:
        """Windows for functions of this App to count in, by their `count`; each is published once, when it is closed.

        What the arguments mean, and how it all lies in Redis, is at `Windows`; when windows are closed, at
        `connectors.closing`. Windows are counted in by one App.

        :raises ValueError: an argument that cannot be; others of the same key.
        """
        windows = Windows(key, shape, into, grace, ttl, ahead, max_length)
        if any(windows.key == other.key for other in self._windows):
            raise ValueError(f"App {self.flow_id!r} has windows {key!r} already")
        self._windows.append(windows)
        name = re.sub(r"\W", "_", key)

        def source() -> PolledSource[WindowState]:
            return PolledSource(self.service, f"{name} watermark", CLOSE_SECONDS, Watermark(windows, self._groups))

        def sink() -> DerivedSink[WindowState]:
            show = partial(self._process().metrics.windows, key)
            return DerivedSink(self.service, f"{name} close", partial(close, windows), show)

        states = op.input(f"{name}_watermark", self, LatePolled(self._late(source)))
        op.output(f"{name}_close", states, LateSink(self._late(sink)))
        return windows

    def every(self, seconds: float) -> Callable[[AnyFunction], AnyFunction]:
        """Let a function derive values every `seconds`, at whole intervals since the epoch. It stays as it is.

        It gets a Redis client of its own, whose replies are bytes, reads what it needs, and gives effects, `Put` and
        `Delete`, which are carried out in one transaction; or None, where there is nothing, or it has written by
        itself. What it writes must be the same when it is written twice: each instance of the App derives by itself,
        and nothing here is in one step with an acknowledgement. A failure of Redis is tried again; any other ends the
        flow.

        :raises ValueError: no such interval; a function that cannot be called so, or two of one name.
        """
        if not isinstance(seconds, int | float) or not 0 < seconds < math.inf:
            raise ValueError(f"App {self.flow_id!r}: every needs seconds, more than 0, not {seconds!r}")

        def add(function: AnyFunction) -> AnyFunction:
            _check_takes(function, "a client")
            name = _name_of(function)
            read = derived_by(function)

            def source() -> PolledSource[tuple[Derived, ...]]:
                # (A rebuild has nothing to derive from before it is swapped in; the running flow does it then.)
                return PolledSource(self.service, name, seconds, (lambda _client: None) if self._shadow else read)

            sink: Late[DerivedSink[tuple[Derived, ...]]] = self._late(
                lambda: DerivedSink(self.service, f"{name} write", put)
            )
            op.output(f"{name}_write", op.input(name, self, LatePolled(self._late(source))), LateSink(sink))
            return function

        return add

    def _read(
        self, function: Callable[..., Any], configs: list[GroupConfig], dead_letters: str | None
    ) -> tuple[str, Stream[Batch]]:
        """The name of the steps of `function`, and the batches of its streams: an input for each."""
        for number, config in enumerate(configs):
            if any(config.counters == other.counters for other in (*self._groups, *configs[:number])):
                raise ValueError(
                    f"App {self.flow_id!r} reads stream {config.stream!r} twice as group {config.group!r}, which would "
                    "share its entries out: give one of them another group"
                )
        if not self._groups:
            self._watch_groups()
        name = _name_of(function)
        inputs = []
        for number, config in enumerate(configs, 1):
            step_id = f"{name}_entries" if len(configs) == 1 else f"{name}_entries_{number}"
            inputs.append(op.input(step_id, self, LateSource(self._late(partial(self._source, config)))))
        batches = inputs[0] if len(inputs) == 1 else op.merge(f"{name}_all", *inputs)
        self._groups.extend(configs)
        self._reads.extend(Subscription(config.stream, config.group, dead_letters) for config in configs)
        return name, batches

    def _lookup(self, table: JoinTable) -> Lookup:
        return WaitingLookup(self.service, table.name)

    def _source(self, config: GroupConfig) -> ConsumerGroupSource:
        settings = self.settings
        return ConsumerGroupSource(
            self.service,
            self._as_it_runs(config),
            settings.read_batch,
            settings.max_in_flight,
            settings.linger_ms / 1000,
        )

    def _commit(self) -> CommitSink:
        instead = partial(shadow_part, dead_letters=self.dead_letters) if self._shadow else None
        return CommitSink(self.service, instead)

    def _as_it_runs(self, config: GroupConfig) -> GroupConfig:
        timed = replace(config, lease_ttl=self.settings.lease_ttl_sec, stall=self.settings.stall_sec)
        begun = replace(timed, start=before(self._since)) if self._since is not None else timed
        return shadow_group(begun) if self._shadow else begun

    def _watch_groups(self) -> None:
        """Steps that show how far behind the groups are, in metrics and to a supervisor."""

        def source() -> PolledSource[GroupState]:
            read = partial(read_states, groups=self.groups)
            return PolledSource(self.service, "groups", self.settings.status_interval_sec, read)

        def sink() -> DerivedSink[GroupState]:
            show = self._process().metrics.group_state
            return DerivedSink(self.service, "status", lambda _client, _state: None, show, said, beside=True)

        states = op.input("group_states", self, LatePolled(self._late(source)))
        op.output("group_metrics", states, LateSink(self._late(sink)))

    # --- when it runs

    @property
    def settings(self) -> AppSettings:
        """Those that it runs with; read from the environment when they are first asked for.

        :raises SettingsError: one is wrong.
        """
        return self._process().settings

    @property
    def service(self) -> Service:
        """What its sources and sinks share; likewise."""
        return self._process().service

    @property
    def groups(self) -> list[GroupConfig]:
        """The consumer groups that it reads through; likewise."""
        return [self._as_it_runs(config) for config in self._groups]

    @property
    def dead_letters(self) -> frozenset[str]:
        """The streams where its entries go that cannot be processed."""
        return frozenset(one.dead_letters for one in self._reads if one.dead_letters is not None)

    @property
    def settings_type(self) -> type[AppSettings]:
        """Of its settings."""
        return self._settings

    @property
    def counted_in(self) -> list[Windows]:
        """What its functions count in."""
        return list(self._windows)

    def bind(self, settings: AppSettings, *, since: datetime | None = None, rebuild: bool = False) -> None:
        """Run with `settings` from now on, and not with those of the environment. Not while it runs.

        :arg since: where groups begin that never committed anything: with the first entry that was added then or later.
            None: as `each` says.
        :arg rebuild: whether it recomputes what it writes, beside what it has written: see `connectors.rebuild`.
        """
        self._set("_since", since)
        self._set("_shadow", rebuild)
        for late in self._late_parts:
            late.forget()
        self._set("_process", Late(lambda: self._process_with(settings, CollectorRegistry())))

    def _start(self) -> None:
        """As a process that `python -m bytewax.run` started: logs, signals and metrics, too.

        :raises SystemExit: with status 78, after one line for each wrong setting.
        """
        settings = start_process(self._settings, self.flow_id)
        process = self._process_with(settings, REGISTRY)
        self._set("_process", Late(lambda: process))
        serve(settings)

    def _process_with(self, settings: AppSettings, registry: CollectorRegistry) -> AppProcess:
        # (A rebuild is looked after by whoever runs it.)
        reads = None if self._shadow else self._reads
        return AppProcess.of(self.flow_id, self._version, settings, reads, registry)

    def _late(self, make: Callable[[], Made]) -> Late[Made]:
        late = Late(make)
        self._late_parts.append(late)
        return late


def _check_takes(function: Callable[..., Any], what: str) -> None:
    """That it can be called so: else each entry would be a dead letter."""
    try:
        signature = inspect.signature(function)
    except ValueError:  # (of C, it does not say)
        return
    try:
        signature.bind(*what.split(" and "))
    except TypeError as error:
        raise ValueError(f"{_name_of(function)} is given {what}: {error}") from None


def _name_of(function: Callable[..., Any]) -> str:
    name = getattr(function, "__name__", type(function).__name__)
    return re.sub(r"\W", "_", name)
