"""Fixtures of the chaos suite."""

from __future__ import annotations

import random
import shutil
import subprocess
import zlib
from collections.abc import Callable, Iterator
from dataclasses import asdict

import pytest

from connectors.private_redis import PROGRAMS, PrivateRedis
from tests.chaos.harness import FULL, SEED, Chaos
from tests.chaos.table import ROW, Row
from tests.support import users
from tests.support.fault_proxy import FaultProxy
from tests.support.flow_process import FlowProcess


def _versions() -> dict[str, str]:
    """Versions that can be had here -> which program: those in wheels, and the one of the system if it is another."""
    found = {version: version for version in PROGRAMS}
    if shutil.which("redis-server"):
        text = subprocess.run(["redis-server", "--version"], capture_output=True, text=True, check=True).stdout
        version = ".".join(text.split("v=")[1].split()[0].split(".")[:2])
        found.setdefault(version, "system")
    return found


VERSIONS = _versions()


def versions_of(scenario: str) -> list[str]:
    """The versions that a scenario runs on: all at full size, else one, and for the same name always the same."""
    known = sorted(VERSIONS)
    return known if FULL else [known[zlib.crc32(scenario.encode()) % len(known)]]


def every_version(**options: str) -> Callable[[Callable[..., None]], pytest.MarkDecorator]:
    """A decorator: `chaos_server` is a server with `options`, of each version that the test runs on."""

    def mark(test: Callable[..., None]) -> pytest.MarkDecorator:
        servers = [(version, options) for version in versions_of(test.__name__)]
        return pytest.mark.parametrize("chaos_server", servers, indirect=True)(test)

    return mark


@pytest.fixture
def chaos_server(request: pytest.FixtureRequest) -> Iterator[PrivateRedis]:
    """A server of this scenario's own; a parameter `(version, options)` chooses which."""
    version, options = getattr(request, "param", ("8.2", {}))
    with users.SecuredRedis(VERSIONS[version], **options) as server:
        yield server


@pytest.fixture
def chaos(request: pytest.FixtureRequest, chaos_server: PrivateRedis) -> Iterator[Chaos]:
    """A scenario, whose row goes into the table."""
    name = request.node.originalname.removeprefix("test_").replace("_", " ")
    if "step" in getattr(request.node, "callspec", request.node).__dict__.get("params", {}):
        name += f": {request.node.callspec.params['step']}"
    version = next(name for name, program in VERSIONS.items() if program == chaos_server.version)
    row = Row(name, version)
    with FlowProcess.factory(chaos_server.url, users.LOGIN) as factory, chaos_server.client(socket_timeout=30) as raw:
        yield Chaos(chaos_server, raw, factory, row, random.Random(f"{SEED} {request.node.name}"))
    # Travels with the test's reports, also from another process.
    request.node.user_properties.append((ROW, asdict(row)))


@pytest.fixture
def proxy(chaos: Chaos) -> Iterator[FaultProxy]:
    """What the flows of this scenario go through to reach Redis."""
    with FaultProxy(chaos.server.port) as one:
        chaos.url = one.url
        yield one
