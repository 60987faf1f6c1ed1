"""What several tests of the connectors need."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest
import redis

from connectors.group_config import GroupConfig
from connectors.private_redis import PrivateRedis
from flows.settings.p35 import P35Settings
from tests.chaos.conftest import VERSIONS
from tests.support.services import CONFIG, DrivenSource, Seen, give_up_all, service

Start = Callable[..., DrivenSource]


@pytest.fixture
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the tester's own."""
    for name in list(os.environ):
        if name.upper() in {*(field.upper() for field in P35Settings.model_fields), "CREDENTIALS_DIRECTORY"}:
            monkeypatch.delenv(name)


@pytest.fixture
def seen() -> Seen:
    """What the sources of a test tell of."""
    return Seen()


@pytest.fixture
def raw(server: PrivateRedis, client: redis.Redis) -> Iterator[redis.Redis]:
    """A client on the same empty Redis as `client`; replies are bytes."""
    with server.client() as one:
        yield one


@pytest.fixture(scope="module", params=VERSIONS)
def versioned(request: pytest.FixtureRequest) -> Iterator[PrivateRedis]:
    """A server of each version that can be had."""
    with PrivateRedis(VERSIONS[request.param]) as one:
        yield one


@pytest.fixture(autouse=True)
def no_source_outlives_its_test() -> Iterator[None]:
    """Give up all that a test has started."""
    yield
    give_up_all()


@pytest.fixture
def start(server: PrivateRedis, raw: redis.Redis, seen: Seen) -> Start:
    """Starts sources on the Redis of the test."""

    def one(worker: int = 0, config: GroupConfig = CONFIG, **limits: float) -> DrivenSource:
        return DrivenSource(service(server.url, seen), worker, config, **limits)

    return one
