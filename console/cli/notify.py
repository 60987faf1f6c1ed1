"""`quantum notify`: who receives alerts, and whether they can be reached."""

from __future__ import annotations

import socket
import sys
from typing import Annotated

import typer

from connectors.errors import SettingsError
from connectors.settings import EXIT_SETTINGS
from console.terminal.command import EXIT_ACT, AsJson, fail, read_settings, write


def notify(
    test: Annotated[bool, typer.Option("--test", help="Send a test message to each of them.")] = False,
    json: AsJson = False,
) -> None:
    """The receivers of alerts, by number and kind; with --test, whether each of them accepts a message.

    Receivers are those of ALERT_NOTIFY_URLS, ALERT_NOTIFY_URLS_FILE or the systemd credential, as for flows.alerts;
    their URLs are never shown. A message goes straight to its receiver: Redis is not asked, and nothing is written to
    it. A receiver that does not answer has failed after 30 seconds.

    Exit status 0: each did (without --test: there is one). 1: one did not, or there is none. 78: a URL is wrong.

    \b
    quantum notify           who receives alerts
    quantum notify --test    can they be reached?
    """
    from connectors.receiver import NotSentError
    from console.queries.json import dumps, head
    from flows.settings.alerts import AlertsSettings
    from sinks.notifications import trial

    settings = read_settings(AlertsSettings, None)
    try:
        receivers = settings.receivers()
    except SettingsError as error:
        print(error, file=sys.stderr)
        raise SystemExit(EXIT_SETTINGS) from None
    if not receivers and not json:
        fail("no receiver: ALERT_NOTIFY_URLS is not set here", EXIT_ACT)
    message = trial(socket.gethostname(), settings.alert_notify_min_severity)
    rows = []
    for number, receiver in enumerate(receivers, 1):
        taken, failure = None, ""
        if test:
            try:
                receiver.send(message)
                taken = True
            except NotSentError as error:
                taken, failure = False, str(error)
        rows.append({"receiver": str(number), "name": receiver.name, "taken": taken, "failure": failure})
        if not json:
            said = {None: "", True: ": taken", False: f": not taken: {failure}"}[taken]
            write(f"{number} {receiver.name}{said}\n")
    if json:
        write(dumps(head("notify") | {"receivers": rows}))
    if not receivers or any(row["taken"] is False for row in rows):
        raise typer.Exit(EXIT_ACT)
