"""One Redis with planted decisions, and one server over it, for all tests here that change neither."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis
from playwright.sync_api import Browser

from tests.support import users
from tests.support.browser import browser
from tests.support.web import WebServer, plant_world


@pytest.fixture(scope="package")
def planted() -> Iterator[users.SecuredRedis]:
    with users.SecuredRedis() as private, private.client(decode_responses=True) as client:
        plant_world(client)
        yield private


@pytest.fixture(scope="package")
def web(planted: users.SecuredRedis) -> Iterator[WebServer]:
    with WebServer(planted.url) as server:
        yield server


@pytest.fixture
def raw(planted: users.SecuredRedis) -> Iterator[redis.Redis]:
    with planted.client(decode_responses=True) as client:
        yield client


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    # (Of a module and no longer: while it lives, nothing else in its thread can run an event loop.)
    with browser() as started:
        yield started
