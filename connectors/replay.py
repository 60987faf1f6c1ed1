"""Running an App until it has caught up.

    python -m connectors.replay orders:app [--from 2026-11-24T10:00]

It ends, with status 0, when all that was in the streams at its start is read and committed, and windows that close with
it are published. With `--from` a group that never began does so with the first entry that was added then or later;
given to one that began elsewhere, it is refused and nothing is done. It may be killed at any moment: the same command
goes on.

It is a command of its own since `python -m bytewax.run` takes none of our options, and one of this package since flows
run where the console is not installed.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import redis
import structlog
from bytewax.run import _locate_dataflow, _prepare_import

from connectors.app import App
from connectors.catching_up import CaughtUp, FlowFailed, run_until
from connectors.errors import CannotRebuild, ConnectorError, RedisFailure, translating
from connectors.group_config import GroupConfig
from connectors.group_creation import ensure_group
from connectors.settings import EXIT_SETTINGS, AppSettings
from connectors.start import start
from connectors.stream_id import parse

_log = structlog.get_logger("replay")

EXIT_USAGE = 2
EXIT_STOPPED = 1
"""Asked to stop before it had caught up."""


def replay(app: App, settings: AppSettings, since: datetime | None = None) -> bool:
    """Run `app` until it has caught up with what is in its streams now. Call it from the main thread.

    :arg since: see `App.bind`.
    :returns: False when the process is to stop before that. What is committed stays.
    :raises CannotRebuild: a group began elsewhere than `since` says.
    :raises FlowFailed: the flow ended by itself.
    :raises RedisFailure: Redis did not answer at the start.
    """
    app.bind(settings, since=since)
    groups, service = app.groups, app.service
    if since is not None:
        with service.connect() as client:
            for group in groups:
                begin(client, group)
    return run_until(app, service, CaughtUp(groups, app.counted_in))


def begin(client: redis.Redis, group: GroupConfig) -> None:
    """Let `group` begin at its start, if it did not yet. Blocks for two round trips.

    :raises CannotRebuild: it did, elsewhere.
    :raises RedisFailure: not known whether it began.
    """
    ensure_group(client, group)
    with translating():
        found: list[bytes | None] = client.hmget(group.counters, ["group_start", "last_id"])  # type: ignore[assignment]
    began, committed = (None if one is None else one.decode("utf-8", "replace") for one in found)
    if began != group.start:
        raise CannotRebuild(
            f"group {group.group} of stream {group.stream} began {_place(began)} and has come to "
            f"{committed or 'its first entry'}: it cannot begin {_place(group.start)} any more"
        )


def _place(start: str | None) -> str:
    """An ID where a group began, for people."""
    if start is None:
        return "earlier"
    if start in ("0", "$"):
        return "with the oldest entry" if start == "0" else "with what came then"
    milliseconds, sequence = parse(start.encode())
    if sequence == 2**64 - 1:
        return f"at {datetime.fromtimestamp((milliseconds + 1) / 1000, UTC):%Y-%m-%dT%H:%M:%S.%f}".rstrip("0").rstrip(
            "."
        )
    return f"behind {start}"


# --- as commands


def command(name: str, about: str) -> argparse.ArgumentParser:
    """What `python -m connectors.NAME` takes in any case."""
    parser = argparse.ArgumentParser(f"python -m connectors.{name}", description=about)
    parser.add_argument("app", metavar="MODULE:APP", help="as `python -m bytewax.run` takes it")
    since = "begin with the first entry added at T or later (2026-11-24T10:00, UTC unless it says otherwise)"
    parser.add_argument("--from", dest="since", metavar="T", type=moment, help=since)
    return parser


def moment(text: str) -> datetime:
    """A time of the past, in UTC where it says nothing else.

    :raises argparse.ArgumentTypeError: it is none.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r:.40} is no time such as 2026-11-24T10:00") from None
    found = found if found.tzinfo is not None else found.replace(tzinfo=UTC)
    if found.timestamp() > time.time():
        raise argparse.ArgumentTypeError(f"{text!r:.40} lies in the future")
    return found


def run(place: str, work: Callable[[App, AppSettings], bool]) -> int:
    """The status to end with, when `work` is done with the App at `place`; errors are one line.

    :raises SystemExit: with status 78, after one line for each wrong setting.
    """
    try:
        app = _locate_dataflow(*_prepare_import(place))  # type: ignore[no-untyped-call]
    except (ImportError, AttributeError, RuntimeError, SyntaxError, TypeError, ValueError) as error:
        print(f"{place}: {error}", file=sys.stderr)
        return EXIT_USAGE
    if not isinstance(app, App):
        print(f"{place} is a dataflow, and no App", file=sys.stderr)
        return EXIT_USAGE
    settings = start(app.settings_type, app.flow_id)
    try:
        done = work(app, settings)
    except FlowFailed as error:
        return error.status
    except ConnectorError as error:
        _log.error(str(error))
        return EXIT_STOPPED if isinstance(error, RedisFailure) else EXIT_SETTINGS
    if not done:
        _log.warning("stopped before it had caught up; run the same command to resume")
    return 0 if done else EXIT_STOPPED


def main(arguments: Sequence[str] | None = None) -> int:
    """What `python -m connectors.replay` does; the status to end with."""
    given = command("replay", "Run an App until it has caught up with what is in its streams.").parse_args(arguments)
    return run(given.app, lambda app, settings: replay(app, settings, given.since))


if __name__ == "__main__":
    sys.exit(main())
