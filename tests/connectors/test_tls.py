"""A secured Redis, as a flow meets it: TLS, passwords in files, and both replaced while it runs."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from connectors.connection import connect
from connectors.errors import RedisAway, RedisSilent, translate
from connectors.private_redis import PrivateRedis
from connectors.settings import RedisSettings
from tests.support import users
from tests.support.flow_process import FlowProcess
from tests.support.recount import STATUS, processed
from tests.support.tls import TlsProxy
from tests.support.waiting import wait_for

STREAM, USER = "quantum:stream:apply.result", "quantum-p35"
SNAPSHOT = "quantum:p35:decision:counts:1h"
SOON = {"SNAPSHOT_INTERVAL_SEC": "0.3", "STATUS_INTERVAL_SEC": "0.2"}


@pytest.fixture
def raw(server: PrivateRedis, client: redis.Redis) -> Iterator[redis.Redis]:
    """The administrator; what a test does to the users is undone."""
    with server.client(socket_timeout=20) as one:
        yield one
        one.execute_command("ACL", "LOAD")


@pytest.fixture
def proxy(server: PrivateRedis, tmp_path: Path) -> Iterator[TlsProxy]:
    with TlsProxy(server.port, tmp_path) as one:
        yield one


def assert_counts(raw: redis.Redis, flow: FlowProcess) -> None:
    """One more entry is counted, by the flow's own user."""
    goal = processed(raw) + 1
    raw.xadd(STREAM, {"decision": "EXECUTE"})
    wait_for(lambda: processed(raw) >= goal or flow.status is not None, "the count")
    assert flow.status is None, flow.log()
    assert USER in {row["user"] for row in raw.client_list()}


# TLS.


def test_a_flow_counts_over_tls(raw: redis.Redis, proxy: TlsProxy, flows: FlowProcess.Factory) -> None:
    flow = flows(REDIS_URL=proxy.trusting)
    assert_counts(raw, flow)
    assert flow.stop() == 0
    assert "waiting for Redis" not in flow.log()


def test_a_certificate_that_is_not_trusted_is_one_line(
    raw: redis.Redis, proxy: TlsProxy, flows: FlowProcess.Factory
) -> None:
    flow = flows(REDIS_URL=proxy.url(), **SOON)
    wait_for(lambda: "waiting for Redis" in flow.log(), "the line that says so")
    (line,) = [line for line in flow.log().splitlines() if "certificate" in line]
    assert "cause=" in line
    assert "certificate of Redis not accepted" in line
    assert "ssl_ca_certs=" in line
    assert flow.stop() == 0
    assert "Traceback" not in flow.log()
    assert not raw.exists("quantum:p35:status")


def test_a_certificate_for_another_host_is_not_accepted(
    raw: redis.Redis, proxy: TlsProxy, flows: FlowProcess.Factory
) -> None:
    proxy.renew("redis.example.org")
    flow = flows(REDIS_URL=proxy.trusting)
    wait_for(lambda: "certificate of Redis not accepted (IP address mismatch" in flow.log(), "the line that says so")


def test_a_renewed_certificate_is_accepted_at_the_next_connection(
    raw: redis.Redis, proxy: TlsProxy, flows: FlowProcess.Factory
) -> None:
    flow = flows(REDIS_URL=proxy.trusting, **SOON)
    assert_counts(raw, flow)
    proxy.renew("127.0.0.1")
    proxy.hang_up()
    assert_counts(raw, flow)
    assert "certificate" not in flow.log()


def test_a_file_of_authorities_that_is_missing_is_one_line(proxy: TlsProxy, flows: FlowProcess.Factory) -> None:
    flow = flows(REDIS_URL=proxy.url(ssl_ca_certs="/nowhere/authority.pem"))
    wait_for(lambda: "waiting for Redis" in flow.log(), "the line that says so")
    assert "No such file" in flow.log()
    assert flow.stop() == 0
    assert "Traceback" not in flow.log()


def test_tls_is_verified_unless_the_url_says_otherwise(proxy: TlsProxy) -> None:
    def made(url: str) -> redis.SSLConnection:
        return connect(RedisSettings(redis_url=url)).connection_pool.make_connection()

    one = made(proxy.url())
    assert (one.cert_reqs, one.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert made(proxy.url(ssl_cert_reqs="none")).cert_reqs == ssl.CERT_NONE


@contextlib.contextmanager
def answering(answer: Callable[[socket.socket], object]) -> Iterator[int]:
    """A port where each connection gets its first bytes read, then `answer`, and is closed."""

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                one, _ = listener.accept()
                with contextlib.suppress(OSError), one:
                    one.recv(1 << 16)
                    answer(one)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield int(listener.getsockname()[1])
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def refused(url: str, timeout: float | None = None) -> Exception:
    """What a client makes of `url`."""
    with connect(RedisSettings(redis_url=url), timeout=timeout) as client, pytest.raises(redis.RedisError) as caught:
        client.ping()
    return translate(caught.value)


PLAIN = "this port does not seem to speak TLS: if it is a plain one, the URL must begin with redis://"
SECURE = "if this port speaks TLS, the URL must begin with rediss://"


def test_tls_to_a_plain_redis_is_named_as_that(server: PrivateRedis) -> None:
    error = refused(f"rediss://127.0.0.1:{server.port}/0", timeout=1.0)
    assert isinstance(error, RedisSilent)
    assert PLAIN in str(error)


def test_tls_to_a_port_that_answers_something_else_is_named_as_that() -> None:
    with answering(lambda one: one.sendall(b"-ERR Protocol error: unauthenticated bulk length\r\n")) as port:
        error = refused(f"rediss://127.0.0.1:{port}/0")
    assert isinstance(error, RedisAway)
    assert PLAIN in str(error)


@pytest.mark.parametrize("answer", [b"", b"\x15\x03\x01\x00\x02\x02\x46\r\n"], ids=["hangs up", "alert"])
def test_a_plain_connection_to_a_port_that_wants_tls_is_named_as_that(answer: bytes) -> None:
    with answering(lambda one: one.sendall(answer)) as port:
        error = refused(f"redis://127.0.0.1:{port}/0")
    assert isinstance(error, RedisAway)
    assert SECURE in str(error)


def test_a_plain_connection_to_a_server_of_tls_is_named_as_that(proxy: TlsProxy) -> None:
    assert SECURE in str(refused(f"redis://127.0.0.1:{proxy.port}/0"))


@pytest.mark.parametrize(
    "answer",
    [b"-ERR max number of clients reached\r\n", b"-LOADING x\r\n", b"-WRONGPASS x\r\n", b"HTTP/1.1 400\r\n"],
    ids=lambda answer: answer[1:5].decode(),
)
def test_a_port_that_answers_in_plain_text_is_not_asked_for_tls(answer: bytes) -> None:
    with answering(lambda one: one.sendall(answer)) as port:
        assert "TLS" not in str(refused(f"redis://127.0.0.1:{port}/0"))


def test_a_connection_that_breaks_later_is_not_asked_for_tls(server: PrivateRedis) -> None:
    with connect(RedisSettings(redis_url=server.url)) as client, server.client() as other:
        client.ping()
        (one,) = [row for row in other.client_list() if row["name"] == "quantum"]
        pool = client.connection_pool
        connection = pool.get_connection()
        other.client_kill(one["addr"])
        with pytest.raises(redis.ConnectionError) as caught:
            connection.read_response()
        pool.release(connection)
    assert "TLS" not in str(caught.value)


def test_a_password_that_cannot_be_read_is_not_a_matter_of_tls(server: PrivateRedis, tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("word", "utf-8")
    settings = RedisSettings(redis_url=server.url, redis_password_file=path)
    path.unlink()
    with connect(settings) as client, pytest.raises(redis.ConnectionError, match="cannot be read") as caught:
        client.ping()
    assert "TLS" not in str(caught.value)


# Passwords in files.


@pytest.fixture(params=["file", "credential"])
def secret(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """A file for the password, and the environment that names it."""
    if request.param == "file":
        return tmp_path / "secret", {"REDIS_PASSWORD": "", "REDIS_PASSWORD_FILE": str(tmp_path / "secret")}
    return tmp_path / "redis_password", {"REDIS_PASSWORD": "", "CREDENTIALS_DIRECTORY": str(tmp_path)}


Secret = tuple[Path, dict[str, str]]


def test_a_password_in_a_file_opens_an_acl_user(raw: redis.Redis, secret: Secret, flows: FlowProcess.Factory) -> None:
    path, env = secret
    path.write_text(users.password(USER) + "\n", "utf-8")
    assert_counts(raw, flows(**env))


def test_a_password_in_a_file_opens_requirepass(secret: Secret, flows: FlowProcess.Factory) -> None:
    path, env = secret
    path.write_text("word of all\n", "utf-8")
    with PrivateRedis(requirepass="word of all") as locked, locked.client(password="word of all") as raw:
        flows(REDIS_URL=locked.url, REDIS_USERNAME="", **env)
        wait_for(lambda: raw.exists(STREAM), "the flow")


def test_a_replaced_password_is_found_at_the_next_connection(
    raw: redis.Redis, secret: Secret, flows: FlowProcess.Factory
) -> None:
    path, env = secret
    path.write_text(users.password(USER), "utf-8")
    flow = flows(**env, **SOON)
    assert_counts(raw, flow)
    # Redis first: until the file follows, new connections are refused.
    raw.execute_command("ACL", "SETUSER", USER, "resetpass", ">the new one")
    raw.execute_command("CLIENT", "KILL", "USER", USER)
    wait_for(lambda: "Redis refuses the user or password" in flow.log(), "the line that says so")
    path.write_text("the new one\n", "utf-8")
    assert_counts(raw, flow)
    # (Somebody may have read the old password just before.)
    raw.delete(SNAPSHOT)
    raw.hdel(STATUS, "version")
    wait_for(lambda: raw.exists(SNAPSHOT) and raw.hexists(STATUS, "version"), "the end of the outage for all parts")
    # With both passwords valid for a while, nobody notices.
    outages = flow.log().count("waiting for Redis")
    raw.execute_command("ACL", "SETUSER", USER, ">the newest one")
    path.write_text("the newest one\n", "utf-8")
    raw.execute_command("ACL", "SETUSER", USER, "<the new one")
    raw.execute_command("CLIENT", "KILL", "USER", USER)
    assert_counts(raw, flow)
    assert "Redis refuses" not in "".join(flow.log().split("waiting for Redis")[outages + 1 :])


def test_a_password_file_that_goes_missing_is_waited_for(
    raw: redis.Redis, tmp_path: Path, flows: FlowProcess.Factory
) -> None:
    path = tmp_path / "secret"
    path.write_text(users.password(USER), "utf-8")
    flow = flows(REDIS_PASSWORD="", REDIS_PASSWORD_FILE=str(path), **SOON)
    assert_counts(raw, flow)
    path.rename(tmp_path / "aside")
    raw.execute_command("CLIENT", "KILL", "USER", USER)
    wait_for(lambda: "the password cannot be read" in flow.log(), "the line that says so")
    (tmp_path / "aside").rename(path)
    assert_counts(raw, flow)
    assert "Traceback" not in flow.log()
