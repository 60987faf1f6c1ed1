"""What a dataflow is made of, to say what is wrong with it in words of the flow's own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from bytewax.dataflow import Dataflow, Operator

from connectors.windowing import emit_at_once

_log = structlog.get_logger("graph")


def running() -> Dataflow | None:
    """The dataflow of a process that `python -m bytewax.run` started, once it runs; None in any other process."""
    main = sys.modules["__main__"]
    if main.__spec__ is None or main.__spec__.name != "bytewax.run":
        return None
    flow = main.kwargs.get("flow")
    return flow if isinstance(flow, Dataflow) else None


def before_run(flow: Dataflow, prepare: Callable[[], None]) -> None:
    """Let a process that `python -m bytewax.run` started call `prepare` before it runs `flow`, and only then.

    It is called in the main thread, and may end the process. In any other process this does nothing.
    """
    main: Any = sys.modules["__main__"]
    if main.__spec__ is None or main.__spec__.name != "bytewax.run":
        return
    run = main.cli_main

    def prepared(**_given: Any) -> None:
        if main.kwargs["flow"] is flow:
            prepare()
        run(**main.kwargs)  # (those that `epochs.never_end` may have changed since)

    # The module with the flow is imported before the name is looked up: there is no other way in between.
    main.cli_main = prepared


def stateful_behind(flow: Dataflow, step_id: str, exempt: object) -> list[str]:
    """IDs of the steps behind the input `step_id` that keep something in memory from one value to the next.

    :arg exempt: the builder of those that look so and keep nothing.
    """
    reached = {stream for step in flow.substeps if step.step_id == step_id for stream in _streams(step, step.dwn_names)}
    found = []
    for step in flow.substeps:  # (in order: a step is made after those that it is fed by)
        if reached.intersection(_streams(step, step.ups_names)):
            reached.update(_streams(step, step.dwn_names))
            if _keeps_state(step, exempt):
                found.append(step.step_id)
    return found


def warn_of_state(step_id: str) -> None:
    """Let the log name the steps behind the input `step_id` that keep state in memory, if this can be told."""
    flow = running()
    for step in stateful_behind(flow, step_id, emit_at_once) if flow is not None else ():
        _log.warning(
            "a step behind the source keeps state in memory; a crash loses it, though its entries may be acknowledged: "
            "keep what must last in Redis, by effects",
            step=step,
        )


def functions_before(flow: Dataflow, step_id: str) -> list[str]:
    """The functions of the flow whose values come to the step `step_id`, as `name (file:line)`."""
    makers = {stream: step for step in flow.substeps for stream in _streams(step, step.dwn_names)}
    wanted = [stream for step in flow.substeps if step.step_id == step_id for stream in _streams(step, step.ups_names)]
    found: list[str] = []
    while wanted:
        step = makers.get(wanted.pop(0))
        if step is None:
            continue
        function = getattr(step, "mapper", None)
        if function is None:
            wanted += _streams(step, step.ups_names)  # (a merge, a filter: what it passes on was made before it)
        elif (name := _described(function)) not in found:
            found.append(name)
    return found


def _streams(step: Operator, ports: Iterable[str]) -> list[str]:
    return [stream for port in ports for stream in getattr(step, port).stream_ids.values()]


def _keeps_state(step: Operator, exempt: object) -> bool:
    if getattr(step, "builder", None) is exempt:
        return False
    return type(step).__name__ == "stateful_batch" or any(_keeps_state(one, exempt) for one in step.substeps)


def _described(function: Any) -> str:
    while isinstance(function, partial):
        function = function.func
    name = getattr(function, "__qualname__", type(function).__name__)
    code = getattr(function, "__code__", None)
    return name if code is None else f"{name} ({Path(code.co_filename).name}:{code.co_firstlineno})"
