"""Receivers: sent or not, with a reason that holds no secret."""

from __future__ import annotations

import logging
import logging.handlers
import subprocess
import sys
import threading

import pytest

from connectors.private_redis import free_port
from connectors.receiver import Message, NotSentError, Receiver
from tests.support.http_receiver import SECRET, HttpReceiver

HELLO = Message("a title", "a body", "warning")


def test_a_message_arrives_as_it_is() -> None:
    with HttpReceiver() as web:
        Receiver(web.url).send(Message("title <b>", "two\nlines & *stars*", "failure"))
        (one,) = web.messages
    assert (one["title"], one["message"], one["type"]) == ("title <b>", "two\nlines & *stars*", "failure")


@pytest.mark.parametrize("status", [301, 400, 404, 429, 500, 503])
def test_what_is_not_taken_is_told_with_the_status(status: int) -> None:
    with HttpReceiver() as web:
        web.status = status
        with pytest.raises(NotSentError, match=str(status)) as caught:
            Receiver(web.url).send(HELLO)
    assert SECRET not in str(caught.value)


def test_nobody_there(capfd: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    shown = logging.handlers.BufferingHandler(1000)
    root.addHandler(shown)
    with pytest.raises(NotSentError, match=r"[Cc]onnection") as caught:
        Receiver(f"json://user:{SECRET}@127.0.0.1:{free_port()}/{SECRET}").send(HELLO)
    assert SECRET not in str(caught.value)
    assert capfd.readouterr() == ("", "")
    root.removeHandler(shown)
    assert shown.buffer == []


def test_a_receiver_that_hangs_costs_no_more_than_the_time_given() -> None:
    with HttpReceiver() as web:
        web.hang.set()
        with pytest.raises(NotSentError, match=r"no answer within 0\.3 s"):
            Receiver(web.url).send(HELLO, seconds=0.3)
        web.hang.clear()


def test_the_parts_of_the_url_are_masked_in_whatever_a_service_says(monkeypatch: pytest.MonkeyPatch) -> None:
    receiver = Receiver("json://user:p%20w%C3%A9rd@host.example/tok/en?+X-Key=header-value")

    def refuse(**_arguments: object) -> bool:
        said = "cannot POST json://user:p%20w%C3%A9rd@host.example/tok: p wérd is wrong\r\n\x1b[2J header-value"
        logging.getLogger("apprise").warning(said)
        return False

    monkeypatch.setattr(receiver._service, "notify", refuse)
    with pytest.raises(NotSentError) as caught:
        receiver.send(HELLO)
    text = str(caught.value)
    assert not [secret for secret in ("p%20", "wérd", "host.example", "header-value", "\x1b") if secret in text]
    assert "is wrong" in text


def test_what_breaks_inside_a_service_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    receiver = Receiver(f"json://127.0.0.1/{SECRET}")

    def broken(**_arguments: object) -> bool:
        raise RuntimeError(f"no idea what {SECRET} is")

    monkeypatch.setattr(receiver._service, "notify", broken)
    with pytest.raises(NotSentError, match=r"RuntimeError: no idea what \*\*\* is"):
        receiver.send(HELLO)


def test_the_logs_of_two_receivers_do_not_mix() -> None:
    with HttpReceiver() as web:
        web.status = 500
        bad, good = Receiver(web.url), Receiver(f"json://127.0.0.1:{free_port()}/")
        found: dict[str, str] = {}

        def send(name: str, receiver: Receiver) -> None:
            for _ in range(20):
                try:
                    receiver.send(HELLO)
                except NotSentError as error:
                    found[name] = found.get(name, "") + str(error)

        threads = [threading.Thread(target=send, args=pair) for pair in (("bad", bad), ("gone", good))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert "500" not in found["gone"]
    assert found["bad"].count("500") == 20
    assert "onnection" not in found["bad"]


@pytest.mark.parametrize(
    "url", ["", "nonsense", "nobody-knows://host", f"discord://{SECRET}", "http://host/path", "json://"]
)
def test_what_is_no_receiver_is_refused_without_being_shown(url: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="no URL of a receiver") as caught:
        Receiver(url)
    assert SECRET not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_apprise_is_not_imported_where_there_is_no_receiver() -> None:
    code = "import flows.alerts, sys; print('apprise' in sys.modules, 'requests' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"
