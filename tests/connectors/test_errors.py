"""What Redis and redis-py say, as errors to decide by."""

from __future__ import annotations

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from connectors import errors
from connectors.errors import (
    TRANSIENT,
    ConnectorError,
    NoGroup,
    NoScript,
    RedisAway,
    RedisDenied,
    RedisFailure,
    RedisFull,
    RedisReadOnly,
    RedisSilent,
    SettingsError,
    UnexpectedReply,
    WrongType,
    translate,
)

RAISED: list[tuple[Exception, type[RedisFailure]]] = [
    (redis.exceptions.ConnectionError("Error 111 connecting to x:1. Connection refused."), RedisAway),
    (redis.exceptions.TimeoutError("Timeout reading from socket"), RedisSilent),
    (redis.exceptions.BusyLoadingError("Redis is loading the dataset in memory"), RedisAway),
    (ConnectionResetError("reset"), RedisAway),
    (TimeoutError(), RedisSilent),
    (OSError(113, "No route to host"), RedisAway),
    (redis.exceptions.ReadOnlyError("You can't write against a read only replica."), RedisReadOnly),
    (redis.exceptions.OutOfMemoryError("command not allowed when used memory > 'maxmemory'."), RedisFull),
    (redis.exceptions.AuthenticationError("invalid username-password pair"), RedisDenied),
    (redis.exceptions.AuthorizationError("x"), RedisDenied),
    (redis.exceptions.NoPermissionError("this user has no permissions to run the 'xack' command"), RedisDenied),
    (redis.exceptions.NoScriptError("No matching script."), NoScript),
    (redis.exceptions.ResponseError("WRONGPASS invalid username-password pair"), RedisDenied),
    (redis.exceptions.ResponseError("NOAUTH Authentication required."), RedisDenied),
    (redis.exceptions.ResponseError("WRONGTYPE Operation against a key holding the wrong kind of value"), WrongType),
    (redis.exceptions.ResponseError("NOGROUP No such key 's' or consumer group 'g'"), NoGroup),
    (redis.exceptions.ResponseError("The XGROUP subcommand requires the key to exist."), NoGroup),
    (redis.exceptions.ResponseError("no such key"), NoGroup),
    (redis.exceptions.ResponseError("CLUSTERDOWN The cluster is down"), RedisAway),
    (redis.exceptions.ResponseError("MASTERDOWN Link with MASTER is down"), RedisAway),
    (redis.exceptions.ResponseError("BUSY Redis is busy running a script."), RedisAway),
    (redis.exceptions.ResponseError("NOREPLICAS Not enough good replicas to write."), RedisAway),
    (redis.exceptions.ResponseError("MISCONF Redis is configured to save RDB snapshots"), RedisAway),
    (redis.exceptions.ResponseError("LOADING Redis is loading the dataset in memory"), RedisAway),
    (redis.exceptions.ResponseError("ERR Error running script: @user_script:1: OOM command not allowed"), RedisFull),
    (redis.exceptions.ResponseError("ERR Error running script: -READONLY You can't write"), RedisReadOnly),
    (redis.exceptions.ResponseError("ERR Error running script: WRONGTYPE Operation against a key"), WrongType),
    (redis.exceptions.ResponseError("ERR NOPERM this user has no permissions"), RedisDenied),
    (redis.exceptions.ResponseError("ERR Error running script: -NOREPLICAS Not enough good replicas"), RedisAway),
    (redis.exceptions.MovedError("3999 127.0.0.1:6381"), RedisAway),
    (redis.exceptions.InvalidResponse("Protocol Error: b'HTTP/1.1 400'"), RedisAway),
    (redis.exceptions.ResponseError("ERR unknown command"), UnexpectedReply),
    (redis.exceptions.ResponseError("BUSYGROUP Consumer Group name already exists"), UnexpectedReply),
    (redis.exceptions.DataError("Invalid input of type: 'NoneType'"), UnexpectedReply),
]


@pytest.mark.parametrize(("raised", "kind"), RAISED, ids=lambda one: str(one)[:40])
def test_each_failure_has_its_place_in_the_tree(raised: Exception, kind: type[RedisFailure]) -> None:
    error = translate(raised)
    assert type(error) is kind
    assert str(error)
    assert str(error).isprintable()


def test_an_error_of_the_tree_stays_what_it_is() -> None:
    error = NoGroup("gone")
    assert translate(error) is error


def test_all_errors_have_one_root_and_settings_are_no_redis_error() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    assert {NoGroup, RedisFull, SettingsError} < set(kinds)
    assert all(issubclass(kind, ConnectorError) for kind in kinds)
    assert not issubclass(SettingsError, RedisFailure)


def test_only_what_passes_by_itself_is_transient() -> None:
    assert set(TRANSIENT) == {RedisAway, RedisReadOnly, RedisFull}
    for kind in (RedisDenied, WrongType, NoGroup, NoScript, UnexpectedReply):
        assert not issubclass(kind, TRANSIENT)


def test_what_a_real_redis_says_is_understood(client: redis.Redis) -> None:
    client.set("text", "x")
    client.xadd("stream", {"f": "v"})
    script = "return redis.call('HINCRBY', 'text', 'f', 1)"
    calls = {
        WrongType: [lambda: client.hset("text", "f", "v"), lambda: client.eval(script, 1, "text")],
        NoGroup: [
            lambda: client.xreadgroup("g", "c", {"stream": ">"}),
            lambda: client.xinfo_groups("missing"),
            lambda: client.xpending("stream", "g"),
            lambda: client.xgroup_create("missing", "g"),
        ],
        NoScript: [lambda: client.evalsha("0" * 40, 0)],
        UnexpectedReply: [lambda: client.execute_command("NOSUCHCOMMAND")],
    }
    for kind, wrong in calls.items():
        for call in wrong:
            with pytest.raises(redis.RedisError) as caught:
                call()
            assert type(translate(caught.value)) is kind, str(caught.value)


def test_a_refused_connection_is_redis_being_away() -> None:
    with redis.Redis(host="127.0.0.1", port=1, retry=None) as nobody, pytest.raises(redis.RedisError) as caught:
        nobody.ping()
    assert type(translate(caught.value)) is RedisAway


@given(st.text())
def test_any_reply_becomes_one_printable_line(text: str) -> None:
    for kind in (redis.exceptions.ResponseError, redis.exceptions.ConnectionError, OSError):
        line = str(translate(kind(text)))
        assert line.isprintable()
        assert len(line) <= 400
