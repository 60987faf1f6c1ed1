"""Receivers of messages (chats, mail, webhooks), each given by one URL of the library apprise, which is a secret.

apprise is imported only when there is a receiver: it brings much along. It is never asked to wait or to repeat, since
both are ours to decide; and what it logs goes nowhere but, without secrets, into the reason why something was not sent.
"""

from __future__ import annotations

import logging
import re
import threading
from typing import Any, Literal, NamedTuple
from urllib.parse import unquote

from connectors.errors import ConnectorError
from connectors.text import one_line

SEND_SECONDS = 30.0
"""An attempt that has no answer by then has failed. Its own timeouts are shorter; a receiver may trickle, though."""

Level = Literal["info", "success", "warning", "failure"]

_LIBRARIES = ("apprise", "requests", "requests_oauthlib", "urllib3", "markdown", "charset_normalizer")


class Message(NamedTuple):
    """What is sent: plain text."""

    title: str
    body: str
    level: Level


class NotSentError(ConnectorError):
    """A receiver did not take a message, or not in time. `str()` is one line and holds no secret."""


class Receiver:
    """One receiver. Not thread-safe.

    :arg url: as apprise knows it, such as `discord://id/token` or `json://host/path`. Never shown.
    :raises ValueError: apprise does not know such a URL, or is not there. The message does not hold it.
    """

    def __init__(self, url: str) -> None:
        try:
            import apprise
        except ModuleNotFoundError:
            raise ValueError("needs the package apprise: pip install 'quantum-flows[alerts]'") from None

        self._log = _Captured()
        asset = apprise.AppriseAsset(app_id="quantum-flows", secure_logging=True, service_timeout=0, async_mode=False)
        with self._log:
            service = apprise.Apprise.instantiate(url, asset=asset)
        if service is None:
            raise ValueError("is no URL of a receiver that apprise knows")
        self.name = one_line(service.service_name, 40)
        """Of the service, as in `Discord`: printable, and without a secret."""
        self._service = apprise.Apprise(asset=asset)
        self._service.add(service)
        self._text_format = apprise.NotifyFormat.TEXT
        self._secrets = _secrets(url)

    def send(self, message: Message, seconds: float = SEND_SECONDS) -> None:
        """Send `message`. Blocks for `seconds` at the most; an attempt that takes longer is left to itself.

        :raises NotSentError: not sent, as far as is known: the receiver may have got it and failed to say so.
        """
        outcome: list[str] = []
        thread = threading.Thread(target=self._attempt, args=(message, outcome), name="receiver", daemon=True)
        thread.start()
        thread.join(seconds)
        if not outcome:
            raise NotSentError(f"no answer within {seconds:g} s")
        if outcome[0]:
            raise NotSentError(self._without_secrets(outcome[0]))

    def _attempt(self, message: Message, outcome: list[str]) -> None:
        """Puts why it failed into `outcome`; an empty text when it did not."""
        log = _Captured()
        try:
            with log:
                sent = self._service.notify(
                    body=message.body, title=message.title, notify_type=message.level, body_format=self._text_format
                )
            outcome.append("" if sent else "; ".join(log.lines) or "refused")
        except Exception as error:  # (a plugin that is broken must not end the thread without a word)
            outcome.append(f"{type(error).__name__}: {error}")

    def _without_secrets(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return one_line(text)


def _secrets(url: str) -> list[str]:
    """Every part of `url` that could be secret, longest first: which are, only each service knows."""
    rest = url.partition("://")[2]
    parts = {rest, *re.split(r"[/:@?&=;,+#]+", rest)}
    parts |= {unquote(part) for part in parts}
    return sorted((part for part in parts if len(part) > 2), key=len, reverse=True)


class _Captured(logging.Handler):
    """While entered: the warnings that apprise logs in this thread are kept here, and no log of its libraries is shown.

    Without a handler of its own, Python would print them to standard error, with whatever secret they hold.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []
        self._thread = 0

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self.lines.append(one_line(record.getMessage()))

    def __enter__(self) -> _Captured:
        self._thread = threading.get_ident()
        for name in _LIBRARIES:
            logger = logging.getLogger(name)
            logger.propagate = False
            if not logger.handlers:
                logger.addHandler(logging.NullHandler())
        logging.getLogger("apprise").addHandler(self)
        return self

    def __exit__(self, *_error: Any) -> None:
        logging.getLogger("apprise").removeHandler(self)
