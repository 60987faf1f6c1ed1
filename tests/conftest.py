"""What all tests share: a real Redis that the tests start themselves, and flows as real processes."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Iterator

import hypothesis
import pytest
import redis

from connectors.private_redis import PrivateRedis
from tests.chaos.table import pytest_terminal_summary as pytest_terminal_summary
from tests.support import users
from tests.support.flow_process import FlowProcess

# The same examples each time: what passes once passes again. New ones are looked for by `make properties`.
# No deadline for an example: a busy machine is no failure.
hypothesis.settings.register_profile("quick", deadline=None, max_examples=50, derandomize=True)
hypothesis.settings.register_profile("search", deadline=None, max_examples=2_000)
hypothesis.settings.load_profile("quick")


# Ctrl-C ends what the tests start, even when they were started in the background, where a shell has it ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)

# One seed for all processes of a test run.
os.environ.setdefault("CHAOS_SEED", str(random.SystemRandom().randrange(10**9)))


@pytest.fixture(scope="session")
def server() -> Iterator[PrivateRedis]:
    """One private server for a session, with the users that are delivered."""
    with users.SecuredRedis() as private:
        yield private


@pytest.fixture
def client(server: PrivateRedis) -> Iterator[redis.Redis]:
    """A client on an empty private Redis; replies are text."""
    with server.client(decode_responses=True, socket_timeout=10) as one:
        one.flushall()
        yield one


@pytest.fixture
def flows(server: PrivateRedis) -> Iterator[FlowProcess.Factory]:
    """Starts flows as processes on the private Redis, each as its own user; none outlives its test."""
    with FlowProcess.factory(server.url, users.LOGIN) as factory:
        yield factory
