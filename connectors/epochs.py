"""Epochs of the runtime that do not end before the process does.

Bytewax cuts time into epochs, to snapshot state at their ends. Every input, on every worker, keeps epochs of its own
from its own start, and none reads on in a new epoch before all others have ended the old one. What an input is late by
when it looks at the clock (0.1 s here, a backoff of 2 s there) adds up: with epochs of 1 s, a flow of three inputs read
each message up to 5 s late after half a minute, waiting in a busy loop; with the default of 10 s that takes hours.
Flows on these connectors keep their state in Redis and none in the runtime, so they need no epochs at all.
"""

from __future__ import annotations

import sys
from datetime import timedelta

FOR_GOOD = timedelta(days=36_500)


def never_end() -> None:
    """Make the epochs of a process that `python -m bytewax.run` started last for good, whatever `-s` says.

    Call while the dataflow is being built. Does nothing in any other process, and nothing where the runtime is to
    recover state (`-r`), for which it needs epochs.
    """
    main = sys.modules["__main__"]
    if main.__spec__ is not None and main.__spec__.name == "bytewax.run" and main.kwargs["recovery_config"] is None:
        # The arguments of the call that starts the dataflow, made before the module with the dataflow is imported.
        main.kwargs["epoch_interval"] = FOR_GOOD
